//! What the store has for this node: its slots, the every-node jobs, the operator's
//! wishes. Copied to disk, so that every-node jobs go on from the copy while the store
//! is down.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use shared::{
    assign::{Assignment, Order},
    id::{JobId, NodeId},
    keys::{self, AssignKey},
    node::Intent,
    store::{
        DynStore, KeyValue,
        mirror::{Mirror, MirrorState},
    },
    target::Labels,
};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use crate::parts::{OwnedAssignment, Spool, SpoolWrite};

/// The copy on disk is at most this old, and not written more often.
const COPY_INTERVAL: Duration = Duration::from_secs(1);

/// A slot of an exclusive job, or (without one) an every-node job: what has instants of
/// its own on this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlotKey {
    pub job: JobId,
    pub slot: Option<u32>,
}

/// What this node owns, as it stands.
#[derive(Clone, Debug, Default)]
pub struct Owned {
    pub assignments: BTreeMap<SlotKey, Arc<OwnedAssignment>>,
    /// The node's own labels with the operator's over them.
    pub labels: Labels,
    /// Whether every-node jobs fire here: the node is neither cordoned nor draining.
    pub fires_every: bool,
    /// Every-node jobs whose assignments were made up to here are in this; zero while the
    /// store has not been listed.
    pub revision: i64,
}

impl Owned {
    /// What of it is paused.
    pub fn paused(&self) -> BTreeSet<SlotKey> {
        let paused = self.assignments.iter().filter(|(_, o)| o.assignment.spec.paused);
        paused.map(|(key, _)| *key).collect()
    }
}

/// The mirrors of what the store has for this node.
pub struct Inbox {
    node: NodeId,
    labels: Labels,
    slots: Mirror<Assignment>,
    every: Mirror<Assignment>,
    intent: Mirror<Intent>,
    /// From disk: what counts until the store has been listed.
    copied: Vec<OwnedAssignment>,
}

/// Follows the orders to this node.
pub fn orders(store: DynStore, node: &NodeId) -> Mirror<Order> {
    Mirror::spawn(store, keys::orders_node(node), decode)
}

impl Inbox {
    pub fn new(store: &DynStore, node: NodeId, labels: Labels, copied: Vec<OwnedAssignment>) -> Inbox {
        Inbox {
            slots: Mirror::spawn(store.clone(), keys::assign_node(&node), decode),
            every: Mirror::spawn(store.clone(), keys::ASSIGN_EVERY, decode),
            intent: Mirror::spawn(store.clone(), keys::intent(&node), decode),
            node,
            labels,
            copied,
        }
    }

    /// What this node owns now. What is as it was `before` is not copied anew.
    pub fn owned(&self, before: &Owned) -> Owned {
        let (slots, every, intent) = (
            self.slots.snapshot(),
            self.every.snapshot(),
            self.intent.snapshot(),
        );
        let intent = intent.get(&keys::intent(&self.node)).cloned().unwrap_or_default();
        let labels = intent.labels_over(&self.labels);
        let mut assignments = BTreeMap::new();
        let copied = |is_slot: bool| {
            self.copied
                .iter()
                .filter(move |o| o.assignment.slot.is_some() == is_slot)
        };
        match slots.is_ready() {
            true => assignments.extend(listed(&slots, before)),
            false => assignments.extend(copied(true).map(by_key)),
        }
        match every.is_ready() {
            true => assignments
                .extend(listed(&every, before).filter(|(_, o)| self.matches(&o.assignment, &labels))),
            false => assignments.extend(copied(false).map(by_key)),
        }
        Owned {
            assignments,
            labels,
            fires_every: intent.is_schedulable(),
            revision: every.revision(),
        }
    }

    fn matches(&self, assignment: &Assignment, labels: &Labels) -> bool {
        assignment
            .spec
            .target
            .on
            .check(&self.node, labels, &assignment.groups)
            .is_ok()
    }

    /// Keeps `owned` current and the copy on disk close behind. Never returns.
    pub async fn run(self, owned: watch::Sender<Arc<Owned>>, spool: Arc<dyn Spool>) {
        let mut copy_at: Option<Instant> = None;
        loop {
            tokio::select! {
                biased;
                () = self.slots.changed() => {}
                () = self.every.changed() => {}
                () = self.intent.changed() => {}
                () = sleep_until(copy_at.unwrap_or_else(Instant::now)), if copy_at.is_some() => {
                    let now = owned.borrow().clone();
                    copy_at = self.copy(&now, &*spool).await;
                    continue;
                }
            }
            // Not listed yet: what the disk says stands.
            if !self.slots.snapshot().is_ready() && !self.every.snapshot().is_ready() {
                continue;
            }
            let now = self.owned(&owned.borrow());
            owned.send_replace(Arc::new(now));
            copy_at.get_or_insert_with(|| Instant::now() + COPY_INTERVAL);
        }
    }

    /// Writes the copy. Returns when to try again, if the disk did not take it.
    async fn copy(&self, owned: &Owned, spool: &dyn Spool) -> Option<Instant> {
        // A cordoned node fires no every-node jobs, after a restart without the store
        // neither.
        let kept = owned
            .assignments
            .iter()
            .filter(|(key, _)| key.slot.is_some() || owned.fires_every);
        let copy = kept.map(|(_, o)| OwnedAssignment::clone(o)).collect();
        match spool.commit(vec![SpoolWrite::PutAssignments(copy)]).await {
            Ok(()) => None,
            Err(error) => {
                tracing::warn!(%error, "the copy of this node's assignments could not be written");
                Some(Instant::now() + 10 * COPY_INTERVAL)
            }
        }
    }
}

fn listed(
    state: &MirrorState<Assignment>,
    before: &Owned,
) -> impl Iterator<Item = (SlotKey, Arc<OwnedAssignment>)> {
    state.iter().filter_map(|(key, entry)| {
        let slot_key = match AssignKey::parse(key)? {
            AssignKey::Slot { job, slot, .. } => SlotKey {
                job,
                slot: Some(slot),
            },
            AssignKey::Every { job } => SlotKey { job, slot: None },
        };
        let revisions = (entry.create_revision, entry.mod_revision);
        if let Some(o) = before.assignments.get(&slot_key)
            && (o.create_revision, o.mod_revision) == revisions
            && o.assignment == *entry.value
        {
            return Some((slot_key, o.clone()));
        }
        let owned = OwnedAssignment {
            key: key.to_owned(),
            assignment: Assignment::clone(&entry.value),
            create_revision: entry.create_revision,
            mod_revision: entry.mod_revision,
        };
        // The key is what claims compare: a value that says otherwise is not trusted.
        let is_told_right = slot_key == slot_key_of(&owned);
        is_told_right.then(|| (slot_key, Arc::new(owned)))
    })
}

fn by_key(owned: &OwnedAssignment) -> (SlotKey, Arc<OwnedAssignment>) {
    (slot_key_of(owned), Arc::new(owned.clone()))
}

fn slot_key_of(owned: &OwnedAssignment) -> SlotKey {
    SlotKey {
        job: owned.assignment.job,
        slot: owned.assignment.slot,
    }
}

fn decode<T: serde::de::DeserializeOwned>(kv: &KeyValue) -> Result<T, String> {
    serde_json::from_slice(&kv.value).map_err(|e| e.to_string())
}
