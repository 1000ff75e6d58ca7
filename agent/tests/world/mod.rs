//! A small world for whole agents on virtual time: a store in memory, hosts with pretended
//! processes, a master that believes everything it is told.

#![allow(clippy::unwrap_used, reason = "a test")]
#![allow(dead_code, reason = "each test uses a part of it")]

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use agent::{
    Agent, AgentParts, Settings,
    identity::Identity,
    parts::{Link, LinkError, Spool, Starter},
    pretend::{Pretend, Script},
    spool::Memory,
};
use async_trait::async_trait;
use shared::{
    assign::{Assignment, Cursor, Order, OrderKind, RunOrder},
    host::{Clock, Host, Random},
    id::{JobId, NodeId, RunId},
    job::{Action, JobSpec, RunSpec, Trigger},
    keys,
    node::Node,
    report::{Ack, Batch, Run},
    run::{Cause, State},
    store::{
        Compare, DynStore, Outcome, Store, Txn, Write,
        embedded::{Client, Embedded},
    },
    target::{Labels, Place},
    time::Time,
};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// When every world begins.
pub const BEGIN: &str = "2026-11-21T10:00:00.250Z";

/// Wall time that runs with virtual time, and steps when told.
pub struct TestClock {
    begin: Instant,
    step_ms: AtomicI64,
}

impl Clock for TestClock {
    fn now(&self) -> Time {
        let begin: Time = BEGIN.parse().unwrap();
        let ms = self.begin.elapsed().as_millis() as i64 + self.step_ms.load(Ordering::SeqCst);
        Time::from_millis(begin.as_millis() + ms)
    }
}

struct Counter(AtomicU64);

impl Random for Counter {
    fn next_u64(&self) -> u64 {
        self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst)
    }
}

/// The history of a pretended master.
#[derive(Clone, Default)]
pub struct Master {
    runs: Arc<Mutex<BTreeMap<RunId, Run>>>,
    output: Arc<Mutex<BTreeMap<RunId, Vec<u8>>>>,
    chunks: Arc<AtomicU64>,
    is_down: Arc<AtomicBool>,
}

impl Master {
    pub fn down(&self, is_down: bool) {
        self.is_down.store(is_down, Ordering::SeqCst);
    }

    /// All runs, in the order of their instants.
    pub fn runs(&self) -> Vec<Run> {
        self.runs.lock().unwrap().values().cloned().collect()
    }

    pub fn run(&self, id: RunId) -> Option<Run> {
        self.runs.lock().unwrap().get(&id).cloned()
    }

    /// How many runs ended so.
    pub fn count(&self, state: State) -> usize {
        self.runs().iter().filter(|r| r.state == state).count()
    }

    /// A line a run.
    pub fn show(&self) -> String {
        let runs = self.runs();
        let lines = runs.iter().map(|r| {
            let reason = r.reason.as_ref().map(|r| format!(": {r}")).unwrap_or_default();
            let range = r
                .range
                .map(|r| format!(" to {}", clock(r.until)))
                .unwrap_or_default();
            let started = r
                .started_at
                .map(|t| format!(" started {}", clock(t)))
                .unwrap_or_default();
            format!(
                "{}{range} #{} {} {}{started}{reason}\n",
                clock(r.scheduled_at),
                r.attempt,
                r.cause.as_str(),
                r.state
            )
        });
        lines.collect()
    }

    /// How many pieces of output have come.
    pub fn chunks(&self) -> u64 {
        self.chunks.load(Ordering::SeqCst)
    }

    pub fn output(&self, run: RunId) -> String {
        let output = self.output.lock().unwrap();
        String::from_utf8_lossy(output.get(&run).map_or(&[], |o| o)).into_owned()
    }
}

/// `10:00:01.000`, without what zeros say nothing.
pub fn clock(t: Time) -> String {
    let text = t.to_string()[11..23].to_owned();
    text.strip_suffix(".000").map_or(text.clone(), str::to_owned)
}

#[async_trait]
impl Link for Master {
    async fn send(&self, batch: &Batch) -> Result<Ack, LinkError> {
        if self.is_down.load(Ordering::SeqCst) {
            return Err(LinkError::Unreachable("it is down".into()));
        }
        let mut runs = self.runs.lock().unwrap();
        for run in &batch.runs {
            let is_news = runs.get(&run.id).is_none_or(|old| run.state.replaces(old.state));
            if is_news {
                runs.insert(run.id, run.clone());
            }
        }
        use base64::Engine;
        let chunks = batch.chunks.len() as u64;
        self.chunks.fetch_add(chunks, Ordering::SeqCst);
        for chunk in &batch.chunks {
            let data = base64::engine::general_purpose::STANDARD
                .decode(&chunk.data)
                .unwrap();
            self.output
                .lock()
                .unwrap()
                .entry(chunk.run)
                .or_default()
                .extend(data);
        }
        Ok(Ack {
            runs: batch.runs.len(),
            chunks: batch.chunks.len(),
            now: batch.sent_at,
        })
    }
}

