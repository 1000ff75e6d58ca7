//! A process' standard output and error.
//!
//! The process gets an end of each pipe that is open for reading, too. So the pipe
//! outlives the agent: a process that writes while there is no agent waits when the pipe
//! is full and is not ended by SIGPIPE, and the next agent opens the pipe again (through
//! `/proc/<pid>/fd`) and reads what was written meanwhile.

use std::{
    fs::OpenOptions,
    io,
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::fs::{MetadataExt, OpenOptionsExt, fchown},
    },
};

use nix::{
    fcntl::OFlag,
    unistd::{Uid, pipe2},
};
use shared::report::Stream;
use tokio::net::unix::pipe::Receiver;

use super::marks::Mark;

/// How much is read at once: what a pipe holds unless told otherwise.
const READ_BYTES_MAX: usize = 64 * 1024;

/// Our ends.
pub struct Pipes {
    stdout: Option<Receiver>,
    stderr: Option<Receiver>,
}

/// The process' ends.
pub struct Ends {
    pub stdout: OwnedFd,
    pub stderr: OwnedFd,
    /// The pipes' inodes.
    pub inodes: (u64, u64),
}

/// Makes both pipes. They belong to `owner`, so that a process may open `/dev/stdout`.
/// Needs a tokio runtime.
pub fn make(owner: Option<Uid>) -> io::Result<(Pipes, Ends)> {
    let (stdout, stdout_end, out_inode) = pipe(owner)?;
    let (stderr, stderr_end, err_inode) = pipe(owner)?;
    let pipes = Pipes {
        stdout: Some(stdout),
        stderr: Some(stderr),
    };
    Ok((
        pipes,
        Ends {
            stdout: stdout_end,
            stderr: stderr_end,
            inodes: (out_inode, err_inode),
        },
    ))
}

fn pipe(owner: Option<Uid>) -> io::Result<(Receiver, OwnedFd, u64)> {
    let (ours, theirs) = pipe2(OFlag::O_CLOEXEC)?;
    let path = format!("/proc/self/fd/{}", theirs.as_raw_fd());
    let both = OpenOptions::new().read(true).write(true).open(path)?;
    if let Some(owner) = owner {
        fchown(&both, Some(owner.as_raw()), None)?;
    }
    let inode = both.metadata()?.ino();
    Ok((Receiver::from_owned_fd(ours)?, both.into(), inode))
}

impl Pipes {
    /// Opens the pipes of a process that an earlier agent started; of what it has closed
    /// or redirected since, there is nothing to read.
    pub fn reopen(mark: &Mark) -> Pipes {
        let open = |fd: u32, inode: u64| {
            let path = format!("/proc/{}/fd/{fd}", mark.pid);
            // Another pipe than ours is the job's own: reading it would take its data.
            let is_ours = std::fs::metadata(&path).is_ok_and(|m| m.ino() == inode);
            let flags = OFlag::O_NONBLOCK.bits();
            let file = is_ours.then(|| OpenOptions::new().read(true).custom_flags(flags).open(&path));
            Receiver::from_owned_fd(file?.ok()?.into()).ok()
        };
        let (stdout, stderr) = mark.pipes.unzip();
        Pipes {
            stdout: stdout.and_then(|i| open(1, i)),
            stderr: stderr.and_then(|i| open(2, i)),
        }
    }

    /// Nothing to read from.
    pub fn none() -> Pipes {
        Pipes {
            stdout: None,
            stderr: None,
        }
    }

    /// The next piece; `None` once everybody has closed both. Can be dropped at any time
    /// without loss.
    pub async fn next(&mut self) -> Option<(Stream, Vec<u8>)> {
        while self.stdout.is_some() || self.stderr.is_some() {
            let (stream, data) = tokio::select! {
                data = read(&mut self.stdout), if self.stdout.is_some() => (Stream::Stdout, data),
                data = read(&mut self.stderr), if self.stderr.is_some() => (Stream::Stderr, data),
            };
            match data {
                Some(data) => return Some((stream, data)),
                None if stream == Stream::Stdout => self.stdout = None,
                None => self.stderr = None,
            }
        }
        None
    }

    /// Reads on and throws away, so that a process left behind does not stop.
    pub async fn drain(mut self) {
        while self.next().await.is_some() {}
    }
}

/// `None` at the end.
async fn read(pipe: &mut Option<Receiver>) -> Option<Vec<u8>> {
    let pipe = pipe.as_mut()?;
    loop {
        pipe.readable().await.ok()?;
        // Memory only once there is something to put into it.
        let mut data = vec![0; READ_BYTES_MAX];
        match pipe.try_read(&mut data) {
            Ok(0) => return None,
            Ok(n) => {
                data.truncate(n);
                data.shrink_to_fit();
                return Some(data);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return None,
        }
    }
}
