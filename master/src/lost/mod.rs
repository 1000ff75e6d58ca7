//! Settlement: what became of the work of nodes that are gone, and attempts that are due
//! on another node.
//!
//! It begins past the fence (see [`crate::absence`]) and rests on nothing but what the
//! store and the history hold, so that a leader that takes over goes on where the last
//! one died. Every step may be taken twice:
//! - [`owed`]: what a leader did and the history must still be told;
//! - [`orders`]: orders that a node can no longer take, moved or ended;
//! - [`claimed`]: fires that a node had claimed and did not report;
//! - [`unfinished`]: runs that it had reported and did not end;
//! - [`retry`]: attempts that are due elsewhere.
//!
//! The planner never waits for any of this: the database may be down for days.

mod owed;
mod orders;
mod claimed;
mod unfinished;
mod retry;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use shared::{
    assign::{Order, OrderKind, RunOrder},
    host::Host,
    id::{NodeId, RunId},
    keys::{self, AssignKey},
    plan::{Away, World},
    report::Run,
    run::{Reason, State},
    store::{Compare, Outcome, Revision, StoreError, Txn, Write},
    time::Time,
};
use tokio::time::{Instant, sleep, timeout};

use crate::{
    absence::Absences,
    history::{History, HistoryError},
    intake::{Intake, IntakeError},
    leader::{Leader, Link},
    view::View,
};

/// How often it looks although nothing seems to have changed: most of what it waits for
/// happens in the history, which tells nobody.
const LOOK: Duration = Duration::from_secs(2);
const DEBOUNCE: Duration = Duration::from_millis(100);
/// After an error, and at most.
const AGAIN: Duration = Duration::from_secs(2);
const AGAIN_MAX: Duration = Duration::from_secs(30);

