//! API tokens.

use shared::api::{TokenRequest, TokenView, paths};

use super::{Answer, delete, get, path, post};

pub async fn tokens() -> Answer<Vec<TokenView>> {
    get(paths::TOKENS).await
}

/// The answer alone holds the secret.
pub async fn make_token(name: String) -> Answer<TokenView> {
    post(paths::TOKENS, &TokenRequest { name }).await
}

pub async fn revoke_token(name: &str) -> Answer<()> {
    delete(&path(paths::TOKEN, &[&name]), None).await
}
