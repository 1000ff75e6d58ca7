//! All that a master knows of the store: a mirror for each prefix.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde::de::DeserializeOwned;
use shared::{
    assign::{Assignment, Cursor, Order, Owed},
    calendar::{Calendar, InlinedCalendar},
    id::{CalendarName, GroupName, JobPath, MasterId, NodeId},
    job::Job,
    keys::{self, AssignKey},
    node::{Intent, Master, Node},
    plan::{Away, CursorAt, EveryAt, JobAt, NodeAt, Owned, World},
    store::{
        DynStore, KeyValue,
        mirror::{Mirror, MirrorState},
    },
    target::NodeSet,
    time::Time,
};

/// Mirrors of everything but people and their credentials, which `auth` follows. A clone
/// shares the copies and has a `changed` of its own.
#[derive(Clone)]
pub struct View {
    pub jobs: Mirror<Job>,
    pub groups: Mirror<NodeSet>,
    pub calendars: Mirror<Calendar>,
    pub nodes: Mirror<Node>,
    pub intent: Mirror<Intent>,
    pub masters: Mirror<Master>,
    pub leader: Mirror<MasterId>,
    pub assign: Mirror<Assignment>,
    pub cursor: Mirror<Cursor>,
    pub orders: Mirror<Order>,
    pub owed: Mirror<Owed>,
}

impl View {
    /// Starts to follow the store. Needs a tokio runtime.
    pub fn new(store: &DynStore) -> View {
        View {
            jobs: mirror(store, keys::JOBS),
            groups: mirror(store, keys::GROUPS),
            calendars: mirror(store, keys::CALENDARS),
            nodes: mirror(store, keys::NODES),
            intent: mirror(store, keys::INTENT),
            masters: mirror(store, keys::MASTERS),
            leader: mirror(store, keys::LEADER),
            assign: mirror(store, keys::ASSIGN),
            cursor: mirror(store, keys::CURSOR),
            orders: mirror(store, keys::ORDERS),
            owed: mirror(store, keys::OWED),
        }
    }

    /// Waits until every prefix has been listed once.
    pub async fn ready(&self) {
        tokio::join!(
            self.jobs.ready(),
            self.groups.ready(),
            self.calendars.ready(),
            self.nodes.ready(),
            self.intent.ready(),
            self.masters.ready(),
            self.leader.ready(),
            self.assign.ready(),
            self.cursor.ready(),
            self.orders.ready(),
            self.owed.ready(),
        );
    }

    /// Returns when anything is different from when this last returned.
    pub async fn changed(&self) {
        // In order, here and elsewhere, so that a simulation replays.
        tokio::select! {
            biased;
            () = self.plan_changed() => {}
            () = self.masters.changed() => {}
            () = self.leader.changed() => {}
            () = self.cursor.changed() => {}
            () = self.orders.changed() => {}
            () = self.owed.changed() => {}
        }
    }

    /// Returns when something is different that a plan depends on. Not cursors: they move
    /// with each claim, and where they stand decides nothing.
    pub async fn plan_changed(&self) {
        tokio::select! {
            biased;
            () = self.jobs.changed() => {}
            () = self.groups.changed() => {}
            () = self.calendars.changed() => {}
            () = self.nodes.changed() => {}
            () = self.intent.changed() => {}
            () = self.assign.changed() => {}
        }
    }

    /// Makes what a plan rests on at least as new as this call.
    pub async fn refresh_plan(&self) {
        tokio::join!(
            self.jobs.refresh(),
            self.groups.refresh(),
            self.calendars.refresh(),
            self.nodes.refresh(),
            self.intent.refresh(),
            self.assign.refresh(),
            self.cursor.refresh(),
        );
    }

    /// Whether what a plan rests on is current: a plan made from an old copy could take
    /// slots from nodes that have come back.
    pub fn is_current(&self) -> bool {
        fn current<T: Send + Sync + 'static>(mirror: &Mirror<T>) -> bool {
            mirror.snapshot().stale_since().is_none()
        }
        current(&self.jobs)
            && current(&self.groups)
            && current(&self.calendars)
            && current(&self.nodes)
            && current(&self.intent)
            && current(&self.assign)
            && current(&self.cursor)
    }

    /// The world for a plan, or for telling people of it. `away` says what is known of the
    /// nodes that do not live.
    pub fn world(&self, now: Time, away: BTreeMap<NodeId, Away>) -> World {
        let mut world = World {
            now,
            away,
            ..World::default()
        };
        jobs(&self.jobs.snapshot(), &mut world);
        groups(&self.groups.snapshot(), &mut world);
        calendars(&self.calendars.snapshot(), &mut world);
        nodes(&self.nodes.snapshot(), &self.intent.snapshot(), &mut world);
        assignments(&self.assign.snapshot(), &mut world);
        cursors(&self.cursor.snapshot(), &mut world);
        world
    }

    /// The living nodes, also those whose values cannot be read, with their leases' length
    /// where it is known.
    pub fn living(&self) -> BTreeMap<NodeId, Option<Duration>> {
        let nodes = self.nodes.snapshot();
        let readable = nodes.iter().filter_map(|(key, entry)| {
            let lease = Duration::from_secs(entry.value.lease_secs.into());
            Some((keys::name_in(keys::NODES, key)?, Some(lease)))
        });
        let broken = nodes.broken().keys();
        let broken = broken.filter_map(|key| Some((keys::name_in(keys::NODES, key)?, None)));
        broken.chain(readable).collect()
    }
}

