//! Orders to this node: taken into the spool, then out of the store, then carried out.
//!
//! The store's key goes before the run starts: an order that is still listed has not been
//! carried out, so that neither a restart nor a list that repeats itself runs it twice.
//! If the agent dies in between, the order is in the spool, where `runner::recover` finds
//! it, or still in the store.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use shared::{
    assign::{Order, OrderKind, RunOrder},
    host::Host,
    id::{NodeId, RunId},
    run::State,
    store::{Compare, DynStore, Outcome, Txn, Write, mirror::Mirror},
};
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};

use crate::{
    identity::Fence,
    parts::{Spool, SpoolWrite, SpooledRun},
    runner::{Event, Recorder, run_of},
    unreported::Unreported,
};

/// Between looks while the store or the disk does not take what is to be done.
const AGAIN: Duration = Duration::from_millis(500);
/// How many orders are taken in one go: each is compared and deleted.
const BATCH: usize = 50;

/// Takes orders.
pub struct Orders {
    pub node: NodeId,
    pub host: Host,
    pub store: DynStore,
    pub spool: std::sync::Arc<Unreported>,
    pub recorder: Recorder,
    pub fence: Fence,
    pub events: mpsc::Sender<Event>,
    /// Runs that the spool had at the start: their orders have been taken.
    pub known: HashSet<RunId>,
    /// Runs that are in the spool, and whose order may still be in the store.
    pub untold: HashMap<RunId, SpooledRun>,
    /// The registration under which the orders were last listed. While a node has none, its
    /// orders may go to others: a list from before says nothing.
    pub listed_at: Option<i64>,
}

/// An order with its key.
struct Listed {
    key: String,
    revision: i64,
    order: Order,
}

impl Orders {
    /// Takes orders as they come. Never returns.
    pub async fn run(mut self, mirror: Mirror<Order>) {
        loop {
            mirror.changed().await;
            while !self.take(&mirror).await {
                // Something is left: again soon, or at the next change.
                let _ = timeout(AGAIN, mirror.changed()).await;
            }
        }
    }

    /// Takes what is listed; whether nothing is left to do.
    async fn take(&mut self, mirror: &Mirror<Order>) -> bool {
        if mirror.snapshot().is_empty() && self.untold.is_empty() {
            return true;
        }
        let Some(epoch) = self.fence.epoch().filter(|_| !self.recorder.is_blocked()) else {
            return false;
        };
        if self.listed_at != Some(epoch) {
            mirror.refresh().await;
            if self.fence.epoch() != Some(epoch) {
                return false;
            }
            self.listed_at = Some(epoch);
        }
        let state = mirror.snapshot();
        let listed: Vec<Listed> = state
            .iter()
            .map(|(key, entry)| Listed {
                key: key.to_owned(),
                revision: entry.mod_revision,
                order: Order::clone(&entry.value),
            })
            .collect();
        // What is not listed any more needs no remembering.
        let runs: HashSet<RunId> = listed.iter().map(|l| l.order.run).collect();
        self.known.retain(|run| runs.contains(run));
        // Deleted, and the answer was lost.
        let gone: Vec<RunId> = self
            .untold
            .keys()
            .filter(|run| !runs.contains(run))
            .copied()
            .collect();
        self.tell(gone).await;
        for batch in listed.chunks(BATCH) {
            if !self.take_batch(batch, epoch).await {
                return false;
            }
        }
        true
    }

    async fn take_batch(&mut self, batch: &[Listed], epoch: i64) -> bool {
        let mut runs: Vec<SpooledRun> = Vec::new();
        for Listed { order, .. } in batch {
            if let OrderKind::Run(run) = &order.kind
                && !self.known.contains(&order.run)
                && !self.untold.contains_key(&order.run)
                && !self.spool.holds(order.run)
            {
                // Held without an order: this node's own next attempt at a fire. The leader
                // could not know that it is (`master::lost::retry`), and it is made once.
                runs.push(self.spooled(order.run, run, epoch));
            }
        }
        if !runs.is_empty() {
            let writes = runs
                .iter()
                .map(|run| SpoolWrite::PutRun(Box::new(run.clone())))
                .collect();
            if let Err(error) = self.spool.commit(writes).await {
                self.recorder.block(self.host.now(), &error);
                return false;
            }
            self.untold.extend(runs.into_iter().map(|run| (run.run.id, run)));
        }
        // A kill is told before its key goes: told twice, it kills no more than once.
        let (kills, orders): (Vec<_>, Vec<_>) = batch
            .iter()
            .partition(|l| matches!(l.order.kind, OrderKind::Kill { .. }));
        let taken = self.delete(&orders).await;
        self.tell(taken.iter().copied()).await;
        // A run whose order is still there has not been told of: its kill comes after it.
        let untold: HashSet<RunId> = orders
            .iter()
            .map(|l| l.order.run)
            .filter(|run| !taken.contains(run))
            .collect();
        let kills: Vec<&Listed> = kills
            .into_iter()
            .filter(|l| !untold.contains(&l.order.run))
            .collect();
        for Listed { order, .. } in &kills {
            if let OrderKind::Kill { reason } = &order.kind {
                let (run, by, reason) = (order.run, order.by.clone(), reason.clone());
                let _ = self.events.send(Event::Kill { run, by, reason }).await;
            }
        }
        taken.len() == orders.len() && self.delete(&kills).await.len() == kills.len()
    }

    /// Runs whose orders are gone from the store: they may start.
    async fn tell(&mut self, gone: impl IntoIterator<Item = RunId>) {
        let mut runs: Vec<SpooledRun> = gone
            .into_iter()
            .filter_map(|run| self.untold.remove(&run))
            .collect();
        runs.sort_by_key(|run| run.run.id);
        self.known.extend(runs.iter().map(|run| run.run.id));
        if !runs.is_empty() {
            let _ = self.events.send(Event::Due(runs)).await;
        }
    }

    /// Deletes orders; returns those of which it is known that they are gone.
    async fn delete(&self, orders: &[&Listed]) -> HashSet<RunId> {
        let mut gone = HashSet::new();
        if orders.is_empty() {
            return gone;
        }
        let txn = |orders: &[&Listed]| Txn {
            compares: orders
                .iter()
                .map(|l| Compare::ModRevision(l.key.clone(), l.revision))
                .collect(),
            writes: orders
                .iter()
                .map(|l| Write::Delete { key: l.key.clone() })
                .collect(),
        };
        if let Ok(Outcome::Committed(_)) = self.store.txn(txn(orders)).await {
            gone.extend(orders.iter().map(|l| l.order.run));
            return gone;
        }
        // One of them was withdrawn or changed, or nobody knows: one by one.
        for listed in orders {
            let is_gone = match self.store.txn(txn(&[listed])).await {
                Ok(Outcome::Committed(_)) => true,
                _ => matches!(self.store.get(&listed.key).await, Ok(None)),
            };
            if is_gone {
                gone.insert(listed.order.run);
            } else {
                sleep(AGAIN / 10).await;
            }
        }
        gone
    }

    fn spooled(&self, id: RunId, order: &RunOrder, epoch: i64) -> SpooledRun {
        let mut run = run_of(order, &self.node, State::Pending);
        run.id = id;
        let epoch = order.slot.map(|_| epoch);
        SpooledRun {
            run,
            order: order.clone(),
            claim: None,
            process: None,
            epoch,
        }
    }
}
