//! The way of run records into the spool: in order, many in one commit, again until the
//! disk takes them.
//!
//! While the disk does not, what has happened already (a start, an end) is kept in
//! memory, the latest of each run; nothing new fires meanwhile ([`Recorder::is_blocked`]),
//! and the spell is remembered, so that what fell into it can be told from what was late.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use shared::{host::Host, id::RunId, run::State, time::Time};
use tokio::{
    sync::{Notify, mpsc},
    time::sleep,
};

use super::Event;
use crate::{
    outage::Outages,
    parts::{Spool, SpoolError, SpoolWrite, SpooledRun, Starter},
};

/// Between attempts while the disk takes nothing.
const RETRY: Duration = Duration::from_secs(1);

/// Takes run records; clones share it.
#[derive(Clone)]
pub struct Recorder(Arc<Inner>);

struct Inner {
    spool: Arc<dyn Spool>,
    starter: Arc<dyn Starter>,
    host: Host,
    pending: Mutex<Pending>,
    wake: Notify,
    is_blocked: AtomicBool,
    outages: Mutex<Outages>,
    /// Told when nothing is pending any more.
    drained: Notify,
}

/// What is not in the spool yet. A later record of a run replaces an earlier one: a
/// report is always the whole.
#[derive(Default)]
struct Pending {
    runs: BTreeMap<RunId, SpooledRun>,
    other: Vec<SpoolWrite>,
    is_writing: bool,
}

impl Pending {
    fn is_empty(&self) -> bool {
        self.runs.is_empty() && self.other.is_empty()
    }
}

impl Recorder {
    pub fn new(spool: Arc<dyn Spool>, starter: Arc<dyn Starter>, host: Host) -> Recorder {
        Recorder(Arc::new(Inner {
            spool,
            starter,
            host,
            pending: Mutex::default(),
            wake: Notify::new(),
            is_blocked: AtomicBool::new(false),
            outages: Mutex::default(),
            drained: Notify::new(),
        }))
    }

    /// Puts runs into the spool, soon.
    pub fn put(&self, runs: impl IntoIterator<Item = SpooledRun>) {
        self.with(|pending| pending.runs.extend(runs.into_iter().map(|run| (run.run.id, run))));
        self.0.wake.notify_one();
    }

    /// Puts what is no run into the spool, soon.
    pub fn write(&self, writes: impl IntoIterator<Item = SpoolWrite>) {
        self.with(|pending| pending.other.extend(writes));
        self.0.wake.notify_one();
    }

    /// Whether the disk takes nothing: no fire may start then, as it could not be
    /// remembered.
    pub fn is_blocked(&self) -> bool {
        self.0.is_blocked.load(Ordering::Acquire)
    }

    /// Somebody else's commit has failed, of something that was due at `since`: nothing
    /// fires for a moment, and then not until what waits here is taken.
    pub fn block(&self, since: Time, error: &SpoolError) {
        self.0.is_blocked.store(true, Ordering::Release);
        let now = self.0.host.now();
        if self.with_outages(|all| all.begin(since, now, &error.to_string())) {
            tracing::error!(%error, "the spool takes no records: nothing fires until it does");
        }
        self.0.wake.notify_one();
    }

    /// When the spool took nothing.
    pub fn outages(&self) -> Outages {
        self.with_outages(|all| all.clone())
    }

    fn unblock(&self) {
        if self.0.is_blocked.swap(false, Ordering::AcqRel) {
            let now = self.0.host.now();
            self.with_outages(|all| all.end(now));
        }
    }

    fn with_outages<T>(&self, f: impl FnOnce(&mut Outages) -> T) -> T {
        f(&mut self.0.outages.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns once everything is in the spool.
    pub async fn drained(&self) {
        loop {
            let drained = self.0.drained.notified();
            tokio::pin!(drained);
            drained.as_mut().enable();
            if self.with(|pending| pending.is_empty() && !pending.is_writing) {
                return;
            }
            drained.await;
        }
    }

    fn with<T>(&self, f: impl FnOnce(&mut Pending) -> T) -> T {
        f(&mut self.0.pending.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Writes what is put. Tells the runner which waiting runs are in the spool. Never
    /// returns.
    pub async fn run(&self, events: mpsc::Sender<Event>) {
        loop {
            if self.is_blocked() {
                sleep(RETRY).await;
            }
            let (runs, other) = self.with(|pending| {
                pending.is_writing = !pending.is_empty();
                (
                    std::mem::take(&mut pending.runs),
                    std::mem::take(&mut pending.other),
                )
            });
            if runs.is_empty() && other.is_empty() && !self.is_blocked() {
                self.0.wake.notified().await;
                continue;
            }
            match self.commit(&runs, &other).await {
                Ok(()) => {
                    self.unblock();
                    for ended in runs.values().filter(|s| s.run.state.is_end()) {
                        self.0.starter.forget(ended.run.id).await;
                    }
                    let queued = runs.into_values().filter(|s| s.run.state == State::Queued);
                    for run in queued {
                        let _ = events.send(Event::Recorded(run.run.id)).await;
                    }
                    self.with(|pending| pending.is_writing = false);
                    self.0.drained.notify_waiters();
                }
                Err(error) => {
                    self.block(self.0.host.now(), &error);
                    // A spool that is full of reports takes no new runs, but the ends of
                    // those that it has: one by one.
                    let runs = self.commit_each(runs).await;
                    self.put_back(runs, other);
                }
            }
        }
    }

    async fn commit(
        &self,
        runs: &BTreeMap<RunId, SpooledRun>,
        other: &[SpoolWrite],
    ) -> Result<(), SpoolError> {
        let runs = runs.values().map(|run| SpoolWrite::PutRun(Box::new(run.clone())));
        self.0
            .spool
            .commit(runs.chain(other.iter().cloned()).collect())
            .await
    }

    /// Returns what the spool does not take.
    async fn commit_each(&self, mut runs: BTreeMap<RunId, SpooledRun>) -> BTreeMap<RunId, SpooledRun> {
        if runs.len() > 1 {
            for id in runs.keys().copied().collect::<Vec<_>>() {
                let Some(run) = runs.remove(&id) else { continue };
                match self
                    .0
                    .spool
                    .commit(vec![SpoolWrite::PutRun(Box::new(run.clone()))])
                    .await
                {
                    Ok(()) if run.run.state.is_end() => self.0.starter.forget(id).await,
                    Ok(()) => {}
                    Err(_) => drop(runs.insert(id, run)),
                }
            }
        }
        runs
    }

    /// What has been put meanwhile is later.
    fn put_back(&self, runs: BTreeMap<RunId, SpooledRun>, mut other: Vec<SpoolWrite>) {
        self.with(|pending| {
            for (id, run) in runs {
                pending.runs.entry(id).or_insert(run);
            }
            other.append(&mut pending.other);
            pending.other = other;
        });
    }
}
