//! Runs that a node had reported and did not end.

use std::time::Duration;

use shared::{fire, id::NodeId, keys, plan::World, report::Run, run::State, time::Time};
use tokio::time::Instant;

use super::{Look, Lost, LostError, as_lost};

/// A run that its node takes back is not recorded as lost again before this: the node is
/// cut off from the store, and works.
const AGAIN: Duration = Duration::from_secs(600);
const RECORDS_BATCH: usize = 500;

impl Lost {
    /// Ends the runs of nodes that are gone. Slots have moved first: while the assignment
    /// stands, the node may come back and go on.
    pub(super) async fn settle_unfinished(&mut self, look: &Look) -> Result<(), LostError> {
        self.marked.retain(|_, at| at.elapsed() < AGAIN);
        let gone: Vec<&NodeId> = look.busy.iter().filter(|node| look.is_gone(node)).collect();
        if gone.is_empty() {
            return Ok(());
        }
        let world = self.world(look);
        for node in gone {
            let ordered = self.under_way();
            let mut runs = self.history.unfinished(node).await?;
            runs.retain(|run| {
                !ordered.contains(&run.id) && !self.marked.contains_key(&run.id) && !self.stands(node, run)
            });
            let lost: Vec<Run> = runs
                .into_iter()
                .map(|run| {
                    let retry_at = retry_at(&world, &run, look.now);
                    as_lost(run, look.now, retry_at)
                })
                .collect();
            for batch in lost.chunks(RECORDS_BATCH) {
                self.intake.settle(batch.to_vec()).await?;
                self.marked
                    .extend(batch.iter().map(|run| (run.id, Instant::now())));
            }
            if !lost.is_empty() {
                tracing::warn!(node.id = %node, runs = lost.len(), "recorded as lost: their node is gone");
            }
        }
        Ok(())
    }

    /// Whether the run's slot still belongs to the node.
    fn stands(&self, node: &NodeId, run: &Run) -> bool {
        let assign = self.view.assign.snapshot();
        run.slot.is_some_and(|slot| {
            let key = keys::assign_slot(node, run.job, slot);
            assign.entry(&key).is_some() || assign.broken().contains_key(&*key)
        })
    }
}

/// When another attempt follows a lost one: at once, where the job says so. A fire of an
/// every-node job belongs to its node and is tried nowhere else.
pub(super) fn retry_at(world: &World, run: &Run, now: Time) -> Option<Time> {
    run.slot?;
    let spec = &world.jobs.get(&run.job)?.job.spec;
    fire::retry_after(spec, State::Lost, run.attempt).map(|wait| now + wait)
}
