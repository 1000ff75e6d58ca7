//! What is planned, for pictures: each job's triggers, with how many runs an instant of them
//! is and on which nodes.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use shared::{
    api::board::BoardJob,
    fire::Timetable,
    id::NodeId,
    job::Compiled,
    plan::NodeAt,
    target::{Groups, NodeSet},
    time::Time,
};

use super::App;

/// Every job that is due at all.
pub struct Schedules {
    pub all: Vec<Scheduled>,
}

pub struct Scheduled {
    pub job: Arc<BoardJob>,
    pub since: Time,
    /// Triggers that are for the same nodes, and how many runs an instant of them is. Of an
    /// every-node job whose triggers have targets of their own, each stands for itself: where
    /// two are due at once on one node, that is counted twice.
    pub triggers: Vec<(Arc<[Compiled]>, u64)>,
    /// Where those runs are, in the same order; empty of what no node can take now.
    pub nodes: Vec<Arc<[NodeId]>>,
    calendars: Option<Timetable>,
}

impl Scheduled {
    /// Whether no calendar suppresses an instant.
    pub fn is_open(&self, at: Time) -> bool {
        self.calendars
            .as_ref()
            .is_none_or(|timetable| timetable.suppressed(at).is_none())
    }
}

/// A job that is due at all, with its triggers, and its calendars if it has any.
type Due = (Arc<BoardJob>, Time, Arc<[Compiled]>, Option<Timetable>);

/// The schedules of jobs, in the order of their ids.
pub fn schedules(app: &App, wanted: impl Fn(&BoardJob) -> bool) -> Schedules {
    let world = app.world();
    let mut places = Places {
        nodes: &world.nodes,
        groups: &world.groups,
        known: HashMap::new(),
    };
    let rows: Vec<Due> = app.board.with_rows(app, |rows| {
        let due = rows
            .into_iter()
            .filter(|row| !row.job.paused && !row.triggers.is_empty() && wanted(&row.job));
        due.map(|row| {
            let calendars = row.has_calendars.then(|| row.timetable.clone());
            (row.job.clone(), row.since, row.triggers.clone(), calendars)
        })
        .collect()
    });
    let mut all: Vec<Scheduled> = rows
        .into_iter()
        .map(|(job, since, triggers, calendars)| {
            let (triggers, nodes) = match job.slots() {
                Some(slots) => (
                    vec![(triggers, u64::from(slots))],
                    vec![Arc::from(job.nodes.as_slice())],
                ),
                None => places.everywhere(&job, &triggers),
            };
            Scheduled {
                job,
                since,
                triggers,
                nodes,
                calendars,
            }
        })
        .collect();
    all.sort_by_key(|scheduled| scheduled.job.id);
    Schedules { all }
}

/// Which nodes sets of nodes are, each found once.
struct Places<'a> {
    nodes: &'a BTreeMap<NodeId, NodeAt>,
    groups: &'a Groups,
    known: HashMap<NodeSet, Arc<[NodeId]>>,
}

/// Triggers with how many runs an instant of them is, and where those are.
type Everywhere = (Vec<(Arc<[Compiled]>, u64)>, Vec<Arc<[NodeId]>>);

impl Places<'_> {
    fn everywhere(&mut self, job: &BoardJob, triggers: &Arc<[Compiled]>) -> Everywhere {
        let nodes = self.of(&job.target.on);
        if triggers.iter().all(|trigger| trigger.target.is_none()) {
            return (vec![(triggers.clone(), nodes.len() as u64)], vec![nodes]);
        }
        let each = triggers.iter().map(|trigger| {
            let nodes: Arc<[NodeId]> = match &trigger.target {
                None => nodes.clone(),
                Some(target) => {
                    let own = self.of(target);
                    nodes.iter().filter(|node| own.contains(node)).cloned().collect()
                }
            };
            let triggers: Arc<[Compiled]> = Arc::from([trigger.clone()]);
            ((triggers, nodes.len() as u64), nodes)
        });
        each.unzip()
    }

    fn of(&mut self, set: &NodeSet) -> Arc<[NodeId]> {
        if let Some(known) = self.known.get(set) {
            return known.clone();
        }
        let schedulable = |at: &NodeAt| !at.cordoned && !at.draining && !at.leaving;
        let nodes = self
            .nodes
            .iter()
            .filter(|(id, at)| schedulable(at) && set.check(id, &at.labels, self.groups).is_ok());
        let nodes: Arc<[NodeId]> = nodes.map(|(id, _)| id.clone()).collect();
        self.known.insert(set.clone(), nodes.clone());
        nodes
    }
}
