//! The signs that a run was started.
//!
//! What do we store? A file for each started run, named by its id, in a folder named by
//! the host's boot, made by the process itself between fork and exec: its number and
//! which pipes it writes to. It is not synced: it must outlive the agent, not the host.
//! After the host restarted nobody can know, and that is what it says.

use std::{
    ffi::CString,
    fs, io,
    os::unix::{ffi::OsStrExt, fs::DirBuilderExt},
    path::{Path, PathBuf},
};

use shared::{id::RunId, time::Time};

use super::procfs;
use crate::parts::ProcessId;

/// Clocks are set after boot: an instant this close to it may be before it.
const BOOT_MARGIN_SECS: i64 = 10;

pub struct Marks {
    dir: PathBuf,
}

/// What a process' mark says.
pub struct Mark {
    pub pid: i32,
    /// The inodes of its standard output and error.
    pub pipes: Option<(u64, u64)>,
}

impl Marks {
    /// Keeps marks below `root`, and removes those of earlier boots: nothing that they
    /// tell of can still be running.
    pub fn open(root: &Path) -> io::Result<Marks> {
        let name = format!("{:016x}", procfs::boot());
        let dir = root.join(&name);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
        for entry in fs::read_dir(root)? {
            let entry = entry?;
            let is_other = entry
                .file_name()
                .to_str()
                .is_some_and(|n| n != name && is_boot(n));
            if is_other && let Err(error) = fs::remove_dir_all(entry.path()) {
                tracing::warn!(%error, path = %entry.path().display(), "marks of an earlier boot cannot be removed");
            }
        }
        Ok(Marks { dir })
    }

    pub fn path(&self, run: RunId) -> PathBuf {
        self.dir.join(run.to_string())
    }

    /// An error only if the path holds a NUL, which no path of the system does.
    pub fn c_path(&self, run: RunId) -> io::Result<CString> {
        CString::new(self.path(run).as_os_str().as_bytes()).map_err(io::Error::from)
    }

    /// For what is not a process: made by the agent itself before it begins.
    pub fn leave(&self, run: RunId) -> io::Result<()> {
        fs::write(self.path(run), b"")
    }

    pub fn was_started(&self, run: RunId) -> Option<bool> {
        if self.path(run).try_exists().ok()? {
            return Some(true);
        }
        // What was due before this boot may have been started before it.
        let boot = Time::from_secs(procfs::boot_secs()? + BOOT_MARGIN_SECS);
        (run.time() > boot).then_some(false)
    }

    pub fn read(&self, run: RunId) -> Option<Mark> {
        let text = fs::read_to_string(self.path(run)).ok()?;
        let mut words = text.split_ascii_whitespace();
        let pid = words.next()?.parse().ok()?;
        let mut inode = || words.next()?.parse::<u64>().ok();
        let pipes = inode().zip(inode());
        Some(Mark { pid, pipes })
    }

    /// The run's process, if it lives and is the run's.
    pub fn process(&self, run: RunId) -> Option<ProcessId> {
        let pid = self.read(run)?.pid;
        let stat = procfs::stat(pid)?;
        (stat.is_alive() && procfs::run_of(pid) == Some(run)).then_some(ProcessId {
            pid,
            started_ticks: stat.started_ticks,
            boot: procfs::boot(),
        })
    }

    pub fn remove(&self, run: RunId) {
        if let Err(error) = fs::remove_file(self.path(run))
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, run.id = %run, "a run's mark cannot be removed");
        }
    }
}

fn is_boot(name: &str) -> bool {
    name.len() == 16 && name.bytes().all(|b| b.is_ascii_hexdigit())
}
