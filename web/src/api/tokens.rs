//! API tokens.

use shared::api::{TokenRequest, TokenView, paths};

use super::{Call, delete, get, path, post};

pub fn tokens() -> Call<Vec<TokenView>> {
    get(paths::TOKENS)
}

/// The answer alone holds the secret.
pub fn make_token(name: String) -> Call<TokenView> {
    post(paths::TOKENS, &TokenRequest { name })
}

pub fn revoke_token(name: &str) -> Call<()> {
    delete(&path(paths::TOKEN, &[&name]), None)
}
