//! What a node has to do, and orders for many jobs at once.

use serde::{Deserialize, Serialize};

use super::{ApiError, NodeView, OrderedRun};
use crate::{
    Revision,
    file::value::Read,
    history::RunView,
    id::{JobId, JobPath},
    time::Time,
};

/// The most slots, every-node jobs and runs that a node's work names; the counts are of all.
pub const WORK_MAX: usize = 1000;
/// The most jobs of one bulk order.
pub const BULK_MAX: usize = 1000;

/// What belongs to a node, and what it does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NodeWork {
    pub node: NodeView,
    /// The slots it owns, by job; at most [`WORK_MAX`].
    pub slots: Vec<NodeSlot>,
    pub slots_count: u32,
    /// Every-node jobs that match it, by name; at most [`WORK_MAX`].
    pub everywhere: Vec<NodeJob>,
    pub everywhere_count: u32,
    /// Its runs that have not ended, the oldest first; at most [`WORK_MAX`].
    pub runs: Vec<RunView>,
    pub runs_count: u32,
    /// Orders that it has not taken yet.
    pub orders: u32,
    /// How far it is emptied, while it is to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drain: Option<Drain>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NodeSlot {
    pub job: JobPath,
    pub job_id: JobId,
    pub slot: u32,
    /// How many slots the job has.
    pub of: u32,
    /// When the job is due next.
    pub next: Option<Time>,
    /// The last instant that the node has claimed.
    pub claimed: Option<Time>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NodeJob {
    pub job: JobPath,
    pub job_id: JobId,
    pub next: Option<Time>,
}

/// What is left to do before a draining node is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Drain {
    pub slots_left: u32,
    pub runs_left: u32,
    /// Slots that no other node can take, and that therefore stay.
    pub stuck: u32,
}

impl Drain {
    pub fn is_done(self) -> bool {
        self.slots_left == 0 && self.runs_left == 0
    }
}

/// One order for many jobs. Each is carried out by itself: one that fails keeps no other
/// from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Bulk {
    pub action: BulkAction,
    /// At most [`BULK_MAX`], each once.
    pub jobs: Vec<JobPath>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum BulkAction {
    Pause,
    Resume,
    Run,
    Delete,
}

/// What became of each, in the order in which they were asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BulkResult {
    pub done: u32,
    pub failed: u32,
    pub jobs: Vec<BulkItem>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BulkItem {
    pub job: JobPath,
    /// The job's revision after `pause` and `resume`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<Revision>,
    /// What `run` ordered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<OrderedRun>,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ApiError>,
}
