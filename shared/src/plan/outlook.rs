//! What each node would be to a job: for who writes the job and asks beforehand.

use std::collections::BTreeMap;

use super::{Refusal, Step, World, fleet::Fleet, plan};
use crate::{
    id::{JobId, NodeId},
    target::NodeSet,
};

/// A node, as a job would find it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outlook {
    pub node: NodeId,
    /// Why it can take none of its slots; none if it can.
    pub refusal: Option<Refusal>,
    /// It is among those that the job prefers (where it prefers any).
    pub preferred: bool,
    /// The slots that it has now.
    pub has: Vec<u32>,
    /// The slots that it would have after the next plan. Nothing of an every-node job.
    pub gets: Vec<u32>,
}

/// The nodes of a world with this job in it, and those that it names and that do not live, by
/// id. Empty if the world has no such job.
pub fn outlook(world: &World, job: JobId) -> Vec<Outlook> {
    let Some(at) = world.jobs.get(&job) else {
        return Vec::new();
    };
    let target = &at.job.spec.target;
    let has = owners(world, job);
    let gets = planned(world, job, at.job.spec.target.place.slots().unwrap_or(0));
    let fleet = Fleet::new(world);
    let of = |owners: &BTreeMap<u32, NodeId>, node: &NodeId| -> Vec<u32> {
        let slots = owners.iter().filter(|(_, owner)| *owner == node);
        slots.map(|(slot, _)| *slot).collect()
    };
    let alive = fleet.members.iter().map(|member| Outlook {
        node: member.id.clone(),
        refusal: fleet.refusal(&target.on, member),
        preferred: !target.prefer.is_empty() && target.prefer.matches(&member.at.labels),
        has: of(&has, member.id),
        gets: of(&gets, member.id),
    });
    let mut all: BTreeMap<NodeId, Outlook> = alive.map(|each| (each.node.clone(), each)).collect();
    for node in named(&target.on).chain(has.values()) {
        all.entry(node.clone()).or_insert_with(|| Outlook {
            node: node.clone(),
            refusal: Some(Refusal::Down),
            preferred: false,
            has: of(&has, node),
            gets: of(&gets, node),
        });
    }
    all.into_values().collect()
}

fn named(set: &NodeSet) -> impl Iterator<Item = &NodeId> {
    set.nodes.iter()
}

/// Who owns the job's slots.
fn owners(world: &World, job: JobId) -> BTreeMap<u32, NodeId> {
    let slots = world.slots.range((job, 0)..=(job, u32::MAX));
    slots
        .filter_map(|((_, slot), owners)| Some((*slot, owners.first()?.node.clone())))
        .collect()
}

/// Who would own them after the next plan: by the plan itself.
fn planned(world: &World, job: JobId, slots: u32) -> BTreeMap<u32, NodeId> {
    let mut owners = owners(world, job);
    for step in plan(world).steps {
        let Step::Slot(step) = step else { continue };
        if step.job != job {
            continue;
        }
        if step
            .leave
            .iter()
            .any(|leave| owners.get(&step.slot) == Some(&leave.node))
        {
            owners.remove(&step.slot);
        }
        if let Some(put) = step.put {
            owners.insert(step.slot, put.node);
        }
    }
    owners.retain(|slot, _| *slot < slots);
    owners
}
