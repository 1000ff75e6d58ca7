//! Where a job would run: the leader's own plan, over the nodes as the API shows them.

use std::sync::Arc;

use shared::{
    api::{GroupView, NodeState, NodeView, SlotView},
    file::value::{self, Value},
    id::{JobId, NodeId},
    job::{Action, Author, Job, JobSpec, RunSpec},
    plan::{JobAt, NodeAt, Outlook, Owned, Refusal, World, outlook},
    target::{Balance, Place, SLOTS_MAX},
    time::Time,
    value,
};

/// What can be said of the choice before the job is saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Each node that can take it runs it.
    Each,
    /// These, if nothing changes meanwhile.
    Known,
    /// It falls when the job is made: its id takes part in it.
    OnSaving,
    /// Nodes take turns, by the order in which jobs were made.
    Turns,
}

/// The nodes and what can be said of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Seats {
    pub nodes: Vec<Outlook>,
    pub choice: Choice,
    /// How many can take it.
    pub able: usize,
    /// How many slots it has; none if it runs on each node.
    pub slots: Option<u32>,
}

/// A job that has only this target. None while the target cannot be read.
pub fn spec_of(tree: &Value) -> Option<JobSpec> {
    let target = tree.get("target").cloned().unwrap_or(Value::map());
    value::to(value!({"name": "a", "run": {"shell": "true"}, "target": target})).ok()
}

/// `job` is none for one that is not made yet; `slots` are the ones it has now.
pub fn seats(
    nodes: &[NodeView],
    groups: &[GroupView],
    job: Option<JobId>,
    spec: &JobSpec,
    slots: &[SlotView],
) -> Seats {
    let id = job.unwrap_or_else(|| JobId::new(Time::MAX, 0));
    let world = world(nodes, groups, id, spec, slots);
    let mut found = outlook(&world, id);
    // The API knows nodes that are down and that nothing names: they are told as such.
    for node in nodes.iter().filter(|n| n.state == NodeState::Down) {
        if found.iter().all(|o| o.node != node.id) {
            found.push(Outlook {
                node: node.id.clone(),
                refusal: Some(Refusal::Down),
                preferred: false,
                has: Vec::new(),
                gets: Vec::new(),
            });
        }
    }
    let able = found.iter().filter(|o| o.refusal.is_none()).count();
    let is_placed_now = found
        .iter()
        .all(|o| o.gets.iter().all(|slot| o.has.contains(slot)));
    let choice = match (spec.target.place, spec.target.balance) {
        (Place::Every, _) => Choice::Each,
        (_, Balance::Rotate) if !is_placed_now => Choice::Turns,
        _ if job.is_some() => Choice::Known,
        (Place::Count(n), _) if n as usize >= able => Choice::Known,
        _ if able <= 1 => Choice::Known,
        (_, Balance::LeastLoaded) => Choice::Known,
        _ => Choice::OnSaving,
    };
    // What would be chosen for another id is no news.
    if matches!(choice, Choice::OnSaving | Choice::Turns) {
        found.iter_mut().for_each(|o| o.gets.clear());
    }
    // Who can take it first; who is not there at all last.
    found.sort_by_key(|o| {
        (
            o.refusal.is_some(),
            o.refusal == Some(Refusal::Down),
            o.gets.is_empty(),
        )
    });
    Seats {
        nodes: found,
        choice,
        able,
        slots: spec.target.place.slots(),
    }
}

fn world(nodes: &[NodeView], groups: &[GroupView], id: JobId, spec: &JobSpec, slots: &[SlotView]) -> World {
    let mut world = World {
        groups: groups.iter().map(|g| (g.name.clone(), g.set.clone())).collect(),
        ..World::default()
    };
    for view in nodes {
        let Some(node) = &view.node else { continue };
        let at = NodeAt {
            labels: view.labels.clone(),
            capacity: node.capacity,
            cordoned: view.intent.cordoned,
            draining: view.intent.draining,
            leaving: node.leaving,
        };
        world.nodes.insert(view.id.clone(), at);
    }
    put(&mut world, id, spec.clone());
    for slot in slots {
        let Some(node) = slot.node.clone() else { continue };
        own(&mut world, id, slot.slot, node);
    }
    if spec.target.balance == Balance::LeastLoaded {
        loads(&mut world, nodes, id);
    }
    world
}

