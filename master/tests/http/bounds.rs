//! The bounds of the server, held by calls that go wrong.

use std::{sync::Arc, time::Duration};

use axum::{Router, http::Method, routing::get};
use master::http::{App, guarded};
use tokio::sync::Notify;

use crate::api::{Api, call};

/// The tests' instance with calls that misbehave.
async fn misbehaving(open: Arc<Notify>) -> Api {
    let mut api = Api::start().await;
    let wait = move || {
        let open = open.clone();
        async move { open.notified().await }
    };
    let router = Router::<App>::new()
        .route("/panic", get(async || -> &'static str { panic!("on purpose") }))
        .route(
            "/never",
            get(async || std::future::pending::<&'static str>().await),
        )
        .route("/wait", get(wait))
        .route("/healthz", get(async || "ok"));
    api.router = guarded(router, api.app.clone());
    api
}

#[tokio::test]
async fn a_panic_is_an_answer() {
    let api = misbehaving(Arc::default()).await;
    let answer = api.get("//panic").await;
    assert!(
        !answer.fails(500, "internal").contains("on purpose"),
        "what happened is for the log"
    );
    assert_eq!(api.send(call(Method::GET, "//healthz")).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_takes_too_long_is_ended() {
    let api = misbehaving(Arc::default()).await;
    let began = tokio::time::Instant::now();
    assert!(
        api.get("//never")
            .await
            .fails(503, "unavailable")
            .contains("longer than 30s")
    );
    assert_eq!(began.elapsed().as_secs(), 30);
}

#[tokio::test]
async fn no_more_requests_are_worked_on_than_there_are_seats() {
    let open = Arc::new(Notify::new());
    let api = Arc::new(misbehaving(open.clone()).await);
    let mut waiting = Vec::new();
    for _ in 0..512 {
        let api = api.clone();
        waiting.push(tokio::spawn(async move { api.get("//wait").await.status }));
    }
    tokio::time::timeout(Duration::from_secs(10), async {
        while api.app.gates.requests.taken() < 512 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("all have a seat");
    let answer = api.get("//wait").await;
    answer.fails(429, "too_many");
    assert_eq!(answer.headers["retry-after"], "1");
    assert_eq!(
        api.send(call(Method::GET, "//healthz")).await.status,
        200,
        "health has a seat of its own"
    );
    open.notify_waiters();
    for one in waiting {
        assert_eq!(one.await.unwrap(), 200);
    }
    assert_eq!(api.app.gates.requests.taken(), 0);
}
