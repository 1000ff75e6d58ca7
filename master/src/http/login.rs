//! Logging in and out, who one is, and one's password.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::{
    Json,
    extract::{ConnectInfo, FromRequestParts, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
};
use shared::api::{
    ChangePassword, Login, SESSION_COOKIE, WhoAmI,
    overview::{LoginHint, ShownBy},
    paths,
};

use super::{
    App,
    extract::{JsonBody, json},
    failure::{Answer, Failure},
    limits::LOGIN_BYTES_MAX,
};
use crate::auth::{Caller, SESSION_LIFE};

/// Where a request comes from; loopback where no connection says so (in tests).
pub struct From(pub IpAddr);

impl<S: Send + Sync> FromRequestParts<S> for From {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Answer<From> {
        let address = parts
            .extensions
            .get::<ConnectInfo<SocketAddr>>()
            .map(|info| info.0.ip());
        Ok(From(address.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))))
    }
}

/// Log in: sets the session's cookie, and answers with what writes need beside it.
#[utoipa::path(post, path = paths::LOGIN, tag = "session", request_body = Login, security(()),
    responses((status = 200, body = WhoAmI), Failure))]
pub async fn login(
    State(app): State<App>,
    from: From,
    request: Request,
) -> Answer<(HeaderMap, Json<WhoAmI>)> {
    let login: Login = json(request, LOGIN_BYTES_MAX, false).await?;
    let made = app.accounts.login(&login, from.0).await.inspect_err(|e| {
        app.counts.logins_failed.inc();
        tracing::info!(address = %from.0, error = %e, "a login failed");
    })?;
    let cookie = cookie(&app, &made.secret, SESSION_LIFE.as_secs())?;
    let who = WhoAmI {
        user: made.user.to_string(),
        token: None,
        csrf: Some(made.csrf),
    };
    Ok((cookie, Json(who)))
}

/// What somebody who logs in for the first time needs to know: whether the first user's
/// password is still the one that was shown at the first start, and where that was. It
/// tells no secret and needs no credential.
#[utoipa::path(get, path = paths::LOGIN_HINT, tag = "session", security(()),
    responses((status = 200, body = LoginHint), Failure))]
pub async fn hint(State(app): State<App>) -> Json<LoginHint> {
    let shown_by = match app.config.store_kind.as_str() {
        "embedded" => ShownBy::Standalone,
        _ => ShownBy::Master,
    };
    Json(LoginHint {
        first_user: app.accounts.first_user().map(|user| user.to_string()),
        shown_by,
    })
}

/// End the session.
#[utoipa::path(post, path = paths::LOGOUT, tag = "session", responses((status = 204), Failure))]
pub async fn logout(State(app): State<App>, caller: Caller) -> Answer<(StatusCode, HeaderMap)> {
    app.accounts.logout(&caller).await?;
    Ok((StatusCode::NO_CONTENT, cookie(&app, "", 0)?))
}

/// Who this credential is.
#[utoipa::path(get, path = paths::WHOAMI, tag = "session", responses((status = 200, body = WhoAmI), Failure))]
pub async fn whoami(caller: Caller) -> Json<WhoAmI> {
    let user = caller.user().map(ToString::to_string).unwrap_or_default();
    Json(match caller {
        Caller::Token { token, .. } => WhoAmI {
            user,
            token: Some(token.to_string()),
            csrf: None,
        },
        Caller::Session { csrf, .. } => WhoAmI {
            user,
            token: None,
            csrf: Some(csrf),
        },
        Caller::Agent { .. } => WhoAmI {
            user,
            token: None,
            csrf: None,
        },
    })
}

/// Change one's own password. All other sessions end.
#[utoipa::path(post, path = paths::PASSWORD, tag = "session", request_body = ChangePassword,
    responses((status = 204), Failure))]
pub async fn password(
    State(app): State<App>,
    caller: Caller,
    from: From,
    JsonBody(change): JsonBody<ChangePassword>,
) -> Answer<StatusCode> {
    app.accounts
        .change_password(&caller, &change, from.0)
        .await
        .map_err(|e| match e {
            // The caller is known: it is the field that is wrong.
            crate::auth::AuthError::WrongPassword => {
                Failure::invalid("the current password is wrong").field("current")
            }
            crate::auth::AuthError::Invalid(why) => Failure::invalid(why).field("new"),
            other => other.into(),
        })?;
    Ok(StatusCode::NO_CONTENT)
}

fn cookie(app: &App, secret: &str, life_secs: u64) -> Answer<HeaderMap> {
    let secure = if app.config.is_tls { "; Secure" } else { "" };
    let cookie =
        format!("{SESSION_COOKIE}={secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age={life_secs}{secure}");
    let mut value = HeaderValue::try_from(cookie).map_err(|e| Failure::internal(&e))?;
    value.set_sensitive(true);
    Ok([(header::SET_COOKIE, value)].into_iter().collect())
}
