//! Orders: running a job now and stopping a run; and what agents report.

use axum::http::{Method, header};
use serde_json::{Value, json};
use shared::{
    api::{NodeState, Ordered, Whereabouts},
    assign::{Order, OrderKind, Owed},
    history::RunView,
    keys,
    report::{Ack, Batch},
    run::{Cause, State},
    store::Write,
};

use crate::api::{Api, NOW, call, run_of};

async fn orders(api: &Api) -> Vec<(String, Order)> {
    let all = api.store.snapshot(keys::ORDERS).await.unwrap().kvs;
    all.into_iter()
        .map(|kv| (kv.key, serde_json::from_slice(&kv.value).unwrap()))
        .collect()
}

#[tokio::test]
async fn a_job_runs_now_where_it_belongs() {
    let api = Api::start().await;
    let (n1, n2) = (api.node("n1").await, api.node("n2").await);
    let job = api
        .job(json!({"name": "a", "run": {"shell": "true"}, "target": {"place": 2}, "paused": true}))
        .await;
    api.assign(&job, 0, &n1).await;
    api.assign(&job, 1, &n2).await;
    let ordered = api.post("/jobs/default/a/run", json!({"env": {"X": "1"}})).await;
    assert_eq!(ordered.status, 201, "{}", ordered.text());
    let ordered: Ordered = ordered.read();
    assert_eq!(
        ordered
            .runs
            .iter()
            .map(|r| (r.node.as_str(), r.slot))
            .collect::<Vec<_>>(),
        [("n1", Some(0)), ("n2", Some(1))]
    );
    assert_ne!(ordered.runs[0].id, ordered.runs[1].id);

    let stored = orders(&api).await;
    assert_eq!(stored[0].0, keys::order(&n1, ordered.runs[0].id));
    let OrderKind::Run(order) = &stored[0].1.kind else {
        panic!("{stored:?}")
    };
    assert_eq!(
        (order.job, order.revision, order.cause, order.attempt),
        (job.id, job.revision, Cause::Manual, 1)
    );
    assert_eq!(
        (order.env["X"].as_str(), order.spec.paused, order.scheduled_at),
        ("1", true, NOW)
    );
    assert_eq!(stored[0].1.by, "admin (token tests)");

    // Whoever asks for the run at once finds it; and the leader owes it to the history.
    let run: RunView = api.get(&format!("/runs/{}", ordered.runs[0].id)).await.read();
    assert_eq!(
        (run.state, run.cause, run.node.as_str()),
        (State::Pending, Cause::Manual, "n1")
    );
    let owed = api.store.get(&keys::owed_run(run.id)).await.unwrap().unwrap();
    assert!(
        matches!(serde_json::from_slice(&owed.value).unwrap(), Owed::Run(run) if run.state == State::Pending)
    );

    let one: Ordered = api.post("/jobs/default/a/run", json!({"slot": 1})).await.read();
    assert_eq!(
        one.runs
            .iter()
            .map(|r| (r.node.as_str(), r.slot))
            .collect::<Vec<_>>(),
        [("n2", Some(1))]
    );
    let one: Ordered = api
        .send(api.call(Method::POST, "/jobs/default/a/run"))
        .await
        .read();
    assert_eq!(one.runs.len(), 2);
    let one: Ordered = api
        .post("/jobs/default/a/run", json!({"node": "n2"}))
        .await
        .read();
    assert_eq!(
        one.runs
            .iter()
            .map(|r| (r.node.as_str(), r.slot))
            .collect::<Vec<_>>(),
        [("n2", Some(0))]
    );
    assert!(
        api.post("/jobs/default/a/run", json!({"slot": 2}))
            .await
            .fails(422, "invalid")
            .contains("the slots 0 to 1")
    );
    api.post("/jobs/default/a/run", json!({"nod": "n2"}))
        .await
        .fails(422, "invalid");
    api.post("/jobs/default/a/run", json!({"env": {"A=B": ""}}))
        .await
        .fails(422, "invalid");
    api.post("/jobs/default/b/run", json!({}))
        .await
        .fails(404, "not_found");
}

