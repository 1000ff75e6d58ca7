//! The one thread that writes a file store: it takes all requests that wait, drafts
//! them in order, makes them durable with one fsync (group commit), applies them and
//! answers. It also ends leases whose time is over.
//!
//! If the process dies before the fsync, nobody was answered and nothing was seen; if
//! it dies after, the file holds the whole batch.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, PoisonError, Weak},
    thread::JoinHandle,
    time::Duration,
};

use tokio::{sync::oneshot, time::Instant};

use super::{
    Core,
    file::File,
    state::{Draft, Reply, Request},
};
use crate::store::StoreError;

/// Requests that may wait; more are turned away.
const QUEUE_MAX: usize = 10_000;
/// Requests that share an fsync at most.
const BATCH_MAX: usize = 1_000;
/// How long a broken file is left alone before it is opened again.
const REOPEN_EVERY: Duration = Duration::from_millis(500);

type Answer = oneshot::Sender<Result<Reply, StoreError>>;

#[derive(Default)]
struct Queue {
    waiting: VecDeque<(Request, Answer)>,
    closed: bool,
}

#[derive(Default)]
struct Mailbox {
    queue: Mutex<Queue>,
    wake: Condvar,
}

/// The thread's handle. Dropping it writes what waits, ends the thread and closes the
/// file, so that the file can be opened again at once.
pub(super) struct Writer {
    mailbox: Arc<Mailbox>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub fn start(core: &Arc<Core>, file: File) -> std::io::Result<Writer> {
        let mailbox = Arc::new(Mailbox::default());
        let (theirs, core) = (mailbox.clone(), Arc::downgrade(core));
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || run(&theirs, &core, file))?;
        Ok(Writer {
            mailbox,
            thread: Some(thread),
        })
    }

    /// Hands a request to the thread and waits for its answer.
    pub async fn request(&self, request: Request) -> Result<Reply, StoreError> {
        let (answer, answered) = oneshot::channel();
        {
            let mut queue = self.mailbox.queue.lock().unwrap_or_else(PoisonError::into_inner);
            if queue.closed {
                return Err(StoreError::Unavailable("the store is closed".into()));
            }
            if queue.waiting.len() >= QUEUE_MAX {
                return Err(StoreError::Unavailable(format!(
                    "{QUEUE_MAX} requests wait already"
                )));
            }
            queue.waiting.push_back((request, answer));
        }
        self.mailbox.wake.notify_one();
        answered
            .await
            .unwrap_or_else(|_| Err(StoreError::Unavailable("the store is closed".into())))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.mailbox
            .queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .closed = true;
        self.mailbox.wake.notify_one();
        if let Some(thread) = self.thread.take() {
            // Only a panic of the thread makes this an error, and it has been printed.
            let _ = thread.join();
        }
    }
}

/// Turns away whoever waits or comes when the thread is over, also by a panic.
struct Closed<'a>(&'a Mailbox);

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        let mut queue = self.0.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.closed = true;
        queue.waiting.clear();
    }
}

fn run(mailbox: &Mailbox, core: &Weak<Core>, mut file: File) {
    let _closed = Closed(mailbox);
    while let Some(deadline) = core.upgrade().map(|c| c.lock().next_deadline()) {
        let Some(batch) = next_batch(mailbox, deadline) else {
            break;
        };
        let Some(core) = core.upgrade() else { break };
        if !file.is_open() && !reopen(&core, &mut file) {
            let why = "its file cannot be written; see the log";
            answer_all(batch, &StoreError::Unavailable(why.into()));
            continue;
        }
        carry_out(&core, &mut file, batch);
    }
    if let Some(core) = core.upgrade() {
        core.end_watches();
    }
}

/// Waits for requests or for a lease's deadline; `None` when the store is closed and
/// nothing waits.
fn next_batch(mailbox: &Mailbox, deadline: Option<Instant>) -> Option<Vec<(Request, Answer)>> {
    let mut queue = mailbox.queue.lock().unwrap_or_else(PoisonError::into_inner);
    if queue.waiting.is_empty() && !queue.closed {
        let idle = Duration::from_secs(3600);
        let left = deadline.map_or(idle, |d| d.saturating_duration_since(Instant::now()));
        if !left.is_zero() {
            queue = mailbox
                .wake
                .wait_timeout(queue, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
    if queue.closed && queue.waiting.is_empty() {
        return None;
    }
    let count = queue.waiting.len().min(BATCH_MAX);
    Some(queue.waiting.drain(..count).collect())
}

fn carry_out(core: &Core, file: &mut File, batch: Vec<(Request, Answer)>) {
    let (delta, answers) = {
        let state = core.lock();
        let mut draft = Draft::new(&state, Instant::now());
        let answers: Vec<_> = batch
            .into_iter()
            .map(|(req, answer)| (draft.request(req), answer))
            .collect();
        (draft.finish(), answers)
    };
    // Nobody but this thread changes keys or ends leases: the state is still the one
    // that the draft was made from.
    if !delta.is_empty() {
        if let Err(error) = file.write(&delta) {
            tracing::error!(%error, "the store's file cannot be written");
            let unknown = StoreError::Unavailable(format!("its file cannot be written: {error}"));
            answers
                .into_iter()
                .for_each(|(_, answer)| drop(answer.send(Err(unknown.clone()))));
            return;
        }
        core.apply(delta);
    }
    answers
        .into_iter()
        .for_each(|(reply, answer)| drop(answer.send(reply)));
}

fn answer_all(batch: Vec<(Request, Answer)>, error: &StoreError) {
    if batch.is_empty() {
        // Only a lease's deadline woke us: wait, so as not to spin on a broken disk.
        std::thread::park_timeout(REOPEN_EVERY);
    }
    batch
        .into_iter()
        .for_each(|(_, answer)| drop(answer.send(Err(error.clone()))));
}

/// Opens the file again after a failed write. What it holds then is the truth: either
/// the failed batch is in it or not.
fn reopen(core: &Core, file: &mut File) -> bool {
    match file.reopen() {
        Ok(state) => {
            core.replace(state);
            tracing::info!("the store's file can be written again");
            true
        }
        Err(error) => {
            tracing::error!(%error, "the store's file cannot be opened again");
            false
        }
    }
}
