//! Where jobs, assignments, cursors and leases rest: a small ordered key-value store
//! with revisions, transactions, leases and watches.
//!
//! Two implementations: [`etcd`] for a fleet, [`embedded`] for one machine and for the
//! simulator. One conformance suite (`shared/tests/store`) runs against both.
//! Keys are given and returned without the deployment's prefix (`/gnomon/`).

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

/// A store revision: it grows by one with each committed transaction that writes.
/// Zero, as a key's mod revision, means that the key does not exist.
pub type Revision = i64;

/// The most operations (compares, writes) that a transaction may hold, each list.
pub const TXN_OPS_MAX: usize = 100;

/// A key as it stands at a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyValue {
    pub key: String,
    pub value: Vec<u8>,
    pub create_revision: Revision,
    pub mod_revision: Revision,
    /// The lease the key dies with; zero for none.
    pub lease: LeaseId,
}

/// All keys under a prefix at one revision, in key order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    pub revision: Revision,
    pub kvs: Vec<KeyValue>,
}

/// What must hold for a transaction to be carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compare {
    /// The key's mod revision; zero means that the key must not exist.
    ModRevision(String, Revision),
    /// The key's create revision; zero means that the key must not exist.
    CreateRevision(String, Revision),
}

/// A write within a transaction. A transaction never writes the same key twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    Put { key: String, value: Vec<u8>, lease: Option<LeaseId> },
    Delete { key: String },
}

/// All writes, if all compares hold; nothing otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Txn {
    pub compares: Vec<Compare>,
    pub writes: Vec<Write>,
}

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The writes are durable at this revision.
    Committed(Revision),
    /// A compare did not hold; nothing was written.
    Refused(Revision),
}

/// One change of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Put(KeyValue),
    Deleted { key: String, mod_revision: Revision },
}

/// What a watch tells. A batch holds whole revisions: never half of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchEvent {
    Changes { revision: Revision, changes: Vec<Change> },
    /// Everything up to this revision has been told.
    Progress { revision: Revision },
}

/// A lease's number in the store.
pub type LeaseId = i64;

#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// Nothing answered in time, or the connection broke. Whether a transaction was
    /// carried out is unknown.
    #[error("the store did not answer: {0}")]
    Unavailable(String),
    /// The revision asked for has been compacted away: list again.
    #[error("revision {asked} has been compacted")]
    Compacted { asked: Revision },
    /// The lease has expired or been revoked.
    #[error("the lease is gone")]
    LeaseGone,
    /// The store refused the request: wrong credentials, too large, no permission.
    #[error("the store refused: {0}")]
    Refused(String),
}

/// A running watch. Ends with an error (compaction, cancellation, a broken connection,
/// silence past the progress interval) and is then done: list again and watch anew.
#[async_trait]
pub trait Watch: Send {
    async fn next(&mut self) -> Result<WatchEvent, StoreError>;
}

/// The store. Every call ends within the store's call timeout.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// All keys that start with `prefix`, at one revision.
    async fn snapshot(&self, prefix: &str) -> Result<Snapshot, StoreError>;

    /// One key.
    async fn get(&self, key: &str) -> Result<Option<KeyValue>, StoreError>;

    /// Changes under `prefix` after revision `after` (exclusive).
    async fn watch(&self, prefix: &str, after: Revision) -> Result<Box<dyn Watch>, StoreError>;

    /// Carries out a transaction. Never retried when its outcome is unknown.
    async fn txn(&self, txn: Txn) -> Result<Outcome, StoreError>;

    /// A new lease of `ttl` (whole seconds, at least one). It is not kept alive by
    /// itself: see [`lease::KeptLease`].
    async fn grant(&self, ttl: Duration) -> Result<LeaseId, StoreError>;

    /// Renews a lease. [`StoreError::LeaseGone`] when it no longer exists.
    async fn keep_alive(&self, lease: LeaseId) -> Result<(), StoreError>;

    /// Ends a lease now, deleting its keys.
    async fn revoke(&self, lease: LeaseId) -> Result<(), StoreError>;
}

/// The store, as everybody holds it.
pub type DynStore = Arc<dyn Store>;
