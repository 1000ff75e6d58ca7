//! The history in SQL: SQLite, PostgreSQL, MySQL and MariaDB.
//!
//! Every call is one statement or one short transaction and is given up after
//! [`Patience`]: a database that is down or frozen is an answer, never a hang.

mod connect;
mod failure;
mod migrate;
mod rows;
mod record;
mod read;
mod glance;
mod news;
mod asked;
mod seen;
mod sums;
mod expire;

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use sea_orm::{
    DatabaseConnection, DatabaseTransaction, DbBackend, SqliteTransactionMode, TransactionOptions,
    TransactionTrait,
};
use shared::{
    api::Page,
    history::{Asked, RunQuery, RunView, Statistic, StatisticsQuery},
    id::{JobId, NodeId, RunId},
    report::{Chunk, Run},
    time::Time,
};

use super::{Expire, Expired, Glimpse, History, HistoryError, News, Runs, Seen, Sum};
pub use connect::ConnectError;
use failure::Failure;

/// How long a call may take before the answer is that the database does not answer.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For what agents and people wait for.
    pub call: Duration,
    /// For housekeeping, which may look at many rows.
    pub housekeeping: Duration,
    /// For bringing the schema up to date.
    pub migration: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            call: Duration::from_secs(10),
            housekeeping: Duration::from_secs(60),
            migration: Duration::from_secs(600),
        }
    }
}

/// A history in a database. Cheap to clone.
#[derive(Clone)]
pub struct SqlHistory {
    /// SQLite has one writer: a pool of one connection, so that writers queue here and not
    /// in its busy handler. Elsewhere the same pool as `reads`.
    writes: DatabaseConnection,
    reads: DatabaseConnection,
    patience: Patience,
    name: String,
    /// Tells what it has recorded itself from what others have.
    source: Arc<str>,
}

/// Attempts at a transaction that others' transactions undid.
const ATTEMPTS_MAX: u32 = 6;

impl SqlHistory {
    /// Connects to `sqlite:`, `postgres:`, `mysql:` or `mariadb:`, and brings the schema up
    /// to date; several masters may do so at once. The error never shows the password.
    pub async fn connect(url: &str) -> Result<SqlHistory, ConnectError> {
        SqlHistory::connect_with(url, Patience::default()).await
    }

    pub async fn connect_with(url: &str, patience: Patience) -> Result<SqlHistory, ConnectError> {
        let history = connect::open(url, patience).await?;
        migrate::migrate(&history).await?;
        Ok(history)
    }

    /// `SQLite`, `PostgreSQL` or `MySQL`.
    pub fn kind(&self) -> &'static str {
        match self.backend() {
            DbBackend::Postgres => "PostgreSQL",
            DbBackend::MySql => "MySQL",
            _ => "SQLite",
        }
    }

    /// Where it is, without the password.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Ends its connections; calls fail from then on.
    pub async fn close(&self) {
        let close = async {
            let _ = self.reads.close_by_ref().await;
            let _ = self.writes.close_by_ref().await;
        };
        // A frozen server does not say goodbye.
        let _ = tokio::time::timeout(Duration::from_secs(2), close).await;
    }

    fn backend(&self) -> DbBackend {
        self.writes.get_database_backend()
    }

    async fn begin(&self) -> Result<DatabaseTransaction, Failure> {
        let sqlite_transaction_mode =
            (self.backend() == DbBackend::Sqlite).then_some(SqliteTransactionMode::Immediate);
        Ok(self
            .writes
            .begin_with_options(TransactionOptions {
                sqlite_transaction_mode,
                ..Default::default()
            })
            .await?)
    }

    /// A call with an end: gives up after `patience`, and tries again what another
    /// transaction undid.
    async fn call<T, F, W>(&self, patience: Duration, mut work: W) -> Result<T, HistoryError>
    where
        W: FnMut() -> F + Send,
        F: Future<Output = Result<T, Failure>> + Send,
    {
        let tries = async {
            let mut attempt = 1;
            loop {
                match work().await {
                    Err(Failure::Undone(_)) if attempt < ATTEMPTS_MAX => {
                        // The other transaction goes on meanwhile.
                        tokio::time::sleep(Duration::from_millis(4 << attempt)).await;
                        attempt += 1;
                    }
                    done => return done.map_err(HistoryError::from),
                }
            }
        };
        match tokio::time::timeout(patience, tries).await {
            Ok(done) => done,
            Err(_) => Err(HistoryError::Unavailable(format!(
                "no answer within {patience:?}"
            ))),
        }
    }
}

#[async_trait]
impl History for SqlHistory {
    fn is_local(&self) -> bool {
        self.backend() == DbBackend::Sqlite
    }

    async fn record(&self, runs: &[Run], chunks: &[Chunk]) -> Result<Vec<RunId>, HistoryError> {
        let batch = record::Write::prepare(runs, chunks, &[], true)?;
        self.call(self.patience.call, || record::write(self, &batch))
            .await
    }

    async fn run(&self, id: RunId) -> Result<Option<RunView>, HistoryError> {
        self.call(self.patience.call, || read::run(self, id)).await
    }

    async fn runs(&self, query: &RunQuery) -> Result<Page<RunView>, HistoryError> {
        let wanted = super::page::Wanted::check(query)?;
        self.call(self.patience.call, || read::page(self, &wanted)).await
    }

