//! How many reports a second a history takes, and how fast it answers.
//!
//!     cargo run --release -p gnomon-master --example measure_history -- [--runs N] URL...
//!
//! Questions are asked, and retention runs, once there are `N` runs (50,000 if not given).
//! Each URL must name an empty database (`sqlite:/tmp/x/history.db`,
//! `postgres://me@host/empty`). What it prints is a table for `docs/PERFORMANCE.md`.

use std::{env, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use base64::{Engine, engine::general_purpose::STANDARD};
use futures::future::try_join_all;
use master::history::{Expire, History, SqlHistory};
use shared::{
    history::{RunQuery, StatisticsQuery, Step, SumBy},
    id::{Fire, JobId, Owner, RunId},
    report::{Chunk, OutputSize, Run, Stream, Usage},
    run::{Cause, State},
    time::Time,
};
use tokio::time::Instant;

const BATCH: usize = 500;
const BATCHES: usize = 100;
const JOBS: usize = 200;
const START: Time = Time::from_secs(1_769_860_800);

#[tokio::main]
async fn main() -> Result<()> {
    let mut urls: Vec<String> = env::args().skip(1).collect();
    let mut runs = BATCH * BATCHES;
    if urls.first().is_some_and(|first| first == "--runs") {
        runs = urls.drain(..2).nth(1).context("--runs takes a number")?.parse()?;
    }
    anyhow::ensure!(!urls.is_empty(), "give the URLs of empty databases");
    println!("| Database | What | a second | median | 99 % |");
    println!("|---|---|--:|--:|--:|");
    for url in urls {
        let history = SqlHistory::connect(&url).await?;
        let found = history.runs_after(None, 1).await?;
        anyhow::ensure!(found.is_empty(), "{} is not empty", history.name());
        measure(Arc::new(history), runs)
            .await
            .with_context(|| url.clone())?;
    }
    Ok(())
}

async fn measure(history: Arc<SqlHistory>, runs: usize) -> Result<()> {
    let kind = history.kind();
    let ended: Vec<Vec<Run>> = (0..BATCHES).map(|n| batch(n, State::Succeeded)).collect();
    let report = |what: &str, rows: usize, times: &[Duration], took: Duration| {
        let mut times = times.to_vec();
        times.sort_unstable();
        let at = |percent: usize| times[(times.len() - 1) * percent / 100];
        let rate = rows as f64 / took.as_secs_f64();
        println!(
            "| {kind} | {what} | {rate:.0} | {:.1?} | {:.1?} |",
            at(50),
            at(99)
        );
    };

    let (times, took) = each(&ended[..BATCHES / 2], async |runs| {
        history.record(runs, &[]).await.map(drop)
    })
    .await?;
    report("new runs, batches of 500", BATCH * times.len(), &times, took);

    let running: Vec<Vec<Run>> = (BATCHES / 2..BATCHES * 3 / 4)
        .map(|n| batch(n, State::Running))
        .collect();
    let both: Vec<&Vec<Run>> = running
        .iter()
        .zip(&ended[BATCHES / 2..])
        .flat_map(|(a, b)| [a, b])
        .collect();
    let (times, took) = each(&both, async |runs| history.record(runs, &[]).await.map(drop)).await?;
    report(
        "runs, started and then ended",
        BATCH * times.len() / 2,
        &times,
        took,
    );

    let start = Instant::now();
    let writers = ended[BATCHES * 3 / 4..].chunks(BATCHES / 16).map(|some| {
        let history = history.clone();
        async move { each(some, async |runs| history.record(runs, &[]).await.map(drop)).await }
    });
    let times: Vec<Duration> = try_join_all(writers)
        .await?
        .into_iter()
        .flat_map(|(times, _)| times)
        .collect();
    report(
        "new runs, four masters at once",
        BATCH * times.len(),
        &times,
        start.elapsed(),
    );

    let one: Vec<Run> = batch(BATCHES, State::Succeeded);
    let (times, took) = each(&one[..200], async |run| {
        history.record(std::slice::from_ref(run), &[]).await.map(drop)
    })
    .await?;
    report("new runs, one by one", times.len(), &times, took);

    let output: Vec<Vec<Chunk>> = one.iter().map(pieces).collect();
    let (times, took) = each(&output[..40], async |chunks| {
        history.record(&[], chunks).await.map(drop)
    })
    .await?;
    report(
        "pieces of output of 4 KiB, batches of 64",
        64 * times.len(),
        &times,
        took,
    );

    let start = Instant::now();
    let mut folds = 0;
    while history.fold().await? {
        folds += 1;
    }
    println!(
        "| {kind} | statistics of all these runs, {} folds | | {:.1?} in all | |",
        folds + 1,
        start.elapsed()
    );

    for n in BATCHES + 1..runs / BATCH {
        history
            .record(
                &batch(
                    n,
                    if n % 50 == 0 {
                        State::Failed
                    } else {
                        State::Succeeded
                    },
                ),
                &[],
            )
            .await?;
        if n % 100 == 0 {
            while history.fold().await? {}
        }
    }
    history.tidy().await?;
    let job = "measured/job-7".parse().map_err(anyhow::Error::msg)?;
    let old = START + Duration::from_secs(600);
    let query = RunQuery::default;
    for (what, query) in [
        ("the newest 100", query()),
        (
            "a page from the middle",
            RunQuery {
                until: Some(START + Duration::from_millis(runs as u64 * 125)),
                ..query()
            },
        ),
        (
            "a job's newest 100",
            RunQuery {
                job: Some(job),
                ..query()
            },
        ),
        (
            "a namespace's newest 100",
            RunQuery {
                namespace: Some("measured".into()),
                ..query()
            },
        ),
        (
            "an empty namespace's",
            RunQuery {
                namespace: Some("empty".into()),
                ..query()
            },
        ),
        (
            "a node's newest 100",
            RunQuery {
                node: Some("node-3".parse().map_err(anyhow::Error::msg)?),
                ..query()
            },
        ),
        (
            "the newest 100 that failed",
            RunQuery {
                state: Some("failed,lost,timed_out".into()),
                ..query()
            },
        ),
        (
            "all that go on",
            RunQuery {
                state: Some("pending,queued,running".into()),
                ..query()
            },
        ),
        (
            "a node's in a state it never was in",
            RunQuery {
                state: Some("killed".into()),
                node: Some("node-3".parse().map_err(anyhow::Error::msg)?),
                ..query()
            },
        ),
        (
            "all attempts at a fire",
            RunQuery {
                first: Some(run(77, State::Failed).id),
                ..query()
            },
        ),
        (
            "old ones",
            RunQuery {
                until: Some(old),
                since: Some(START),
                ..query()
            },
        ),
    ] {
        let (times, took) = each(&[(); 50], async |()| history.runs(&query).await.map(drop)).await?;
        report(&format!("of {runs} runs, {what}"), times.len(), &times, took);
    }
    let at_end = START + Duration::from_millis(runs as u64 * 250);
    let job_id = run(7, State::Failed).job;
    let node = "node-3".parse().map_err(anyhow::Error::msg)?;
    let (times, took) = each(&[(); 50], async |()| {
        history
            .known(job_id, 0, at_end - Duration::from_secs(3600), at_end)
            .await
            .map(drop)?;
        history.newest(job_id, 0).await.map(drop)?;
        history.unfinished(&node).await.map(drop)?;
        history.unfinished_nodes().await.map(drop)?;
        history.unretried(START, 100).await.map(drop)?;
        history.going_on(100).await.map(drop)
    })
    .await?;
    report("what the leader asks: six questions", times.len(), &times, took);
    for by in [SumBy::Time, SumBy::Job] {
        let query = StatisticsQuery {
            by,
            step: Step::Day,
            ..StatisticsQuery::default()
        };
        let (times, took) = each(&[(); 20], async |()| history.statistics(&query).await.map(drop)).await?;
        report(&format!("statistics by {by:?}"), times.len(), &times, took);
    }
    let rule = Expire::Job {
        job: job_id,
        before: START,
        keep: 1000,
        spared: Time::MAX,
    };
    let (times, took) = each(&[(); 3], async |()| history.expire(&rule).await.map(drop)).await?;
    report("retention of one job, a look", times.len(), &times, took);

    let (mut times, mut rows, start) = (Vec::new(), 0, Instant::now());
    loop {
        let now = Instant::now();
        let expired = history
            .expire(&Expire::All {
                before: Time::MAX,
                keep: 0,
                spared: Time::MAX,
            })
            .await?;
        rows += expired.rows as usize;
        times.push(now.elapsed());
        if !expired.more || times.len() == 20 {
            break;
        }
    }
    report("runs deleted by retention", rows, &times, start.elapsed());
    Ok(())
}

async fn each<T>(
    work: &[T],
    mut call: impl AsyncFnMut(&T) -> Result<(), master::history::HistoryError>,
) -> Result<(Vec<Duration>, Duration)> {
    let start = Instant::now();
    let mut times = Vec::new();
    for item in work {
        let now = Instant::now();
        call(item).await?;
        times.push(now.elapsed());
    }
    Ok((times, start.elapsed()))
}

fn batch(n: usize, state: State) -> Vec<Run> {
    (0..BATCH).map(|i| run(n * BATCH + i, state)).collect()
}

/// Run `n`: a few jobs a second, as a fleet of a few hundred jobs makes them.
fn run(n: usize, state: State) -> Run {
    let job = JobId::new(START, (n % JOBS) as u128);
    let scheduled_at = START + Duration::from_millis(n as u64 * 250);
    let id = RunId::of(&Fire {
        job,
        at: scheduled_at,
        owner: Owner::Slot(0),
    });
    let path = format!("measured/job-{}", n % JOBS);
    let ended = state.is_end();
    Run {
        id,
        first: id,
        job,
        path: path.parse().expect("a name"),
        revision: 1,
        scheduled_at,
        slot: Some(0),
        node: format!("node-{}", n % 16).parse().expect("a name"),
        attempt: 1,
        cause: Cause::Schedule,
        state,
        reason: None,
        started_at: Some(scheduled_at + Duration::from_millis(3)),
        finished_at: ended.then(|| scheduled_at + Duration::from_millis(900 + n as u64 % 300)),
        exit_code: ended.then_some(0),
        signal: None,
        retry_at: None,
        usage: Usage {
            cpu_ms: 40,
            memory_max_bytes: 8 << 20,
        },
        output: OutputSize::default(),
        range: None,
    }
}

fn pieces(run: &Run) -> Vec<Chunk> {
    let data = STANDARD.encode([b'x'; 4096]);
    let piece = |seq| Chunk {
        run: run.id,
        seq,
        stream: Stream::Stdout,
        at: run.scheduled_at,
        data: data.clone(),
    };
    (0..64).map(piece).collect()
}
