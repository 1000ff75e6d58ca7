//! Reports in: acknowledged after they are recorded, bounded, and never one agent's fault to
//! another.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod gate;
mod last_words;
#[path = "../history/sample.rs"]
#[allow(dead_code, reason = "the history's tests use the rest")]
mod sample;

use std::{sync::Arc, time::Duration};

use futures::future::join_all;
use gate::Gate;
use master::{
    history::{History, MemoryHistory, Seen},
    intake::{Intake, IntakeError, Live},
};
use sample::{NOON, at, chunk, in_state, run};
use shared::{
    host::{Clock, Host},
    report::{Ack, BATCH_CHUNKS_MAX, BATCH_REPORTS_MAX, Batch, Chunk, Health, Run},
    run::State,
    time::Time,
};
use tokio::{task::JoinHandle, time::Instant};

struct Noon;

impl Clock for Noon {
    fn now(&self) -> Time {
        NOON
    }
}

fn host() -> Host {
    Host {
        clock: Arc::new(Noon),
        random: Host::system().random,
    }
}

fn batch(runs: Vec<Run>, chunks: Vec<Chunk>) -> Batch {
    Batch {
        node: "node-1".parse().unwrap(),
        boot: "b1".into(),
        sent_at: NOON,
        runs,
        chunks,
        health: None,
    }
}

fn send(intake: &Intake, batch: Batch) -> JoinHandle<Result<Ack, IntakeError>> {
    let intake = intake.clone();
    tokio::spawn(async move { intake.accept(batch).await })
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "waited in vain for {what}"
        );
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn nothing_is_acknowledged_before_it_is_recorded() {
    let history = Arc::new(Gate::new(false));
    let intake = Intake::new(history.clone(), host());
    let answer = send(&intake, batch(vec![run(1, 0)], vec![chunk(&run(1, 0), 0, b"x")]));
    until("the history to be asked", || history.begun() == 1).await;
    assert!(!answer.is_finished());
    history.open();
    assert_eq!(
        answer.await.unwrap().unwrap(),
        Ack {
            runs: 1,
            chunks: 1,
            now: NOON
        }
    );
    assert!(history.run(run(1, 0).id).await.unwrap().is_some());
    assert_eq!(intake.metrics.runs_recorded.get(), 1);
}

#[tokio::test]
async fn batches_that_come_at_once_are_one_transaction() {
    let history = Arc::new(Gate::new(false));
    let intake = Intake::new(history.clone(), host());
    let first = send(&intake, batch(vec![run(1, 0)], vec![]));
    until("the first transaction", || history.begun() == 1).await;
    // These wait while it goes on.
    let rest: Vec<_> = (1..=100)
        .map(|n| send(&intake, batch(vec![run(1, n), run(2, n)], vec![])))
        .collect();
    tokio::task::yield_now().await;
    history.open();
    first.await.unwrap().unwrap();
    for answer in join_all(rest).await {
        assert_eq!(answer.unwrap().unwrap().runs, 2);
    }
    assert_eq!(history.begun(), 2, "201 reports in two transactions");
    assert_eq!(history.inner.all().len(), 201);
}

#[tokio::test]
async fn a_transaction_is_bounded() {
    let history = Arc::new(Gate::new(false));
    let intake = Intake::new(history.clone(), host());
    let full = |n: i64| batch((0..500).map(|i| run(1, n * 500 + i)).collect(), vec![]);
    let answers: Vec<_> = (0..9).map(|n| send(&intake, full(n))).collect();
    until("the first transaction", || history.begun() == 1).await;
    history.open();
    for answer in join_all(answers).await {
        answer.unwrap().unwrap();
    }
    // One, and then four together at most.
    assert!((3..=4).contains(&history.begun()), "{}", history.begun());
}

#[tokio::test]
async fn a_full_queue_says_later_at_once() {
    let history = Arc::new(Gate::new(false));
    let intake = Intake::new(history.clone(), host());
    let first = send(&intake, batch(vec![run(3, 0)], vec![]));
    until("the first transaction", || history.begun() == 1).await;
    let answers: Vec<_> = (0..400)
        .map(|n| send(&intake, batch(vec![run(1, n)], vec![])))
        .collect();
    until("those that find no room to be told", || {
        answers.iter().filter(|a| a.is_finished()).count() == 144
    })
    .await;
    let start = Instant::now();
    assert!(matches!(
        intake.accept(batch(vec![run(2, 0)], vec![])).await,
        Err(IntakeError::Later(_))
    ));
    assert!(start.elapsed() < Duration::from_secs(1));
    history.open();
    first.await.unwrap().unwrap();
    let done = join_all(answers).await;
    let recorded = done
        .iter()
        .filter(|answer| answer.as_ref().unwrap().is_ok())
        .count();
    assert_eq!(recorded, 256);
    assert_eq!(history.inner.all().len(), 257);
    intake.accept(batch(vec![run(2, 0)], vec![])).await.unwrap();
}

#[tokio::test]
async fn the_queue_is_bounded_in_bytes() {
    let history = Arc::new(Gate::new(false));
    let intake = Intake::new(history.clone(), host());
    let output = |n: i64| {
        (0..64)
            .map(|seq| chunk(&run(1, n), seq, &[1; 64 * 1024]))
            .collect()
    };
    // 5.6 MB each, in base64.
    let answers: Vec<_> = (0..20).map(|n| send(&intake, batch(vec![], output(n)))).collect();
    until("those that find no room to be told", || {
        answers.iter().filter(|a| a.is_finished()).count() >= 9
    })
    .await;
    history.open();
    let done = join_all(answers).await;
    assert_eq!(
        done.iter()
            .filter(|answer| answer.as_ref().unwrap().is_ok())
            .count(),
        11
    );
    intake
        .accept(batch(vec![], output(99)))
        .await
        .expect("room is given back");
}

