//! What becomes of the work of nodes that are gone.

use std::time::Duration;

use master::history::History;
use shared::{
    assign::{Order, OrderKind, RunOrder},
    history::Asked,
    id::{JobId, RunId},
    job::OnLost,
    keys,
    node::Intent,
    report::Run,
    run::{Cause, Reason, State},
    time::Time,
};
use tokio::time::sleep;

use crate::stage::{Agent, Master, Stage, TTL, node, run_id};

/// A job on node `a`, and `b` that can take it.
async fn two_nodes(stage: &Stage, edit: impl FnOnce(&mut shared::job::JobSpec)) -> (Agent, Agent, JobId) {
    let a = stage.agent("a").await;
    let job = stage.job("job", edit).await;
    stage.until_owned(job, "a").await;
    let cordoned = Intent {
        cordoned: true,
        ..Intent::default()
    };
    stage.intend("b", cordoned).await;
    let b = stage.agent("b").await;
    sleep(Duration::from_secs(1)).await;
    stage.intend("b", Intent::default()).await;
    // The slot may like b better and be given to it: then the tests' roles are other ones.
    sleep(Duration::from_secs(1)).await;
    match stage.owner(job).await == Some(node("a")) {
        true => (a, b, job),
        false => (b, a, job),
    }
}

fn at(stage: &Stage, secs: i64) -> Time {
    Time::from_secs(stage.host.now().as_secs() + secs)
}

