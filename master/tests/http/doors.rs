//! Nothing answers without a credential; every error has the same form.

use axum::http::Method;
use serde_json::json;

use crate::api::{Api, call};

/// Every call in the description, with `{}` parts filled.
fn calls() -> Vec<(Method, String)> {
    let document = serde_json::to_value(master::http::description()).unwrap();
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            if let Ok(method) = method.to_uppercase().parse::<Method>() {
                let path = path.replace("{id}", "01HV5TQ4WM0000000000000001");
                let path = path.replace(['{', '}'], "");
                all.push((method, format!("/{path}")));
            }
        }
    }
    all
}

#[tokio::test]
async fn every_call_asks_for_a_credential() {
    let api = Api::start().await;
    let calls = calls();
    assert!(calls.len() >= 42, "only {} calls are described", calls.len());
    let open = ["//healthz", "//readyz", "//api/v1/login", "//api/v1/login/hint"];
    let mut asked = 0;
    for (method, path) in calls {
        for credential in [
            None,
            Some("Bearer gnomon_wrong"),
            Some("Basic YWRtaW46YWRtaW4="),
            Some("Bearer"),
        ] {
            let mut request = call(method.clone(), &path).json(json!({}));
            if let Some(credential) = credential {
                request = request.header("authorization", credential);
            }
            let answer = api.send(request).await;
            if open.contains(&path.as_str()) {
                assert_ne!(answer.status, 401, "{method} {path}");
            } else {
                answer.fails(401, "unauthenticated");
                assert!(answer.headers.contains_key("www-authenticate"));
                asked += 1;
            }
        }
    }
    assert!(asked >= 156);
    // What does not exist tells a stranger nothing either.
    for path in [
        "/nothing",
        "//nothing",
        "//index.html",
        "/login/",
        "/jobs/../login",
    ] {
        api.send(call(Method::GET, path))
            .await
            .fails(401, "unauthenticated");
    }
}

#[tokio::test]
async fn every_described_call_is_served_and_has_errors() {
    let api = Api::start().await;
    let document = serde_json::to_value(master::http::description()).unwrap();
    for (method, path) in calls() {
        // Some are streams without an end: only their beginning is read.
        let response = api.open(api.call(method.clone(), &path)).await;
        assert_ne!(response.status(), 405, "{method} {path}");
        if response.status() == 404 {
            let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
            assert!(
                !String::from_utf8_lossy(&body).contains("openapi.json"),
                "{method} {path}"
            );
        }
    }
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for name in [
        "JobSpec",
        "JobView",
        "RunView",
        "ErrorBody",
        "ApiError",
        "ErrorCode",
        "Batch",
        "Whereabouts",
        "Statistic",
    ] {
        assert!(
            schemas.contains_key(name),
            "{name} is not described: {:?}",
            schemas.keys()
        );
    }
    // Each call has a name of its own, and says what it does.
    let mut names = std::collections::BTreeSet::new();
    for item in document["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values() {
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name.to_owned()), "two calls are named {name}");
            assert!(operation["summary"].as_str().is_some(), "{name} says nothing");
        }
    }
    assert!(
        names.contains("put_jobs_namespace_name") && names.contains("get_openapi_json"),
        "{names:?}"
    );
    // Every reference leads somewhere.
    let text = document.to_string();
    for reference in text.split("#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(schemas.contains_key(name), "{name} is not described");
    }
    assert_eq!(api.get("/openapi.json").await.value, document);
}

#[tokio::test]
async fn errors_have_one_form() {
    let api = Api::start().await;
    assert!(
        api.get("/nothing")
            .await
            .fails(404, "not_found")
            .contains("there is no GET /api/v1/nothing")
    );
    api.send(call(Method::DELETE, "/login"))
        .await
        .fails(405, "invalid");
    api.send(api.call(Method::PATCH, "/jobs"))
        .await
        .fails(405, "invalid");
    api.get("/runs?limit=many").await.fails(422, "invalid");
    api.get("/runs/nonsense").await.fails(422, "invalid");
    api.get("/jobs?nmespace=x").await.fails(422, "invalid");
    api.send(
        api.call(Method::POST, "/tokens")
            .header("content-type", "text/plain")
            .raw("{\"name\":\"x\"}"),
    )
    .await
    .fails(415, "invalid");
    api.send(
        api.call(Method::POST, "/tokens")
            .header("content-type", "application/json")
            .raw("{\"name\":"),
    )
    .await
    .fails(400, "invalid");
    assert_eq!(
        api.post("/tokens", json!({"name": 5}))
            .await
            .fails(422, "invalid")
            .split(':')
            .next(),
        Some("name")
    );
    let deep = "[".repeat(100_000);
    api.send(
        api.call(Method::POST, "/apply")
            .header("content-type", "application/json")
            .raw(deep),
    )
    .await
    .fails(422, "invalid");
}

#[tokio::test]
async fn answers_carry_the_headers_that_browsers_heed() {
    let api = Api::start().await;
    for answer in [
        api.get("/status").await,
        api.send(call(Method::GET, "/nothing")).await,
    ] {
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            (
                "content-security-policy",
                "default-src 'none'; frame-ancestors 'none'",
            ),
        ] {
            assert_eq!(answer.headers[name], value);
        }
    }
}

