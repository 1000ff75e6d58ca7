//! Which node owns which slot: the leader's decision, as a pure function of what it sees.
//!
//! `plan(&World) -> Plan`. A plan is steps, each of which compares what it rests on; who
//! commits them has nothing left to decide. What is as it should be makes no step.
//!
//! Who stays and who moves:
//! - A node that is alive, matches and is not draining keeps what it owns, but for the
//!   share that `balance: spread` gives to nodes that joined.
//! - A cordoned node keeps all that it owns and gets nothing. A draining one loses all, and
//!   so does one whose agent stops.
//! - A job with `isolation: kill` is never to run twice at once, so its slots leave a
//!   living node only if they must: not for a better one, and not while its agent stops.
//! - A node that is gone keeps its slots until the fence for them has ended ([`Away`]),
//!   then loses them.
//! - What cannot be read (a job, a node, a group, a calendar) changes nothing: the last readable word
//!   holds.

mod rank;
mod fleet;
mod place;
mod standing;
mod outlook;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
    time::Duration,
};

pub use fleet::{Refusal, groups_named};
pub use outlook::{Outlook, outlook};
pub use standing::{choices, choices_for, standings, whereabouts};

use self::{fleet::Fleet, place::Placed};
use crate::{
    Revision,
    assign::{Assignment, Claimed, Cursor},
    calendar::{self, Inlined},
    id::{CalendarName, GroupName, JobId, JobPath, NodeId},
    job::{Isolation, Job, JobSpec},
    target::{Groups, Labels},
    time::Time,
};

/// All that a plan rests on.
#[derive(Clone, Debug, Default)]
pub struct World {
    pub now: Time,
    pub jobs: BTreeMap<JobId, JobAt>,
    /// The living nodes.
    pub nodes: BTreeMap<NodeId, NodeAt>,
    /// Nodes that own something and do not live.
    pub away: BTreeMap<NodeId, Away>,
    pub groups: Groups,
    pub calendars: Inlined,
    /// The owners of slots. More than one of a slot is a fault that a plan mends.
    pub slots: BTreeMap<(JobId, u32), Vec<Owned>>,
    /// The assignments of every-node jobs.
    pub every: BTreeMap<JobId, EveryAt>,
    pub cursors: BTreeMap<(JobId, u32), CursorAt>,
    pub unreadable: Unreadable,
}

/// A job and the revision it has.
#[derive(Clone, Debug)]
pub struct JobAt {
    pub job: Arc<Job>,
    pub revision: Revision,
}

/// A living node, as placement sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeAt {
    /// The labels that count: the operator's over its own.
    pub labels: Labels,
    /// Its weight.
    pub capacity: u32,
    pub cordoned: bool,
    pub draining: bool,
    /// Its agent stops: it claims nothing more and finishes what it has begun.
    pub leaving: bool,
}

/// A node that does not live: how long its slots are still to be left alone, on the
/// leader's monotonic clock. Zero: no longer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Away {
    /// Slots of jobs with `isolation: finish`.
    pub finish_in: Duration,
    /// Slots of jobs with `isolation: kill`, whose processes the node must have killed by
    /// then; also those that no other node can take.
    pub kill_in: Duration,
}

/// An assignment of a slot, as it stands.
#[derive(Clone, Debug)]
pub struct Owned {
    pub node: NodeId,
    pub mod_revision: Revision,
    /// What it says; `None` if it cannot be read.
    pub assignment: Option<Arc<Assignment>>,
}

/// The assignment of an every-node job, as it stands.
#[derive(Clone, Debug)]
pub struct EveryAt {
    pub mod_revision: Revision,
    /// What it says; `None` if it cannot be read.
    pub assignment: Option<Arc<Assignment>>,
}

#[derive(Clone, Debug)]
pub struct CursorAt {
    pub mod_revision: Revision,
    /// What it says; `None` if it cannot be read.
    pub cursor: Option<Arc<Cursor>>,
}

/// What exists and cannot be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unreadable {
    pub jobs: BTreeSet<JobPath>,
    /// Alive, but its value or its intent cannot be read.
    pub nodes: BTreeSet<NodeId>,
    pub groups: BTreeSet<GroupName>,
    pub calendars: BTreeSet<CalendarName>,
}

/// What is to be done, and what cannot be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    pub steps: Vec<Step>,
    pub unplaced: Vec<Unplaced>,
    /// When to plan again although nothing changed: a fence ends then.
    pub wake_in: Option<Duration>,
}

