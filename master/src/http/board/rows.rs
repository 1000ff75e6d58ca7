//! The board's rows: made anew where something changed, and remembered with the version at
//! which they did.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use serde_json::value::RawValue;
use shared::{
    Revision,
    api::{
        board::{BoardJob, ROW_NODES_MAX},
        judge::{self, Facts},
    },
    fire::Timetable,
    id::{JobId, JobPath, NodeId, Owner},
    job::{Compiled, Job},
    keys::{self, AssignKey},
    store::mirror::MirrorState,
    time::Time,
};

use super::{
    super::{App, Reasons, calendars},
    runs::JobRuns,
};

/// Deleted jobs that are remembered for readers who know them.
const GONE_MAX: usize = 10_000;
/// A row whose time has come is not looked at more often than that.
const LOOK_REST: Duration = Duration::from_secs(1);

/// Every row, and all that tells which of them are to be made anew.
#[derive(Default)]
pub struct Rows {
    pub version: u64,
    pub rows: BTreeMap<JobId, Row>,
    /// With the version at which they went.
    pub gone: VecDeque<(u64, JobId)>,
    /// Below this, more went than is remembered.
    pub gone_from: u64,
    jobs_at: Revision,
    listed: BTreeSet<JobId>,
    assign_at: Revision,
    calendars: Vec<(Arc<str>, Revision)>,
    owners: BTreeMap<JobId, Vec<NodeId>>,
    reasons: Arc<Reasons>,
    alive: BTreeSet<NodeId>,
}

pub struct Row {
    pub version: u64,
    pub job: Arc<BoardJob>,
    /// As it is sent.
    pub json: Box<RawValue>,
    pub timetable: Timetable,
    pub triggers: Arc<[Compiled]>,
    pub since: Time,
    pub has_calendars: bool,
    /// When it is to be looked at again though nothing changed.
    look_at: Option<Time>,
}

/// What a look at the board begins with.
pub struct Look<'a> {
    pub app: &'a App,
    pub now: Time,
    /// Whether all that should have been recorded by now would be known.
    pub is_sure: bool,
}

impl Rows {
    /// Makes anew what changed.
    pub fn refresh(&mut self, look: &Look<'_>) {
        let view = &look.app.view;
        let jobs = view.jobs.snapshot();
        if !jobs.is_ready() {
            return;
        }
        let mut dirty = look.app.board.runs().take_dirty();
        let changed = self.changed_jobs(&jobs, &mut dirty);
        self.calendars_changed(look, &mut dirty);
        self.owners_changed(look, &mut dirty);
        self.reasons_changed(look, &mut dirty);
        self.nodes_changed(look, &mut dirty);
        let due = self
            .rows
            .iter()
            .filter(|(_, row)| row.look_at.is_some_and(|at| at <= look.now));
        dirty.extend(due.map(|(id, _)| *id));
        if dirty.is_empty() && !changed {
            return;
        }
        let next = self.version + 1;
        let went = self.remove_gone(look, next);
        let came = self.make(look, &jobs, &dirty, next);
        if went || came {
            self.version = next;
        }
    }

    /// Whether the list of jobs is another one.
    fn changed_jobs(&mut self, jobs: &MirrorState<Job>, dirty: &mut BTreeSet<JobId>) -> bool {
        if self.jobs_at == jobs.revision() && self.rows.len() == jobs.len() {
            return false;
        }
        self.jobs_at = jobs.revision();
        self.listed = jobs.iter().map(|(_, entry)| entry.value.id).collect();
        let mut is_changed = false;
        for (_, entry) in jobs.iter() {
            let known = self.rows.get(&entry.value.id).map(|row| row.job.revision);
            if known != Some(entry.mod_revision) {
                is_changed = true;
                // Its triggers may be others.
                self.rows.remove(&entry.value.id);
                dirty.insert(entry.value.id);
            }
        }
        is_changed || self.rows.len() != jobs.len()
    }

    /// Whether any went.
    fn remove_gone(&mut self, look: &Look<'_>, version: u64) -> bool {
        let there = &self.listed;
        let gone = self.rows.extract_if(.., |id, _| !there.contains(id));
        let gone: Vec<JobId> = gone.map(|(id, _)| id).collect();
        if gone.is_empty() {
            return false;
        }
        look.app.board.runs().retain(|job| there.contains(&job));
        self.gone.extend(gone.into_iter().map(|id| (version, id)));
        while self.gone.len() > GONE_MAX {
            if let Some((version, _)) = self.gone.pop_front() {
                self.gone_from = version;
            }
        }
        true
    }

