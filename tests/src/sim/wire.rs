//! A process' connection to the store: each transaction goes into the trace, and until when
//! the process may rely on its lease is reckoned here once more, from outside.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use shared::{
    keys,
    store::{
        Compare, KeyValue, LeaseId, Outcome, Revision, Snapshot, Store, StoreError, Txn, Watch, Write,
        embedded::Client,
    },
};
use tokio::time::Instant;

use super::trace::Trace;

/// One process' view of the store.
pub struct Wire {
    client: Client,
    who: String,
    trace: Trace,
    leases: Mutex<BTreeMap<LeaseId, Held>>,
    lapses: Mutex<Vec<Instant>>,
    registrations: Mutex<Vec<Registered>>,
}

/// The process learned that its node's key is there.
#[derive(Clone, Copy, Debug)]
pub struct Registered {
    pub at: Instant,
    /// The key had been there before, without a gap.
    pub continues: bool,
}

struct Held {
    ttl: Duration,
    deadline: Instant,
    /// A key hangs on it, as far as the process knows.
    has_key: bool,
    /// The node's key was asked to hang on it, where it was there already, or not.
    continues: Option<bool>,
}

impl Wire {
    pub fn new(client: Client, who: &str, trace: Trace) -> Wire {
        Wire {
            client,
            who: who.to_owned(),
            trace,
            leases: Mutex::default(),
            lapses: Mutex::default(),
            registrations: Mutex::default(),
        }
    }

    /// Whether the process may count on this lease, now: its last renewal that succeeded was
    /// sent less than its length ago.
    pub fn holds(&self, lease: LeaseId) -> bool {
        self.leases()
            .get(&lease)
            .is_some_and(|held| Instant::now() < held.deadline)
    }

    /// When deadlines of leases with a key passed that no renewal had moved on.
    pub fn lapses(&self) -> Vec<Instant> {
        let open = self
            .leases()
            .values()
            .filter_map(Held::lapsed)
            .collect::<Vec<_>>();
        let mut all = self.lapses.lock().unwrap_or_else(PoisonError::into_inner).clone();
        all.extend(open);
        all
    }

    /// Each time that it learned of a registration of its node.
    pub fn registrations(&self) -> Vec<Registered> {
        self.registrations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The process learns that the node's key hangs on a lease of its own.
    fn registered(&self, lease: LeaseId) {
        let continues = self
            .leases()
            .get_mut(&lease)
            .and_then(|held| held.continues.take());
        let registered = continues.map(|continues| Registered {
            at: Instant::now(),
            continues,
        });
        self.registrations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(registered);
    }

    /// The lease that a node's key is to hang on, and whether the key is to be there already.
    fn registration(&self, txn: &Txn) -> Option<(LeaseId, bool)> {
        let key = keys::node(&self.who.parse().ok()?);
        let lease = txn.writes.iter().find_map(|write| match write {
            Write::Put { key: put, lease, .. } if *put == key => *lease,
            _ => None,
        })?;
        let is_there = txn
            .compares
            .iter()
            .any(|c| matches!(c, Compare::ModRevision(k, revision) if *k == key && *revision != 0));
        Some((lease, is_there))
    }

    fn leases(&self) -> MutexGuard<'_, BTreeMap<LeaseId, Held>> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn lapsed(&self) -> Option<Instant> {
        (self.has_key && self.deadline <= Instant::now()).then_some(self.deadline)
    }
}

fn lease_of(write: &Write) -> Option<LeaseId> {
    match write {
        Write::Put { lease, .. } => *lease,
        Write::Delete { .. } => None,
    }
}

fn first_key(txn: &Txn) -> &str {
    match txn.writes.first() {
        Some(Write::Put { key, .. } | Write::Delete { key }) => key,
        None => "-",
    }
}

#[async_trait]
impl Store for Wire {
    async fn snapshot(&self, prefix: &str) -> Result<Snapshot, StoreError> {
        self.client.snapshot(prefix).await
    }

    async fn get(&self, key: &str) -> Result<Option<KeyValue>, StoreError> {
        let found = self.client.get(key).await?;
        // The answer to its transaction was lost.
        if let Some(kv) = &found {
            self.registered(kv.lease);
        }
        Ok(found)
    }

    async fn watch(&self, prefix: &str, after: Revision) -> Result<Box<dyn Watch>, StoreError> {
        self.client.watch(prefix, after).await
    }

    async fn txn(&self, txn: Txn) -> Result<Outcome, StoreError> {
        let (key, writes) = (first_key(&txn).to_owned(), txn.writes.len());
        let leases: Vec<LeaseId> = txn.writes.iter().filter_map(lease_of).collect();
        let registration = self.registration(&txn);
        if let Some((lease, is_there)) = registration
            && let Some(held) = self.leases().get_mut(&lease)
        {
            held.continues.get_or_insert(is_there);
        }
        let outcome = self.client.txn(txn).await;
        if let (Ok(Outcome::Committed(_)), Some((lease, _))) = (&outcome, registration) {
            self.registered(lease);
        }
        if let Ok(Outcome::Committed(_)) = &outcome {
            let mut held = self.leases();
            for lease in leases {
                held.entry(lease).and_modify(|held| held.has_key = true);
            }
        }
        match &outcome {
            Ok(outcome) => self
                .trace
                .tell(&self.who, format_args!("txn {key} +{writes} {outcome:?}")),
            Err(error) => self
                .trace
                .tell(&self.who, format_args!("txn {key} +{writes} {error}")),
        }
        outcome
    }

    async fn grant(&self, ttl: Duration) -> Result<LeaseId, StoreError> {
        let sent = Instant::now();
        let lease = self.client.grant(ttl).await?;
        self.leases().insert(
            lease,
            Held {
                ttl,
                deadline: sent + ttl,
                has_key: false,
                continues: None,
            },
        );
        Ok(lease)
    }

    async fn keep_alive(&self, lease: LeaseId) -> Result<(), StoreError> {
        let sent = Instant::now();
        self.client.keep_alive(lease).await?;
        // A renewal whose answer comes after the deadline is none.
        let now = Instant::now();
        if let Some(held) = self.leases().get_mut(&lease).filter(|held| now < held.deadline) {
            held.deadline = held.deadline.max(sent + held.ttl);
        }
        Ok(())
    }

    async fn revoke(&self, lease: LeaseId) -> Result<(), StoreError> {
        let lapsed = self.leases().remove(&lease).and_then(|held| held.lapsed());
        self.lapses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(lapsed);
        self.client.revoke(lease).await
    }
}
