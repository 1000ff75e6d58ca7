//! Runs, and what they wrote: in pages, as bytes, and as it comes.

use std::time::Duration;

use serde_json::json;
use shared::{
    api::{OutputView, Page},
    history::RunView,
    report::{Chunk, OutputSize, Run, Stream},
    run::State,
};

use crate::api::{Api, Events, NOW, chunk, run_of};
use master::history::History;

async fn running(api: &Api) -> Run {
    let node = api.node("n1").await;
    let job = api.job(json!({"name": "a", "run": {"shell": "true"}})).await;
    let run = run_of(&job, NOW, &node, State::Running);
    api.history.record(std::slice::from_ref(&run), &[]).await.unwrap();
    run
}

fn ended(run: &Run, bytes: u64) -> Run {
    let output = OutputSize {
        bytes,
        ..OutputSize::default()
    };
    Run {
        state: State::Succeeded,
        finished_at: Some(NOW),
        exit_code: Some(0),
        output,
        ..run.clone()
    }
}

#[tokio::test]
async fn runs_are_listed_newest_first() {
    let api = Api::start().await;
    let node = api.node("n1").await;
    let job = api.job(json!({"name": "a", "run": {"shell": "true"}})).await;
    let runs: Vec<Run> = (0..25)
        .map(|i| {
            run_of(
                &job,
                NOW + Duration::from_secs(i),
                &node,
                if i % 5 == 0 {
                    State::Failed
                } else {
                    State::Succeeded
                },
            )
        })
        .collect();
    api.history.record(&runs, &[]).await.unwrap();
    let (mut ids, mut path) = (Vec::new(), "/runs?limit=10&job=default%2Fa".to_owned());
    loop {
        let page: Page<RunView> = api.get(&path).await.read();
        ids.extend(page.items.iter().map(|run| run.id));
        let Some(next) = page.next else { break };
        path = format!("/runs?limit=10&job=default%2Fa&cursor={next}");
    }
    let expected: Vec<_> = runs.iter().rev().map(|run| run.id).collect();
    assert_eq!(ids, expected);
    let failed: Page<RunView> = api
        .get("/runs?state=failed&since=2026-01-31T12:00:05Z")
        .await
        .read();
    assert_eq!(failed.items.len(), 4);
    api.get("/runs?state=fialed").await.fails(422, "invalid");
    api.get("/runs?cursor=x").await.fails(422, "invalid");
    api.get("/runs?job=a%2Fb%2Fc").await.fails(422, "invalid");
    api.history.set_down(true);
    api.get("/runs").await.fails(503, "unavailable");
}

#[tokio::test]
async fn output_is_paged_and_downloaded() {
    let api = Api::start().await;
    let run = running(&api).await;
    let mut chunks = vec![
        chunk(
            run.id,
            0,
            Stream::Stdout,
            "h\u{e9}".as_bytes().split_last().unwrap().1,
        ),
        chunk(run.id, 1, Stream::Stderr, b"oops\xff\n"),
        chunk(
            run.id,
            2,
            Stream::Stdout,
            &["h\u{e9}".as_bytes().last().copied().unwrap(), b'\n'],
        ),
    ];
    chunks.extend((3..200).map(|seq| chunk(run.id, seq, Stream::Stdout, b".")));
    api.history.record(&[], &chunks).await.unwrap();
    let path = format!("/runs/{}/output", run.id);
    let page: Page<OutputView> = api.get(&format!("{path}?limit=3")).await.read();
    let texts: Vec<&str> = page.items.iter().map(|piece| piece.text.as_str()).collect();
    assert_eq!(texts, ["h", "oops\u{fffd}\n", "\u{e9}\n"]);
    assert_eq!(page.next.as_deref(), Some("3"));
    let (mut count, mut next) = (0, Some("0".to_owned()));
    while let Some(cursor) = next {
        let page: Page<OutputView> = api.get(&format!("{path}?cursor={cursor}")).await.read();
        (count, next) = (count + page.items.len(), page.next);
    }
    assert_eq!(count, 200);
    // The bytes as they were written, both streams or one.
    let text = api.get(&format!("{path}?format=text")).await;
    assert_eq!(text.headers["content-type"], "text/plain; charset=utf-8");
    let expected = [b"h\xc3oops\xff\n\xa9\n".as_slice(), ".".repeat(197).as_bytes()].concat();
    assert_eq!(text.bytes, expected);
    assert_eq!(
        api.get(&format!("{path}?format=text&stream=stderr")).await.bytes,
        b"oops\xff\n"
    );
    // The pieces as they came, a line each.
    let lines = api.get(&format!("{path}?format=ndjson")).await;
    assert_eq!(lines.headers["content-type"], "application/x-ndjson");
    let pieces = serde_json::Deserializer::from_slice(&lines.bytes).into_iter::<Chunk>();
    assert_eq!(pieces.map(Result::unwrap).collect::<Vec<_>>(), chunks);
    api.get(&format!("{path}?cursor=x")).await.fails(422, "invalid");
    api.get("/runs/01HV5TQ4WM0000000000000009/output")
        .await
        .fails(404, "not_found");
}

