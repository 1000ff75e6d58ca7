//! The history: every fire's one explained end, in SQL. The only place that speaks SQL.
//!
//! What do we store? A row of `runs` for each run, with all that its last report said; a
//! row of `outputs` for each piece of output; in `statistics` a row for each job and hour
//! and for each job and day, which outlives the runs that it counts. `tallies` holds what
//! recorded batches add to the statistics until housekeeping folds it in. `nodes` has a row
//! for each node: what its agent last said.

mod glimpse;
mod seen;
mod batch;
mod tally;
mod page;
mod statistics;
pub mod migrations;
pub mod sql;
pub mod memory;
pub mod dump;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use shared::{
    api::Page,
    history::{Asked, RunQuery, RunView, Statistic, StatisticsQuery},
    id::{JobId, NodeId, RunId},
    report::{Chunk, Run},
    time::Time,
};

pub use batch::latest_of_each;
pub use glimpse::{Glimpse, News, Told};
pub use memory::MemoryHistory;
pub use seen::{NODES_MAX, Seen};
pub use sql::{ConnectError, SqlHistory};
pub use tally::Sum;

/// The history as the rest of the master sees it. One implementation for SQLite,
/// PostgreSQL and MySQL/MariaDB, one in memory for the simulator.
#[async_trait]
pub trait History: Send + Sync + 'static {
    /// Whether it is one machine's own, which only one master may use.
    fn is_local(&self) -> bool;

    /// Records reports and output, all or none. Idempotent: what is there already, or is
    /// older than what is there ([`shared::run::State::replaces`]), changes nothing.
    /// Returns the runs that changed something, for live updates.
    async fn record(&self, runs: &[Run], chunks: &[Chunk]) -> Result<Vec<RunId>, HistoryError>;

    async fn run(&self, id: RunId) -> Result<Option<RunView>, HistoryError>;

    /// Newest first, by cursor.
    async fn runs(&self, query: &RunQuery) -> Result<Page<RunView>, HistoryError>;

    // At a glance: for the board and for pictures.

    /// Newest first, at most [`Runs::limit`].
    async fn glimpses(&self, runs: &Runs) -> Result<Vec<Glimpse>, HistoryError>;

    /// The newest `count` runs of each of these jobs.
    async fn recent(&self, jobs: &[JobId], count: u32) -> Result<Vec<Glimpse>, HistoryError>;

    /// Runs that have not ended, of all nodes, in no order.
    async fn open(&self, limit: u32) -> Result<Vec<Glimpse>, HistoryError>;

    /// What was recorded after the news of this id. Always nothing where only one master
    /// can record.
    async fn news(&self, after: i64, limit: u32) -> Result<Vec<News>, HistoryError>;

    /// The id of the newest news; zero if there are none.
    async fn newest_news(&self) -> Result<i64, HistoryError>;

    /// Notes who asked for runs and with what; [`History::run`] tells it.
    async fn note_asked(&self, runs: &[RunId], asked: &Asked) -> Result<(), HistoryError>;

    /// The last pieces of a run's output before piece `before`, in order.
    async fn output_before(&self, run: RunId, before: u64, limit: u32) -> Result<Vec<Chunk>, HistoryError>;

    /// Runs of a node that have not ended.
    async fn unfinished(&self, node: &NodeId) -> Result<Vec<Run>, HistoryError>;

    /// Nodes with runs that have not ended.
    async fn unfinished_nodes(&self) -> Result<Vec<NodeId>, HistoryError>;

    /// Runs that ended with another attempt to come (`retry_at`, at or after `since`) of
    /// which history does not know; the earliest first, at most so many. For the leader:
    /// nothing else remembers an attempt that is due on another node.
    async fn unretried(&self, since: Time, limit: u32) -> Result<Vec<Run>, HistoryError>;

    /// Which instants of a slot, `from..=until`, history knows of. Of instants that were
    /// recorded as one range, the first and the last.
    async fn known(&self, job: JobId, slot: u32, from: Time, until: Time) -> Result<Vec<Time>, HistoryError>;

    /// Runs of a job that stand for a range of instants which began before `at` and has it in
    /// it, newest first, at most so many.
    async fn covering(&self, job: JobId, at: Time, limit: u32) -> Result<Vec<RunView>, HistoryError>;

    /// A run's output from piece `from` on, at most so many pieces.
    async fn output(&self, run: RunId, from: u64, limit: u32) -> Result<Vec<Chunk>, HistoryError>;

    /// Whether the database answers.
    async fn ping(&self) -> Result<(), HistoryError>;

    /// Sums over runs, in order of time or job. They are as new as the last
    /// [`fold`](History::fold).
    async fn statistics(&self, query: &StatisticsQuery) -> Result<Vec<Statistic>, HistoryError>;

    // What nodes last said.

    /// Notes what nodes said last. What a node is known to have said later stays.
    async fn note_seen(&self, seen: &BTreeMap<NodeId, Seen>) -> Result<(), HistoryError>;

    /// What nodes last said to any master; of more than `limit`, those that spoke last.
    async fn seen(&self, limit: u32) -> Result<BTreeMap<NodeId, Seen>, HistoryError>;

    /// Forgets what nodes said.
    async fn forget_seen(&self, nodes: &BTreeSet<NodeId>) -> Result<(), HistoryError>;

    // For housekeeping. Each call is one small transaction.

    /// Folds some of the tallies into the statistics; whether there may be more.
    async fn fold(&self) -> Result<bool, HistoryError>;

    /// The newest instant of a slot that history knows of.
    async fn newest(&self, job: JobId, slot: u32) -> Result<Option<Time>, HistoryError>;

    /// Deletes at most [`EXPIRE_ROWS`] of what is to go; whether there may be more.
    async fn expire(&self, what: &Expire) -> Result<Expired, HistoryError>;

    /// What is running, the longest first.
    async fn going_on(&self, limit: u32) -> Result<Vec<RunView>, HistoryError>;

    /// Lets the database look after itself, where it does not do so unasked.
    async fn tidy(&self) -> Result<(), HistoryError>;

    // For backup and restore (see `dump`).

    /// Runs in order of id.
    async fn runs_after(&self, after: Option<RunId>, limit: u32) -> Result<Vec<Run>, HistoryError>;

    /// Statistics in order of their keys.
    async fn sums_after(&self, after: Option<&Sum>, limit: u32) -> Result<Vec<Sum>, HistoryError>;

    /// Takes what a backup holds. As `record`, but that runs do not count in the
    /// statistics: a backup brings those itself.
    async fn load(&self, runs: &[Run], chunks: &[Chunk], sums: &[Sum]) -> Result<(), HistoryError>;
}

