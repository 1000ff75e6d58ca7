//! Which claimed fires no master knows of yet.
//!
//! A claim tells the leader, in the slot's cursor, from which instant on to look if this
//! node dies: everything earlier is in the history. This is a spool that watches what
//! passes through it, so that nobody has to remember to say.

use std::{
    collections::{BTreeSet, HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use shared::{id::RunId, report::Run, time::Time};
use tokio::sync::Notify;

use crate::{
    inbox::SlotKey,
    parts::{Spool, SpoolError, SpoolWrite, Spooled, Unsent},
};

/// So many further attempts are remembered after a master took their end.
const RELEASED_MAX: usize = 1000;

/// A spool, and a memory of what no master has acknowledged.
pub struct Unreported {
    spool: Arc<dyn Spool>,
    ledger: Mutex<Ledger>,
    /// Told after each commit that brought something to send.
    pub news: Arc<Notify>,
}

#[derive(Default)]
struct Ledger {
    /// Of each run that has not ended for the masters too: whether they know of it.
    runs: HashMap<RunId, bool>,
    slots: HashMap<SlotKey, BTreeSet<Time>>,
    /// Runs that the spool has for certain, until a master has their end.
    held: HashSet<RunId>,
    /// Of those that it had the latest that were further attempts, oldest first: an order
    /// for one may still be on its way.
    released: VecDeque<RunId>,
}

impl Unreported {
    pub fn new(spool: Arc<dyn Spool>) -> Unreported {
        Unreported {
            spool,
            ledger: Mutex::default(),
            news: Arc::new(Notify::new()),
        }
    }

    /// The earliest instant of a slot that was claimed and that no master knows of.
    pub fn earliest(&self, key: SlotKey) -> Option<Time> {
        self.with(|ledger| ledger.slots.get(&key).and_then(|times| times.first().copied()))
    }

    /// Whether the spool has this run, or had it a while ago: it was made here.
    pub fn holds(&self, run: RunId) -> bool {
        self.with(|ledger| ledger.held.contains(&run) || ledger.released.contains(&run))
    }

    fn with<T>(&self, f: impl FnOnce(&mut Ledger) -> T) -> T {
        f(&mut self.ledger.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Ledger {
    fn put(&mut self, run: &Run) {
        let is_known = *self.runs.entry(run.id).or_default();
        if !is_known && run.attempt == 1 && run.slot.is_some() {
            self.slots
                .entry(slot_of(run))
                .or_default()
                .insert(run.scheduled_at);
        }
    }

    fn acknowledged(&mut self, run: &Run) {
        if run.state.is_end() {
            self.runs.remove(&run.id);
            if self.held.remove(&run.id) && run.attempt > 1 {
                self.released.push_back(run.id);
                let surplus = self.released.len().saturating_sub(RELEASED_MAX);
                self.released.drain(..surplus);
            }
        } else if let Some(is_known) = self.runs.get_mut(&run.id) {
            *is_known = true;
        }
        self.settled(run);
    }

    /// A claim need not name its instant any more.
    fn settled(&mut self, run: &Run) {
        // A later attempt says nothing of whether the first one is known.
        if run.attempt == 1
            && let Some(times) = self.slots.get_mut(&slot_of(run))
        {
            times.remove(&run.scheduled_at);
            if times.is_empty() {
                self.slots.remove(&slot_of(run));
            }
        }
    }
}

fn slot_of(run: &Run) -> SlotKey {
    SlotKey {
        job: run.job,
        slot: run.slot,
    }
}

#[async_trait]
impl Spool for Unreported {
    async fn commit(&self, writes: Vec<SpoolWrite>) -> Result<(), SpoolError> {
        let mut put = Vec::new();
        let mut acknowledged = Vec::new();
        let mut refused: Vec<Run> = Vec::new();
        let mut is_news = false;
        for write in &writes {
            match write {
                SpoolWrite::PutRun(spooled) => put.push(spooled.run.clone()),
                SpoolWrite::AckRuns(runs) => acknowledged.extend(runs.clone()),
                // No master will know of these: a later claim must not point at them for ever.
                SpoolWrite::SetAside { runs, .. } => refused.extend(runs.clone()),
                SpoolWrite::TakeUp => is_news = true,
                SpoolWrite::PutChunk(_) => is_news = true,
                _ => {}
            }
        }
        // Before the commit: should it be durable and this process die, the next one
        // reads it back; should it fail, the instant is only looked at once more.
        self.with(|ledger| put.iter().for_each(|run| ledger.put(run)));
        self.spool.commit(writes).await?;
        self.with(|ledger| {
            ledger.held.extend(put.iter().map(|run| run.id));
            acknowledged.iter().for_each(|run| ledger.acknowledged(run));
            refused.iter().for_each(|run| ledger.settled(run));
        });
        if is_news || !put.is_empty() {
            self.news.notify_one();
        }
        Ok(())
    }

    async fn load(&self) -> Result<Spooled, SpoolError> {
        let spooled = self.spool.load().await?;
        self.with(|ledger| {
            spooled.runs.iter().for_each(|s| ledger.put(&s.run));
            ledger.held.extend(spooled.runs.iter().map(|s| s.run.id));
        });
        Ok(spooled)
    }

    async fn unsent(&self, runs: usize, chunks: usize) -> Result<Unsent, SpoolError> {
        self.spool.unsent(runs, chunks).await
    }

    async fn next_chunk(&self, run: RunId) -> Result<u64, SpoolError> {
        self.spool.next_chunk(run).await
    }
}
