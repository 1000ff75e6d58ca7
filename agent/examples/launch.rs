//! What a start costs: `cargo run --release -p gnomon-agent --example launch`.
//!
//! Starts processes one after another, many at once, and at a steady pace with a record
//! in the spool before each, as an agent does; prints how long the starts took.

use std::{path::Path, sync::Arc, time::Duration};

use agent::{
    launcher::{Launcher, LauncherConfig},
    parts::{Launch, Spool, SpoolWrite, SpooledRun, Starter},
    policy::Policy,
    spool::{Disk, Limits},
};
use anyhow::Context;
use shared::{
    assign::RunOrder,
    host::Host,
    id::JobId,
    job::{Action, JobSpec, RunSpec},
    run::Cause,
};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval},
};

const COUNT: u32 = 1000;
const PACE: Duration = Duration::from_millis(10);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let dir = std::env::temp_dir().join(format!("gnomon-launch-{}", std::process::id()));
    let result = measure(&dir).await;
    std::fs::remove_dir_all(&dir).context("removing what was measured with")?;
    result
}

async fn measure(dir: &Path) -> anyhow::Result<()> {
    for cgroups in [false, true] {
        let config = LauncherConfig {
            dir: dir.join("started"),
            policy: Arc::new(Policy::default()),
            cgroups,
        };
        let launcher = Launcher::open(config)?;
        let suffix = if cgroups { ", each in a cgroup" } else { "" };

        let begin = Instant::now();
        let mut times = Vec::new();
        for _ in 0..COUNT {
            times.push(start(&launcher).await?);
        }
        report(&format!("one after another{suffix}"), begin.elapsed(), times);

        let begin = Instant::now();
        let mut all = JoinSet::new();
        for _ in 0..COUNT {
            let launcher = launcher.clone();
            all.spawn(async move { start(&launcher).await });
        }
        let times = collect(all).await?;
        report(&format!("all at once{suffix}"), begin.elapsed(), times);
    }
    paced(dir).await
}

/// A record in the spool, then the start, at a steady pace.
async fn paced(dir: &Path) -> anyhow::Result<()> {
    let config = LauncherConfig {
        dir: dir.join("started"),
        policy: Arc::new(Policy::default()),
        cgroups: true,
    };
    let launcher = Launcher::open(config)?;
    let spool = Arc::new(Disk::open(&dir.join("spool"), Limits::default())?);
    let (mut commits, mut starts) = (JoinSet::new(), JoinSet::new());
    let mut tick = interval(PACE);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let begin = Instant::now();
    for _ in 0..COUNT {
        tick.tick().await;
        let spool = spool.clone();
        commits.spawn(async move {
            let begin = Instant::now();
            spool
                .commit(vec![SpoolWrite::PutRun(Box::new(record()?))])
                .await?;
            Ok(begin.elapsed())
        });
        let launcher = launcher.clone();
        starts.spawn(async move { start(&launcher).await });
    }
    let took = begin.elapsed();
    report("records, 100 a second", took, collect(commits).await?);
    report("starts, 100 a second", took, collect(starts).await?);
    Ok(())
}

fn record() -> anyhow::Result<SpooledRun> {
    let order = RunOrder {
        job: JobId::from_u128(1),
        revision: 1,
        spec: JobSpec::new(
            "job".parse().map_err(anyhow::Error::msg)?,
            RunSpec::new(Action::Shell("true".into())),
        ),
        first: Host::system().run_id(),
        attempt: 1,
        scheduled_at: Host::system().now(),
        not_before: Host::system().now(),
        slot: Some(0),
        cause: Cause::Schedule,
        env: [].into(),
    };
    let run = order.pending(order.first, &"node".parse().map_err(anyhow::Error::msg)?);
    Ok(SpooledRun {
        run,
        order,
        claim: Some(1),
        process: None,
        epoch: Some(1),
    })
}

/// How long it took until the process ran.
async fn start(launcher: &Launcher) -> anyhow::Result<Duration> {
    let launch = Launch {
        run: Host::system().run_id(),
        action: Action::Exec(vec!["/bin/true".into()]),
        user: None,
        group: None,
        dir: None,
        env: Vec::new(),
        stdin: None,
    };
    let run = launch.run;
    let (events, mut ended) = mpsc::channel(4);
    let begin = Instant::now();
    launcher.start(launch, events).await?;
    let took = begin.elapsed();
    while ended.recv().await.is_some() {}
    launcher.forget(run).await;
    Ok(took)
}

async fn collect(mut all: JoinSet<anyhow::Result<Duration>>) -> anyhow::Result<Vec<Duration>> {
    let mut times = Vec::new();
    while let Some(time) = all.join_next().await {
        times.push(time??);
    }
    Ok(times)
}

fn report(what: &str, took: Duration, mut times: Vec<Duration>) {
    times.sort_unstable();
    let ms = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1000.0;
    let rate = times.len() as f64 / took.as_secs_f64();
    println!(
        "{what:<42} {rate:>7.0}/s   median {:>7.3} ms   99% {:>7.3} ms   most {:>7.3} ms",
        ms(0.5),
        ms(0.99),
        ms(1.0)
    );
}
