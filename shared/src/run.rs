//! A run: one attempt at a fire, from its claim to its one explained end.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{file::value::Read, units::Span};

/// Why there is a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// It was due.
    Schedule,
    /// It was due at a time when nobody could start it.
    CatchUp,
    /// Someone asked for it.
    Manual,
    /// The attempt before it failed.
    Retry,
    /// The node of the attempt before it died.
    Lost,
}

impl Cause {
    pub fn as_str(self) -> &'static str {
        match self {
            Cause::Schedule => "schedule",
            Cause::CatchUp => "catch_up",
            Cause::Manual => "manual",
            Cause::Retry => "retry",
            Cause::Lost => "lost",
        }
    }
}

/// Where a run stands. It only moves forward, but that a report may replace `Lost`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Claimed, and not yet due.
    Pending,
    /// Due, and waiting: for its turn behind other runs, for capacity, or for its backoff.
    Queued,
    Running,
    Succeeded,
    Failed,
    TimedOut,
    Killed,
    Skipped,
    Missed,
    Rejected,
    /// The node died with it: nobody knows.
    Lost,
}

impl State {
    pub const ALL: [State; 11] = [
        State::Pending,
        State::Queued,
        State::Running,
        State::Succeeded,
        State::Failed,
        State::TimedOut,
        State::Killed,
        State::Skipped,
        State::Missed,
        State::Rejected,
        State::Lost,
    ];

    pub fn is_end(self) -> bool {
        !matches!(self, State::Pending | State::Queued | State::Running)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            State::Pending => "pending",
            State::Queued => "queued",
            State::Running => "running",
            State::Succeeded => "succeeded",
            State::Failed => "failed",
            State::TimedOut => "timed_out",
            State::Killed => "killed",
            State::Skipped => "skipped",
            State::Missed => "missed",
            State::Rejected => "rejected",
            State::Lost => "lost",
        }
    }

    /// Whether a report of `self` replaces a recorded `old` state: later ones replace
    /// earlier ones, the first end stays, and any end but `Lost` replaces `Lost`; a node
    /// that reports a lost run as still going on takes it back, too.
    pub fn replaces(self, old: State) -> bool {
        match (old, self) {
            (State::Lost, State::Lost) => false,
            (State::Lost, _) => true,
            (old, _) if old.is_end() => false,
            (State::Running, State::Pending | State::Queued) => false,
            (State::Queued, State::Pending) => false,
            _ => true,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl std::str::FromStr for State {
    type Err = String;
    fn from_str(s: &str) -> Result<State, String> {
        State::ALL
            .into_iter()
            .find(|state| state.as_str() == s)
            .ok_or_else(|| {
                let all: Vec<&str> = State::ALL.iter().map(|s| s.as_str()).collect();
                format!("`{s}` is not a run's state; it is one of {}", all.join(", "))
            })
    }
}

/// Why a run ended as it did, for programs; [`fmt::Display`] is for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Reason {
    /// The process exited with a code that does not mean success.
    ExitCode {
        exit_code: i32,
    },
    /// A signal ended the process, and nobody here sent it.
    Signal {
        signal: i32,
    },
    /// It could not be started at all.
    CannotStart {
        error: String,
    },
    /// The HTTP request had no usable answer.
    Http {
        error: String,
    },
    /// It ran longer than its timeout.
    Timeout {
        timeout: Span,
    },
    /// Someone asked for it to be killed.
    KilledBy {
        by: String,
        reason: String,
    },
    /// A later fire took its place (`overlap: replace`).
    Replaced,
    /// The node lost its lease and the job asks for isolation.
    Isolation,
    /// The agent was stopped and did not wait.
    AgentStopped,
    /// So many runs of the job were going on or waiting.
    Overlap {
        running: u32,
        queued: u32,
    },
    Paused,
    /// The job excludes a calendar that covers its instant.
    Blackout {
        calendar: String,
    },
    /// The job keeps to calendars, and none of them covers its instant.
    OutsideCalendars {
        calendars: Vec<String>,
    },
    /// Several instants were missed; a later one was caught up for all.
    Superseded,
    /// It could not be started in time: nobody was there to, or something was in the way.
    TooLate {
        late: Span,
        within: Span,
    },
    /// The job asks that missed instants are not caught up.
    NotCaughtUp {
        late: Span,
    },
    /// The agent could not write its spool.
    Spool {
        error: String,
    },
    /// The host's policy does not allow it.
    Policy {
        rule: String,
    },
    /// The node died, or was gone past its lease, before it reported an end.
    NodeGone,
    /// There is no node for it.
    NoNode {
        why: String,
    },
    /// The host restarted, or the process vanished, while the agent was away.
    Vanished,
    /// The order was withdrawn before it was taken.
    Withdrawn,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::ExitCode { exit_code } => write!(f, "exited with code {exit_code}"),
            Reason::Signal { signal } => write!(f, "ended by signal {signal}"),
            Reason::CannotStart { error } => write!(f, "could not be started: {error}"),
            Reason::Http { error } => write!(f, "the request failed: {error}"),
            Reason::Timeout { timeout } => write!(f, "ran longer than its timeout of {timeout}"),
            Reason::KilledBy { by, reason } if reason.is_empty() => write!(f, "killed by {by}"),
            Reason::KilledBy { by, reason } => write!(f, "killed by {by}: {reason}"),
            Reason::Replaced => f.write_str("a later fire took its place (overlap: replace)"),
            Reason::Isolation => f.write_str("the node lost its lease and the job asks for isolation: kill"),
            Reason::AgentStopped => f.write_str("the agent was stopped"),
            Reason::Overlap { running, queued } => {
                write!(f, "{running} of the job's runs still going on, {queued} waiting")
            }
            Reason::Paused => f.write_str("the job is paused"),
            Reason::Blackout { calendar } => write!(f, "within the blackout `{calendar}`"),
            Reason::OutsideCalendars { calendars } => {
                let s = if calendars.len() == 1 { "" } else { "s" };
                write!(f, "outside the calendar{s} `{}`", calendars.join("`, `"))
            }
            Reason::Superseded => f.write_str("missed; a later instant was caught up in its place"),
            Reason::TooLate { late, within } => {
                write!(
                    f,
                    "could not be started in time: {late} late, and the job allows {within}"
                )
            }
            Reason::NotCaughtUp { late } => {
                write!(f, "could not be started in time ({late} late); misfire: none")
            }
            Reason::Spool { error } => write!(f, "the agent could not write its spool: {error}"),
            Reason::Policy { rule } => write!(f, "the host's policy does not allow it: {rule}"),
            Reason::NodeGone => f.write_str("its node was gone before it reported an end"),
            Reason::NoNode { why } => write!(f, "no node for it: {why}"),
            Reason::Vanished => f.write_str("its process was gone when the agent came back"),
            Reason::Withdrawn => f.write_str("withdrawn before the node took it"),
        }
    }
}
