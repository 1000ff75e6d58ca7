//! A history behind a gate: while it is shut, nothing is recorded and nobody is answered.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicU32, Ordering},
};

use async_trait::async_trait;
use master::history::{
    Expire, Expired, Glimpse, History, HistoryError, MemoryHistory, News, Runs, Seen, Sum,
};
use shared::{
    api::Page,
    history::{Asked, RunQuery, RunView, Statistic, StatisticsQuery},
    id::{JobId, NodeId, RunId},
    report::{Chunk, Run},
    time::Time,
};
use tokio::sync::watch;

pub struct Gate {
    pub inner: MemoryHistory,
    open: watch::Sender<bool>,
    pub is_local: bool,
    /// Calls of `record` that have begun, of `fold` and of `note_seen`.
    pub records: AtomicU32,
    pub folds: AtomicU32,
    pub notes: AtomicU32,
}

impl Gate {
    pub fn new(is_open: bool) -> Gate {
        let (open, _) = watch::channel(is_open);
        Gate {
            inner: MemoryHistory::new(),
            open,
            is_local: false,
            records: AtomicU32::new(0),
            folds: AtomicU32::new(0),
            notes: AtomicU32::new(0),
        }
    }

    pub fn open(&self) {
        self.open.send_replace(true);
    }

    pub fn begun(&self) -> u32 {
        self.records.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl History for Gate {
    fn is_local(&self) -> bool {
        self.is_local
    }
    async fn record(&self, runs: &[Run], chunks: &[Chunk]) -> Result<Vec<RunId>, HistoryError> {
        self.records.fetch_add(1, Ordering::SeqCst);
        self.open.subscribe().wait_for(|open| *open).await.unwrap();
        self.inner.record(runs, chunks).await
    }
    async fn fold(&self) -> Result<bool, HistoryError> {
        self.folds.fetch_add(1, Ordering::SeqCst);
        self.inner.fold().await
    }
    async fn run(&self, id: RunId) -> Result<Option<RunView>, HistoryError> {
        self.inner.run(id).await
    }
    async fn runs(&self, query: &RunQuery) -> Result<Page<RunView>, HistoryError> {
        self.inner.runs(query).await
    }
    async fn glimpses(&self, runs: &Runs) -> Result<Vec<Glimpse>, HistoryError> {
        self.inner.glimpses(runs).await
    }
    async fn recent(&self, jobs: &[JobId], count: u32) -> Result<Vec<Glimpse>, HistoryError> {
        self.inner.recent(jobs, count).await
    }
    async fn open(&self, limit: u32) -> Result<Vec<Glimpse>, HistoryError> {
        self.inner.open(limit).await
    }
    async fn news(&self, after: i64, limit: u32) -> Result<Vec<News>, HistoryError> {
        self.inner.news(after, limit).await
    }
    async fn newest_news(&self) -> Result<i64, HistoryError> {
        self.inner.newest_news().await
    }
    async fn note_asked(&self, runs: &[RunId], asked: &Asked) -> Result<(), HistoryError> {
        self.inner.note_asked(runs, asked).await
    }
    async fn output_before(&self, run: RunId, before: u64, limit: u32) -> Result<Vec<Chunk>, HistoryError> {
        self.inner.output_before(run, before, limit).await
    }
    async fn unfinished(&self, node: &NodeId) -> Result<Vec<Run>, HistoryError> {
        self.inner.unfinished(node).await
    }
    async fn unfinished_nodes(&self) -> Result<Vec<NodeId>, HistoryError> {
        self.inner.unfinished_nodes().await
    }
    async fn unretried(&self, since: Time, limit: u32) -> Result<Vec<Run>, HistoryError> {
        self.inner.unretried(since, limit).await
    }
    async fn known(&self, job: JobId, slot: u32, from: Time, until: Time) -> Result<Vec<Time>, HistoryError> {
        self.inner.known(job, slot, from, until).await
    }
    async fn covering(&self, job: JobId, at: Time, limit: u32) -> Result<Vec<RunView>, HistoryError> {
        self.inner.covering(job, at, limit).await
    }
    async fn output(&self, run: RunId, from: u64, limit: u32) -> Result<Vec<Chunk>, HistoryError> {
        self.inner.output(run, from, limit).await
    }
    async fn ping(&self) -> Result<(), HistoryError> {
        self.inner.ping().await
    }
    async fn statistics(&self, query: &StatisticsQuery) -> Result<Vec<Statistic>, HistoryError> {
        self.inner.statistics(query).await
    }
    async fn note_seen(&self, seen: &BTreeMap<NodeId, Seen>) -> Result<(), HistoryError> {
        self.notes.fetch_add(1, Ordering::SeqCst);
        self.inner.note_seen(seen).await
    }
    async fn seen(&self, limit: u32) -> Result<BTreeMap<NodeId, Seen>, HistoryError> {
        self.inner.seen(limit).await
    }
    async fn forget_seen(&self, nodes: &BTreeSet<NodeId>) -> Result<(), HistoryError> {
        self.inner.forget_seen(nodes).await
    }
    async fn newest(&self, job: JobId, slot: u32) -> Result<Option<Time>, HistoryError> {
        self.inner.newest(job, slot).await
    }
    async fn expire(&self, what: &Expire) -> Result<Expired, HistoryError> {
        self.inner.expire(what).await
    }
    async fn going_on(&self, limit: u32) -> Result<Vec<RunView>, HistoryError> {
        self.inner.going_on(limit).await
    }
    async fn tidy(&self) -> Result<(), HistoryError> {
        self.inner.tidy().await
    }
    async fn runs_after(&self, after: Option<RunId>, limit: u32) -> Result<Vec<Run>, HistoryError> {
        self.inner.runs_after(after, limit).await
    }
    async fn sums_after(&self, after: Option<&Sum>, limit: u32) -> Result<Vec<Sum>, HistoryError> {
        self.inner.sums_after(after, limit).await
    }
    async fn load(&self, runs: &[Run], chunks: &[Chunk], sums: &[Sum]) -> Result<(), HistoryError> {
        self.inner.load(runs, chunks, sums).await
    }
}