#[tokio::test]
async fn output_comes_live_also_from_another_master() {
    let api = Api::start().await;
    let run = running(&api).await;
    let live = format!("/runs/{}/output/live", run.id);
    api.history
        .record(&[], &[chunk(run.id, 0, Stream::Stdout, b"one\n")])
        .await
        .unwrap();
    let mut events = Events::of(api.open(api.call(axum::http::Method::GET, &live)).await);
    let first = events.next().await.unwrap();
    assert_eq!(
        (
            first.name.as_str(),
            first.id.as_str(),
            first.data["text"].as_str()
        ),
        ("output", "0", Some("one\n"))
    );

    // Straight into the history, as another master's intake does: within a second.
    let start = tokio::time::Instant::now();
    api.history
        .record(&[], &[chunk(run.id, 1, Stream::Stderr, b"two\n")])
        .await
        .unwrap();
    let second = events.next().await.unwrap();
    assert_eq!(
        (second.id.as_str(), second.data["stream"].as_str()),
        ("1", Some("stderr"))
    );
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());

    // The end is told once all that it says was written is there.
    api.history.record(&[ended(&run, 14)], &[]).await.unwrap();
    api.history
        .record(&[], &[chunk(run.id, 2, Stream::Stdout, b"three\n")])
        .await
        .unwrap();
    assert_eq!(events.next().await.unwrap().data["text"], "three\n");
    let end = events.next().await.unwrap();
    assert_eq!(
        (end.name.as_str(), end.data["state"].as_str()),
        ("end", Some("succeeded"))
    );
    assert_eq!(events.next().await, None);

    // Taken up again where it broke.
    let again = api
        .call(axum::http::Method::GET, &live)
        .header("last-event-id", "1");
    let mut events = Events::of(api.open(again).await);
    assert_eq!(events.next().await.unwrap().id, "2");
    assert_eq!(events.next().await.unwrap().name, "end");
    // After the last piece that there can be, there is none.
    let last = api
        .call(axum::http::Method::GET, &live)
        .header("last-event-id", &u64::MAX.to_string());
    let mut events = Events::of(api.open(last).await);
    assert_eq!(events.next().await.unwrap().name, "end");
    api.get("/runs/01HV5TQ4WM0000000000000009/output/live")
        .await
        .fails(404, "not_found");
}

#[tokio::test]
async fn output_comes_at_once_through_this_master() {
    let api = Api::start().await;
    let run = running(&api).await;
    let live = format!("/runs/{}/output/live", run.id);
    let mut events = Events::of(api.open(api.call(axum::http::Method::GET, &live)).await);
    let batch = shared::report::Batch {
        node: run.node.clone(),
        boot: "b1".to_owned(),
        sent_at: NOW,
        runs: vec![ended(&run, 3)],
        chunks: vec![chunk(run.id, 0, Stream::Stdout, b"hi\n")],
        health: None,
    };
    api.app.intake.accept(batch).await.unwrap();
    assert_eq!(events.next().await.unwrap().data["text"], "hi\n");
    assert_eq!(events.next().await.unwrap().name, "end");
}

