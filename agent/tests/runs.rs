//! Real processes and requests under a whole agent: what becomes of a run is what the
//! runner and the launcher make of it together.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod world;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use agent::{
    Agent,
    launcher::{Launcher, LauncherConfig},
    parts::{
        Launch, ProcessEvent, ProcessId, Signal, Spool, SpoolError, SpoolWrite, Spooled, StartError, Started,
        Starter, Unsent,
    },
    policy::Policy,
    spool::Memory,
};
use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::STANDARD};
use shared::{
    id::RunId,
    job::{Action, HttpRequest, RunSpec},
    report::{CHUNK_BYTES_MAX, Run},
    run::{Reason, State},
    units::{Size, Span},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::mpsc::Sender,
    time::{Instant, sleep},
};
use world::{TestHost, World, short};

const SOON: Duration = Duration::from_secs(60);

/// Remembers the output that it was given.
#[derive(Clone, Default)]
struct Watched {
    inner: Memory,
    outputs: Arc<Mutex<BTreeMap<RunId, Output>>>,
}

/// A run's pieces as they stand, and how often some were written.
#[derive(Clone, Default)]
struct Output {
    held: BTreeMap<u64, Vec<u8>>,
    commits: usize,
}

#[async_trait]
impl Spool for Watched {
    async fn commit(&self, writes: Vec<SpoolWrite>) -> Result<(), SpoolError> {
        let mut written = BTreeSet::new();
        for write in &writes {
            let mut outputs = self.outputs.lock().unwrap();
            match write {
                SpoolWrite::PutChunk(chunk) => {
                    let output = outputs.entry(chunk.run).or_default();
                    output
                        .held
                        .insert(chunk.seq, STANDARD.decode(&chunk.data).unwrap());
                    output.commits += usize::from(written.insert(chunk.run));
                }
                SpoolWrite::DropChunks { run, from, until } => {
                    let output = outputs.entry(*run).or_default();
                    output.held.retain(|seq, _| !(*from..*until).contains(seq));
                }
                _ => {}
            }
        }
        self.inner.commit(writes).await
    }

    async fn load(&self) -> Result<Spooled, SpoolError> {
        self.inner.load().await
    }

    async fn unsent(&self, runs: usize, chunks: usize) -> Result<Unsent, SpoolError> {
        self.inner.unsent(runs, chunks).await
    }

    async fn next_chunk(&self, run: RunId) -> Result<u64, SpoolError> {
        self.inner.next_chunk(run).await
    }
}

/// The launcher of a busy host: what it has started, the agent learns a little later.
struct Busy(Launcher);

#[async_trait]
impl Starter for Busy {
    async fn start(&self, launch: Launch, events: Sender<ProcessEvent>) -> Result<Started, StartError> {
        let started = self.0.start(launch, events).await;
        sleep(Duration::from_millis(50)).await;
        started
    }

    async fn signal(&self, run: RunId, signal: Signal) {
        self.0.signal(run, signal).await;
    }

    async fn was_started(&self, run: RunId) -> Option<bool> {
        self.0.was_started(run).await
    }

    async fn adopt(&self, run: RunId, process: ProcessId, events: Sender<ProcessEvent>) -> bool {
        self.0.adopt(run, process, events).await
    }

    async fn forget(&self, run: RunId) {
        self.0.forget(run).await;
    }
}

/// A node that starts what it is told on this host.
struct Node {
    world: World,
    host: TestHost,
    spool: Watched,
    _agent: Agent,
    dir: tempfile::TempDir,
}

impl Node {
    fn new() -> Node {
        let world = World::new();
        let host = world.host("real", short);
        let dir = tempfile::tempdir().unwrap();
        let launcher = Launcher::open(LauncherConfig {
            dir: dir.path().to_path_buf(),
            policy: Arc::new(Policy::default()),
            cgroups: true,
        })
        .unwrap();
        let spool = Watched::default();
        let (agent, _) = world.start_on(&host, Arc::new(spool.clone()), Arc::new(Busy(launcher)));
        Node {
            world,
            host,
            spool,
            _agent: agent,
            dir,
        }
    }

