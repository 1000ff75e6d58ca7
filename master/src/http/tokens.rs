//! API tokens.

use axum::{Json, extract::State, http::StatusCode};
use shared::{
    api::{TokenRequest, TokenView, paths},
    id::TokenName,
};

use super::{
    App,
    extract::{JsonBody, Part},
    failure::{Answer, Failure},
};
use crate::auth::Caller;

/// All tokens, without their secrets.
#[utoipa::path(get, path = paths::TOKENS, tag = "tokens", responses((status = 200, body = Vec<TokenView>), Failure))]
pub async fn list(State(app): State<App>) -> Json<Vec<TokenView>> {
    Json(app.accounts.tokens())
}

/// Make a token. Its secret is in this answer and never again.
#[utoipa::path(post, path = paths::TOKENS, tag = "tokens", request_body = TokenRequest,
    responses((status = 201, body = TokenView), Failure))]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    JsonBody(request): JsonBody<TokenRequest>,
) -> Answer<(StatusCode, Json<TokenView>)> {
    let name: TokenName = request
        .name
        .parse()
        .map_err(|e: String| Failure::invalid(e).field("name"))?;
    let token = app.accounts.create_token(&caller, name).await?;
    tracing::info!(token = token.name, by = caller.name(), "a token was made");
    Ok((StatusCode::CREATED, Json(token)))
}

/// Revoke a token, at every master.
#[utoipa::path(delete, path = paths::TOKEN, tag = "tokens", params(("name" = String, Path)),
    responses((status = 204), Failure))]
pub async fn revoke(
    State(app): State<App>,
    caller: Caller,
    Part(name): Part<TokenName>,
) -> Answer<StatusCode> {
    tracing::info!(token = %name, by = caller.name(), "a token is revoked");
    app.accounts.revoke_token(name).await?;
    Ok(StatusCode::NO_CONTENT)
}
