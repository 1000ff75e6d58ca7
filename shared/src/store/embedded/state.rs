//! What the embedded store holds, and what a request makes of it.
//!
//! What do we store? Every key's present value with its create and mod revision; the
//! leases; and the last changes, in revision order, for watches that start in the past.
//! Nothing in here knows files, threads or waiting. A request is *drafted* against the
//! state (and against what earlier requests of the same batch drafted), then the whole
//! draft is made durable by whoever owns the state, and only then *applied*: nobody ever
//! sees a change that a crash could take back.

mod draft;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    ops::Bound,
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;

pub(super) use self::draft::{Delta, Draft, LeaseChange, Reply, Request};
use crate::store::{Change, KeyValue, LeaseId, Revision, StoreError};

/// How much of the past is kept for watches; the older half of what overflows is forgotten.
#[derive(Clone, Copy, Debug)]
pub struct History {
    /// Changes kept at most.
    pub changes_max: usize,
    /// Bytes of keys and values kept at most.
    pub bytes_max: usize,
}

impl Default for History {
    fn default() -> History {
        History {
            changes_max: 50_000,
            bytes_max: 32 << 20,
        }
    }
}

/// A key's value as it stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stored {
    pub value: Vec<u8>,
    pub create_revision: Revision,
    pub mod_revision: Revision,
    pub lease: LeaseId,
}

/// A key and what it became; `None` is a deletion.
pub(super) type Changed = (Arc<str>, Option<Arc<Stored>>);

/// The changes of one transaction, all of the same revision.
#[derive(Clone, Debug)]
pub(super) struct Commit {
    pub revision: Revision,
    pub changes: Arc<[Changed]>,
}

impl Commit {
    fn bytes(&self) -> usize {
        let value = |s: &Option<Arc<Stored>>| s.as_ref().map_or(0, |s| s.value.len());
        self.changes.iter().map(|(k, s)| 64 + k.len() + value(s)).sum()
    }
}

#[derive(Clone, Debug)]
pub(super) struct Lease {
    pub ttl: Duration,
    pub deadline: Instant,
    keys: BTreeSet<Arc<str>>,
}

/// What a watch finds when it looks.
pub(super) enum Seen {
    /// The position has been forgotten.
    Forgotten,
    /// Changes up to and including this revision.
    Changes(Revision, Vec<Change>),
    /// Nothing for this prefix up to this revision.
    Nothing(Revision),
}

#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub revision: Revision,
    pub last_lease: LeaseId,
    keys: BTreeMap<Arc<str>, Arc<Stored>>,
    leases: BTreeMap<LeaseId, Lease>,
    /// Revisions `forgotten + 1 ..= revision`, without a gap.
    history: VecDeque<Commit>,
    forgotten: Revision,
    changes_kept: usize,
    bytes_kept: usize,
    pub limits: History,
}

impl State {
    /// An empty state, at revision 1 as a new etcd is.
    pub fn new() -> State {
        State {
            revision: 1,
            forgotten: 1,
            ..State::default()
        }
    }

    /// The state that a file held. Its leases get their full time again, since nobody
    /// could renew one while the store was closed; its past is forgotten.
    pub fn restored(
        revision: Revision,
        last_lease: LeaseId,
        keys: Vec<(String, Stored)>,
        leases: Vec<(LeaseId, Duration)>,
        now: Instant,
    ) -> State {
        let revision = revision.max(1);
        let mut state = State {
            revision,
            last_lease,
            forgotten: revision,
            ..State::default()
        };
        for (id, ttl) in leases {
            state.leases.insert(
                id,
                Lease {
                    ttl,
                    deadline: now + ttl,
                    keys: BTreeSet::new(),
                },
            );
        }
        for (key, stored) in keys {
            state.set(&Arc::from(key), Some(Arc::new(stored)));
        }
        state
    }

    pub fn get(&self, key: &str) -> Option<(Arc<str>, Arc<Stored>)> {
        self.keys.get_key_value(key).map(|(k, s)| (k.clone(), s.clone()))
    }

    /// All keys under a prefix, cheaply: the values are shared.
    pub fn list(&self, prefix: &str) -> Vec<(Arc<str>, Arc<Stored>)> {
        self.keys
            .range::<str, _>((Bound::Included(prefix), Bound::Unbounded))
            .take_while(|(k, _)| k.starts_with(prefix))
            .map(|(k, s)| (k.clone(), s.clone()))
            .collect()
    }

