//! The agent's durable memory ([`Spool`](crate::parts::Spool)): `disk` for real, `memory`
//! for tests. Both carry out what [`index`] decides, so that they cannot differ.
//!
//! What happens at the limit? Pieces of output go first, the oldest first, and are
//! counted ([`Metrics::evicted_bytes`]): a master that was away too long sees a hole in
//! the output, never in the history. A run's record is never dropped. Once records alone
//! fill their share, new runs are refused with [`SpoolError`](crate::parts::SpoolError),
//! and their fires are what fires on a full disk are: nothing of them starts, the job's
//! misfire rule says what is caught up once there is room, and the rest ends as missed with
//! that reason. Runs that are in the spool already can still be brought to their end.

mod index;
mod tables;
mod writer;
pub mod disk;
pub mod memory;

pub use disk::{Disk, OpenError};
pub use memory::Memory;

/// How much the spool may hold.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of runs' records.
    pub runs_bytes_max: u64,
    /// Bytes of output that waits for a master.
    pub output_bytes_max: u64,
    /// Pieces of output that wait for a master.
    pub pieces_max: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            runs_bytes_max: 256 << 20,
            output_bytes_max: 1 << 30,
            pieces_max: 500_000,
        }
    }
}

/// What the spool holds and what it had to give up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Metrics {
    pub runs: u64,
    pub runs_bytes: u64,
    pub runs_unsent: u64,
    pub pieces: u64,
    pub output_bytes: u64,
    /// Output that went to make room, since the agent started.
    pub evicted_pieces: u64,
    pub evicted_bytes: u64,
    /// Reports and pieces of output that masters refuse, now.
    pub aside_runs: u64,
    pub aside_pieces: u64,
    /// Runs that were refused for want of room, since the agent started.
    pub refused_runs: u64,
}
