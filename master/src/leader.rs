//! Election, and the value that every write of a leader needs.
//!
//! The leader's key is created only if absent, with the master's lease. Being elected
//! only saves work: what keeps a former leader from doing harm is that each of its
//! transactions compares the key's create revision.
//!
//! All of a leader's transactions form one chain besides: each compares and rewrites the
//! key `plan`. A transaction whose answer was lost may still be carried out, much later;
//! then either it comes before the next one, which is refused and decided again, or it
//! finds the chain moved on and is refused itself. So a plan never rests on a guess of
//! what an earlier one did.

use std::{sync::Arc, time::Duration};

use shared::{
    id::MasterId,
    keys,
    store::{
        Compare, DynStore, LeaseId, Outcome, Revision, StoreError, TXN_OPS_MAX, Txn, Write, lease::KeptLease,
    },
};
use tokio::{
    sync::Mutex,
    time::{sleep, timeout},
};

use crate::view::View;

/// How many writes (and compares) a leader's transaction has room for.
pub const OPS_MAX: usize = TXN_OPS_MAX - 2;

/// How often a candidate looks without having been told of a change.
const LOOK: Duration = Duration::from_secs(5);
/// After it lost to somebody of whom the mirror does not know yet.
const SOON: Duration = Duration::from_millis(50);
/// How long a candidate waits after an error.
const AGAIN: Duration = Duration::from_secs(1);

/// This master leads, or did: the store decides with each write. Clones are the same
/// leader.
#[derive(Clone)]
pub struct Leader {
    term: Arc<Term>,
}

struct Term {
    id: MasterId,
    create_revision: Revision,
    store: DynStore,
    chain: Mutex<Chain>,
}

/// What is known of the key `plan`.
#[derive(Default)]
struct Chain {
    /// Its mod revision, as it was last known.
    last: Option<Revision>,
    /// Whether that is still so: not after a transaction that was refused or had no answer.
    is_sure: bool,
    /// Grows whenever the key turns out to be something that nobody here was told.
    epoch: u64,
}

/// What a decision rests on: that every transaction of this leader whose answer was lost
/// is known to have been carried out, or never will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    epoch: u64,
}

impl Leader {
    pub fn id(&self) -> &MasterId {
        &self.term.id
    }

    /// The leader key's create revision: the number of this term.
    pub fn create_revision(&self) -> Revision {
        self.term.create_revision
    }

    /// The transaction, if this master still leads.
    pub fn fence(&self, mut txn: Txn) -> Txn {
        txn.compares.push(Compare::CreateRevision(
            keys::LEADER.into(),
            self.term.create_revision,
        ));
        txn
    }

    /// Begins to decide. If the link differs from the one before, copies of the store that
    /// were read before this call may miss what this leader itself wrote.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn link(&self) -> Result<Link, StoreError> {
        let mut chain = self.term.chain.lock().await;
        self.make_sure(&mut chain).await?;
        Ok(Link { epoch: chain.epoch })
    }

    /// Carries out a transaction that was decided on `link`. `Refused` says that something
    /// is not as it was, or that another master leads: look again, decide again.
    ///
    /// # Errors
    /// The store did not answer: whether the transaction was carried out is unknown until
    /// there is a new link.
    pub async fn commit(&self, link: Link, txn: Txn) -> Result<Outcome, StoreError> {
        let mut chain = self.term.chain.lock().await;
        let last = self.make_sure(&mut chain).await?;
        if link.epoch != chain.epoch {
            return Ok(Outcome::Refused(last));
        }
        let mut txn = self.fence(txn);
        txn.compares.push(Compare::ModRevision(keys::PLAN.into(), last));
        txn.writes.push(Write::Put {
            key: keys::PLAN.into(),
            value: serde_json::to_vec(&self.term.id).unwrap_or_default(),
            lease: None,
        });
        // Before the call: it may be cancelled half way.
        chain.is_sure = false;
        let outcome = self.term.store.txn(txn).await?;
        if let Outcome::Committed(revision) = outcome {
            chain.last = Some(revision);
            chain.is_sure = true;
        }
        Ok(outcome)
    }

    async fn make_sure(&self, chain: &mut Chain) -> Result<Revision, StoreError> {
        if let (true, Some(last)) = (chain.is_sure, chain.last) {
            return Ok(last);
        }
        let plan = self.term.store.get(keys::PLAN).await?;
        let found = plan.map_or(0, |kv| kv.mod_revision);
        if chain.last != Some(found) {
            chain.epoch += 1;
        }
        chain.last = Some(found);
        chain.is_sure = true;
        Ok(found)
    }
}

/// Waits until this master leads. Drop it to give up; `lease` is the master's own.
pub async fn elect(store: &DynStore, view: &View, id: &MasterId, lease: &KeptLease) -> Leader {
    loop {
        match stand(store, id, lease.id()).await {
            Ok(Some(create_revision)) => {
                tracing::info!(master.id = %id, "leading");
                let term = Term {
                    id: id.clone(),
                    create_revision,
                    store: store.clone(),
                    chain: Mutex::default(),
                };
                return Leader { term: Arc::new(term) };
            }
            Ok(None) => {
                let vacant = async {
                    while view.leader.snapshot().entry(keys::LEADER).is_some() {
                        view.leader.changed().await;
                    }
                };
                // The mirror may be late in either direction: look again all the same.
                if timeout(LOOK, vacant).await.is_ok() {
                    sleep(SOON).await;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "could not stand for election; trying again");
                sleep(AGAIN).await;
            }
        }
    }
}

/// Stands for election once: the key's create revision, if it is ours.
async fn stand(store: &DynStore, id: &MasterId, lease: LeaseId) -> Result<Option<Revision>, StoreError> {
    let txn = Txn {
        compares: vec![Compare::CreateRevision(keys::LEADER.into(), 0)],
        writes: vec![Write::Put {
            key: keys::LEADER.into(),
            value: serde_json::to_vec(id).unwrap_or_default(),
            lease: Some(lease),
        }],
    };
    match store.txn(txn).await? {
        Outcome::Committed(revision) => Ok(Some(revision)),
        // It may be ours all the same: an answer of ours was lost.
        Outcome::Refused(_) => {
            let holder = store.get(keys::LEADER).await?;
            Ok(holder.filter(|kv| kv.lease == lease).map(|kv| kv.create_revision))
        }
    }
}

/// Returns once the leader's key is no longer this term's.
pub async fn deposed(view: &View, leader: &Leader) {
    let is_ours = || {
        let state = view.leader.snapshot();
        // A copy from before the election says nothing.
        state.revision() < leader.create_revision()
            || state
                .entry(keys::LEADER)
                .is_some_and(|e| e.create_revision == leader.create_revision())
    };
    while is_ours() {
        view.leader.changed().await;
    }
}
