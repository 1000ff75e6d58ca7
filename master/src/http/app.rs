//! What every call works with.

use std::{
    collections::BTreeMap,
    ops::Deref,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use shared::{
    Revision,
    host::Host,
    id::{MasterId, NodeId, RunId},
    job::Job,
    keys,
    plan::{self, JobAt, World},
    store::{
        DynStore,
        mirror::{Mirror, MirrorState},
    },
};
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    Reasons,
    board::Board,
    calendars::Coverages,
    console::Console,
    failure::{Answer, Failure},
    findings::Looked,
    job_run::{Places, is_order_for},
    job_write::Stored,
    limits::{Gates, REQUEST_TIMEOUT},
    metrics::Counts,
};
use crate::{
    auth::Accounts,
    history::History,
    housekeeping::{Bounds, Findings},
    intake::Intake,
    planner::UnplacedList,
    view::View,
};

/// How long a change waits to be seen by this master's own mirror.
const SEEN_TIMEOUT: Duration = Duration::from_secs(2);
/// How old a follower's own plan may be that tells what is not placed.
const REASONS_LIFE: Duration = Duration::from_secs(2);

/// What the API is made of. Clones are the same.
#[derive(Clone)]
pub struct App(Arc<Inner>);

/// See [`App`].
pub struct Inner {
    pub parts: Parts,
    pub gates: Gates,
    pub counts: Counts,
    /// Ends the streams that would keep a stopping master waiting.
    pub closing: CancellationToken,
    reasons: Mutex<Option<(Instant, Arc<Reasons>)>>,
    pub(super) coverages: Coverages,
    pub looked: Looked,
    /// Every job at a glance.
    pub board: Board,
    pub(super) day: super::overview::Kept,
    pub started_at: shared::time::Time,
    /// Ends what works for this app alone.
    _working: DropGuard,
}

/// What the API gets from the rest of the master.
pub struct Parts {
    pub store: DynStore,
    pub view: View,
    pub accounts: Accounts,
    pub history: Arc<dyn History>,
    pub intake: Intake,
    pub host: Host,
    /// What the last plan here could not place.
    pub unplaced: watch::Receiver<UnplacedList>,
    /// What housekeeping's last checks found here.
    pub findings: watch::Receiver<Findings>,
    pub config: Config,
}

/// What is configured of it.
#[derive(Clone, Debug)]
pub struct Config {
    /// This master.
    pub id: MasterId,
    /// `etcd`, `embedded`.
    pub store_kind: String,
    /// `sqlite`, `postgresql`, `mysql`.
    pub database_kind: String,
    /// Whether people reach it over TLS: the cookie is then for TLS only.
    pub is_tls: bool,
    pub request_timeout: Duration,
    /// What housekeeping keeps at most.
    pub bounds: Bounds,
    /// It is ready once a node has registered after this revision: the agent beside it.
    pub node_after: Option<Revision>,
    /// The console that is served beside the API.
    pub console: Console,
}

impl Config {
    pub fn new(id: MasterId, store_kind: &str, database_kind: &str) -> Config {
        let (store_kind, database_kind) = (store_kind.to_owned(), database_kind.to_owned());
        Config {
            id,
            store_kind,
            database_kind,
            is_tls: false,
            request_timeout: REQUEST_TIMEOUT,
            bounds: Bounds::default(),
            node_after: None,
            console: Console::default(),
        }
    }
}

impl Deref for App {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Deref for Inner {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.parts
    }
}

impl App {
    pub fn new(parts: Parts) -> App {
        let working = CancellationToken::new();
        let Parts {
            view,
            history,
            intake,
            host,
            ..
        } = &parts;
        let board = Board::spawn(view, history.clone(), intake, host.clone(), working.clone());
        App(Arc::new(Inner {
            board,
            day: super::overview::Kept::default(),
            started_at: host.now(),
            _working: working.drop_guard(),
            parts,
            gates: Gates::default(),
            counts: Counts::default(),
            closing: CancellationToken::new(),
            reasons: Mutex::default(),
            coverages: Coverages::default(),
            looked: Looked::default(),
        }))
    }

