//! A run in as few words as lists, pictures and the board need.

use serde::{Deserialize, Serialize};
use shared::{
    history::RunView,
    id::{JobId, JobPath, NodeId, Owner, RunId},
    report::Run,
    run::{Cause, Reason, State},
    time::Time,
};

/// What is remembered of a run beside its row: enough for a tick, a bar or a point.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Glimpse {
    #[serde(rename = "i")]
    pub id: RunId,
    #[serde(rename = "j")]
    pub job: JobId,
    #[serde(rename = "p")]
    pub path: JobPath,
    #[serde(rename = "d")]
    pub scheduled_at: Time,
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<u32>,
    #[serde(rename = "n")]
    pub node: NodeId,
    #[serde(rename = "a")]
    pub attempt: u32,
    #[serde(rename = "c")]
    pub cause: Cause,
    #[serde(rename = "s")]
    pub state: State,
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
    /// Another attempt follows.
    #[serde(rename = "t", default, skip_serializing_if = "std::ops::Not::not")]
    pub is_retried: bool,
    /// The last instant that it stands for, if it stands for a range.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
}

impl Glimpse {
    pub fn owner(&self) -> Owner {
        match self.slot {
            Some(slot) => Owner::Slot(slot),
            None => Owner::Node(self.node.clone()),
        }
    }

    /// How long it took, if it ran and has ended.
    pub fn took_ms(&self) -> Option<u64> {
        let took = self.finished_at?.as_millis() - self.started_at?.as_millis();
        Some(took.max(0) as u64)
    }
}

impl From<&Run> for Glimpse {
    fn from(run: &Run) -> Glimpse {
        Glimpse {
            id: run.id,
            job: run.job,
            path: run.path.clone(),
            scheduled_at: run.scheduled_at,
            slot: run.slot,
            node: run.node.clone(),
            attempt: run.attempt,
            cause: run.cause,
            state: run.state,
            reason: run.reason.clone(),
            started_at: run.started_at,
            finished_at: run.finished_at,
            is_retried: run.retry_at.is_some(),
            until: run.range.map(|range| range.until),
        }
    }
}

impl From<&RunView> for Glimpse {
    fn from(run: &RunView) -> Glimpse {
        Glimpse {
            id: run.id,
            job: run.job_id,
            path: run.job.clone(),
            scheduled_at: run.scheduled_at,
            slot: run.slot,
            node: run.node.clone(),
            attempt: run.attempt,
            cause: run.cause,
            state: run.state,
            reason: run.reason_detail.clone(),
            started_at: run.started_at,
            finished_at: run.finished_at,
            is_retried: run.retry_at.is_some(),
            until: run.range.map(|range| range.until),
        }
    }
}

/// What another master has recorded, in order of `id`. Ids may be missing, and one that is
/// missing may come later: its transaction took longer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    pub id: i64,
    pub what: Told,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// It was recorded through this very history, which has told of it already.
    Own,
    Runs(Vec<Glimpse>),
    /// More than can be told, such as a restore: look at everything again.
    All,
}
