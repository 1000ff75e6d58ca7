//! What the embedded store holds, and what a request makes of it.
//!
//! What do we store? Every key's present value with its create and mod revision; the
//! leases; and the last changes, in revision order, for watches that start in the past.
//! Nothing in here knows files, threads or waiting. A request is *drafted* against the
//! state (and against what earlier requests of the same batch drafted), then the whole
//! draft is made durable by whoever owns the state, and only then *applied*: nobody ever
//! sees a change that a crash could take back.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    ops::Bound,
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;

use crate::store::{
    Change, Compare, KeyValue, LeaseId, Outcome, Revision, StoreError, Txn, Write, check_txn,
};

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

/// The changes of one transaction, all of the same revision. `None` is a deletion.
#[derive(Clone, Debug)]
pub(super) struct Commit {
    pub revision: Revision,
    pub changes: Arc<[(Arc<str>, Option<Arc<Stored>>)]>,
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

/// What a caller asks for.
#[derive(Debug)]
pub(super) enum Request {
    Txn(Txn),
    Grant(Duration),
    Revoke(LeaseId),
}

/// What it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Txn(Outcome),
    Granted(LeaseId),
    Revoked,
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

#[derive(Clone, Copy, Debug)]
pub(super) enum LeaseChange {
    Granted { ttl: Duration, deadline: Instant },
    Ended,
}

/// All that a batch of requests changes.
#[derive(Debug)]
pub(super) struct Delta {
    pub commits: Vec<Commit>,
    pub leases: BTreeMap<LeaseId, LeaseChange>,
    pub last_lease: LeaseId,
}

impl Delta {
    pub fn is_empty(&self) -> bool {
        self.commits.is_empty() && self.leases.is_empty()
    }
}

/// Requests carried out one after another on top of a state that stays as it is.
pub(super) struct Draft<'a> {
    state: &'a State,
    now: Instant,
    revision: Revision,
    keys: HashMap<Arc<str>, Option<Arc<Stored>>>,
    delta: Delta,
}

impl<'a> Draft<'a> {
    /// An empty draft; leases whose time is over end in it first.
    pub fn new(state: &'a State, now: Instant) -> Draft<'a> {
        let delta = Delta {
            commits: Vec::new(),
            leases: BTreeMap::new(),
            last_lease: state.last_lease,
        };
        let mut draft = Draft {
            state,
            now,
            revision: state.revision,
            keys: HashMap::new(),
            delta,
        };
        for (id, lease) in &state.leases {
            if lease.deadline <= now {
                draft.end_lease(*id);
            }
        }
        draft
    }

    pub fn finish(self) -> Delta {
        self.delta
    }

    pub fn request(&mut self, request: Request) -> Result<Reply, StoreError> {
        match request {
            Request::Txn(txn) => self.txn(txn).map(Reply::Txn),
            Request::Grant(ttl) => Ok(Reply::Granted(self.grant(ttl))),
            Request::Revoke(id) if self.lease_lives(id) => {
                self.end_lease(id);
                Ok(Reply::Revoked)
            }
            Request::Revoke(_) => Err(StoreError::LeaseGone),
        }
    }

    fn txn(&mut self, txn: Txn) -> Result<Outcome, StoreError> {
        check_txn(&txn)?;
        if !txn.compares.iter().all(|c| self.holds(c)) {
            return Ok(Outcome::Refused(self.revision));
        }
        let leases = txn.writes.iter().filter_map(|w| match w {
            Write::Put { lease, .. } => *lease,
            Write::Delete { .. } => None,
        });
        for lease in leases {
            if !self.lease_lives(lease) {
                return Err(StoreError::LeaseGone);
            }
        }
        let revision = self.revision + 1;
        let changes: Vec<_> = txn
            .writes
            .into_iter()
            .filter_map(|w| self.written(w, revision))
            .collect();
        self.commit(changes);
        Ok(Outcome::Committed(self.revision))
    }

    /// What a write changes; deleting what is not there changes nothing.
    fn written(&self, write: Write, revision: Revision) -> Option<(Arc<str>, Option<Arc<Stored>>)> {
        match write {
            Write::Put { key, value, lease } => {
                let create_revision = self.get(&key).map_or(revision, |s| s.create_revision);
                let lease = lease.unwrap_or(0);
                let stored = Stored {
                    value,
                    create_revision,
                    mod_revision: revision,
                    lease,
                };
                Some((Arc::from(key), Some(Arc::new(stored))))
            }
            Write::Delete { key } => self.get(&key).map(|_| (Arc::from(key.as_str()), None)),
        }
    }

    fn grant(&mut self, ttl: Duration) -> LeaseId {
        self.delta.last_lease += 1;
        let id = self.delta.last_lease;
        self.delta.leases.insert(
            id,
            LeaseChange::Granted {
                ttl,
                deadline: self.now + ttl,
            },
        );
        id
    }

    fn end_lease(&mut self, id: LeaseId) {
        let known = self
            .state
            .leases
            .get(&id)
            .map(|l| l.keys.clone())
            .unwrap_or_default();
        let drafted = self.keys.keys().filter(|k| !known.contains(*k)).cloned();
        let mut keys: Vec<Arc<str>> = known.iter().cloned().chain(drafted).collect();
        keys.retain(|k| self.get(k).is_some_and(|s| s.lease == id));
        keys.sort();
        self.commit(keys.into_iter().map(|k| (k, None)).collect());
        self.delta.leases.insert(id, LeaseChange::Ended);
    }

    fn commit(&mut self, changes: Vec<(Arc<str>, Option<Arc<Stored>>)>) {
        if changes.is_empty() {
            return;
        }
        self.revision += 1;
        for (key, stored) in &changes {
            self.keys.insert(key.clone(), stored.clone());
        }
        self.delta.commits.push(Commit {
            revision: self.revision,
            changes: changes.into(),
        });
    }

    fn holds(&self, compare: &Compare) -> bool {
        match compare {
            Compare::ModRevision(key, rev) => self.get(key).map_or(0, |s| s.mod_revision) == *rev,
            Compare::CreateRevision(key, rev) => self.get(key).map_or(0, |s| s.create_revision) == *rev,
        }
    }

    fn get(&self, key: &str) -> Option<&Arc<Stored>> {
        match self.keys.get(key) {
            Some(drafted) => drafted.as_ref(),
            None => self.state.keys.get(key),
        }
    }

    fn lease_lives(&self, id: LeaseId) -> bool {
        match self.delta.leases.get(&id) {
            Some(LeaseChange::Granted { .. }) => true,
            Some(LeaseChange::Ended) => false,
            None => self.state.leases.contains_key(&id),
        }
    }
}

#[cfg(test)]
mod tests;
