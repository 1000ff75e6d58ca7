//! Nodes, groups, and how the instance is.

use std::time::Duration;

use axum::http::Method;
use master::history::History;
use serde_json::{Value, json};
use shared::{
    api::{
        GroupView, NodeState, NodeView, Page, Status,
        overview::{NodeTrouble, Overview},
    },
    keys,
    report::Health,
};

use crate::api::{Answer, Api, NOW};

async fn patch(api: &Api, node: &str, body: Value) -> Answer {
    api.send(
        api.call(Method::PATCH, &format!("/nodes/{node}/intent"))
            .json(body),
    )
    .await
}

#[tokio::test]
async fn nodes_are_seen_wished_for_and_forgotten() {
    let api = Api::start().await;
    let n1 = api.node("n1").await;
    let n2 = api.node("n2").await;
    let job = api.job(json!({"name": "a", "run": {"shell": "true"}})).await;
    api.assign(&job, 0, &n1).await;
    let all: Page<NodeView> = api.get("/nodes").await.read();
    assert_eq!(
        all.items
            .iter()
            .map(|n| (n.id.as_str(), n.slots, n.state))
            .collect::<Vec<_>>(),
        [("n1", 1, NodeState::Ready), ("n2", 0, NodeState::Ready)]
    );
    let page: Page<NodeView> = api.get("/nodes?limit=1").await.read();
    assert_eq!(page.next.as_deref(), Some("n1"));
    let page: Page<NodeView> = api.get("/nodes?limit=1&cursor=n1").await.read();
    assert_eq!((page.items[0].id.as_str(), page.next), ("n2", None));

    let node: NodeView = patch(
        &api,
        "n1",
        json!({"cordoned": true, "labels": {"role": "db", "os": ""}, "alias": "one"}),
    )
    .await
    .read();
    assert_eq!(
        (node.state, node.intent.alias.as_deref()),
        (NodeState::Cordoned, Some("one"))
    );
    assert_eq!(node.labels, [("role".to_owned(), "db".to_owned())].into());
    let node: NodeView = patch(&api, "n1", json!({"draining": true, "labels": {"os": null}}))
        .await
        .read();
    assert_eq!(
        (node.state, node.intent.cordoned),
        (NodeState::Draining, true),
        "what is not given stays"
    );
    assert_eq!(node.labels.len(), 2);
    let node: NodeView = patch(
        &api,
        "n1",
        json!({"draining": false, "cordoned": false, "alias": ""}),
    )
    .await
    .read();
    assert_eq!((node.state, node.intent.alias), (NodeState::Ready, None));
    patch(&api, "n1", json!({"cordon": true}))
        .await
        .fails(422, "invalid");
    patch(&api, "n1", json!({"labels": {"a b": "x"}}))
        .await
        .fails(422, "invalid");
    patch(&api, "n9", json!({"cordoned": true}))
        .await
        .fails(404, "not_found");

    // One that lives is not forgotten; one that is gone is seen until it is.
    api.delete("/nodes/n2").await.fails(409, "conflict");
    api.node_dies(&n2).await;
    let node: NodeView = api.get("/nodes/n2").await.read();
    assert_eq!((node.state, node.node), (NodeState::Down, None));
    let status: Status = api.get("/status").await.read();
    assert_eq!((status.nodes, status.nodes_down, status.jobs), (2, 1, 1));
    assert_eq!(api.delete("/nodes/n2").await.status, 204);
    api.get("/nodes/n2").await.fails(404, "not_found");
    assert!(api.store.get(&keys::credential(&n2)).await.unwrap().is_none());
    api.delete("/nodes/n2").await.fails(404, "not_found");
}

#[tokio::test]
async fn a_node_that_is_down_keeps_its_last_word() {
    let api = Api::start().await;
    let n1 = api.node("n1").await;
    let batch = shared::report::Batch {
        node: n1.clone(),
        boot: "b1".to_owned(),
        sent_at: NOW,
        runs: vec![],
        chunks: vec![],
        health: Some(Health {
            running: 2,
            ..Health::default()
        }),
    };
    api.app.intake.accept(batch).await.unwrap();
    api.node_dies(&n1).await;
    let node: NodeView = api.get("/nodes/n1").await.read();
    assert_eq!((node.state, node.last_seen), (NodeState::Down, Some(NOW)));
}

