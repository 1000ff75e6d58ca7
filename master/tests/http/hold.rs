//! A store that holds up a transaction, so that others come in between.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use shared::{
    Revision,
    store::{DynStore, KeyValue, LeaseId, Outcome, Snapshot, Store, StoreError, Txn, Watch, Write},
};
use tokio::{sync::oneshot, time::timeout};

pub struct Hold {
    store: DynStore,
    wanted: Mutex<Option<Wanted>>,
}

struct Wanted {
    prefix: String,
    reached: oneshot::Sender<()>,
    go: oneshot::Receiver<()>,
}

/// A transaction that is held up, or will be.
pub struct Held {
    reached: oneshot::Receiver<()>,
    go: oneshot::Sender<()>,
}

impl Hold {
    pub fn of(store: DynStore) -> Hold {
        Hold {
            store,
            wanted: Mutex::default(),
        }
    }

    /// Holds up the next transaction that writes under a prefix.
    pub fn next(&self, prefix: &str) -> Held {
        let ((reached, is_reached), (go, goes)) = (oneshot::channel(), oneshot::channel());
        *self.wanted.lock().unwrap_or_else(PoisonError::into_inner) = Some(Wanted {
            prefix: prefix.to_owned(),
            reached,
            go: goes,
        });
        Held {
            reached: is_reached,
            go,
        }
    }

    fn take(&self, txn: &Txn) -> Option<Wanted> {
        let mut wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        wanted.take_if(|wanted| {
            txn.writes.iter().any(|write| match write {
                Write::Put { key, .. } | Write::Delete { key } => key.starts_with(&wanted.prefix),
            })
        })
    }
}

impl Held {
    /// Waits until it is held up, does something, and lets it go.
    pub async fn meanwhile<T>(self, what: impl Future<Output = T>) -> T {
        timeout(Duration::from_secs(60), self.reached)
            .await
            .expect("the transaction within a minute")
            .unwrap();
        let done = what.await;
        self.go.send(()).unwrap();
        done
    }
}

#[async_trait]
impl Store for Hold {
    async fn snapshot(&self, prefix: &str) -> Result<Snapshot, StoreError> {
        self.store.snapshot(prefix).await
    }

    async fn get(&self, key: &str) -> Result<Option<KeyValue>, StoreError> {
        self.store.get(key).await
    }

    async fn watch(&self, prefix: &str, after: Revision) -> Result<Box<dyn Watch>, StoreError> {
        self.store.watch(prefix, after).await
    }

    async fn txn(&self, txn: Txn) -> Result<Outcome, StoreError> {
        if let Some(wanted) = self.take(&txn) {
            wanted.reached.send(()).unwrap();
            wanted.go.await.unwrap();
        }
        self.store.txn(txn).await
    }

    async fn grant(&self, ttl: Duration) -> Result<LeaseId, StoreError> {
        self.store.grant(ttl).await
    }

    async fn keep_alive(&self, lease: LeaseId) -> Result<(), StoreError> {
        self.store.keep_alive(lease).await
    }

    async fn revoke(&self, lease: LeaseId) -> Result<(), StoreError> {
        self.store.revoke(lease).await
    }
}
