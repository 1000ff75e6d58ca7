//! What agents last said: known to every master, and after a restart.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use master::{
    history::{History, MemoryHistory, Seen},
    intake::Intake,
};
use shared::{
    host::{Clock, Host},
    id::NodeId,
    report::{Batch, Health},
    time::Time,
};
use tokio::time::{Instant, sleep};

use crate::{
    batch,
    gate::Gate,
    sample::{NOON, run},
    until,
};

/// The time that the test's runtime keeps.
struct Virtual(Instant);

impl Clock for Virtual {
    fn now(&self) -> Time {
        NOON + self.0.elapsed()
    }
}

fn host() -> Host {
    Host {
        clock: Arc::new(Virtual(Instant::now())),
        random: Host::system().random,
    }
}

fn node() -> NodeId {
    "node-1".parse().unwrap()
}

/// An agent says that so many runs go on.
async fn say(intake: &Intake, running: u32) {
    let health = Health {
        running,
        ..Health::default()
    };
    let hello = Batch {
        health: Some(health),
        ..batch(vec![], vec![])
    };
    intake.accept(hello).await.unwrap();
}

fn running(seen: Option<Seen>) -> Option<u32> {
    seen.map(|seen| seen.health.unwrap().running)
}

async fn heard(intake: &Intake, wanted: u32) {
    until("the other master's word", || {
        running(intake.seen(&node())) == Some(wanted)
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn masters_tell_each_other() {
    let history = Arc::new(MemoryHistory::new());
    let host = host();
    let one = Intake::new(history.clone(), host.clone());
    let other = Intake::new(history.clone(), host.clone());
    say(&one, 1).await;
    assert_eq!(other.seen(&node()), None);
    heard(&other, 1).await;
    assert_eq!(other.seen(&node()), one.seen(&node()));
    // The agent goes to the other master. Its first batch does not say how it is, and it is
    // as the first master heard.
    sleep(Duration::from_secs(1)).await;
    other.accept(batch(vec![run(1, 0)], vec![])).await.unwrap();
    assert_eq!(running(other.seen(&node())), Some(1));
    assert_ne!(other.seen(&node()), one.seen(&node()));
    say(&other, 2).await;
    heard(&one, 2).await;
    assert_eq!(other.seen(&node()), one.seen(&node()));
    // What was heard here counts at once, whatever others said before.
    sleep(Duration::from_secs(1)).await;
    say(&one, 3).await;
    assert_eq!(running(one.seen(&node())), Some(3));
}

#[tokio::test(start_paused = true)]
async fn a_master_whose_clock_is_ahead_does_not_silence_the_others() {
    let history = Arc::new(MemoryHistory::new());
    let ahead = Host {
        clock: Arc::new(Virtual(Instant::now() - Duration::from_secs(3600))),
        ..host()
    };
    let one = Intake::new(history.clone(), ahead);
    let other = Intake::new(history.clone(), host());
    say(&one, 1).await;
    heard(&other, 1).await;
    say(&other, 2).await;
    assert_eq!(running(other.seen(&node())), Some(2));
    heard(&one, 2).await;
}

#[tokio::test(start_paused = true)]
async fn a_restart_keeps_the_last_words() {
    let history = Arc::new(MemoryHistory::new());
    let host = host();
    let intake = Intake::new(history.clone(), host.clone());
    say(&intake, 1).await;
    let seen = intake.seen(&node());
    intake.last_words().close().await;
    drop(intake);
    let again = Intake::new(history.clone(), host.clone());
    heard(&again, 1).await;
    assert_eq!(again.seen(&node()), seen);
}

#[tokio::test(start_paused = true)]
async fn a_database_that_is_down_keeps_ones_own() {
    let history = Arc::new(MemoryHistory::new());
    let host = host();
    let one = Intake::new(history.clone(), host.clone());
    let other = Intake::new(history.clone(), host.clone());
    say(&one, 1).await;
    heard(&other, 1).await;
    history.set_down(true);
    say(&one, 2).await;
    sleep(Duration::from_secs(3600)).await;
    assert_eq!(running(one.seen(&node())), Some(2));
    assert_eq!(running(other.seen(&node())), Some(1), "what it knew stays");
    one.last_words().exchange().await.unwrap_err();
    history.set_down(false);
    heard(&other, 2).await;
}

#[tokio::test(start_paused = true)]
async fn a_forgotten_node_is_forgotten_everywhere() {
    let history = Arc::new(MemoryHistory::new());
    let host = host();
    let one = Intake::new(history.clone(), host.clone());
    let other = Intake::new(history.clone(), host.clone());
    say(&one, 1).await;
    heard(&other, 1).await;
    // Also what it has said since, and though the database is down for a while.
    say(&other, 2).await;
    history.set_down(true);
    other.last_words().forget(node());
    assert_eq!(other.seen(&node()), None);
    sleep(Duration::from_secs(60)).await;
    assert_eq!(other.seen(&node()), None);
    history.set_down(false);
    until("the other to forget", || one.seen(&node()).is_none()).await;
    assert!(history.seen(10).await.unwrap().is_empty());
    assert_eq!(other.seen(&node()), None);
    // It may come back.
    say(&other, 3).await;
    heard(&one, 3).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_written_that_was_not_heard() {
    let mut history = Gate::new(true);
    history.is_local = true;
    let history = Arc::new(history);
    let notes = || history.notes.load(Ordering::SeqCst);
    let intake = Intake::new(history.clone(), host());
    sleep(Duration::from_secs(3600)).await;
    assert_eq!(notes(), 0);
    // Where only one master listens, an agent that speaks every ten seconds is written down
    // a few times in an hour.
    for n in 0..360 {
        say(&intake, n).await;
        sleep(Duration::from_secs(10)).await;
    }
    assert!((10..=13).contains(&notes()), "{}", notes());
    assert_eq!(running(intake.seen(&node())), Some(359));
}

#[tokio::test]
async fn only_an_agents_boot_is_taken() {
    let intake = Intake::new(Arc::new(MemoryHistory::new()), host());
    for boot in ["a b", "a\0", "ä", &"x".repeat(65)] {
        let wrong = Batch {
            boot: boot.to_owned(),
            ..batch(vec![], vec![])
        };
        assert!(intake.accept(wrong).await.is_err(), "{boot:?}");
    }
    let right = Batch {
        boot: Host::system().token(),
        ..batch(vec![], vec![])
    };
    intake.accept(right).await.unwrap();
}