    async fn glimpses(&self, runs: &Runs) -> Result<Vec<Glimpse>, HistoryError> {
        let wanted = runs.check()?;
        self.call(self.patience.call, || glance::walk(self, &wanted, runs.limit))
            .await
    }

    async fn recent(&self, jobs: &[JobId], count: u32) -> Result<Vec<Glimpse>, HistoryError> {
        self.call(self.patience.housekeeping, || glance::recent(self, jobs, count))
            .await
    }

    async fn open(&self, limit: u32) -> Result<Vec<Glimpse>, HistoryError> {
        self.call(self.patience.call, || glance::open(self, limit)).await
    }

    async fn news(&self, after: i64, limit: u32) -> Result<Vec<News>, HistoryError> {
        self.call(self.patience.call, || news::read(self, after, limit))
            .await
    }

    async fn newest_news(&self) -> Result<i64, HistoryError> {
        self.call(self.patience.call, || news::newest(self)).await
    }

    async fn note_asked(&self, runs: &[RunId], asked: &Asked) -> Result<(), HistoryError> {
        self.call(self.patience.call, || asked::note(self, runs, asked))
            .await
    }

    async fn output_before(&self, run: RunId, before: u64, limit: u32) -> Result<Vec<Chunk>, HistoryError> {
        self.call(self.patience.call, || {
            glance::output_before(self, run, before, limit)
        })
        .await
    }

    async fn unfinished(&self, node: &NodeId) -> Result<Vec<Run>, HistoryError> {
        self.call(self.patience.call, || read::unfinished(self, node))
            .await
    }

    async fn unfinished_nodes(&self) -> Result<Vec<NodeId>, HistoryError> {
        self.call(self.patience.call, || read::unfinished_nodes(self))
            .await
    }

    async fn unretried(&self, since: Time, limit: u32) -> Result<Vec<Run>, HistoryError> {
        self.call(self.patience.call, || read::unretried(self, since, limit))
            .await
    }

    async fn known(&self, job: JobId, slot: u32, from: Time, until: Time) -> Result<Vec<Time>, HistoryError> {
        self.call(self.patience.call, || read::known(self, job, slot, from, until))
            .await
    }

    async fn covering(&self, job: JobId, at: Time, limit: u32) -> Result<Vec<RunView>, HistoryError> {
        self.call(self.patience.call, || read::covering(self, job, at, limit))
            .await
    }

    async fn output(&self, run: RunId, from: u64, limit: u32) -> Result<Vec<Chunk>, HistoryError> {
        self.call(self.patience.call, || read::output(self, run, from, limit))
            .await
    }

    async fn ping(&self) -> Result<(), HistoryError> {
        self.call(self.patience.call, || read::ping(self)).await
    }

    async fn statistics(&self, query: &StatisticsQuery) -> Result<Vec<Statistic>, HistoryError> {
        super::statistics::Wanted::check(query)?;
        self.call(self.patience.call, || sums::statistics(self, query))
            .await
    }

    async fn note_seen(&self, seen: &BTreeMap<NodeId, Seen>) -> Result<(), HistoryError> {
        self.call(self.patience.call, || seen::note(self, seen)).await
    }

    async fn seen(&self, limit: u32) -> Result<BTreeMap<NodeId, Seen>, HistoryError> {
        self.call(self.patience.call, || seen::read(self, limit)).await
    }

    async fn forget_seen(&self, nodes: &BTreeSet<NodeId>) -> Result<(), HistoryError> {
        self.call(self.patience.call, || seen::forget(self, nodes)).await
    }

    async fn fold(&self) -> Result<bool, HistoryError> {
        let more = self.call(self.patience.housekeeping, || sums::fold(self)).await?;
        if !more {
            self.call(self.patience.housekeeping, || news::forget(self))
                .await?;
        }
        Ok(more)
    }

    async fn newest(&self, job: JobId, slot: u32) -> Result<Option<Time>, HistoryError> {
        self.call(self.patience.housekeeping, || read::newest(self, job, slot))
            .await
    }

    async fn tidy(&self) -> Result<(), HistoryError> {
        self.call(self.patience.housekeeping, || read::tidy(self)).await
    }

    async fn expire(&self, what: &Expire) -> Result<Expired, HistoryError> {
        self.call(self.patience.housekeeping, || expire::expire(self, what))
            .await
    }

    async fn going_on(&self, limit: u32) -> Result<Vec<RunView>, HistoryError> {
        self.call(self.patience.call, || read::going_on(self, limit))
            .await
    }

    async fn runs_after(&self, after: Option<RunId>, limit: u32) -> Result<Vec<Run>, HistoryError> {
        self.call(self.patience.housekeeping, || {
            read::runs_after(self, after, limit)
        })
        .await
    }

    async fn sums_after(&self, after: Option<&Sum>, limit: u32) -> Result<Vec<Sum>, HistoryError> {
        self.call(self.patience.housekeeping, || sums::after(self, after, limit))
            .await
    }

    async fn load(&self, runs: &[Run], chunks: &[Chunk], sums: &[Sum]) -> Result<(), HistoryError> {
        let batch = record::Write::prepare(runs, chunks, sums, false)?;
        self.call(self.patience.housekeeping, || record::write(self, &batch))
            .await
            .map(drop)
    }
}
