//! Reports in, history out. A report is acknowledged after the database has committed it,
//! never before: an agent deletes what is acknowledged.
//!
//! Batches of many agents that come at once become one transaction. The queue is bounded in
//! batches and bytes; when it is full, or the database does not answer, the answer is
//! "later", at once, and the agent keeps its reports.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use prometheus_client::metrics::{counter::Counter, gauge::Gauge};
use shared::{
    history::RunView,
    host::Host,
    id::{NodeId, RunId},
    report::{Ack, BATCH_CHUNKS_MAX, BATCH_REPORTS_MAX, Batch, Chunk, Run},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, broadcast, mpsc, oneshot},
    time::timeout,
};

use crate::{
    history::{History, HistoryError, Seen},
    last_words::LastWords,
};

/// Batches that wait for the database.
const QUEUE_MAX: usize = 256;
/// What they may hold, in bytes of output and about 1 KiB for each report.
const QUEUE_BYTES_MAX: usize = 64 << 20;
const REPORT_BYTES: usize = 1024;
/// What goes into one transaction, unless one batch alone is larger.
const TOGETHER_RUNS_MAX: usize = 2000;
const TOGETHER_CHUNKS_MAX: usize = 4 * BATCH_CHUNKS_MAX;
/// The history gives up sooner; this is for a queue that does not move.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// Events that a slow listener may be behind before it has to look again.
const LIVE_MAX: usize = 4096;
/// An agent's boot is 32 hex digits.
const BOOT_CHARS_MAX: usize = 64;

/// Where reports go in. Cheap to clone; what works for it ends when the last clone is gone.
#[derive(Clone)]
pub struct Intake {
    host: Host,
    queue: mpsc::Sender<Waiting>,
    room: Arc<Semaphore>,
    live: broadcast::Sender<Live>,
    last_words: Arc<LastWords>,
    pub metrics: Metrics,
}

/// What has just been recorded here. A listener that lagged has missed some: it looks at
/// the history again.
#[derive(Clone, Debug)]
pub enum Live {
    Run(Arc<RunView>),
    /// There is more output of this run.
    Output(RunId),
}

#[derive(Clone, Default)]
pub struct Metrics {
    pub runs_recorded: Counter,
    pub chunks_recorded: Counter,
    pub batches_later: Counter,
    pub batches_invalid: Counter,
    pub transactions: Counter,
    pub queued: Gauge,
}

#[derive(Clone, Debug, thiserror::Error)]
pub enum IntakeError {
    /// Keep it and send it again (503).
    #[error("cannot record reports now: {0}")]
    Later(String),
    /// No agent sends this (422).
    #[error("{0}")]
    Invalid(String),
}

struct Waiting {
    runs: Vec<Run>,
    chunks: Vec<Chunk>,
    answer: oneshot::Sender<Result<(), IntakeError>>,
    /// Given back when the batch is.
    _room: OwnedSemaphorePermit,
}

impl Intake {
    /// Starts its tasks on the current tokio runtime.
    pub fn new(history: Arc<dyn History>, host: Host) -> Intake {
        let (queue, waiting) = mpsc::channel(QUEUE_MAX);
        let (live, _) = broadcast::channel(LIVE_MAX);
        let metrics = Metrics::default();
        let last_words = LastWords::spawn(history.clone());
        let writer = Writer {
            history,
            live: live.clone(),
            metrics: metrics.clone(),
            down: AtomicBool::new(false),
        };
        tokio::spawn(writer.run(waiting));
        let room = Arc::new(Semaphore::new(QUEUE_BYTES_MAX));
        Intake {
            host,
            queue,
            room,
            live,
            last_words: Arc::new(last_words),
            metrics,
        }
    }

