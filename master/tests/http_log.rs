//! What never reaches a log. A process of its own: who listens to tracing is global.

#![allow(clippy::unwrap_used, reason = "tests")]

#[allow(dead_code, reason = "only some of it is needed here")]
#[path = "http/api.rs"]
mod api;
#[allow(dead_code, reason = "only some of it is needed here")]
#[path = "http/hold.rs"]
mod hold;

use std::{
    io,
    sync::{Arc, Mutex},
};

use api::{Api, call};
use axum::http::Method;
use serde_json::json;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_secret_reaches_the_log() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let api = Api::start().await;
    let session = api.login().await;
    let token = api.post("/tokens", json!({"name": "ci"})).await;
    api.send(call(Method::POST, "/login").json(json!({"user": "admin", "password": "wr0ng-passw0rd"})))
        .await
        .fails(401, "unauthenticated");
    api.send(call(Method::GET, "/jobs").header("authorization", "Bearer gnomon_n0body"))
        .await
        .fails(401, "unauthenticated");
    let change = json!({"current": api.password, "new": "an0ther-passw0rd"});
    assert_eq!(
        api.send(session.over(Method::POST, "/password").json(change))
            .await
            .status,
        204
    );
    api.client.cut();
    api.post("/tokens", json!({"name": "more"}))
        .await
        .fails(503, "unavailable");

    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for expected in [
        "a token was made",
        "a login failed",
        "the store does not answer",
        "answered",
    ] {
        assert!(text.contains(expected), "{expected} is not in\n{text}");
    }
    let cookie = session.cookie.split_once('=').unwrap().1;
    let secrets = [
        api.password.as_str(),
        api.token.as_str(),
        token.value["secret"].as_str().unwrap(),
        cookie,
        session.csrf.as_str(),
        "wr0ng-passw0rd",
        "an0ther-passw0rd",
        "gnomon_n0body",
        "$argon2",
    ];
    for secret in secrets {
        assert!(!text.contains(secret), "{secret} is in the log");
    }
}
