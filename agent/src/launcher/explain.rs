//! Why a start failed, in words that say what to do.

use std::{collections::BTreeMap, io, path::Path};

use shared::job::Action;

use super::{account::Account, kernel::Step, no_mark, prepare::command};
use crate::parts::{Launch, StartError};

/// What it takes to say why a start failed.
pub(super) struct Explain<'a> {
    program: String,
    is_shell: bool,
    user: String,
    dir: String,
    pub path: &'a str,
}

impl Explain<'_> {
    pub fn new<'a>(launch: &Launch, account: &Account, env: &'a BTreeMap<String, String>) -> Explain<'a> {
        Explain {
            program: command(&launch.action)
                .map(|(program, _)| program)
                .unwrap_or_default(),
            is_shell: matches!(launch.action, Action::Shell(_)),
            user: account.name.clone(),
            dir: launch.dir.clone().unwrap_or_else(|| account.home.clone()),
            path: env.get("PATH").map_or("", String::as_str),
        }
    }

    pub fn failure(&self, step: Step, error: &io::Error) -> StartError {
        let Explain { user, dir, .. } = self;
        let is_denied = error.kind() == io::ErrorKind::PermissionDenied;
        let text = match step {
            Step::Fork if error.raw_os_error() == Some(libc::EAGAIN) => {
                "the host has no room for another process: too many of them (see ulimit -u, pids.max)".into()
            }
            Step::Fork => format!("no process could be made: {error}"),
            Step::Exec => self.exec_failure(error),
            Step::Dir if is_denied => format!("the user `{user}` may not enter the directory {dir}"),
            Step::Dir if error.kind() == io::ErrorKind::NotFound => {
                format!("the directory {dir} does not exist on this host")
            }
            Step::Dir => format!("the directory {dir} cannot be entered: {error}"),
            Step::User | Step::Groups if is_denied || error.raw_os_error() == Some(libc::EPERM) => {
                return StartError::Rejected(format!("the agent is not allowed to become the user `{user}`"));
            }
            Step::User if error.raw_os_error() == Some(libc::EAGAIN) => {
                format!("the user `{user}` has too many processes")
            }
            Step::User | Step::Groups => format!("the process cannot become the user `{user}`: {error}"),
            Step::Mark => return no_mark(error),
            Step::Streams | Step::Session | Step::Limits => {
                format!("the process could not be set up ({step:?}): {error}")
            }
        };
        StartError::Failed(text)
    }

    fn exec_failure(&self, error: &io::Error) -> String {
        let Explain {
            program, user, path, ..
        } = self;
        let what = if self.is_shell { "the shell" } else { "the program" };
        let is_path = program.contains('/');
        match error.kind() {
            io::ErrorKind::NotFound if is_path && Path::new(program).exists() => {
                format!("{what} {program} cannot be executed: the interpreter that it names is missing")
            }
            io::ErrorKind::NotFound if is_path => format!("{what} {program} does not exist on this host"),
            io::ErrorKind::NotFound => format!("{what} `{program}` is not in any directory of PATH ({path})"),
            io::ErrorKind::PermissionDenied => {
                format!("{what} {program} may not be executed by the user `{user}`")
            }
            _ if error.raw_os_error() == Some(libc::EAGAIN) => {
                format!("the user `{user}` has too many processes for another (see ulimit -u)")
            }
            _ if error.raw_os_error() == Some(libc::E2BIG) => {
                format!("{what} {program}: its arguments and environment are too large for this host")
            }
            _ => format!("{what} {program} cannot be executed: {error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_shell_is_said() {
        let explain = Explain {
            program: "/no/such/sh".into(),
            is_shell: true,
            user: "me".into(),
            dir: "/".into(),
            path: "/bin",
        };
        let error = explain.failure(Step::Exec, &io::Error::from_raw_os_error(libc::ENOENT));
        assert_eq!(
            error.to_string(),
            "the shell /no/such/sh does not exist on this host"
        );
        let error = explain.failure(Step::Fork, &io::Error::from_raw_os_error(libc::EAGAIN));
        assert!(error.to_string().contains("too many"), "{error}");
    }
}
