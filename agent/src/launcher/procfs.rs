//! What `/proc` tells of processes (proc(5)).

use std::{
    fs,
    io::Read,
    sync::OnceLock,
};

use sha2::{Digest, Sha256};
use shared::id::RunId;

/// The largest environment that is searched.
const ENVIRON_BYTES_MAX: u64 = 2 << 20;

/// A line of `/proc/<pid>/stat`, as far as it is needed.
#[derive(Clone, Copy, Debug)]
pub struct Stat {
    pub state: u8,
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
    let _parent = fields.next()?;
    let group = fields.next()?.parse().ok()?;
    let session = fields.next()?.parse().ok()?;
    // From field 6, the session, on to field 22.
    let started_ticks = fields.nth(15)?.parse().ok()?;
    // On to field 52, the last.
    let exit_status = fields.nth(29).and_then(|n| n.parse().ok());
    Some(Stat { state, group, session, started_ticks, exit_status })
}

/// Which living processes belong to a run: those of its session or process group, and
/// those that left it and carry the run's id in their environment.
pub fn members(run: RunId, session: i32) -> Vec<i32> {
    let needle = format!("GNOMON_RUN={run}\0").into_bytes();
    let own = std::process::id().cast_signed();
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| {
        *pid != own
            && stat(*pid).is_some_and(|stat| {
                stat.is_alive()
                    && (stat.session == session || stat.group == session || has_in_environ(*pid, &needle))
            })
    })
    .collect()
}

/// Whether a process was given this environment variable (`NAME=value\0`).
pub fn has_in_environ(pid: i32, needle: &[u8]) -> bool {
    let mut environ = Vec::new();
    let Ok(file) = fs::File::open(format!("/proc/{pid}/environ")) else { return false };
    // What can be read of it counts.
    let _ = file.take(ENVIRON_BYTES_MAX).read_to_end(&mut environ);
    environ
        .windows(needle.len())
        .enumerate()
        .any(|(at, window)| window == needle && (at == 0 || environ[at - 1] == 0))
}

/// The largest resident set that a process has had, in bytes.
pub fn memory_max(pid: i32) -> u64 {
    let Ok(status) = fs::read_to_string(format!("/proc/{pid}/status")) else { return 0 };
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|text| text.trim().strip_suffix(" kB")?.parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// The agent's own memory that a fork copies, in bytes.
pub fn own_private_memory() -> u64 {
    let Ok(statm) = fs::read_to_string("/proc/self/statm") else { return 0 };
    let mut fields = statm.split_ascii_whitespace().skip(1).map(|n| n.parse::<u64>().unwrap_or(0));
    let (resident, shared) = (fields.next().unwrap_or(0), fields.next().unwrap_or(0));
    resident.saturating_sub(shared) * 4096
}

/// A hash of this boot's id: the same until the host restarts.
pub fn boot() -> u64 {
    static BOOT: OnceLock<u64> = OnceLock::new();
    *BOOT.get_or_init(|| {
        let id = fs::read("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let hash = Sha256::digest(&id);
        hash.first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes))
    })
}

/// When the host was started, in seconds of the wall clock as it goes now.
pub fn boot_secs() -> Option<i64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}
