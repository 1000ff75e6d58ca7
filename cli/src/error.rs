//! What went wrong, for people (stderr) and for scripts (the exit code).

use std::{fmt, io::IsTerminal, process::ExitCode};

use shared::api::{ApiError, ErrorCode};

/// Exit codes, as DESIGN's contract of the command line has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Failed = 1,
    Usage = 2,
    NotFound = 3,
    Conflict = 4,
    NotAllowed = 5,
    Unreachable = 6,
    /// Nobody reads stdout any more. As shells know it of a tool that SIGPIPE has ended.
    ReaderGone = 128 + 13,
}

#[derive(Debug)]
pub struct CliError {
    pub kind: Kind,
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// The field of the request that the server finds wrong.
    pub field: Option<String>,
}

pub type Result<T, E = CliError> = std::result::Result<T, E>;

impl CliError {
    pub fn new(kind: Kind, message: impl fmt::Display) -> CliError {
        CliError {
            kind,
            message: message.to_string(),
            hint: None,
            field: None,
        }
    }

    pub fn failed(message: impl fmt::Display) -> CliError {
        CliError::new(Kind::Failed, message)
    }

    pub fn usage(message: impl fmt::Display) -> CliError {
        CliError::new(Kind::Usage, message)
    }

    pub fn hint(mut self, hint: impl fmt::Display) -> CliError {
        self.hint = Some(hint.to_string());
        self
    }

    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.kind as u8)
    }

    pub fn print(&self) {
        if self.kind == Kind::ReaderGone {
            return;
        }
        let red = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let (on, off) = if red { ("\x1b[1;31m", "\x1b[0m") } else { ("", "") };
        // stderr may be closed; there is then nobody to tell.
        use std::io::Write;
        let mut stderr = std::io::stderr().lock();
        let _ = write!(stderr, "{on}error:{off} ");
        if let Some(field) = self.field.as_ref().filter(|field| !self.message.contains(*field)) {
            let _ = write!(stderr, "{field}: ");
        }
        let _ = writeln!(stderr, "{}", self.message);
        if let Some(hint) = &self.hint {
            let _ = writeln!(stderr, "  hint: {hint}");
        }
    }
}

impl From<ApiError> for CliError {
    fn from(e: ApiError) -> CliError {
        let kind = match e.code {
            ErrorCode::Invalid | ErrorCode::TooLarge => Kind::Usage,
            ErrorCode::Unauthenticated | ErrorCode::Forbidden => Kind::NotAllowed,
            ErrorCode::NotFound => Kind::NotFound,
            ErrorCode::Conflict | ErrorCode::Stale => Kind::Conflict,
            ErrorCode::TooMany | ErrorCode::Unavailable | ErrorCode::Internal => Kind::Failed,
        };
        let hint = e.hint.or_else(|| {
            (e.code == ErrorCode::Unauthenticated)
                .then(|| "log in with `gnomon login --url URL`, or give --token or GNOMON_TOKEN".into())
        });
        CliError {
            kind,
            message: e.message,
            hint,
            field: e.field,
        }
    }
}

/// A failure of this machine (a file, a terminal) with what was being done.
pub trait Doing<T> {
    fn doing(self, what: impl fmt::Display) -> Result<T>;
}

impl<T, E: fmt::Display> Doing<T> for std::result::Result<T, E> {
    fn doing(self, what: impl fmt::Display) -> Result<T> {
        self.map_err(|e| CliError::failed(format!("{what}: {e:#}")))
    }
}
