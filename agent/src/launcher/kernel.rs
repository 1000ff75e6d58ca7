//! What only the operating system's own calls can do: start a process that becomes
//! someone else before it executes, wait for it with what it cost, look at it through a
//! pidfd. The one file with `unsafe` in it.
#![allow(
    unsafe_code,
    reason = "clone, wait4, close_range, pidfd_open and an ioctl have no safe form; each use says why it is sound"
)]

use std::{
    ffi::{CString, c_char},
    io,
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
    unistd::{Gid, Uid, chdir, getpid, setsid, write},
};
use tokio::io::{Interest, unix::AsyncFd};

/// A process to start, all of it prepared: the child may allocate nothing.
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

/// Starts it and returns its number once it executes its program. On an error there is no
/// process; the mark may have been made. Whoever calls this has to [`wait`] for it.
/// Blocks until the program is loaded.
///
/// The child borrows this process' memory and this thread waits for it, as with vfork(2):
/// a copy of an agent's page tables would cost more than all the rest, and each page that
/// the agent wrote afterwards once more.
pub fn spawn(spawn: Spawn) -> Result<i32, (Step, io::Error)> {
    let failed = |errno: Errno| (Step::Fork, io::Error::from(errno));
    let mut child = Child::new(&spawn);
    // No handler of the agent's may run in the child.
    let mut before = SigSet::empty();
    pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), Some(&mut before)).map_err(failed)?;
    let made = borrow::child(&mut child, spawn.cgroup.as_ref());
    let _ = pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&before), None);
    let pid = made.map_err(failed)?;
    match child.failure {
        None => Ok(pid),
        Some((step, errno)) => {
            // It is on its way out, and nobody else waits for it.
            let _ = nix::sys::wait::waitpid(nix::unistd::Pid::from_raw(pid), None);
            Err((step, errno.into()))
        }
    }
}

/// What a child does until it executes its program. All is made before there is a child:
/// it only makes system calls, takes no lock and allocates nothing.
struct Child<'a> {
    spawn: &'a Spawn,
    /// What the child leaves behind if it comes to nothing.
    failure: Option<(Step, Errno)>,
    /// Its handlers are the agent's: the kernel has not put them back.
    has_handlers: bool,
    args: Vec<*const c_char>,
    env: Vec<*const c_char>,
    /// For a script that names no interpreter, as a shell would: `/bin/sh <script> args`.
    shell_args: Vec<*const c_char>,
}

const SHELL: &std::ffi::CStr = c"/bin/sh";

