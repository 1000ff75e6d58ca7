//! Where each slot of the exclusive jobs goes.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use super::{JobAt, Owned, World, fleet::Fleet, groups_named, rank};
use crate::{
    id::JobId,
    job::Isolation,
    target::{Balance, NodeSet, Place, Selector},
};

/// What becomes of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placed {
    /// It stays with this one of its owners.
    Kept(usize),
    /// It belongs to this living node (which may own it already).
    On(usize),
    Nowhere,
}

pub(super) struct Places {
    /// Each exclusive job's slots in order.
    pub jobs: HashMap<JobId, Vec<Placed>>,
    /// When the first fence that holds a slot ends.
    pub wake_in: Option<Duration>,
}

/// What its present owner is to a slot.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Tie {
    /// The owner may keep it: the owner's number, the node.
    May(usize, usize),
    /// The owner keeps it, whatever else there is; the node if it is alive.
    Pinned(usize, Option<usize>),
    /// Nobody has it, or the owner must not keep it.
    Free,
}

/// Slots that are placed by what the others left: `least_loaded` and `rotate`.
struct Later<'w> {
    id: JobId,
    at: &'w JobAt,
    /// The nodes that may take them, and how many of these (the first) are preferred.
    able: Vec<usize>,
    preferred: usize,
    /// Where in the rotation the job's first slot stands.
    turn: usize,
}

pub(super) fn place(fleet: &mut Fleet) -> Places {
    Placing {
        load: vec![0; fleet.members.len()],
        turns: HashMap::new(),
        later: Vec::new(),
        out: Places {
            jobs: HashMap::new(),
            wake_in: None,
        },
        world: fleet.world,
        fleet,
    }
    .run()
}

struct Placing<'f, 'w> {
    world: &'w World,
    fleet: &'f mut Fleet<'w>,
    /// How many slots each node has.
    load: Vec<u32>,
    /// How many slots went before, by the set of nodes they rotate over.
    turns: HashMap<(&'w NodeSet, &'w Selector), usize>,
    later: Vec<Later<'w>>,
    out: Places,
}

