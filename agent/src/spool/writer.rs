//! The one thread that writes the spool's file: it takes all commits that wait and makes
//! them durable with one sync of the disk.
//!
//! Records of runs go before output: a fire waits for its record, and a run that writes
//! without end must not make it late.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use tokio::{sync::oneshot, time::Instant};

use super::disk::Store;
use crate::parts::{SpoolError, SpoolWrite};

/// Commits that may wait; more are turned away. Who commits waits for the answer, so
/// that there are about as many as runs.
const WAITING_MAX: usize = 20_000;
/// Commits of records that share a sync at most.
const BATCH_MAX: usize = 2_000;
/// Output that shares a sync at most: what a record has to wait for.
const BATCH_OUTPUT_BYTES_MAX: usize = 2 << 20;
/// How long a broken file is left alone before it is opened again.
const REOPEN_EVERY: Duration = Duration::from_millis(if cfg!(test) { 10 } else { 500 });

struct Request {
    writes: Vec<SpoolWrite>,
    answer: oneshot::Sender<Result<(), SpoolError>>,
    output_bytes: usize,
}

#[derive(Default)]
struct Queue {
    records: VecDeque<Request>,
    output: VecDeque<Request>,
    closed: bool,
}

#[derive(Default)]
struct Mailbox {
    queue: Mutex<Queue>,
    wake: Condvar,
}

/// The thread's handle. Dropping it writes what waits, ends the thread and closes the
/// file, so that it can be opened again at once.
pub(super) struct Writer {
    mailbox: Arc<Mailbox>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub fn start(store: Arc<Store>) -> std::io::Result<Writer> {
        let mailbox = Arc::new(Mailbox::default());
        let theirs = mailbox.clone();
        let thread = std::thread::Builder::new()
            .name("spool".into())
            .spawn(move || run(&theirs, &store))?;
        Ok(Writer {
            mailbox,
            thread: Some(thread),
        })
    }

    pub async fn commit(&self, writes: Vec<SpoolWrite>) -> Result<(), SpoolError> {
        let (answer, answered) = oneshot::channel();
        let output_bytes = writes.iter().map(output_bytes).sum();
        {
            let mut queue = self.mailbox.lock();
            if queue.records.len() + queue.output.len() >= WAITING_MAX {
                return Err(SpoolError::Failed(format!("{WAITING_MAX} commits wait already")));
            }
            let request = Request {
                writes,
                answer,
                output_bytes,
            };
            if output_bytes == 0 {
                queue.records.push_back(request)
            } else {
                queue.output.push_back(request)
            }
        }
        self.mailbox.wake.notify_one();
        answered
            .await
            .unwrap_or_else(|_| Err(SpoolError::Failed("it is closed".into())))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.mailbox.lock().closed = true;
        self.mailbox.wake.notify_one();
        if let Some(thread) = self.thread.take() {
            // Only a panic of the thread makes this an error, and it has been printed.
            let _ = thread.join();
        }
    }
}

impl Mailbox {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn output_bytes(write: &SpoolWrite) -> usize {
    match write {
        SpoolWrite::PutChunk(chunk) => chunk.data.len().max(1),
        _ => 0,
    }
}

fn run(mailbox: &Mailbox, store: &Store) {
    let mut reopen_at = Instant::now();
    let mut broken = SpoolError::Failed("its file cannot be opened".into());
    let mut is_told = false;
    while let Some(batch) = next_batch(mailbox) {
        if !store.is_open() {
            if Instant::now() >= reopen_at {
                reopen_at = Instant::now() + REOPEN_EVERY;
                if let Err(error) = store.reopen() {
                    broken = error;
                }
            }
            if !store.is_open() {
                batch
                    .into_iter()
                    .for_each(|request| drop(request.answer.send(Err(broken.clone()))));
                continue;
            }
        }
        // A full disk lets its file be opened, and breaks it again at the next write: each is
        // said once.
        match carry_out(store, batch) {
            Some(error) => {
                if !is_told {
                    tracing::error!(%error, "the spool cannot be written; until it can, no run starts");
                }
                is_told = true;
                reopen_at = Instant::now() + REOPEN_EVERY;
                broken = error;
            }
            None if is_told => {
                is_told = false;
                tracing::info!("the spool can be written again");
            }
            None => {}
        }
    }
}

/// Waits for commits; `None` when the spool is closed and nothing waits.
fn next_batch(mailbox: &Mailbox) -> Option<Vec<Request>> {
    let mut queue = mailbox.lock();
    while queue.records.is_empty() && queue.output.is_empty() {
        if queue.closed {
            return None;
        }
        queue = mailbox.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
    }
    let count = queue.records.len().min(BATCH_MAX);
    let mut batch: Vec<Request> = queue.records.drain(..count).collect();
    let mut bytes = 0;
    while bytes < BATCH_OUTPUT_BYTES_MAX
        && let Some(request) = queue.output.pop_front()
    {
        bytes += request.output_bytes;
        batch.push(request);
    }
    Some(batch)
}

/// Writes a batch and answers; the error that broke the file, if one did.
fn carry_out(store: &Store, batch: Vec<Request>) -> Option<SpoolError> {
    let mut changes = Vec::new();
    let mut answers = Vec::with_capacity(batch.len());
    {
        let mut index = store.index();
        for request in batch {
            match index.plan(request.writes) {
                Ok(mut more) => {
                    changes.append(&mut more);
                    answers.push(request.answer);
                }
                Err(error) => drop(request.answer.send(Err(error))),
            }
        }
    }
    let result = if changes.is_empty() {
        Ok(())
    } else {
        store.write(&changes)
    };
    answers
        .into_iter()
        .for_each(|answer| drop(answer.send(result.clone())));
    result.err()
}
