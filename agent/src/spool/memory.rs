//! A spool in memory: what tests and the simulator give an agent. Clones share what they
//! hold, so that it outlives an agent that is made to crash.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use shared::{
    id::{JobId, RunId},
    report::Chunk,
    time::Time,
};

use super::{
    Limits, Metrics,
    index::{Change, Index},
};
use crate::parts::{OwnedAssignment, Spool, SpoolError, SpoolWrite, Spooled, SpooledRun, Unsent};

/// A spool without a disk.
#[derive(Clone)]
pub struct Memory {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    index: Index,
    runs: BTreeMap<RunId, SpooledRun>,
    pieces: BTreeMap<u64, Chunk>,
    cursors: BTreeMap<(JobId, Option<u32>), Time>,
    assignments: Vec<OwnedAssignment>,
    broken: Option<SpoolError>,
}

impl Default for Memory {
    fn default() -> Memory {
        Memory::new(Limits::default())
    }
}

impl Memory {
    pub fn new(limits: Limits) -> Memory {
        let inner = Inner {
            index: Index::new(limits),
            runs: BTreeMap::new(),
            pieces: BTreeMap::new(),
            cursors: BTreeMap::new(),
            assignments: Vec::new(),
            broken: None,
        };
        Memory {
            inner: Arc::new(Mutex::new(inner)),
        }
    }

    /// From now on every commit fails with this, or works again.
    pub fn fail_with(&self, error: Option<SpoolError>) {
        self.lock().broken = error;
    }

    pub fn metrics(&self) -> Metrics {
        self.lock().index.metrics()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn apply(&mut self, change: Change) {
        match change {
            Change::PutRun { spooled, .. } => drop(self.runs.insert(spooled.run.id, *spooled)),
            Change::ForgetRun(run) => drop(self.runs.remove(&run)),
            Change::PutPiece { order, chunk } => drop(self.pieces.insert(order, chunk)),
            Change::DropPiece { order } => drop(self.pieces.remove(&order)),
            Change::PutCursor { job, slot, at } => drop(self.cursors.insert((job, slot), at)),
            Change::DeleteCursor { job, slot } => drop(self.cursors.remove(&(job, slot))),
            Change::PutAssignments(all) => self.assignments = all,
            // The index knows, and it lives as long as this.
            Change::Sent(_) | Change::NextChunk { .. } => {}
        }
    }
}

#[async_trait]
impl Spool for Memory {
    async fn commit(&self, writes: Vec<SpoolWrite>) -> Result<(), SpoolError> {
        let mut inner = self.lock();
        if let Some(error) = &inner.broken {
            return Err(error.clone());
        }
        let changes = inner.index.plan(writes)?;
        changes.into_iter().for_each(|change| inner.apply(change));
        Ok(())
    }

    async fn load(&self) -> Result<Spooled, SpoolError> {
        let inner = self.lock();
        Ok(Spooled {
            runs: inner.runs.values().cloned().collect(),
            cursors: inner
                .cursors
                .iter()
                .map(|((job, slot), at)| (*job, *slot, *at))
                .collect(),
            assignments: inner.assignments.clone(),
        })
    }

    async fn unsent(&self, runs: usize, chunks: usize) -> Result<Unsent, SpoolError> {
        let inner = self.lock();
        let (runs, pieces, total) = inner.index.unsent(runs, chunks);
        Ok(Unsent {
            runs: runs
                .iter()
                .filter_map(|id| inner.runs.get(id))
                .map(|s| s.run.clone())
                .collect(),
            chunks: pieces
                .iter()
                .filter_map(|order| inner.pieces.get(order))
                .cloned()
                .collect(),
            total,
            set_aside: inner.index.set_aside(),
        })
    }

    async fn next_chunk(&self, run: RunId) -> Result<u64, SpoolError> {
        Ok(self.lock().index.next_chunk(run))
    }
}
