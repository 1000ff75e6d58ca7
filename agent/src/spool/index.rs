//! What a commit changes, decided without touching a disk: which runs are still to be
//! sent, in which order, which pieces of output go to make room.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hash, Hasher},
};

use shared::{
    id::{JobId, RunId},
    report::{Chunk, Run},
    time::Time,
};

use super::{Limits, Metrics};
use crate::parts::{OwnedAssignment, SpoolError, SpoolWrite, SpooledRun};

/// What a piece costs beside its data: its share of the tables.
const PIECE_OVERHEAD_BYTES: u64 = 64;
/// What a run costs beside its record.
const RUN_OVERHEAD_BYTES: u64 = 128;

/// What is in the spool, without the contents: small entries, a few for each run.
#[derive(Debug)]
pub(super) struct Index {
    limits: Limits,
    runs: BTreeMap<RunId, Entry>,
    /// The unsent runs in the order in which they first had something to send.
    unsent: BTreeMap<u64, RunId>,
    /// The pieces in the order in which they came.
    pieces: BTreeMap<u64, Piece>,
    orders: BTreeMap<(RunId, u64), u64>,
    /// What masters refuse: out of the queue, until it changes or the agent starts anew.
    aside_runs: BTreeMap<u64, RunId>,
    aside_pieces: BTreeSet<u64>,
    next_order: u64,
    metrics: Metrics,
}

#[derive(Clone, Debug)]
struct Entry {
    /// Where it stands in the queue, while its latest report is not acknowledged.
    order: Option<u64>,
    fingerprint: u64,
    bytes: u64,
    next_chunk: u64,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub run: RunId,
    pub seq: u64,
    /// Of its data alone.
    pub bytes: u64,
}

/// One change of what is stored.
#[derive(Debug)]
pub(super) enum Change {
    PutRun {
        spooled: Box<SpooledRun>,
        record: Vec<u8>,
        order: u64,
    },
    /// Its latest report is acknowledged.
    Sent(RunId),
    ForgetRun(RunId),
    PutPiece {
        order: u64,
        chunk: Chunk,
    },
    NextChunk {
        run: RunId,
        seq: u64,
    },
    DropPiece {
        order: u64,
    },
    PutCursor {
        job: JobId,
        slot: Option<u32>,
        at: Time,
    },
    DeleteCursor {
        job: JobId,
        slot: Option<u32>,
    },
    PutAssignments(Vec<OwnedAssignment>),
}

impl Index {
    pub fn new(limits: Limits) -> Index {
        Index {
            limits,
            runs: BTreeMap::new(),
            unsent: BTreeMap::new(),
            pieces: BTreeMap::new(),
            orders: BTreeMap::new(),
            aside_runs: BTreeMap::new(),
            aside_pieces: BTreeSet::new(),
            next_order: 1,
            metrics: Metrics::default(),
        }
    }

    /// Puts back what a file holds.
    pub fn restore_run(&mut self, run: &Run, bytes: usize, order: Option<u64>, next_chunk: u64) {
        if let Some(order) = order {
            self.unsent.insert(order, run.id);
            self.next_order = self.next_order.max(order + 1);
        }
        let entry = Entry {
            order,
            fingerprint: fingerprint(run),
            bytes: run_cost(bytes),
            next_chunk,
        };
        self.metrics.runs_bytes += entry.bytes;
        self.runs.insert(run.id, entry);
    }

    pub fn restore_piece(&mut self, order: u64, piece: Piece) {
        self.next_order = self.next_order.max(order + 1);
        self.insert_piece(order, piece);
    }

    /// What was given up is counted since the agent's start, not since the file was opened.
    pub fn keep_counts(&mut self, old: &Metrics) {
        self.metrics.evicted_pieces = old.evicted_pieces;
        self.metrics.evicted_bytes = old.evicted_bytes;
        self.metrics.refused_runs = old.refused_runs;
    }

    pub fn metrics(&self) -> Metrics {
        Metrics {
            runs: self.runs.len() as u64,
            runs_unsent: self.unsent.len() as u64,
            pieces: self.pieces.len() as u64,
            aside_runs: self.aside_runs.len() as u64,
            aside_pieces: self.aside_pieces.len() as u64,
            ..self.metrics
        }
    }

