//! What this instance is.

use shared::api::{
    overview::{About, LoginHint},
    paths,
};

use super::{Call, get};

pub fn about() -> Call<About> {
    get(paths::ABOUT)
}

pub fn login_hint() -> Call<LoginHint> {
    get(paths::LOGIN_HINT)
}
