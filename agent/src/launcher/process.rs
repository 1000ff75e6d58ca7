//! A running process: watched to its end, signalled as a whole.

use std::{
    io,
    os::fd::OwnedFd,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use nix::{
    sys::signal::{Signal as Number, kill, killpg},
    unistd::Pid,
};
use shared::{
    id::RunId,
    report::{Stream, Usage},
};
use tokio::{
    io::unix::AsyncFd,
    sync::mpsc,
    time::{Instant, interval, sleep, sleep_until, timeout},
};

use super::{
    cgroup::Cgroup,
    kernel,
    pipes::Pipes,
    procfs::{self, Processes},
};
use crate::parts::{Exit, ProcessEvent, Signal};

/// How long output is read on after a process' end, if something it left behind still
/// holds its pipes.
const DRAIN_MAX: Duration = Duration::from_secs(1);
/// How long processes that a stopped one left behind have, before they are killed too.
const STRAGGLERS_MAX: Duration = Duration::from_secs(60);
/// How long after KILL processes may take to be gone (they may be in the kernel).
const KILLED_MAX: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// A fork bomb forks while it is being killed: so often is looked for more.
const KILL_ROUNDS_MAX: u32 = 200;
/// When a process' memory is first looked at; then each time that it has become as old again,
/// and so often at least.
const MEMORY_FIRST: Duration = Duration::from_millis(5);
const MEMORY_EVERY_MAX: Duration = Duration::from_secs(5);
/// How long init may take to reap a process that was taken over.
const REAPED_MAX: Duration = Duration::from_secs(1);

/// What a process can be signalled by.
#[derive(Clone, Debug)]
pub struct Target {
    pub run: RunId,
    /// Also its session's and process group's number.
    pub pid: i32,
    pub cgroup: Option<Cgroup>,
    stopping: Arc<AtomicU8>,
}

const GOES_ON: u8 = 0;
const TERMINATED: u8 = 1;
const KILLED: u8 = 2;

impl Target {
    pub fn new(run: RunId, pid: i32, cgroup: Option<Cgroup>) -> Target {
        Target {
            run,
            pid,
            cgroup,
            stopping: Arc::new(AtomicU8::new(GOES_ON)),
        }
    }

    /// Signals everything that belongs to the run. Returns once all of it has been sent
    /// the signal.
    pub async fn signal(&self, signal: Signal) {
        self.stopping.fetch_max(
            if signal == Signal::Kill {
                KILLED
            } else {
                TERMINATED
            },
            Ordering::SeqCst,
        );
        let target = self.clone();
        // An error is a panic, and it has been printed.
        let _ = tokio::task::spawn_blocking(move || match signal {
            Signal::Term => target.terminate(),
            Signal::Kill => target.kill(),
        })
        .await;
    }

    fn terminate(&self) {
        let _ = killpg(Pid::from_raw(self.pid), Number::SIGTERM);
        for pid in self.members(Duration::ZERO) {
            // Those of the group have it already.
            if procfs::stat(pid).is_some_and(|stat| stat.group != self.pid) {
                let _ = kill(Pid::from_raw(pid), Number::SIGTERM);
            }
        }
    }

    fn kill(&self) {
        if let Some(cgroup) = &self.cgroup {
            cgroup.kill();
        }
        let _ = killpg(Pid::from_raw(self.pid), Number::SIGKILL);
        for _ in 0..KILL_ROUNDS_MAX {
            let left = self.members(Duration::ZERO);
            if left.is_empty() {
                return;
            }
            // Stopped first: what is stopped forks no more while the rest is killed.
            for number in [Number::SIGSTOP, Number::SIGKILL] {
                for pid in &left {
                    let _ = kill(Pid::from_raw(*pid), number);
                }
            }
        }
    }

    fn members(&self, age_max: Duration) -> Vec<i32> {
        let mut all = Processes::seen_within(age_max).of_run(self.run, self.pid);
        if let Some(cgroup) = &self.cgroup {
            all.extend(
                cgroup
                    .members()
                    .into_iter()
                    .filter(|p| procfs::stat(*p).is_some_and(|s| s.is_alive())),
            );
            all.sort_unstable();
            all.dedup();
        }
        all
    }

    async fn has_members(&self) -> bool {
        let target = self.clone();
        tokio::task::spawn_blocking(move || !target.members(LOOK_EVERY).is_empty())
            .await
            .unwrap_or(false)
    }

    fn stopping(&self) -> u8 {
        self.stopping.load(Ordering::SeqCst)
    }
}

/// A process and what is known of it while it runs.
pub struct Process {
    pub target: Target,
    pub pipes: Pipes,
    pidfd: AsyncFd<OwnedFd>,
    /// Only a child can be waited for.
    pub is_child: bool,
    /// Tells it from a later process with its number.
    pub started_ticks: Option<u64>,
    /// The agent's own memory, which the child borrowed and the kernel counts as its own.
    pub memory_floor_bytes: u64,
    /// What was seen of its memory.
    pub memory_seen_bytes: u64,
}

impl Process {
    /// Needs a tokio runtime. The process must not have been waited for.
    pub fn new(target: Target, pipes: Pipes, is_child: bool) -> io::Result<Process> {
        let pidfd = kernel::pidfd(target.pid)?;
        Ok(Process {
            target,
            pipes,
            pidfd,
            is_child,
            started_ticks: None,
            memory_floor_bytes: 0,
            memory_seen_bytes: 0,
        })
    }

    /// Brings its output and then its end to `events`. Its number belongs to it until
    /// this is done, so that no signal can meet another process.
    pub async fn watch(mut self, events: mpsc::Sender<ProcessEvent>) {
        let mut all_read = self.until_exit(&events).await;
        if self.target.stopping() != GOES_ON {
            all_read |= self.until_tree_is_gone(&events).await;
        }
        if !all_read {
            self.read_rest(&events).await;
        }
        let (exit, usage) = self.reap().await;
        if let Some(cgroup) = &self.target.cgroup {
            cgroup.remove();
        }
        let _ = events
            .send(ProcessEvent::Ended {
                run: self.target.run,
                exit,
                usage,
            })
            .await;
    }

    /// Reads output until the process has ended; whether everybody had closed the pipes.
    async fn until_exit(&mut self, events: &mpsc::Sender<ProcessEvent>) -> bool {
        let mut all_read = false;
        let begin = Instant::now();
        let mut memory_at = begin + MEMORY_FIRST;
        loop {
            tokio::select! {
                piece = self.pipes.next(), if !all_read => match piece {
                    Some(piece) => send(events, self.target.run, piece).await,
                    None => all_read = true,
                },
                _ = self.pidfd.readable() => return all_read,
                () = sleep_until(memory_at) => {
                    self.memory_seen_bytes = self.memory_seen_bytes.max(procfs::memory_max(self.target.pid));
                    memory_at = Instant::now() + begin.elapsed().clamp(MEMORY_FIRST, MEMORY_EVERY_MAX);
                }
            }
        }
    }

    /// After a signal, the end of a run is the end of its last process.
    async fn until_tree_is_gone(&mut self, events: &mpsc::Sender<ProcessEvent>) -> bool {
        let mut all_read = false;
        let mut deadline = Instant::now() + STRAGGLERS_MAX;
        let mut was_killed = false;
        let mut look = interval(LOOK_EVERY);
        loop {
            if self.target.stopping() == KILLED && !was_killed {
                was_killed = true;
                deadline = Instant::now() + KILLED_MAX;
            }
            tokio::select! {
                piece = self.pipes.next(), if !all_read => match piece {
                    Some(piece) => send(events, self.target.run, piece).await,
                    None => all_read = true,
                },
                _ = look.tick() => {
                    if !self.target.has_members().await {
                        return all_read;
                    }
                    if Instant::now() < deadline {
                        continue;
                    }
                    if was_killed {
                        let why = "some of its processes could not be killed; they may be waiting for a disk\n";
                        send(events, self.target.run, (Stream::Note, why.into())).await;
                        return all_read;
                    }
                    self.target.signal(Signal::Kill).await;
                }
            }
        }
    }

    /// What was written before the end is read; what a process left behind writes later
    /// is not the run's.
    async fn read_rest(&mut self, events: &mpsc::Sender<ProcessEvent>) {
        let until = Instant::now() + DRAIN_MAX;
        loop {
            tokio::select! {
                biased;
                () = sleep_until(until) => break,
                piece = self.pipes.next() => match piece {
                    Some(piece) => send(events, self.target.run, piece).await,
                    None => return,
                },
            }
        }
        let why = "a process that the run left behind holds its output open; what it writes from here on is not kept\n";
        send(events, self.target.run, (Stream::Note, why.into())).await;
        let left = std::mem::replace(&mut self.pipes, Pipes::none());
        tokio::spawn(left.drain());
    }

    async fn reap(&self) -> (Exit, Usage) {
        let cpu_ms = self.target.cgroup.as_ref().and_then(Cgroup::cpu_ms).unwrap_or(0);
        let usage = Usage {
            cpu_ms,
            memory_max_bytes: self.memory_seen_bytes,
        };
        if !self.is_child {
            return (self.exit_of_adopted().await, usage);
        }
        match kernel::wait(self.target.pid) {
            Ok(Some((status, cost))) => (exit(status), self.usage(&cost, usage)),
            result => {
                tracing::error!(run.id = %self.target.run, ?result, "a process ended and cannot be waited for");
                (Exit::Unknown, usage)
            }
        }
    }

    fn usage(&self, cost: &libc::rusage, seen: Usage) -> Usage {
        let ms = |t: libc::timeval| t.tv_sec.unsigned_abs() * 1000 + t.tv_usec.unsigned_abs() / 1000;
        let memory = cost.ru_maxrss.unsigned_abs() * 1024;
        // Until exec the child had the agent's memory, and the kernel counts that: a
        // maximum that is no more than the agent's own says nothing. Then there is what was
        // seen; of a run that was over before it could be looked at, nothing is known.
        let tells = memory > self.memory_floor_bytes + self.memory_floor_bytes / 8;
        Usage {
            cpu_ms: seen.cpu_ms.max(ms(cost.ru_utime) + ms(cost.ru_stime)),
            memory_max_bytes: if tells {
                memory
            } else {
                seen.memory_max_bytes.min(memory)
            },
        }
    }

    /// Whoever inherited the process reaps it. Until then `/proc` tells how it ended, and
    /// afterwards newer kernels do.
    async fn exit_of_adopted(&self) -> Exit {
        let asked = timeout(REAPED_MAX, async {
            loop {
                let stat =
                    procfs::stat(self.target.pid).filter(|s| Some(s.started_ticks) == self.started_ticks);
                let status = stat.and_then(procfs::Stat::exit_status);
                if let Some(status) = status.or_else(|| kernel::pidfd_exit_status(self.pidfd.get_ref())) {
                    return exit(status);
                }
                sleep(Duration::from_millis(10)).await;
            }
        });
        asked.await.unwrap_or(Exit::Unknown)
    }
}

async fn send(events: &mpsc::Sender<ProcessEvent>, run: RunId, (stream, data): (Stream, Vec<u8>)) {
    // Whoever no longer listens does not stop the process.
    let _ = events.send(ProcessEvent::Output { run, stream, data }).await;
}

/// wait(2)'s status.
fn exit(status: i32) -> Exit {
    if libc::WIFSIGNALED(status) {
        Exit::Signal(libc::WTERMSIG(status))
    } else {
        Exit::Code(libc::WEXITSTATUS(status))
    }
}