/// One node's host: what survives its agent.
pub struct TestHost {
    pub id: NodeId,
    pub host: Host,
    pub clock: Arc<TestClock>,
    pub client: Client,
    pub spool: Memory,
    pub processes: Pretend,
    pub capacity: u32,
    pub labels: Labels,
    token: String,
}

pub struct World {
    pub store: Embedded,
    pub master: Master,
    begin: Instant,
    jobs: AtomicU64,
}

impl World {
    pub fn new() -> World {
        World {
            store: Embedded::memory(),
            master: Master::default(),
            begin: Instant::now(),
            jobs: AtomicU64::new(1),
        }
    }

    pub fn host(
        &self,
        name: &str,
        script: impl Fn(&agent::parts::Launch) -> Script + Send + Sync + 'static,
    ) -> TestHost {
        let clock = Arc::new(TestClock {
            begin: self.begin,
            step_ms: AtomicI64::new(0),
        });
        let random = Arc::new(Counter(AtomicU64::new(name.len() as u64)));
        let host = Host {
            clock: clock.clone(),
            random,
        };
        TestHost {
            id: name.parse().unwrap(),
            clock,
            client: self.store.client(),
            spool: Memory::default(),
            processes: Pretend::new(host.clone(), script),
            host,
            capacity: 100,
            labels: Labels::new(),
            token: format!("secret of {name}"),
        }
    }

    pub fn start(&self, host: &TestHost) -> (Agent, CancellationToken) {
        self.start_on(
            host,
            Arc::new(host.spool.clone()),
            Arc::new(host.processes.clone()),
        )
    }

    /// As [`World::start`], with another spool and starter than the host's pretended ones.
    pub fn start_on(
        &self,
        host: &TestHost,
        spool: Arc<dyn Spool>,
        starter: Arc<dyn Starter>,
    ) -> (Agent, CancellationToken) {
        let cancel = CancellationToken::new();
        let parts = AgentParts {
            identity: Identity {
                id: host.id.clone(),
                token: host.token.clone(),
                since: BEGIN.parse().unwrap(),
            },
            name: None,
            labels: host.labels.clone(),
            capacity: host.capacity,
            timeout_max: None,
            address: None,
            settings: Settings {
                stop_timeout: Duration::from_secs(20),
                ..Settings::default()
            },
            store: Arc::new(host.client.clone()),
            host: host.host.clone(),
            spool,
            starter,
            link: Arc::new(self.master.clone()),
        };
        (Agent::start(parts, cancel.clone()), cancel)
    }

    pub fn job(&self, cron: &str, edit: impl FnOnce(&mut JobSpec)) -> Assignment {
        let n = self.jobs.fetch_add(1, Ordering::SeqCst);
        let mut spec = JobSpec::new(
            format!("j{n}").parse().unwrap(),
            RunSpec::new(Action::Shell("true".into())),
        );
        if !cron.is_empty() {
            spec.triggers.push(Trigger::cron(cron).unwrap());
        }
        edit(&mut spec);
        let slot = spec.target.place.is_exclusive().then_some(0);
        let since = BEGIN.parse().unwrap();
        Assignment {
            job: JobId::new(since, n.into()),
            revision: 1,
            spec,
            since,
            slot,
            groups: Default::default(),
            calendars: Default::default(),
        }
    }

    pub fn every(&self, cron: &str, edit: impl FnOnce(&mut JobSpec)) -> Assignment {
        self.job(cron, |spec| {
            spec.target.place = Place::Every;
            edit(spec);
        })
    }

    pub async fn put(&self, key: String, value: &impl serde::Serialize) {
        let write = Write::Put {
            key,
            value: serde_json::to_vec(value).unwrap(),
            lease: None,
        };
        self.txn(Txn {
            compares: vec![],
            writes: vec![write],
        })
        .await;
    }

    pub async fn txn(&self, txn: Txn) {
        assert!(matches!(
            self.store.txn(txn).await.unwrap(),
            Outcome::Committed(_)
        ));
    }