/// Why a settlement could not go on. It is tried again.
#[derive(Debug, thiserror::Error)]
pub enum LostError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    History(#[from] HistoryError),
    #[error(transparent)]
    Intake(#[from] IntakeError),
}

/// Settles until it is dropped.
pub async fn run(leader: Leader, view: View, history: Arc<dyn History>, intake: Intake, host: Host) {
    let mut lost = Lost {
        leader,
        view,
        history,
        intake,
        host,
        absences: Absences::default(),
        seen: None,
        ordered: BTreeMap::new(),
        marked: HashMap::new(),
        asked: HashMap::new(),
        looked_back: None,
        awaited: BTreeSet::new(),
    };
    let mut wait = AGAIN;
    loop {
        match lost.turn().await {
            Ok(()) => {
                wait = AGAIN;
                let change = async {
                    tokio::select! {
                        biased;
                        () = lost.view.nodes.changed() => {}
                        () = lost.view.orders.changed() => {}
                        () = lost.view.owed.changed() => {}
                    }
                };
                if timeout(LOOK, change).await.is_ok() {
                    sleep(DEBOUNCE).await;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "settlement has to wait; trying again");
                sleep(wait).await;
                wait = (wait * 2).min(AGAIN_MAX);
            }
        }
    }
}

struct Lost {
    leader: Leader,
    view: View,
    history: Arc<dyn History>,
    intake: Intake,
    host: Host,
    absences: Absences,
    /// The link that the copies of the store go with.
    seen: Option<Link>,
    /// What this leader has ordered or ended, and the revision at which its copies show it.
    ordered: BTreeMap<RunId, Revision>,
    /// When a run was recorded as lost: a node that is cut off from the store and still
    /// reports takes it back each time.
    marked: HashMap<RunId, Instant>,
    /// When the history was last asked for the fires that a living node had claimed.
    asked: HashMap<RunId, Instant>,
    /// When all attempts to come were last looked for, not only recent ones.
    looked_back: Option<Instant>,
    /// The nodes whose agents have attempts to make.
    awaited: BTreeSet<NodeId>,
}

/// What one look saw.
struct Look {
    now: Time,
    link: Link,
    living: BTreeMap<NodeId, Option<Duration>>,
    away: BTreeMap<NodeId, Away>,
    /// Nodes with runs that have not ended; none if the database does not answer.
    busy: Vec<NodeId>,
}

impl Look {
    /// Whether a node is gone past its fence.
    fn is_gone(&self, node: &NodeId) -> bool {
        !self.living.contains_key(node) && self.away.get(node).is_some_and(|away| away.kill_in.is_zero())
    }
}

impl Lost {
    /// One look at everything. What needs only the store is done also while the database
    /// is down.
    async fn turn(&mut self) -> Result<(), LostError> {
        let link = self.leader.link().await?;
        if self.seen != Some(link) {
            self.refresh().await;
            self.seen = Some(link);
            self.ordered.clear();
        }
        let (orders, owed) = (self.view.orders.snapshot(), self.view.owed.snapshot());
        let shown = orders.revision().min(owed.revision());
        self.ordered.retain(|_, revision| *revision > shown);
        let busy = self.history.unfinished_nodes().await;
        let living = self.view.living();
        let named = self.named(busy.as_deref().unwrap_or_default());
        let look = Look {
            now: self.host.now(),
            link,
            away: self.absences.look(&living, named, Instant::now()),
            living,
            busy: busy.clone().unwrap_or_default(),
        };
        self.move_orders(&look).await?;
        busy?;
        self.tell(&look).await?;
        self.settle_claimed(&look).await?;
        self.settle_unfinished(&look).await?;
        self.order_retries(&look).await?;
        Ok(())
    }

    async fn refresh(&self) {
        self.view.refresh_plan().await;
        tokio::join!(self.view.orders.refresh(), self.view.owed.refresh());
    }

    /// The nodes that anything names.
    fn named(&self, busy: &[NodeId]) -> BTreeSet<NodeId> {
        let mut named: BTreeSet<NodeId> = busy.iter().cloned().collect();
        let assign = self.view.assign.snapshot();
        named.extend(assign.iter().filter_map(|(key, _)| match AssignKey::parse(key)? {
            AssignKey::Slot { node, .. } => Some(node),
            AssignKey::Every { .. } => None,
        }));
        let orders = self.view.orders.snapshot();
        named.extend(
            orders
                .iter()
                .filter_map(|(key, _)| Some(keys::parse_order(key)?.0)),
        );
        named.extend(self.awaited.iter().cloned());
        named.extend(
            self.claimed()
                .into_iter()
                .map(|(_, _, claimed)| claimed.node.clone()),
        );
        named
    }

    fn world(&self, look: &Look) -> World {
        self.view.world(look.now, look.away.clone())
    }

    /// The runs that are ordered and not yet known to have been taken.
    fn under_way(&self) -> BTreeSet<RunId> {
        let orders = self.view.orders.snapshot();
        let mut runs: BTreeSet<RunId> = orders
            .iter()
            .filter_map(|(key, _)| Some(keys::parse_order(key)?.1))
            .collect();
        runs.extend(self.owed_runs().into_iter().map(|(_, _, run)| run.id));
        runs.extend(self.ordered.keys());
        runs
    }

    /// Writes an order and what the history is owed for it; `from` is the order that it
    /// replaces. Whether it was written.
    async fn order(
        &mut self,
        look: &Look,
        node: &NodeId,
        run: RunId,
        order: RunOrder,
        from: Option<(String, i64)>,
    ) -> Result<bool, StoreError> {
        let pending = order.pending(run, node);
        let key = keys::order(node, run);
        let value = encode(&Order {
            run,
            kind: OrderKind::Run(Box::new(order)),
            by: "gnomon".into(),
            at: look.now,
        })?;
        let mut txn = owe(&pending)?;
        txn.compares.push(Compare::ModRevision(key.clone(), 0));
        txn.writes.push(Write::Put {
            key,
            value,
            lease: None,
        });
        if let Some((key, mod_revision)) = from {
            txn.compares.push(Compare::ModRevision(key.clone(), mod_revision));
            txn.writes.push(Write::Delete { key });
        }
        self.write(look, run, txn).await
    }

    async fn write(&mut self, look: &Look, run: RunId, txn: Txn) -> Result<bool, StoreError> {
        match self.leader.commit(look.link, txn).await? {
            Outcome::Committed(revision) => {
                self.ordered.insert(run, revision);
                Ok(true)
            }
            Outcome::Refused(_) => Ok(false),
        }
    }
}

/// A transaction that owes the history a run, for the first time.
fn owe(run: &Run) -> Result<Txn, StoreError> {
    let key = keys::owed_run(run.id);
    let value = encode(&shared::assign::Owed::Run(Box::new(run.clone())))?;
    Ok(Txn {
        compares: vec![Compare::ModRevision(key.clone(), 0)],
        writes: vec![Write::Put {
            key,
            value,
            lease: None,
        }],
    })
}

fn encode<T: serde::Serialize>(value: &T) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(value).map_err(|e| StoreError::Refused(format!("a value cannot be written: {e}")))
}

/// The run, ended because its node is gone.
fn as_lost(mut run: Run, now: Time, retry_at: Option<Time>) -> Run {
    run.state = State::Lost;
    run.reason = Some(Reason::NodeGone);
    run.finished_at = Some(now);
    run.retry_at = retry_at;
    run
}

/// The run, ended because nothing could take it.
fn as_missed(mut run: Run, now: Time, why: impl Into<String>) -> Run {
    run.state = State::Missed;
    run.reason = Some(Reason::NoNode { why: why.into() });
    run.finished_at = Some(now);
    run.retry_at = None;
    run
}