/// One change that holds or fails as a whole.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    Slot(SlotStep),
    /// Writes the assignment of an every-node job; `mod_revision` is zero for a new one.
    Every {
        job: JobId,
        path: JobPath,
        groups: Groups,
        mod_revision: Revision,
    },
    /// Deletes it: the job is gone or no longer runs everywhere.
    RemoveEvery {
        job: JobId,
        mod_revision: Revision,
    },
    /// Deletes the cursor of a slot that no longer exists.
    Forget {
        job: JobId,
        slot: u32,
        mod_revision: Revision,
    },
}

/// Takes a slot from whom it is to leave, and gives it to whom it is to have, at once.
#[derive(Clone, Debug, PartialEq)]
pub struct SlotStep {
    pub job: JobId,
    pub path: JobPath,
    pub slot: u32,
    pub leave: Vec<Leave>,
    pub put: Option<Put>,
    /// The cursor's mod revision, zero for none: a slot leaves a node only as long as the
    /// node has not claimed on meanwhile. Only compared when something leaves.
    pub cursor: Revision,
    /// What the node that the slot leaves had claimed.
    pub claimed: Option<Box<Claimed>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leave {
    pub node: NodeId,
    pub mod_revision: Revision,
    pub why: Why,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put {
    pub node: NodeId,
    /// Zero: the slot is new there. Else the assignment is rewritten in place, which
    /// keeps its create revision: it is the same ownership.
    pub mod_revision: Revision,
}

/// Why a slot leaves a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The node is gone.
    Gone,
    Draining,
    /// Its agent stops.
    Leaving,
    /// The node does not match the job (any more).
    NoMatch,
    /// Another node has a better claim: one that joined, or one that is preferred.
    Better,
    /// Another assignment of the same slot stands.
    Double,
    /// The job is gone, or has fewer slots.
    NoSlot,
}

/// A slot, or an every-node job, that no node can take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unplaced {
    pub job: JobId,
    pub path: JobPath,
    /// `None` for an every-node job.
    pub slot: Option<u32>,
    /// Why, naming the nodes.
    pub why: String,
}

/// Decides who owns what. The same world gives the same plan, on every machine.
pub fn plan(world: &World) -> Plan {
    let mut out = Plan::default();
    let mut fleet = Fleet::new(world);
    let placed = place::place(&mut fleet);
    for (id, at) in &world.jobs {
        let spec = &at.job.spec;
        if spec.target.place.is_exclusive() {
            slots(world, &mut fleet, *id, at, &placed, &mut out);
        } else {
            every(world, &mut fleet, *id, at, &mut out);
        }
    }
    leftovers(world, &mut out);
    out.wake_in = placed.wake_in;
    out
}

/// The steps of an exclusive job.
fn slots<'w>(
    world: &'w World,
    fleet: &mut Fleet<'w>,
    id: JobId,
    at: &'w JobAt,
    placed: &place::Places,
    out: &mut Plan,
) {
    let Some(slots) = placed.jobs.get(&id) else { return };
    for (slot, placed) in (0..).zip(slots) {
        let owners = world.slots.get(&(id, slot)).map_or(&[][..], Vec::as_slice);
        let keeper = match placed {
            Placed::Kept(owner) => Some(*owner),
            Placed::On(node) => owners.iter().position(|o| o.node == *fleet.id(*node)),
            Placed::Nowhere => None,
        };
        let put = match (placed, keeper) {
            (_, Some(keeper)) => {
                let owner = &owners[keeper];
                let is_current = owner
                    .assignment
                    .as_ref()
                    .is_some_and(|a| a.revision == at.revision && has_calendars(world, a));
                (!is_current).then(|| Put {
                    node: owner.node.clone(),
                    mod_revision: owner.mod_revision,
                })
            }
            (Placed::On(node), None) => Some(Put {
                node: fleet.id(*node).clone(),
                mod_revision: 0,
            }),
            (_, None) => {
                out.unplaced.push(Unplaced {
                    job: id,
                    path: at.job.spec.path(),
                    slot: Some(slot),
                    why: fleet.why_nowhere(&at.job.spec),
                });
                None
            }
        };
        let leave: Vec<Leave> = owners
            .iter()
            .enumerate()
            .filter(|(i, _)| Some(*i) != keeper)
            .map(|(_, owner)| Leave {
                node: owner.node.clone(),
                mod_revision: owner.mod_revision,
                why: match keeper {
                    Some(_) => Why::Double,
                    None => fleet.why_leave(&at.job.spec, &owner.node),
                },
            })
            .collect();
        if put.is_some() || !leave.is_empty() {
            out.steps
                .push(slot_step(world, id, at.job.spec.path(), slot, leave, put));
        }
    }
}