#[tokio::test]
async fn an_every_node_job_runs_now_on_each_node_that_matches() {
    let api = Api::start().await;
    for name in ["n1", "n2", "n3"] {
        api.node(name).await;
    }
    api.job(json!({"name": "a", "run": {"shell": "true"}, "target": {"place": "every", "exclude": {"nodes": ["n3"]}}})).await;
    let nodes = |ordered: Ordered| {
        ordered
            .runs
            .into_iter()
            .map(|r| (r.node.to_string(), r.slot))
            .collect::<Vec<_>>()
    };
    let all: Ordered = api.post("/jobs/default/a/run", json!({})).await.read();
    assert_eq!(nodes(all), [("n1".to_owned(), None), ("n2".to_owned(), None)]);
    let one: Ordered = api
        .post("/jobs/default/a/run", json!({"node": "n2"}))
        .await
        .read();
    assert_eq!(nodes(one), [("n2".to_owned(), None)]);
    let why = api
        .post("/jobs/default/a/run", json!({"node": "n3"}))
        .await
        .fails(409, "conflict");
    assert!(why.contains("node n3 does not match the job"), "{why}");
    api.post("/jobs/default/a/run", json!({"slot": 0}))
        .await
        .fails(422, "invalid");
    // A cordoned node takes nothing new, unless it is asked for by name.
    api.send(
        api.call(Method::PATCH, "/nodes/n1/intent")
            .json(json!({"cordoned": true})),
    )
    .await;
    let open: Ordered = api.post("/jobs/default/a/run", json!({})).await.read();
    assert_eq!(nodes(open), [("n2".to_owned(), None)]);
}

#[tokio::test]
async fn nobody_to_run_it_is_a_conflict_with_the_reason() {
    let api = Api::start().await;
    let job = api.job(json!({"name": "a", "run": {"shell": "true"}})).await;
    let why = api
        .post("/jobs/default/a/run", json!({}))
        .await
        .fails(409, "conflict");
    assert!(
        why.starts_with("no node can take it: slot 0 has no node"),
        "{why}"
    );
    let n1 = api.node("n1").await;
    api.assign(&job, 0, &n1).await;
    let found: Whereabouts = api.get("/jobs/default/a/where").await.read();
    assert_eq!(
        (found.slots[0].node.as_ref(), found.nodes[0].matches),
        (Some(&n1), true)
    );
    api.node_dies(&n1).await;
    let why = api
        .post("/jobs/default/a/run", json!({}))
        .await
        .fails(409, "conflict");
    assert!(why.contains("slot 0 belongs to node n1, which is down"), "{why}");
    api.post("/jobs/default/a/run", json!({"node": "n1"}))
        .await
        .fails(409, "conflict");
    assert!(orders(&api).await.is_empty());
}

#[tokio::test]
async fn no_order_is_given_to_a_node_that_just_died() {
    let api = Api::start().await;
    let (n1, n2) = (api.node("n1").await, api.node("n2").await);
    let job = api
        .job(json!({"name": "a", "run": {"shell": "true"}, "target": {"place": 2}}))
        .await;
    api.assign(&job, 0, &n1).await;
    api.assign(&job, 1, &n2).await;
    // The API's watch is cut off from this: it still believes that n1 lives. Its own
    // transactions go through.
    let stale = api.app.view.nodes.snapshot();
    let write = Write::Delete { key: keys::node(&n1) };
    let run = api.post("/jobs/default/a/run", json!({}));
    let dies = api.store.txn(shared::store::Txn {
        compares: vec![],
        writes: vec![write],
    });
    let (outcome, ordered) = tokio::join!(dies, run);
    outcome.unwrap();
    assert!(stale.get(&keys::node(&n1)).is_some());
    let ordered: Ordered = ordered.read();
    assert_eq!(
        ordered.runs.iter().map(|r| r.node.as_str()).collect::<Vec<_>>(),
        ["n2"]
    );
    assert!(
        orders(&api)
            .await
            .iter()
            .all(|(key, _)| key.starts_with("orders/n2/"))
    );
}

#[tokio::test]
async fn a_node_with_too_many_orders_gets_no_more() {
    let api = Api::start().await;
    let n1 = api.node("n1").await;
    let job = api.job(json!({"name": "a", "run": {"shell": "true"}})).await;
    api.assign(&job, 0, &n1).await;
    for i in 0..1000u32 {
        let key = format!(
            "{}{}",
            keys::orders_node(&n1),
            shared::id::RunId::new(NOW, i.into())
        );
        let value = serde_json::to_vec(&Order {
            run: shared::id::RunId::new(NOW, i.into()),
            kind: OrderKind::Kill {
                reason: String::new(),
            },
            by: String::new(),
            at: NOW,
        })
        .unwrap();
        let write = Write::Put {
            key,
            value,
            lease: None,
        };
        api.store
            .txn(shared::store::Txn {
                compares: vec![],
                writes: vec![write],
            })
            .await
            .unwrap();
    }
    let revision = api.store.snapshot(keys::ORDERS).await.unwrap().revision;
    api.app.view.orders.reached(revision).await;
    let answer = api.post("/jobs/default/a/run", json!({})).await;
    assert!(answer.fails(429, "too_many").contains("1000 orders waiting"));
    assert!(answer.headers.contains_key(header::RETRY_AFTER));
}

