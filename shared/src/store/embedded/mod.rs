//! The embedded store: in this process, for one machine (durable in one file) and for
//! the simulator (in memory).
//!
//! Both are the same [`state::State`] with etcd's semantics: one revision for each
//! transaction that changes something, create and mod revisions, leases that take their
//! keys with them, watches from the past. They differ in who may write:
//! - in memory, whoever calls, at once, under a lock. No thread, no file, no clock but
//!   tokio's: under a paused clock everything happens at the same instants each time.
//!   Leases end when somebody looks, and a waiting watch looks when one is due.
//! - with a file, one thread ([`writer`]), which shares an fsync among all that wait.

mod state;
mod file;
mod writer;
mod watch;
mod client;

use std::{
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use tokio::{
    sync::Notify,
    time::{Instant, timeout},
};

pub use self::{client::Client, file::OpenError, state::History};
use self::{
    file::File,
    state::{Delta, Draft, Reply, Request, State, key_value},
    watch::EmbeddedWatch,
    writer::Writer,
};
use super::{KeyValue, LeaseId, Outcome, Revision, Snapshot, Store, StoreError, Txn, Watch, check_key};

/// How long a call waits for the disk.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// The embedded store. Clones are the same store; the last one to go closes the file.
#[derive(Clone)]
pub struct Embedded {
    core: Arc<Core>,
    /// None in memory.
    writer: Option<Arc<Writer>>,
}

impl Embedded {
    /// A store in memory, empty, at revision 1 as a new etcd is.
    pub fn memory() -> Embedded {
        Embedded {
            core: Arc::new(Core::new(State::new(), true)),
            writer: None,
        }
    }

    /// Opens a store's file, or makes it. Blocks while a file that was left by a crash
    /// is repaired.
    pub fn open(path: impl AsRef<Path>) -> Result<Embedded, OpenError> {
        let path = path.as_ref();
        let (file, state) = File::open(path)?;
        let core = Arc::new(Core::new(state, false));
        let writer = Writer::start(&core, file).map_err(|source| OpenError::Io {
            path: path.to_path_buf(),
            source,
        })?;
        Ok(Embedded {
            core,
            writer: Some(Arc::new(writer)),
        })
    }

    /// A client with a connection of its own that can be cut, slowed down or reset.
    pub fn client(&self) -> Client {
        Client::new(self.clone())
    }

    /// Sets how much of the past is kept for watches.
    pub fn keep_history(&self, limits: History) {
        self.core.lock().limits = limits;
    }

    /// Forgets changes up to and including a revision: watches that have not seen them
    /// end with `Compacted`.
    pub fn compact(&self, revision: Revision) {
        self.core.lock().compact(revision);
        self.core.changed.notify_waiters();
    }

    /// The present revision.
    pub fn revision(&self) -> Revision {
        self.core.current().revision
    }

    /// All of a store in memory, to be put back with [`Embedded::rewind`].
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint(self.core.current().clone())
    }

    /// Puts a store in memory back to an earlier state, as restoring a backup does:
    /// revisions go back, leases get their full time, watches end with an error.
    pub fn rewind(&self, checkpoint: &Checkpoint) {
        assert!(self.writer.is_none(), "only a store in memory can be put back");
        let mut state = checkpoint.0.clone();
        state.renew_all(Instant::now());
        self.core.replace(state);
    }

    async fn request(&self, request: Request) -> Result<Reply, StoreError> {
        let Some(writer) = &self.writer else {
            return self.core.carry_out(request);
        };
        match timeout(CALL_TIMEOUT, writer.request(request)).await {
            Ok(reply) => reply,
            Err(_) => Err(StoreError::Unavailable(format!(
                "the disk took longer than {CALL_TIMEOUT:?}"
            ))),
        }
    }
}

/// A store in memory as it stood at one instant.
pub struct Checkpoint(State);

/// What the store's handles, its watches and its writer share.
struct Core {
    state: Mutex<State>,
    /// Something was committed, compacted or replaced: look again.
    changed: Notify,
    /// Grows when the state is replaced as a whole.
    epoch: AtomicU64,
    in_memory: bool,
}

impl Core {
    fn new(state: State, in_memory: bool) -> Core {
        Core {
            state: Mutex::new(state),
            changed: Notify::new(),
            epoch: AtomicU64::new(0),
            in_memory,
        }
    }

    /// The state, whatever is due.
    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic under this lock is a bug that has been reported; the state itself
        // changes in single steps and stays whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state with the leases ended that are due. With a file the writer does that.
    fn current(&self) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        if self.in_memory {
            let now = Instant::now();
            if state.next_deadline().is_some_and(|d| d <= now) {
                let delta = Draft::new(&state, now).finish();
                state.apply(delta);
                self.changed.notify_waiters();
            }
        }
        state
    }

    /// When somebody who waits has to look because nobody else will.
    fn wake_at(&self) -> Option<Instant> {
        if self.in_memory {
            self.lock().next_deadline()
        } else {
            None
        }
    }

    fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    fn carry_out(&self, request: Request) -> Result<Reply, StoreError> {
        let mut state = self.lock();
        let mut draft = Draft::new(&state, Instant::now());
        let reply = draft.request(request);
        let delta = draft.finish();
        if !delta.is_empty() {
            state.apply(delta);
            self.changed.notify_waiters();
        }
        reply
    }

    fn apply(&self, delta: Delta) {
        self.lock().apply(delta);
        self.changed.notify_waiters();
    }

    fn replace(&self, new: State) {
        let mut state = self.lock();
        let limits = state.limits;
        *state = new;
        state.limits = limits;
        drop(state);
        self.end_watches();
    }

    fn end_watches(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
        self.changed.notify_waiters();
    }
}

#[async_trait]
impl Store for Embedded {
    async fn snapshot(&self, prefix: &str) -> Result<Snapshot, StoreError> {
        let (revision, shared) = {
            let state = self.core.current();
            (state.revision, state.list(prefix))
        };
        // Copied outside the lock: a long list holds up nobody.
        Ok(Snapshot {
            revision,
            kvs: shared.iter().map(|(k, s)| key_value(k, s)).collect(),
        })
    }

    async fn get(&self, key: &str) -> Result<Option<KeyValue>, StoreError> {
        check_key(key)?;
        let shared = self.core.current().get(key);
        Ok(shared.map(|(k, s)| key_value(&k, &s)))
    }

    async fn watch(&self, prefix: &str, after: Revision) -> Result<Box<dyn Watch>, StoreError> {
        Ok(Box::new(EmbeddedWatch::new(self.core.clone(), prefix, after)?))
    }

    async fn txn(&self, txn: Txn) -> Result<Outcome, StoreError> {
        match self.request(Request::Txn(txn)).await? {
            Reply::Txn(outcome) => Ok(outcome),
            other => Err(StoreError::Unavailable(format!("a wrong answer: {other:?}"))),
        }
    }

    async fn grant(&self, ttl: Duration) -> Result<LeaseId, StoreError> {
        let ttl = Duration::from_secs(super::lease_secs(ttl)?);
        match self.request(Request::Grant(ttl)).await? {
            Reply::Granted(id) => Ok(id),
            other => Err(StoreError::Unavailable(format!("a wrong answer: {other:?}"))),
        }
    }

    async fn keep_alive(&self, lease: LeaseId) -> Result<(), StoreError> {
        self.core.current().keep_alive(lease, Instant::now())
    }

    async fn revoke(&self, lease: LeaseId) -> Result<(), StoreError> {
        self.request(Request::Revoke(lease)).await.map(drop)
    }
}