    /// What waits to be sent, oldest first: the runs, the pieces' places, the number of all.
    pub fn unsent(&self, runs: usize, pieces: usize) -> (Vec<RunId>, Vec<u64>, u64) {
        let total = (self.unsent.len() + self.pieces.len() - self.aside_pieces.len()) as u64;
        let runs = self.unsent.values().copied().take(runs).collect();
        let places = self.pieces.keys().copied();
        let places = places.filter(|place| !self.aside_pieces.contains(place));
        (runs, places.take(pieces).collect(), total)
    }

    pub fn set_aside(&self) -> u64 {
        (self.aside_runs.len() + self.aside_pieces.len()) as u64
    }

    pub fn next_chunk(&self, run: RunId) -> u64 {
        let known = self.runs.get(&run).map_or(0, |entry| entry.next_chunk);
        let stored = self.orders.range((run, 0)..=(run, u64::MAX)).next_back();
        known.max(stored.map_or(0, |((_, seq), _)| seq + 1))
    }

    /// Carries a commit out on the index and says what to store. An error changes nothing.
    pub fn plan(&mut self, writes: Vec<SpoolWrite>) -> Result<Vec<Change>, SpoolError> {
        let records = self.admit(&writes)?;
        let mut changes = Vec::with_capacity(writes.len());
        for (write, record) in writes.into_iter().zip(records) {
            self.write(write, record, &mut changes);
        }
        self.make_room(&mut changes);
        Ok(changes)
    }

    /// The records of the runs to be written; an error if there is no room for a new run.
    fn admit(&mut self, writes: &[SpoolWrite]) -> Result<Vec<Vec<u8>>, SpoolError> {
        let mut records = Vec::with_capacity(writes.len());
        let mut grown = 0;
        for write in writes {
            let mut record = Vec::new();
            if let SpoolWrite::PutRun(spooled) = write {
                record = serde_json::to_vec(spooled).map_err(|e| SpoolError::Failed(e.to_string()))?;
                if !self.runs.contains_key(&spooled.run.id) {
                    grown += run_cost(record.len());
                }
            }
            records.push(record);
        }
        if grown > 0 && self.metrics.runs_bytes + grown > self.limits.runs_bytes_max {
            self.metrics.refused_runs += 1;
            return Err(SpoolError::Failed(format!(
                "it holds {} bytes of runs that no master has taken yet, and may hold {}",
                self.metrics.runs_bytes, self.limits.runs_bytes_max
            )));
        }
        Ok(records)
    }

    fn write(&mut self, write: SpoolWrite, record: Vec<u8>, changes: &mut Vec<Change>) {
        match write {
            SpoolWrite::PutRun(spooled) => changes.push(self.put_run(spooled, record)),
            SpoolWrite::AckRuns(runs) => runs.iter().for_each(|run| self.ack_run(run, changes)),
            SpoolWrite::PutChunk(chunk) => self.put_chunk(chunk, changes),
            SpoolWrite::AckChunks(acks) => {
                for (run, until) in acks {
                    self.ack_pieces(run, until, changes);
                }
            }
            SpoolWrite::DropChunks { run, from, until } => {
                let orders = self.places(run, from, until);
                orders
                    .into_iter()
                    .for_each(|order| self.remove_piece(order, changes));
            }
            SpoolWrite::SetAside { runs, pieces } => {
                runs.iter().for_each(|run| self.set_run_aside(run));
                let places = pieces.iter().filter_map(|piece| self.orders.get(piece));
                self.aside_pieces.extend(places.copied());
            }
            SpoolWrite::TakeUp => {
                self.unsent.append(&mut self.aside_runs);
                self.aside_pieces.clear();
            }
            SpoolWrite::PutCursor { job, slot, at } => changes.push(Change::PutCursor { job, slot, at }),
            SpoolWrite::DeleteCursor { job, slot } => changes.push(Change::DeleteCursor { job, slot }),
            SpoolWrite::PutAssignments(all) => changes.push(Change::PutAssignments(all)),
        }
    }

    fn put_run(&mut self, spooled: Box<SpooledRun>, record: Vec<u8>) -> Change {
        let id = spooled.run.id;
        let old = self.runs.get(&id);
        // A run keeps its place in the queue, however often it changes before it is sent.
        let order = old.and_then(|entry| entry.order);
        let next_chunk = old.map_or(0, |entry| entry.next_chunk);
        self.metrics.runs_bytes -= old.map_or(0, |entry| entry.bytes);
        let order = order.unwrap_or_else(|| self.take_order());
        let bytes = run_cost(record.len());
        let fingerprint = fingerprint(&spooled.run);
        self.runs.insert(
            id,
            Entry {
                order: Some(order),
                fingerprint,
                bytes,
                next_chunk,
            },
        );
        // What is new about it may be what a master takes.
        self.aside_runs.remove(&order);
        self.unsent.insert(order, id);
        self.metrics.runs_bytes += bytes;
        Change::PutRun {
            spooled,
            record,
            order,
        }
    }

