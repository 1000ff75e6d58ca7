//! Where a job runs and why, for people: from the same world, by the same rules.

use super::{World, fleet::Fleet, rank};
use crate::{
    api::{
        SlotView, Standing, Whereabouts,
        calendars::{CalendarStanding, CalendarUse},
    },
    calendar::Coverage,
    id::{JobId, NodeId},
    job::JobSpec,
    target::Balance,
};

/// A job's slots with their owners, and what each node is to it. `None` if there is no
/// such job.
pub fn whereabouts(world: &World, job: JobId) -> Option<Whereabouts> {
    let spec = &world.jobs.get(&job)?.job.spec;
    let slots = (0..spec.target.place.slots().unwrap_or(0)).map(|slot| {
        let owners = world.slots.get(&(job, slot));
        let cursor = world.cursors.get(&(job, slot)).and_then(|c| c.cursor.as_ref());
        let node = owners.and_then(|o| o.first()).map(|o| o.node.clone());
        let why = match &node {
            None => Some(Fleet::new(world).why_nowhere(spec)),
            Some(node) if !world.nodes.contains_key(node) => Some("its node is down".into()),
            Some(_) => None,
        };
        SlotView {
            slot,
            node,
            claimed: cursor.map(|c| c.at),
            why,
        }
    });
    Some(Whereabouts {
        slots: slots.collect(),
        nodes: standings(world, job, spec),
        calendars: calendars(world, spec),
    })
}

/// What the calendars that a job names are to it now.
pub fn calendars(world: &World, spec: &JobSpec) -> Vec<CalendarStanding> {
    let named = &spec.calendars;
    let exclude = named.exclude.iter().map(|name| (name, CalendarUse::Exclude));
    let only = named.only.iter().map(|name| (name, CalendarUse::Only));
    let standing = exclude.chain(only).map(|(name, used)| {
        let found = world.calendars.get(name).map(|at| Coverage::new(&at.calendar));
        CalendarStanding {
            name: name.clone(),
            used,
            exists: found.is_some(),
            covers: found.as_ref().is_some_and(|c| c.covers(world.now)),
            changes_at: found.and_then(|c| c.next_change(world.now)),
        }
    });
    standing.collect()
}

/// The nodes that can take a run of this job now, the best first.
pub fn choices(world: &World, job: JobId, spec: &JobSpec) -> Vec<NodeId> {
    able(&Fleet::new(world), job, spec)
        .into_iter()
        .map(|(_, _, id)| id.clone())
        .collect()
}

/// The nodes that can take a run of a slot whose node is gone, the best first: whoever has
/// the slot now, as runs of one slot keep out of each other's way on one node only.
pub fn choices_for(world: &World, job: JobId, spec: &JobSpec, slot: Option<u32>) -> Vec<NodeId> {
    let mut choices = choices(world, job, spec);
    let owners = slot.and_then(|slot| world.slots.get(&(job, slot)));
    let owner = owners.and_then(|owners| owners.first()).map(|o| &o.node);
    if let Some(i) = choices.iter().position(|node| Some(node) == owner) {
        choices[..=i].rotate_right(1);
    }
    choices
}

/// Each node that can take it: whether it is preferred, its score, best first.
fn able<'w>(fleet: &Fleet<'w>, job: JobId, spec: &JobSpec) -> Vec<(bool, f64, &'w NodeId)> {
    let target = &spec.target;
    let key = rank::job_key(job);
    let can = fleet
        .members
        .iter()
        .filter(|m| fleet.refusal(&target.on, m).is_none());
    let scored = can.map(|m| {
        let is_preferred = target.prefer.matches(&m.at.labels);
        (is_preferred, rank::score(key, m.hash, m.weight), m.id)
    });
    let mut able: Vec<_> = scored.collect();
    able.sort_by(|a, b| b.0.cmp(&a.0).then(b.1.total_cmp(&a.1)).then(a.2.cmp(b.2)));
    able
}

/// What each node is to a job with this spec: also for one that does not exist yet.
pub fn standings(world: &World, job: JobId, spec: &JobSpec) -> Vec<Standing> {
    let fleet = Fleet::new(world);
    let target = &spec.target;
    let able = able(&fleet, job, spec);

    let alive = fleet.members.iter().map(|member| {
        let why = match fleet.refusal(&target.on, member) {
            Some(why) => why.to_string(),
            None if !target.place.is_exclusive() => "it matches".to_owned(),
            None => rank_in_words(&able, member.id, spec),
        };
        Standing {
            node: member.id.clone(),
            matches: target
                .on
                .check(member.id, &member.at.labels, &world.groups)
                .is_ok(),
            why: with_slots(world, job, spec, member.id, why),
        }
    });
    let mut standings: Vec<Standing> = alive.collect();
    let owners = world.slots.range((job, 0)..=(job, u32::MAX)).flat_map(|(_, o)| o);
    let named = target.on.nodes.iter().chain(owners.map(|o| &o.node));
    for node in named.filter(|id| !world.nodes.contains_key(*id)) {
        if standings.iter().all(|s| s.node != *node) {
            let why = match world.unreadable.nodes.contains(node) {
                true => "what it says of itself cannot be read",
                false => "it is down",
            };
            standings.push(Standing {
                node: node.clone(),
                matches: false,
                why: with_slots(world, job, spec, node, why.to_owned()),
            });
        }
    }
    standings.sort_by(|a, b| a.node.cmp(&b.node));
    standings
}

/// Where a node stands among those that can take the job.
fn rank_in_words(able: &[(bool, f64, &NodeId)], node: &NodeId, spec: &JobSpec) -> String {
    let place = able.iter().position(|a| a.2 == node).unwrap_or_default();
    let preferred = !spec.target.prefer.is_empty() && able[place].0;
    let preferred = if preferred { ", preferred" } else { "" };
    match spec.target.balance {
        Balance::Spread => format!("choice {} of {}{preferred}", place + 1, able.len()),
        Balance::LeastLoaded => format!("it can take it{preferred}; the least loaded is chosen"),
        Balance::Rotate => format!("it can take it{preferred}; nodes take turns"),
    }
}

fn with_slots(world: &World, job: JobId, spec: &JobSpec, node: &NodeId, why: String) -> String {
    let n = spec.target.place.slots().unwrap_or(0);
    let owned = world.slots.range((job, 0)..=(job, u32::MAX));
    let owned = owned.filter(|((_, slot), owners)| *slot < n && owners.iter().any(|o| o.node == *node));
    let owned: Vec<String> = owned.map(|((_, slot), _)| slot.to_string()).collect();
    match owned.len() {
        0 => why,
        1 if n == 1 => format!("it has the job; {why}"),
        1 => format!("it has slot {}; {why}", owned[0]),
        _ => format!("it has slots {}; {why}", owned.join(", ")),
    }
}