async fn record(stage: &Stage, run: Run) {
    stage.history.record(&[run], &[]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn claimed_fires_that_were_not_reported_are_lost() {
    let stage = Stage::new();
    let _m = stage.master("m1").await;
    let (a, b, job) = two_nodes(&stage, |_| {}).await;
    let from = at(&stage, 0);
    let until = from + Duration::from_secs(3);
    assert!(stage.claim(&a.id, job, 0, from, until).await);
    // One of them was reported.
    let known = from + Duration::from_secs(1);
    record(&stage, stage.report(job, &a.id, known, State::Succeeded).await).await;

    let gone = a.id.clone();
    a.stop().await;
    stage.until_owned(job, b.id.as_str()).await;
    // The new owner claims on at once: nothing of what the old one had is forgotten.
    let next = until + Duration::from_secs(1);
    assert!(stage.claim(&b.id, job, 0, next, next).await);
    let took = stage.until_state(run_id(job, 0, until), State::Lost).await;
    assert!(
        took >= TTL - Duration::from_secs(1),
        "not before the fence: {took:?}"
    );
    let lost = stage.history.all().into_iter().filter(|r| r.state == State::Lost);
    let lost: Vec<i64> = lost
        .map(|r| (r.scheduled_at.as_millis() - from.as_millis()) / 1000)
        .collect();
    assert_eq!(lost, [0, 2, 3]);
    let run = stage.run(run_id(job, 0, until)).unwrap();
    assert_eq!((run.reason, run.node), (Some(Reason::NodeGone), gone));
    stage
        .until("nothing is owed", || async {
            stage.kvs(keys::OWED).await.is_empty()
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_living_node_reports_for_itself() {
    let stage = Stage::new();
    let _m = stage.master("m1").await;
    let (a, b, job) = two_nodes(&stage, |_| {}).await;
    let due = at(&stage, 0);
    assert!(stage.claim(&a.id, job, 0, due, due).await);
    let draining = Intent {
        draining: true,
        ..Intent::default()
    };
    stage.intend(a.id.as_str(), draining).await;
    stage.until_owned(job, b.id.as_str()).await;
    sleep(TTL * 3).await;
    assert_eq!(stage.run(run_id(job, 0, due)), None, "it lives, and will tell");
    record(&stage, stage.report(job, &a.id, due, State::Running).await).await;
    stage
        .until("nothing is owed", || async {
            stage.kvs(keys::OWED).await.is_empty()
        })
        .await;
    assert_eq!(stage.run(run_id(job, 0, due)).unwrap().state, State::Running);
}

/// A slot leaves a node that claims on at the same time, as the leader's view is always a
/// little late: whatever was claimed is owed.
#[tokio::test(start_paused = true)]
async fn no_claim_slips_through_while_a_slot_moves() {
    for offset in 0..10 {
        let stage = Stage::new();
        let m = stage.master("m1").await;
        let (a, b, job) = two_nodes(&stage, |_| {}).await;
        m.client.slow(Duration::from_millis(600));
        let draining = Intent {
            draining: true,
            ..Intent::default()
        };
        stage.intend(a.id.as_str(), draining).await;
        sleep(Duration::from_millis(offset * 100)).await;
        let from = at(&stage, 1);
        let mut claimed = None;
        loop {
            let due = at(&stage, 1);
            if !stage.claim(&a.id, job, 0, from, due).await {
                break;
            }
            claimed = Some(due);
            sleep(Duration::from_secs(1)).await;
        }
        stage.until_owned(job, b.id.as_str()).await;
        let Some(last) = claimed else { continue };
        // Nobody reports, and in the end the node dies.
        a.stop().await;
        stage.until_state(run_id(job, 0, last), State::Lost).await;
        let lost = stage.history.all().into_iter().filter(|r| r.state == State::Lost);
        assert_eq!(lost.count() as u64, last.since(from).as_secs() + 1);
    }
}

#[tokio::test(start_paused = true)]
async fn the_database_may_be_down_and_the_leader_die_meanwhile() {
    let stage = Stage::new();
    let m1 = stage.master("m1").await;
    let (a, b, job) = two_nodes(&stage, |_| {}).await;
    let due = at(&stage, 0);
    assert!(stage.claim(&a.id, job, 0, due, due).await);
    let running = at(&stage, -5);
    record(&stage, stage.report(job, &a.id, running, State::Running).await).await;

    stage.history.set_down(true);
    a.stop().await;
    let took = stage.until_owned(job, b.id.as_str()).await;
    assert!(
        took < Duration::from_secs(1),
        "planning waits for no database: {took:?}"
    );
    sleep(TTL * 2).await;
    m1.client.cut();
    let m2 = stage.master("m2").await;
    stage.until("m2 leads", || async { m2.leads() }).await;
    sleep(TTL * 2).await;
    stage.history.set_down(false);
    stage.until_state(run_id(job, 0, due), State::Lost).await;
    stage.until_state(run_id(job, 0, running), State::Lost).await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_run_is_tried_again_elsewhere_where_the_job_says_so() {
    let stage = Stage::new();
    let _m = stage.master("m1").await;
    let (a, b, job) = two_nodes(&stage, |s| s.on_lost = OnLost::Retry).await;
    let due = at(&stage, -1);
    record(&stage, stage.report(job, &a.id, due, State::Running).await).await;
    a.stop().await;
    let first = run_id(job, 0, due);
    stage.until_state(first, State::Lost).await;
    let (key, order) = until_order(&stage).await;
    assert_eq!(key, keys::order(&b.id, first.attempt(2)));
    let OrderKind::Run(order) = order.kind else {
        panic!("{order:?}")
    };
    assert_eq!((order.first, order.attempt, order.cause), (first, 2, Cause::Lost));
    assert_eq!((order.slot, order.scheduled_at), (Some(0), due));
    stage.until_state(first.attempt(2), State::Pending).await;

    // Its agent takes the order and dies before it has reported: still nothing is lost.
    stage.delete(key).await;
    b.stop().await;
    stage.until_state(first.attempt(2), State::Lost).await;
    sleep(Duration::from_secs(30)).await;
    assert!(stage.orders().await.is_empty(), "nobody is there to try");
    let _c = stage.agent("c").await;
    let (key, _) = until_order(&stage).await;
    assert_eq!(key, keys::order(&node("c"), first.attempt(3)));
}

async fn until_order(stage: &Stage) -> (String, Order) {
    stage
        .until("there is an order", || async { !stage.orders().await.is_empty() })
        .await;
    let mut orders = stage.orders().await;
    assert_eq!(orders.len(), 1, "{orders:?}");
    orders.remove(0)
}

#[tokio::test(start_paused = true)]
async fn an_attempt_elsewhere_is_ordered_once_whoever_leads() {
    let stage = Stage::new();
    let m1 = stage.master("m1").await;
    let (a, b, job) = two_nodes(&stage, |s| {
        s.retry.attempts = 3;
        s.retry.elsewhere = true;
    })
    .await;
    let due = at(&stage, -1);
    let retry_at = at(&stage, 40);
    let mut run = stage.report(job, &a.id, due, State::Failed).await;
    run.retry_at = Some(retry_at);
    record(&stage, run.clone()).await;
    let (key, order) = until_order(&stage).await;
    assert_eq!(key, keys::order(&b.id, run.id.attempt(2)));
    let OrderKind::Run(order) = order.kind else {
        panic!()
    };
    assert_eq!(
        (order.not_before, order.cause, order.attempt),
        (retry_at, Cause::Retry, 2)
    );

    // The agent takes it; the leader dies; nobody orders it again.
    stage.delete(key).await;
    m1.client.cut();
    let m2 = stage.master("m2").await;
    stage.until("m2 leads", || async { m2.leads() }).await;
    sleep(Duration::from_secs(90)).await;
    assert!(stage.orders().await.is_empty());
    assert_eq!(stage.run(run.id.attempt(2)).unwrap().node, b.id);
}

/// The order that held it is gone once its agent has taken it.
#[tokio::test(start_paused = true)]
async fn what_a_run_was_given_by_hand_goes_with_it_to_another_node() {
    let stage = Stage::new();
    let _m = stage.master("m1").await;
    let (a, b, job) = two_nodes(&stage, |s| {
        s.retry.attempts = 3;
        s.retry.elsewhere = true;
    })
    .await;
    let mut run = stage.report(job, &a.id, at(&stage, -1), State::Failed).await;
    run.cause = Cause::Manual;
    run.retry_at = Some(at(&stage, 5));
    let asked = Asked {
        by: "ann".to_owned(),
        at: stage.host.now(),
        env: [("DAY".to_owned(), "monday".to_owned())].into(),
        node: None,
    };
    stage.history.note_asked(&[run.id], &asked).await.unwrap();
    record(&stage, run.clone()).await;
    let (key, order) = until_order(&stage).await;
    assert_eq!(key, keys::order(&b.id, run.id.attempt(2)));
    let OrderKind::Run(order) = order.kind else {
        panic!()
    };
    assert_eq!(order.env, asked.env);

    // And on, when that one fails too.
    stage.delete(key).await;
    let mut second = order.pending(run.id.attempt(2), &b.id);
    (second.state, second.retry_at) = (State::Failed, Some(at(&stage, 5)));
    record(&stage, second).await;
    let (key, order) = until_order(&stage).await;
    assert_eq!(key, keys::order(&a.id, run.id.attempt(3)));
    let OrderKind::Run(order) = order.kind else {
        panic!()
    };
    assert_eq!(order.env, asked.env);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_stays_where_there_is_no_other_node() {
    let stage = Stage::new();
    let _m = stage.master("m1").await;
    let a = stage.agent("a").await;
    let job = stage
        .job("job", |s| {
            s.retry.attempts = 3;
            s.retry.elsewhere = true;
        })
        .await;
    stage.until_owned(job, "a").await;
    let mut run = stage.report(job, &a.id, at(&stage, -1), State::TimedOut).await;
    run.retry_at = Some(at(&stage, 5));
    record(&stage, run.clone()).await;
    assert_eq!(until_order(&stage).await.0, keys::order(&a.id, run.id.attempt(2)));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_whose_agent_died_before_it_made_it_is_lost() {
    let stage = Stage::new();
    let _m = stage.master("m1").await;
    let (a, _b, job) = two_nodes(&stage, |s| s.retry.attempts = 3).await;
    let mut run = stage.report(job, &a.id, at(&stage, -1), State::Failed).await;
    run.retry_at = Some(at(&stage, 60));
    record(&stage, run.clone()).await;
    sleep(Duration::from_secs(100)).await;
    assert_eq!(
        stage.run(run.id.attempt(2)),
        None,
        "its agent lives, and will make it"
    );
    a.stop().await;
    stage.until_state(run.id.attempt(2), State::Lost).await;
}

/// The job was edited after the attempt failed: whether its agent makes the next one the
/// leader cannot know, and the agent's reports may be hours behind.
#[tokio::test(start_paused = true)]
async fn an_attempt_that_its_agent_may_have_made_is_left_to_that_agent() {
    let stage = Stage::new();
    let _m = stage.master("m1").await;
    let (a, b, job) = two_nodes(&stage, |s| s.retry.attempts = 3).await;
    let mut run = stage.report(job, &a.id, at(&stage, -1), State::Failed).await;
    run.retry_at = Some(at(&stage, 5));
    record(&stage, run.clone()).await;
    let path = run.path.name.to_string();
    let edited = stage
        .job(&path, |s| {
            s.retry.attempts = 3;
            s.retry.elsewhere = true;
        })
        .await;
    assert_eq!(edited, job);
    sleep(Duration::from_secs(880)).await;
    assert!(stage.orders().await.is_empty(), "its agent may yet tell");
    // It takes the order, if it has not made the attempt; nobody else does.
    let (key, _) = until_order(&stage).await;
    assert_eq!(key, keys::order(&a.id, run.id.attempt(2)));
    drop(b);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_a_dead_agent_may_have_made_is_not_made_again() {
    let stage = Stage::new();
    let _m = stage.master("m1").await;
    let (a, _b, job) = two_nodes(&stage, |s| s.retry.attempts = 3).await;
    let mut run = stage.report(job, &a.id, at(&stage, -1), State::Failed).await;
    run.retry_at = Some(at(&stage, 5));
    // The agent dies before anybody hears of this.
    a.stop().await;
    let path = run.path.name.to_string();
    stage.job(&path, |s| s.retry.elsewhere = true).await;
    sleep(Duration::from_secs(1200)).await;
    record(&stage, run.clone()).await;
    stage.until_state(run.id.attempt(2), State::Lost).await;
    assert!(stage.orders().await.is_empty());
}

fn order(stage: &Stage, job: JobId, spec: shared::job::JobSpec, run: RunId) -> Order {
    let order = RunOrder {
        job,
        revision: 1,
        spec,
        first: run,
        attempt: 1,
        scheduled_at: stage.host.now(),
        not_before: stage.host.now(),
        slot: Some(0),
        cause: Cause::Manual,
        env: [("A".to_owned(), "1".to_owned())].into(),
    };
    Order {
        run,
        kind: OrderKind::Run(Box::new(order)),
        by: "me".into(),
        at: stage.host.now(),
    }
}

async fn order_on(stage: &Stage, _m: &Master, agent: &Agent, job: JobId) -> RunId {
    let run = stage.host.run_id();
    let spec = stage.assignment(job).await.unwrap().1.spec;
    let order = order(stage, job, spec, run);
    stage.put(keys::order(&agent.id, run), &order).await;
    run
}

#[tokio::test(start_paused = true)]
async fn an_order_that_its_node_can_no_longer_take_moves() {
    let stage = Stage::new();
    let m = stage.master("m1").await;
    let (a, b, job) = two_nodes(&stage, |_| {}).await;
    let run = order_on(&stage, &m, &a, job).await;
    stage
        .put(
            keys::order_kill(&a.id, stage.host.run_id()),
            &Order {
                run,
                kind: OrderKind::Kill { reason: "".into() },
                by: "me".into(),
                at: stage.host.now(),
            },
        )
        .await;
    a.stop().await;
    let moved = keys::order(&b.id, run);
    stage
        .until("the order has moved", || async {
            let orders = stage.orders().await;
            orders.len() == 1 && orders[0].0 == moved
        })
        .await;
    let OrderKind::Run(order) = stage.orders().await.remove(0).1.kind else {
        panic!()
    };
    assert_eq!(order.env["A"], "1");
    stage.until_state(run, State::Pending).await;
    assert_eq!(stage.run(run).unwrap().node, b.id);
    sleep(TTL * 2).await;
    assert_eq!(
        stage.run(run).unwrap().state,
        State::Pending,
        "b has it, and lives"
    );
}

#[tokio::test(start_paused = true)]
async fn an_order_that_nobody_can_take_ends_with_the_reason() {
    let stage = Stage::new();
    let m = stage.master("m1").await;
    let a = stage.agent("a").await;
    let job = stage
        .job("job", |s| s.misfire.within = "5m".parse().unwrap())
        .await;
    stage.until_owned(job, "a").await;
    let run = order_on(&stage, &m, &a, job).await;
    a.stop().await;
    // As long as the job may be late, a node may come.
    sleep(Duration::from_secs(200)).await;
    assert_eq!(stage.orders().await.len(), 1);
    sleep(Duration::from_secs(100)).await;
    stage.until_state(run, State::Missed).await;
    let why = stage.run(run).unwrap().reason.unwrap().to_string();
    assert!(why.contains("its node a is gone"), "{why}");
    assert!(stage.orders().await.is_empty() && stage.kvs(keys::OWED).await.is_empty());
}
