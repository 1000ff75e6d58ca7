//! A cgroup for each run, where the host has version 2 and lets the agent make them:
//! nothing leaves one, so that killing it kills everything, and its processor time is
//! that of the whole tree.

use std::{
    fs, io,
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};
use shared::id::RunId;

/// Where runs' cgroups are made.
#[derive(Clone, Debug)]
pub struct Cgroups {
    root: PathBuf,
}

/// One run's.
#[derive(Clone, Debug)]
pub struct Cgroup {
    dir: PathBuf,
}

impl Cgroups {
    /// `None` where the host does not let us. `owner` tells agents on one host apart.
    pub fn find(owner: &Path) -> Option<Cgroups> {
        let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
        let mount = mounts.lines().find_map(|line| {
            let (before, after) = line.split_once(" - ")?;
            after.starts_with("cgroup2 ").then(|| before.split(' ').nth(4))?
        })?;
        let own = fs::read_to_string("/proc/self/cgroup").ok()?;
        let own = own.lines().find_map(|line| line.strip_prefix("0::/"))?;
        let root = Path::new(mount).join(own).join(format!("gnomon-{}", name(owner)));
        make_dir(&root).ok()?;
        // `cgroup.kill` came with Linux 5.14.
        let probe = Cgroups { root: root.clone() }.dir(&format!("probe-{}", std::process::id()));
        let works = fs::create_dir(&probe.dir).is_ok() && probe.dir.join("cgroup.kill").exists();
        let _ = fs::remove_dir(&probe.dir);
        works.then_some(Cgroups { root })
    }

    pub fn make(&self, run: RunId) -> io::Result<Cgroup> {
        let cgroup = self.of(run);
        make_dir(&cgroup.dir).map(|()| cgroup)
    }

    pub fn of(&self, run: RunId) -> Cgroup {
        self.dir(&run.to_string())
    }

    /// Takes away what ended runs left because something still ran in it.
    pub fn sweep(&self) {
        let Ok(entries) = fs::read_dir(&self.root) else {
            return;
        };
        for entry in entries.flatten() {
            // One that is in use stays.
            let _ = fs::remove_dir(entry.path());
        }
    }

    /// When the last run is gone.
    pub fn remove(&self) {
        let _ = fs::remove_dir(&self.root);
    }

    fn dir(&self, name: &str) -> Cgroup {
        Cgroup {
            dir: self.root.join(name),
        }
    }
}

impl Cgroup {
    /// What a process is born into.
    pub fn handle(&self) -> io::Result<OwnedFd> {
        fs::File::open(&self.dir).map(OwnedFd::from)
    }

    /// The processes in it, dying ones too.
    pub fn members(&self) -> Vec<i32> {
        let text = fs::read_to_string(self.dir.join("cgroup.procs")).unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).collect()
    }

    /// Kills everything in it at once, what is being forked too.
    pub fn kill(&self) {
        let _ = fs::write(self.dir.join("cgroup.kill"), b"1");
    }

    /// The processor time of everything that was in it, in milliseconds.
    pub fn cpu_ms(&self) -> Option<u64> {
        let text = fs::read_to_string(self.dir.join("cpu.stat")).ok()?;
        let micros = text.lines().find_map(|line| line.strip_prefix("usage_usec "))?;
        Some(micros.parse::<u64>().ok()? / 1000)
    }

    /// Stays if a process that the run left behind is in it.
    pub fn remove(&self) {
        let _ = fs::remove_dir(&self.dir);
    }
}

fn make_dir(dir: &Path) -> io::Result<()> {
    match fs::create_dir(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// A short name for a folder, the same at every start.
fn name(owner: &Path) -> String {
    let owner = fs::canonicalize(owner).unwrap_or_else(|_| owner.to_path_buf());
    let hash = Sha256::digest(owner.as_os_str().as_bytes());
    hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}
