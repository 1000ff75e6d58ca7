//! What the spool has goes to any master, in acknowledged batches, and again until it is
//! acknowledged. Nothing waits for it.
//!
//! What no master takes, however often it comes, must not keep the rest: it is found by
//! halving the batch, and set aside in the spool with a warning. It is tried again when the
//! agent starts and once in a while: the master that refused it may have been too old for it.
//!
//! If the agent dies between a master's answer and its record in the spool, the batch is
//! sent again: masters take a report as often as it comes.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use shared::{
    host::Host,
    id::{NodeId, RunId},
    report::{BATCH_CHUNKS_MAX, BATCH_REPORTS_MAX, Batch, Chunk, Health, Run},
};
use tokio::{
    sync::Notify,
    time::{Instant, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::parts::{Link, LinkError, Spool, SpoolWrite, Unsent};

/// How often an agent says how it is, if nothing else.
const HEALTH_EVERY: Duration = Duration::from_secs(10);
/// Between attempts: this, doubled with each failure, up to the other, less a random half.
const BACKOFF_MIN: Duration = Duration::from_millis(200);
const BACKOFF_MAX: Duration = Duration::from_secs(30);
/// Output in a batch, in base64 bytes; one piece is always sent.
const BATCH_OUTPUT_BYTES_MAX: usize = 3 << 20;
/// So much is set aside in one go: if more is refused, it is rather the master that is wrong.
const ASIDE_MAX: usize = 20;
/// How often what was set aside is tried again.
const ASIDE_AGAIN: Duration = Duration::from_secs(3600);
/// How long what comes at about the same time is waited for, so that it goes together.
const GATHER: Duration = Duration::from_millis(20);

/// The loop that sends, and what it needs.
pub struct Outbox {
    pub spool: Arc<dyn Spool>,
    pub link: Arc<dyn Link>,
    pub host: Host,
    pub node: NodeId,
    /// The registration's boot id: tells this agent from one of the same node before.
    pub boot: String,
    /// How the agent is; what is spooled is filled in.
    pub health: Arc<dyn Fn() -> Health + Send + Sync>,
}

/// Sends until `cancel`, and then what it still can: give it a bound. Told through `wake`
/// that the spool has something.
pub async fn run(
    spool: Arc<dyn Spool>,
    link: Arc<dyn Link>,
    host: Host,
    node: NodeId,
    boot: String,
    wake: Arc<Notify>,
    cancel: CancellationToken,
) {
    let health = Arc::new(Health::default);
    Outbox {
        spool,
        link,
        host,
        node,
        boot,
        health,
    }
    .run(wake, cancel)
    .await;
}

impl Outbox {
    /// As [`run`].
    pub async fn run(self, wake: Arc<Notify>, cancel: CancellationToken) {
        let mut pace = Pace::default();
        let mut health_at = Instant::now();
        let mut aside_at = Instant::now() + ASIDE_AGAIN;
        loop {
            let is_health_due = Instant::now() >= health_at;
            if Instant::now() >= aside_at {
                aside_at = Instant::now() + ASIDE_AGAIN;
                // Should the disk not take it: in an hour, then.
                let _ = self.spool.commit(vec![SpoolWrite::TakeUp]).await;
            }
            match self.send_some(&mut pace, is_health_due).await {
                Sent::All if cancel.is_cancelled() => return,
                Sent::All => {
                    if is_health_due {
                        health_at = Instant::now() + HEALTH_EVERY;
                    }
                    // In order, so that a simulation replays.
                    tokio::select! {
                        biased;
                        () = cancel.cancelled() => {}
                        () = wake.notified() => sleep(GATHER).await,
                        () = sleep_until(health_at) => {}
                    }
                }
                Sent::Some => {
                    if is_health_due {
                        health_at = Instant::now() + HEALTH_EVERY;
                    }
                }
                Sent::Failed => {
                    let wait = pace.wait(self.host.random.next_u64());
                    if cancel.is_cancelled() {
                        sleep(wait.min(BACKOFF_MIN)).await;
                        continue;
                    }
                    tokio::select! {
                        biased;
                        () = cancel.cancelled() => {}
                        () = sleep(wait) => {}
                    }
                }
            }
        }
    }

    /// Sends one batch, if there is one.
    async fn send_some(&self, pace: &mut Pace, with_health: bool) -> Sent {
        let unsent = match self
            .spool
            .unsent(pace.limit(BATCH_REPORTS_MAX), pace.limit(BATCH_CHUNKS_MAX))
            .await
        {
            Ok(unsent) => unsent,
            Err(error) => {
                pace.failed();
                tracing::warn!(%error, "the spool cannot be read; reports wait");
                return Sent::Failed;
            }
        };
        if unsent.runs.is_empty() && unsent.chunks.is_empty() && !with_health {
            return Sent::All;
        }
        let batch = self.batch(unsent, with_health);
        match self.link.send(&batch).await {
            Ok(_) => self.acknowledge(batch, pace).await,
            Err(error @ LinkError::Invalid(_)) => self.sift(batch, error, pace).await,
            Err(error) => {
                if matches!(error, LinkError::Refused(_)) {
                    pace.shrink();
                }
                pace.failed();
                // Once for each outage, not for each attempt.
                if pace.is_to_be_told(&error) {
                    tracing::warn!(%error, "reports wait in the spool");
                } else {
                    tracing::debug!(%error, attempts = pace.failures, "reports wait in the spool");
                }
                Sent::Failed
            }
        }
    }

    /// Sends the parts of a batch that was refused for what is in it, and sets aside what is
    /// refused alone.
    async fn sift(&self, batch: Batch, error: LinkError, pace: &mut Pace) -> Sent {
        let (mut open, mut set_aside) = (Vec::new(), 0);
        let mut refused = Some((batch, error));
        loop {
            if let Some((batch, error)) = refused.take() {
                match halves(&batch) {
                    // The first half first: an acknowledged piece of output takes all before
                    // it along.
                    Some([first, second]) => open.extend([second, first]),
                    None if set_aside < ASIDE_MAX && self.set_aside(&batch, &error).await => set_aside += 1,
                    None => {
                        tracing::warn!(%error, "reports wait in the spool");
                        pace.failed();
                        return Sent::Failed;
                    }
                }
            }
            let Some(batch) = open.pop() else {
                return Sent::Some;
            };
            match self.link.send(&batch).await {
                Ok(_) => {
                    if let Sent::Failed = self.acknowledge(batch, pace).await {
                        return Sent::Failed;
                    }
                }
                Err(error @ LinkError::Invalid(_)) => refused = Some((batch, error)),
                // The rest comes with the next batch.
                Err(error) => {
                    tracing::debug!(%error, "reports wait in the spool");
                    pace.failed();
                    return Sent::Failed;
                }
            }
        }
    }

    /// Whether what a batch holds has been set aside; not if it holds nothing but how the
    /// agent is.
    async fn set_aside(&self, batch: &Batch, error: &LinkError) -> bool {
        let pieces: Vec<_> = batch.chunks.iter().map(|chunk| (chunk.run, chunk.seq)).collect();
        for run in batch
            .runs
            .iter()
            .map(|run| run.id)
            .chain(pieces.iter().map(|p| p.0))
        {
            tracing::warn!(%error, run.id = %run, is_output = !pieces.is_empty(),
                "no master takes this report: it is set aside in the spool, and tried again in an hour");
        }
        let is_something = !batch.runs.is_empty() || !pieces.is_empty();
        let runs = batch.runs.clone();
        let write = SpoolWrite::SetAside { runs, pieces };
        is_something && self.spool.commit(vec![write]).await.is_ok()
    }

    fn batch(&self, unsent: Unsent, with_health: bool) -> Batch {
        let mut chunks = unsent.chunks;
        let mut bytes = 0;
        let fits = chunks.iter().take_while(|chunk| {
            bytes += chunk.data.len();
            bytes <= BATCH_OUTPUT_BYTES_MAX
        });
        let count = fits.count().max(1);
        chunks.truncate(count);
        let health = with_health.then(|| Health {
            spooled: unsent.total,
            set_aside: unsent.set_aside,
            ..(self.health)()
        });
        Batch {
            node: self.node.clone(),
            boot: self.boot.clone(),
            sent_at: self.host.now(),
            runs: unsent.runs,
            chunks,
            health,
        }
    }

    async fn acknowledge(&self, batch: Batch, pace: &mut Pace) -> Sent {
        if pace.is_told {
            tracing::info!(attempts = pace.failures, "reports go out again");
        }
        pace.succeeded();
        let is_last = batch.runs.is_empty() && batch.chunks.is_empty();
        let mut until: BTreeMap<RunId, u64> = BTreeMap::new();
        for chunk in &batch.chunks {
            let seq = until.entry(chunk.run).or_default();
            *seq = chunk.seq.max(*seq);
        }
        let mut writes = Vec::new();
        if !batch.runs.is_empty() {
            writes.push(SpoolWrite::AckRuns(batch.runs));
        }
        if !until.is_empty() {
            writes.push(SpoolWrite::AckChunks(until.into_iter().collect()));
        }
        match self.spool.commit(writes).await {
            Ok(()) if is_last => Sent::All,
            Ok(()) => Sent::Some,
            Err(error) => {
                tracing::warn!(%error, "what was sent cannot be taken out of the spool; it is sent again");
                pace.failed();
                Sent::Failed
            }
        }
    }
}

/// Two batches of what one holds; `None` if that is one thing, or none.
fn halves(batch: &Batch) -> Option<[Batch; 2]> {
    let (runs, chunks) = (batch.runs.len(), batch.chunks.len());
    if runs + chunks < 2 {
        return None;
    }
    // Reports first: output without its run is of less use.
    let first = (runs + chunks).div_ceil(2);
    let part = |runs: &[Run], chunks: &[Chunk]| Batch {
        runs: runs.to_vec(),
        chunks: chunks.to_vec(),
        health: None,
        ..batch.clone()
    };
    let (runs_1, runs_2) = batch.runs.split_at(first.min(runs));
    let (chunks_1, chunks_2) = batch.chunks.split_at(first - runs_1.len());
    Some([part(runs_1, chunks_1), part(runs_2, chunks_2)])
}

enum Sent {
    /// There was nothing more.
    All,
    Some,
    Failed,
}

/// How soon and how much, after what has happened.
#[derive(Default)]
struct Pace {
    failures: u32,
    /// How often batches were halved because a master refused them: it may be their size.
    halvings: u32,
    /// Somebody who looks into the log knows that reports wait.
    is_told: bool,
}

/// So many refusals in a row are not told, about two seconds: a new agent's credential takes
/// a moment from its registration to the masters.
const REFUSALS_QUIET: u32 = 4;

impl Pace {
    /// Whether this failure is to be told: the first of an outage that is one.
    fn is_to_be_told(&mut self, error: &LinkError) -> bool {
        let quiet = match error {
            LinkError::Refused(_) => REFUSALS_QUIET,
            LinkError::Later(_) | LinkError::Unreachable(_) | LinkError::Invalid(_) => 0,
        };
        let is_first = !self.is_told && self.failures > quiet;
        self.is_told |= is_first;
        is_first
    }

    fn limit(&self, max: usize) -> usize {
        (max >> self.halvings.min(16)).max(1)
    }

    fn failed(&mut self) {
        self.failures = self.failures.saturating_add(1);
    }

    fn shrink(&mut self) {
        self.halvings = (self.halvings + 1).min(16);
    }

    fn succeeded(&mut self) {
        self.failures = 0;
        self.is_told = false;
        self.halvings = self.halvings.saturating_sub(1);
    }

    /// A random half keeps a fleet's agents from coming back all at once.
    fn wait(&self, random: u64) -> Duration {
        let full = BACKOFF_MIN
            .saturating_mul(1 << self.failures.saturating_sub(1).min(10))
            .min(BACKOFF_MAX);
        let half = full / 2;
        half + Duration::from_millis(random % (half.as_millis() as u64).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The attempts, counted from 1, that are told of an outage in which each fails so.
    fn told(pace: &mut Pace, error: &LinkError) -> Vec<u32> {
        let mut attempts = 1..=20;
        attempts
            .by_ref()
            .filter(|_| {
                pace.failed();
                pace.is_to_be_told(error)
            })
            .collect()
    }

    #[test]
    fn an_outage_is_told_once_and_a_credential_not_known_yet_is_waited_for() {
        let mut pace = Pace::default();
        assert_eq!(told(&mut pace, &LinkError::Unreachable(String::new())), [1]);
        pace.succeeded();
        assert_eq!(told(&mut pace, &LinkError::Later(String::new())), [1]);
        pace.succeeded();
        assert_eq!(told(&mut pace, &LinkError::Refused(String::new())), [5]);
        let waited: Duration = (1..=REFUSALS_QUIET)
            .map(|failures| {
                let pace = Pace {
                    failures,
                    ..Pace::default()
                };
                pace.wait(0)
            })
            .sum();
        assert!(waited >= Duration::from_secs(1), "{waited:?}");
    }
}
