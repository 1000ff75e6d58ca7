//! A master with SQLite that is killed while it records, or whose disk is full: what was
//! acknowledged is there.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use master::history::{History, HistoryError, SqlHistory};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};

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

/// Not a test of its own either: the limit on the size of files, which stands for a full
/// disk, is the whole process's.
#[tokio::test]
#[ignore = "started by a_full_disk_means_later"]
async fn record_on_a_full_disk() {
    // The kernel's signal would end the process; the error is what is asked about.
    let _caught = signal(SignalKind::from_raw(nix::libc::SIGXFSZ)).unwrap();
    let history = SqlHistory::connect(&std::env::var(URL).unwrap()).await.unwrap();
    let (_, hard) = getrlimit(Resource::RLIMIT_FSIZE).unwrap();
    setrlimit(Resource::RLIMIT_FSIZE, 1 << 20, hard).unwrap();
    let mut recorded = 0;
    let error = loop {
        let runs = [run(1, recorded)];
        match history.record(&runs, &[chunk(&runs[0], 0, &[7; 60_000])]).await {
            Ok(_) => recorded += 1,
            Err(e) => break e,
        }
        assert!(recorded < 100, "the disk is never full");
    };
    assert!(matches!(error, HistoryError::Unavailable(_)), "{error:?}");
    // Questions are still answered; with room again, it goes on.
    assert_eq!(
        history.runs_after(None, 1000).await.unwrap().len() as i64,
        recorded
    );
    setrlimit(Resource::RLIMIT_FSIZE, hard, hard).unwrap();
    history.record(&[run(1, recorded)], &[]).await.unwrap();
    assert_eq!(
        history.runs_after(None, 1000).await.unwrap().len() as i64,
        recorded + 1
    );
    assert!(recorded > 5, "{recorded}");
}

#[tokio::test]
async fn a_full_disk_means_later() {
    let scratch = Scratch::new("full");
    let done = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "crash::record_on_a_full_disk",
            "--ignored",
            "--nocapture",
        ])
        .env(URL, format!("sqlite:{}", scratch.join("history.db").display()))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success() && said.contains("1 passed"), "{said}");
}