impl<'w> Placing<'_, 'w> {
    /// First everything that does not depend on load, then, knowing that, the rest.
    fn run(mut self) -> Places {
        for (id, at) in &self.world.jobs {
            let Some(n) = at.job.spec.target.place.slots() else {
                continue;
            };
            let slots = self.place_job(*id, at, n);
            for (slot, placed) in (0..).zip(&slots) {
                self.count(*id, slot, *placed);
            }
            self.out.jobs.insert(*id, slots);
        }
        for later in std::mem::take(&mut self.later) {
            self.place_later(&later);
        }
        self.out
    }

    fn place_job(&mut self, id: JobId, at: &'w JobAt, n: u32) -> Vec<Placed> {
        let target = &at.job.spec.target;
        let has_groups = !target.on.groups.is_empty() || !target.on.exclude.groups.is_empty();
        if has_groups
            && !groups_named(&at.job.spec, &self.world.groups).is_disjoint(&self.world.unreadable.groups)
        {
            return (0..n).map(|slot| self.frozen(id, slot)).collect();
        }
        let matching = self.fleet.matching(&target.on);
        let mut able: Vec<usize> = matching
            .iter()
            .copied()
            .filter(|i| self.fleet.members[*i].is_schedulable())
            .collect();
        let preferred = match target.prefer.is_empty() {
            true => able.len(),
            false => {
                let (mut first, rest): (Vec<_>, Vec<_>) = able
                    .iter()
                    .partition(|i| target.prefer.matches(&self.fleet.members[**i].at.labels));
                let preferred = first.len();
                first.extend(rest);
                able = first;
                preferred
            }
        };
        let is_alone = able.is_empty();
        let mut ties: Vec<Tie> = (0..n)
            .map(|slot| self.tie(id, slot, at, &matching, is_alone))
            .collect();
        if !matches!(target.place, Place::Shards(_)) {
            unpin_doubles(&mut ties);
        }
        if target.balance != Balance::Spread {
            let turn = self.turns.entry((&target.on, &target.prefer)).or_default();
            let later = Later {
                id,
                at,
                able,
                preferred,
                turn: *turn,
            };
            *turn += n as usize;
            self.later.push(later);
            return stay(&ties, matches!(target.place, Place::Shards(_)));
        }
        match target.place {
            // Nodes that are preferred take all shards, if there are any.
            Place::Shards(_) if preferred > 0 => self.shards(id, &ties, &able[..preferred]),
            Place::Shards(_) => self.shards(id, &ties, &able),
            _ => self.distinct(id, &ties, able, preferred),
        }
    }

    /// A job that cannot be judged stays as it is.
    fn frozen(&self, id: JobId, slot: u32) -> Placed {
        match self.owners(id, slot) {
            [] => Placed::Nowhere,
            _ => Placed::Kept(0),
        }
    }

    fn owners(&self, id: JobId, slot: u32) -> &'w [Owned] {
        self.world.slots.get(&(id, slot)).map_or(&[], Vec::as_slice)
    }

    /// What the owner is to the slot; of several owners, the one with the best right.
    fn tie(&mut self, id: JobId, slot: u32, at: &JobAt, matching: &[usize], is_alone: bool) -> Tie {
        let mut best = Tie::Free;
        for (i, owner) in self.owners(id, slot).iter().enumerate() {
            let tie = match self.fleet.find(&owner.node) {
                Some(node) if matching.binary_search(&node).is_ok() => {
                    let wish = self.fleet.members[node].at;
                    let is_kill = at.job.spec.isolation == Isolation::Kill;
                    match () {
                        () if wish.draining => Tie::Free,
                        () if is_kill => Tie::Pinned(i, Some(node)),
                        () if wish.leaving => Tie::Free,
                        () if wish.cordoned => Tie::Pinned(i, Some(node)),
                        () => Tie::May(i, node),
                    }
                }
                Some(_) => Tie::Free,
                None if self.world.unreadable.nodes.contains(&owner.node) => Tie::Pinned(i, None),
                None => {
                    let away = self.world.away.get(&owner.node).copied().unwrap_or_default();
                    let wait = away.wait(at.job.spec.isolation, is_alone);
                    match wait.is_zero() {
                        true => Tie::Free,
                        false => {
                            let soonest = self.out.wake_in.unwrap_or(Duration::MAX);
                            self.out.wake_in = Some(soonest.min(wait));
                            Tie::Pinned(i, None)
                        }
                    }
                }
            };
            best = best.min(tie);
        }
        best
    }

    /// `spread` over distinct nodes: those that like the job best, preferred ones first.
    fn distinct(&self, id: JobId, ties: &[Tie], able: Vec<usize>, preferred: usize) -> Vec<Placed> {
        let pinned: Vec<usize> = ties.iter().filter_map(|t| t.pinned_on()).collect();
        let need = ties.iter().filter(|t| !matches!(t, Tie::Pinned(..))).count();
        let key = rank::job_key(id);
        let mut ranked: Vec<(bool, f64, usize)> = able
            .iter()
            .enumerate()
            .filter(|(_, node)| !pinned.contains(node))
            .map(|(i, node)| {
                let member = &self.fleet.members[*node];
                (i < preferred, rank::score(key, member.hash, member.weight), *node)
            })
            .collect();
        let best_first = |a: &(bool, f64, usize), b: &(bool, f64, usize)| {
            b.0.cmp(&a.0).then(b.1.total_cmp(&a.1)).then(a.2.cmp(&b.2))
        };
        if need < ranked.len() && need > 0 {
            ranked.select_nth_unstable_by(need - 1, best_first);
        }
        ranked.truncate(need);
        ranked.sort_by(best_first);

        let mut chosen: Vec<usize> = ranked.into_iter().map(|r| r.2).collect();
        let mut slots: Vec<Placed> = Vec::with_capacity(ties.len());
        for tie in ties {
            slots.push(match tie {
                Tie::Pinned(owner, _) => Placed::Kept(*owner),
                Tie::May(owner, node) => match chosen.iter().position(|c| c == node) {
                    Some(i) => {
                        chosen.remove(i);
                        Placed::Kept(*owner)
                    }
                    None => Placed::Nowhere,
                },
                Tie::Free => Placed::Nowhere,
            });
        }
        let mut chosen = chosen.into_iter();
        for slot in slots.iter_mut().filter(|s| **s == Placed::Nowhere) {
            *slot = chosen.next().map_or(Placed::Nowhere, Placed::On);
        }
        slots
    }

    /// `spread` of shards: each node gets its share by weight, to within one, and of
    /// those the shards that like it best; what an owner may keep, it keeps.
    fn shards(&self, id: JobId, ties: &[Tie], able: &[usize]) -> Vec<Placed> {
        let score = |slot: usize, node: usize| {
            let member = &self.fleet.members[node];
            rank::score(rank::slot_key(id, slot as u32), member.hash, member.weight)
        };
        let mut slots: Vec<Placed> = ties
            .iter()
            .map(|tie| match tie {
                Tie::Pinned(owner, _) => Placed::Kept(*owner),
                _ => Placed::Nowhere,
            })
            .collect();
        if able.is_empty() {
            return slots;
        }
        let free = slots.iter().filter(|s| **s == Placed::Nowhere).count();
        // By the nodes' places in `able`, which is in order.
        let mut owned: Vec<Vec<(usize, usize)>> = vec![Vec::new(); able.len()];
        for (slot, tie) in ties.iter().enumerate() {
            if let Tie::May(owner, node) = tie
                && let Ok(i) = able.binary_search(node)
            {
                owned[i].push((slot, *owner));
            }
        }
        let mut quotas = self.quotas(id, free, able, &owned);
        for ((node, list), quota) in able.iter().zip(&mut owned).zip(&mut quotas) {
            list.sort_by(|a, b| {
                score(b.0, *node)
                    .total_cmp(&score(a.0, *node))
                    .then(a.0.cmp(&b.0))
            });
            for (slot, owner) in list.drain(..).take(*quota) {
                slots[slot] = Placed::Kept(owner);
                *quota -= 1;
            }
        }
        for (slot, placed) in slots.iter_mut().enumerate() {
            if *placed != Placed::Nowhere {
                continue;
            }
            let open = (0..able.len()).filter(|i| quotas[*i] > 0);
            let best = open.max_by(|a, b| {
                let (x, y) = (score(slot, able[*a]), score(slot, able[*b]));
                x.total_cmp(&y).then(b.cmp(a))
            });
            if let Some(i) = best {
                quotas[i] -= 1;
                *placed = Placed::On(able[i]);
            }
        }
        slots
    }

    /// How many of the free shards each node gets: its share, rounded so that the sum is
    /// right; up for those that have so many already, then for the largest remainders.
    fn quotas(&self, id: JobId, free: usize, able: &[usize], owned: &[Vec<(usize, usize)>]) -> Vec<usize> {
        let weight = |node: usize| u64::from(self.fleet.members[node].weight);
        let total: u64 = able.iter().map(|node| weight(*node)).sum();
        let key = rank::job_key(id);
        let shares = able.iter().map(|node| free as u64 * weight(*node));
        let mut quotas: Vec<usize> = shares.clone().map(|share| (share / total) as usize).collect();
        let rest = free - quotas.iter().sum::<usize>();
        let mut order: Vec<(bool, u64, f64, usize)> = shares
            .enumerate()
            .map(|(i, share)| {
                let member = &self.fleet.members[able[i]];
                let score = rank::score(key, member.hash, member.weight);
                (owned[i].len() > quotas[i], share % total, score, i)
            })
            .collect();
        order.sort_by(|a, b| {
            (b.0, b.1)
                .cmp(&(a.0, a.1))
                .then(b.2.total_cmp(&a.2))
                .then(a.3.cmp(&b.3))
        });
        for (_, _, _, i) in order.into_iter().take(rest) {
            quotas[i] += 1;
        }
        quotas
    }

    /// Places what is still without a node, by load or in turn.
    fn place_later(&mut self, later: &Later) {
        let target = &later.at.job.spec.target;
        let is_shards = matches!(target.place, Place::Shards(_));
        let mut slots = self.out.jobs.remove(&later.id).unwrap_or_default();
        let mut mine: Vec<usize> = (0..)
            .zip(&slots)
            .filter_map(|(slot, placed)| self.node_of(later.id, slot, *placed))
            .collect();
        for (slot, placed) in slots.iter_mut().enumerate() {
            if *placed != Placed::Nowhere {
                continue;
            }
            let node = match (target.balance, is_shards) {
                (Balance::LeastLoaded, _) => self.least_loaded(later, &mine, is_shards),
                (_, true) => in_turn(later, slot, &[]),
                (_, false) => in_turn(later, slot, &mine),
            };
            if let Some(node) = node {
                *placed = Placed::On(node);
                mine.push(node);
                self.load[node] += 1;
            }
        }
        self.out.jobs.insert(later.id, slots);
    }

    /// The node with the fewest slots for its weight: of this job for shards (whose nodes
    /// may be taken twice), else of all jobs.
    fn least_loaded(&self, later: &Later, mine: &[usize], is_shards: bool) -> Option<usize> {
        let key = rank::job_key(later.id);
        let count = |node: usize| mine.iter().filter(|m| **m == node).count();
        let able = match is_shards && later.preferred > 0 {
            true => &later.able[..later.preferred],
            false => &later.able[..],
        };
        let open = able.iter().copied().enumerate();
        let open = open.filter(|(_, node)| is_shards || !mine.contains(node));
        open.min_by(|(i, a), (j, b)| {
            let (x, y) = (&self.fleet.members[*a], &self.fleet.members[*b]);
            let load = |node: usize, weight: u32| {
                let of_job = if is_shards { count(node) as f64 } else { 0.0 };
                (
                    of_job / f64::from(weight),
                    f64::from(self.load[node] + 1) / f64::from(weight),
                )
            };
            let (la, lb) = (load(*a, x.weight), load(*b, y.weight));
            (*i >= later.preferred)
                .cmp(&(*j >= later.preferred))
                .then(la.0.total_cmp(&lb.0))
                .then(la.1.total_cmp(&lb.1))
                .then_with(|| {
                    rank::score(key, y.hash, y.weight).total_cmp(&rank::score(key, x.hash, x.weight))
                })
        })
        .map(|(_, node)| node)
    }

    fn count(&mut self, id: JobId, slot: u32, placed: Placed) {
        if let Some(node) = self.node_of(id, slot, placed) {
            self.load[node] += 1;
        }
    }

    /// The living node that a slot is on.
    fn node_of(&self, id: JobId, slot: u32, placed: Placed) -> Option<usize> {
        match placed {
            Placed::Kept(owner) => self.fleet.find(&self.owners(id, slot)[owner].node),
            Placed::On(node) => Some(node),
            Placed::Nowhere => None,
        }
    }
}