/// What the nodes have of other jobs, as one job a node that stays where it is.
fn loads(world: &mut World, nodes: &[NodeView], job: JobId) {
    for (i, view) in (1..).zip(nodes) {
        let own_slots = world
            .slots
            .iter()
            .filter(|((id, _), o)| *id == job && o[0].node == view.id)
            .count();
        let others = view.slots.saturating_sub(own_slots as u32).min(SLOTS_MAX);
        if others == 0 || !world.nodes.contains_key(&view.id) {
            continue;
        }
        let mut spec = JobSpec::new(spec_name(), RunSpec::new(Action::Shell("true".into())));
        spec.target.place = Place::Shards(others);
        spec.target.on.nodes = [view.id.clone()].into();
        let id = JobId::new(Time::EPOCH, i);
        put(world, id, spec);
        for slot in 0..others {
            own(world, id, slot, view.id.clone());
        }
    }
}

fn spec_name() -> shared::id::JobName {
    "others".parse().expect("a job's name")
}

fn put(world: &mut World, id: JobId, spec: JobSpec) {
    let author = Author {
        by: String::new(),
        at: Time::EPOCH,
    };
    let job = Arc::new(Job::create(id, spec, author));
    world.jobs.insert(id, JobAt { job, revision: 1 });
}

fn own(world: &mut World, job: JobId, slot: u32, node: NodeId) {
    let owned = Owned {
        node,
        mod_revision: 1,
        assignment: None,
    };
    world.slots.entry((job, slot)).or_default().push(owned);
}

#[cfg(test)]
mod tests {
    use shared::{
        node::{Intent, Node},
        target::Labels,
    };

    use super::*;

    fn node(name: &str, label: &str, slots: u32, is_up: bool) -> NodeView {
        let id: NodeId = name.parse().unwrap();
        let labels: Labels = [("role".to_owned(), label.to_owned())].into();
        let node = Node {
            id: id.clone(),
            name: name.into(),
            boot: String::new(),
            version: String::new(),
            labels: labels.clone(),
            capacity: 4,
            address: None,
            started_at: Time::EPOCH,
            lease_secs: 10,
            leaving: false,
        };
        NodeView {
            id,
            node: is_up.then_some(node),
            intent: Intent::default(),
            labels,
            state: if is_up { NodeState::Ready } else { NodeState::Down },
            slots,
            health: None,
            clock_offset_ms: None,
            last_seen: None,
        }
    }

    fn told(tree: Value, job: Option<JobId>, slots: &[SlotView]) -> String {
        let mut nodes = vec![
            node("a", "db", 5, true),
            node("b", "db", 1, true),
            node("c", "web", 0, true),
            node("d", "db", 0, true),
            node("e", "db", 0, false),
        ];
        nodes[3].intent.cordoned = true;
        nodes[3].state = NodeState::Cordoned;
        let seats = seats(&nodes, &[], job, &spec_of(&tree).unwrap(), slots);
        let mut lines = vec![format!("{:?}, {} can", seats.choice, seats.able)];
        lines.extend(seats.nodes.iter().map(|o| {
            let why = o.refusal.as_ref().map_or("can".to_owned(), ToString::to_string);
            format!("{}: {why} {:?} → {:?}", o.node, o.has, o.gets)
        }));
        lines.join("\n")
    }

    #[test]
    fn the_leaders_plan_is_told() {
        let least = value!({"target": {"labels": "role=db", "balance": "least_loaded"}});
        expect_test::expect![[r#"
            Known, 2 can
            b: can [] → [0]
            a: can [] → []
            c: its labels do not match `role=db` [] → []
            d: it is cordoned [] → []
            e: it is down [] → []"#]]
        .assert_eq(&told(least, None, &[]));
        let spread = value!({"target": {"labels": "role=db"}});
        expect_test::expect![[r#"
            OnSaving, 2 can
            a: can [] → []
            b: can [] → []
            c: its labels do not match `role=db` [] → []
            d: it is cordoned [] → []
            e: it is down [] → []"#]]
        .assert_eq(&told(spread.clone(), None, &[]));
        let slot = SlotView {
            slot: 0,
            node: Some("c".parse().unwrap()),
            claimed: None,
            why: None,
        };
        expect_test::expect![[r#"
            Known, 2 can
            b: can [] → [0]
            a: can [] → []
            c: its labels do not match `role=db` [0] → []
            d: it is cordoned [] → []
            e: it is down [] → []"#]]
        .assert_eq(&told(spread, Some(JobId::new(Time::from_secs(1), 7)), &[slot]));
        expect_test::expect![[r#"
            Each, 3 can
            a: can [] → []
            b: can [] → []
            c: can [] → []
            d: it is cordoned [] → []
            e: it is down [] → []"#]]
        .assert_eq(&told(value!({"target": {"place": "every"}}), None, &[]));
        assert_eq!(spec_of(&value!({"target": {"labels": "a b"}})), None);
    }
}
