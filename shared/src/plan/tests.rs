//! Golden plans, and what holds for every plan.

use std::{collections::BTreeSet, time::Duration};

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;
use crate::{
    id::{Fire, Owner, RunId},
    job::{Action, Author, RunSpec},
    target::{Balance, NodeSet, Place},
};

/// A world that a test builds, and that takes plans as the store does.
#[derive(Clone, Default)]
struct Stage {
    world: World,
    revision: Revision,
}

impl Stage {
    fn new(nodes: &[&str]) -> Stage {
        let mut stage = Stage::default();
        nodes.iter().for_each(|node| stage.join(node));
        stage
    }

    fn join(&mut self, name: &str) {
        self.world.away.remove(&node(name));
        self.world.nodes.insert(
            node(name),
            NodeAt {
                capacity: 4,
                ..NodeAt::default()
            },
        );
    }

    fn join_with(&mut self, name: &str, labels: &[(&str, &str)]) {
        self.join(name);
        self.node(name).labels = labels
            .iter()
            .map(|(k, v)| (k.to_string(), v.to_string()))
            .collect();
    }

    fn node(&mut self, name: &str) -> &mut NodeAt {
        self.world.nodes.get_mut(&node(name)).unwrap()
    }

    /// The node's lease is gone, and its fences last so long.
    fn gone(&mut self, name: &str, finish_in: u64, kill_in: u64) {
        self.world.nodes.remove(&node(name));
        let (finish_in, kill_in) = (Duration::from_secs(finish_in), Duration::from_secs(kill_in));
        self.world.away.insert(node(name), Away { finish_in, kill_in });
    }

    fn job(&mut self, name: &str, edit: impl FnOnce(&mut JobSpec)) -> JobId {
        let found = self
            .world
            .jobs
            .iter()
            .find(|(_, at)| at.job.spec.name.as_str() == name);
        let id = match found {
            Some((id, _)) => *id,
            None => JobId::new(Time::from_secs(1000 + self.world.jobs.len() as i64), 7),
        };
        let author = Author {
            by: "me".into(),
            at: Time::from_secs(1000),
        };
        let mut spec = match self.world.jobs.get(&id) {
            Some(at) => at.job.spec.clone(),
            None => JobSpec::new(name.parse().unwrap(), RunSpec::new(Action::Shell("true".into()))),
        };
        edit(&mut spec);
        self.revision += 1;
        let job = Arc::new(Job::create(id, spec, author));
        self.world.jobs.insert(
            id,
            JobAt {
                job,
                revision: self.revision,
            },
        );
        id
    }

    fn claim(&mut self, job: JobId, slot: u32, from: i64, at: i64) {
        let owner = self.world.slots[&(job, slot)][0].node.clone();
        let at = Time::from_secs(at);
        self.revision += 1;
        let cursor = Cursor {
            at,
            run: RunId::of(&Fire {
                job,
                at,
                owner: Owner::Slot(slot),
            }),
            node: owner,
            unreported_since: Time::from_secs(from),
        };
        let at = CursorAt {
            mod_revision: self.revision,
            cursor: Some(Arc::new(cursor)),
        };
        self.world.cursors.insert((job, slot), at);
    }

    /// Plans, and does what the plan says as the store would.
    fn settle(&mut self) -> Plan {
        let plan = plan(&self.world);
        self.revision += 1;
        for step in &plan.steps {
            self.take(step);
        }
        plan
    }

    fn take(&mut self, step: &Step) {
        let revision = self.revision;
        let assignment = |world: &World, job: JobId, slot, groups| {
            let at = &world.jobs[&job];
            Some(Arc::new(Assignment {
                job,
                revision: at.revision,
                spec: at.job.spec.clone(),
                since: at.job.since,
                slot,
                groups,
                calendars: calendars_for(world, &at.job.spec, None),
            }))
        };
        match step {
            Step::Slot(step) => {
                let key = (step.job, step.slot);
                let mut owners = self.world.slots.remove(&key).unwrap_or_default();
                for leave in &step.leave {
                    let i = owners.iter().position(|o| o.node == leave.node).unwrap();
                    assert_eq!(owners.remove(i).mod_revision, leave.mod_revision);
                }
                if let Some(put) = &step.put {
                    let old = owners.iter().position(|o| o.node == put.node);
                    assert_eq!(old.map_or(0, |i| owners[i].mod_revision), put.mod_revision);
                    owners.retain(|o| o.node != put.node);
                    owners.push(Owned {
                        node: put.node.clone(),
                        mod_revision: revision,
                        assignment: assignment(&self.world, step.job, Some(step.slot), Groups::new()),
                    });
                }
                if !owners.is_empty() {
                    self.world.slots.insert(key, owners);
                }
            }
            Step::Every { job, groups, .. } => {
                let every = EveryAt {
                    mod_revision: revision,
                    assignment: assignment(&self.world, *job, None, groups.clone()),
                };
                self.world.every.insert(*job, every);
            }
            Step::RemoveEvery { job, .. } => drop(self.world.every.remove(job)),
            Step::Forget { job, slot, .. } => drop(self.world.cursors.remove(&(*job, *slot))),
        }
    }

