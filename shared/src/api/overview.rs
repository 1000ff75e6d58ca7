//! The overview: what needs attention, the day, what runs now, the nodes.

use serde::{Deserialize, Serialize};

use super::{
    NodeState, Part,
    board::{JobState, Known, Trouble},
};
use crate::{
    file::value::Read,
    history::Outcomes,
    id::{JobId, JobPath, MasterId, NodeId, RunId},
    run::Cause,
    time::Time,
};

/// The most jobs, runs and nodes that each part of the overview names; the counts beside
/// them are of all.
pub const ATTENTION_MAX: usize = 200;
pub const RUNNING_MAX: usize = 200;
pub const GLANCES_MAX: usize = 1000;
/// The most buckets of each half of the day.
pub const BUCKETS_MAX: u32 = 600;

/// How much of the day is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(default, deny_unknown_fields)]
pub struct OverviewQuery {
    /// Hours before now; 12 unless given, 48 at most.
    pub past_hours: Option<u32>,
    /// Hours to come; 12 unless given, 48 at most.
    pub coming_hours: Option<u32>,
    /// Minutes of a bucket, a multiple of 5; 15 unless given, 240 at most.
    pub step_minutes: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Overview {
    pub now: Time,
    pub attention: Attention,
    /// Jobs by their state; states that none has are left out.
    pub jobs: Vec<StateCount>,
    pub day: Day,
    /// What runs now, the longest first; at most [`RUNNING_MAX`].
    pub running: Vec<RunningRun>,
    /// How many run now, and how many wait, in all.
    pub running_count: u32,
    pub queued_count: u32,
    /// Every node, by id; at most [`GLANCES_MAX`].
    pub nodes: Vec<NodeGlance>,
    pub history: Known,
}

#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Attention {
    /// The most urgent first; at most [`ATTENTION_MAX`].
    pub jobs: Vec<TroubledJob>,
    /// Of how many.
    pub jobs_count: u32,
    pub nodes: Vec<TroubledNode>,
    pub nodes_count: u32,
    /// Parts that do not answer.
    pub parts: Vec<Part>,
    /// Nobody leads: nothing new is placed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_leader: bool,
    /// Values in the store that cannot be read, with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub broken: Vec<String>,
}

impl Attention {
    pub fn is_empty(&self) -> bool {
        self.jobs_count == 0
            && self.nodes_count == 0
            && self.parts.is_empty()
            && !self.no_leader
            && self.broken.is_empty()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TroubledJob {
    pub id: JobId,
    pub job: JobPath,
    pub state: JobState,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TroubledNode {
    pub node: NodeId,
    pub why: NodeTrouble,
    pub slots: u32,
    /// When it was last heard of.
    pub last_seen: Option<Time>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum NodeTrouble {
    Down,
    /// Its clock is off by more than [`CLOCK_OFF_MS`].
    ClockOff {
        offset_ms: i64,
    },
    Draining,
    Cordoned,
}

/// A clock that is off by more than this is marked.
pub const CLOCK_OFF_MS: i64 = 1000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StateCount {
    pub state: JobState,
    pub count: u32,
}

/// The past and the coming hours on one axis of equal buckets.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Day {
    /// How long a bucket is.
    pub step_ms: i64,
    /// Outcomes by the instant they were scheduled for, the oldest bucket first; the last is
    /// the one that now is in. Buckets without any are left out. A few seconds old.
    pub past: Vec<PastBucket>,
    /// What is planned, from now on; the first is the bucket that now is in. Buckets
    /// without any are left out.
    pub coming: Vec<ComingBucket>,
    /// Some of the coming counts are estimates: of jobs that are due very often, part of
    /// each bucket is counted; of very many jobs, every so manieth.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub estimated: bool,
    /// Why there are no outcomes: the database does not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub past_error: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PastBucket {
    /// Its beginning.
    pub at: Time,
    pub outcomes: Outcomes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ComingBucket {
    pub at: Time,
    /// Runs that will be due: a fire of a job with three slots counts three.
    pub runs: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunningRun {
    pub id: RunId,
    pub job: JobPath,
    pub job_id: JobId,
    pub node: NodeId,
    pub slot: Option<u32>,
    pub attempt: u32,
    pub cause: Cause,
    pub scheduled_at: Time,
    pub started_at: Option<Time>,
    /// How long the job's runs usually take.
    pub usual_ms: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NodeGlance {
    pub id: NodeId,
    /// The name people see: the operator's alias, or the host's.
    pub name: String,
    pub state: NodeState,
    pub running: u32,
    /// How many runs it takes at once; none if it is down.
    pub capacity: Option<u32>,
    pub slots: u32,
    /// The host's load average in thousandths.
    pub load_milli: Option<u32>,
    pub clock_offset_ms: Option<i64>,
}

/// What an instance is: for the page that says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct About {
    pub version: String,
    /// The time zone database's.
    pub tzdb: String,
    pub store: Part,
    pub database: Part,
    /// The master that answers.
    pub master: MasterId,
    pub masters: Vec<MasterView>,
    pub started_at: Time,
    pub now: Time,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MasterView {
    pub id: MasterId,
    pub url: String,
    pub version: String,
    pub started_at: Time,
    pub leads: bool,
}

/// What somebody who has never logged in needs to know. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LoginHint {
    /// The first user, as long as its password is still the one that was made at the first
    /// start; none after that.
    pub first_user: Option<String>,
    /// Where that password was shown, once.
    pub shown_by: ShownBy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ShownBy {
    /// In the terminal in which `gnomon standalone` was started first.
    Standalone,
    /// In the terminal or the log of the first master that was started.
    Master,
}
