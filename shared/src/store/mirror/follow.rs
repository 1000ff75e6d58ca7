//! The task behind a mirror: list, watch, apply, and list again when the watch ends.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, PoisonError, atomic::Ordering},
    time::Duration,
};

use tokio::time::{Instant, sleep};

use super::{Broken, Entry, MirrorState, Shared};
use crate::store::{Change, DynStore, KeyValue, Revision, Snapshot, StoreError, WatchEvent};

/// The first wait after an error, and the longest.
const BACKOFF_MIN: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// Why following came to an end.
enum End {
    Error(StoreError),
    /// The owner asked for a fresh list.
    Refresh,
}

pub(super) struct Follow<T, D> {
    pub store: DynStore,
    pub prefix: String,
    pub decode: D,
    pub shared: Arc<Shared<T>>,
    /// Whether the present watch has told anything.
    pub heard: bool,
}

impl<T, D> Follow<T, D>
where
    T: Send + Sync + 'static,
    D: Fn(&KeyValue) -> Result<T, String> + Send + Sync + 'static,
{
    /// Follows until it is aborted.
    pub async fn run(&mut self) {
        let mut failures: u32 = 0;
        loop {
            self.heard = false;
            match self.follow().await {
                End::Refresh => continue,
                End::Error(error) => self.stale(&error),
            }
            // Only a watch that told something makes the next error a first one again:
            // one that ends as soon as it begins must not cause list after list.
            failures = if self.heard { 0 } else { failures.saturating_add(1) };
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
            self.heard |= event.is_ok();
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
        self.shared.edit(|state| {
            let news = state.stale_since.is_none();
            if news {
                tracing::warn!(store.prefix = %self.prefix, %error, "the mirror lists again");
            } else {
                tracing::debug!(store.prefix = %self.prefix, %error, "the mirror still cannot list");
            }
            state.stale_since.get_or_insert_with(Instant::now);
            state.trouble = Some(error.to_string());
            news
        });
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
