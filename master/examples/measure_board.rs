//! How fast the console's pages are answered with very many jobs and runs.
//!
//!     cargo run --release -p gnomon-master --example measure_board -- [--jobs N] [--runs N] URL...
//!
//! 10,000 jobs and 1,000,000 runs if not given. Each URL must name an empty database, or one
//! that an earlier measurement with the same numbers has filled. What it prints is a table
//! for `docs/PERFORMANCE.md`.

use std::{env, sync::Arc, time::Duration};

use anyhow::{Context, Result, ensure};
use axum::{
    Router,
    body::Body,
    http::{Method, Request},
};
use master::{
    auth::{Accounts, ensure_admin},
    history::{History, SqlHistory},
    housekeeping::Findings,
    http::{App, Config, Parts, router},
    intake::Intake,
    planner::UnplacedList,
    view::View,
};
use shared::{
    api::board::{Board, Known},
    host::Host,
    id::{Fire, JobId, Owner, RunId},
    job::{Author, Job, JobSpec, Trigger},
    keys,
    report::{OutputSize, Run, Usage},
    run::{Cause, Reason, State},
    store::{DynStore, Txn, Write, embedded::Embedded},
    time::Time,
};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};
use tower::ServiceExt;

const BATCH: usize = 500;
const NODES: usize = 100;
const TIMES: usize = 11;

#[tokio::main]
async fn main() -> Result<()> {
    let mut urls: Vec<String> = env::args().skip(1).collect();
    let (mut jobs, mut runs) = (10_000, 1_000_000);
    while let Some(first) = urls.first().filter(|first| first.starts_with("--")) {
        let is_jobs = first == "--jobs";
        let number = urls.drain(..2).nth(1).context("a number")?.parse()?;
        *(if is_jobs { &mut jobs } else { &mut runs }) = number;
    }
    ensure!(!urls.is_empty(), "give the URLs of databases");
    println!("| Database | What | median | worst | bytes |");
    println!("|---|---|--:|--:|--:|");
    for url in urls {
        let history = SqlHistory::connect(&url).await?;
        fill(&history, jobs, runs).await?;
        measure(Arc::new(history), jobs).await.with_context(|| url)?;
    }
    Ok(())
}

fn job(n: usize) -> JobId {
    JobId::new(Time::from_secs(1_700_000_000), n as u128 + 1)
}

fn name(n: usize) -> String {
    format!("job-{n:05}")
}

/// Each job's run `k` before now; of forty, one failed.
fn run(n: usize, k: usize, now: Time, state: Option<State>) -> Run {
    let at = now - Duration::from_secs(60 * (k as u64 + 1)) + Duration::from_millis(n as u64 % 60_000);
    let slot = Owner::Slot(0);
    let fire = Fire {
        job: job(n),
        at,
        owner: slot,
    };
    let id = RunId::of(&fire);
    let has_failed = (n * 7 + k).is_multiple_of(40);
    let state = state.unwrap_or(if has_failed {
        State::Failed
    } else {
        State::Succeeded
    });
    Run {
        id,
        first: id,
        job: job(n),
        path: format!("ns-{}/{}", n % 20, name(n)).parse().expect("a path"),
        revision: 1,
        scheduled_at: at,
        slot: Some(0),
        node: format!("node-{:03}", n % NODES).parse().expect("a node"),
        attempt: 1,
        cause: if k == 7 { Cause::Manual } else { Cause::Schedule },
        state,
        reason: (state == State::Failed).then_some(Reason::ExitCode { exit_code: 3 }),
        started_at: Some(at + Duration::from_millis(4)),
        finished_at: state
            .is_end()
            .then(|| at + Duration::from_millis(1000 + (n * k) as u64 % 5000)),
        exit_code: state.is_end().then_some(0),
        signal: None,
        retry_at: None,
        usage: Usage::default(),
        output: OutputSize::default(),
        range: None,
    }
}