/// A step with what the nodes that lose the slot had claimed.
fn slot_step(
    world: &World,
    job: JobId,
    path: JobPath,
    slot: u32,
    leave: Vec<Leave>,
    put: Option<Put>,
) -> Step {
    let cursor = world.cursors.get(&(job, slot));
    let claimed = cursor
        .and_then(|at| at.cursor.as_ref())
        .filter(|c| leave.iter().any(|l| l.node == c.node))
        .and_then(|c| claimed(world, job, slot, c))
        .map(Box::new);
    Step::Slot(SlotStep {
        job,
        path,
        slot,
        leave,
        put,
        cursor: cursor.map_or(0, |c| c.mod_revision),
        claimed,
    })
}

/// What stands in the cursor, with the triggers by which it was claimed: those of the
/// assignment, or, where that cannot be read, those of the job.
fn claimed(world: &World, job: JobId, slot: u32, cursor: &Cursor) -> Option<Claimed> {
    let owners = world.slots.get(&(job, slot))?;
    let assigned = owners
        .iter()
        .find(|o| o.node == cursor.node)
        .and_then(|o| o.assignment.as_ref());
    let stored = world.jobs.get(&job);
    let (spec, revision, since, calendars) = match (assigned, stored) {
        (Some(a), _) => (&a.spec, a.revision, a.since, a.calendars.clone()),
        (None, Some(at)) => {
            let calendars = calendars_for(world, &at.job.spec, None);
            (&at.job.spec, at.revision, at.job.since, calendars)
        }
        (None, None) => return None,
    };
    Some(Claimed {
        job,
        path: spec.path(),
        revision,
        slot,
        node: cursor.node.clone(),
        from: cursor.unreported_since.min(cursor.at),
        until: cursor.at,
        run: cursor.run,
        triggers: spec.triggers.clone(),
        named: spec.calendars.clone(),
        calendars,
        since,
        on_lost: spec.on_lost,
        at: world.now,
    })
}

/// The step of an every-node job.
fn every<'w>(world: &'w World, fleet: &mut Fleet<'w>, id: JobId, at: &'w JobAt, out: &mut Plan) {
    let spec = &at.job.spec;
    let named = groups_named(spec, &world.groups);
    if !named.is_disjoint(&world.unreadable.groups) {
        return;
    }
    if fleet.matching(&spec.target.on).is_empty() {
        let why = fleet.why_nowhere(spec);
        out.unplaced.push(Unplaced {
            job: id,
            path: spec.path(),
            slot: None,
            why,
        });
    }
    let known = world
        .groups
        .iter()
        .filter(|(name, _)| named.contains(*name))
        .map(|(name, set)| (name.clone(), set.clone()));
    let groups: Groups = known.collect();
    let current = world.every.get(&id);
    let is_current = current
        .and_then(|e| e.assignment.as_ref())
        .is_some_and(|a| a.revision == at.revision && a.groups == groups && has_calendars(world, a));
    if !is_current {
        out.steps.push(Step::Every {
            job: id,
            path: spec.path(),
            groups,
            mod_revision: current.map_or(0, |e| e.mod_revision),
        });
    }
}

/// Whether an assignment has the calendars that its job names as they are now. One that
/// cannot be read is as it was.
fn has_calendars(world: &World, assignment: &Assignment) -> bool {
    assignment.spec.calendars.names().all(|name| {
        let had = assignment.calendars.get(name).map(|at| at.revision);
        let has = world.calendars.get(name).map(|at| at.revision);
        had == has || (has.is_none() && world.unreadable.calendars.contains(name))
    })
}

/// The calendars for an assignment of this job. Of one that cannot be read the last
/// readable word holds, which is in the assignment `before`.
pub fn calendars_for(world: &World, spec: &JobSpec, before: Option<&Assignment>) -> Inlined {
    let mut found = calendar::inlined(&spec.calendars, &world.calendars);
    let unreadable = spec.calendars.names();
    for name in unreadable.filter(|name| world.unreadable.calendars.contains(*name)) {
        if let Some(at) = before.and_then(|a| a.calendars.get(name)) {
            found.insert(name.clone(), at.clone());
        }
    }
    found
}