    /// Orders a run and waits for its end to be reported.
    async fn run(&self, spec: RunSpec) -> Run {
        let job = self.world.every("", |job| job.run = spec);
        let order = self.world.order(&self.host, &job);
        self.world.order_run(&self.host, &order).await;
        let deadline = Instant::now() + SOON;
        loop {
            let run = self.world.master.run(order.first);
            if let Some(run) = run.filter(|run| run.state.is_end()) {
                return run;
            }
            assert!(Instant::now() < deadline, "it never ends");
            sleep(Duration::from_millis(10)).await;
        }
    }
}

/// A server whose answers never end. Returns its URL.
async fn trickle() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = socket.read(&mut [0; 4096]).await;
                let mut piece: &[u8] = b"HTTP/1.1 200 OK\r\n\r\n";
                while socket.write_all(piece).await.is_ok() {
                    piece = b".";
                    sleep(Duration::from_millis(5)).await;
                }
            });
        }
    });
    url
}

/// Lines of nine bytes, counted from this.
const LINES: std::ops::Range<u64> = 10_000_000..21_000_000;

/// So many bytes of the lines from this byte on.
fn lines(from: u64, bytes: usize) -> Vec<u8> {
    let first = LINES.start + from / 9;
    let lines = (first..).flat_map(|line| format!("{line}\n").into_bytes());
    lines.skip((from % 9) as usize).take(bytes).collect()
}

#[tokio::test]
async fn a_run_that_writes_without_end_keeps_head_and_tail_and_is_not_held_up() {
    let node = Node::new();
    let begin = Instant::now();
    let mut spec = RunSpec::new(Action::Shell(format!("seq {} {}", LINES.start, LINES.end - 1)));
    spec.output = Size::bytes(1 << 20);
    let run = node.run(spec).await;
    assert_eq!(run.state, State::Succeeded, "{:?}", run.reason);
    let whole = 9 * (LINES.end - LINES.start);
    let Output { held, commits } = node.spool.outputs.lock().unwrap()[&run.id].clone();
    let kept: Vec<u8> = held.values().flatten().copied().collect();
    assert_eq!(
        (run.output.bytes, run.output.dropped),
        (whole, whole - kept.len() as u64)
    );
    let half = 512 << 10;
    // Pieces are dropped whole.
    assert!(
        (2 * half - CHUNK_BYTES_MAX..=2 * half).contains(&kept.len()),
        "{}",
        kept.len()
    );
    let (head, tail) = kept.split_at(half);
    assert!(head == lines(0, half));
    assert!(tail == lines(whole - tail.len() as u64, tail.len()));
    let gap = run.output.gap.unwrap();
    assert!(held.keys().all(|seq| !(gap.from..gap.until).contains(seq)));
    // A commit for each piece of the head; after that, each gathers what came meanwhile.
    let most = half / CHUNK_BYTES_MAX + 2 + (begin.elapsed().as_millis() / 100) as usize;
    assert!(commits <= most, "{commits} commits, not {most} at most");
}

#[tokio::test]
async fn what_is_written_past_the_head_is_seen_while_the_run_goes_on() {
    let node = Node::new();
    let go = node.dir.path().join("go");
    let script = format!("until [ -e {} ]; do seq 100000; done", go.display());
    let mut spec = RunSpec::new(Action::Shell(script));
    spec.output = Size::bytes(64 << 10);
    let seen = async {
        let deadline = Instant::now() + SOON;
        while node.world.master.chunks() < 10 {
            assert!(Instant::now() < deadline, "nothing is seen of it");
            sleep(Duration::from_millis(10)).await;
        }
        std::fs::write(&go, "").unwrap();
    };
    let (run, ()) = tokio::join!(node.run(spec), seen);
    assert_eq!(run.state, State::Succeeded, "{:?}", run.reason);
}

#[tokio::test]
async fn a_request_that_takes_too_long_has_timed_out() {
    let node = Node::new();
    let mut spec = RunSpec::new(Action::Http(HttpRequest {
        method: "GET".into(),
        url: trickle().await,
        headers: [].into(),
        body: None,
    }));
    let timeout = Span::from(Duration::from_millis(200));
    spec.timeout = Some(timeout);
    // Whoever else measured the same time would be first.
    let run = node.run(spec).await;
    assert_eq!(
        (run.state, run.reason),
        (State::TimedOut, Some(Reason::Timeout { timeout }))
    );
}
