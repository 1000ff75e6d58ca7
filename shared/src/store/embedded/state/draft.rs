//! Requests, carried out on top of a state that stays as it is until they are durable.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;

use super::{Changed, Commit, State, Stored};
use crate::store::{Compare, LeaseId, Outcome, Revision, StoreError, Txn, Write, check_txn};

/// What a caller asks for.
#[derive(Debug)]
pub(in crate::store::embedded) enum Request {
    Txn(Txn),
    Grant(Duration),
    Revoke(LeaseId),
}

/// What it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store::embedded) enum Reply {
    Txn(Outcome),
    Granted(LeaseId),
    Revoked,
}

#[derive(Clone, Copy, Debug)]
pub(in crate::store::embedded) enum LeaseChange {
    Granted { ttl: Duration, deadline: Instant },
    Ended,
}

/// All that a batch of requests changes.
#[derive(Debug)]
pub(in crate::store::embedded) struct Delta {
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
pub(in crate::store::embedded) struct Draft<'a> {
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
    fn written(&self, write: Write, revision: Revision) -> Option<Changed> {
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

    fn commit(&mut self, changes: Vec<Changed>) {
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