    fn calendars_changed(&mut self, look: &Look<'_>, dirty: &mut BTreeSet<JobId>) {
        let calendars = look.app.view.calendars.snapshot();
        let now = || calendars.iter().map(|(key, entry)| (key, entry.mod_revision));
        if now().eq(self.calendars.iter().map(|(key, at)| (&**key, *at))) {
            return;
        }
        self.calendars = now().map(|(key, at)| (Arc::from(key), at)).collect();
        // Their timetables have the calendar in them.
        let with: Vec<JobId> = self
            .rows
            .iter()
            .filter(|(_, row)| row.has_calendars)
            .map(|(id, _)| *id)
            .collect();
        for id in &with {
            if let Some(row) = self.rows.get_mut(id) {
                row.look_at = Some(Time::EPOCH);
                row.has_calendars = false;
            }
        }
        dirty.extend(with);
    }

    fn owners_changed(&mut self, look: &Look<'_>, dirty: &mut BTreeSet<JobId>) {
        let assign = look.app.view.assign.snapshot();
        if assign.revision() == self.assign_at {
            return;
        }
        self.assign_at = assign.revision();
        let mut owners: BTreeMap<JobId, Vec<NodeId>> = BTreeMap::new();
        for (key, _) in assign.iter() {
            if let Some(AssignKey::Slot { node, job, .. }) = AssignKey::parse(key) {
                let nodes = owners.entry(job).or_default();
                if !nodes.contains(&node) && nodes.len() < ROW_NODES_MAX {
                    nodes.push(node);
                }
            }
        }
        let differ = |a: &BTreeMap<JobId, Vec<NodeId>>, b: &BTreeMap<JobId, Vec<NodeId>>| {
            let differ = a.iter().filter(|(job, nodes)| b.get(job) != Some(*nodes));
            differ.map(|(job, _)| *job).collect::<Vec<_>>()
        };
        dirty.extend(differ(&owners, &self.owners));
        dirty.extend(differ(&self.owners, &owners));
        self.owners = owners;
    }

    fn reasons_changed(&mut self, look: &Look<'_>, dirty: &mut BTreeSet<JobId>) {
        let reasons = look.app.unplaced();
        if Arc::ptr_eq(&reasons, &self.reasons) {
            return;
        }
        let differ = |a: &Reasons, b: &Reasons| {
            let differ = a.iter().filter(|(job, why)| b.get(job) != Some(*why));
            differ.map(|(job, _)| *job).collect::<Vec<_>>()
        };
        dirty.extend(differ(&reasons, &self.reasons));
        dirty.extend(differ(&self.reasons, &reasons));
        self.reasons = reasons;
    }

    fn nodes_changed(&mut self, look: &Look<'_>, dirty: &mut BTreeSet<JobId>) {
        let nodes = look.app.view.nodes.snapshot();
        let alive = nodes
            .iter()
            .filter_map(|(key, _)| keys::name_in::<NodeId>(keys::NODES, key));
        let alive: BTreeSet<NodeId> = alive.collect();
        if alive == self.alive {
            return;
        }
        self.alive = alive;
        let everywhere = self.rows.iter().filter(|(_, row)| row.job.is_everywhere());
        dirty.extend(everywhere.map(|(id, _)| *id));
    }

    /// Whether any row is different.
    fn make(&mut self, look: &Look<'_>, jobs: &MirrorState<Job>, dirty: &BTreeSet<JobId>, next: u64) -> bool {
        let mut is_different = false;
        let runs = look.app.board.runs();
        let none = JobRuns::default();
        for (_, entry) in jobs.iter() {
            let job = &*entry.value;
            if !dirty.contains(&job.id) {
                continue;
            }
            let old = self.rows.remove(&job.id);
            let (timetable, triggers) = match &old {
                Some(old) if old.has_calendars == has_calendars(job) => {
                    (old.timetable.clone(), old.triggers.clone())
                }
                _ => match compiled(look.app, job) {
                    Some(made) => made,
                    None => continue,
                },
            };
            let made = Making {
                look,
                job,
                revision: entry.mod_revision,
                timetable: &timetable,
                triggers: &triggers,
                runs: runs.of(job.id).unwrap_or(&none),
                nodes: self.owners.get(&job.id),
                reasons: self.reasons.get(&job.id).map_or(&[], |why| &**why),
                alive: &self.alive,
            };
            let (row, look_at) = made.row();
            let is_same = old.as_ref().is_some_and(|old| *old.job == row);
            let (version, json, row) = match old {
                Some(old) if is_same => (old.version, old.json, old.job),
                _ => match serde_json::value::to_raw_value(&row) {
                    Ok(json) => (next, json, Arc::new(row)),
                    Err(_) => continue,
                },
            };
            is_different |= version == next;
            let made = Row {
                version,
                json,
                job: row,
                timetable,
                triggers,
                since: job.since,
                has_calendars: has_calendars(job),
                look_at,
            };
            self.rows.insert(job.id, made);
        }
        is_different
    }

    /// Those that changed after a version, by name, and those that went; `None` if that is
    /// not known any more.
    pub fn since(&self, version: u64) -> Option<(Vec<&Row>, Vec<JobId>)> {
        if version > self.version || version < self.gone_from {
            return None;
        }
        let rows = self.rows.values().filter(|row| row.version > version);
        let gone = self.gone.iter().filter(|(at, _)| *at > version);
        Some((by_name(rows), gone.map(|(_, id)| *id).collect()))
    }

