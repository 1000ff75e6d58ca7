//! One leads; who led does no harm.

use std::time::Duration;

use shared::store::{Outcome, Store, StoreError, Txn, Write};
use tokio::time::sleep;

use crate::stage::{Stage, TTL, node};

#[tokio::test(start_paused = true)]
async fn a_clean_stop_hands_over_at_once() {
    let stage = Stage::new();
    let (first, second) = (stage.master("m1").await, stage.master("m2").await);
    stage.until("m1 leads", || async { first.leads() }).await;
    sleep(Duration::from_secs(30)).await;
    assert!(!second.leads());
    first.stop().await;
    let took = stage.until("m2 leads", || async { second.leads() }).await;
    assert!(took < Duration::from_secs(1), "{took:?}");
    // And the agents' and people's list of masters is right.
    assert_eq!(stage.kvs(shared::keys::MASTERS).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_is_cut_off_is_followed_and_fenced() {
    let stage = Stage::new();
    let _a = stage.agent("a").await;
    let (first, second) = (stage.master("m1").await, stage.master("m2").await);
    stage.until("m1 leads", || async { first.leads() }).await;
    let job = stage.job("job", |_| {}).await;
    stage.until_owned(job, "a").await;

    let old = first.core.leading.borrow().clone().unwrap();
    let link = old.link().await.unwrap();
    first.client.cut();
    let took = stage.until("m2 leads", || async { second.leads() }).await;
    assert!(took <= TTL + Duration::from_secs(6), "{took:?}");
    assert!(!first.leads(), "it has given up before another one led");
    // Nothing is planned twice, and the new leader plans.
    let other = stage.job("other", |_| {}).await;
    stage.until_owned(other, "a").await;

    // The old leader's value still exists, say in a task that was long stuck.
    first.client.heal();
    let before = stage.store.revision();
    let txn = Txn {
        compares: vec![],
        writes: vec![Write::Delete {
            key: shared::keys::assign_slot(&node("a"), job, 0),
        }],
    };
    assert!(matches!(old.commit(link, txn).await, Ok(Outcome::Refused(_))));
    // The fence alone does it, too, for who writes without the chain.
    let fenced = old.fence(put("late"));
    assert!(matches!(stage.store.txn(fenced).await, Ok(Outcome::Refused(_))));
    stage.until_owned(job, "a").await;
    // It comes back as a candidate.
    stage
        .until("m1 is registered again", || async {
            stage.kvs(shared::keys::MASTERS).await.len() == 2
        })
        .await;
    assert!(stage.store.revision() >= before && !first.leads());
}

#[tokio::test(start_paused = true)]
async fn two_never_lead_at_once() {
    let stage = Stage::new();
    let masters = [
        stage.master("m1").await,
        stage.master("m2").await,
        stage.master("m3").await,
    ];
    for round in 0..12 {
        stage
            .until("one leads", || async { masters.iter().any(|m| m.leads()) })
            .await;
        assert_eq!(masters.iter().filter(|m| m.leads()).count(), 1, "round {round}");
        let leader = masters.iter().position(|m| m.leads()).unwrap();
        match round % 3 {
            0 => masters[leader].client.cut(),
            1 => masters[leader].client.lose_replies(),
            _ => masters[leader].client.reset(),
        }
        for _ in 0..400 {
            assert!(masters.iter().filter(|m| m.leads()).count() <= 1);
            sleep(Duration::from_millis(50)).await;
        }
        masters[leader].client.heal();
        sleep(Duration::from_secs(3)).await;
    }
}

fn put(key: &str) -> Txn {
    Txn {
        compares: vec![],
        writes: vec![Write::Put {
            key: key.into(),
            value: vec![],
            lease: None,
        }],
    }
}

/// A transaction is sent and carried out a second after its caller has given up. What is
/// decided in between cannot know of it.
#[tokio::test(start_paused = true)]
async fn a_transaction_that_arrives_late_is_carried_out_in_turn_or_never() {
    for something_in_between in [true, false] {
        let stage = Stage::new();
        let master = stage.master("m1").await;
        stage.until("it leads", || async { master.leads() }).await;
        let leader = master.core.leading.borrow().clone().unwrap();
        sleep(Duration::from_secs(1)).await;

        let link = leader.link().await.unwrap();
        master.client.slow(Duration::from_secs(12));
        let unknown = leader.commit(link, put("late")).await;
        assert!(matches!(unknown, Err(StoreError::Unavailable(_))), "{unknown:?}");
        master.client.slow(Duration::ZERO);
        let decided = leader.link().await.unwrap();
        let is_there = async |key: &str| stage.store.get(key).await.unwrap().is_some();
        assert!(!is_there("late").await, "it has not arrived");
        if something_in_between {
            let outcome = leader.commit(decided, put("next")).await.unwrap();
            assert!(matches!(outcome, Outcome::Committed(_)));
            sleep(Duration::from_secs(5)).await;
            assert!(!is_there("late").await, "never");
        } else {
            stage.until("it arrives", || is_there("late")).await;
            let outcome = leader.commit(decided, put("next")).await.unwrap();
            assert!(matches!(outcome, Outcome::Refused(_)), "it was decided without");
            let again = leader.link().await.unwrap();
            assert_ne!(again, decided);
            let outcome = leader.commit(again, put("next")).await.unwrap();
            assert!(matches!(outcome, Outcome::Committed(_)));
        }
        assert!(master.leads());
    }
}
