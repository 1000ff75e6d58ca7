//! The board: every job at a glance, as the jobs table shows it.
//!
//! A reader takes the whole board once and from then on what has changed since
//! ([`BoardQuery::since`]): ten thousand jobs stay live for a few kilobytes a second.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ticks::Ticks;
use crate::{
    Revision,
    file::value::Read,
    id::{JobId, JobName, JobPath, Namespace, NodeId, RunId},
    job::Trigger,
    run::{Cause, Reason, State},
    target::{Labels, Place, Target},
    time::Time,
};

/// The most nodes that a row names.
pub const ROW_NODES_MAX: usize = 32;

/// What of the board is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(default, deny_unknown_fields)]
pub struct BoardQuery {
    /// The `version` of the board that is there already: only what is new is answered, or
    /// all of it where this master does not know that version.
    pub since: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Board {
    /// To be given as `since` the next time. Masters count each for themselves.
    pub version: String,
    /// These are all jobs there are; else those that are new or different since.
    pub whole: bool,
    /// By namespace and name.
    pub jobs: Vec<BoardJob>,
    /// Jobs that are no longer there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<JobId>,
    /// Whether what is said of runs is up to date.
    pub history: Known,
    pub now: Time,
}

/// How far a master knows the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Known {
    /// It is still being read: rows have no runs yet.
    #[default]
    Reading,
    /// All that was recorded a moment ago is here.
    Current,
    /// The database does not answer: runs are as they were when it last did.
    Old,
}

/// A job as the table shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BoardJob {
    pub id: JobId,
    pub namespace: Namespace,
    pub name: JobName,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    pub revision: Revision,
    /// As the job has them, so that each reader says them in words of its language.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<Trigger>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub target: Target,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
    pub state: JobState,
    /// What is wrong, where something is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
    /// When it is due next; never while it is paused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<Time>,
    /// The newest run that has come to its time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<LastRun>,
    /// The newest ends, at most [`super::ticks::TICKS_MAX`], the oldest first.
    #[serde(default, skip_serializing_if = "Ticks::is_empty")]
    pub ticks: Ticks,
    /// Of the ticks that tell something of the job: how many in a hundred succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success_percent: Option<u8>,
    /// How long a run usually takes: the median of the ticks, the successful ones if any are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usual_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub running: u32,
    /// Runs that are due and wait.
    #[serde(default, skip_serializing_if = "is_default")]
    pub queued: u32,
    /// Who owns its slots, at most [`ROW_NODES_MAX`]; none of an every-node job, which runs
    /// wherever its target matches.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<NodeId>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl BoardJob {
    pub fn path(&self) -> JobPath {
        JobPath {
            namespace: self.namespace.clone(),
            name: self.name.clone(),
        }
    }

    /// How many slots it has; none of an every-node job.
    pub fn slots(&self) -> Option<u32> {
        self.target.place.slots()
    }

    pub fn is_everywhere(&self) -> bool {
        self.target.place == Place::Every
    }
}

/// How a job is, in one word. In order of urgency: the first that holds is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// A host's policy does not allow it.
    Rejected,
    /// There is no node for it, or for some of its slots.
    Unplaced,
    /// It should have run by now, and nothing is known of it.
    Overdue,
    /// The last run that says something of it did not succeed.
    Failing,
    Running,
    Ok,
    /// Nothing is known of any run.
    #[default]
    New,
    Paused,
}

impl JobState {
    pub const ALL: [JobState; 8] = [
        JobState::Rejected,
        JobState::Unplaced,
        JobState::Overdue,
        JobState::Failing,
        JobState::Running,
        JobState::Ok,
        JobState::New,
        JobState::Paused,
    ];

    /// Whether somebody should look at it.
    pub fn needs_attention(self) -> bool {
        matches!(
            self,
            JobState::Rejected | JobState::Unplaced | JobState::Overdue | JobState::Failing
        )
    }

    pub fn as_str(self) -> &'static str {
        match self {
            JobState::Rejected => "rejected",
            JobState::Unplaced => "unplaced",
            JobState::Overdue => "overdue",
            JobState::Failing => "failing",
            JobState::Running => "running",
            JobState::Ok => "ok",
            JobState::New => "new",
            JobState::Paused => "paused",
        }
    }
}

impl std::str::FromStr for JobState {
    type Err = String;
    fn from_str(s: &str) -> Result<JobState, String> {
        let found = JobState::ALL.into_iter().find(|state| state.as_str() == s);
        found.ok_or_else(|| {
            let all: Vec<&str> = JobState::ALL.iter().map(|s| s.as_str()).collect();
            format!("`{s}` is not a job's state; it is one of {}", all.join(", "))
        })
    }
}

/// What is wrong with a job, for programs and, with [`fmt::Display`], for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Trouble {
    /// A run that did not succeed, or was rejected.
    Run {
        run: RunId,
        at: Time,
        state: State,
        /// Why, in words.
        reason: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        detail: Option<Reason>,
        node: NodeId,
        /// On how many of its slots or nodes the last run was like this, of how many that
        /// have had one.
        owners: u32,
        of: u32,
    },
    /// Why slots have no node, in words; the first few.
    Unplaced { why: Vec<String> },
    /// Nothing is recorded of this instant.
    Overdue {
        at: Time,
        #[serde(skip_serializing_if = "Option::is_none")]
        slot: Option<u32>,
    },
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Run {
                state,
                reason,
                node,
                owners,
                of,
                ..
            } => {
                write!(f, "{state} on {node}")?;
                if !reason.is_empty() {
                    write!(f, ": {reason}")?;
                }
                if *of > 1 {
                    write!(f, " ({owners} of {of})")?;
                }
                Ok(())
            }
            Trouble::Unplaced { why } => f.write_str(&why.join("; ")),
            Trouble::Overdue { at, slot: None } => write!(f, "nothing is recorded of {at}"),
            Trouble::Overdue { at, slot: Some(slot) } => {
                write!(f, "nothing is recorded of {at}, slot {slot}")
            }
        }
    }
}

/// A job's newest run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LastRun {
    pub id: RunId,
    pub state: State,
    /// When it was scheduled.
    pub at: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
    pub node: NodeId,
    pub cause: Cause,
}
