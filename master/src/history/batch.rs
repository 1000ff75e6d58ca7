//! What a batch changes, decided before anything is written.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use shared::{
    id::RunId,
    report::{CHUNK_BYTES_MAX, Chunk, Run, Stream},
    time::Time,
};

use super::HistoryError;

/// The report of each run that stands at the end of the batch, in order of id: every
/// master locks rows in this order.
pub fn latest_of_each(runs: &[Run]) -> BTreeMap<RunId, &Run> {
    let mut latest: BTreeMap<RunId, &Run> = BTreeMap::new();
    for run in runs {
        let place = latest.entry(run.id).or_insert(run);
        if is_news(Some(place), run) {
            *place = run;
        }
    }
    latest
}

/// Whether a report changes what is recorded of its run.
pub fn is_news(old: Option<&Run>, new: &Run) -> bool {
    old.is_none_or(|old| new.state.replaces(old.state) && *old != *new)
}

/// A piece of output as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    pub run: RunId,
    pub seq: u64,
    pub stream: Stream,
    pub at: Time,
    pub data: Vec<u8>,
}

impl Piece {
    /// In order of run and seq, each once.
    pub fn decode_all(chunks: &[Chunk]) -> Result<Vec<Piece>, HistoryError> {
        let mut pieces = chunks
            .iter()
            .map(Piece::decode)
            .collect::<Result<Vec<Piece>, HistoryError>>()?;
        pieces.sort_by_key(|piece| (piece.run, piece.seq));
        pieces.dedup_by_key(|piece| (piece.run, piece.seq));
        Ok(pieces)
    }

    fn decode(chunk: &Chunk) -> Result<Piece, HistoryError> {
        let wrong = |why: &str| {
            HistoryError::Invalid(format!("output of run {}, piece {}: {why}", chunk.run, chunk.seq))
        };
        let data = BASE64
            .decode(&chunk.data)
            .map_err(|_| wrong("its data is not base64"))?;
        if data.len() > CHUNK_BYTES_MAX {
            return Err(wrong(&format!(
                "it has {} bytes; at most {CHUNK_BYTES_MAX} are allowed",
                data.len()
            )));
        }
        if i64::try_from(chunk.seq).is_err() {
            return Err(wrong("its number is too large"));
        }
        Ok(Piece {
            run: chunk.run,
            seq: chunk.seq,
            stream: chunk.stream,
            at: chunk.at,
            data,
        })
    }

    pub fn into_chunk(self) -> Chunk {
        Chunk {
            run: self.run,
            seq: self.seq,
            stream: self.stream,
            at: self.at,
            data: BASE64.encode(self.data),
        }
    }
}