    /// Changes under a prefix after a revision: at least `changes_max`, if there are as
    /// many, and always whole revisions.
    pub fn look(&self, prefix: &str, after: Revision, changes_max: usize) -> Seen {
        // Revision 1 is the empty store's: it has no changes to forget.
        if after < self.forgotten && self.forgotten > 1 {
            return Seen::Forgotten;
        }
        let known = (after - self.forgotten).max(0) as usize;
        let (mut upto, mut changes) = (self.revision, Vec::new());
        for commit in self.history.iter().skip(known) {
            let told = commit.changes.iter().filter(|(key, _)| key.starts_with(prefix));
            changes.extend(told.map(|(key, stored)| match stored {
                Some(stored) => Change::Put(key_value(key, stored)),
                None => Change::Deleted {
                    key: key.to_string(),
                    mod_revision: commit.revision,
                },
            }));
            if changes.len() >= changes_max {
                upto = commit.revision;
                break;
            }
        }
        if changes.is_empty() {
            Seen::Nothing(upto.max(after))
        } else {
            Seen::Changes(upto, changes)
        }
    }

    /// Renews a lease, unless its time is over already: then it stays over, even if its
    /// keys are still there for a moment.
    pub fn keep_alive(&mut self, id: LeaseId, now: Instant) -> Result<(), StoreError> {
        match self.leases.get_mut(&id) {
            Some(lease) if lease.deadline > now => {
                lease.deadline = now + lease.ttl;
                Ok(())
            }
            _ => Err(StoreError::LeaseGone),
        }
    }

    /// When the next lease ends, if nobody renews it.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.leases.values().map(|l| l.deadline).min()
    }

    /// Gives every lease its full time again.
    pub fn renew_all(&mut self, now: Instant) {
        for lease in self.leases.values_mut() {
            lease.deadline = now + lease.ttl;
        }
    }

    /// Takes over a draft that has been made durable.
    pub fn apply(&mut self, delta: Delta) {
        for (id, change) in delta.leases {
            match change {
                LeaseChange::Granted { ttl, deadline } => {
                    self.leases.insert(
                        id,
                        Lease {
                            ttl,
                            deadline,
                            keys: BTreeSet::new(),
                        },
                    );
                }
                LeaseChange::Ended => {
                    self.leases.remove(&id);
                }
            }
        }
        self.last_lease = delta.last_lease;
        for commit in delta.commits {
            for (key, stored) in commit.changes.iter() {
                self.set(key, stored.clone());
            }
            self.revision = commit.revision;
            self.changes_kept += commit.changes.len();
            self.bytes_kept += commit.bytes();
            self.history.push_back(commit);
        }
        while self.changes_kept > self.limits.changes_max || self.bytes_kept > self.limits.bytes_max {
            if !self.forget_oldest() {
                break;
            }
        }
    }

    /// Forgets changes up to and including a revision.
    pub fn compact(&mut self, revision: Revision) {
        while self.forgotten < revision && self.forget_oldest() {}
    }

    fn forget_oldest(&mut self) -> bool {
        let Some(commit) = self.history.pop_front() else {
            return false;
        };
        self.changes_kept -= commit.changes.len();
        self.bytes_kept -= commit.bytes();
        self.forgotten = commit.revision;
        true
    }

    fn set(&mut self, key: &Arc<str>, stored: Option<Arc<Stored>>) {
        let (before, after) = (
            self.keys.get(key).map_or(0, |s| s.lease),
            stored.as_ref().map_or(0, |s| s.lease),
        );
        if before != after {
            if let Some(lease) = self.leases.get_mut(&before) {
                lease.keys.remove(key);
            }
            if let Some(lease) = self.leases.get_mut(&after) {
                lease.keys.insert(key.clone());
            }
        }
        match stored {
            Some(stored) => self.keys.insert(key.clone(), stored),
            None => self.keys.remove(key),
        };
    }
}

pub(super) fn key_value(key: &str, stored: &Stored) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: stored.value.clone(),
        create_revision: stored.create_revision,
        mod_revision: stored.mod_revision,
        lease: stored.lease,
    }
}

#[cfg(test)]
mod tests;