    /// Records an agent's batch; the caller has checked that it is the agent's own. The
    /// answer comes after the commit.
    pub async fn accept(&self, batch: Batch) -> Result<Ack, IntakeError> {
        if let Err(e) = check(&batch) {
            self.metrics.batches_invalid.inc();
            return Err(e);
        }
        let Batch {
            node,
            boot,
            sent_at,
            runs,
            chunks,
            health,
        } = batch;
        self.last_words.hear(node, boot, sent_at, health, self.host.now());
        let (run_count, chunk_count) = (runs.len(), chunks.len());
        self.record(runs, chunks).await?;
        Ok(Ack {
            runs: run_count,
            chunks: chunk_count,
            now: self.host.now(),
        })
    }

    /// Records what a master itself knows of runs, such as that they are lost.
    pub async fn settle(&self, runs: Vec<Run>) -> Result<(), IntakeError> {
        self.record(runs, Vec::new()).await
    }

    /// What is recorded from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Live> {
        self.live.subscribe()
    }

    /// A node's last word to any master.
    pub fn seen(&self, node: &NodeId) -> Option<Seen> {
        self.last_words.of(node)
    }

    /// What nodes said last, for all masters.
    pub fn last_words(&self) -> &LastWords {
        &self.last_words
    }

    async fn record(&self, runs: Vec<Run>, chunks: Vec<Chunk>) -> Result<(), IntakeError> {
        if runs.is_empty() && chunks.is_empty() {
            return Ok(());
        }
        let later = |why: &str| {
            self.metrics.batches_later.inc();
            IntakeError::Later(why.to_owned())
        };
        let bytes = runs.len() * REPORT_BYTES + chunks.iter().map(|c| c.data.len() + 64).sum::<usize>();
        let bytes = u32::try_from(bytes.min(QUEUE_BYTES_MAX)).unwrap_or(u32::MAX);
        let full = "the queue of reports is full";
        let room = self
            .room
            .clone()
            .try_acquire_many_owned(bytes)
            .map_err(|_| later(full))?;
        let (answer, answered) = oneshot::channel();
        let waiting = Waiting {
            runs,
            chunks,
            answer,
            _room: room,
        };
        self.queue.try_send(waiting).map_err(|_| later(full))?;
        match timeout(ANSWER_WITHIN, answered).await {
            Ok(Ok(done)) => done,
            Ok(Err(_)) => Err(later("this master is stopping")),
            Err(_) => Err(later("the database is slow")),
        }
    }
}

fn check(batch: &Batch) -> Result<(), IntakeError> {
    let wrong = |why: String| Err(IntakeError::Invalid(why));
    if batch.boot.len() > BOOT_CHARS_MAX || !batch.boot.bytes().all(|b| b.is_ascii_graphic()) {
        return wrong(format!(
            "the agent's boot is not a word of at most {BOOT_CHARS_MAX} letters and digits"
        ));
    }
    let (runs, chunks) = (batch.runs.len(), batch.chunks.len());
    if runs > BATCH_REPORTS_MAX {
        return wrong(format!(
            "the batch has {runs} reports; at most {BATCH_REPORTS_MAX} are allowed"
        ));
    }
    if chunks > BATCH_CHUNKS_MAX {
        return wrong(format!(
            "the batch has {chunks} pieces of output; at most {BATCH_CHUNKS_MAX} are allowed"
        ));
    }
    match batch.runs.iter().find(|run| run.node != batch.node) {
        Some(run) => wrong(format!(
            "run {} is of node {}, and this is node {}",
            run.id, run.node, batch.node
        )),
        None => Ok(()),
    }
}

/// The one task that writes.
struct Writer {
    history: Arc<dyn History>,
    live: broadcast::Sender<Live>,
    metrics: Metrics,
    down: AtomicBool,
}

