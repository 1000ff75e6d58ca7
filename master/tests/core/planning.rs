//! Slots follow their nodes, whatever happens to the masters meanwhile.

use std::time::Duration;

use shared::{job::Isolation, keys, node::Intent, target::Place};
use tokio::time::sleep;

use crate::stage::{Stage, TTL, node};

#[tokio::test(start_paused = true)]
async fn a_new_revision_keeps_the_ownership() {
    let stage = Stage::new();
    let _a = stage.agent("a").await;
    let _m = stage.master("m1").await;
    let job = stage.job("job", |_| {}).await;
    stage.until_owned(job, "a").await;
    let (before, _) = stage.assignment(job).await.unwrap();
    stage.job("job", |s| s.description = "changed".into()).await;
    let changed = || async { stage.assignment(job).await.unwrap().1.spec.description == "changed" };
    stage.until("the assignment is rewritten", changed).await;
    let (after, assignment) = stage.assignment(job).await.unwrap();
    assert_eq!(before.create_revision, after.create_revision);
    assert!(after.mod_revision > before.mod_revision && assignment.revision > 0);
    // Settled is settled: nothing is written while nothing changes.
    let revision = stage.store.revision();
    sleep(Duration::from_secs(120)).await;
    assert_eq!(stage.store.revision(), revision);
    stage.delete(keys::job(&assignment.spec.path())).await;
    stage
        .until("the assignment is gone", || async {
            stage.owners().await.is_empty()
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn slots_of_a_dead_node_move_at_once_or_after_the_fence() {
    let stage = Stage::new();
    let (a, _b) = (stage.agent("a").await, stage.agent("b").await);
    let _c = stage.agent("c").await;
    stage
        .intend(
            "b",
            Intent {
                cordoned: true,
                ..Intent::default()
            },
        )
        .await;
    stage
        .intend(
            "c",
            Intent {
                cordoned: true,
                ..Intent::default()
            },
        )
        .await;
    let _m = stage.master("m1").await;
    let finish = stage.job("finish", |_| {}).await;
    let kill = stage.job("kill", |s| s.isolation = Isolation::Kill).await;
    stage.until_owned(finish, "a").await;
    stage.until_owned(kill, "a").await;

    a.stop().await;
    stage.intend("b", Intent::default()).await;
    let took = stage.until_owned(finish, "b").await;
    assert!(took < Duration::from_secs(1), "{took:?}");
    let took = took + stage.until_owned(kill, "b").await;
    assert!(took >= TTL && took < TTL + Duration::from_secs(1), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_comes_back_in_time_keeps_its_only_slot() {
    let stage = Stage::new();
    let a = stage.agent("a").await;
    let m = stage.master("m1").await;
    let job = stage.job("job", |_| {}).await;
    stage.until_owned(job, "a").await;
    let before = stage.assignment(job).await.unwrap().0;
    a.stop().await;
    sleep(TTL / 2).await;
    let a = stage.agent("a").await;
    sleep(TTL * 3).await;
    assert_eq!(stage.assignment(job).await.unwrap().0, before);
    // Gone for longer: it owns nothing, and people are told why.
    a.stop().await;
    stage
        .until("the slot is nobody's", || async {
            stage.owner(job).await.is_none()
        })
        .await;
    let unplaced = m.core.unplaced.clone();
    stage
        .until("it is told", || async {
            unplaced
                .borrow()
                .iter()
                .any(|u| u.job == job && u.why.contains("no node is alive"))
        })
        .await;
    let _a = stage.agent("a").await;
    stage.until_owned(job, "a").await;
    assert_ne!(
        stage.assignment(job).await.unwrap().0.create_revision,
        before.create_revision
    );
}

#[tokio::test(start_paused = true)]
async fn every_slot_has_one_owner_while_masters_and_nodes_come_and_go() {
    let stage = Stage::new();
    let masters = [stage.master("m1").await, stage.master("m2").await];
    let mut agents: Vec<Option<crate::stage::Agent>> = Vec::new();
    for i in 0..4 {
        agents.push(Some(stage.agent(&format!("n{i}")).await));
    }
    for i in 0..60 {
        stage
            .job(&format!("j{i}"), |s| {
                s.target.place = [Place::One, Place::Count(2), Place::Shards(5)][i % 3];
            })
            .await;
    }
    for round in 0..24usize {
        let leader = masters.iter().find(|m| m.leads());
        match (round % 6, leader) {
            (0, Some(m)) => m.client.lose_replies(),
            (2, Some(m)) => m.client.slow(Duration::from_millis(700)),
            (4, Some(m)) => m.client.cut(),
            (_, _) => masters.iter().for_each(|m| {
                m.client.heal();
                m.client.slow(Duration::ZERO);
            }),
        }
        let i = (round * 7 + 3) % 4;
        match agents[i].take() {
            Some(agent) if round % 2 == 0 => agent.stop().await,
            Some(agent) => agent.die(),
            None => {
                // The name is free once the old lease is over.
                let key = keys::node(&node(&format!("n{i}")));
                stage
                    .until("the old lease is over", || async {
                        stage.kvs(&key).await.is_empty()
                    })
                    .await;
                agents[i] = Some(stage.agent(&format!("n{i}")).await);
            }
        }
        for _ in 0..100 {
            stage.owners().await;
            sleep(Duration::from_millis(50)).await;
        }
    }
    masters.iter().for_each(|m| {
        m.client.heal();
        m.client.slow(Duration::ZERO);
    });
    for (i, agent) in agents.iter_mut().enumerate() {
        if agent.is_none() {
            let key = keys::node(&node(&format!("n{i}")));
            stage
                .until("the old lease is over", || async {
                    stage.kvs(&key).await.is_empty()
                })
                .await;
            *agent = Some(stage.agent(&format!("n{i}")).await);
        }
    }
    // 20 jobs of each kind.
    stage
        .until("all slots are placed", || async {
            stage.owners().await.len() == 20 + 40 + 100
        })
        .await;
}
