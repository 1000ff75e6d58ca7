//! What the history answers: runs as people see them, and sums over them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    file::value::Read,
    id::{JobId, JobPath, NodeId, RunId},
    report::{OutputSize, Range, Run, Usage},
    run::{Cause, Reason, State},
    time::Time,
};

/// A run as the API and `gnomon run ls -o json` show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
    /// Who asked for it and with what, of a run that somebody asked for. Lists leave it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<Asked>,
}

/// What somebody asked for with a run: enough to ask for the same again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Asked {
    pub by: String,
    pub at: Time,
    /// What was laid over the job's environment.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// The node that was asked for, if one was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeId>,
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
            asked: None,
        }
    }
}

/// Which runs to list. All that is given must hold.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(default, deny_unknown_fields)]
pub struct RunQuery {
    /// A job by its name, with what it did under earlier ones; by the name that runs have
    /// recorded where no job has it now.
    pub job: Option<JobPath>,
    pub job_id: Option<JobId>,
    pub namespace: Option<String>,
    pub node: Option<NodeId>,
    /// One state, or several with commas.
    pub state: Option<String>,
    /// One cause (`schedule`, `catch_up`, `manual`, `retry`, `lost`), or several with commas.
    pub cause: Option<String>,
    /// A part of the name of a job that there is, in any case.
    pub q: Option<String>,
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

/// Which sums over runs to give. All that is given must hold.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(default, deny_unknown_fields)]
pub struct StatisticsQuery {
    /// As for runs.
    pub job: Option<JobPath>,
    pub job_id: Option<JobId>,
    pub namespace: Option<String>,
    /// Scheduled at or after; rounded down to a whole step.
    pub since: Option<Time>,
    /// Scheduled before.
    pub until: Option<Time>,
    pub step: Step,
    pub by: SumBy,
}

/// How long the pieces of time are that are summed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Step {
    #[default]
    Hour,
    /// A day of UTC.
    Day,
    /// Five minutes; only over all jobs together, by time, and of the last days.
    Minutes,
}

impl Step {
    pub fn as_str(self) -> &'static str {
        match self {
            Step::Hour => "hour",
            Step::Day => "day",
            Step::Minutes => "minutes",
        }
    }

    /// In milliseconds.
    pub const fn millis(self) -> i64 {
        match self {
            Step::Hour => 3_600_000,
            Step::Day => 86_400_000,
            Step::Minutes => 300_000,
        }
    }

    /// The start of the step that `at` is in.
    pub fn floor(self, at: Time) -> Time {
        Time::from_millis(
            at.as_millis()
                .div_euclid(self.millis())
                .saturating_mul(self.millis()),
        )
    }
}

/// What there is one sum for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SumBy {
    /// Each step of time, all matching jobs together.
    #[default]
    Time,
    /// Each job, all of the time together.
    Job,
}

/// A sum over runs.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Statistic {
    /// When summed by time: the start of the step.
    pub at: Option<Time>,
    /// When summed by job.
    pub job: Option<JobPath>,
    pub job_id: Option<JobId>,
    /// Runs by how they ended.
    pub outcomes: Outcomes,
    /// How long runs took from start to end. In sums over one job only, each or the one
    /// asked for: there it means something.
    pub duration: Spread,
    /// How much later than scheduled they started, as `duration`; catch-ups and retries do
    /// not count.
    pub late: Spread,
}

/// How many runs ended how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Outcomes {
    pub succeeded: i64,
    pub failed: i64,
    pub timed_out: i64,
    pub killed: i64,
    pub skipped: i64,
    pub missed: i64,
    pub rejected: i64,
    pub lost: i64,
}

impl Outcomes {
    /// Adds others to these.
    pub fn add(&mut self, other: &Outcomes) {
        for (to, from) in [
            (&mut self.succeeded, other.succeeded),
            (&mut self.failed, other.failed),
            (&mut self.timed_out, other.timed_out),
            (&mut self.killed, other.killed),
            (&mut self.skipped, other.skipped),
            (&mut self.missed, other.missed),
            (&mut self.rejected, other.rejected),
            (&mut self.lost, other.lost),
        ] {
            *to = to.saturating_add(from);
        }
    }
}

/// How values are spread, in milliseconds. Percentiles are within 7 % of the true ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Spread {
    pub p50_ms: Option<i64>,
    pub p95_ms: Option<i64>,
    pub max_ms: Option<i64>,
}

/// A run that goes on for much longer than its job's runs usually do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Late {
    pub run: RunId,
    pub job: JobPath,
    pub node: NodeId,
    pub started_at: Time,
    /// Nineteen of twenty of the job's runs took no longer.
    pub usual_ms: i64,
}

/// What the last checks found of runs that are late or missing.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Findings {
    /// When they were made; none if they have not been yet.
    pub at: Option<Time>,
    pub late: Vec<Late>,
    pub overdue: Vec<Overdue>,
}

/// A slot's due instant of which nothing is recorded, though it should be by now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Overdue {
    pub job: JobPath,
    pub slot: u32,
    pub at: Time,
}
