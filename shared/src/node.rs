//! Nodes: hosts with an agent, and what operators wish of them.

use serde::{Deserialize, Serialize};

use crate::{file::value::Read, id::NodeId, target::Labels, time::Time};

/// What do we store? One value a living agent under `nodes/<node>`, with the agent's lease.
/// Created only if absent: a second agent with the same id is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Node {
    pub id: NodeId,
    /// The name people see; the host's name unless given.
    pub name: String,
    /// Made anew at each start of the agent.
    pub boot: String,
    /// The agent's version.
    pub version: String,
    /// Found on the host and given on the command line.
    pub labels: Labels,
    /// How many runs at once the host takes; also its weight in placement.
    pub capacity: u32,
    pub address: Option<String>,
    /// When this agent registered, by its own clock.
    pub started_at: Time,
    /// How long after the lease's end the leader waits before it moves the slots: the
    /// lease's own length already passed on the agent's side.
    pub lease_secs: u32,
    /// The agent is stopping: it claims nothing more, and finishes what it has claimed.
    /// Its slots may move at once; nothing of it is lost until the key is gone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub leaving: bool,
}

/// What do we store? An operator's wishes for a node, under `intent/<node>`. It stays
/// when the agent goes.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Intent {
    /// No new slots, no every-node fires; what it owns stays.
    pub cordoned: bool,
    /// Cordoned, and its slots move away.
    pub draining: bool,
    /// Laid over the node's own labels; an empty value removes one.
    pub labels: Labels,
    pub alias: Option<String>,
}

impl Intent {
    /// The labels that count: the operator's over the node's own.
    pub fn labels_over(&self, own: &Labels) -> Labels {
        let mut labels = own.clone();
        for (key, value) in &self.labels {
            if value.is_empty() {
                labels.remove(key);
            } else {
                labels.insert(key.clone(), value.clone());
            }
        }
        labels
    }

    /// Whether new work may go to the node.
    pub fn is_schedulable(&self) -> bool {
        !self.cordoned && !self.draining
    }
}

/// What do we store? The hash of the token with which a node's agent reports, under
/// `credentials/<node>`, written by the agent itself: whoever may write the store is
/// trusted. It outlives the lease, so that an agent cut off from the store still reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// SHA-256 of the token, in hex.
    pub token_sha256: String,
}

/// What do we store? A living master, under `masters/<id>`, with its lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Master {
    /// Where agents and people reach its API, e.g. `http://10.0.0.5:7070`.
    pub url: String,
    pub version: String,
    pub started_at: Time,
    /// The kind of its database: `sqlite`, `postgres` or `mysql`. A master with SQLite
    /// keeps its history for itself and so must be the only one.
    #[serde(default)]
    pub database: String,
}
