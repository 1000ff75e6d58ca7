//! What only the operating system's own calls can do: start a process that becomes
//! someone else before it executes, wait for it with what it cost, look at it through a
//! pidfd. The one file with `unsafe` in it.
#![allow(
    unsafe_code,
    reason = "fork, wait4, pidfd_open and an ioctl have no safe form; each use says why it is sound"
)]

use std::{
    ffi::{CString, c_char},
    io::{self, Read},
    mem::MaybeUninit,
    os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd},
    ptr,
};

use nix::{
    errno::Errno,
    fcntl::{OFlag, open},
    sys::{
        resource::{Resource, setrlimit},
        signal::{SigSet, SigmaskHow, Signal, pthread_sigmask},
        stat::{Mode, umask},
    },
    unistd::{Gid, Uid, chdir, getpid, pipe2, setsid, write},
};
use tokio::io::{Interest, unix::AsyncFd};

/// A process to start, all of it prepared: between fork and exec nothing may allocate.
pub struct Spawn {
    /// Where the program may be: the first that there is, is executed.
    pub programs: Vec<CString>,
    /// The program's name first.
    pub args: Vec<CString>,
    /// `NAME=value`
    pub env: Vec<CString>,
    /// Whom it becomes; the agent's own user if none.
    pub identity: Option<Identity>,
    /// The first that it can enter is its working directory.
    pub dirs: Vec<CString>,
    pub stdin: OwnedFd,
    pub stdout: OwnedFd,
    pub stderr: OwnedFd,
    /// A file that it makes as a sign that it was started; then come the process' number
    /// and this text.
    pub mark: CString,
    pub mark_text: Vec<u8>,
    /// The folder of the cgroup that it is born in.
    pub cgroup: Option<OwnedFd>,
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
    Streams,
    Session,
    Mark,
    Limits,
    Groups,
    User,
    Dir,
    /// All was prepared, and the program could not be executed.
    Exec,
}

const STEPS: [Step; 9] = [
    Step::Fork,
    Step::Streams,
    Step::Session,
    Step::Mark,
    Step::Limits,
    Step::Groups,
    Step::User,
    Step::Dir,
    Step::Exec,
];

/// Of linux/sched.h.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// Starts it and returns its number once it executes its program. On an error there is no
/// process; the mark may have been made. Whoever calls this has to [`wait`] for it.
/// Blocks until the program is loaded.
pub fn spawn(spawn: Spawn) -> Result<i32, (Step, io::Error)> {
    let failed = |errno: Errno| (Step::Fork, io::Error::from(errno));
    // Through this the child says where it failed; exec closes it.
    let (told, teller) = pipe2(OFlag::O_CLOEXEC).map_err(failed)?;
    let mut child = Child::new(&spawn, teller.as_raw_fd());
    // No handler of the agent's may run in the child.
    let mut before = SigSet::empty();
    pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), Some(&mut before)).map_err(failed)?;
    // SAFETY: the child is a copy of this process with this thread alone. `run` never
    // returns, makes only system calls, on values made before the fork, takes no lock and
    // allocates nothing.
    let forked = unsafe { fork(spawn.cgroup.as_ref()) };
    if forked == Ok(0) {
        child.run();
    }
    let _ = pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&before), None);
    let pid = forked.map_err(failed)?;
    drop(teller);
    let mut report = Vec::new();
    let heard = std::fs::File::from(told).take(5).read_to_end(&mut report);
    match (heard, report.split_first()) {
        (Ok(_), None) => Ok(pid),
        (_, failure) => {
            // It is on its way out, and nobody else waits for it.
            let _ = nix::sys::wait::waitpid(nix::unistd::Pid::from_raw(pid), None);
            let (step, errno) = failure.unwrap_or((&0, &[]));
            let errno = errno
                .first_chunk::<4>()
                .map_or(libc::EIO, |bytes| i32::from_ne_bytes(*bytes));
            let step = STEPS.get(usize::from(*step)).copied().unwrap_or(Step::Exec);
            Err((step, io::Error::from_raw_os_error(errno)))
        }
    }
}

