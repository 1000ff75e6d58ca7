//! How the spool stands in its file.
//!
//! What do we store? Seven redb tables:
//! - `runs`: a run's id to the JSON of its [`SpooledRun`](crate::parts::SpooledRun);
//!   `unsent`: a run's id to its place in the queue, while no master acknowledged its
//!   latest report; `next_chunk`: a run's id to the number of its next piece of output;
//! - `pieces`: a place in the queue to a piece of output (its instant, its stream, its
//!   bytes); `piece_index`: the same place to run, number and size, so that opening the
//!   file need not read the output;
//! - `cursors`: a job's id and slot (none: every node) to its last fired instant;
//!   `assignments`: JSON; `meta`: the format's version.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use redb::{StorageError, TableDefinition, WriteTransaction};
use shared::{
    id::RunId,
    report::{Chunk, Stream},
    time::Time,
};

use super::index::Change;
use crate::parts::OwnedAssignment;

pub(super) const RUNS: TableDefinition<u128, &[u8]> = TableDefinition::new("runs");
pub(super) const UNSENT: TableDefinition<u128, u64> = TableDefinition::new("unsent");
pub(super) const NEXT_CHUNK: TableDefinition<u128, u64> = TableDefinition::new("next_chunk");
pub(super) const PIECES: TableDefinition<u64, &[u8]> = TableDefinition::new("pieces");
pub(super) const PIECE_INDEX: TableDefinition<u64, (u128, u64, u64)> = TableDefinition::new("piece_index");
pub(super) const CURSORS: TableDefinition<(u128, Option<u32>), i64> = TableDefinition::new("cursors");
pub(super) const ASSIGNMENTS: TableDefinition<u8, &[u8]> = TableDefinition::new("assignments");
pub(super) const META: TableDefinition<&str, u64> = TableDefinition::new("meta");

/// All of them, in one transaction.
pub(super) struct Tables<'a> {
    runs: redb::Table<'a, u128, &'static [u8]>,
    unsent: redb::Table<'a, u128, u64>,
    next_chunk: redb::Table<'a, u128, u64>,
    pieces: redb::Table<'a, u64, &'static [u8]>,
    piece_index: redb::Table<'a, u64, (u128, u64, u64)>,
    cursors: redb::Table<'a, (u128, Option<u32>), i64>,
    assignments: redb::Table<'a, u8, &'static [u8]>,
}

impl<'a> Tables<'a> {
    pub fn open(txn: &'a WriteTransaction) -> Result<Tables<'a>, redb::Error> {
        Ok(Tables {
            runs: txn.open_table(RUNS)?,
            unsent: txn.open_table(UNSENT)?,
            next_chunk: txn.open_table(NEXT_CHUNK)?,
            pieces: txn.open_table(PIECES)?,
            piece_index: txn.open_table(PIECE_INDEX)?,
            cursors: txn.open_table(CURSORS)?,
            assignments: txn.open_table(ASSIGNMENTS)?,
        })
    }

    pub fn apply(&mut self, change: &Change) -> Result<(), redb::Error> {
        match change {
            Change::PutRun {
                spooled,
                record,
                order,
            } => {
                self.runs.insert(spooled.run.id.to_u128(), record.as_slice())?;
                self.unsent.insert(spooled.run.id.to_u128(), order)?;
            }
            Change::Sent(run) => drop(self.unsent.remove(run.to_u128())?),
            Change::ForgetRun(run) => {
                self.runs.remove(run.to_u128())?;
                self.unsent.remove(run.to_u128())?;
                self.next_chunk.remove(run.to_u128())?;
            }
            Change::NextChunk { run, seq } => drop(self.next_chunk.insert(run.to_u128(), seq)?),
            Change::PutPiece { order, chunk } => {
                let bytes = encode_piece(chunk)?;
                self.piece_index.insert(
                    order,
                    (
                        chunk.run.to_u128(),
                        chunk.seq,
                        (bytes.len() - PIECE_HEAD_BYTES) as u64,
                    ),
                )?;
                self.pieces.insert(order, bytes.as_slice())?;
            }
            Change::DropPiece { order } => {
                self.pieces.remove(order)?;
                self.piece_index.remove(order)?;
            }
            Change::PutCursor { job, slot, at } => {
                self.cursors.insert((job.to_u128(), *slot), at.as_millis())?;
            }
            Change::DeleteCursor { job, slot } => drop(self.cursors.remove((job.to_u128(), *slot))?),
            Change::PutAssignments(all) => {
                self.assignments
                    .insert(0, encode::<Vec<OwnedAssignment>>(all)?.as_slice())?;
            }
        }
        Ok(())
    }
}

/// What stands before a piece's data.
const PIECE_HEAD_BYTES: usize = 9;

/// A piece as it is stored: instant, stream, and the bytes themselves, not their base64.
pub(super) fn encode_piece(chunk: &Chunk) -> Result<Vec<u8>, redb::Error> {
    let data = BASE64
        .decode(&chunk.data)
        .map_err(|e| corrupted("a piece of output", e))?;
    let mut bytes = Vec::with_capacity(PIECE_HEAD_BYTES + data.len());
    bytes.extend_from_slice(&chunk.at.as_millis().to_be_bytes());
    bytes.push(match chunk.stream {
        Stream::Stdout => 0,
        Stream::Stderr => 1,
        Stream::Note => 2,
    });
    bytes.extend_from_slice(&data);
    Ok(bytes)
}

pub(super) fn decode_piece(run: RunId, seq: u64, bytes: &[u8]) -> Result<Chunk, redb::Error> {
    let split = bytes
        .split_first_chunk::<8>()
        .and_then(|(at, rest)| Some((at, rest.split_first()?)));
    let Some((at, (stream, data))) = split else {
        return Err(corrupted("a piece of output", "it is too short"));
    };
    let stream = match stream {
        0 => Stream::Stdout,
        1 => Stream::Stderr,
        _ => Stream::Note,
    };
    let at = Time::from_millis(i64::from_be_bytes(*at));
    Ok(Chunk {
        run,
        seq,
        stream,
        at,
        data: BASE64.encode(data),
    })
}

pub(super) fn encode<T: serde::Serialize>(value: &T) -> Result<Vec<u8>, redb::Error> {
    serde_json::to_vec(value).map_err(|e| corrupted("a value", e))
}

pub(super) fn decode<T: serde::de::DeserializeOwned>(bytes: &[u8], what: &str) -> Result<T, redb::Error> {
    serde_json::from_slice(bytes).map_err(|e| corrupted(what, e))
}

pub(super) fn corrupted(what: &str, why: impl std::fmt::Display) -> redb::Error {
    StorageError::Corrupted(format!("{what}: {why}")).into()
}
