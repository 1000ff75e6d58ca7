//! What the history answers: runs as people see them, and sums over them.

use serde::{Deserialize, Serialize};

use crate::{
    id::{JobId, JobPath, NodeId, RunId},
    report::{OutputSize, Range, Run, Usage},
    run::{Cause, Reason, State},
    time::Time,
};

/// A run as the API and `gnomon run ls -o json` show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunView {
    pub id: RunId,
    /// The first attempt at the same fire.
    pub first: RunId,
    pub job: JobPath,
    pub job_id: JobId,
    pub scheduled_at: Time,
    pub started_at: Option<Time>,
    pub finished_at: Option<Time>,
    pub state: State,
    /// Why, in words; empty while there is nothing to say.
    pub reason: String,
    /// Why, for programs.
    pub reason_detail: Option<Reason>,
    pub node: NodeId,
    pub slot: Option<u32>,
    pub attempt: u32,
    pub cause: Cause,
    pub exit_code: Option<i32>,
    pub signal: Option<i32>,
    pub retry_at: Option<Time>,
    pub usage: Usage,
    pub output: OutputSize,
    pub range: Option<Range>,
}

impl From<Run> for RunView {
    fn from(r: Run) -> RunView {
        RunView {
            id: r.id,
            first: r.first,
            job: r.path,
            job_id: r.job,
            scheduled_at: r.scheduled_at,
            started_at: r.started_at,
            finished_at: r.finished_at,
            state: r.state,
            reason: r.reason.as_ref().map(ToString::to_string).unwrap_or_default(),
            reason_detail: r.reason,
            node: r.node,
            slot: r.slot,
            attempt: r.attempt,
            cause: r.cause,
            exit_code: r.exit_code,
            signal: r.signal,
            retry_at: r.retry_at,
            usage: r.usage,
            output: r.output,
            range: r.range,
        }
    }
}

/// Which runs to list. All that is given must hold.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RunQuery {
    pub job: Option<JobPath>,
    pub namespace: Option<String>,
    pub node: Option<NodeId>,
    /// One state, or several with commas.
    pub state: Option<String>,
    /// Scheduled at or after.
    pub since: Option<Time>,
    /// Scheduled before.
    pub until: Option<Time>,
    /// Attempts at this fire.
    pub first: Option<RunId>,
    /// Where the page before ended, as its `next` says.
    pub cursor: Option<String>,
    /// How many at most; 100 unless given, 1,000 at most.
    pub limit: Option<u32>,
}
