//! What each node would be to a job: for who writes the job and asks beforehand.

use super::{
    Refusal, World,
    fleet::Fleet,
    place::{Placed, place},
};
use crate::id::{JobId, NodeId};

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
    let mut fleet = Fleet::new(world);
    let has = owners(world, job);
    let gets = planned(&mut fleet, job);
    let on = |node: &NodeId, refusal: Option<Refusal>, preferred: bool| Outlook {
        node: node.clone(),
        refusal,
        preferred,
        has: slots_of(&has, node),
        gets: slots_of(&gets, node),
    };
    let mut all: Vec<Outlook> = Vec::new();
    for member in &fleet.members {
        let preferred = !target.prefer.is_empty() && target.prefer.matches(&member.at.labels);
        all.push(on(member.id, fleet.refusal(&target.on, member), preferred));
    }
    for node in target.on.nodes.iter().chain(has.iter().map(|(_, owner)| *owner)) {
        if let Err(i) = all.binary_search_by(|known| known.node.cmp(node)) {
            all.insert(i, on(node, Some(Refusal::Down), false));
        }
    }
    all
}

/// Slots and whose they are, by slot.
type Owners<'w> = Vec<(u32, &'w NodeId)>;

fn slots_of(owners: &Owners, node: &NodeId) -> Vec<u32> {
    let slots = owners.iter().filter(|(_, owner)| *owner == node);
    slots.map(|(slot, _)| *slot).collect()
}

/// Who owns the job's slots.
fn owners(world: &World, job: JobId) -> Owners<'_> {
    let slots = world.slots.range((job, 0)..=(job, u32::MAX));
    slots
        .filter_map(|((_, slot), owners)| Some((*slot, &owners.first()?.node)))
        .collect()
}

/// Who owns them after the next plan, which does as the placement says. That says nothing of
/// an every-node job.
fn planned<'w>(fleet: &mut Fleet<'w>, job: JobId) -> Owners<'w> {
    let placed = place(fleet).jobs.remove(&job).unwrap_or_default();
    let owner = |(slot, placed): (u32, Placed)| match placed {
        Placed::Kept(i) => Some((slot, &fleet.world.slots.get(&(job, slot))?.get(i)?.node)),
        Placed::On(member) => Some((slot, fleet.id(member))),
        Placed::Nowhere => None,
    };
    (0..).zip(placed).filter_map(owner).collect()
}
