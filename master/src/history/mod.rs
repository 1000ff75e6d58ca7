//! The history: every fire's one explained end, in SQL. The only place that speaks SQL.

use async_trait::async_trait;
use shared::{
    api::Page,
    history::{RunQuery, RunView},
    id::{JobId, NodeId, RunId},
    report::{Chunk, Run},
    time::Time,
};

/// The history as the rest of the master sees it. One implementation for SQLite,
/// PostgreSQL and MySQL/MariaDB, one in memory for the simulator.
#[async_trait]
pub trait History: Send + Sync + 'static {
    /// Records reports and output, all or none. Idempotent: what is there already, or is
    /// older than what is there ([`shared::run::State::replaces`]), changes nothing.
    /// Returns the runs that changed something, for live updates.
    async fn record(&self, runs: &[Run], chunks: &[Chunk]) -> Result<Vec<RunId>, HistoryError>;

    async fn run(&self, id: RunId) -> Result<Option<RunView>, HistoryError>;

    /// Newest first, by cursor.
    async fn runs(&self, query: &RunQuery) -> Result<Page<RunView>, HistoryError>;

    /// Runs of a node that have not ended.
    async fn unfinished(&self, node: &NodeId) -> Result<Vec<Run>, HistoryError>;

    /// Which instants of a slot, `from..=until`, history knows of.
    async fn known(&self, job: JobId, slot: u32, from: Time, until: Time) -> Result<Vec<Time>, HistoryError>;

    /// A run's output from piece `from` on, at most so many pieces.
    async fn output(&self, run: RunId, from: u64, limit: u32) -> Result<Vec<Chunk>, HistoryError>;

    /// Whether the database answers.
    async fn ping(&self) -> Result<(), HistoryError>;
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