#[tokio::test]
async fn every_master_knows_what_an_agent_said_to_one() {
    let one = Api::start().await;
    let n1 = one.node("n1").await;
    let other = one.beside().await;
    let health = Health {
        load_milli: 1500,
        ..Health::default()
    };
    let batch = shared::report::Batch {
        node: n1.clone(),
        boot: "b1".to_owned(),
        sent_at: NOW + Duration::from_secs(9),
        runs: vec![],
        chunks: vec![],
        health: Some(health.clone()),
    };
    one.app.intake.accept(batch).await.unwrap();
    let told = async || {
        for master in [&one, &other] {
            master.app.intake.last_words().exchange().await.unwrap();
        }
    };
    told().await;
    for master in [&one, &other] {
        let node: NodeView = master
            .get("/nodes")
            .await
            .read::<Page<NodeView>>()
            .items
            .remove(0);
        assert_eq!(node.health.as_ref(), Some(&health));
        assert_eq!((node.clock_offset_ms, node.last_seen), (Some(9000), Some(NOW)));
        let overview: Overview = master.get("/overview").await.read();
        let trouble = &overview.attention.nodes[0];
        assert_eq!(trouble.why, NodeTrouble::ClockOff { offset_ms: 9000 });
        assert_eq!(overview.nodes[0].load_milli, Some(1500));
    }

    // It is removed at the one, and forgotten at both.
    one.node_dies(&n1).await;
    let down: NodeView = other.get("/nodes/n1").await.read();
    assert_eq!(down.last_seen, Some(NOW));
    assert_eq!(one.delete("/nodes/n1").await.status, 204);
    told().await;
    assert!(one.history.seen(10).await.unwrap().is_empty());
    one.node("n1").await;
    let back = one.app.view.nodes.snapshot().revision();
    drop(other.app.view.nodes.reached(back).await);
    for master in [&one, &other] {
        let node: NodeView = master.get("/nodes/n1").await.read();
        assert_eq!((node.health, node.last_seen), (None, None));
    }
}

#[tokio::test]
async fn groups_are_kept_like_jobs() {
    let api = Api::start().await;
    api.node("n1").await;
    api.node("n2").await;
    let put = |condition: (&'static str, String), set: Value| {
        api.send(
            api.call(Method::PUT, "/groups/db")
                .header(condition.0, &condition.1)
                .json(set),
        )
    };
    let made = put(("if-none-match", "*".into()), json!({"nodes": ["n1"]})).await;
    assert_eq!(made.status, 201);
    let made: GroupView = made.read();
    assert_eq!(
        made.members.iter().map(|n| n.as_str()).collect::<Vec<_>>(),
        ["n1"]
    );
    put(("if-none-match", "*".into()), json!({}))
        .await
        .fails(409, "conflict");
    let changed: GroupView = put(
        ("if-match", made.revision.to_string()),
        json!({"labels": "os=linux"}),
    )
    .await
    .read();
    assert_eq!(changed.members.len(), 2);
    put(("if-match", made.revision.to_string()), json!({}))
        .await
        .fails(412, "stale");
    api.put("/groups/db", json!({"node": ["n1"]}))
        .await
        .fails(422, "invalid");
    api.put("/groups/db", json!({"groups": ["db"]}))
        .await
        .fails(422, "invalid");
    let listed: Page<GroupView> = api.get("/groups").await.read();
    assert_eq!(listed.items, std::slice::from_ref(&changed));
    assert_eq!(api.get("/groups/db").await.read::<GroupView>(), changed);

    // One that is named by a job is not deleted under it.
    api.job(json!({"name": "a", "run": {"shell": "true"}, "target": {"groups": ["db"]}}))
        .await;
    assert!(
        api.delete("/groups/db")
            .await
            .fails(409, "conflict")
            .contains("job default/a")
    );
    api.delete("/jobs/default/a").await;
    assert_eq!(api.delete("/groups/db").await.status, 204);
    api.delete("/groups/db").await.fails(404, "not_found");
    api.get("/groups/db").await.fails(404, "not_found");
}

#[tokio::test]
async fn a_job_tells_why_it_has_no_node() {
    let api = Api::start().await;
    api.node("n1").await;
    api.job(json!({"name": "a", "run": {"shell": "true"}, "target": {"labels": "role=db"}}))
        .await;
    let job = api.get("/jobs/default/a").await;
    let why = job.value["unplaced"][0].as_str().unwrap();
    assert!(why.contains("role=db"), "{why}");
}

#[tokio::test]
async fn statistics_are_answered() {
    let api = Api::start().await;
    let sums = api.get("/statistics?step=day&by=job").await;
    assert_eq!((sums.status, sums.value), (200, json!([])));
    api.get("/statistics?step=week").await.fails(422, "invalid");
}