/// Whatever stands for a job or a slot that does not exist (any more).
fn leftovers(world: &World, out: &mut Plan) {
    let is_unreadable = |a: Option<&Arc<Assignment>>| match a {
        Some(a) => world.unreadable.jobs.contains(&a.spec.path()),
        // An assignment that cannot be read may be anybody's.
        None => !world.unreadable.jobs.is_empty(),
    };
    for ((id, slot), owners) in &world.slots {
        let exists = match world.jobs.get(id) {
            Some(at) => has_slot(&at.job.spec, *slot),
            None => owners.iter().any(|o| is_unreadable(o.assignment.as_ref())),
        };
        if exists {
            continue;
        }
        let readable = owners.iter().find_map(|o| o.assignment.as_ref());
        let path = match (world.jobs.get(id), readable) {
            (Some(at), _) => at.job.spec.path(),
            (None, Some(a)) => a.spec.path(),
            (None, None) => unknown_path(*id),
        };
        let leave = owners.iter().map(|o| Leave {
            node: o.node.clone(),
            mod_revision: o.mod_revision,
            why: Why::NoSlot,
        });
        out.steps
            .push(slot_step(world, *id, path, *slot, leave.collect(), None));
    }
    for (id, every) in &world.every {
        let exists = match world.jobs.get(id) {
            Some(at) => !at.job.spec.target.place.is_exclusive(),
            None => is_unreadable(every.assignment.as_ref()),
        };
        if !exists {
            out.steps.push(Step::RemoveEvery {
                job: *id,
                mod_revision: every.mod_revision,
            });
        }
    }
    for ((id, slot), cursor) in &world.cursors {
        let exists = match world.jobs.get(id) {
            Some(at) => has_slot(&at.job.spec, *slot),
            None => !world.unreadable.jobs.is_empty(),
        };
        // Not before the slot's assignment is gone: what was claimed is in the cursor.
        if !exists && !world.slots.contains_key(&(*id, *slot)) {
            out.steps.push(Step::Forget {
                job: *id,
                slot: *slot,
                mod_revision: cursor.mod_revision,
            });
        }
    }
}

fn has_slot(spec: &JobSpec, slot: u32) -> bool {
    spec.target.place.slots().is_some_and(|n| slot < n)
}

/// A path for a job that is gone and whose assignment cannot be read.
fn unknown_path(job: JobId) -> JobPath {
    let name = format!("deleted-{job}");
    JobPath {
        namespace: Default::default(),
        name: name.parse().expect("letters, digits and a hyphen are a name"),
    }
}

impl Away {
    fn wait(self, isolation: Isolation, is_alone: bool) -> Duration {
        match isolation {
            Isolation::Finish if !is_alone => self.finish_in,
            _ => self.kill_in,
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Why::Gone => "it is gone",
            Why::Draining => "it is draining",
            Why::Leaving => "it is stopping",
            Why::NoMatch => "it does not match",
            Why::Better => "another has a better claim",
            Why::Double => "the slot has another owner",
            Why::NoSlot => "there is no such slot",
        })
    }
}

/// For logs and tests: `ops/backup/0: from a (it is gone) to b`.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Slot(step) => {
                write!(f, "{}/{}:", step.path, step.slot)?;
                for leave in &step.leave {
                    write!(f, " from {} ({})", leave.node, leave.why)?;
                }
                match &step.put {
                    Some(put) if put.mod_revision == 0 => write!(f, " to {}", put.node)?,
                    Some(put) => write!(f, " rewritten on {}", put.node)?,
                    None => {}
                }
                match &step.claimed {
                    Some(c) if c.from == c.until => write!(f, "; claimed {}", c.until),
                    Some(c) => write!(f, "; claimed {} to {}", c.from, c.until),
                    None => Ok(()),
                }
            }
            Step::Every {
                path,
                mod_revision: 0,
                ..
            } => write!(f, "{path}: on every node"),
            Step::Every { path, .. } => write!(f, "{path}: rewritten on every node"),
            Step::RemoveEvery { job, .. } => write!(f, "{job}: no longer on every node"),
            Step::Forget { job, slot, .. } => write!(f, "{job}/{slot}: its cursor is forgotten"),
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            writeln!(f, "{step}")?;
        }
        for u in &self.unplaced {
            match u.slot {
                Some(slot) => writeln!(f, "{}/{slot}: nowhere: {}", u.path, u.why)?,
                None => writeln!(f, "{}: nowhere: {}", u.path, u.why)?,
            }
        }
        match self.wake_in {
            Some(wait) => writeln!(f, "again in {wait:?}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
