//! The console's files, and what stays closed beside them.

use axum::http::Method;
use master::http::{Console, File};

use crate::api::{Answer, Api, call};

static FILES: [File; 2] = [
    File {
        path: "index.html",
        plain: b"<!doctype html>page",
        brotli: b"page in brotli",
        gzip: b"page in gzip",
    },
    File {
        path: "assets/console-0123.wasm",
        plain: b"\0asm",
        brotli: b"asm in brotli",
        gzip: b"asm in gzip",
    },
];

async fn api() -> Api {
    Api::with_console(Console::of(&FILES)).await
}

async fn browse(api: &Api, path: &str) -> Answer {
    let request = call(Method::GET, path).header("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
    api.send(request).await
}

#[tokio::test]
async fn every_view_is_the_one_page_and_needs_no_credential() {
    let api = api().await;
    for path in [
        "//",
        "//index.html",
        "//jobs",
        "//jobs/team/backup.daily",
        "//nodes/web-1.example.org",
        "//apiary",
        "//nothing?filter=x",
    ] {
        let answer = browse(&api, path).await;
        assert_eq!(
            (answer.status, answer.text().as_str()),
            (200, "<!doctype html>page"),
            "{path}"
        );
        assert_eq!(answer.headers["cache-control"], "no-cache");
        assert_eq!(answer.headers["content-type"], "text/html; charset=utf-8");
    }
}

#[tokio::test]
async fn nothing_else_is_opened_by_it() {
    let api = api().await;
    for path in [
        "//metrics",
        "/jobs",
        "/nothing",
        "//api",
        "//api/",
        "//api/v2/jobs",
        "////jobs",
        "//jobs.php",
    ] {
        let answer = browse(&api, path).await;
        answer.fails(401, "unauthenticated");
    }
    // A missing file of an older console is not a page.
    browse(&api, "//assets/console-gone.js")
        .await
        .fails(401, "unauthenticated");
    // A program that asks for no page is told what it lacks.
    api.send(call(Method::GET, "//jobs"))
        .await
        .fails(401, "unauthenticated");
    for method in [Method::POST, Method::PUT, Method::DELETE] {
        let request = call(method, "//").header("accept", "text/html");
        api.send(request).await.fails(401, "unauthenticated");
    }
    api.get("/nothing").await.fails(404, "not_found");
    api.get("//nothing").await.fails(404, "not_found");
}

#[tokio::test]
async fn the_smallest_form_is_sent_that_the_browser_takes() {
    let api = api().await;
    for (accepted, encoding, body) in [
        ("gzip, deflate, br, zstd", Some("br"), "asm in brotli"),
        ("gzip, br;q=0", Some("gzip"), "asm in gzip"),
        ("BR;q=0.1", Some("br"), "asm in brotli"),
        ("*", None, "\0asm"),
        ("", None, "\0asm"),
    ] {
        let request = call(Method::GET, "//assets/console-0123.wasm").header("accept-encoding", accepted);
        let answer = api.send(request).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, body), "{accepted}");
        let sent = answer
            .headers
            .get("content-encoding")
            .map(|v| v.to_str().unwrap());
        assert_eq!(sent, encoding, "{accepted}");
        assert_eq!(answer.headers["content-type"], "application/wasm");
        assert_eq!(
            answer.headers["cache-control"],
            "public, max-age=31536000, immutable"
        );
        assert_eq!(answer.headers["vary"], "accept-encoding");
    }
}

#[tokio::test]
async fn what_the_browser_has_is_not_sent_again() {
    let api = api().await;
    let mut tags = std::collections::BTreeSet::new();
    for path in ["//", "//assets/console-0123.wasm"] {
        for encoding in ["br", "gzip", ""] {
            let ask = || call(Method::GET, path).header("accept-encoding", encoding);
            let tag = api.send(ask()).await.headers["etag"].to_str().unwrap().to_owned();
            let again = api
                .send(ask().header("if-none-match", &format!("\"x\", W/{tag}")))
                .await;
            assert_eq!((again.status, again.text().as_str()), (304, ""));
            assert_eq!(again.headers["etag"], *tag);
            assert!(again.headers.contains_key("cache-control"));
            let other = api.send(ask().header("if-none-match", "\"x\"")).await;
            assert_eq!(other.status, 200);
            tags.insert(tag);
        }
    }
    assert_eq!(tags.len(), 6, "{tags:?}");
}

#[tokio::test]
async fn asking_for_the_head_gives_the_length_and_no_body() {
    let api = api().await;
    let answer = api.send(call(Method::HEAD, "//")).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, ""));
    assert_eq!(answer.headers["content-length"], "19");
}

#[tokio::test]
async fn the_page_runs_nothing_that_is_not_ours() {
    let api = api().await;
    let answer = browse(&api, "//").await;
    let policy = answer.headers["content-security-policy"].to_str().unwrap();
    for rule in [
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "style-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ] {
        assert!(policy.split("; ").any(|r| r == rule), "{rule} is not in {policy}");
    }
    assert!(
        !policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"),
        "{policy}"
    );
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        assert_eq!(answer.headers[name], value);
    }
}

#[tokio::test]
async fn a_binary_without_it_says_how_to_build_it() {
    let api = Api::start().await;
    for path in ["//", "//jobs"] {
        let answer = browse(&api, path).await;
        assert_eq!(answer.status, 404);
        assert!(answer.text().contains("`make console`"), "{}", answer.text());
    }
}