impl Tie {
    fn pinned_on(self) -> Option<usize> {
        match self {
            Tie::Pinned(_, node) => node,
            _ => None,
        }
    }
}

/// A cordoned node that has several slots of what has become a job on distinct nodes keeps
/// the first.
fn unpin_doubles(ties: &mut [Tie]) {
    let mut taken = BTreeSet::new();
    for tie in ties {
        if let Tie::Pinned(_, Some(node)) = *tie
            && !taken.insert(node)
        {
            *tie = Tie::Free;
        }
    }
}

/// Everybody stays who may; of several slots on one node only the first, but for shards.
fn stay(ties: &[Tie], is_shards: bool) -> Vec<Placed> {
    let mut taken: Vec<usize> = ties.iter().filter_map(|t| t.pinned_on()).collect();
    let mut stay = |tie: &Tie| match tie {
        Tie::Pinned(owner, _) => Placed::Kept(*owner),
        Tie::May(owner, node) if is_shards || !taken.contains(node) => {
            taken.push(*node);
            Placed::Kept(*owner)
        }
        _ => Placed::Nowhere,
    };
    ties.iter().map(&mut stay).collect()
}

/// The next node in turn that is not taken: of the preferred ones, then of the others.
fn in_turn(later: &Later, slot: usize, taken: &[usize]) -> Option<usize> {
    let (first, rest) = later.able.split_at(later.preferred);
    [first, rest].into_iter().find_map(|group| {
        let turns = (0..group.len()).map(|i| group[(later.turn + slot + i) % group.len()]);
        turns.into_iter().find(|node| !taken.contains(node))
    })
}