    fn ack_run(&mut self, run: &Run, changes: &mut Vec<Change>) {
        let Some(entry) = self.runs.get_mut(&run.id) else {
            return;
        };
        if entry.fingerprint != fingerprint(run) {
            return;
        }
        let order = entry.order.take();
        if run.state.is_end() {
            self.metrics.runs_bytes -= entry.bytes;
            self.runs.remove(&run.id);
            changes.push(Change::ForgetRun(run.id));
        } else if order.is_some() {
            changes.push(Change::Sent(run.id));
        }
        if let Some(order) = order {
            self.unsent.remove(&order);
            self.aside_runs.remove(&order);
        }
    }

    fn set_run_aside(&mut self, run: &Run) {
        let entry = self
            .runs
            .get(&run.id)
            .filter(|e| e.fingerprint == fingerprint(run));
        if let Some(order) = entry.and_then(|entry| entry.order)
            && let Some(id) = self.unsent.remove(&order)
        {
            self.aside_runs.insert(order, id);
        }
    }

    fn put_chunk(&mut self, chunk: Chunk, changes: &mut Vec<Change>) {
        let key = (chunk.run, chunk.seq);
        if let Some(order) = self.orders.get(&key).copied() {
            self.remove_piece(order, changes);
        }
        let order = self.take_order();
        let padding = chunk.data.bytes().rev().take_while(|b| *b == b'=').count();
        let bytes = (chunk.data.len() / 4 * 3 - padding.min(2)) as u64;
        self.insert_piece(
            order,
            Piece {
                run: chunk.run,
                seq: chunk.seq,
                bytes,
            },
        );
        if let Some(entry) = self.runs.get_mut(&chunk.run) {
            entry.next_chunk = entry.next_chunk.max(chunk.seq + 1);
            changes.push(Change::NextChunk {
                run: chunk.run,
                seq: entry.next_chunk,
            });
        }
        changes.push(Change::PutPiece { order, chunk });
    }

    /// Up to here a master has all, but what it refused.
    fn ack_pieces(&mut self, run: RunId, until: u64, changes: &mut Vec<Change>) {
        for order in self.places(run, 0, until.saturating_add(1)) {
            if !self.aside_pieces.contains(&order) {
                self.remove_piece(order, changes);
            }
        }
    }

    fn places(&self, run: RunId, from: u64, until: u64) -> Vec<u64> {
        if from >= until {
            return Vec::new();
        }
        let pieces = self.orders.range((run, from)..(run, until));
        pieces.map(|(_, order)| *order).collect()
    }

    fn make_room(&mut self, changes: &mut Vec<Change>) {
        while self.metrics.output_bytes > self.limits.output_bytes_max
            || self.pieces.len() > self.limits.pieces_max
        {
            let Some((order, piece)) = self.pieces.first_key_value().map(|(o, p)| (*o, *p)) else {
                return;
            };
            self.metrics.evicted_pieces += 1;
            self.metrics.evicted_bytes += piece.bytes;
            self.remove_piece(order, changes);
        }
    }

    fn insert_piece(&mut self, order: u64, piece: Piece) {
        self.metrics.output_bytes += piece.bytes + PIECE_OVERHEAD_BYTES;
        self.orders.insert((piece.run, piece.seq), order);
        self.pieces.insert(order, piece);
    }

    fn remove_piece(&mut self, order: u64, changes: &mut Vec<Change>) {
        let Some(piece) = self.pieces.remove(&order) else {
            return;
        };
        self.orders.remove(&(piece.run, piece.seq));
        self.aside_pieces.remove(&order);
        self.metrics.output_bytes -= piece.bytes + PIECE_OVERHEAD_BYTES;
        changes.push(Change::DropPiece { order });
    }

    fn take_order(&mut self) -> u64 {
        self.next_order += 1;
        self.next_order - 1
    }
}

fn run_cost(record_bytes: usize) -> u64 {
    record_bytes as u64 + RUN_OVERHEAD_BYTES
}

/// Tells one report of a run from another. Never stored.
fn fingerprint(run: &Run) -> u64 {
    let mut hasher = DefaultHasher::new();
    // A run always has a JSON form; should it not, it is like every other such.
    serde_json::to_vec(run).unwrap_or_default().hash(&mut hasher);
    hasher.finish()
}
