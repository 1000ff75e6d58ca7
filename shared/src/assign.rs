//! Assignments, cursors and orders: what stands between the leader's plan and a fire.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    Revision,
    calendar::{Calendars, Inlined},
    id::{JobId, JobPath, NodeId, RunId},
    job::{JobSpec, OnLost, Trigger},
    report::{OutputSize, Run, Usage},
    run::{Cause, State},
    target::Groups,
    time::Time,
};

/// What do we store? `assign/<node>/<job>/<slot>`: this slot belongs to this node; or
/// `assign/*/<job>`: each node that matches runs this job. The whole spec is inside, so
/// that an agent needs nothing else to fire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    pub job: JobId,
    /// The job key's mod revision that this was made from.
    pub revision: Revision,
    pub spec: JobSpec,
    /// Instants at or before this never count.
    pub since: Time,
    /// `None` for an every-node job.
    pub slot: Option<u32>,
    /// The groups that an every-node job's target names, as they were.
    #[serde(default, skip_serializing_if = "Groups::is_empty")]
    pub groups: Groups,
    /// The calendars that the job names, as they were.
    #[serde(default, skip_serializing_if = "Inlined::is_empty")]
    pub calendars: Inlined,
}

/// What do we store? The last claimed instant of a slot, under `cursor/<job>/<slot>`.
/// Claiming a fire moves it by compare-and-swap; it only moves forward.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The last claimed instant.
    pub at: Time,
    /// The run that was claimed with it.
    pub run: RunId,
    pub node: NodeId,
    /// The earliest claimed instant that the node had not yet reported to a master when
    /// it claimed. If the node dies, the instants from here to `at` that history does not
    /// know are lost.
    pub unreported_since: Time,
}

/// What do we store? A one-off instruction to a node, under `orders/<node>/<run>`. The
/// agent deletes it once it is in its spool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    pub run: RunId,
    pub kind: OrderKind,
    pub by: String,
    pub at: Time,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum OrderKind {
    /// Start this run: someone asked for it, or it is the next attempt at a fire whose
    /// last one ended elsewhere. Not before `not_before`.
    Run(Box<RunOrder>),
    /// Stop this run, if it has not ended.
    Kill { reason: String },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunOrder {
    pub job: JobId,
    pub revision: Revision,
    pub spec: JobSpec,
    /// The first attempt's id, which the fire is known by.
    pub first: RunId,
    pub attempt: u32,
    pub scheduled_at: Time,
    pub not_before: Time,
    pub slot: Option<u32>,
    pub cause: Cause,
    /// Laid over the spec's environment, for this run only.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
}

impl RunOrder {
    /// The run as the history should know it until its agent reports: ordered, and not
    /// yet seen.
    pub fn pending(&self, run: RunId, node: &NodeId) -> Run {
        Run {
            id: run,
            first: self.first,
            job: self.job,
            path: self.spec.path(),
            revision: self.revision,
            scheduled_at: self.scheduled_at,
            slot: self.slot,
            node: node.clone(),
            attempt: self.attempt,
            cause: self.cause,
            state: State::Pending,
            reason: None,
            started_at: None,
            finished_at: None,
            exit_code: None,
            signal: None,
            retry_at: None,
            usage: Usage::default(),
            output: OutputSize::default(),
            range: None,
        }
    }
}

/// What do we store? What the leader has done and the history must still be told, under
/// `owed/`. It is written in the transaction that does the thing, and deleted once the
/// history has it: whoever leads then, and however long the database is down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Owed {
    /// A slot was taken from a node that had claimed these fires. If the node does not
    /// report them itself, they are lost.
    Claimed(Box<Claimed>),
    /// A run was ordered: without this, one whose agent takes the order and dies before it
    /// reports would be nowhere. Or an order was withdrawn, and this is how the run ended.
    Run(Box<Run>),
}

/// The fires of a slot that a node had claimed and perhaps not reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claimed {
    pub job: JobId,
    pub path: JobPath,
    pub revision: Revision,
    pub slot: u32,
    pub node: NodeId,
    /// The instants of the triggers from here ...
    pub from: Time,
    /// ... to here, both included: the cursor's `unreported_since` and `at`.
    pub until: Time,
    /// The run that was claimed at `until`.
    pub run: RunId,
    pub triggers: Vec<Trigger>,
    /// The calendars that were in the assignment, and what the job named them for: what they
    /// suppressed was skipped, and is not lost.
    #[serde(default, skip_serializing_if = "Calendars::is_empty")]
    pub named: Calendars,
    #[serde(default, skip_serializing_if = "Inlined::is_empty")]
    pub calendars: Inlined,
    /// Instants at or before this never counted.
    pub since: Time,
    pub on_lost: OnLost,
    /// When the slot was taken.
    pub at: Time,
}
