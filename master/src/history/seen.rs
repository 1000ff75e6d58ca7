//! What a node's agent last said, as masters tell it each other.

use shared::{report::Health, time::Time};

/// What a node's agent last said to a master.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub boot: String,
    pub health: Option<Health>,
    /// The node's clock less the master's, in milliseconds, with the way there in it.
    pub clock_offset_ms: i64,
    /// By the clock of the master that heard it; not before any word that it knew of.
    pub at: Time,
}

/// Nodes whose last word is kept: by a master in memory, and in the history.
pub const NODES_MAX: u32 = 10_000;
