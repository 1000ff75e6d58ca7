//! What `/proc` tells of processes (proc(5)).

use std::{
    fs,
    io::Read,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use sha2::{Digest, Sha256};
use shared::id::RunId;
use tokio::time::Instant;

/// The largest environment that is searched.
const ENVIRON_BYTES_MAX: u64 = 2 << 20;

/// A line of `/proc/<pid>/stat`, as far as it is needed.
#[derive(Clone, Copy, Debug)]
pub struct Stat {
    pub state: u8,
    pub parent: i32,
    pub group: i32,
    pub session: i32,
    /// Clock ticks since boot.
    pub started_ticks: u64,
    /// The wait status of a process that has ended and that nobody has reaped yet.
    exit_status: Option<i32>,
}

impl Stat {
    pub fn is_alive(self) -> bool {
        !matches!(self.state, b'Z' | b'X')
    }

    /// How it ended, if it has: its wait status.
    pub fn exit_status(self) -> Option<i32> {
        self.exit_status.filter(|_| !self.is_alive())
    }
}

pub fn stat(pid: i32) -> Option<Stat> {
    let text = fs::read(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything: what follows its last one counts.
    let after = text.iter().rposition(|b| *b == b')')? + 1;
    let rest = std::str::from_utf8(&text[after..]).ok()?;
    let mut fields = rest.split_ascii_whitespace();
    let state = *fields.next()?.as_bytes().first()?;
    let parent = fields.next()?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    let session = fields.next()?.parse().ok()?;
    // From field 6, the session, on to field 22.
    let started_ticks = fields.nth(15)?.parse().ok()?;
    // On to field 52, the last.
    let exit_status = fields.nth(29).and_then(|n| n.parse().ok());
    Some(Stat {
        state,
        parent,
        group,
        session,
        started_ticks,
        exit_status,
    })
}

/// A process of this host.
struct Entry {
    pid: i32,
    stat: Stat,
    /// The run that its environment names.
    run: Option<RunId>,
}

/// The living processes of this host, as they were at one time.
pub struct Processes(Vec<Entry>);

impl Processes {
    /// As they are, or were at most so long before. Those who ask at the same time share
    /// one look: a thousand runs that are stopped together cost no thousand looks.
    pub fn seen_within(age_max: Duration) -> Arc<Processes> {
        static LAST: Mutex<Option<(Instant, Arc<Processes>)>> = Mutex::new(None);
        let asked = Instant::now();
        let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, processes)) = &*last
            && *at + age_max >= asked
        {
            return processes.clone();
        }
        let at = Instant::now();
        let processes = Arc::new(Processes(living()));
        *last = Some((at, processes.clone()));
        processes
    }

    /// Those that belong to a run: of its session or process group, or having left it and
    /// carrying the run's id in their environment.
    pub fn of_run(&self, run: RunId, session: i32) -> Vec<i32> {
        let belongs = |e: &&Entry| e.stat.session == session || e.stat.group == session || e.run == Some(run);
        self.0.iter().filter(belongs).map(|e| e.pid).collect()
    }
}

/// The numbers of all processes.
fn pids() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok())
}

fn living() -> Vec<Entry> {
    let own = std::process::id().cast_signed();
    pids()
        .filter(|pid| *pid != own)
        .filter_map(|pid| {
            Some(Entry {
                pid,
                stat: stat(pid).filter(|s| s.is_alive())?,
                run: run_of(pid),
            })
        })
        .collect()
}

/// The children of this process that have ended and that nobody has reaped.
pub fn ended_children() -> Vec<i32> {
    let own = std::process::id().cast_signed();
    pids()
        .filter(|pid| stat(*pid).is_some_and(|s| s.parent == own && s.state == b'Z'))
        .collect()
}

/// The run that a process' environment names.
pub fn run_of(pid: i32) -> Option<RunId> {
    let mut environ = Vec::new();
    let file = fs::File::open(format!("/proc/{pid}/environ")).ok()?;
    // What can be read of it counts.
    let _ = file.take(ENVIRON_BYTES_MAX).read_to_end(&mut environ);
    let value = environ
        .split(|b| *b == 0)
        .find_map(|variable| variable.strip_prefix(b"GNOMON_RUN="))?;
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// The largest resident set that a process has had, in bytes.
pub fn memory_max(pid: i32) -> u64 {
    let Ok(status) = fs::read_to_string(format!("/proc/{pid}/status")) else {
        return 0;
    };
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|text| text.trim().strip_suffix(" kB")?.parse::<u64>().ok())
        .unwrap_or(0)
        * 1024
}

/// A hash of this boot's id: the same until the host restarts.
pub fn boot() -> u64 {
    static BOOT: OnceLock<u64> = OnceLock::new();
    *BOOT.get_or_init(|| {
        let id = fs::read("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let hash = Sha256::digest(&id);
        hash.first_chunk::<8>()
            .map_or(0, |bytes| u64::from_be_bytes(*bytes))
    })
}

/// When the host was started, in seconds of the wall clock as it goes now.
pub fn boot_secs() -> Option<i64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    stat.lines()
        .find_map(|line| line.strip_prefix("btime "))?
        .trim()
        .parse()
        .ok()
}