impl Writer {
    async fn run(self, mut queue: mpsc::Receiver<Waiting>) {
        // What came out of the queue and did not fit into the transaction.
        let mut next = None;
        loop {
            let first = match next.take() {
                Some(waiting) => waiting,
                None => match queue.recv().await {
                    Some(waiting) => waiting,
                    None => return,
                },
            };
            let mut together = vec![first];
            let (mut runs, mut chunks) = (together[0].runs.len(), together[0].chunks.len());
            while let Ok(waiting) = queue.try_recv() {
                runs += waiting.runs.len();
                chunks += waiting.chunks.len();
                if runs > TOGETHER_RUNS_MAX || chunks > TOGETHER_CHUNKS_MAX {
                    next = Some(waiting);
                    break;
                }
                together.push(waiting);
            }
            self.metrics.queued.set(queue.len() as i64);
            self.write(together).await;
        }
    }

    async fn write(&self, mut together: Vec<Waiting>) {
        let done = match together.as_mut_slice() {
            [one] => self.record(&one.runs, &one.chunks).await,
            all => {
                let runs: Vec<Run> = all
                    .iter()
                    .flat_map(|waiting| waiting.runs.iter().cloned())
                    .collect();
                let chunks: Vec<Chunk> = all
                    .iter()
                    .flat_map(|waiting| waiting.chunks.iter().cloned())
                    .collect();
                self.record(&runs, &chunks).await
            }
        };
        if matches!(done, Err(HistoryError::Invalid(_) | HistoryError::Refused(_))) && together.len() > 1 {
            // One that the history does not take does not keep the others out.
            for waiting in together {
                let done = self.record(&waiting.runs, &waiting.chunks).await;
                self.answer(waiting, done);
            }
            return;
        }
        for waiting in together {
            self.answer(waiting, done.clone());
        }
    }

    fn answer(&self, waiting: Waiting, done: Result<(), HistoryError>) {
        let done = done.map_err(|e| match e {
            HistoryError::Invalid(why) => IntakeError::Invalid(why),
            e => IntakeError::Later(e.to_string()),
        });
        match &done {
            Ok(()) => {
                self.metrics.runs_recorded.inc_by(waiting.runs.len() as u64);
                self.metrics.chunks_recorded.inc_by(waiting.chunks.len() as u64);
            }
            Err(IntakeError::Later(_)) => _ = self.metrics.batches_later.inc(),
            Err(IntakeError::Invalid(_)) => _ = self.metrics.batches_invalid.inc(),
        }
        // Whoever asked may be gone; it will send the batch again, and that changes nothing.
        let _ = waiting.answer.send(done);
    }

    async fn record(&self, runs: &[Run], chunks: &[Chunk]) -> Result<(), HistoryError> {
        self.metrics.transactions.inc();
        let done = self.history.record(runs, chunks).await;
        let (run_count, chunk_count) = (runs.len(), chunks.len());
        let is_down = matches!(done, Err(HistoryError::Unavailable(_)));
        let was_down = self.down.swap(is_down, Ordering::Relaxed);
        match &done {
            Ok(_) if was_down => tracing::info!("reports are recorded again"),
            Ok(_) => {}
            // Said once: agents send again and again until it is over.
            Err(error) if is_down => {
                if !was_down {
                    tracing::warn!(%error, "reports cannot be recorded; agents keep them");
                }
            }
            Err(error) => {
                tracing::error!(%error, run_count, chunk_count, "the history does not take reports; agents keep them");
            }
        }
        done.map(|changed| self.tell(runs, chunks, changed))
    }

    fn tell(&self, runs: &[Run], chunks: &[Chunk], changed: Vec<RunId>) {
        if self.live.receiver_count() == 0 {
            return;
        }
        let changed: BTreeSet<RunId> = changed.into_iter().collect();
        for run in crate::history::latest_of_each(runs)
            .into_values()
            .filter(|run| changed.contains(&run.id))
        {
            let _ = self.live.send(Live::Run(Arc::new(RunView::from(run.clone()))));
        }
        let outputs: BTreeSet<RunId> = chunks.iter().map(|chunk| chunk.run).collect();
        for run in outputs {
            let _ = self.live.send(Live::Output(run));
        }
    }
}