impl Child<'_> {
    fn new(spawn: &Spawn) -> Child<'_> {
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
            failure: None,
            has_handlers: true,
            env: pointers(&spawn.env),
            args,
            shell_args,
        }
    }

    fn run(&mut self) -> ! {
        self.failure = Some(match self.steps() {
            Err(failure) => failure,
            Ok(()) => (Step::Exec, self.exec()),
        });
        // SAFETY: it does nothing but to end the process.
        unsafe { libc::_exit(127) }
    }

    fn steps(&self) -> Result<(), (Step, Errno)> {
        let at = |step| move |errno| (step, errno);
        let spawn = self.spawn;
        self.streams().map_err(at(Step::Streams))?;
        only_streams_stay_open();
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
        if self.has_handlers {
            signals::without_handlers()?;
        }
        // What is ignored stays so unless it is told. (Rust programs ignore SIGPIPE.)
        for signal in [
            Signal::SIGPIPE,
            Signal::SIGHUP,
            Signal::SIGINT,
            Signal::SIGQUIT,
            Signal::SIGTERM,
            Signal::SIGCHLD,
        ] {
            signals::by_default(signal as i32)?;
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

/// Whatever else this process has open ends with its program: what the agent inherited (a
/// lock's file, a listening socket) may lack the sign that it is not to be passed on.
fn only_streams_stay_open() {
    // SAFETY: three numbers; the descriptors are this process' own, and stay open until it
    // executes a program. An error means a kernel before Linux 5.11, or a container's filter:
    // the agent marked what it had inherited when it started.
    unsafe { libc::syscall(libc::SYS_close_range, 3u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) };
}

/// Marks all that this process has open now, but for the three streams, as not to be passed
/// on to what it starts.
pub fn keep_open_files() -> io::Result<()> {
    let names = std::fs::read_dir("/proc/self/fd")?
        .flatten()
        .map(|entry| entry.file_name());
    let fds: Vec<i32> = names.filter_map(|name| name.to_str()?.parse().ok()).collect();
    for fd in fds.into_iter().filter(|fd| *fd > 2) {
        // SAFETY: numbers only. One that is closed meanwhile is no loss, and what another
        // thread has opened in its place is marked as all that the agent opens.
        unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
    Ok(())
}

/// Dispositions of signals, by the system call itself: the C library's functions keep notes
/// in memory, which here is the agent's.
mod signals {
    use super::*;

    /// The kernel's `struct sigaction`: the handler first, and all zeroes the default.
    type Disposition = [u64; 4];
    const SIGNALS_MAX: i32 = 64;

    pub fn by_default(signal: i32) -> Result<(), Errno> {
        let default = Disposition::default();
        // SAFETY: the kernel reads 32 bytes at most and writes nothing.
        let result = unsafe {
            libc::syscall(
                libc::SYS_rt_sigaction,
                signal,
                &raw const default,
                ptr::null_mut::<Disposition>(),
                8usize,
            )
        };
        Errno::result(result).map(drop)
    }

    /// What has a handler gets the default; what is ignored stays so.
    pub fn without_handlers() -> Result<(), Errno> {
        for signal in (1..=SIGNALS_MAX).filter(|s| ![libc::SIGKILL, libc::SIGSTOP].contains(s)) {
            let mut now = Disposition::default();
            // SAFETY: the kernel writes 32 bytes at most.
            let result = unsafe {
                libc::syscall(
                    libc::SYS_rt_sigaction,
                    signal,
                    ptr::null::<Disposition>(),
                    &raw mut now,
                    8usize,
                )
            };
            Errno::result(result)?;
            if ![libc::SIG_DFL as u64, libc::SIG_IGN as u64].contains(&now[0]) {
                by_default(signal)?;
            }
        }
        Ok(())
    }
}

/// A child that borrows this process' memory until it executes its program or ends. The
/// calling thread stands still meanwhile; others go on.
mod borrow {
    use super::*;

    /// Of linux/sched.h.
    const CLONE_CLEAR_SIGHAND: u64 = 0x1_0000_0000;
    const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;
    const SHARED: u64 = (libc::CLONE_VM | libc::CLONE_VFORK) as u64;
    /// The child's own stack: it calls nothing that needs more than a few hundred bytes.
    const STACK_BYTES: usize = 64 * 1024;

    /// As stacks are aligned.
    type Line = u128;

    /// Makes the child, in a cgroup if one is given and the kernel can (moving a process into
    /// one later makes every fork on the host wait for milliseconds). All signals must be
    /// blocked. Returns its number once it executes its program or has ended.
    pub fn child(child: &mut Child<'_>, cgroup: Option<&OwnedFd>) -> Result<i32, Errno> {
        let mut memory: Vec<Line> = Vec::with_capacity(STACK_BYTES / size_of::<Line>());
        let stack: *mut u8 = memory.spare_capacity_mut().as_mut_ptr().cast();
        if let Some(cgroup) = cgroup {
            child.has_handlers = false;
            match in_cgroup(child, stack, cgroup) {
                Ok(pid) => return Ok(pid),
                Err(full @ (Errno::EAGAIN | Errno::ENOMEM)) => return Err(full),
                // An old kernel or a container's filter; the run can be found without one, too.
                Err(_) => child.has_handlers = true,
            }
        }
        let flags = SHARED as libc::c_int | libc::SIGCHLD;
        let arg: *mut libc::c_void = ptr::from_mut(child).cast();
        // SAFETY: the stack's end is within what was allocated, aligned, and outlives the
        // child's use of it, as this thread goes on only when the child uses neither it nor
        // any memory of this process any more. `child` is what `enter` takes it for.
        Errno::result(unsafe { libc::clone(enter_c, stack.add(STACK_BYTES).cast(), flags, arg) })
    }

    /// As the C library's clone, but for what that cannot: a cgroup.
    fn in_cgroup(child: &mut Child<'_>, stack: *mut u8, cgroup: &OwnedFd) -> Result<i32, Errno> {
        // SAFETY: all zeroes is a valid clone_args.
        let mut args: libc::clone_args = unsafe { MaybeUninit::zeroed().assume_init() };
        args.flags = SHARED | CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP;
        args.exit_signal = libc::SIGCHLD as u64;
        args.stack = stack as u64;
        args.stack_size = STACK_BYTES as u64;
        args.cgroup = cgroup.as_raw_fd() as u64;
        // SAFETY: as in `child`; the arguments are of the kernel's form.
        let result = unsafe { clone3(&mut args, ptr::from_mut(child).cast()) };
        match i32::try_from(result) {
            Ok(errno @ ..=-1) => Err(Errno::from_raw(-errno)),
            Ok(pid) => Ok(pid),
            Err(_) => Err(Errno::EOVERFLOW),
        }
    }

    /// The system call, and in the child at once [`enter`], on the child's stack: it runs
    /// nothing of this function's own code, which the compiler does not expect to run twice.
    /// Returns the child's number, or an error's, negative.
    ///
    /// # Safety
    /// The arguments must name a stack that outlives the child's use of it, and share memory
    /// only if this thread waits meanwhile (CLONE_VFORK). `child` must be a [`Child`].
    #[cfg(target_arch = "x86_64")]
    unsafe fn clone3(args: &mut libc::clone_args, child: *mut libc::c_void) -> isize {
        let result: isize;
        // SAFETY: the caller's; registers that the kernel or the child changes are said.
        unsafe {
            std::arch::asm!(
                "syscall",
                "test rax, rax",
                "jnz 2f",
                "xor ebp, ebp",
                "mov rdi, r12",
                "call r13",
                "ud2",
                "2:",
                inlateout("rax") libc::SYS_clone3 as isize => result,
                in("rdi") ptr::from_mut(args),
                in("rsi") size_of::<libc::clone_args>(),
                in("r12") child,
                in("r13") enter as extern "C" fn(*mut libc::c_void) -> !,
                lateout("rcx") _,
                lateout("r11") _,
            );
        }
        result
    }

    /// See above.
    #[cfg(target_arch = "aarch64")]
    unsafe fn clone3(args: &mut libc::clone_args, child: *mut libc::c_void) -> isize {
        let result: isize;
        // SAFETY: as above.
        unsafe {
            std::arch::asm!(
                "svc 0",
                "cbnz x0, 2f",
                "mov x29, xzr",
                "mov x0, x20",
                "blr x21",
                "brk 1",
                "2:",
                in("x8") libc::SYS_clone3,
                inlateout("x0") ptr::from_mut(args) as isize => result,
                in("x1") size_of::<libc::clone_args>(),
                in("x20") child,
                in("x21") enter as extern "C" fn(*mut libc::c_void) -> !,
            );
        }
        result
    }

    /// Elsewhere a run is killed as a whole by other means.
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    unsafe fn clone3(_: &mut libc::clone_args, _: *mut libc::c_void) -> isize {
        -(libc::ENOSYS as isize)
    }

    extern "C" fn enter(child: *mut libc::c_void) -> ! {
        // SAFETY: it is the one that `child` was given, and its thread stands still.
        unsafe { &mut *child.cast::<Child<'_>>() }.run()
    }

    extern "C" fn enter_c(child: *mut libc::c_void) -> libc::c_int {
        enter(child)
    }
}

/// The system calls themselves: the C library's functions of these names tell the
/// process' other threads to do the same, and those are the agent's.
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