fn mirror<T: DeserializeOwned + Send + Sync + 'static>(store: &DynStore, prefix: &str) -> Mirror<T> {
    Mirror::spawn(store.clone(), prefix, |kv: &KeyValue| {
        serde_json::from_slice(&kv.value).map_err(|e| e.to_string())
    })
}

fn jobs(state: &MirrorState<Job>, world: &mut World) {
    for (_, entry) in state.iter() {
        // Two keys with one id would be a fault of a restore; the first one counts.
        world.jobs.entry(entry.value.id).or_insert_with(|| JobAt {
            job: entry.value.clone(),
            revision: entry.mod_revision,
        });
    }
    let broken = state.broken().keys();
    world.unreadable.jobs = broken
        .filter_map(|key| keys::name_in::<JobPath>(keys::JOBS, key))
        .collect();
}

fn groups(state: &MirrorState<NodeSet>, world: &mut World) {
    for (key, entry) in state.iter() {
        if let Some(name) = keys::name_in(keys::GROUPS, key) {
            world.groups.insert(name, (*entry.value).clone());
        }
    }
    let broken = state.broken().keys();
    world.unreadable.groups = broken
        .filter_map(|key| keys::name_in::<GroupName>(keys::GROUPS, key))
        .collect();
}

fn calendars(state: &MirrorState<Calendar>, world: &mut World) {
    for (key, entry) in state.iter() {
        if let Some(name) = keys::name_in(keys::CALENDARS, key) {
            let at = InlinedCalendar {
                revision: entry.mod_revision,
                calendar: entry.value.clone(),
            };
            world.calendars.insert(name, at);
        }
    }
    let broken = state.broken().keys();
    world.unreadable.calendars = broken
        .filter_map(|key| keys::name_in::<CalendarName>(keys::CALENDARS, key))
        .collect();
}

fn nodes(nodes: &MirrorState<Node>, intents: &MirrorState<Intent>, world: &mut World) {
    let broken = nodes.broken().keys();
    world.unreadable.nodes = broken.filter_map(|key| keys::name_in(keys::NODES, key)).collect();
    for (key, entry) in nodes.iter() {
        let Some(id) = keys::name_in::<NodeId>(keys::NODES, key) else {
            continue;
        };
        let intent_key = keys::intent(&id);
        if intents.broken().contains_key(&*intent_key) {
            world.unreadable.nodes.insert(id);
            continue;
        }
        let node = &entry.value;
        let intent = intents.get(&intent_key).cloned().unwrap_or_default();
        let at = NodeAt {
            labels: intent.labels_over(&node.labels),
            capacity: node.capacity,
            cordoned: intent.cordoned,
            draining: intent.draining,
            leaving: node.leaving,
        };
        world.nodes.insert(id, at);
    }
}

fn assignments(state: &MirrorState<Assignment>, world: &mut World) {
    let readable = state
        .iter()
        .map(|(key, e)| (key, e.mod_revision, Some(e.value.clone())));
    let broken = state
        .broken()
        .iter()
        .map(|(key, b)| (&**key, b.mod_revision, None));
    for (key, mod_revision, assignment) in readable.chain(broken) {
        match AssignKey::parse(key) {
            Some(AssignKey::Slot { node, job, slot }) => {
                let owned = Owned {
                    node,
                    mod_revision,
                    assignment,
                };
                world.slots.entry((job, slot)).or_default().push(owned);
            }
            Some(AssignKey::Every { job }) => {
                let every = EveryAt {
                    mod_revision,
                    assignment,
                };
                world.every.insert(job, every);
            }
            None => {}
        }
    }
}

fn cursors(state: &MirrorState<Cursor>, world: &mut World) {
    let readable = state
        .iter()
        .map(|(key, e)| (key, e.mod_revision, Some(e.value.clone())));
    let broken = state
        .broken()
        .iter()
        .map(|(key, b)| (&**key, b.mod_revision, None::<Arc<Cursor>>));
    for (key, mod_revision, cursor) in readable.chain(broken) {
        if let Some(at) = keys::parse_cursor(key) {
            world.cursors.insert(at, CursorAt { mod_revision, cursor });
        }
    }
}