#[tokio::test]
async fn a_database_that_is_down_means_later() {
    let history = Arc::new(MemoryHistory::new());
    let intake = Intake::new(history.clone(), host());
    history.set_down(true);
    let later = intake.accept(batch(vec![run(1, 0)], vec![])).await;
    assert!(
        matches!(&later, Err(IntakeError::Later(why)) if why.contains("does not answer")),
        "{later:?}"
    );
    history.set_down(false);
    intake.accept(batch(vec![run(1, 0)], vec![])).await.unwrap();
    assert_eq!(history.all().len(), 1);
    assert_eq!(intake.metrics.batches_later.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_history_that_never_answers_means_later() {
    let history = Arc::new(Gate::new(false));
    let intake = Intake::new(history.clone(), host());
    let start = Instant::now();
    let later = intake.accept(batch(vec![run(1, 0)], vec![])).await;
    assert!(matches!(later, Err(IntakeError::Later(_))), "{later:?}");
    assert!(
        start.elapsed() <= Duration::from_secs(30),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn a_bad_batch_harms_only_itself() {
    let history = Arc::new(Gate::new(false));
    let intake = Intake::new(history.clone(), host());
    let first = send(&intake, batch(vec![run(1, 0)], vec![]));
    until("the first transaction", || history.begun() == 1).await;
    let bad = Chunk {
        data: "?".into(),
        ..chunk(&run(1, 1), 0, b"")
    };
    let answers = [
        send(&intake, batch(vec![run(1, 1)], vec![])),
        send(&intake, batch(vec![run(1, 2)], vec![bad])),
        send(&intake, batch(vec![run(1, 3)], vec![])),
    ];
    tokio::task::yield_now().await;
    history.open();
    first.await.unwrap().unwrap();
    let done: Vec<bool> = join_all(answers)
        .await
        .into_iter()
        .map(|answer| answer.unwrap().is_ok())
        .collect();
    assert_eq!(done, [true, false, true]);
    assert_eq!(history.inner.all().len(), 3);
}

#[tokio::test]
async fn what_no_agent_sends_is_refused() {
    let intake = Intake::new(Arc::new(MemoryHistory::new()), host());
    let mut foreign = run(1, 0);
    foreign.node = "node-2".parse().unwrap();
    let many = (0..=BATCH_REPORTS_MAX as i64).map(|n| run(1, n)).collect();
    let long = (0..=BATCH_CHUNKS_MAX as u64)
        .map(|seq| chunk(&run(1, 0), seq, b""))
        .collect();
    for (batch, expected) in [
        (batch(vec![foreign], vec![]), "is of node node-2"),
        (batch(many, vec![]), "501 reports"),
        (batch(vec![], long), "65 pieces"),
    ] {
        match intake.accept(batch).await {
            Err(IntakeError::Invalid(why)) => assert!(why.contains(expected), "{why}"),
            other => panic!("{expected}: {other:?}"),
        }
    }
    assert_eq!(intake.metrics.batches_invalid.get(), 3);
}

#[tokio::test]
async fn listeners_hear_of_what_changed() {
    let intake = Intake::new(Arc::new(MemoryHistory::new()), host());
    let mut live = intake.subscribe();
    let running = in_state(&run(1, 0), State::Running);
    intake
        .accept(batch(vec![running.clone()], vec![chunk(&running, 0, b"a")]))
        .await
        .unwrap();
    intake.accept(batch(vec![running.clone()], vec![])).await.unwrap();
    intake.settle(vec![run(1, 0)]).await.unwrap();
    let heard = async |live: &mut tokio::sync::broadcast::Receiver<Live>| match live.recv().await.unwrap() {
        Live::Run(run) => format!("{} {}", run.id, run.state),
        Live::Output(run) => format!("{run} output"),
    };
    let id = running.id;
    assert_eq!(heard(&mut live).await, format!("{id} running"));
    assert_eq!(heard(&mut live).await, format!("{id} output"));
    assert_eq!(
        heard(&mut live).await,
        format!("{id} succeeded"),
        "a report that changes nothing is no news"
    );
    assert!(live.is_empty());
}

#[tokio::test]
async fn an_agents_last_word_is_kept() {
    let history = Arc::new(MemoryHistory::new());
    let intake = Intake::new(history.clone(), host());
    let node = "node-1".parse().unwrap();
    assert_eq!(intake.seen(&node), None);
    // Also while the database is down: that is when people look.
    history.set_down(true);
    let health = Health {
        running: 3,
        ..Health::default()
    };
    let sent_at = at(2);
    let hello = Batch {
        sent_at,
        health: Some(health.clone()),
        ..batch(vec![], vec![])
    };
    intake.accept(hello).await.unwrap();
    let seen = Seen {
        boot: "b1".into(),
        health: Some(health.clone()),
        clock_offset_ms: 2000,
        at: NOON,
    };
    assert_eq!(intake.seen(&node), Some(seen));
    // A batch without health leaves it, one of another boot does not.
    let _ = intake.accept(batch(vec![run(1, 0)], vec![])).await;
    assert_eq!(intake.seen(&node).unwrap().health, Some(health));
    let rebooted = Batch {
        boot: "b2".into(),
        ..batch(vec![], vec![])
    };
    intake.accept(rebooted).await.unwrap();
    assert_eq!(
        intake.seen(&node).unwrap(),
        Seen {
            boot: "b2".into(),
            health: None,
            clock_offset_ms: 0,
            at: NOON
        }
    );
}
