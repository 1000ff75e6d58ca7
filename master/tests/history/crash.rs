//! A master with SQLite that is killed while it records: what was acknowledged is there.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use master::history::{History, SqlHistory};

use crate::{
    Scratch,
    sample::{chunk, run},
};

const URL: &str = "GNOMON_TEST_CRASH_URL";
const BATCH: i64 = 20;

/// Not a test of its own: the process that is killed. It prints each batch it was told is
/// recorded.
#[tokio::test]
#[ignore = "started by killed_while_recording"]
async fn record_until_killed() {
    let history = SqlHistory::connect(&std::env::var(URL).unwrap()).await.unwrap();
    let first = history.runs_after(None, 1_000_000).await.unwrap().len() as i64 / BATCH;
    for batch in first.. {
        let runs: Vec<_> = (0..BATCH).map(|n| run(1, batch * BATCH + n)).collect();
        let chunks: Vec<_> = runs.iter().map(|run| chunk(run, 0, &[7; 2000])).collect();
        history.record(&runs, &chunks).await.unwrap();
        println!("\nrecorded {batch}");
    }
}

#[tokio::test]
async fn killed_while_recording() {
    let scratch = Scratch::new("crash");
    let url = format!("sqlite:{}", scratch.join("history.db").display());
    for round in 1..=4 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "crash::record_until_killed",
                "--ignored",
                "--nocapture",
            ])
            .env(URL, &url)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut recorded = None;
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let Ok(line) = line else { break };
            let Some(batch) = line.strip_prefix("recorded ") else {
                continue;
            };
            let batch: i64 = batch.parse().unwrap();
            recorded = Some(batch);
            if batch > round * 15 {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        let recorded = recorded.expect("the process recorded nothing");

        let history = SqlHistory::connect(&url).await.unwrap();
        let runs = history.runs_after(None, 1_000_000).await.unwrap();
        assert!(
            runs.len() as i64 >= (recorded + 1) * BATCH,
            "{} runs of {recorded} batches",
            runs.len()
        );
        assert_eq!(runs.len() as i64 % BATCH, 0, "half a batch");
        for run in &runs {
            assert_eq!(history.output(run.id, 0, 9).await.unwrap().len(), 1);
        }
        history.close().await;
    }
}
