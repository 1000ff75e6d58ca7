//! What an agent says of a run, and its output.

use serde::{Deserialize, Serialize};

use crate::{
    Revision,
    file::value::Read,
    id::{Fire, JobId, JobPath, NodeId, Owner, RunId},
    run::{Cause, Reason, State},
    time::Time,
};

/// A run as its agent knows it. A report is always the whole: reporting is idempotent and
/// the order of arrival does not matter ([`State::replaces`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Run {
    pub id: RunId,
    /// The first attempt's id: what groups the attempts at one fire.
    pub first: RunId,
    pub job: JobId,
    pub path: JobPath,
    /// The job's revision that ran.
    pub revision: Revision,
    pub scheduled_at: Time,
    /// `None` for an every-node job.
    pub slot: Option<u32>,
    pub node: NodeId,
    /// Counted from 1.
    pub attempt: u32,
    pub cause: Cause,
    pub state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// When the next attempt is due; `None` if this is the fire's last. Its node is
    /// another one if the job's retry says `elsewhere`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Time>,
    #[serde(default)]
    pub usage: Usage,
    #[serde(default)]
    pub output: OutputSize,
    /// A range of instants recorded as one: the last of them, and how many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<Range>,
}

impl Run {
    /// The fire that this is an attempt at.
    pub fn fire(&self) -> Fire {
        let owner = match self.slot {
            Some(slot) => Owner::Slot(slot),
            None => Owner::Node(self.node.clone()),
        };
        Fire {
            job: self.job,
            at: self.scheduled_at,
            owner,
        }
    }
}

/// Instants that were too many to record each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
// A calendar's is another.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = RunRange))]
pub struct Range {
    pub until: Time,
    pub count: u64,
}

/// What a run cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Usage {
    /// User and system time of the process and the children it waited for.
    pub cpu_ms: u64,
    /// The largest resident set, in bytes; 0 if it is not known, as of a process that was over
    /// at once.
    pub memory_max_bytes: u64,
}

/// How much a run wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct OutputSize {
    /// What the process wrote.
    pub bytes: u64,
    /// What of it was not kept: the middle, once head and tail fill the job's limit.
    pub dropped: u64,
    /// The pieces that were the middle: from this `seq` up to, not including, that one.
    /// They may have been seen live; the history deletes them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gap: Option<Gap>,
}

/// Pieces of output that are not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Gap {
    pub from: u64,
    pub until: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    Stdout,
    Stderr,
    /// What Gnomon itself says of the run, such as what was left out.
    Note,
}

/// A piece of a run's output. `seq` counts a run's pieces from 0, in the order in which
/// the agent read them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Chunk {
    pub run: RunId,
    pub seq: u64,
    pub stream: Stream,
    /// When the agent read it.
    pub at: Time,
    /// Base64: output may be any bytes.
    pub data: String,
}

/// The largest piece of output, in bytes before base64.
pub const CHUNK_BYTES_MAX: usize = 64 * 1024;
/// The most reports and the most pieces of output in a batch.
pub const BATCH_REPORTS_MAX: usize = 500;
pub const BATCH_CHUNKS_MAX: usize = 64;

/// What an agent sends to a master, and sends again until it is acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Batch {
    pub node: NodeId,
    pub boot: String,
    /// The agent's wall clock when it sent this: tells how far clocks are apart.
    pub sent_at: Time,
    pub runs: Vec<Run>,
    pub chunks: Vec<Chunk>,
    /// How the agent is, for the node's page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<Health>,
}

/// How an agent is. Sent with a batch, and alone every so often.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Health {
    pub running: u32,
    pub queued: u32,
    pub slots: u32,
    pub spooled: u64,
    /// Reports and output that masters refuse: they wait in the spool, behind the others.
    pub set_aside: u64,
    pub load_milli: u32,
}

/// A master's answer: all of the batch is in the history. Anything else (an error status,
/// no answer) means: keep it and send it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Ack {
    pub runs: usize,
    pub chunks: usize,
    /// The master's wall clock.
    pub now: Time,
}