#[tokio::test]
async fn a_database_that_is_down_is_told_and_waited_for() {
    let api = Api::start().await;
    let run = running(&api).await;
    let live = format!("/runs/{}/output/live", run.id);
    let mut events = Events::of(api.open(api.call(axum::http::Method::GET, &live)).await);
    api.history.set_down(true);
    assert_eq!(events.next().await.unwrap().name, "trouble");
    api.history.set_down(false);
    api.history.record(&[ended(&run, 0)], &[]).await.unwrap();
    loop {
        let event = events.next().await.unwrap();
        if event.name == "end" {
            break;
        }
        assert_eq!(event.name, "trouble");
    }
}

#[tokio::test]
async fn streams_are_bounded_and_end_with_the_master() {
    let api = Api::start().await;
    let run = running(&api).await;
    let live = format!("/runs/{}/output/live", run.id);
    let mut open = Vec::new();
    for _ in 0..512 {
        let response = api.open(api.call(axum::http::Method::GET, &live)).await;
        assert_eq!(response.status(), 200);
        open.push(response);
    }
    api.get(&live).await.fails(429, "too_many");
    let mut events = Events::of(open.pop().unwrap());
    api.app.close();
    while events.next().await.is_some() {}
}

#[tokio::test]
async fn events_tell_what_changes() {
    let api = Api::start().await;
    let mut events = Events::of(api.open(api.call(axum::http::Method::GET, "/events")).await);
    let run = running(&api).await;
    api.app.intake.settle(vec![ended(&run, 0)]).await.unwrap();
    let mut seen = std::collections::BTreeSet::new();
    while seen.len() < 3 {
        let event = events.next().await.unwrap();
        match event.name.as_str() {
            "run" => {
                assert_eq!(event.data["id"], run.id.to_string());
                seen.insert("run".to_owned());
            }
            "changed" => {
                let what = event.data.as_str().unwrap().to_owned();
                if ["jobs", "nodes"].contains(&what.as_str()) {
                    seen.insert(what);
                }
            }
            other => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn other_masters_runs_are_to_be_looked_at() {
    let api = Api::start().await;
    for id in ["m1", "m2"] {
        let master = shared::node::Master {
            url: format!("http://{id}:7070"),
            version: "0.1.0".to_owned(),
            started_at: NOW,
            database: "postgres".to_owned(),
        };
        api.store(shared::keys::master(&id.parse().unwrap()), &master)
            .await;
    }
    let mut events = Events::of(api.open(api.call(axum::http::Method::GET, "/events")).await);
    loop {
        let event = events.next().await.unwrap();
        if event.name == "changed" && event.data == "runs" {
            break;
        }
    }
}

#[tokio::test]
async fn streams_end_with_the_credential() {
    let api = Api::start().await;
    let run = running(&api).await;
    let live = format!("/runs/{}/output/live", run.id);
    for path in ["/events", &live] {
        let made = api.post("/tokens", serde_json::json!({"name": "ci"})).await;
        let secret = made.value["secret"].as_str().unwrap();
        let with = |path: &str| {
            crate::api::call(axum::http::Method::GET, path)
                .header("authorization", &format!("Bearer {secret}"))
        };
        let mut events = Events::of(api.open(with(path)).await);
        assert_eq!(api.delete("/tokens/ci").await.status, 204);
        while events.next().await.is_some() {}
        // One that is made anew under its name is another one.
        assert_eq!(
            api.post("/tokens", serde_json::json!({"name": "ci"}))
                .await
                .status,
            201
        );
        api.send(with(path)).await.fails(401, "unauthenticated");
        assert_eq!(api.delete("/tokens/ci").await.status, 204);

        let (mine, other) = (api.login().await, api.login().await);
        let mut events = Events::of(api.open(mine.over(axum::http::Method::GET, path)).await);
        let mut others = Events::of(api.open(other.over(axum::http::Method::GET, path)).await);
        api.send(mine.over(axum::http::Method::POST, "/logout")).await;
        while events.next().await.is_some() {}
        api.wall.set(NOW + master::auth::SESSION_LIFE);
        // Of its time no change tells; another login is one.
        api.login().await;
        while others.next().await.is_some() {}
        api.wall.set(NOW);
    }
}
