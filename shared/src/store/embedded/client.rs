//! A client of an embedded store over a pretended connection that can be slow, cut,
//! reset or lose replies: what a simulator plays partitions with.
//!
//! A cut connection behaves as TCP does: requests and replies wait in it and arrive
//! when it is healed. So a transaction whose caller gave up may still be carried out
//! later: the caller has been told `Unavailable`, which says just that.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio::{
    sync::Notify,
    time::{Instant, sleep, timeout, timeout_at},
};

use super::Embedded;
use crate::store::{
    KeyValue, LeaseId, Outcome, Revision, Snapshot, Store, StoreError, Txn, Watch, WatchEvent,
};

/// How long a call waits for its answer, and a watch on a cut connection for a word.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);
const SILENCE_MAX: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug, Default)]
struct Condition {
    cut: bool,
    loses_replies: bool,
    latency: Duration,
    /// Grows with each reset; a watch of an older number ends.
    generation: u64,
}

#[derive(Default)]
struct Link {
    condition: Mutex<Condition>,
    changed: Notify,
}

/// A store behind a connection of its own. Clones share the connection.
#[derive(Clone)]
pub struct Client {
    store: Embedded,
    link: Arc<Link>,
}

impl Client {
    pub(super) fn new(store: Embedded) -> Client {
        Client {
            store,
            link: Arc::default(),
        }
    }

    /// From now on nothing passes: calls time out, watches go silent and end with an
    /// error after ten seconds.
    pub fn cut(&self) {
        self.link.change(|c| c.cut = true);
    }

    /// Everything passes again, what was held up included.
    pub fn heal(&self) {
        self.link.change(|c| (c.cut, c.loses_replies) = (false, false));
    }

    /// Whether the connection is cut.
    pub fn is_cut(&self) -> bool {
        self.link.condition().cut
    }

    /// Requests arrive and are carried out, but their answers are lost.
    pub fn lose_replies(&self) {
        self.link.change(|c| c.loses_replies = true);
    }

    /// Every call takes this long, half of it before the store carries it out; watches
    /// tell so much later. Zero for a store that answers at once.
    pub fn slow(&self, latency: Duration) {
        self.link.change(|c| c.latency = latency);
    }

    /// Breaks the connection: watches end at once; the next call makes a new one.
    pub fn reset(&self) {
        self.link.change(|c| c.generation += 1);
    }

    /// Sends a request, waits for its answer. The request lives on, in a task of its
    /// own, when the caller gives up.
    async fn call<T, F, Fut>(&self, call: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(Embedded) -> Fut + Send + 'static,
        Fut: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let condition = self.link.condition();
        if !condition.cut && !condition.loses_replies && condition.latency.is_zero() {
            return call(self.store.clone()).await;
        }
        let (link, store) = (self.link.clone(), self.store.clone());
        let sent = tokio::spawn(async move {
            link.pass(true).await;
            let answer = call(store).await;
            link.pass(false).await;
            answer
        });
        match timeout(CALL_TIMEOUT, sent).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(StoreError::Unavailable("the connection broke".into())),
            Err(_) => Err(StoreError::Unavailable(format!(
                "no answer within {CALL_TIMEOUT:?}"
            ))),
        }
    }
}

impl Link {
    fn condition(&self) -> Condition {
        *self.condition.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Condition)) {
        change(&mut self.condition.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_waiters();
    }

    /// One way through the connection.
    async fn pass(&self, request: bool) {
        let latency = self.condition().latency / 2;
        if !latency.is_zero() {
            sleep(latency).await;
        }
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let condition = self.condition();
            if !condition.cut && (request || !condition.loses_replies) {
                return;
            }
            changed.await;
        }
    }

    /// Waits until the connection is reset, or has been cut for too long.
    async fn broken(&self, generation: u64) -> StoreError {
        let mut silent_since = None;
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let condition = self.condition();
            if condition.generation != generation {
                return StoreError::Unavailable("the connection was reset".into());
            }
            if !condition.cut && !condition.loses_replies {
                silent_since = None;
                changed.await;
                continue;
            }
            let since = *silent_since.get_or_insert_with(Instant::now);
            if timeout_at(since + SILENCE_MAX, changed).await.is_err() {
                return StoreError::Unavailable(format!("silent for {SILENCE_MAX:?}"));
            }
        }
    }
}

struct ClientWatch {
    watch: Box<dyn Watch>,
    link: Arc<Link>,
    generation: u64,
    /// Taken from the store, and still on its way.
    under_way: Option<WatchEvent>,
    done: bool,
}

#[async_trait]
impl Watch for ClientWatch {
    async fn next(&mut self) -> Result<WatchEvent, StoreError> {
        if self.done {
            return Err(StoreError::Unavailable("the watch has ended".into()));
        }
        let link = self.link.clone();
        let (watch, under_way) = (&mut self.watch, &mut self.under_way);
        let told = async {
            if under_way.is_none() {
                *under_way = Some(watch.next().await?);
            }
            link.pass(false).await;
            under_way
                .take()
                .ok_or_else(|| StoreError::Unavailable("nothing was under way".into()))
        };
        let result = tokio::select! {
            biased;
            error = link.broken(self.generation) => Err(error),
            told = told => told,
        };
        self.done = result.is_err();
        result
    }
}

#[async_trait]
impl Store for Client {
    async fn snapshot(&self, prefix: &str) -> Result<Snapshot, StoreError> {
        let prefix = prefix.to_owned();
        self.call(move |store| async move { store.snapshot(&prefix).await })
            .await
    }

    async fn get(&self, key: &str) -> Result<Option<KeyValue>, StoreError> {
        let key = key.to_owned();
        self.call(move |store| async move { store.get(&key).await }).await
    }

    async fn watch(&self, prefix: &str, after: Revision) -> Result<Box<dyn Watch>, StoreError> {
        let generation = self.link.condition().generation;
        let prefix = prefix.to_owned();
        let watch = self
            .call(move |store| async move { store.watch(&prefix, after).await })
            .await?;
        let link = self.link.clone();
        Ok(Box::new(ClientWatch {
            watch,
            link,
            generation,
            under_way: None,
            done: false,
        }))
    }

    async fn txn(&self, txn: Txn) -> Result<Outcome, StoreError> {
        self.call(move |store| async move { store.txn(txn).await }).await
    }

    async fn grant(&self, ttl: Duration) -> Result<LeaseId, StoreError> {
        self.call(move |store| async move { store.grant(ttl).await })
            .await
    }

    async fn keep_alive(&self, lease: LeaseId) -> Result<(), StoreError> {
        self.call(move |store| async move { store.keep_alive(lease).await })
            .await
    }

    async fn revoke(&self, lease: LeaseId) -> Result<(), StoreError> {
        self.call(move |store| async move { store.revoke(lease).await })
            .await
    }
}