/// As fork(2); into a cgroup if one is given and the kernel can (moving a process into one
/// later makes every fork on the host wait for milliseconds).
///
/// # Safety
/// In the child only async-signal-safe calls may be made, and none that counts on the C
/// library knowing its threads.
unsafe fn fork(cgroup: Option<&OwnedFd>) -> Result<i32, Errno> {
    if let Some(cgroup) = cgroup {
        // SAFETY: all zeroes is a valid clone_args.
        let mut args: libc::clone_args = unsafe { MaybeUninit::zeroed().assume_init() };
        args.flags = CLONE_INTO_CGROUP;
        args.exit_signal = libc::SIGCHLD as u64;
        args.cgroup = cgroup.as_raw_fd() as u64;
        // SAFETY: without CLONE_VM and a stack this is a fork; the size is that of what
        // is pointed to.
        let pid = unsafe { libc::syscall(libc::SYS_clone3, &mut args, size_of::<libc::clone_args>()) };
        match Errno::result(pid) {
            Ok(pid) => return Ok(pid as i32),
            Err(full @ (Errno::EAGAIN | Errno::ENOMEM)) => return Err(full),
            // An old kernel or a container's filter; the run can be found without one, too.
            Err(_) => {}
        }
    }
    // SAFETY: the caller's.
    Errno::result(unsafe { libc::fork() })
}

/// What a child does between fork and exec.
struct Child<'a> {
    spawn: &'a Spawn,
    teller: i32,
    args: Vec<*const c_char>,
    env: Vec<*const c_char>,
    /// For a script that names no interpreter, as a shell would: `/bin/sh <script> args`.
    shell_args: Vec<*const c_char>,
}

const SHELL: &std::ffi::CStr = c"/bin/sh";