    /// All of them, by name.
    pub fn all(&self) -> Vec<&Row> {
        by_name(self.rows.values())
    }
}

fn by_name<'a>(rows: impl Iterator<Item = &'a Row>) -> Vec<&'a Row> {
    let mut rows: Vec<&Row> = rows.collect();
    rows.sort_by(|a, b| (&a.job.namespace, &a.job.name).cmp(&(&b.job.namespace, &b.job.name)));
    rows
}

fn has_calendars(job: &Job) -> bool {
    job.spec.calendars.names().next().is_some()
}

fn compiled(app: &App, job: &Job) -> Option<(Timetable, Arc<[Compiled]>)> {
    let seed = job.id.seed();
    let triggers = job.spec.triggers.iter().map(|t| t.compile(seed));
    let triggers = triggers.collect::<Result<Vec<_>, _>>();
    match (calendars::timetable(app, job), triggers) {
        (Ok(timetable), Ok(triggers)) => Some((timetable, triggers.into())),
        // A valid spec compiles.
        (Err(error), _) | (_, Err(error)) => {
            tracing::error!(job.id = %job.id, %error, "the board cannot show a job");
            None
        }
    }
}

/// A row that is being made.
struct Making<'a> {
    look: &'a Look<'a>,
    job: &'a Job,
    revision: Revision,
    timetable: &'a Timetable,
    triggers: &'a [Compiled],
    runs: &'a JobRuns,
    nodes: Option<&'a Vec<NodeId>>,
    reasons: &'a [String],
    alive: &'a BTreeSet<NodeId>,
}

impl Making<'_> {
    /// The row, and when it is to be looked at again.
    fn row(&self) -> (BoardJob, Option<Time>) {
        let spec = &self.job.spec;
        let now = self.look.now;
        let due = self.timetable.next_open(now.max(self.job.since));
        let next = due.map(|due| due.at).filter(|_| !spec.paused);
        let said: BTreeMap<Owner, judge::Said> = self
            .runs
            .said
            .iter()
            .filter(|(owner, _)| self.counts(owner))
            .map(|(owner, said)| (owner.clone(), said.clone()))
            .collect();
        let (running, queued) = self.runs.counts();
        let (overdue, overdue_at) = self.overdue();
        let facts = Facts {
            paused: spec.paused,
            unplaced: self.reasons,
            overdue,
            said: &said,
            running,
        };
        let (state, trouble) = judge::judge(&facts);
        let ticks = self.runs.ticks();
        let JobPath { namespace, name } = spec.path();
        let row = BoardJob {
            id: self.job.id,
            namespace,
            name,
            description: spec.description.clone(),
            labels: spec.labels.clone(),
            revision: self.revision,
            triggers: spec.triggers.clone(),
            target: spec.target.clone(),
            paused: spec.paused,
            state,
            trouble,
            next,
            last: self.runs.last.clone(),
            success_percent: ticks.success_percent(),
            usual_ms: ticks.usual_ms(),
            ticks,
            running,
            queued,
            nodes: self.nodes.cloned().unwrap_or_default(),
        };
        let look_at = match (next, overdue_at) {
            (Some(next), Some(overdue)) => Some(next.min(overdue)),
            (next, overdue) => next.or(overdue),
        };
        (row, look_at.map(|at| at.max(now + LOOK_REST)))
    }

    /// Whether what a slot or node said last still says something of the job.
    fn counts(&self, owner: &Owner) -> bool {
        match (owner, self.job.spec.target.place.slots()) {
            (Owner::Slot(slot), Some(slots)) => *slot < slots,
            (Owner::Node(node), None) => self.alive.contains(node),
            _ => false,
        }
    }

    /// What should be known and is not; and when it would be, if nothing more is recorded.
    /// What an every-node job's agent has not reported may rest in its spool for long: that
    /// is the node's state, not the job's.
    fn overdue(&self) -> (Option<(Time, Option<u32>)>, Option<Time>) {
        let Some(slots) = self.job.spec.target.place.slots() else {
            return (None, None);
        };
        if self.job.spec.paused || self.triggers.is_empty() {
            return (None, None);
        }
        let newest = self.runs.newest.iter().filter(|(slot, _)| **slot < slots);
        let oldest_word = newest.min_by_key(|(_, at)| **at);
        let (slot, known) = match oldest_word {
            Some((slot, at)) => ((slots > 1).then_some(*slot), (*at).max(self.job.since)),
            None => (None, self.job.since),
        };
        let overdue = judge::should_be_known(self.triggers, known, self.look.now);
        if overdue.is_some() && self.look.is_sure {
            return (overdue.map(|at| (at, slot)), None);
        }
        let jitter = self.triggers.iter().map(|t| t.jitter.get()).max();
        let expected = shared::fire::next(self.triggers, known);
        let at = expected.map(|at| at + judge::OVERDUE_AFTER + jitter.unwrap_or_default());
        (None, at)
    }
}
