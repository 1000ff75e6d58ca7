//! Backup and restore.

use master::history::dump;
use shared::{
    history::{StatisticsQuery, SumBy},
    report::Run,
    run::State,
};

use super::all;
use crate::{
    databases::Database,
    sample::{chunk, in_state, run},
};

pub async fn dumps_carry_all(db: &Database) {
    let mut runs: Vec<Run> = (0..1100).map(|n| run(n % 5, n as i64)).collect();
    runs[3] = in_state(&runs[3], State::Running);
    for run in &mut runs[..150] {
        run.output.bytes = 3;
    }
    let chunks: Vec<_> = runs[..150].iter().map(|run| chunk(run, 0, b"out")).collect();
    for some in runs.chunks(500) {
        db.history.record(some, &[]).await.unwrap();
    }
    for some in chunks.chunks(64) {
        db.history.record(&[], some).await.unwrap();
    }
    let mut file = Vec::new();
    let dumped = dump::export(db.history.as_ref(), &mut file).await.unwrap();
    assert_eq!((dumped.runs, dumped.chunks, dumped.sums), (1100, 150, 14));

    // What was written while it was running, or came back after it ended, is no obstacle.
    let copy = db.another("copy").await;
    copy.history.record(&runs[..10], &[]).await.unwrap();
    for _ in 0..2 {
        assert_eq!(
            dump::import(copy.history.as_ref(), file.as_slice())
                .await
                .unwrap(),
            dumped
        );
    }
    let mut again = Vec::new();
    dump::export(db.history.as_ref(), &mut again).await.unwrap();
    assert_eq!(file, again, "a dump changes nothing");
    assert_eq!(all(&copy).await, all(db).await);
    let output = copy.history.output(runs[149].id, 0, 9).await.unwrap();
    assert_eq!(output, chunks[149..]);

    let fresh = db.another("fresh").await;
    dump::import(fresh.history.as_ref(), file.as_slice())
        .await
        .unwrap();
    let query = StatisticsQuery {
        by: SumBy::Job,
        ..StatisticsQuery::default()
    };
    assert_eq!(
        fresh.history.statistics(&query).await.unwrap(),
        db.history.statistics(&query).await.unwrap()
    );

    let broken = [&file[..file.len() / 2], b"\n"].concat();
    let error = dump::import(fresh.history.as_ref(), broken.as_slice())
        .await
        .unwrap_err();
    assert!(error.to_string().starts_with("line "), "{error}");
}
