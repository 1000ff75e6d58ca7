//! Backup and restore: the history as JSON lines, streamed either way in bounded memory.

use std::mem;

use serde::{Deserialize, Serialize};
use shared::report::{BATCH_CHUNKS_MAX, BATCH_REPORTS_MAX, Chunk, Run};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncWrite, AsyncWriteExt};

use super::{History, HistoryError, Sum};

/// A line of a dump. A run stands before its output.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    Run(Run),
    Chunk(Chunk),
    Sum(Sum),
}

#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    #[error(transparent)]
    History(#[from] HistoryError),
    #[error("the dump cannot be read or written: {0}")]
    Io(#[from] std::io::Error),
    #[error("line {line} of the dump is not one of a history: {why}")]
    Line { line: u64, why: String },
}

/// What a dump holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Dumped {
    pub runs: u64,
    pub chunks: u64,
    pub sums: u64,
}

const PAGE: u32 = 500;
/// A line that is longer is no line of a dump: pieces of output are at most 64 KiB.
const LINE_BYTES_MAX: u64 = 4 << 20;

/// Writes all of the history. What is recorded meanwhile may or may not be in it; each run
/// is whole.
pub async fn export(history: &dyn History, mut to: impl AsyncWrite + Unpin) -> Result<Dumped, DumpError> {
    while history.fold().await? {}
    let mut dumped = Dumped::default();
    let mut after = None;
    loop {
        let runs = history.runs_after(after, PAGE).await?;
        let Some(last) = runs.last() else { break };
        after = Some(last.id);
        for run in runs {
            // How much there is of one that goes on is known at its end.
            let (id, may_have_output) = (run.id, run.output.bytes > 0 || !run.state.is_end());
            write(&mut to, &Line::Run(run)).await?;
            dumped.runs += 1;
            if may_have_output {
                dumped.chunks += export_output(history, id, &mut to).await?;
            }
        }
    }
    let mut after: Option<Sum> = None;
    loop {
        let sums = history.sums_after(after.as_ref(), PAGE).await?;
        let Some(last) = sums.last() else { break };
        after = Some(last.clone());
        dumped.sums += sums.len() as u64;
        for sum in sums {
            write(&mut to, &Line::Sum(sum)).await?;
        }
    }
    to.flush().await?;
    Ok(dumped)
}

async fn export_output(
    history: &dyn History,
    run: shared::id::RunId,
    to: &mut (impl AsyncWrite + Unpin),
) -> Result<u64, DumpError> {
    let (mut from, mut written) = (0, 0);
    loop {
        let chunks = history.output(run, from, BATCH_CHUNKS_MAX as u32).await?;
        let Some(last) = chunks.last() else {
            return Ok(written);
        };
        from = last.seq + 1;
        written += chunks.len() as u64;
        for chunk in chunks {
            write(to, &Line::Chunk(chunk)).await?;
        }
    }
}

/// Takes a dump. What is there already stays, if it is newer; taking a dump twice is taking
/// it once.
pub async fn import(history: &dyn History, from: impl AsyncBufRead + Unpin) -> Result<Dumped, DumpError> {
    let mut import = Import::new(history);
    let mut from = from;
    let mut text = Vec::new();
    let mut line = 0;
    loop {
        line += 1;
        text.clear();
        let mut limited = tokio::io::AsyncReadExt::take(&mut from, LINE_BYTES_MAX);
        if limited.read_until(b'\n', &mut text).await? == 0 {
            break;
        }
        let text = text.trim_ascii();
        if text.is_empty() {
            continue;
        }
        let read = serde_json::from_slice(text).map_err(|e| DumpError::Line {
            line,
            why: e.to_string(),
        })?;
        import.take(read).await?;
    }
    import.flush().await?;
    Ok(import.dumped)
}

struct Import<'a> {
    history: &'a dyn History,
    runs: Vec<Run>,
    chunks: Vec<Chunk>,
    sums: Vec<Sum>,
    dumped: Dumped,
}

impl<'a> Import<'a> {
    fn new(history: &'a dyn History) -> Import<'a> {
        Import {
            history,
            runs: Vec::new(),
            chunks: Vec::new(),
            sums: Vec::new(),
            dumped: Dumped::default(),
        }
    }

    async fn take(&mut self, line: Line) -> Result<(), HistoryError> {
        match line {
            Line::Run(run) => self.runs.push(run),
            Line::Chunk(chunk) => self.chunks.push(chunk),
            Line::Sum(sum) => self.sums.push(sum),
        }
        let full = self.runs.len() >= BATCH_REPORTS_MAX
            || self.chunks.len() >= BATCH_CHUNKS_MAX
            || self.sums.len() >= BATCH_REPORTS_MAX;
        if full { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<(), HistoryError> {
        let (runs, chunks, sums) = (
            mem::take(&mut self.runs),
            mem::take(&mut self.chunks),
            mem::take(&mut self.sums),
        );
        self.history.load(&runs, &chunks, &sums).await?;
        self.dumped.runs += runs.len() as u64;
        self.dumped.chunks += chunks.len() as u64;
        self.dumped.sums += sums.len() as u64;
        Ok(())
    }
}

async fn write(to: &mut (impl AsyncWrite + Unpin), line: &Line) -> Result<(), DumpError> {
    let mut text = serde_json::to_vec(line).map_err(std::io::Error::other)?;
    text.push(b'\n');
    to.write_all(&text).await?;
    Ok(())
}
