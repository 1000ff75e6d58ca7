//! The one way to follow a prefix: a copy of it in memory that keeps itself current.
//!
//! A mirror lists at a revision, watches from there, and lists again whenever the watch
//! ends, for whatever reason: compaction, cancellation, silence, a broken connection.
//! It never resumes a watch blindly: a store that was restored from a backup meanwhile
//! counts other revisions, and only a list tells. What a list does not change is kept
//! as it is, so listing again costs the reading and no decoding.
//!
//! It tells its owner only "look again"; a look is a consistent snapshot, an `Arc`. A
//! batch of changes is applied in place unless somebody holds the last snapshot; then
//! the map is copied once (two counters an entry, not the values).

mod follow;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{sync::Notify, task::AbortHandle, time::Instant};

use self::follow::Follow;
use super::{DynStore, KeyValue, LeaseId, Revision};

/// A value that could be decoded.
#[derive(Debug)]
pub struct Entry<T> {
    pub value: Arc<T>,
    pub create_revision: Revision,
    pub mod_revision: Revision,
    /// Zero for none.
    pub lease: LeaseId,
    /// Tells two values of one revision apart (a store restored from a backup).
    fingerprint: u64,
}

// Not derived: an entry is copied whatever its value is.
impl<T> Clone for Entry<T> {
    fn clone(&self) -> Entry<T> {
        Entry {
            value: self.value.clone(),
            ..*self
        }
    }
}

/// A value that could not be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    pub reason: String,
    pub create_revision: Revision,
    pub mod_revision: Revision,
    fingerprint: u64,
}

/// A prefix as it stood at one revision.
#[derive(Debug)]
pub struct MirrorState<T> {
    entries: BTreeMap<Arc<str>, Entry<T>>,
    broken: BTreeMap<Arc<str>, Broken>,
    revision: Revision,
    stale_since: Option<Instant>,
    trouble: Option<String>,
    /// The number of the list that this rests on.
    lists: u64,
}

impl<T> Clone for MirrorState<T> {
    fn clone(&self) -> MirrorState<T> {
        MirrorState {
            entries: self.entries.clone(),
            broken: self.broken.clone(),
            trouble: self.trouble.clone(),
            ..*self
        }
    }
}

impl<T> MirrorState<T> {
    /// The value at a key (the whole key, the mirror's prefix included).
    pub fn get(&self, key: &str) -> Option<&T> {
        self.entries.get(key).map(|e| &*e.value)
    }

    /// The value at a key with its revisions.
    pub fn entry(&self, key: &str) -> Option<&Entry<T>> {
        self.entries.get(key)
    }

    /// All values, in key order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Entry<T>)> {
        self.entries.iter().map(|(k, e)| (&**k, e))
    }

    /// All values whose keys start with `prefix`, in key order.
    pub fn under<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a Entry<T>)> {
        let from = (std::ops::Bound::Included(prefix), std::ops::Bound::Unbounded);
        let entries = self.entries.range::<str, _>(from).map(|(k, e)| (&**k, e));
        entries.take_while(move |(k, _)| k.starts_with(prefix))
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The values that could not be decoded, with the reasons.
    pub fn broken(&self) -> &BTreeMap<Arc<str>, Broken> {
        &self.broken
    }

    /// Everything up to this revision is in here. Zero before the first list.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// Whether the prefix has been listed at all.
    pub fn is_ready(&self) -> bool {
        self.lists > 0
    }

    /// Since when the mirror has had no word from the store; `None` while it is current.
    pub fn stale_since(&self) -> Option<Instant> {
        self.stale_since
    }

    /// Why it is not current.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }
}

/// A prefix, followed. Clones share the copy and each have their own `changed`; the
/// last one to go ends the watch.
pub struct Mirror<T> {
    shared: Arc<Shared<T>>,
    /// The version that `changed` last told.
    seen: AtomicU64,
    _follower: Arc<Follower>,
}