#[tokio::test]
async fn a_run_is_told_to_stop() {
    let api = Api::start().await;
    let n1 = api.node("n1").await;
    let job = api.job(json!({"name": "a", "run": {"shell": "true"}})).await;
    let running = run_of(&job, NOW, &n1, State::Running);
    api.app.intake.settle(vec![running.clone()]).await.unwrap();
    let kill = format!("/runs/{}/kill", running.id);
    assert_eq!(api.post(&kill, json!({"reason": "too slow"})).await.status, 202);
    let stored = orders(&api).await;
    assert_eq!(stored[0].0, keys::order_kill(&n1, running.id));
    assert_eq!(
        stored[0].1.kind,
        OrderKind::Kill {
            reason: "too slow".to_owned()
        }
    );
    assert_eq!(
        api.send(api.call(Method::POST, &kill)).await.status,
        202,
        "without a body, and again"
    );

    // What would break a table or speak to a terminal is no reason.
    for reason in ["two\nlines", "\u{1b}[2Jgone", "a\ttab", "\u{9b}31m"] {
        let refused = api
            .post(&kill, json!({"reason": reason}))
            .await
            .fails(422, "invalid");
        assert!(refused.starts_with("reason: "), "{refused}");
    }

    // Its node is gone: nobody there can stop it.
    api.node_dies(&n1).await;
    assert!(
        api.post(&kill, json!({}))
            .await
            .fails(409, "conflict")
            .contains("is down")
    );
    api.node("n1").await;
    // The database is down: whatever was claimed or ordered can still be stopped.
    api.history.set_down(true);
    api.post(&kill, json!({})).await;
    let claimed = api.claim(job.id, NOW, &n1).await;
    assert_eq!(
        api.post(&format!("/runs/{claimed}/kill"), json!({})).await.status,
        202
    );
    api.history.set_down(false);

    let ended = run_of(&job, NOW, &n1, State::Succeeded);
    api.app.intake.settle(vec![ended]).await.unwrap();
    assert!(
        api.post(&kill, json!({}))
            .await
            .fails(409, "conflict")
            .contains("has ended already: succeeded")
    );
    api.post("/runs/01HV5TQ4WM0000000000000009/kill", json!({}))
        .await
        .fails(404, "not_found");
}

fn batch(node: &str, runs: Vec<shared::report::Run>) -> Value {
    let batch = Batch {
        node: node.parse().unwrap(),
        boot: "b1".to_owned(),
        sent_at: NOW + std::time::Duration::from_millis(250),
        runs,
        chunks: vec![],
        health: Some(shared::report::Health {
            running: 3,
            ..Default::default()
        }),
    };
    serde_json::to_value(batch).unwrap()
}

#[tokio::test]
async fn agents_report_with_their_own_credential() {
    let api = Api::start().await;
    let n1 = api.node("n1").await;
    api.node("n2").await;
    let job = api.job(json!({"name": "a", "run": {"shell": "true"}})).await;
    let run = run_of(&job, NOW, &n1, State::Running);
    let report = |secret: &str, body: Value| {
        call(Method::POST, "/agent/reports")
            .header("authorization", &format!("Bearer {secret}"))
            .json(body)
    };

    let ack: Ack = api
        .send(report("secret-n1", batch("n1", vec![run.clone()])))
        .await
        .read();
    assert_eq!((ack.runs, ack.now), (1, NOW));
    assert_eq!(
        api.get(&format!("/runs/{}", run.id)).await.value["state"],
        "running"
    );
    let node = api.get("/nodes/n1").await;
    assert_eq!(
        (
            node.value["clock_offset_ms"].as_i64(),
            node.value["health"]["running"].as_i64()
        ),
        (Some(250), Some(3))
    );
    assert_eq!(node.read::<shared::api::NodeView>().state, NodeState::Ready);

    // No other credential will do: not another node's, not a person's.
    assert!(
        api.send(report("secret-n2", batch("n1", vec![])))
            .await
            .fails(403, "forbidden")
            .starts_with("node: ")
    );
    api.send(report(&api.token, batch("n1", vec![])))
        .await
        .fails(401, "unauthenticated");
    api.send(call(Method::GET, "/jobs").header("authorization", "Bearer secret-n1"))
        .await
        .fails(401, "unauthenticated");
    // Nor may a node speak of another's runs, or say more than a batch holds.
    api.send(report("secret-n2", batch("n2", vec![run.clone()])))
        .await
        .fails(422, "invalid");
    api.send(report("secret-n1", batch("n1", vec![run.clone(); 501])))
        .await
        .fails(422, "invalid");
    api.send(report("secret-n1", json!({"node": "n1"})))
        .await
        .fails(422, "invalid");

    // The database is down: later. The agent keeps what it has.
    api.history.set_down(true);
    let answer = api.send(report("secret-n1", batch("n1", vec![run]))).await;
    answer.fails(503, "unavailable");
    assert!(answer.headers.contains_key(header::RETRY_AFTER));
    api.history.set_down(false);
    // Cut off from the store, an agent that is known still reports.
    api.node_dies(&n1).await;
    api.client.cut();
    assert_eq!(
        api.send(report("secret-n1", batch("n1", vec![]))).await.status,
        200
    );
}
