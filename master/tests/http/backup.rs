//! A backup, and an instance made of it.

use std::time::Duration;

use axum::http::Method;
use master::history::History;
use serde_json::json;
use shared::{
    api::{JobView, Restored},
    assign::Cursor,
    keys,
    report::Stream,
    run::State,
    time::Time,
};

use crate::api::{Api, NOW, chunk, run_of};

async fn filled() -> (Api, JobView) {
    let api = Api::start().await;
    let node = api.node("n1").await;
    let job = api
        .job(json!({"name": "a", "run": {"shell": "true"}, "schedule": "0 * * * *"}))
        .await;
    api.put("/groups/db", json!({"nodes": ["n1"]})).await;
    api.send(
        api.call(Method::PATCH, "/nodes/n1/intent")
            .json(json!({"labels": {"role": "db"}})),
    )
    .await;
    api.claim(job.id, NOW, &node).await;
    let mut run = run_of(&job, NOW, &node, State::Succeeded);
    run.output.bytes = 6;
    let runs: Vec<_> = (1..300)
        .map(|i| run_of(&job, NOW - Duration::from_secs(3600 * i), &node, State::Failed))
        .chain([run.clone()])
        .collect();
    let going_on = run_of(&job, NOW + Duration::from_secs(1), &node, State::Running);
    api.history.record(&[going_on], &[]).await.unwrap();
    let chunks = [chunk(run.id, 0, Stream::Stdout, b"hello\n")];
    api.history.record(&runs, &chunks).await.unwrap();
    (api, job)
}

fn restore(api: &Api, query: &str, backup: Vec<u8>) -> crate::api::Call {
    api.call(Method::POST, &format!("/restore{query}"))
        .header("content-type", "application/x-ndjson")
        .raw(backup)
}

#[tokio::test]
async fn a_backup_makes_the_same_instance_elsewhere() {
    let (from, job) = filled().await;
    let ci = from.post("/tokens", json!({"name": "ci"})).await.value["secret"]
        .as_str()
        .unwrap()
        .to_owned();
    let backup = from.get("/backup").await;
    assert_eq!(
        (backup.status, backup.headers["content-type"].to_str().unwrap()),
        (200, "application/x-ndjson")
    );
    assert!(
        !backup.text().contains("sessions/")
            && !backup.text().contains("credentials/")
            && !backup.text().contains("\"nodes/")
    );

    let to = Api::start().await;
    let restored = to.send(restore(&to, "", backup.bytes.clone())).await;
    assert_eq!(restored.status, 200, "{}", restored.text());
    let restored: Restored = restored.read();
    assert_eq!((restored.runs, restored.chunks), (301, 1));
    // The accounts are those of the backup now, but for the token that restored it.
    let with =
        |path: &str| crate::api::call(Method::GET, path).header("authorization", &format!("Bearer {ci}"));
    assert_eq!(to.get("/whoami").await.status, 200);
    let there: JobView = to.send(with("/jobs/default/a")).await.read();
    assert_eq!(
        (there.id, &there.spec, there.since, &there.created),
        (job.id, &job.spec, job.since, &job.created)
    );
    let cursor = to.store.get(&keys::cursor(job.id, 0)).await.unwrap().unwrap();
    assert_eq!(serde_json::from_slice::<Cursor>(&cursor.value).unwrap().at, NOW);
    assert_eq!(to.history.all().len(), 301);
    let run = to
        .history
        .all()
        .into_iter()
        .find(|run| run.scheduled_at == NOW)
        .unwrap();
    assert_eq!(
        to.send(with(&format!("/runs/{}/output?format=text", run.id)))
            .await
            .text(),
        "hello\n"
    );
    to.login_with(&from.password).await;
}

#[tokio::test]
async fn only_an_empty_instance_takes_one_unless_forced() {
    let (from, job) = filled().await;
    let backup = from.get("/backup").await.bytes;
    let to = Api::start().await;
    let other = to.job(json!({"name": "other", "run": {"shell": "true"}})).await;
    // This instance has claimed a later fire of the same job: it must not fire again.
    let later: Time = NOW + Duration::from_secs(3600);
    to.claim(job.id, later, &"n1".parse().unwrap()).await;
    assert!(
        to.send(restore(&to, "", backup.clone()))
            .await
            .fails(409, "conflict")
            .contains("not empty")
    );
    assert_eq!(to.send(restore(&to, "?force=true", backup)).await.status, 200);
    let cursor = to.store.get(&keys::cursor(job.id, 0)).await.unwrap().unwrap();
    assert_eq!(serde_json::from_slice::<Cursor>(&cursor.value).unwrap().at, later);
    let jobs = to.app.jobs().unwrap();
    assert_eq!(jobs.len(), 2);
    assert_eq!(jobs.get(&keys::job(&other.spec.path())).unwrap().id, other.id);
}

#[tokio::test]
async fn a_damaged_backup_changes_nothing() {
    let (from, _) = filled().await;
    let whole = from.get("/backup").await.text();
    let lines: Vec<&str> = whole.lines().collect();
    let keys_end = lines
        .iter()
        .position(|line| line.starts_with("{\"keys\""))
        .unwrap();
    let joined = |lines: &[&str]| lines.join("\n").into_bytes();
    let cases: Vec<(Vec<u8>, u16, &str)> = vec![
        (Vec::new(), 400, "not whole"),
        (b"hello".to_vec(), 422, "line 1"),
        (joined(&lines[..keys_end]), 400, "not whole"),
        (joined(&lines[1..]), 422, "line 1"),
        (joined(&[&lines[..2], &lines[3..]].concat()), 422, "damaged"),
        (
            whole.replacen("\"format\":1", "\"format\":2", 1).into_bytes(),
            422,
            "format 2",
        ),
        (
            whole
                .replacen("{\"key\":{\"key\":\"jobs/", "{\"key\":{\"key\":\"leader/", 1)
                .into_bytes(),
            422,
            "leader/",
        ),
        (
            whole.replacen("\"spec\":{", "\"spec\":{\"x\":1,", 1).into_bytes(),
            422,
            "unknown field `x`",
        ),
    ];
    for (backup, status, expected) in cases {
        let to = Api::start().await;
        let before = to.store.snapshot("").await.unwrap().revision;
        let answer = to.send(restore(&to, "", backup)).await;
        let text = answer.fails(status, "invalid");
        assert!(text.contains(expected), "{expected}: {text}");
        assert_eq!(
            to.store.snapshot("").await.unwrap().revision,
            before,
            "{expected}"
        );
    }
    // Broken off within the history: what is there is told, and doing it again is right.
    let to = Api::start().await;
    let half = joined(&lines[..keys_end + 100]);
    assert!(
        to.send(restore(&to, "", half))
            .await
            .fails(400, "invalid")
            .contains("jobs and users are restored, the history is not")
    );
    let session = to.login_with(&from.password).await;
    let again = session
        .over(Method::POST, "/restore?force=true")
        .raw(whole.into_bytes());
    assert_eq!(to.send(again).await.status, 200);
    assert_eq!(to.history.all().len(), 301);
}

#[tokio::test]
async fn a_backup_that_fails_is_broken_off() {
    let (from, _) = filled().await;
    from.history.set_down(true);
    let response = from.open(from.call(Method::GET, "/backup")).await;
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await;
    assert!(body.is_err(), "half a backup looks whole");
}
