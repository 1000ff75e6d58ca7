//! The one module that starts processes: for a shell script, a program, or, without a
//! process, an HTTP request.
//!
//! A process is the leader of a session and process group of its own and, where the host
//! lets us, alone in a cgroup. A signal goes to all that belongs to the run: its session,
//! its group, its cgroup, and whoever left them and still carries `GNOMON_RUN` with its
//! id. The end of a run that was not signalled is the end of its first process: what it
//! leaves behind on purpose lives on. The end of a run that was signalled is the end of
//! them all.
//!
//! There is no thread for a process: pipes and pidfds are watched by the runtime.

mod account;
mod prepare;
mod explain;
mod cgroup;
mod kernel;
mod marks;
mod pipes;
mod process;
mod procfs;
mod request;

use std::{
    collections::{HashMap, HashSet},
    io,
    panic::{self, AssertUnwindSafe},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use anyhow::Context;
use async_trait::async_trait;
use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage, setrlimit};
use shared::{id::RunId, job::Action};
use tokio::{
    sync::{Semaphore, mpsc},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::{
    parts::{Launch, ProcessEvent, ProcessId, Signal, SpoolError, StartError, Started, Starter},
    policy::Policy,
};
use cgroup::{Cgroup, Cgroups};
use explain::Explain;
use kernel::Spawn;
use marks::Marks;
use pipes::Pipes;
use prepare::{c_string, command, dirs, environment, programs, stdin};
use process::{Process, Target};
use request::Requests;

/// How many may be on their way at the same time: each can hang on a network's users, or on a
/// program that lies on a server that is gone.
const STARTS_MAX: usize = 64;
/// As many as there are processors start at a time; more would only stand in each other's
/// way, and all be late instead of some. One that takes longer than this no longer counts.
const ABREAST_MAX: Duration = Duration::from_millis(100);
const REAP_EVERY: Duration = Duration::from_secs(2);

/// How the launcher is set up.
pub struct LauncherConfig {
    /// Where it keeps the signs of what was started: beside the spool, so that both are
    /// lost or kept together.
    pub dir: PathBuf,
    pub policy: Arc<Policy>,
    /// Whether to give each run a cgroup where the host has version 2 and allows it.
    pub cgroups: bool,
}

/// Starts this host's processes and requests. Clones share them.
#[derive(Clone)]
pub struct Launcher {
    shared: Arc<Shared>,
}

struct Shared {
    policy: Arc<Policy>,
    marks: Marks,
    cgroups: Option<Cgroups>,
    requests: Requests,
    open_files: (u64, u64),
    running: Mutex<HashMap<RunId, Running>>,
    starts: Semaphore,
    abreast: Semaphore,
}

/// What can be signalled.
#[derive(Clone)]
enum Running {
    /// Being started, and what it is to be signalled as soon as it is.
    Starting(Option<Signal>),
    Process(Target),
    Request(CancellationToken),
}

impl Running {
    fn pid(&self) -> Option<i32> {
        match self {
            Running::Process(target) => Some(target.pid),
            Running::Starting(_) | Running::Request(_) => None,
        }
    }
}

impl Launcher {
    /// Needs its folder to be writable, and a tokio runtime. Raises the process' limit of open
    /// files, which what it starts does not inherit; nor does that inherit what is open.
    pub fn open(config: LauncherConfig) -> anyhow::Result<Launcher> {
        kernel::keep_open_files().context("cannot see what this process has open")?;
        let marks = Marks::open(&config.dir)
            .with_context(|| format!("cannot use the folder {}", config.dir.display()))?;
        let cgroups = if config.cgroups {
            Cgroups::find(&config.dir)
        } else {
            None
        };
        if let Some(cgroups) = &cgroups {
            cgroups.sweep();
        }
        let shared = Shared {
            requests: Requests::new(config.policy.clone())?,
            policy: config.policy,
            marks,
            cgroups,
            open_files: raise_open_files().context("cannot read the limit of open files")?,
            running: Mutex::default(),
            starts: Semaphore::new(STARTS_MAX),
            abreast: Semaphore::new(std::thread::available_parallelism().map_or(2, |n| n.get().max(2))),
        };
        let launcher = Launcher {
            shared: Arc::new(shared),
        };
        if std::process::id() == 1 {
            tokio::spawn(reap_orphans(Arc::downgrade(&launcher.shared)));
        }
        Ok(launcher)
    }

    /// How many processes and requests are going on.
    pub fn running(&self) -> usize {
        self.shared.running().len()
    }

    async fn start_process(
        &self,
        launch: Launch,
        events: mpsc::Sender<ProcessEvent>,
    ) -> Result<Started, StartError> {
        let shared = self.shared.clone();
        let run = launch.run;
        // Errors only if they were closed, which they never are.
        let _start = self.shared.starts.acquire().await;
        let abreast = self.shared.abreast.acquire().await;
        // Looking up users may wait for the network, and a program may lie on one.
        let mut spawning = tokio::task::spawn_blocking(move || shared.check_and_spawn(launch));
        let spawned = match timeout(ABREAST_MAX, &mut spawning).await {
            Ok(spawned) => spawned,
            Err(_) => {
                drop(abreast);
                spawning.await
            }
        };
        let (process, id) =
            spawned.unwrap_or_else(|e| Err(StartError::Failed(format!("starting it failed: {e}"))))?;
        let target = process.target.clone();
        let before = self
            .shared
            .running()
            .insert(run, Running::Process(target.clone()));
        self.watch(run, process, events);
        if let Some(Running::Starting(Some(signal))) = before {
            target.signal(signal).await;
        }
        Ok(Started { process: Some(id) })
    }

    fn watch(&self, run: RunId, process: Process, events: mpsc::Sender<ProcessEvent>) {
        let shared = self.shared.clone();
        tokio::spawn(async move {
            let gone = Gone { shared, run };
            process.watch(events).await;
            drop(gone);
        });
    }

    fn start_request(
        &self,
        launch: &Launch,
        events: mpsc::Sender<ProcessEvent>,
    ) -> Result<Started, StartError> {
        let Action::Http(request) = &launch.action else {
            return Err(StartError::Failed("it is not a request".into()));
        };
        let run = launch.run;
        self.shared.admit(run)?;
        let prepared = self.shared.requests.prepare(request);
        let prepared = prepared.and_then(|prepared| {
            let marked = self.shared.marks.leave(run);
            marked.map_err(|e| no_mark(&e)).map(|()| prepared)
        });
        let prepared = prepared.inspect_err(|_| self.shared.forget(run))?;
        let cancel = CancellationToken::new();
        self.shared
            .running()
            .insert(run, Running::Request(cancel.clone()));
        let shared = self.shared.clone();
        tokio::spawn(async move {
            let gone = Gone {
                shared: shared.clone(),
                run,
            };
            shared.requests.send(run, prepared, cancel, events).await;
            drop(gone);
        });
        Ok(Started { process: None })
    }
}

/// Takes a run off the list however its task ends.
struct Gone {
    shared: Arc<Shared>,
    run: RunId,
}

impl Drop for Gone {
    fn drop(&mut self) {
        self.shared.running().remove(&self.run);
    }
}

#[async_trait]
impl Starter for Launcher {
    async fn start(&self, launch: Launch, events: mpsc::Sender<ProcessEvent>) -> Result<Started, StartError> {
        if let Action::Shell(_) | Action::Exec(_) = &launch.action {
            return self.start_process(launch, events).await;
        }
        let shared = self.shared.clone();
        let checked = launch.clone();
        let check = tokio::task::spawn_blocking(move || shared.policy.check(&checked)).await;
        check
            .unwrap_or_else(|e| Err(format!("the policy could not be applied: {e}")))
            .map_err(StartError::Rejected)?;
        self.start_request(&launch, events)
    }

    async fn signal(&self, run: RunId, signal: Signal) {
        let running = match self.shared.running().get_mut(&run) {
            Some(Running::Starting(pending)) => {
                *pending = Some(signal);
                return;
            }
            running => running.cloned(),
        };
        match running {
            Some(Running::Process(target)) => target.signal(signal).await,
            Some(Running::Request(cancel)) => cancel.cancel(),
            Some(Running::Starting(_)) | None => {}
        }
    }

    async fn was_started(&self, run: RunId) -> Option<bool> {
        self.shared.marks.was_started(run)
    }

    async fn process_of(&self, run: RunId) -> Option<ProcessId> {
        self.shared.marks.process(run)
    }

    async fn adopt(&self, run: RunId, process: ProcessId, events: mpsc::Sender<ProcessEvent>) -> bool {
        if process.boot != procfs::boot() {
            return false;
        }
        let cgroup = self.shared.cgroups.as_ref().map(|all| all.of(run));
        let target = Target::new(run, process.pid, cgroup);
        let pipes = match self.shared.marks.read(run) {
            Some(mark) if mark.pid == process.pid => Pipes::reopen(&mark),
            _ => Pipes::none(),
        };
        let Ok(mut adopted) = Process::new(target.clone(), pipes, false) else {
            return false;
        };
        adopted.started_ticks = Some(process.started_ticks);
        // Looked at after the handle was made: the number can no longer change hands.
        let is_it = procfs::stat(process.pid)
            .is_some_and(|s| s.is_alive() && s.started_ticks == process.started_ticks);
        if !is_it {
            return false;
        }
        self.shared.running().insert(run, Running::Process(target));
        self.watch(run, adopted, events);
        true
    }

    async fn forget(&self, run: RunId) {
        self.shared.marks.remove(run);
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(cgroups) = &self.cgroups {
            cgroups.remove();
        }
    }
}

impl Shared {
    fn running(&self) -> MutexGuard<'_, HashMap<RunId, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn admit(&self, run: RunId) -> Result<(), StartError> {
        let mut running = self.running();
        if running.contains_key(&run) {
            return Err(StartError::Failed("this run is going on already".into()));
        }
        if let Some(max) = self
            .policy
            .max_concurrent()
            .filter(|max| running.len() >= *max as usize)
        {
            return Err(StartError::Rejected(format!(
                "limits.max_concurrent: {max} runs are going on already"
            )));
        }
        running.insert(run, Running::Starting(None));
        Ok(())
    }

    /// Starts a process that the host's policy allows. Blocks.
    fn check_and_spawn(&self, launch: Launch) -> Result<(Process, ProcessId), StartError> {
        self.policy.check(&launch).map_err(StartError::Rejected)?;
        let run = launch.run;
        self.admit(run)?;
        let spawned = panic::catch_unwind(AssertUnwindSafe(|| self.spawn(launch)));
        let spawned = spawned.unwrap_or_else(|_| Err(StartError::Failed("starting it failed: a bug".into())));
        spawned.inspect_err(|_| self.forget(run))
    }

    /// It was not started.
    fn forget(&self, run: RunId) {
        self.running().remove(&run);
        self.marks.remove(run);
    }

    /// Starts a process. Blocks.
    fn spawn(&self, launch: Launch) -> Result<(Process, ProcessId), StartError> {
        let run = launch.run;
        let account = account::resolve(launch.user.as_deref(), launch.group.as_deref())?;
        let owner = account.identity.as_ref().map(|identity| identity.uid);
        let (pipes, ends) =
            pipes::make(owner).map_err(|e| StartError::Failed(format!("no pipe for its output: {e}")))?;
        let cgroup = self.make_cgroup(run);
        let env = environment(&launch, &account);
        let (program, args) = command(&launch.action)?;
        let explain = Explain::new(&launch, &account, &env);
        let spawn = Spawn {
            programs: programs(&program, explain.path)
                .into_iter()
                .map(c_string)
                .collect::<Result<_, _>>()?,
            args: [program]
                .into_iter()
                .chain(args)
                .map(c_string)
                .collect::<Result<_, _>>()?,
            env: env
                .iter()
                .map(|(name, value)| c_string(format!("{name}={value}")))
                .collect::<Result<_, _>>()?,
            dirs: dirs(launch.dir.as_deref(), &account)?,
            stdin: stdin(launch.stdin.as_deref())
                .map_err(|e| StartError::Failed(format!("no place for its input: {e}")))?,
            identity: account.identity,
            stdout: ends.stdout,
            stderr: ends.stderr,
            mark: self.marks.c_path(run).map_err(|e| no_mark(&e))?,
            mark_text: format!(" {} {}\n", ends.inodes.0, ends.inodes.1).into_bytes(),
            cgroup: cgroup.as_ref().and_then(|c| c.handle().ok()),
            open_files: self.open_files,
        };
        let memory_floor_bytes = own_memory_max();
        let pid = match kernel::spawn(spawn) {
            Ok(pid) => pid,
            Err((step, error)) => {
                cgroup.inspect(Cgroup::remove);
                return Err(explain.failure(step, &error));
            }
        };
        // At once: it may be gone soon.
        let memory_seen_bytes = procfs::memory_max(pid);
        let target = Target::new(run, pid, cgroup);
        let started_ticks = procfs::stat(pid).map_or(0, |stat| stat.started_ticks);
        let mut process = Process::new(target, pipes, true).map_err(|e| abandon(pid, &e))?;
        process.memory_floor_bytes = memory_floor_bytes;
        process.memory_seen_bytes = memory_seen_bytes;
        Ok((
            process,
            ProcessId {
                pid,
                started_ticks,
                boot: procfs::boot(),
            },
        ))
    }

    /// Without one, a run is still killed as a whole, by other means.
    fn make_cgroup(&self, run: RunId) -> Option<Cgroup> {
        let made = self.cgroups.as_ref()?.make(run);
        made.inspect_err(|error| tracing::warn!(%error, run.id = %run, "no cgroup for this run"))
            .ok()
    }
}