    /// Ends open streams: this master stops.
    pub fn close(&self) {
        self.closing.cancel();
    }

    /// The jobs as this master knows them.
    pub fn jobs(&self) -> Answer<Arc<MirrorState<Job>>> {
        let jobs = self.view.jobs.snapshot();
        if jobs.is_ready() {
            Ok(jobs)
        } else {
            Err(not_ready())
        }
    }

    /// Waits, for a moment, until this master sees what it has just written of jobs.
    pub async fn seen_jobs(&self, revision: Revision) {
        self.seen(&self.view.jobs, revision).await;
    }

    /// The same of what else was written.
    pub async fn seen<T: Send + Sync + 'static>(&self, mirror: &Mirror<T>, revision: Revision) {
        let _ = timeout(SEEN_TIMEOUT, mirror.reached(revision)).await;
    }

    pub fn world(&self) -> World {
        self.view.world(self.host.now(), BTreeMap::new())
    }

    /// Why slots have no node. The leader's planner knows; any other master asks the same
    /// decision, now and then.
    pub fn unplaced(&self) -> Arc<Reasons> {
        let is_leader = self.view.leader.snapshot().get(keys::LEADER) == Some(&self.config.id);
        if is_leader {
            return Arc::new(by_job(&self.parts.unplaced.borrow()));
        }
        let mut reasons = self.reasons.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((made, known)) = &*reasons
            && made.elapsed() < REASONS_LIFE
        {
            return known.clone();
        }
        let made = Arc::new(by_job(&plan::plan(&self.world()).unplaced));
        *reasons = Some((Instant::now(), made.clone()));
        made
    }

    /// Where a job stands, as it is stored: also one that the mirror has not seen yet.
    pub fn standing(&self, stored: &Stored) -> Answer<Places> {
        let mut world = self.world();
        let at = JobAt {
            job: Arc::new(stored.job.clone()),
            revision: stored.revision,
        };
        world.jobs.insert(stored.job.id, at);
        let found = plan::whereabouts(&world, stored.job.id);
        let found =
            found.ok_or_else(|| Failure::internal(&"a job that was put into the world is not there"))?;
        let alive = world
            .nodes
            .iter()
            .map(|(id, at)| (id.clone(), !at.cordoned && !at.draining && !at.leaving))
            .collect();
        Ok(Places {
            slots: found.slots,
            nodes: found.nodes,
            calendars: found.calendars,
            alive,
        })
    }

    /// The create revision of a living node's key; zero if it does not live.
    pub fn node_created(&self, node: &NodeId) -> Revision {
        self.view
            .nodes
            .snapshot()
            .entry(&keys::node(node))
            .map_or(0, |e| e.create_revision)
    }

    /// How many orders wait at a node.
    pub fn orders_waiting(&self, node: &NodeId) -> usize {
        self.view
            .orders
            .snapshot()
            .under(&keys::orders_node(node))
            .count()
    }

    /// Where a run was ordered or claimed, whatever the history knows.
    pub fn node_by_store(&self, run: RunId) -> Option<NodeId> {
        let orders = self.view.orders.snapshot();
        if let Some(node) = orders.iter().find_map(|(key, _)| is_order_for(key, run)) {
            return Some(node);
        }
        let cursors = self.view.cursor.snapshot();
        cursors
            .iter()
            .find(|(_, e)| e.value.run == run)
            .map(|(_, e)| e.value.node.clone())
    }
}

pub fn not_ready() -> Failure {
    Failure::unavailable("this master has not read the store yet")
        .hint("the store does not answer yet; try again")
}

fn by_job(unplaced: &[plan::Unplaced]) -> Reasons {
    let mut reasons = Reasons::new();
    for one in unplaced {
        let why = match one.slot {
            Some(slot) => format!("slot {slot}: {}", one.why),
            None => one.why.clone(),
        };
        reasons.entry(one.job).or_default().push(why);
    }
    reasons
}
