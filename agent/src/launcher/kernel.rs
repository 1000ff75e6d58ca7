//! What only the operating system's own calls can do: start a process that becomes
//! someone else before it executes, wait for it with what it cost, look at it through a
//! pidfd. The one file with `unsafe` in it.
#![allow(unsafe_code, reason = "fork, wait4, pidfd_open and an ioctl have no safe form; each use says why it is sound")]

use std::{
    ffi::CString,
    io,
    mem::MaybeUninit,
    os::{
        fd::{AsFd, AsRawFd, FromRawFd, OwnedFd},
        unix::process::CommandExt,
    },
    process::{Command, Stdio},
};

use nix::{
    errno::Errno,
    fcntl::{OFlag, open},
    sys::{
        resource::{Resource, setrlimit},
        stat::{Mode, umask},
    },
    unistd::{Gid, Uid, chdir, getpid, pipe2, read, setgid, setgroups, setsid, setuid, write},
};
use tokio::io::{Interest, unix::AsyncFd};

/// A process to start, all of it prepared: between fork and exec nothing may allocate.
pub struct Spawn {
    pub program: String,
    pub args: Vec<String>,
    pub env: Vec<(String, String)>,
    /// Whom it becomes; the agent's own user if none.
    pub identity: Option<Identity>,
    /// The first that it can enter is its working directory.
    pub dirs: Vec<CString>,
    pub stdin: Stdio,
    pub stdout: OwnedFd,
    pub stderr: OwnedFd,
    /// A file that it makes as a sign that it was started; then come the process' number
    /// and this text.
    pub mark: CString,
    pub mark_text: Vec<u8>,
    /// The `cgroup.procs` of the cgroup that it enters.
    pub cgroup: Option<CString>,
    /// Limits of open files, soft and hard, as they were before the agent raised its own.
    pub open_files: (u64, u64),
}

pub struct Identity {
    pub uid: Uid,
    pub gid: Gid,
    pub groups: Vec<Gid>,
}

/// Where a start failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Step {
    /// Before there was a process.
    Fork,
    Session,
    Mark,
    Limits,
    Groups,
    User,
    Dir,
    /// All was prepared, and the program could not be executed.
    Exec,
}

const STEPS: [Step; 8] = [
    Step::Fork,
    Step::Session,
    Step::Mark,
    Step::Limits,
    Step::Groups,
    Step::User,
    Step::Dir,
    Step::Exec,
];

/// Starts it and returns its number once it executes its program. On an error there is no
/// process; the mark may have been made. Whoever calls this has to [`wait`] for it.
pub fn spawn(spawn: Spawn) -> Result<i32, (Step, io::Error)> {
    let Spawn { program, args, env, identity, dirs, stdin, stdout, stderr, mark, mark_text, cgroup, open_files } = spawn;
    // Through this the child says how far it came; closed by exec.
    let (told, teller) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK).map_err(|e| (Step::Fork, e.into()))?;
    let mut child = Child { teller, identity, dirs, mark, mark_text, cgroup, open_files };
    #[allow(clippy::disallowed_methods, reason = "this is the launcher: the one place that starts processes")]
    let mut command = Command::new(program);
    command.args(args).env_clear().envs(env).stdin(stdin).stdout(stdout).stderr(stderr);
    // SAFETY: `prepare` makes only system calls that POSIX lists as async-signal-safe
    // (setsid, open, write, close, setrlimit and setgroups on Linux, setgid, setuid,
    // chdir, umask, getpid), on values made before the fork; it takes no lock and
    // allocates nothing. (setgid and setuid of glibc tell a process' other threads; after
    // a fork there are none.)
    unsafe {
        command.pre_exec(move || child.prepare());
    }
    match command.spawn() {
        Ok(child) => Ok(child.id().cast_signed()),
        Err(error) => {
            let mut step = [0u8];
            let step = match read(&told, &mut step) {
                Ok(1) => STEPS.get(usize::from(step[0])).copied().unwrap_or(Step::Exec),
                // Nothing was told: fork failed, or exec after all went well.
                _ if matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::ENOMEM | libc::EMFILE | libc::ENFILE)) => {
                    Step::Fork
                }
                _ => Step::Exec,
            };
            Err((step, error))
        }
    }
}

/// What a child does between fork and exec.
struct Child {
    teller: OwnedFd,
    identity: Option<Identity>,
    dirs: Vec<CString>,
    mark: CString,
    mark_text: Vec<u8>,
    cgroup: Option<CString>,
    open_files: (u64, u64),
}