/// The largest that this process has been, in bytes: a child that borrowed its memory is
/// told to have been as large.
fn own_memory_max() -> u64 {
    let kib = getrusage(UsageWho::RUSAGE_SELF).map_or(0, |usage| usage.max_rss());
    kib.unsigned_abs() * 1024
}

/// A process that cannot be watched is not left running.
fn abandon(pid: i32, error: &io::Error) -> StartError {
    let number = nix::unistd::Pid::from_raw(pid);
    let _ = nix::sys::signal::killpg(number, nix::sys::signal::Signal::SIGKILL);
    let _ = nix::sys::wait::waitpid(number, None);
    StartError::Failed(format!("it could not be watched and was killed: {error}"))
}

fn no_mark(error: &io::Error) -> StartError {
    let full = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];
    StartError::Unmarked(match full.contains(&error.kind()) {
        true => SpoolError::DiskFull,
        false => SpoolError::Failed(format!("no sign of a start can be left beside it: {error}")),
    })
}

/// The first process of a container inherits what others leave behind, and nobody but it
/// can take the ended ones out of the process table.
async fn reap_orphans(shared: Weak<Shared>) {
    let mut seen = HashSet::new();
    loop {
        tokio::time::sleep(REAP_EVERY).await;
        let Some(shared) = shared.upgrade() else { return };
        let Ok(ended) = tokio::task::spawn_blocking(procfs::ended_children).await else {
            return;
        };
        let own: HashSet<i32> = shared.running().values().filter_map(Running::pid).collect();
        let ended: HashSet<i32> = ended.into_iter().filter(|pid| !own.contains(pid)).collect();
        // One that is being started may not be on the list yet: only what is seen twice.
        for pid in ended.intersection(&seen) {
            // Gone is what it is to be.
            let _ = kernel::wait(*pid);
        }
        seen = ended;
    }
}

/// Each running process takes three descriptors. Returns the limits as they were.
fn raise_open_files() -> nix::Result<(u64, u64)> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < hard
        && let Err(error) = setrlimit(Resource::RLIMIT_NOFILE, hard, hard)
    {
        tracing::warn!(%error, "the limit of open files stays at {soft}: that is {} runs at once", soft / 3);
    }
    Ok((soft, hard))
}
