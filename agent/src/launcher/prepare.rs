//! What a process is given: its program, environment, directory and input.

use std::{
    collections::BTreeMap,
    ffi::CString,
    fs::File,
    io::{self, Seek, Write},
    os::fd::OwnedFd,
};

use nix::sys::memfd::{MFdFlags, memfd_create};
use shared::job::Action;

use super::account::Account;
use crate::parts::{Launch, StartError};

pub(super) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
pub(super) const SHELL: &str = "/bin/sh";

pub(super) fn command(action: &Action) -> Result<(String, Vec<String>), StartError> {
    match action {
        Action::Shell(script) => Ok((SHELL.to_owned(), vec!["-c".to_owned(), script.clone()])),
        Action::Exec(argv) => match argv.split_first() {
            Some((program, args)) => Ok((program.clone(), args.to_vec())),
            None => Err(StartError::Failed("there is no program to execute".into())),
        },
        Action::Http(_) => Err(StartError::Failed("it is not a process".into())),
    }
}

/// Where a program may be, as execvp(3) looks for it.
pub(super) fn programs(program: &str, path: &str) -> Vec<String> {
    if program.contains('/') {
        return vec![program.to_owned()];
    }
    // An empty one is the working directory.
    path.split(':')
        .map(|dir| {
            if dir.is_empty() {
                format!("./{program}")
            } else {
                format!("{dir}/{program}")
            }
        })
        .collect()
}

/// What cron gives, and what the job says over it.
pub(super) fn environment(launch: &Launch, account: &Account) -> BTreeMap<String, String> {
    let lang = std::env::var("LANG").unwrap_or_else(|_| "C.UTF-8".to_owned());
    let base = [
        ("PATH", PATH.to_owned()),
        ("HOME", account.home.clone()),
        ("USER", account.name.clone()),
        ("LOGNAME", account.name.clone()),
        ("SHELL", SHELL.to_owned()),
        ("LANG", lang),
    ];
    let mut env: BTreeMap<_, _> = base
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    env.extend(launch.env.iter().cloned());
    // What the run's processes are found by.
    env.insert("GNOMON_RUN".to_owned(), launch.run.to_string());
    env
}

/// Where the process may begin, the best first.
pub(super) fn dirs(dir: Option<&str>, account: &Account) -> Result<Vec<CString>, StartError> {
    let all = match dir {
        Some(dir) => vec![dir],
        None => vec![account.home.as_str(), "/"],
    };
    all.into_iter().map(c_string).collect()
}

pub(super) fn c_string(text: impl Into<Vec<u8>>) -> Result<CString, StartError> {
    CString::new(text).map_err(|_| StartError::Failed("a NUL character is in what is to be started".into()))
}

/// A text is a file in memory: all of it is there even if the agent dies at once.
pub(super) fn stdin(text: Option<&str>) -> io::Result<OwnedFd> {
    let Some(text) = text else {
        return Ok(File::open("/dev/null")?.into());
    };
    let mut file = File::from(memfd_create("gnomon-stdin", MFdFlags::MFD_CLOEXEC)?);
    file.write_all(text.as_bytes())?;
    file.rewind()?;
    Ok(file.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_looked_for_along_the_path() {
        assert_eq!(programs("a/b", "/x"), ["a/b"]);
        assert_eq!(programs("b", "/x:/y/:"), ["/x/b", "/y//b", "./b"]);
    }
}
