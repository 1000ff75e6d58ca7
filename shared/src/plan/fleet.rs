//! The living nodes, made ready to be asked which of them match what.

use std::{
    collections::{BTreeSet, HashMap},
    fmt::Write,
    rc::Rc,
};

use super::{NodeAt, Why, World, rank};
use crate::{
    id::{GroupName, NodeId},
    job::JobSpec,
    target::{Groups, NoMatch, NodeSet, Place},
};

/// How many nodes a reason names.
const NAMED_MAX: usize = 5;

pub(super) struct Fleet<'w> {
    pub world: &'w World,
    pub members: Vec<Member<'w>>,
    index: HashMap<&'w NodeId, usize>,
    /// Many jobs name the same set of nodes: each is looked up once.
    matching: HashMap<&'w NodeSet, Rc<[usize]>>,
}

/// A living node.
pub(super) struct Member<'w> {
    pub id: &'w NodeId,
    pub at: &'w NodeAt,
    pub hash: u64,
    pub weight: u32,
}

/// Why a node cannot take a slot.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("{0}")]
    NoMatch(NoMatch),
    #[error("it is draining")]
    Draining,
    #[error("it is stopping")]
    Leaving,
    #[error("it is cordoned")]
    Cordoned,
    #[error("it is down")]
    Down,
}

impl Member<'_> {
    /// Whether new work may go to it.
    pub fn is_schedulable(&self) -> bool {
        !self.at.cordoned && !self.at.draining && !self.at.leaving
    }
}

impl<'w> Fleet<'w> {
    pub fn new(world: &'w World) -> Fleet<'w> {
        let members: Vec<Member> = world
            .nodes
            .iter()
            .map(|(id, at)| Member {
                id,
                at,
                hash: rank::node_hash(id),
                weight: at.capacity.max(1),
            })
            .collect();
        let index = members.iter().enumerate().map(|(i, m)| (m.id, i)).collect();
        Fleet {
            world,
            members,
            index,
            matching: HashMap::new(),
        }
    }

    pub fn id(&self, member: usize) -> &'w NodeId {
        self.members[member].id
    }

    pub fn find(&self, id: &NodeId) -> Option<usize> {
        self.index.get(id).copied()
    }

    /// The nodes in a set, in order of their ids, whatever the operator wishes of them.
    pub fn matching(&mut self, set: &'w NodeSet) -> Rc<[usize]> {
        let found = self.matching.entry(set).or_insert_with(|| {
            let all = self.members.iter().enumerate();
            all.filter(|(_, m)| set.check(m.id, &m.at.labels, &self.world.groups).is_ok())
                .map(|(i, _)| i)
                .collect()
        });
        found.clone()
    }

    /// Why a slot of this job leaves a node.
    pub fn why_leave(&self, spec: &JobSpec, node: &NodeId) -> Why {
        let Some(member) = self.find(node).map(|i| &self.members[i]) else {
            return Why::Gone;
        };
        let matches = spec
            .target
            .on
            .check(member.id, &member.at.labels, &self.world.groups);
        match (matches, member.at) {
            (Err(_), _) => Why::NoMatch,
            (Ok(()), at) if at.draining => Why::Draining,
            (Ok(()), at) if at.leaving => Why::Leaving,
            (Ok(()), _) => Why::Better,
        }
    }

    /// Why a slot of this job has no node, naming some of them.
    pub fn why_nowhere(&mut self, spec: &'w JobSpec) -> String {
        if !groups_named(spec, &self.world.groups).is_disjoint(&self.world.unreadable.groups) {
            return "a group that it names cannot be read".into();
        }
        let able = self.matching(&spec.target.on);
        let able = able.iter().filter(|i| self.members[**i].is_schedulable()).count();
        let mut why = match (spec.target.place, able, self.members.len()) {
            (_, _, 0) => "no node is alive".to_owned(),
            (Place::Count(n), 1.., _) => format!("it needs {n} nodes, and {able} can take it"),
            _ => "no node can take it".to_owned(),
        };
        let mut reasons = self.reasons(spec);
        for (i, (node, reason)) in reasons.by_ref().take(NAMED_MAX).enumerate() {
            let sep = if i == 0 { ": " } else { "; " };
            _ = write!(why, "{sep}{node}: {reason}");
        }
        let more = reasons.count();
        if more > 0 {
            _ = write!(why, "; and {more} more");
        }
        why
    }

    /// Each node that cannot take the job's slots, with the reason; nodes named in the
    /// target and not alive first.
    fn reasons(&self, spec: &'w JobSpec) -> impl Iterator<Item = (&'w NodeId, String)> {
        let on = &spec.target.on;
        let down = on.nodes.iter().filter(|id| self.find(id).is_none());
        let down = down.map(|id| (id, "it is down".to_owned()));
        let alive = self
            .members
            .iter()
            .filter_map(|m| self.refusal(on, m).map(|why| (m.id, why.to_string())));
        down.chain(alive)
    }

    /// Why a living node cannot take slots on this set of nodes.
    pub fn refusal(&self, on: &NodeSet, member: &Member) -> Option<Refusal> {
        if let Err(no) = on.check(member.id, &member.at.labels, &self.world.groups) {
            return Some(Refusal::NoMatch(no));
        }
        match member.at {
            at if at.draining => Some(Refusal::Draining),
            at if at.leaving => Some(Refusal::Leaving),
            at if at.cordoned => Some(Refusal::Cordoned),
            _ => None,
        }
    }
}

/// All groups that a job's target and its triggers' targets name, and the groups that
/// these name in turn, whether they exist or not.
pub fn groups_named(spec: &JobSpec, groups: &Groups) -> BTreeSet<GroupName> {
    let triggers = spec.triggers.iter().filter_map(|t| t.target.as_ref());
    let mut open: Vec<&NodeSet> = std::iter::once(&spec.target.on).chain(triggers).collect();
    let mut named = BTreeSet::new();
    while let Some(set) = open.pop() {
        for name in set.groups.iter().chain(&set.exclude.groups) {
            if named.insert(name.clone()) {
                open.extend(groups.get(name));
            }
        }
    }
    named
}
