//! Orders that a node can no longer take.

use shared::{
    assign::{OrderKind, RunOrder},
    id::{NodeId, RunId},
    keys,
    plan::{self, World},
    store::{Compare, Revision, Write},
    time::Time,
};

use super::{Look, Lost, LostError, as_missed, owe};

/// What becomes of an order to run.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    /// Another node gets it.
    Move(NodeId),
    /// It ends, for this reason.
    End(String),
    /// A node may come in time.
    Wait,
}

impl Lost {
    /// Moves the orders of nodes that are gone to nodes that match, or ends them. The
    /// order moves in one transaction, so that no two nodes ever have it; if the agent
    /// takes it in the same moment, one of the two is refused.
    pub(super) async fn move_orders(&mut self, look: &Look) -> Result<(), LostError> {
        let orders = self.view.orders.snapshot();
        let mut world = None;
        for (key, entry) in orders.iter() {
            let Some((node, run)) = keys::parse_order(key) else {
                continue;
            };
            if !look.is_gone(&node) {
                continue;
            }
            let OrderKind::Run(order) = &entry.value.kind else {
                // The run to be stopped is lost with its node.
                self.forget(look, [(key.to_owned(), entry.mod_revision)]).await?;
                continue;
            };
            let world = world.get_or_insert_with(|| self.world(look));
            match fate(world, order, &node, look.now) {
                Fate::Move(to) => {
                    tracing::info!(run.id = %run, node.id = %to, from = %node, "order moved: its node is gone");
                    let from = Some((key.to_owned(), entry.mod_revision));
                    self.order(look, &to, run, (**order).clone(), from).await?;
                }
                Fate::End(why) => {
                    let from = (key.to_owned(), entry.mod_revision);
                    self.end_order(look, &node, run, order, from, why).await?;
                }
                Fate::Wait => {}
            }
        }
        Ok(())
    }

    async fn end_order(
        &mut self,
        look: &Look,
        node: &NodeId,
        run: RunId,
        order: &RunOrder,
        (key, revision): (String, Revision),
        why: String,
    ) -> Result<(), LostError> {
        let mut txn = owe(&as_missed(order.pending(run, node), look.now, why))?;
        txn.compares.push(Compare::ModRevision(key.clone(), revision));
        txn.writes.push(Write::Delete { key });
        self.write(look, run, txn).await?;
        Ok(())
    }
}

/// Where an order of a node that is gone goes.
fn fate(world: &World, order: &RunOrder, gone: &NodeId, now: Time) -> Fate {
    let Some(at) = world.jobs.get(&order.job) else {
        return match world.unreadable.jobs.contains(&order.spec.path()) {
            true => Fate::Wait,
            false => Fate::End("its job was deleted".into()),
        };
    };
    let spec = &at.job.spec;
    if order.slot.is_none() {
        return Fate::End(format!("its node {gone} is gone"));
    }
    if let Some(node) = plan::choices_for(world, order.job, spec, order.slot)
        .into_iter()
        .next()
    {
        return Fate::Move(node);
    }
    match now > order.not_before + spec.misfire.within.get() {
        true => Fate::End(format!("its node {gone} is gone, and no other can take it")),
        false => Fate::Wait,
    }
}