impl Child {
    fn prepare(&mut self) -> io::Result<()> {
        self.steps().map_err(|(step, errno)| {
            let _ = write(&self.teller, &[step as u8]);
            io::Error::from(errno)
        })
    }

    fn steps(&mut self) -> Result<(), (Step, Errno)> {
        let at = |step| move |errno| (step, errno);
        setsid().map_err(at(Step::Session))?;
        if let Some(procs) = &self.cgroup {
            // Outside it, too, all that belongs to the run can be found.
            let file = open(procs.as_c_str(), OFlag::O_WRONLY | OFlag::O_CLOEXEC, Mode::empty());
            let _ = file.and_then(|file| write(&file, b"0"));
        }
        self.leave_mark().map_err(at(Step::Mark))?;
        umask(Mode::from_bits_truncate(0o022));
        let (soft, hard) = self.open_files;
        setrlimit(Resource::RLIMIT_NOFILE, soft, hard).map_err(at(Step::Limits))?;
        if let Some(identity) = &self.identity {
            setgroups(&identity.groups).map_err(at(Step::Groups))?;
            setgid(identity.gid).map_err(at(Step::Groups))?;
            setuid(identity.uid).map_err(at(Step::User))?;
        }
        let mut entered = Err(Errno::ENOENT);
        for dir in &self.dirs {
            entered = chdir(dir.as_c_str());
            if entered.is_ok() {
                break;
            }
        }
        entered.map_err(at(Step::Dir))
    }

    fn leave_mark(&self) -> Result<(), Errno> {
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_TRUNC | OFlag::O_CLOEXEC;
        let file = open(self.mark.as_c_str(), flags, Mode::from_bits_truncate(0o600))?;
        let mut digits = [0u8; 12];
        let mut at = digits.len();
        let mut pid = getpid().as_raw();
        while pid > 0 && at > 0 {
            at -= 1;
            digits[at] = b'0' + (pid % 10) as u8;
            pid /= 10;
        }
        write(&file, &digits[at..])?;
        write(&file, &self.mark_text)?;
        Ok(())
    }
}

/// How a child ended and what it cost. Takes the child out of the process table; call it
/// once it has ended, else it says that there is nothing (`None`).
pub fn wait(pid: i32) -> io::Result<Option<(i32, libc::rusage)>> {
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: both pointers are to memory of the right type that outlives the call; all
    // zeroes is a valid rusage.
    let (waited, usage) =
        unsafe { (libc::wait4(pid, &mut status, libc::WNOHANG, usage.as_mut_ptr()), usage.assume_init()) };
    match waited {
        0 => Ok(None),
        n if n == pid => Ok(Some((status, usage))),
        _ => Err(io::Error::last_os_error()),
    }
}

/// A handle on a process: readable once it has ended, never another's. Needs a tokio
/// runtime.
pub fn pidfd(pid: i32) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: the call takes two numbers; what it returns is a new descriptor that nobody
    // else owns. It is close-on-exec of its own accord.
    let fd = unsafe {
        let fd = libc::syscall(libc::SYS_pidfd_open, pid, libc::PIDFD_NONBLOCK);
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        OwnedFd::from_raw_fd(fd as i32)
    };
    // SAFETY: the descriptor is owned by what it is registered with, which never gives it
    // away, and so stays open as long as that lives.
    Ok(unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) }?)
}

/// How a process that was not our child ended, once whoever inherited it has reaped it:
/// its wait status. Linux 6.15 and later tell.
pub fn pidfd_exit_status(pidfd: impl AsFd) -> Option<i32> {
    /// `struct pidfd_info` of linux/pidfd.h, first version.
    #[repr(C)]
    #[derive(Default)]
    struct Info {
        mask: u64,
        cgroup: u64,
        ids: [u32; 11],
        exit_code: i32,
    }
    const INFO_EXIT: u64 = 1 << 3;
    /// `_IOWR(0xFF, 11, struct pidfd_info)`
    const GET_INFO: libc::c_ulong =
        (3 << 30) | ((size_of::<Info>() as libc::c_ulong) << 16) | (0xff << 8) | 11;
    let mut info = Info { mask: INFO_EXIT, ..Info::default() };
    // SAFETY: the request's number carries the size of `info`, which outlives the call.
    let result = unsafe { libc::ioctl(pidfd.as_fd().as_raw_fd(), GET_INFO, &mut info) };
    (result == 0 && info.mask & INFO_EXIT != 0).then_some(info.exit_code)
}
