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

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::Notify,
    task::AbortHandle,
    time::{Instant, sleep},
};

use super::{Change, DynStore, KeyValue, LeaseId, Revision, Snapshot, StoreError, WatchEvent};

/// The first wait after an error, and the longest.
const BACKOFF_MIN: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(5);

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

    /// Waits until everything up to a revision is in the copy (what this process has
    /// just written under the prefix, for example).
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

/// Why following came to an end.
enum End {
    Error(StoreError),
    /// The owner asked for a fresh list.
    Refresh,
}

struct Follow<T, D> {
    store: DynStore,
    prefix: String,
    decode: D,
    shared: Arc<Shared<T>>,
}

impl<T, D> Follow<T, D>
where
    T: Send + Sync + 'static,
    D: Fn(&KeyValue) -> Result<T, String> + Send + Sync + 'static,
{
    async fn run(&mut self) {
        let mut failures: u32 = 0;
        loop {
            let listed_before = self.lists();
            match self.follow().await {
                End::Refresh => continue,
                End::Error(error) => self.stale(&error),
            }
            // A watch that lived for a while makes the first error a first one again.
            failures = if self.lists() > listed_before {
                0
            } else {
                failures.saturating_add(1)
            };
            sleep(self.backoff(failures)).await;
        }
    }

    /// Lists, then watches until something ends it.
    async fn follow(&mut self) -> End {
        let number = self.shared.begun.fetch_add(1, Ordering::AcqRel) + 1;
        let list = match self.store.snapshot(&self.prefix).await {
            Ok(list) => list,
            Err(error) => return End::Error(error),
        };
        let revision = list.revision;
        self.take_list(list, number);
        let mut watch = match self.store.watch(&self.prefix, revision).await {
            Ok(watch) => watch,
            Err(error) => return End::Error(error),
        };
        let shared = self.shared.clone();
        loop {
            let event = tokio::select! {
                biased;
                () = shared.relist.notified() => return End::Refresh,
                event = watch.next() => event,
            };
            match event {
                Ok(WatchEvent::Changes { revision, changes }) => self.take_changes(revision, changes),
                Ok(WatchEvent::Progress { revision }) => self.shared.edit(|state| {
                    state.revision = state.revision.max(revision);
                    false
                }),
                Err(error) => return End::Error(error),
            }
        }
    }

    /// Makes the copy what the list says, whatever it was. Values that are the same are
    /// kept undecoded.
    fn take_list(&self, list: Snapshot, lists: u64) {
        let Snapshot { revision, kvs } = list;
        let before = self
            .shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let (mut entries, mut broken, mut same) = (BTreeMap::new(), BTreeMap::new(), 0);
        for kv in kvs {
            let fingerprint = fingerprint(&kv);
            if let Some((key, entry)) = before.entries.get_key_value(kv.key.as_str())
                && entry.fingerprint == fingerprint
            {
                entries.insert(key.clone(), entry.clone());
                same += 1;
            } else if let Some((key, reason)) = before.broken.get_key_value(kv.key.as_str())
                && reason.fingerprint == fingerprint
            {
                broken.insert(key.clone(), reason.clone());
                same += 1;
            } else {
                self.decode(kv, fingerprint, &mut entries, &mut broken);
            }
        }
        let was = before.entries.len() + before.broken.len();
        let changed = same < was || entries.len() + broken.len() > same;
        let news = changed || before.stale_since.is_some() || !before.is_ready();
        drop(before);
        self.shared.edit(|state| {
            *state = MirrorState {
                entries,
                broken,
                revision,
                stale_since: None,
                trouble: None,
                lists,
            };
            news
        });
    }

    fn take_changes(&self, revision: Revision, changes: Vec<Change>) {
        self.shared.edit(|state| {
            for change in changes {
                match change {
                    Change::Put(kv) => {
                        state.entries.remove(kv.key.as_str());
                        state.broken.remove(kv.key.as_str());
                        let fingerprint = fingerprint(&kv);
                        self.decode(kv, fingerprint, &mut state.entries, &mut state.broken);
                    }
                    Change::Deleted { key, .. } => {
                        state.entries.remove(key.as_str());
                        state.broken.remove(key.as_str());
                    }
                }
            }
            state.revision = state.revision.max(revision);
            true
        });
    }

    /// Decodes one value into where it belongs. Not even a decoder that panics harms
    /// the other values.
    fn decode(
        &self,
        kv: KeyValue,
        fingerprint: u64,
        entries: &mut BTreeMap<Arc<str>, Entry<T>>,
        broken: &mut BTreeMap<Arc<str>, Broken>,
    ) {
        let decoded = catch_unwind(AssertUnwindSafe(|| (self.decode)(&kv)))
            .unwrap_or_else(|_| Err("reading it failed: a bug; see the log".into()));
        let KeyValue {
            key,
            create_revision,
            mod_revision,
            lease,
            ..
        } = kv;
        match decoded {
            Ok(value) => {
                let value = Arc::new(value);
                let entry = Entry {
                    value,
                    create_revision,
                    mod_revision,
                    lease,
                    fingerprint,
                };
                entries.insert(Arc::from(key), entry);
            }
            Err(reason) => {
                tracing::warn!(store.key = %key, %reason, "a stored value cannot be read");
                let reason = Broken {
                    reason,
                    create_revision,
                    mod_revision,
                    fingerprint,
                };
                broken.insert(Arc::from(key), reason);
            }
        }
    }

    /// The copy stays, and says since when it may be old.
    fn stale(&self, error: &StoreError) {
        tracing::info!(store.prefix = %self.prefix, %error, "the mirror lists again");
        self.shared.edit(|state| {
            let news = state.stale_since.is_none();
            state.stale_since.get_or_insert_with(Instant::now);
            state.trouble = Some(error.to_string());
            news
        });
    }

    fn lists(&self) -> u64 {
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .lists
    }

    /// Twice as long with each failure, and spread: half of it depends on who waits.
    fn backoff(&self, failures: u32) -> Duration {
        let most = BACKOFF_MIN.saturating_mul(1 << failures.min(10)).min(BACKOFF_MAX);
        let mut hasher = DefaultHasher::new();
        (self.store.spread(), &self.prefix, failures).hash(&mut hasher);
        most / 2 + most.mul_f64((hasher.finish() % 1000) as f64 / 2000.0)
    }
}

fn fingerprint(kv: &KeyValue) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&kv.value, kv.mod_revision, kv.create_revision, kv.lease).hash(&mut hasher);
    hasher.finish()
}