async fn fill(history: &SqlHistory, jobs: usize, runs: usize) -> Result<()> {
    if !history.runs_after(None, 1).await?.is_empty() {
        return Ok(());
    }
    let now = Host::system().now();
    let start = Instant::now();
    let deep = runs / jobs;
    for k in (0..deep).rev() {
        let all: Vec<Run> = (0..jobs).map(|n| run(n, k, now, None)).collect();
        for some in all.chunks(BATCH) {
            // The newest count in the statistics, as if they had just come.
            if k < 10 {
                history.record(some, &[]).await?;
            } else {
                history.load(some, &[], &[]).await?;
            }
        }
        while k < 10 && history.fold().await? {}
    }
    eprintln!("filled {} in {:.0?}", history.name(), start.elapsed());
    Ok(())
}

async fn store(jobs: usize, now: Time) -> Result<DynStore> {
    let store: DynStore = Arc::new(Embedded::memory());
    let mut writes = Vec::new();
    for n in 0..jobs {
        let shell = serde_json::from_value(serde_json::json!({"shell": "true"}))?;
        let mut spec = JobSpec::new(name(n).parse().map_err(anyhow::Error::msg)?, shell);
        spec.namespace = format!("ns-{}", n % 20).parse().map_err(anyhow::Error::msg)?;
        spec.description = format!("what job {n} is for, in a few words");
        spec.labels = [("team".to_owned(), format!("team-{}", n % 7))].into();
        let cron = match n % 4 {
            0 => format!("{} * * * *", n % 60),
            1 => format!("{} {} * * *", n % 60, n % 24),
            2 => "*/5 * * * *".to_owned(),
            _ => "* * * * *".to_owned(),
        };
        spec.triggers = vec![Trigger::cron(cron).map_err(anyhow::Error::msg)?];
        let author = Author {
            by: "admin".to_owned(),
            at: now,
        };
        let job = Job::create(job(n), spec, author);
        writes.push(Write::Put {
            key: keys::job(&job.spec.path()),
            value: serde_json::to_vec(&job)?,
            lease: None,
        });
    }
    for some in writes.chunks(100) {
        let txn = Txn {
            compares: Vec::new(),
            writes: some.to_vec(),
        };
        store.txn(txn).await?;
    }
    Ok(store)
}