    fn key(node: &NodeId, a: &Assignment) -> String {
        match a.slot {
            Some(slot) => keys::assign_slot(node, a.job, slot),
            None => keys::assign_every(a.job),
        }
    }

    pub async fn assign(&self, host: &TestHost, assignment: &Assignment) {
        self.put(World::key(&host.id, assignment), assignment).await;
    }

    /// As the leader does it: the old one goes in the transaction that writes the new one.
    pub async fn reassign(&self, from: &TestHost, to: &TestHost, assignment: &Assignment) {
        let value = serde_json::to_vec(assignment).unwrap();
        let writes = vec![
            Write::Delete {
                key: World::key(&from.id, assignment),
            },
            Write::Put {
                key: World::key(&to.id, assignment),
                value,
                lease: None,
            },
        ];
        self.txn(Txn {
            compares: vec![],
            writes,
        })
        .await;
    }

    pub async fn unassign(&self, host: &TestHost, assignment: &Assignment) {
        let key = World::key(&host.id, assignment);
        self.txn(Txn {
            compares: vec![],
            writes: vec![Write::Delete { key }],
        })
        .await;
    }

    pub async fn cursor(&self, assignment: &Assignment) -> Option<Cursor> {
        let kv = self.store.get(&keys::cursor(assignment.job, 0)).await.unwrap()?;
        Some(serde_json::from_slice(&kv.value).unwrap())
    }

    pub async fn node(&self, host: &TestHost) -> Option<Node> {
        let kv = self.store.get(&keys::node(&host.id)).await.unwrap()?;
        Some(serde_json::from_slice(&kv.value).unwrap())
    }

    pub fn order(&self, host: &TestHost, a: &Assignment) -> RunOrder {
        let first = host.host.run_id();
        RunOrder {
            job: a.job,
            revision: 1,
            spec: a.spec.clone(),
            first,
            attempt: 1,
            scheduled_at: host.host.now(),
            not_before: host.host.now(),
            slot: a.slot,
            cause: Cause::Manual,
            env: BTreeMap::from([("WHO".to_owned(), "me".to_owned())]),
        }
    }

    pub async fn order_run(&self, host: &TestHost, order: &RunOrder) {
        let order = Order {
            run: order.first,
            kind: OrderKind::Run(Box::new(order.clone())),
            by: "admin".into(),
            at: host.host.now(),
        };
        self.put(keys::order(&host.id, order.run), &order).await;
    }

    pub async fn order_kill(&self, host: &TestHost, run: RunId) {
        let kind = OrderKind::Kill {
            reason: "enough".into(),
        };
        let order = Order {
            run,
            kind,
            by: "admin".into(),
            at: host.host.now(),
        };
        self.put(keys::order_kill(&host.id, run), &order).await;
    }

    pub async fn delete_if(&self, key: &str, revision: i64) -> bool {
        let txn = Txn {
            compares: vec![Compare::ModRevision(key.into(), revision)],
            writes: vec![Write::Delete { key: key.into() }],
        };
        matches!(self.store.txn(txn).await.unwrap(), Outcome::Committed(_))
    }

    pub fn dyn_store(&self) -> DynStore {
        Arc::new(self.store.clone())
    }
}

impl TestHost {
    /// Sleeps until the clock shows a time of the world's day.
    pub async fn until(&self, time: &str) {
        let at: Time = format!("2026-11-21T{time}Z").parse().unwrap();
        sleep(at.since(self.host.now())).await;
    }

    /// The wall clock steps.
    pub fn step_clock(&self, by_ms: i64) {
        self.clock.step_ms.fetch_add(by_ms, Ordering::SeqCst);
    }

    /// The instants whose processes were started here.
    pub fn started(&self) -> Vec<String> {
        self.processes
            .seen()
            .iter()
            .map(|s| env(&s.launch, "GNOMON_SCHEDULED_AT")[11..19].to_owned())
            .collect()
    }
}

pub fn env(launch: &agent::parts::Launch, name: &str) -> String {
    launch
        .env
        .iter()
        .find(|(k, _)| k == name)
        .map(|(_, v)| v.clone())
        .unwrap_or_default()
}

/// A process that takes a tenth of a second.
pub fn short(_: &agent::parts::Launch) -> Script {
    Script::lasting(Duration::from_millis(100))
}

/// `10:00:01` and so on, one a second.
pub fn seconds(from: u32, until: u32) -> Vec<String> {
    (from..=until)
        .map(|s| format!("10:{:02}:{:02}", s / 60, s % 60))
        .collect()
}
