//! Pretended processes, for tests and for the simulator: a host whose processes live
//! through their agent's death, and end when they were meant to.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use shared::{
    host::Host,
    id::RunId,
    report::{Stream, Usage},
    time::Time,
};
use tokio::{
    sync::mpsc,
    task::AbortHandle,
    time::{Instant, sleep},
};

use crate::parts::{Exit, Launch, ProcessEvent, ProcessId, Signal, StartError, Started, Starter};

/// What a pretended process does.
#[derive(Clone, Debug)]
pub struct Script {
    pub lasts: Duration,
    pub exit: Exit,
    pub output: Vec<u8>,
    /// It goes on until it is killed.
    pub ignores_term: bool,
    /// It cannot be started.
    pub error: Option<StartError>,
}

impl Script {
    /// Ends with success after so long.
    pub fn lasting(lasts: Duration) -> Script {
        Script {
            lasts,
            exit: Exit::Code(0),
            output: Vec::new(),
            ignores_term: false,
            error: None,
        }
    }
}

/// A process that was started, and what became of it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub launch: Launch,
    pub at: Time,
    pub ended_at: Option<Time>,
    /// The same on the monotonic clock, which does not step.
    pub began: Instant,
    pub ended: Option<Instant>,
    pub exit: Option<Exit>,
}

/// A host's processes. Clones are the same host; it outlives agents.
#[derive(Clone)]
pub struct Pretend(Arc<Inner>);

struct Inner {
    host: Host,
    script: Box<dyn Fn(&Launch) -> Script + Send + Sync>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    seen: Vec<Seen>,
    running: BTreeMap<RunId, Process>,
    /// Runs that were started in this boot of the host and not forgotten.
    started: BTreeMap<RunId, ProcessId>,
    pid: i32,
    boot: u64,
}

struct Process {
    seen: usize,
    script: Script,
    /// Whose agent is told of the end; it may be dead.
    agent: Option<(mpsc::Sender<ProcessEvent>, Watcher)>,
    timer: AbortHandle,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Watcher {
    Parent,
    Adopter,
}

impl Pretend {
    /// A host on which each launch does what the script says.
    pub fn new(host: Host, script: impl Fn(&Launch) -> Script + Send + Sync + 'static) -> Pretend {
        Pretend(Arc::new(Inner {
            host,
            script: Box::new(script),
            state: Mutex::default(),
        }))
    }

    /// Every process that was ever started here, in order.
    pub fn seen(&self) -> Vec<Seen> {
        self.with(|state| state.seen.clone())
    }

    /// How many processes run now.
    pub fn running(&self) -> usize {
        self.with(|state| state.running.len())
    }

    /// The host restarts: its processes are gone, and what it remembers of them.
    pub fn reboot(&self) {
        let now = self.0.host.now();
        self.with(|state| {
            for process in std::mem::take(&mut state.running).into_values() {
                process.timer.abort();
                let seen = &mut state.seen[process.seen];
                (seen.ended_at, seen.ended) = (Some(now), Some(Instant::now()));
            }
            state.started.clear();
            state.boot += 1;
        });
    }

    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.0.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn end(&self, run: RunId, exit: Option<Exit>) {
        let now = self.0.host.now();
        let ended = self.with(|state| {
            let process = state.running.remove(&run)?;
            process.timer.abort();
            let exit = exit.unwrap_or(process.script.exit);
            let seen = &mut state.seen[process.seen];
            (seen.ended_at, seen.exit) = (Some(now), Some(exit.clone()));
            seen.ended = Some(Instant::now());
            Some((process.agent?, exit))
        });
        let Some(((events, watcher), exit)) = ended else {
            return;
        };
        // Only a parent learns how a process ended.
        let exit = if watcher == Watcher::Parent {
            exit
        } else {
            Exit::Unknown
        };
        let usage = Usage {
            cpu_ms: 1,
            memory_max_bytes: 1 << 20,
        };
        let _ = events.send(ProcessEvent::Ended { run, exit, usage }).await;
    }
}

#[async_trait]
impl Starter for Pretend {
    async fn start(&self, launch: Launch, events: mpsc::Sender<ProcessEvent>) -> Result<Started, StartError> {
        let (run, script, at) = (launch.run, (self.0.script)(&launch), self.0.host.now());
        if let Some(error) = script.error {
            return Err(error);
        }
        let host = self.clone();
        let (lasts, output) = (script.lasts, script.output.clone());
        let told = events.clone();
        let timer = tokio::spawn(async move {
            if !output.is_empty() {
                let output = ProcessEvent::Output {
                    run,
                    stream: Stream::Stdout,
                    data: output,
                };
                let _ = told.send(output).await;
            }
            drop(told);
            sleep(lasts).await;
            // Not within this task, which ending the process aborts.
            tokio::spawn(async move { host.end(run, None).await });
        });
        let process = self.with(|state| {
            state.pid += 1;
            let process = ProcessId {
                pid: state.pid,
                started_ticks: state.pid as u64,
                boot: state.boot,
            };
            state.seen.push(Seen {
                launch,
                at,
                ended_at: None,
                began: Instant::now(),
                ended: None,
                exit: None,
            });
            let (seen, agent) = (state.seen.len() - 1, Some((events, Watcher::Parent)));
            state.running.insert(
                run,
                Process {
                    seen,
                    script,
                    agent,
                    timer: timer.abort_handle(),
                },
            );
            state.started.insert(run, process);
            process
        });
        Ok(Started {
            process: Some(process),
        })
    }

    async fn signal(&self, run: RunId, signal: Signal) {
        let ignores = self.with(|state| state.running.get(&run).is_some_and(|p| p.script.ignores_term));
        match signal {
            Signal::Term if ignores => {}
            Signal::Term => self.end(run, Some(Exit::Signal(15))).await,
            Signal::Kill => self.end(run, Some(Exit::Signal(9))).await,
        }
    }

    async fn was_started(&self, run: RunId) -> Option<bool> {
        let (is_started, is_first_boot) = self.with(|s| (s.started.contains_key(&run), s.boot == 0));
        (is_first_boot || is_started).then_some(is_started)
    }

    async fn process_of(&self, run: RunId) -> Option<ProcessId> {
        self.with(|state| state.started.get(&run).copied())
    }

    async fn adopt(&self, run: RunId, process: ProcessId, events: mpsc::Sender<ProcessEvent>) -> bool {
        self.with(|state| {
            let is_same = state.started.get(&run) == Some(&process);
            let found = state.running.get_mut(&run).filter(|_| is_same);
            found
                .map(|p| p.agent = Some((events, Watcher::Adopter)))
                .is_some()
        })
    }

    async fn forget(&self, run: RunId) {
        self.with(|state| state.started.remove(&run));
    }
}