    fn owner(&self, job: JobId, slot: u32) -> Option<&str> {
        let owners = self.world.slots.get(&(job, slot))?;
        assert_eq!(owners.len(), 1, "one owner a slot");
        Some(owners[0].node.as_str())
    }

    fn owners(&self) -> BTreeMap<(JobId, u32), NodeId> {
        self.world
            .slots
            .iter()
            .map(|(slot, owners)| {
                assert_eq!(owners.len(), 1, "one owner a slot");
                (*slot, owners[0].node.clone())
            })
            .collect()
    }
}

fn node(name: &str) -> NodeId {
    name.parse().unwrap()
}

fn check(plan: &Plan, expected: Expect) {
    expected.assert_eq(&plan.to_string());
}

#[test]
fn a_plan_reads_like_this() {
    let mut stage = Stage::new(&["a", "b", "c"]);
    stage.join_with("d", &[("role", "db")]);
    let backup = stage.job("backup", |_| {});
    stage.job("dump", |s| s.target.on.labels = "role=db".parse().unwrap());
    stage.job("check", |s| s.target.place = Place::Every);
    stage.job("pair", |s| s.target.place = Place::Count(2));
    stage.job("gpu", |s| s.target.on.labels = "gpu".parse().unwrap());
    stage.job("many", |s| s.target.place = Place::Count(6));
    stage.job("part", |s| s.target.place = Place::Shards(6));
    check(
        &stage.settle(),
        expect![[r#"
        default/backup/0: to b
        default/dump/0: to d
        default/check: on every node
        default/pair/0: to a
        default/pair/1: to b
        default/many/0: to d
        default/many/1: to a
        default/many/2: to b
        default/many/3: to c
        default/part/0: to c
        default/part/1: to a
        default/part/2: to d
        default/part/3: to d
        default/part/4: to c
        default/part/5: to b
        default/gpu/0: nowhere: no node can take it: a: its labels do not match `gpu`; b: its labels do not match `gpu`; c: its labels do not match `gpu`; d: its labels do not match `gpu`
        default/many/4: nowhere: it needs 6 nodes, and 4 can take it
        default/many/5: nowhere: it needs 6 nodes, and 4 can take it
    "#]],
    );
    check(
        &stage.settle(),
        expect![[r#"
        default/gpu/0: nowhere: no node can take it: a: its labels do not match `gpu`; b: its labels do not match `gpu`; c: its labels do not match `gpu`; d: its labels do not match `gpu`
        default/many/4: nowhere: it needs 6 nodes, and 4 can take it
        default/many/5: nowhere: it needs 6 nodes, and 4 can take it
    "#]],
    );

    // A node dies with a fire claimed.
    stage.claim(backup, 0, 2000, 2060);
    let owner = stage.owner(backup, 0).unwrap().to_owned();
    stage.gone(&owner, 0, 0);
    check(
        &stage.settle(),
        expect![[r#"
        default/backup/0: from b (it is gone) to a; claimed 1970-01-01T00:33:20.000Z to 1970-01-01T00:34:20.000Z
        default/pair/1: from b (it is gone) to d
        default/many/2: from b (it is gone)
        default/part/5: from b (it is gone) to a
        default/gpu/0: nowhere: no node can take it: a: its labels do not match `gpu`; c: its labels do not match `gpu`; d: its labels do not match `gpu`
        default/many/2: nowhere: it needs 6 nodes, and 3 can take it
        default/many/4: nowhere: it needs 6 nodes, and 3 can take it
        default/many/5: nowhere: it needs 6 nodes, and 3 can take it
    "#]],
    );

    // The job changes; another is deleted.
    stage.job("backup", |s| s.description = "nightly".into());
    let check_job = stage.job("check", |_| {});
    stage.world.jobs.remove(&check_job);
    check(
        &stage.settle(),
        expect![[r#"
        default/backup/0: rewritten on a
        000000YJGG0000000000000007: no longer on every node
        default/gpu/0: nowhere: no node can take it: a: its labels do not match `gpu`; c: its labels do not match `gpu`; d: its labels do not match `gpu`
        default/many/2: nowhere: it needs 6 nodes, and 3 can take it
        default/many/4: nowhere: it needs 6 nodes, and 3 can take it
        default/many/5: nowhere: it needs 6 nodes, and 3 can take it
    "#]],
    );
}

#[test]
fn an_edited_calendar_reaches_the_assignments_that_name_it() {
    let mut stage = Stage::new(&["a"]);
    let names = |name: &str| BTreeSet::from([name.parse().unwrap()]);
    let nightly = stage.job("nightly", |s| s.calendars.exclude = names("holidays"));
    let every = stage.job("every", |s| {
        s.target.place = Place::Every;
        s.calendars.only = names("office");
    });
    stage.job("other", |_| {});
    let holidays = |stage: &mut Stage, revision: Revision, yaml: &str| {
        let named = crate::calendar::parse(yaml, crate::file::Format::Yaml)
            .unwrap()
            .remove(0);
        let calendar = Arc::new(named.calendar);
        let at = crate::calendar::InlinedCalendar { revision, calendar };
        stage.world.calendars.insert(named.name, at);
    };
    holidays(&mut stage, 50, "name: holidays\ndates: [12-25]");
    stage.settle();
    let inlined = |stage: &Stage| stage.world.slots[&(nightly, 0)][0].assignment.clone().unwrap();
    assert_eq!(
        inlined(&stage).calendars[&"holidays".parse().unwrap()].revision,
        50
    );
    // A calendar that does not exist is not in the assignment.
    let of_every = stage.world.every[&every].assignment.clone().unwrap();
    assert!(of_every.calendars.is_empty());
    check(&stage.settle(), expect![""]);
    // Edited: the same ownership, written anew. Made: likewise.
    let before = inlined(&stage);
    holidays(&mut stage, 60, "name: holidays\ndates: [12-26]");
    holidays(&mut stage, 61, "name: office\nweekly: [{days: mon-fri}]");
    holidays(&mut stage, 62, "name: unused\nweekly: [{days: mon-fri}]");
    check(
        &stage.settle(),
        expect![[r#"
            default/nightly/0: rewritten on a
            default/every: rewritten on every node
        "#]],
    );
    let after = inlined(&stage);
    assert_eq!(after.calendars[&"holidays".parse().unwrap()].revision, 60);
    assert_eq!((after.since, after.revision), (before.since, before.revision));
    check(&stage.settle(), expect![""]);
    // Unreadable: the last readable word holds, also where the slot goes to another node.
    stage
        .world
        .calendars
        .remove(&"holidays".parse::<CalendarName>().unwrap());
    stage
        .world
        .unreadable
        .calendars
        .insert("holidays".parse().unwrap());
    check(&stage.settle(), expect![""]);
    let spec = &stage.world.jobs[&nightly].job.spec;
    assert!(calendars_for(&stage.world, spec, None).is_empty());
    assert_eq!(calendars_for(&stage.world, spec, Some(&after)), after.calendars);
    // Gone: it covers nothing any more.
    stage.world.unreadable.calendars.clear();
    check(
        &stage.settle(),
        expect![[r#"
            default/nightly/0: rewritten on a
        "#]],
    );
    assert!(inlined(&stage).calendars.is_empty());
}

#[test]
fn what_was_claimed_goes_with_the_calendars_it_was_claimed_under() {
    let mut stage = Stage::new(&["a", "b"]);
    let job = stage.job("nightly", |s| {
        s.calendars.exclude = BTreeSet::from(["x".parse().unwrap()])
    });
    let named = crate::calendar::parse("name: x\ndates: [12-25]", crate::file::Format::Yaml)
        .unwrap()
        .remove(0);
    let calendar = Arc::new(named.calendar);
    let at = crate::calendar::InlinedCalendar {
        revision: 9,
        calendar,
    };
    stage.world.calendars.insert(named.name, at);
    stage.settle();
    stage.claim(job, 0, 2000, 2060);
    let owner = stage.owner(job, 0).unwrap().to_owned();
    stage.gone(&owner, 0, 0);
    stage.world.calendars.clear();
    let plan = stage.settle();
    let Step::Slot(step) = &plan.steps[0] else {
        panic!("{plan}")
    };
    let claimed = step.claimed.as_ref().unwrap();
    assert_eq!(claimed.calendars[&"x".parse().unwrap()].revision, 9);
    assert_eq!(claimed.named.exclude.len(), 1);
}

#[test]
fn a_gone_node_keeps_its_slots_until_its_fence_ends() {
    let mut stage = Stage::new(&["a", "b"]);
    let finish = stage.job("finish", |_| {});
    let kill = stage.job("kill", |s| s.isolation = Isolation::Kill);
    stage.node("b").cordoned = true;
    stage.settle();
    stage.node("b").cordoned = false;
    stage.gone("a", 0, 7);
    let plan = stage.settle();
    check(
        &plan,
        expect![[r#"
        default/finish/0: from a (it is gone) to b
        again in 7s
    "#]],
    );
    assert_eq!(
        (stage.owner(finish, 0), stage.owner(kill, 0)),
        (Some("b"), Some("a"))
    );
    assert_eq!(plan.wake_in, Some(Duration::from_secs(7)));
    stage.gone("a", 0, 0);
    check(
        &stage.settle(),
        expect![[r#"
        default/kill/0: from a (it is gone) to b
    "#]],
    );
}

#[test]
fn a_slot_that_no_other_node_can_take_waits_for_the_whole_fence() {
    let mut stage = Stage::new(&["a"]);
    let job = stage.job("job", |_| {});
    stage.settle();
    stage.gone("a", 0, 5);
    check(
        &stage.settle(),
        expect![[r#"
        again in 5s
    "#]],
    );
    assert_eq!(stage.owner(job, 0), Some("a"));
    stage.gone("a", 0, 0);
    check(
        &stage.settle(),
        expect![[r#"
        default/job/0: from a (it is gone)
        default/job/0: nowhere: no node is alive
    "#]],
    );
    stage.join("a");
    check(
        &stage.settle(),
        expect![[r#"
        default/job/0: to a
    "#]],
    );
}

#[test]
fn cordoned_keeps_and_draining_loses() {
    let mut stage = Stage::new(&["a", "b"]);
    let jobs: Vec<JobId> = (0..8).map(|i| stage.job(&format!("j{i}"), |_| {})).collect();
    stage.settle();
    let before = stage.owners();
    assert!(before.values().any(|n| n.as_str() == "a") && before.values().any(|n| n.as_str() == "b"));

    stage.node("a").cordoned = true;
    assert_eq!(stage.settle().steps, []);
    let new = stage.job("new", |_| {});
    stage.settle();
    assert_eq!(stage.owner(new, 0), Some("b"));

    stage.node("a").draining = true;
    stage.settle();
    assert!(jobs.iter().all(|job| stage.owner(*job, 0) == Some("b")));

    // Nothing is taken back but a's own share.
    *stage.node("a") = NodeAt {
        capacity: 4,
        ..NodeAt::default()
    };
    stage.settle();
    let after: BTreeMap<_, _> = stage
        .owners()
        .into_iter()
        .filter(|((job, _), _)| *job != new)
        .collect();
    assert_eq!(before, after);
}

#[test]
fn a_slot_with_isolation_stays_while_its_node_lives() {
    let mut stage = Stage::new(&["a"]);
    let kill = |s: &mut JobSpec| s.isolation = Isolation::Kill;
    let jobs: Vec<JobId> = (0..8).map(|i| stage.job(&format!("j{i}"), kill)).collect();
    let finish = stage.job("finish", |_| {});
    stage.settle();
    stage.join("b");
    stage.node("a").leaving = true;
    stage.settle();
    assert!(jobs.iter().all(|job| stage.owner(*job, 0) == Some("a")));
    assert_eq!(stage.owner(finish, 0), Some("b"));
    // As soon as it is gone, and not before.
    stage.gone("a", 0, 5);
    stage.settle();
    assert!(jobs.iter().all(|job| stage.owner(*job, 0) == Some("a")));
    stage.gone("a", 0, 0);
    stage.settle();
    assert!(jobs.iter().all(|job| stage.owner(*job, 0) == Some("b")));
    // An operator's word counts.
    stage.join("a");
    stage.node("b").draining = true;
    stage.settle();
    assert!(jobs.iter().all(|job| stage.owner(*job, 0) == Some("a")));
}

#[test]
fn what_cannot_be_read_changes_nothing() {
    let mut stage = Stage::new(&["a", "b"]);
    let web: GroupName = "web".parse().unwrap();
    stage.world.groups.insert(web.clone(), NodeSet::default());
    let grouped = stage.job("grouped", |s| s.target.on.groups = [web.clone()].into());
    let broken = stage.job("broken", |_| {});
    let pinned = stage.job("pinned", |s| s.target.on.nodes = [node("b")].into());
    stage.settle();
    stage.claim(broken, 0, 2000, 2000);

    let path = stage.world.jobs.remove(&broken).unwrap().job.spec.path();
    stage.world.unreadable.jobs.insert(path);
    stage.world.groups.remove(&web);
    stage.world.unreadable.groups.insert(web);
    stage.world.nodes.remove(&node("b"));
    stage.world.unreadable.nodes.insert(node("b"));
    assert_eq!(stage.settle().steps, []);
    assert!(
        [grouped, broken, pinned]
            .iter()
            .all(|job| stage.owner(*job, 0).is_some())
    );
}

#[test]
fn an_assignment_that_cannot_be_read_is_written_again() {
    let mut stage = Stage::new(&["a"]);
    let job = stage.job("job", |_| {});
    stage.settle();
    stage.world.slots.get_mut(&(job, 0)).unwrap()[0].assignment = None;
    check(
        &stage.settle(),
        expect![[r#"
        default/job/0: rewritten on a
    "#]],
    );
}

#[test]
fn two_owners_become_one() {
    let mut stage = Stage::new(&["a", "b"]);
    let job = stage.job("job", |_| {});
    stage.settle();
    let mut other = stage.world.slots[&(job, 0)][0].clone();
    other.node = node(if stage.owner(job, 0) == Some("a") {
        "b"
    } else {
        "a"
    });
    stage.world.slots.get_mut(&(job, 0)).unwrap().insert(0, other);
    check(
        &stage.settle(),
        expect![[r#"
        default/job/0: from a (the slot has another owner)
    "#]],
    );
    assert_eq!(stage.settle().steps, []);
    assert!(stage.owner(job, 0).is_some());
}

#[test]
fn every_node_jobs_carry_the_groups_they_name() {
    let mut stage = Stage::new(&["a"]);
    let set = |labels: &str, groups: &[&str]| NodeSet {
        labels: labels.parse().unwrap(),
        groups: groups.iter().map(|g| g.parse().unwrap()).collect(),
        ..NodeSet::default()
    };
    stage.world.groups = [
        ("db", set("", &["old"])),
        ("old", set("v=1", &[])),
        ("x", set("", &[])),
    ]
    .map(|(name, set)| (name.parse().unwrap(), set))
    .into();
    let job = stage.job("job", |s| {
        s.target.place = Place::Every;
        s.target.on = set("", &["db"]);
    });
    stage.settle();
    let carried = |stage: &Stage| {
        let groups = &stage.world.every[&job].assignment.as_ref().unwrap().groups;
        groups
            .keys()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(",")
    };
    assert_eq!(carried(&stage), "db,old");
    assert_eq!(stage.settle().steps, []);
    stage.world.groups.insert("old".parse().unwrap(), set("v=2", &[]));
    check(
        &stage.settle(),
        expect![[r#"
        default/job: rewritten on every node
        default/job: nowhere: no node can take it: a: it is not among the named nodes and groups
    "#]],
    );
    // It no longer runs everywhere.
    stage.job("job", |s| s.target.place = Place::One);
    check(
        &stage.settle(),
        expect![[r#"
        000000YGJ00000000000000007: no longer on every node
        default/job/0: nowhere: no node can take it: a: it is not among the named nodes and groups
    "#]],
    );
}

#[test]
fn fewer_slots_leave_nothing_behind() {
    let mut stage = Stage::new(&["a"]);
    let job = stage.job("job", |s| s.target.place = Place::Shards(3));
    stage.settle();
    stage.claim(job, 2, 2000, 2000);
    stage.job("job", |s| s.target.place = Place::Shards(2));
    check(
        &stage.settle(),
        expect![[r#"
        default/job/0: rewritten on a
        default/job/1: rewritten on a
        default/job/2: from a (there is no such slot); claimed 1970-01-01T00:33:20.000Z
    "#]],
    );
    check(
        &stage.settle(),
        expect![[r#"
        000000YGJ00000000000000007/2: its cursor is forgotten
    "#]],
    );
    check(&stage.settle(), expect![[""]]);
}

#[test]
fn preferred_nodes_come_first() {
    let mut stage = Stage::new(&[]);
    stage.join_with("a", &[("zone", "a")]);
    stage.join_with("b", &[("zone", "b")]);
    stage.join_with("c", &[("zone", "b")]);
    let prefer = |s: &mut JobSpec| s.target.prefer = "zone=a".parse().unwrap();
    let one = stage.job("one", prefer);
    let two = stage.job("two", |s| {
        prefer(s);
        s.target.place = Place::Count(2);
    });
    let shards = stage.job("shards", |s| {
        prefer(s);
        s.target.place = Place::Shards(3);
    });
    stage.settle();
    assert_eq!(stage.owner(one, 0), Some("a"));
    assert_eq!(stage.owner(two, 0), Some("a"));
    assert!(stage.owner(two, 1).is_some_and(|n| n != "a"));
    assert!((0..3).all(|slot| stage.owner(shards, slot) == Some("a")));
    stage.gone("a", 0, 0);
    stage.settle();
    assert!(stage.owner(one, 0).is_some_and(|n| n != "a"));
    stage.join_with("a", &[("zone", "a")]);
    stage.settle();
    assert_eq!(stage.owner(one, 0), Some("a"));
}

#[test]
fn least_loaded_fills_by_capacity_and_stays_put() {
    let mut stage = Stage::new(&["a", "b"]);
    stage.node("b").capacity = 12;
    let jobs: Vec<JobId> = (0..16)
        .map(|i| stage.job(&format!("j{i:02}"), |s| s.target.balance = Balance::LeastLoaded))
        .collect();
    stage.settle();
    let on = |stage: &Stage, name: &str| jobs.iter().filter(|j| stage.owner(**j, 0) == Some(name)).count();
    assert_eq!((on(&stage, "a"), on(&stage, "b")), (4, 12));
    stage.join("c");
    assert_eq!(stage.settle().steps, []);
}

#[test]
fn rotation_takes_turns() {
    let mut stage = Stage::new(&["a", "b", "c"]);
    let rotate = |s: &mut JobSpec| s.target.balance = Balance::Rotate;
    let jobs: Vec<JobId> = (0..5).map(|i| stage.job(&format!("j{i}"), rotate)).collect();
    stage.settle();
    let owners: Vec<&str> = jobs.iter().map(|j| stage.owner(*j, 0).unwrap()).collect();
    assert_eq!(owners, ["a", "b", "c", "a", "b"]);
    stage.join("d");
    assert_eq!(stage.settle().steps, []);
}

#[test]
fn people_are_told_where_and_why() {
    let mut stage = Stage::new(&["a", "b"]);
    stage.join_with("c", &[("role", "web")]);
    let job = stage.job("job", |s| {
        s.target.on.labels = "!role".parse().unwrap();
        s.target.on.exclude.nodes = [node("x")].into();
    });
    stage.settle();
    stage.node("b").draining = true;
    stage.settle();
    stage.claim(job, 0, 2000, 2000);
    let seen = whereabouts(&stage.world, job).unwrap();
    let mut text = String::new();
    for slot in seen.slots {
        text += &format!(
            "{} on {:?} claimed {:?} {:?}\n",
            slot.slot, slot.node, slot.claimed, slot.why
        );
    }
    for s in seen.nodes {
        text += &format!("{} {} {}\n", s.node, s.matches, s.why);
    }
    expect![[r#"
        0 on Some(a) claimed Some(1970-01-01T00:33:20.000Z) None
        a true it has the job; choice 1 of 1
        b true it is draining
        c false its labels do not match `!role`
    "#]]
    .assert_eq(&text);
}

/// What may happen to a fleet.
#[derive(Clone, Debug)]
enum Event {
    Join(u8),
    /// Its fence holds, or has ended.
    Gone(u8, bool),
    Cordon(u8),
    Drain(u8),
    Free(u8),
    Label(u8, bool),
    Job(u8, Shape),
    Delete(u8),
}

#[derive(Clone, Debug)]
struct Shape {
    place: Place,
    balance: Balance,
    labelled: bool,
    prefer: bool,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let node = || 0u8..6;
    let place = prop_oneof![
        Just(Place::One),
        (2u32..4).prop_map(Place::Count),
        (1u32..12).prop_map(Place::Shards),
        Just(Place::Every),
    ];
    let balance = prop_oneof![
        Just(Balance::Spread),
        Just(Balance::LeastLoaded),
        Just(Balance::Rotate)
    ];
    let shape =
        (place, balance, any::<bool>(), any::<bool>()).prop_map(|(place, balance, labelled, prefer)| Shape {
            place,
            balance,
            labelled,
            prefer,
        });
    let event = prop_oneof![
        3 => node().prop_map(Event::Join),
        2 => (node(), any::<bool>()).prop_map(|(n, held)| Event::Gone(n, held)),
        1 => node().prop_map(Event::Cordon),
        1 => node().prop_map(Event::Drain),
        1 => node().prop_map(Event::Free),
        1 => (node(), any::<bool>()).prop_map(|(n, l)| Event::Label(n, l)),
        3 => (0u8..8, shape).prop_map(|(j, s)| Event::Job(j, s)),
        1 => (0u8..8).prop_map(Event::Delete),
    ];
    proptest::collection::vec(event, 1..40)
}

fn happen(stage: &mut Stage, event: &Event) {
    let name = |n: &u8| format!("n{n}");
    match event {
        Event::Join(n) => stage.join(&name(n)),
        Event::Gone(n, true) => stage.gone(&name(n), 5, 5),
        Event::Gone(n, false) => stage.gone(&name(n), 0, 0),
        Event::Job(j, shape) => drop(stage.job(&format!("j{j}"), |s| {
            s.target.place = shape.place;
            s.target.balance = shape.balance;
            s.target.on.labels = if shape.labelled { "x" } else { "" }.parse().unwrap();
            s.target.prefer = if shape.prefer { "x" } else { "" }.parse().unwrap();
        })),
        Event::Delete(j) => {
            let name = format!("j{j}");
            stage.world.jobs.retain(|_, at| at.job.spec.name.as_str() != name);
        }
        Event::Cordon(n) | Event::Drain(n) | Event::Free(n) | Event::Label(n, _) => {
            let Some(at) = stage.world.nodes.get_mut(&node(&name(n))) else {
                return;
            };
            match event {
                Event::Cordon(_) => at.cordoned = true,
                Event::Drain(_) => at.draining = true,
                Event::Label(_, false) => drop(at.labels.remove("x")),
                Event::Label(_, true) => drop(at.labels.insert("x".into(), "1".into())),
                _ => (at.cordoned, at.draining) = (false, false),
            }
        }
    }
}

/// Every slot has one legal owner, or is unplaced because there is none.
fn check_owners(stage: &Stage, plan: &Plan, before: &BTreeMap<(JobId, u32), NodeId>) {
    let world = &stage.world;
    let owners = stage.owners();
    for (id, at) in &world.jobs {
        let target = &at.job.spec.target;
        let takes = |id: &NodeId| {
            let node = &world.nodes[id];
            target.on.check(id, &node.labels, &world.groups).is_ok() && !node.draining
        };
        let able = world
            .nodes
            .keys()
            .filter(|id| takes(id) && !world.nodes[*id].cordoned)
            .count();
        let mut distinct = BTreeSet::new();
        for slot in 0..target.place.slots().unwrap_or(0) {
            let unplaced = plan.unplaced.iter().any(|u| (u.job, u.slot) == (*id, Some(slot)));
            let Some(owner) = owners.get(&(*id, slot)) else {
                assert!(unplaced, "a slot without an owner is told");
                assert!(
                    able == 0 || matches!(target.place, Place::Count(n) if able < n as usize),
                    "it could have been placed"
                );
                continue;
            };
            if !world.nodes.contains_key(owner) {
                let away = world.away[owner];
                assert!(!away.kill_in.is_zero(), "past its fence a node owns nothing");
                assert_eq!(
                    before.get(&(*id, slot)),
                    Some(owner),
                    "a node that is gone gets nothing"
                );
                assert!(!unplaced && plan.wake_in.is_some());
                continue;
            }
            assert!(!unplaced && takes(owner), "the owner is alive and may take it");
            assert!(
                !world.nodes[owner].cordoned || before.get(&(*id, slot)) == Some(owner),
                "a cordoned node gets nothing"
            );
            if let Place::Count(_) = target.place {
                assert!(distinct.insert(owner), "distinct nodes");
            }
        }
    }
    let slots = owners.keys().filter(|(id, slot)| {
        let at = world.jobs.get(id);
        at.is_none_or(|at| at.job.spec.target.place.slots().is_none_or(|n| *slot >= n))
    });
    assert_eq!(slots.count(), 0, "no slot that is not there");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_slot_has_one_legal_owner(events in events()) {
        let mut stage = Stage::default();
        for event in &events {
            happen(&mut stage, event);
            let before = stage.owners();
            prop_assert_eq!(plan(&stage.world), plan(&stage.world.clone()));
            let settled = stage.settle();
            check_owners(&stage, &settled, &before);
            let again = stage.settle();
            prop_assert_eq!(again.steps, vec![], "what is settled stays");
        }
    }

    #[test]
    fn a_node_moves_only_its_share(nodes in 1u8..12, jobs in 1usize..40, n in 1u32..3) {
        let mut stage = Stage::default();
        for node in 0..nodes {
            stage.join(&format!("n{node}"));
        }
        for job in 0..jobs {
            stage.job(&format!("j{job}"), |s| s.target.place = if n == 1 { Place::One } else { Place::Count(n) });
        }
        stage.settle();
        let before = stage.owners();
        stage.join("new");
        stage.settle();
        for (slot, owner) in stage.owners() {
            if let Some(old) = before.get(&slot) {
                prop_assert!(owner == *old || owner.as_str() == "new", "to the node that joined, or not at all");
            }
        }
        stage.gone("new", 0, 0);
        stage.settle();
        if n == 1 {
            prop_assert_eq!(stage.owners(), before, "and back");
        }
    }

    #[test]
    fn shards_are_even_and_move_little(nodes in 1u8..10, shards in 1u32..60) {
        let mut stage = Stage::default();
        for node in 0..nodes {
            stage.join(&format!("n{node}"));
        }
        let job = stage.job("job", |s| s.target.place = Place::Shards(shards));
        for joined in ["x", "y"] {
            stage.settle();
            let before = stage.owners();
            let mut count: BTreeMap<NodeId, u32> = stage.world.nodes.keys().map(|id| (id.clone(), 0)).collect();
            for owner in before.values() {
                *count.get_mut(owner).unwrap() += 1;
            }
            let (least, most) = (count.values().min().unwrap(), count.values().max().unwrap());
            prop_assert!(most - least <= 1, "{:?}", count);
            stage.join(joined);
            stage.settle();
            let moved = stage.owners().into_iter().filter(|(slot, owner)| before[slot] != *owner);
            let moved: Vec<NodeId> = moved.map(|(_, owner)| owner).collect();
            prop_assert!(moved.iter().all(|owner| owner.as_str() == joined));
            prop_assert!(moved.len() as u32 <= shards / stage.world.nodes.len() as u32 + 1);
        }
        prop_assert!(stage.owner(job, 0).is_some());
    }
}

/// The processor time of planning so many jobs on 100 nodes: all new, and unchanged.
fn cost(jobs: i64) -> (Duration, Duration) {
    let mut stage = Stage::default();
    for n in 0..100 {
        stage.join_with(&format!("n{n}"), &[("zone", ["a", "b", "c"][n % 3])]);
    }
    let balances = [
        Balance::Spread,
        Balance::Spread,
        Balance::LeastLoaded,
        Balance::Rotate,
    ];
    for i in 0..jobs {
        let at = Time::from_secs(1000 + i);
        let run = RunSpec::new(Action::Shell("true".into()));
        let mut spec = JobSpec::new(format!("j{i}").parse().unwrap(), run);
        spec.target.balance = balances[i as usize % 4];
        spec.target.on.labels = ["", "zone=a", "zone!=b"][i as usize % 3].parse().unwrap();
        let author = Author { by: "me".into(), at };
        let job = Arc::new(Job::create(JobId::new(at, 7), spec, author));
        stage.world.jobs.insert(job.id, JobAt { job, revision: 1 });
    }
    let cpu = || {
        let usage = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_THREAD).unwrap();
        let time = usage.user_time();
        Duration::from_micros((time.tv_sec() * 1_000_000 + time.tv_usec()) as u64)
    };
    let start = cpu();
    let planned = plan(&stage.world);
    let new = cpu() - start;
    assert_eq!(planned.steps.len() as i64, jobs);
    stage.settle();
    let start = cpu();
    assert_eq!(plan(&stage.world).steps, []);
    (new, cpu() - start)
}

#[test]
fn the_cost_of_a_plan_grows_with_the_jobs() {
    let (small, large) = (cost(5_000), cost(50_000));
    println!("5,000 jobs: {small:?}; 50,000 jobs: {large:?}");
    // Ten times the jobs. A plan that is quadratic in them takes a hundred times as long.
    for (small, large) in [(small.0, large.0), (small.1, large.1)] {
        assert!(
            large < small.max(Duration::from_millis(20)) * 40,
            "{small:?} {large:?}"
        );
    }
}

#[test]
fn the_outlook_is_what_the_plan_then_does() {
    let mut stage = Stage::new(&["a", "b", "c", "d"]);
    stage.node("d").cordoned = true;
    stage.join_with("x", &[("canary", "")]);
    let job = stage.job("j", |spec| {
        spec.target.place = Place::Shards(4);
        spec.target.on.exclude.labels = "canary".parse().unwrap();
        spec.target.on.nodes = ["a", "b", "c", "d", "gone", "x"].map(node).into();
    });
    let told = |stage: &Stage| {
        let lines = outlook(&stage.world, job).into_iter().map(|o| {
            let why = o.refusal.map_or("can".to_owned(), |why| why.to_string());
            format!("{}: {why}, has {:?}, gets {:?}", o.node, o.has, o.gets)
        });
        lines.collect::<Vec<_>>()
    };
    let before = outlook(&stage.world, job);
    assert!(before.iter().all(|o| o.has.is_empty()));
    stage.settle();
    let after = outlook(&stage.world, job);
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(
            (&before.gets, &after.has),
            (&after.gets, &after.gets),
            "{:?}",
            told(&stage)
        );
    }
    assert_eq!(before.iter().map(|o| o.gets.len()).sum::<usize>(), 4);
    expect![[r#"
        a: can, has [2], gets [2]
        b: can, has [0, 1], gets [0, 1]
        c: can, has [3], gets [3]
        d: it is cordoned, has [], gets []
        gone: it is down, has [], gets []
        x: it is excluded by name, group or label, has [], gets []"#]]
    .assert_eq(&told(&stage).join("\n"));
}