async fn measure(history: Arc<SqlHistory>, jobs: usize) -> Result<()> {
    let kind = history.kind();
    let host = Host::system();
    let now = host.now();
    let store = store(jobs, now).await?;
    let password = ensure_admin(&store, &host).await?.context("a fresh store")?;
    let accounts = Accounts::spawn(store.clone(), host.clone());
    accounts.ready().await;
    let view = View::new(&store);
    view.ready().await;
    let (_unplaced, unplaced) = watch::channel(UnplacedList::default());
    let (_findings, findings) = watch::channel(Findings::default());
    let start = Instant::now();
    let app = App::new(Parts {
        intake: Intake::new(history.clone(), host.clone()),
        history: history.clone(),
        store,
        view,
        accounts: accounts.clone(),
        host,
        unplaced,
        findings,
        config: Config::new("m1".parse().map_err(anyhow::Error::msg)?, "embedded", kind),
    });
    let session = accounts
        .login(
            &shared::api::Login {
                user: "admin".to_owned(),
                password,
            },
            [127, 0, 0, 1].into(),
        )
        .await?;
    let asker = Asker {
        router: router(app.clone()),
        cookie: format!("{}={}", shared::api::SESSION_COOKIE, session.secret),
        kind,
    };
    while app.board.known.borrow().what != Known::Current {
        sleep(Duration::from_millis(5)).await;
    }
    println!(
        "| {kind} | the board is read at the start | {:.0?} | | |",
        start.elapsed()
    );
    let (_, body) = asker.ask("/board", false).await?;
    let board: Board = serde_json::from_slice(&body)?;
    ensure!(board.jobs.len() == jobs && board.jobs.iter().all(|job| !job.ticks.is_empty()));
    asker.report("board, all of it", "/board", false).await?;
    asker
        .report("board, all of it, compressed", "/board", true)
        .await?;
    asker
        .report(
            "board, nothing new",
            &format!("/board?since={}", board.version),
            true,
        )
        .await?;
    let mut times = Vec::new();
    let mut bytes = 0;
    let mut version = board.version;
    for turn in 0..TIMES {
        let runs: Vec<Run> = (0..BATCH)
            .map(|n| {
                run(
                    n * 7 % jobs,
                    0,
                    now + Duration::from_secs(60 + turn as u64),
                    Some(State::Running),
                )
            })
            .collect();
        app.intake.settle(runs).await?;
        sleep(Duration::from_millis(300)).await;
        let (took, body) = asker.ask(&format!("/board?since={version}"), false).await?;
        let board: Board = serde_json::from_slice(&body)?;
        (version, bytes) = (board.version, body.len());
        times.push(took);
    }
    asker.print("board, 500 jobs changed", &mut times, bytes);
    for (what, path) in [
        ("overview", "/overview?past_hours=24&coming_hours=24".to_owned()),
        ("timeline by node, an hour", "/timeline".to_owned()),
        (
            "timeline by node, a day and 12 hours to come",
            format!(
                "/timeline?from={}&to={}",
                now - Duration::from_secs(86_400),
                now + Duration::from_secs(43_200)
            ),
        ),
        ("timeline by job, an hour", "/timeline?by=job".to_owned()),
        (
            "timeline by job, of a few jobs",
            "/timeline?by=job&q=job-0001".to_owned(),
        ),
        (
            "a job's history, 200 points",
            "/jobs/ns-7/job-00007/history".to_owned(),
        ),
        ("runs, a page", "/runs".to_owned()),
        ("runs of one cause", "/runs?cause=manual".to_owned()),
        (
            "runs of a node that failed",
            "/runs?node=node-007&state=failed".to_owned(),
        ),
        (
            "runs by a part of a name, few jobs",
            "/runs?q=job-0007".to_owned(),
        ),
        ("runs by a part of a name, many jobs", "/runs?q=job-01".to_owned()),
        ("a node's work", "/nodes/node-007/work".to_owned()),
    ] {
        // A node that never registered is none.
        if asker.ask(&path, true).await.is_err() {
            continue;
        }
        asker.report(what, &path, true).await?;
    }
    Ok(())
}

struct Asker {
    router: Router,
    cookie: String,
    kind: &'static str,
}

impl Asker {
    async fn ask(&self, path: &str, gzip: bool) -> Result<(Duration, Vec<u8>)> {
        let mut request = Request::builder()
            .method(Method::GET)
            .uri(format!("/api/v1{path}"))
            .header("cookie", &self.cookie);
        if gzip {
            request = request.header("accept-encoding", "gzip");
        }
        let start = Instant::now();
        let response = self.router.clone().oneshot(request.body(Body::empty())?).await?;
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await?;
        let took = start.elapsed();
        ensure!(
            status.is_success(),
            "{path}: {status}: {}",
            String::from_utf8_lossy(&body)
        );
        Ok((took, body.to_vec()))
    }

    async fn report(&self, what: &str, path: &str, gzip: bool) -> Result<()> {
        let (mut times, mut bytes) = (Vec::new(), 0);
        for _ in 0..TIMES {
            let (took, body) = self.ask(path, gzip).await?;
            times.push(took);
            bytes = body.len();
        }
        self.print(what, &mut times, bytes);
        Ok(())
    }

    fn print(&self, what: &str, times: &mut [Duration], bytes: usize) {
        times.sort_unstable();
        let (median, worst) = (times[times.len() / 2], times[times.len() - 1]);
        println!(
            "| {} | {what} | {median:.1?} | {worst:.1?} | {bytes} |",
            self.kind
        );
    }
}