impl<T> Clone for Mirror<T> {
    fn clone(&self) -> Mirror<T> {
        Mirror {
            shared: self.shared.clone(),
            seen: AtomicU64::new(self.seen.load(Ordering::Acquire)),
            _follower: self._follower.clone(),
        }
    }
}

struct Follower(AbortHandle);

impl Drop for Follower {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct Shared<T> {
    state: Mutex<Arc<MirrorState<T>>>,
    version: AtomicU64,
    changed: Notify,
    /// The owner wants a fresh list.
    relist: Notify,
    /// How many lists have been begun.
    begun: AtomicU64,
}

impl<T: Send + Sync + 'static> Mirror<T> {
    /// Starts to follow a prefix. Needs a tokio runtime.
    pub fn spawn<D>(store: DynStore, prefix: impl Into<String>, decode: D) -> Mirror<T>
    where
        D: Fn(&KeyValue) -> Result<T, String> + Send + Sync + 'static,
    {
        let state = MirrorState {
            entries: BTreeMap::new(),
            broken: BTreeMap::new(),
            revision: 0,
            stale_since: Some(Instant::now()),
            trouble: Some("not listed yet".into()),
            lists: 0,
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(Arc::new(state)),
            version: AtomicU64::new(0),
            changed: Notify::new(),
            relist: Notify::new(),
            begun: AtomicU64::new(0),
        });
        let mut follow = Follow {
            store,
            prefix: prefix.into(),
            decode,
            shared: shared.clone(),
            heard: false,
        };
        let task = tokio::spawn(async move { follow.run().await });
        Mirror {
            shared,
            seen: AtomicU64::new(0),
            _follower: Arc::new(Follower(task.abort_handle())),
        }
    }

    /// The copy as it stands, at once. Stays as it is however long it is held.
    pub fn snapshot(&self) -> Arc<MirrorState<T>> {
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Returns when something is different from when this last returned: values, or
    /// whether the mirror is current. Look again then; several changes are told once.
    pub async fn changed(&self) {
        self.shared
            .until(|version, _| version != self.seen.load(Ordering::Acquire))
            .await;
        self.seen
            .store(self.shared.version.load(Ordering::Acquire), Ordering::Release);
    }

    /// Waits for the first list; returns the copy.
    pub async fn ready(&self) -> Arc<MirrorState<T>> {
        self.shared.until(|_, state| state.is_ready()).await;
        self.snapshot()
    }

    /// Waits until everything up to a revision is in the copy: one at which this process
    /// has just written under the prefix. Of writes elsewhere an old etcd does not tell;
    /// `refresh` does. May wait for ever if the store is put back to an earlier revision.
    pub async fn reached(&self, revision: Revision) -> Arc<MirrorState<T>> {
        self.shared.until(|_, state| state.revision >= revision).await;
        self.snapshot()
    }

    /// Lists again and returns what is at least as new as this call: for decisions that
    /// must not rest on an older view. Waits for as long as the store is down.
    pub async fn refresh(&self) -> Arc<MirrorState<T>> {
        // A list that is under way may have been answered before this call: the next one.
        let wanted = self.shared.begun.load(Ordering::Acquire) + 1;
        self.shared.relist.notify_one();
        self.shared.until(|_, state| state.lists >= wanted).await;
        self.snapshot()
    }
}

impl<T> Shared<T> {
    async fn until(&self, holds: impl Fn(u64, &MirrorState<T>) -> bool) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            {
                let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                if holds(self.version.load(Ordering::Acquire), &state) {
                    return;
                }
            }
            changed.await;
        }
    }

    /// Changes the state; `edit` says whether an owner needs to look.
    fn edit(&self, edit: impl FnOnce(&mut MirrorState<T>) -> bool) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if edit(Arc::make_mut(&mut state)) {
            self.version.fetch_add(1, Ordering::AcqRel);
        }
        drop(state);
        self.changed.notify_waiters();
    }
}
