//! Applying: all is checked before anything is written.

use axum::http::Method;
use expect_test::expect;
use serde_json::{Value, json};
use shared::api::{Applied, ApplyAction, JobView, Page};

use crate::api::Api;

fn spec(name: &str, shell: &str) -> Value {
    json!({"name": name, "run": {"shell": shell}, "schedule": "0 3 * * *"})
}

async fn count(api: &Api) -> usize {
    api.get("/jobs?limit=1000")
        .await
        .read::<Page<JobView>>()
        .items
        .len()
}

fn actions(applied: &[Applied]) -> Vec<ApplyAction> {
    applied.iter().map(|a| a.action).collect()
}

#[tokio::test]
async fn apply_makes_updates_and_leaves_alone() {
    let api = Api::start().await;
    let jobs = vec![spec("a", "true"), spec("b", "true")];
    let dry: Vec<Applied> = api
        .post("/apply", json!({"jobs": jobs, "dry_run": true}))
        .await
        .read();
    assert_eq!(
        (actions(&dry), count(&api).await),
        (vec![ApplyAction::Create; 2], 0)
    );
    let first: Vec<Applied> = api.post("/apply", json!({"jobs": jobs})).await.read();
    assert_eq!(actions(&first), [ApplyAction::Create; 2]);
    assert!(first.iter().all(|a| a.revision.is_some()));

    let jobs = vec![spec("a", "true"), spec("b", "false"), spec("c", "true")];
    let second: Vec<Applied> = api.post("/apply", json!({"jobs": jobs})).await.read();
    assert_eq!(
        actions(&second),
        [ApplyAction::Unchanged, ApplyAction::Update, ApplyAction::Create]
    );
    assert_eq!(second[0].revision, first[0].revision);
    let b: JobView = api.get("/jobs/default/b").await.read();
    assert_eq!(second[1].revision, Some(b.revision));
    expect![[r#"
        --- stored
        +++ applied
        @@ -1,5 +1,5 @@
         name: b
         run:
        -  shell: "true"
        +  shell: "false"
         triggers:
           - cron: "0 3 * * *"
    "#]]
    .assert_eq(second[1].diff.as_ref().unwrap());
    let third: Vec<Applied> = api.post("/apply", json!({"jobs": jobs})).await.read();
    assert_eq!(actions(&third), [ApplyAction::Unchanged; 3]);
}

#[tokio::test]
async fn one_wrong_job_leaves_everything_as_it_was() {
    let api = Api::start().await;
    let good = || spec("a", "true");
    let cases: [(Value, &str); 6] = [
        (json!({"name": "b", "run": {}}), "jobs[1]"),
        (
            json!({"name": "b", "run": {"shell": "true"}, "schedule": ""}),
            "jobs[1]",
        ),
        (
            json!({"name": "b", "run": {"shell": "true"}, "schedule": "0 0 31 2 *"}),
            "jobs[1]",
        ),
        (
            json!({"name": "b", "run": {"shell": "true"}, "triggers": [{"at": "2020-01-01T00:00:00Z"}]}),
            "jobs[1]",
        ),
        (
            json!({"name": "b", "run": {"shell": "true"}, "keep": {"for": "30"}}),
            "jobs[1].keep.for",
        ),
        (good(), "jobs[1].name"),
    ];
    for (bad, field) in cases {
        let answer = api.post("/apply", json!({"jobs": [good(), bad]})).await;
        let text = answer.fails(422, "invalid");
        assert!(text.starts_with(field), "{bad}: {text}");
        assert_eq!(count(&api).await, 0, "{bad}");
    }
    assert!(
        api.post("/apply", json!({"jobs": []}))
            .await
            .fails(422, "invalid")
            .contains("no job")
    );
    let bodies = [
        json!({"jobs": [good()], "dryrun": true}),
        json!({"jobs": good()}),
        json!({}),
    ];
    for body in bodies {
        api.post("/apply", body).await.fails(422, "invalid");
        assert_eq!(count(&api).await, 0);
    }
}

#[tokio::test]
async fn more_jobs_than_a_transaction_holds_are_applied() {
    let api = Api::start().await;
    let jobs: Vec<Value> = (0..250).map(|i| spec(&format!("job{i:03}"), "true")).collect();
    let applied: Vec<Applied> = api.post("/apply", json!({"jobs": jobs})).await.read();
    assert_eq!((applied.len(), count(&api).await), (250, 250));
    let again: Vec<Applied> = api.post("/apply", json!({"jobs": jobs})).await.read();
    assert_eq!(actions(&again), vec![ApplyAction::Unchanged; 250]);
    // Few, but large: bytes bound a transaction too.
    let large: Vec<Value> = (0..5)
        .map(|i| {
            let mut spec = spec(&format!("large{i}"), "cat");
            spec["run"]["stdin"] = "x".repeat(500_000).into();
            spec
        })
        .collect();
    let applied: Vec<Applied> = api.post("/apply", json!({"jobs": large})).await.read();
    assert_eq!(actions(&applied), [ApplyAction::Create; 5]);
}

#[tokio::test]
async fn two_who_apply_at_once_do_not_mix() {
    let api = Api::start().await;
    let all = |shell: &str| -> Vec<Value> { (0..40).map(|i| spec(&format!("job{i:02}"), shell)).collect() };
    let (a, b) = tokio::join!(
        api.post("/apply", json!({"jobs": all("a")})),
        api.post("/apply", json!({"jobs": all("b")})),
    );
    assert_eq!((a.status, b.status), (200, 200), "{} {}", a.text(), b.text());
    let jobs: Page<JobView> = api.get("/jobs").await.read();
    let mut specs: Vec<_> = jobs
        .items
        .iter()
        .map(|job| format!("{:?}", job.spec.run.action))
        .collect();
    specs.dedup();
    assert_eq!(specs.len(), 1, "one of them is whole");
}

#[tokio::test]
async fn an_apply_without_a_store_says_so() {
    let api = Api::start().await;
    api.client.cut();
    let answer = api
        .send(
            api.call(Method::POST, "/apply")
                .json(json!({"jobs": [spec("a", "true")]})),
        )
        .await;
    answer.fails(503, "unavailable");
    api.client.heal();
    // Nothing answered, and nobody knows whether it was done: applying again is right.
    api.client.lose_replies();
    let answer = api.post("/apply", json!({"jobs": [spec("a", "true")]})).await;
    assert_eq!(answer.status, 503);
    api.client.heal();
    let applied: Vec<Applied> = api
        .post("/apply", json!({"jobs": [spec("a", "true")]}))
        .await
        .read();
    assert!(matches!(
        applied[0].action,
        ApplyAction::Unchanged | ApplyAction::Create
    ));
    assert_eq!(count(&api).await, 1);
}