impl Child<'_> {
    fn new(spawn: &Spawn, teller: i32) -> Child<'_> {
        let pointers = |all: &[CString]| {
            all.iter()
                .map(|s| s.as_ptr())
                .chain([ptr::null()])
                .collect::<Vec<_>>()
        };
        let args = pointers(&spawn.args);
        let mut shell_args = vec![SHELL.as_ptr(), ptr::null()];
        shell_args.extend(args.iter().skip(1));
        Child {
            spawn,
            teller,
            env: pointers(&spawn.env),
            args,
            shell_args,
        }
    }

    fn run(&mut self) -> ! {
        let (step, errno) = match self.steps() {
            Err(failure) => failure,
            Ok(()) => (Step::Exec, self.exec()),
        };
        let errno = (errno as i32).to_ne_bytes();
        let report = [step as u8, errno[0], errno[1], errno[2], errno[3]];
        // SAFETY: the pointer and the size are those of an array; _exit does nothing but
        // to end the process.
        unsafe {
            libc::write(self.teller, report.as_ptr().cast(), report.len());
            libc::_exit(127)
        }
    }

    fn steps(&self) -> Result<(), (Step, Errno)> {
        let at = |step| move |errno| (step, errno);
        let spawn = self.spawn;
        self.streams().map_err(at(Step::Streams))?;
        setsid().map_err(at(Step::Session))?;
        self.leave_mark().map_err(at(Step::Mark))?;
        umask(Mode::from_bits_truncate(0o022));
        let (soft, hard) = spawn.open_files;
        setrlimit(Resource::RLIMIT_NOFILE, soft, hard).map_err(at(Step::Limits))?;
        if let Some(identity) = &spawn.identity {
            become_user(identity)?;
        }
        let mut entered = Err(Errno::ENOENT);
        for dir in &spawn.dirs {
            entered = chdir(dir.as_c_str());
            if entered.is_ok() {
                break;
            }
        }
        entered.map_err(at(Step::Dir))
    }

    /// The three streams, and signals as a process expects them.
    fn streams(&self) -> Result<(), Errno> {
        let spawn = self.spawn;
        for (fd, target) in [(&spawn.stdin, 0), (&spawn.stdout, 1), (&spawn.stderr, 2)] {
            // SAFETY: two numbers; the second is closed and opened anew, which nothing in
            // the child minds.
            Errno::result(unsafe { libc::dup2(fd.as_raw_fd(), target) })?;
        }
        // Handlers end with exec; what is ignored stays so unless it is told. (Rust
        // programs ignore SIGPIPE.)
        for signal in [
            Signal::SIGPIPE,
            Signal::SIGHUP,
            Signal::SIGINT,
            Signal::SIGQUIT,
            Signal::SIGTERM,
            Signal::SIGCHLD,
        ] {
            // SAFETY: the default action is no function of ours.
            unsafe { libc::signal(signal as i32, libc::SIG_DFL) };
        }
        pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None)
    }

    fn leave_mark(&self) -> Result<(), Errno> {
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_TRUNC | OFlag::O_CLOEXEC;
        let file = open(self.spawn.mark.as_c_str(), flags, Mode::from_bits_truncate(0o600))?;
        let mut digits = [0u8; 12];
        let mut at = digits.len();
        let mut pid = getpid().as_raw();
        while pid > 0 && at > 0 {
            at -= 1;
            digits[at] = b'0' + (pid % 10) as u8;
            pid /= 10;
        }
        write(&file, &digits[at..])?;
        write(&file, &self.spawn.mark_text)?;
        Ok(())
    }

    /// Returns only if no program could be executed: why.
    fn exec(&mut self) -> Errno {
        let mut why = Errno::ENOENT;
        for program in &self.spawn.programs {
            // SAFETY: all three are texts and lists of texts that end with a null and
            // live as long as `spawn`.
            unsafe { libc::execve(program.as_ptr(), self.args.as_ptr(), self.env.as_ptr()) };
            match Errno::last() {
                Errno::ENOEXEC => {
                    self.shell_args[1] = program.as_ptr();
                    // SAFETY: as above.
                    unsafe { libc::execve(SHELL.as_ptr(), self.shell_args.as_ptr(), self.env.as_ptr()) };
                    return Errno::last();
                }
                // As execvp(3): it may be further on in PATH.
                Errno::ENOENT | Errno::ENOTDIR => {}
                Errno::EACCES => why = Errno::EACCES,
                other => return other,
            }
        }
        why
    }
}

/// The system calls themselves: the C library's functions of these names tell the
/// process' other threads, and of those the child has none, which the library does not
/// know of.
fn become_user(identity: &Identity) -> Result<(), (Step, Errno)> {
    let Identity { uid, gid, groups } = identity;
    // SAFETY: a Gid is the number that the kernel wants, and so a slice of them is; the
    // other calls take numbers.
    unsafe {
        Errno::result(libc::syscall(libc::SYS_setgroups, groups.len(), groups.as_ptr()))
            .map_err(|errno| (Step::Groups, errno))?;
        Errno::result(libc::syscall(libc::SYS_setgid, gid.as_raw()))
            .map_err(|errno| (Step::Groups, errno))?;
        Errno::result(libc::syscall(libc::SYS_setuid, uid.as_raw())).map_err(|errno| (Step::User, errno))?;
    }
    Ok(())
}

/// How a child ended and what it cost. Takes the child out of the process table; call it
/// once it has ended, else it says that there is nothing (`None`).
pub fn wait(pid: i32) -> io::Result<Option<(i32, libc::rusage)>> {
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: both pointers are to memory of the right type that outlives the call; all
    // zeroes is a valid rusage.
    let (waited, usage) = unsafe {
        (
            libc::wait4(pid, &mut status, libc::WNOHANG, usage.as_mut_ptr()),
            usage.assume_init(),
        )
    };
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
    let mut info = Info {
        mask: INFO_EXIT,
        ..Info::default()
    };
    // SAFETY: the request's number carries the size of `info`, which outlives the call.
    let result = unsafe { libc::ioctl(pidfd.as_fd().as_raw_fd(), GET_INFO, &mut info) };
    (result == 0 && info.mask & INFO_EXIT != 0).then_some(info.exit_code)
}
