//! A server process: started, killed, frozen, started again, and gone on drop with all that
//! it started.

use std::{
    collections::HashMap,
    fs::{self, File},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, User},
};

use crate::eventually;

/// A process with its log. It is built anew for each start.
pub struct Process {
    name: String,
    log: PathBuf,
    command: Box<dyn Fn() -> Command + Send>,
    child: Option<Child>,
    /// What ends it fast without leaving children; PostgreSQL wants QUIT.
    end_with: Signal,
}

impl Process {
    /// A process that is not started yet; both its streams go to the end of `log`.
    pub fn new(name: &str, log: PathBuf, command: impl Fn() -> Command + Send + 'static) -> Process {
        Process {
            name: name.to_owned(),
            log,
            command: Box::new(command),
            child: None,
            end_with: Signal::SIGKILL,
        }
    }

    pub fn ending_with(mut self, signal: Signal) -> Process {
        self.end_with = signal;
        self
    }

    /// Starts it; it must not run.
    pub fn start(&mut self) {
        assert!(self.child.is_none(), "{} runs already", self.name);
        let log = File::options().create(true).append(true).open(&self.log).unwrap();
        let mut command = (self.command)();
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        let child = command
            .spawn()
            .unwrap_or_else(|e| panic!("{}: cannot start {command:?}: {e}", self.name));
        self.child = Some(child);
    }

    pub fn pid(&self) -> Pid {
        Pid::from_raw(
            self.child
                .as_ref()
                .unwrap_or_else(|| panic!("{} does not run", self.name))
                .id() as i32,
        )
    }

    pub fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).unwrap_or_else(|e| panic!("{}: {signal}: {e}", self.name));
    }

    /// `kill -9`, and waits until it is gone. What it started lives on.
    pub fn kill(&mut self) {
        self.signal(Signal::SIGKILL);
        self.child.take().unwrap().wait().unwrap();
    }

    /// TERM, and waits until it has ended.
    pub fn terminate(&mut self, deadline: Duration) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        self.ended(deadline)
    }

    /// Freezes it.
    pub fn freeze(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// Whether it was started and not seen to end since.
    pub fn is_started(&self) -> bool {
        self.child.is_some()
    }

    /// Whether it is running.
    pub fn is_alive(&mut self) -> bool {
        self.child
            .as_mut()
            .is_some_and(|c| c.try_wait().unwrap().is_none())
    }

    /// Waits until it has ended by itself.
    pub fn ended(&mut self, deadline: Duration) -> ExitStatus {
        let what = format!("{} to end; its log: {}", self.name, self.log_tail());
        let child = self.child.as_mut().unwrap();
        let status = eventually(&what, deadline, || child.try_wait().unwrap());
        self.child = None;
        status
    }

    /// Waits until `ready`; panics with the log when the process ends before that.
    pub fn ready(&mut self, deadline: Duration, mut ready: impl FnMut() -> bool) {
        let start = Instant::now();
        while !ready() {
            if !self.is_alive() {
                panic!(
                    "{} ended while it started. Its log ends:\n{}",
                    self.name,
                    self.log_tail()
                );
            }
            if start.elapsed() > deadline {
                panic!(
                    "{} is not ready after {deadline:?}. Its log ends:\n{}",
                    self.name,
                    self.log_tail()
                );
            }
            std::thread::sleep(Duration::from_millis(25));
        }
    }

    /// All that it has printed since the test began.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the log of {} ends:\n{}", self.name, self.log_tail());
        }
        let Some(mut child) = self.child.take() else {
            return;
        };
        let tree = descendants(child.id() as i32);
        let pid = Pid::from_raw(child.id() as i32);
        // A frozen process handles no signal but these two.
        let _ = kill(pid, Signal::SIGCONT);
        let _ = kill(pid, self.end_with);
        let start = Instant::now();
        while matches!(child.try_wait(), Ok(None)) {
            if start.elapsed() > Duration::from_secs(5) {
                let _ = child.kill();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        for (pid, since) in tree {
            if start_ticks(pid) == Some(since) {
                let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            }
        }
    }
}

/// The processes that `root` started, and theirs, each with its start time: a number that is
/// given away again is another process.
pub fn descendants(root: i32) -> Vec<(i32, u64)> {
    let mut children: HashMap<i32, Vec<(i32, u64)>> = HashMap::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse::<i32>().ok()) else {
            continue;
        };
        if let Some(stat) = Stat::of(pid) {
            children
                .entry(stat.parent)
                .or_default()
                .push((pid, stat.start_ticks));
        }
    }
    let mut found = Vec::new();
    let mut look = vec![root];
    while let Some(pid) = look.pop() {
        for child in children.remove(&pid).unwrap_or_default() {
            look.push(child.0);
            found.push(child);
        }
    }
    found
}

/// Whether a process with this id exists and is no zombie.
pub fn exists(pid: i32) -> bool {
    Stat::of(pid).is_some_and(|s| s.state != 'Z')
}

fn start_ticks(pid: i32) -> Option<u64> {
    Stat::of(pid).map(|s| s.start_ticks)
}

/// What `/proc/PID/stat` says of a process (proc(5)).
pub struct Stat {
    pub state: char,
    pub parent: i32,
    /// User and system time it has used, in clock ticks.
    pub cpu_ticks: u64,
    pub start_ticks: u64,
}

impl Stat {
    pub fn of(pid: i32) -> Option<Stat> {
        let line = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name, in brackets, may hold anything, brackets too.
        let fields: Vec<_> = line.get(line.rfind(')')? + 2..)?.split(' ').collect();
        Some(Stat {
            state: fields.first()?.chars().next()?,
            parent: fields.get(1)?.parse().ok()?,
            cpu_ticks: fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?,
            start_ticks: fields.get(19)?.parse().ok()?,
        })
    }
}

/// Makes `command` run as the first of `users` that exists, where we are root: database
/// servers refuse to. The folders they need become theirs.
pub fn not_as_root(command: &mut Command, users: &[&str], folders: &[&Path]) {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let user = users
        .iter()
        .find_map(|name| User::from_name(name).ok().flatten())
        .unwrap_or_else(|| panic!("none of the users {users:?} exists; install the server's package"));
    for folder in folders {
        nix::unistd::chown(*folder, Some(user.uid), Some(user.gid)).unwrap();
    }
    command
        .uid(user.uid.as_raw())
        .gid(user.gid.as_raw())
        .current_dir("/");
}

/// The first of `candidates` that is a program, looked for in PATH and `/usr/sbin`.
pub fn program(candidates: &[&str], package: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<_> = std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin")])
        .collect();
    candidates
        .iter()
        .flat_map(|name| folders.iter().map(move |f| f.join(name)))
        .find(|p| p.is_file())
        .unwrap_or_else(|| {
            panic!("{candidates:?} is missing: apt-get install {package} (or: deploy/setup test)")
        })
}
