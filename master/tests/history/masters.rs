//! Several masters on one database at the same time.

use std::{collections::BTreeMap, sync::Arc};

use master::{
    history::{History, Seen, SqlHistory},
    intake::Intake,
};
use shared::{
    history::{Outcomes, RunView, StatisticsQuery},
    host::Host,
    report::{Batch, Run},
    run::State,
};

use crate::{
    cases,
    databases::{self, Database},
    sample::{chunk, in_state, run},
};

const MASTERS: usize = 4;
const RUNS: i64 = 240;

/// Each master gets every report, in an order and in batches of its own, as agents that send
/// again to another master make it. Every run must end as reported, and count once.
async fn record_the_same(db: &Database) {
    let url = db.url.clone().unwrap();
    let runs: Vec<Run> = (0..RUNS).map(|n| run(n as u64 % 9, n)).collect();
    let mut work = Vec::new();
    for master in 0..MASTERS {
        let history = SqlHistory::connect(&url).await.unwrap();
        let mut reports = Vec::new();
        for state in [State::Pending, State::Lost, State::Running, State::Succeeded] {
            reports.extend(runs.iter().map(|run| in_state(run, state)));
        }
        // Another order for each master, without chance.
        let len = reports.len();
        let step = [1, 7, 11, 13][master];
        let reports: Vec<Run> = (0..len).map(|n| reports[n * step % len].clone()).collect();
        work.push(tokio::spawn(async move {
            for batch in reports.chunks(50 + master * 30) {
                let chunks: Vec<_> = batch.iter().take(20).map(|run| chunk(run, 0, b"once")).collect();
                history.record(batch, &chunks).await.unwrap();
                history.fold().await.unwrap();
            }
        }));
    }
    for master in work {
        master.await.unwrap();
    }
    for run in &runs {
        assert_eq!(
            db.history.run(run.id).await.unwrap(),
            Some(RunView::from(run.clone()))
        );
        assert!(db.history.output(run.id, 0, 9).await.unwrap().len() <= 1);
    }
    while db.history.fold().await.unwrap() {}
    let sums = db.history.statistics(&StatisticsQuery::default()).await.unwrap();
    let succeeded = Outcomes {
        succeeded: RUNS,
        ..Outcomes::default()
    };
    assert_eq!(sums.iter().map(|s| s.outcomes).collect::<Vec<_>>(), [succeeded]);
}

/// Masters that start together on an empty database.
async fn migrate_at_once(url: &str) {
    let starts = (0..8).map(|_| {
        let url = url.to_owned();
        tokio::spawn(async move { SqlHistory::connect(&url).await })
    });
    let starts: Vec<_> = starts.collect();
    let mut histories = Vec::new();
    for start in starts {
        histories.push(Arc::new(start.await.unwrap().unwrap()));
    }
    for (n, history) in histories.iter().enumerate() {
        history.record(&[run(1, n as i64)], &[]).await.unwrap();
    }
    assert_eq!(histories[0].runs_after(None, 100).await.unwrap().len(), 8);
}

/// Each master notes all that was said, in an order and in pieces of its own. Of each node the
/// last word stays, whole.
async fn note_the_same(db: &Database) {
    let url = db.url.clone().unwrap();
    let words: Vec<_> = (0..40)
        .flat_map(|word| (0..30).map(move |node| cases::word(node, word)))
        .collect();
    let mut work = Vec::new();
    for master in 0..MASTERS {
        let history = SqlHistory::connect(&url).await.unwrap();
        let step = [1, 7, 11, 13][master];
        let len = words.len();
        let words: Vec<_> = (0..len).map(|n| words[n * step % len].clone()).collect();
        work.push(tokio::spawn(async move {
            for some in words.chunks(50 + master * 30) {
                let mut last = BTreeMap::<_, Seen>::new();
                for (node, word) in some {
                    if last.get(node).is_none_or(|other| other.at < word.at) {
                        last.insert(node.clone(), word.clone());
                    }
                }
                history.note_seen(&last).await.unwrap();
            }
        }));
    }
    for master in work {
        master.await.unwrap();
    }
    let last: BTreeMap<_, _> = (0..30).map(|node| cases::word(node, 39)).collect();
    assert_eq!(db.history.seen(100).await.unwrap(), last);
}

/// An agent speaks to one of two masters; both know, and so does one that starts later.
async fn an_agent_speaks_to_one(url: &str) {
    let master = async || {
        let history = SqlHistory::connect(url).await.unwrap();
        Intake::new(Arc::new(history), Host::system())
    };
    let (one, other) = (master().await, master().await);
    let (node, word) = cases::word(1, 1);
    let batch = Batch {
        node: node.clone(),
        boot: word.boot,
        sent_at: word.at,
        runs: vec![],
        chunks: vec![],
        health: word.health,
    };
    one.accept(batch).await.unwrap();
    let said = one.seen(&node);
    assert!(said.is_some());
    one.last_words().exchange().await.unwrap();
    let later = master().await;
    for master in [&one, &other, &later] {
        master.last_words().exchange().await.unwrap();
        assert_eq!(master.seen(&node), said);
    }
}

mod sqlite {
    use super::*;

    /// Only one master may use it; a second process, such as a backup, still harms nothing.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn masters_record_the_same_runs() {
        record_the_same(&databases::sqlite("masters").await).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn masters_note_the_same_nodes() {
        note_the_same(&databases::sqlite("nodes").await).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn masters_migrate_at_once() {
        let scratch = crate::Scratch::new("migrate");
        migrate_at_once(&format!("sqlite:{}", scratch.join("history.db").display())).await;
    }
}

mod postgres {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn masters_record_the_same_runs() {
        record_the_same(&databases::postgres("masters").await).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn masters_note_the_same_nodes() {
        note_the_same(&databases::postgres("nodes").await).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn masters_migrate_at_once() {
        let (url, _server) = databases::postgres_url("migrate");
        migrate_at_once(&url).await;
    }

    #[tokio::test]
    async fn masters_know_what_was_said_to_one() {
        let (url, _server) = databases::postgres_url("said");
        an_agent_speaks_to_one(&url).await;
    }

    #[tokio::test]
    async fn masters_tell_each_other() {
        let (url, _server) = databases::postgres_url("news");
        crate::cases::masters_tell_each_other(&url).await;
    }
}

mod mariadb {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn masters_record_the_same_runs() {
        record_the_same(&databases::mariadb("masters").await).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn masters_note_the_same_nodes() {
        note_the_same(&databases::mariadb("nodes").await).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn masters_migrate_at_once() {
        let (url, _server) = databases::mariadb_url("migrate");
        migrate_at_once(&url).await;
    }

    #[tokio::test]
    async fn masters_know_what_was_said_to_one() {
        let (url, _server) = databases::mariadb_url("said");
        an_agent_speaks_to_one(&url).await;
    }

    #[tokio::test]
    async fn masters_tell_each_other() {
        let (url, _server) = databases::mariadb_url("news");
        crate::cases::masters_tell_each_other(&url).await;
    }
}
