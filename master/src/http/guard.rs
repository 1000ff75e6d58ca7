//! The door: nothing but login, health and the console's own files answers without a
//! credential, unknown paths and methods included.

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use shared::api::{BASE, CSRF_HEADER, SESSION_COOKIE, paths};

use tokio::time::interval;

use super::{
    App,
    failure::{Answer, Failure},
    output_live::HEARTBEAT,
};
use crate::auth::{self, Caller};

/// Who a path is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Door {
    /// Anybody.
    Open,
    /// People and programs: a session or a token.
    People,
    /// A node's agent.
    Agents,
}

/// By the path as it was sent: one that is written otherwise matches no open route either.
fn door(path: &str) -> Door {
    match path {
        "/healthz" | "/readyz" => Door::Open,
        _ => match path.strip_prefix(BASE) {
            Some(paths::LOGIN | paths::LOGIN_HINT) => Door::Open,
            Some(paths::REPORTS) => Door::Agents,
            _ => Door::People,
        },
    }
}

/// Lets a request through with its [`Caller`], or answers 401.
pub async fn guard(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let (method, path, headers) = (request.method(), request.uri().path(), request.headers());
    let admitted = match door(path) {
        // Nobody can log in before the console's own files are there.
        Door::People if app.config.console.takes(method, path, headers) => return next.run(request).await,
        Door::Open => return next.run(request).await,
        Door::People => person(&app, method, headers),
        Door::Agents => agent(&app, headers),
    };
    match admitted {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(failure) => {
            app.counts.refused.inc();
            failure.into_response()
        }
    }
}

fn person(app: &App, method: &Method, headers: &HeaderMap) -> Answer<Caller> {
    let Some(proof) = Proof::of(headers) else {
        return Err(Failure::unauthenticated("this needs a credential")
            .hint("send `authorization: Bearer <token>`, or log in"));
    };
    let caller = proof.caller(app)?;
    check_csrf(&caller, method, headers)?;
    Ok(caller)
}

/// With what a person or a program proves who it is.
pub enum Proof {
    Token(String),
    Session(String),
}

impl Proof {
    fn of(headers: &HeaderMap) -> Option<Proof> {
        if let Some(secret) = bearer(headers) {
            return Some(Proof::Token(secret.to_owned()));
        }
        session(headers).map(|secret| Proof::Session(secret.to_owned()))
    }

    fn caller(&self, app: &App) -> Answer<Caller> {
        match self {
            Proof::Token(secret) => app.accounts.by_token(secret)?.ok_or_else(|| {
                Failure::unauthenticated("this token is not known: it is wrong or was revoked")
                    .hint("make one with `POST /api/v1/tokens`, or log in")
            }),
            Proof::Session(secret) => app
                .accounts
                .by_session(secret)?
                .ok_or_else(|| Failure::unauthenticated("the session has ended").hint("log in again")),
        }
    }

    /// Returns once it proves nothing any more: the token was revoked, the session has ended,
    /// the user is gone. For answers that go on after the door was passed.
    pub async fn ended(self, app: &App) {
        let accounts = app.accounts.followed();
        // A session also ends by its time, of which no mirror tells.
        let mut beats = interval(HEARTBEAT);
        loop {
            if matches!(self.caller(app), Err(failure) if failure.status == StatusCode::UNAUTHORIZED) {
                return;
            }
            tokio::select! {
                () = accounts.changed() => {}
                _ = beats.tick() => {}
            }
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Proof {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Answer<Proof> {
        Proof::of(&parts.headers).ok_or_else(|| Failure::unauthenticated("this needs a credential"))
    }
}

/// A browser sends the cookie by itself; only our own pages can also send the header.
fn check_csrf(caller: &Caller, method: &Method, headers: &HeaderMap) -> Answer<()> {
    let Caller::Session { csrf, .. } = caller else {
        return Ok(());
    };
    if method.is_safe() {
        return Ok(());
    }
    let sent = headers
        .get(CSRF_HEADER)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    if auth::same(sent, csrf) {
        return Ok(());
    }
    Err(Failure::forbidden(format!(
        "a change with a session needs the header `{CSRF_HEADER}`"
    ))
    .hint("its value is the `csrf` of the login's answer and of `GET /api/v1/whoami`"))
}

fn agent(app: &App, headers: &HeaderMap) -> Answer<Caller> {
    let Some(secret) = bearer(headers) else {
        return Err(Failure::unauthenticated("this needs an agent's credential"));
    };
    let caller = app.accounts.by_credential(secret)?;
    caller.ok_or_else(|| {
        Failure::unauthenticated("no node has this credential")
            .hint("the agent writes it into the store when it registers")
    })
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, secret) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(secret.trim())
}

fn session(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|v| v.to_str().ok());
    let mut pairs = cookies
        .flat_map(|v| v.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs
        .find(|(name, _)| *name == SESSION_COOKIE)
        .map(|(_, secret)| secret)
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Answer<Caller> {
        // The guard put it there; a route that it does not cover must not answer.
        let caller = parts.extensions.get::<Caller>().cloned();
        caller.ok_or_else(|| Failure::unauthenticated("this needs a credential"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_open_paths_are_open() {
        for (path, expected) in [
            ("/healthz", Door::Open),
            ("/readyz", Door::Open),
            ("/api/v1/login", Door::Open),
            ("/api/v1/login/hint", Door::Open),
            ("/api/v1/login/", Door::People),
            ("/api/v1//login", Door::People),
            ("/api/v1/%6cogin", Door::People),
            ("/metrics", Door::People),
            ("/api/v1/openapi.json", Door::People),
            ("/api/v1/agent/reports", Door::Agents),
            ("/nothing", Door::People),
        ] {
            assert_eq!(door(path), expected, "{path}");
        }
    }

    #[test]
    fn credentials_are_found_in_headers() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, "a=b; gnomon_session=s3cret; c=d".parse().unwrap());
        assert_eq!(session(&headers), Some("s3cret"));
        assert_eq!(bearer(&headers), None);
        headers.insert(header::AUTHORIZATION, "bearer gnomon_x".parse().unwrap());
        assert_eq!(bearer(&headers), Some("gnomon_x"));
    }
}