#[tokio::test]
async fn bodies_over_the_limit_are_refused_politely() {
    let api = Api::start().await;
    let big = |mib: usize| {
        let piece = axum::body::Bytes::from(vec![b' '; 1 << 20]);
        axum::body::Body::from_stream(futures::stream::iter(
            (0..mib).map(move |_| Ok::<_, std::io::Error>(piece.clone())),
        ))
    };
    let post = |path: &str, mib: usize| {
        api.call(Method::POST, path)
            .header("content-type", "application/json")
            .raw(big(mib))
    };
    let answer = api.send(post("/apply", 11)).await;
    assert!(answer.fails(413, "too_large").contains("larger than 10MiB"));
    assert!(
        answer.value["error"]["hint"]
            .as_str()
            .unwrap()
            .contains("several parts")
    );
    api.send(post("/schedule/preview", 3))
        .await
        .fails(413, "too_large");
    // Within the limit it is read, and wrong for another reason.
    api.send(post("/apply", 9)).await.fails(400, "invalid");
    // Who asks before sending is told before sending: nothing of this body exists.
    let body = axum::body::Body::from_stream(futures::stream::pending::<
        Result<axum::body::Bytes, std::io::Error>,
    >());
    let asks = api
        .call(Method::POST, "/apply")
        .header("content-type", "application/json")
        .header("expect", "100-continue");
    let answer = api
        .send(asks.header("content-length", "20000000").raw(body))
        .await;
    answer.fails(413, "too_large");
}

#[tokio::test]
async fn health_says_what_is_ready_and_nothing_else() {
    let api = Api::start().await;
    assert_eq!(api.send(call(Method::GET, "//healthz")).await.text(), "ok\n");
    let ready = api.send(call(Method::GET, "//readyz")).await;
    assert_eq!(
        (ready.status, ready.text().as_str()),
        (200, "store: ok\ndatabase: ok\nmirrors: ok\n")
    );
    api.history.set_down(true);
    api.client.cut();
    let ready = api.send(call(Method::GET, "//readyz")).await;
    assert_eq!(
        (ready.status, ready.text().as_str()),
        (503, "store: not ready\ndatabase: not ready\nmirrors: ok\n")
    );
    assert_eq!(api.send(call(Method::GET, "//healthz")).await.status, 200);
}

#[tokio::test]
async fn metrics_tell_each_limit() {
    let api = Api::start().await;
    api.send(call(Method::GET, "/jobs"))
        .await
        .fails(401, "unauthenticated");
    let text = api.get("//metrics").await.text();
    for line in [
        "gnomon_http_refused_total 1",
        "gnomon_limit_max{limit=\"requests\"} 512",
        "gnomon_limit_used{limit=\"tokens\"} 1",
        "gnomon_limit_max{limit=\"apply_bytes\"} 10485760",
        "gnomon_http_answers_total{status=\"401\"} 1",
        "gnomon_jobs 0",
        "# EOF",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

/// Names of the schemas that a part of the description leads to.
fn named(part: &serde_json::Value, all: &serde_json::Value, names: &mut std::collections::BTreeSet<String>) {
    match part {
        serde_json::Value::Object(parts) => {
            if let Some(reference) = parts.get("$ref").and_then(|r| r.as_str()) {
                let name = reference.rsplit('/').next().unwrap();
                if names.insert(name.to_owned()) {
                    named(&all[name], all, names);
                }
            }
            parts.values().for_each(|part| named(part, all, names));
        }
        serde_json::Value::Array(parts) => parts.iter().for_each(|part| named(part, all, names)),
        _ => {}
    }
}

#[tokio::test]
async fn no_call_takes_what_it_does_not_know() {
    let api = Api::start().await;
    // In the query.
    let mut asked = 0;
    for (method, path) in calls() {
        // Monitors ask those outside of the API; agents have a credential of their own.
        if !path.starts_with("//api/v1") || path.ends_with("/agent/reports") {
            continue;
        }
        let answer = api
            .send(
                api.call(method.clone(), &format!("{path}?bogus=1"))
                    .json(json!({})),
            )
            .await;
        let said = answer.fails(422, "invalid");
        assert!(said.contains("bogus"), "{method} {path}: {said}");
        asked += 1;
    }
    assert!(asked >= 40, "{asked}");

    // In the body, at any depth.
    let document = serde_json::to_value(master::http::description()).unwrap();
    let schemas = &document["components"]["schemas"];
    let mut names = std::collections::BTreeSet::new();
    for item in document["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values() {
            // What agents send is no person's: a newer agent may say more.
            if operation["operationId"] != "post_agent_reports" {
                named(&operation["requestBody"], schemas, &mut names);
            }
        }
    }
    assert!(names.contains("Apply") && names.contains("Kill"), "{names:?}");
    for name in names {
        let schema = &schemas[&name];
        if schema["properties"].is_object() {
            assert_eq!(schema["additionalProperties"], false, "{name}");
        }
    }

    let apply = json!({"jobs": [{"name": "a", "run": {"shell": "true"}}], "dryRun": true});
    let said = api.post("/apply", apply).await.fails(422, "invalid");
    assert!(said.contains("dryRun"), "{said}");
    api.get("/jobs/default/a").await.fails(404, "not_found");
}
