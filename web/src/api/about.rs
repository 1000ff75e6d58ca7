//! What this instance is.

use shared::api::{
    overview::{About, LoginHint},
    paths,
};

use super::{Answer, get};

pub async fn about() -> Answer<About> {
    get(paths::ABOUT).await
}

pub async fn login_hint() -> Answer<LoginHint> {
    get(paths::LOGIN_HINT).await
}
