//! Where jobs, assignments, cursors and leases rest: a small ordered key-value store
//! with revisions, transactions, leases and watches.
//!
//! Two implementations: [`etcd`] for a fleet, [`embedded`] for one machine and for the
//! simulator. One conformance suite (`shared/tests/store`) runs against both.
//! Keys are given and returned without the deployment's prefix (`/gnomon/`).

pub mod embedded;
pub mod etcd;
pub mod lease;
pub mod mirror;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use async_trait::async_trait;

pub use crate::Revision;

/// The most operations (compares, writes) that a transaction may hold, each list.
pub const TXN_OPS_MAX: usize = 100;

/// The most bytes of keys and values that a transaction may write (etcd's own limit for
/// a request, 1.5 MiB, less its overhead).
pub const TXN_BYTES_MAX: usize = 1_400_000;

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
    Put {
        key: String,
        value: Vec<u8>,
        lease: Option<LeaseId>,
    },
    Delete {
        key: String,
    },
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
    Changes {
        revision: Revision,
        changes: Vec<Change>,
    },
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

    /// A number that differs between the clients of a fleet, for spreading what they do
    /// at the same instant; always the same in memory, so that simulations replay.
    fn spread(&self) -> u64 {
        0
    }
}

/// The store, as everybody holds it.
pub type DynStore = Arc<dyn Store>;

/// Refuses a transaction that one of the implementations would not take, before it is
/// sent anywhere: both then refuse the same ones.
fn check_txn(txn: &Txn) -> Result<(), StoreError> {
    let (compares, writes) = (txn.compares.len(), txn.writes.len());
    if compares > TXN_OPS_MAX || writes > TXN_OPS_MAX {
        let ops = format!("{compares} compares and {writes} writes; at most {TXN_OPS_MAX} of each");
        return Err(StoreError::Refused(format!(
            "the transaction is too large: {ops}"
        )));
    }
    let (mut keys, mut bytes) = (BTreeSet::new(), 0);
    for write in &txn.writes {
        let (key, value) = match write {
            Write::Put { key, value, .. } => (key, value.len()),
            Write::Delete { key } => (key, 0),
        };
        check_key(key)?;
        if !keys.insert(key) {
            return Err(StoreError::Refused(format!("the transaction writes {key} twice")));
        }
        bytes += key.len() + value;
    }
    if bytes > TXN_BYTES_MAX {
        let why = format!("the transaction is too large: {bytes} bytes; at most {TXN_BYTES_MAX}");
        return Err(StoreError::Refused(why));
    }
    Ok(())
}

fn check_key(key: &str) -> Result<(), StoreError> {
    if key.is_empty() {
        Err(StoreError::Refused("an empty key".into()))
    } else {
        Ok(())
    }
}

/// A lease's ttl in whole seconds, rounded up.
fn lease_secs(ttl: Duration) -> Result<u64, StoreError> {
    let secs = ttl.as_secs() + u64::from(ttl.subsec_nanos() > 0);
    match secs {
        1..=9_000_000_000 => Ok(secs),
        _ => Err(StoreError::Refused(format!(
            "a lease of {ttl:?}; it takes a second at least"
        ))),
    }
}
