//! The timeline: runs as bars over time, planned ones as outlines, in lanes.

use serde::{Deserialize, Serialize};

use crate::{
    file::value::Read,
    id::{JobId, JobPath, NodeId, RunId},
    run::{Cause, State},
    time::Time,
};

/// The most lanes of an answer.
pub const LANES_MAX: usize = 500;
/// The most bars, and the most outlines.
pub const BARS_MAX: usize = 5000;
/// The most runs that an answer is made from.
pub const RUNS_MAX: usize = 10_000;
/// The longest window: 31 days.
pub const WINDOW_MS_MAX: i64 = 31 * 86_400_000;

/// Which part of which lanes.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(default, deny_unknown_fields)]
pub struct TimelineQuery {
    /// An hour before `to` unless given.
    pub from: Option<Time>,
    /// Now unless given; may be in the future. The window is 31 days at most.
    pub to: Option<Time>,
    pub by: LaneBy,
    pub job: Option<JobPath>,
    pub namespace: Option<String>,
    pub node: Option<NodeId>,
    /// A part of the job's name.
    pub q: Option<String>,
    /// How many pieces of time the picture can tell apart: runs of a lane that are closer
    /// than that become one bar. 1,000 unless given, 4,000 at most.
    pub points: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum LaneBy {
    #[default]
    Node,
    Job,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Timeline {
    pub from: Time,
    pub to: Time,
    pub now: Time,
    /// Runs closer than this are one bar.
    pub step_ms: i64,
    /// By name. Nodes that live have one even if nothing ran there.
    pub lanes: Vec<Lane>,
    /// By lane and time.
    pub bars: Vec<Bar>,
    pub planned: Vec<Planned>,
    /// There were more runs than one answer is made from: before this, they are not here.
    /// Ask for a shorter window, or for fewer jobs or nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runs_since: Option<Time>,
    /// Not all that is planned is here, or not all lanes are.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more_planned: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more_lanes: bool,
}

/// A node or a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Lane {
    /// A node's id, or a job's `namespace/name`.
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<JobPath>,
    /// How many rows its bars need so that none covers another.
    pub rows: u32,
}

/// A run, or several that are too close to be told apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Bar {
    /// Which lane, and which of its rows, from 0.
    pub lane: u32,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub row: u32,
    /// From its start, or from its instant if it did not start.
    pub from: Time,
    /// None while it goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Time>,
    /// Of several, the one that most needs to be seen.
    pub state: State,
    pub run: RunId,
    pub job: JobPath,
    pub node: NodeId,
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub count: u32,
}

/// An instant to come, or several that are too close to be told apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Planned {
    pub lane: u32,
    pub at: Time,
    /// The last of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
    pub job: JobPath,
    /// How long its runs usually take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usual_ms: Option<u64>,
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub count: u32,
}

fn one() -> u32 {
    1
}

fn is_one(n: &u32) -> bool {
    *n == 1
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// Which of a job's runs [`JobHistory`] shows.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(default, deny_unknown_fields)]
pub struct JobHistoryQuery {
    /// How many runs at most, the newest; 200 unless given, 2,000 at most.
    pub points: Option<u32>,
}

/// A job's runs over time, for a picture of durations and outcomes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobHistory {
    pub job: JobPath,
    pub job_id: JobId,
    /// The oldest first. Runs that go on have no duration yet.
    pub points: Vec<Point>,
    /// There are older runs.
    pub more: bool,
    /// The medians and the worst of twenty, over these points.
    pub usual_ms: Option<u64>,
    pub p95_ms: Option<u64>,
    pub success_percent: Option<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Point {
    pub run: RunId,
    pub at: Time,
    pub state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<u64>,
    /// How much later than scheduled it started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub late_ms: Option<i64>,
    pub node: NodeId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slot: Option<u32>,
    pub attempt: u32,
    pub cause: Cause,
}
