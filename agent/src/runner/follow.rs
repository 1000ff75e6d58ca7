//! A process' output on its way to the spool, and its end on its way to the runner.

use std::time::Duration;

use shared::{
    id::RunId,
    report::{CHUNK_BYTES_MAX, Usage},
};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};

use super::{Capture, Event, Runner, gather::Gathered};
use crate::parts::{Exit, ProcessEvent};

/// How long output is gathered before it goes to the spool.
const GATHER: Duration = Duration::from_millis(100);
/// What a process writes beyond what is kept of it is read as fast as it comes and goes to
/// the spool at this pace at most, lest it wear out the disk: what is overtaken meanwhile
/// never gets there.
const REST_PER_PIECE: Duration = Duration::from_millis(20);
/// The longest rest: whoever watches the run sees it go on.
const REST_MAX: Duration = Duration::from_millis(500);

impl Runner {
    /// Brings a process' output to the spool and its end to the runner. A process that
    /// writes faster than the disk takes what is kept waits, and nobody else does.
    pub(super) async fn follow(
        &self,
        run: RunId,
        mut events: mpsc::Receiver<ProcessEvent>,
        mut capture: Capture,
    ) {
        let mut rested = Instant::now();
        let (exit, usage) = loop {
            let mut gathered = Gathered::new(capture.tail_room());
            let end = gather(&mut events, &mut gathered, rested).await;
            let kept = self.keep(gathered, &mut capture).await;
            rested = Instant::now() + rest(kept, &capture);
            if let Some(end) = end {
                break end;
            }
        };
        self.tell(Event::Ended {
            run,
            exit,
            usage,
            output: capture.size(),
        })
        .await;
    }

    /// Returns how many bytes went to the spool.
    async fn keep(&self, gathered: Gathered, capture: &mut Capture) -> usize {
        let (skipped, pieces) = gathered.into_pieces();
        let (at, before) = (self.host.now(), capture.size());
        let mut writes = Vec::from_iter(capture.skip(skipped));
        for (stream, data) in &pieces {
            writes.extend(capture.take(*stream, data, at));
        }
        if writes.is_empty() {
            return 0;
        }
        if self.spool.commit(writes).await.is_err() {
            // The run goes on without: what became of it matters more than what it said.
            let (bytes, dropped) = (
                capture.size().bytes - before.bytes,
                capture.size().dropped - before.dropped,
            );
            capture.lost(bytes.saturating_sub(dropped));
        }
        pieces.iter().map(|(_, data)| data.len()).sum()
    }
}

/// Takes in output for a while, until `rested` at least; returns early once there is no room
/// for more, or with the process' end.
async fn gather(
    events: &mut mpsc::Receiver<ProcessEvent>,
    gathered: &mut Gathered,
    rested: Instant,
) -> Option<(Exit, Usage)> {
    let mut until = None;
    // The clock is looked at each time: output may come without a pause.
    while !gathered.is_full() && until.is_none_or(|until| Instant::now() < until) {
        let event = match until {
            None => events.recv().await,
            Some(until) => timeout_at(until, events.recv()).await.ok()?,
        };
        match event {
            Some(ProcessEvent::Output { stream, data, .. }) => gathered.add(stream, data),
            Some(ProcessEvent::Ended { exit, usage, .. }) => return Some((exit, usage)),
            None => return Some((Exit::Unknown, Usage::default())),
        }
        until.get_or_insert_with(|| rested.max(Instant::now() + GATHER));
    }
    None
}

fn rest(kept: usize, capture: &Capture) -> Duration {
    if capture.tail_room().is_none() {
        return Duration::ZERO;
    }
    let pieces = u32::try_from(kept.div_ceil(CHUNK_BYTES_MAX)).unwrap_or(u32::MAX);
    REST_PER_PIECE.saturating_mul(pieces).min(REST_MAX)
}