/// Which runs to glimpse at.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Runs {
    pub query: RunQuery,
    /// Only of these jobs.
    pub jobs: Option<Vec<JobId>>,
    pub limit: u32,
}

impl Runs {
    fn check(&self) -> Result<page::Wanted, HistoryError> {
        let mut wanted = page::Wanted::check(&self.query)?;
        if let Some(jobs) = &self.jobs {
            wanted.jobs = Some(match wanted.jobs {
                Some(asked) => asked.into_iter().filter(|job| jobs.contains(job)).collect(),
                None => jobs.clone(),
            });
        }
        Ok(wanted)
    }
}

/// How many rows one call of [`History::expire`] deletes at most.
pub const EXPIRE_ROWS: u64 = 500;

/// What to delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expire {
    /// Ended runs of a job, with their output: those scheduled before `before`, and of
    /// those before `spared` all but the job's newest `keep`.
    Job {
        job: JobId,
        before: Time,
        keep: u64,
        spared: Time,
    },
    /// The same for runs of all jobs; before `before` those that never ended, too.
    All { before: Time, keep: u64, spared: Time },
    /// Output before an instant whose run is not there.
    Orphans { before: Time },
    /// Statistics: the hours, and the days, before these instants.
    Statistics { hours_before: Time, days_before: Time },
    /// What nodes said last before an instant, and of all but the `keep` that spoke last.
    Nodes { before: Time, keep: u64 },
}

/// What an [`Expire`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Expired {
    pub rows: u64,
    /// Whether there may be more to delete.
    pub more: bool,
}

/// Where a page ends whose last run this is.
pub fn cursor(run: &RunView) -> String {
    let cursor = page::Cursor {
        scheduled_at: run.scheduled_at,
        id: run.id,
    };
    cursor.to_string()
}

#[derive(Clone, Debug, thiserror::Error)]
pub enum HistoryError {
    /// The database does not answer, or is too slow: later.
    #[error("the database does not answer: {0}")]
    Unavailable(String),
    /// The question is wrong, e.g. a cursor that this history did not make.
    #[error("{0}")]
    Invalid(String),
    #[error("the database refused: {0}")]
    Refused(String),
}
