//! Masters on a store in memory, on virtual time; agents are pretended.

use std::{
    collections::BTreeMap,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use master::{
    core::{Core, CoreParts, Database, StartError},
    history::MemoryHistory,
    intake::Intake,
};
use shared::{
    assign::{Assignment, Cursor, Order},
    host::{Clock, Host, Random},
    id::{Fire, JobId, NodeId, Owner, RunId},
    job::{Action, Author, Job, JobSpec, RunSpec},
    keys::{self, AssignKey},
    node::{Intent, Node},
    report::Run,
    run::{Cause, State},
    store::{
        Compare, DynStore, KeyValue, Outcome, Store, Txn, Write,
        embedded::{Client, Embedded},
        lease::KeptLease,
    },
    time::Time,
};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// The leases of masters and agents.
pub const TTL: Duration = Duration::from_secs(10);
/// How long, in virtual time, anything here may take.
const SOON: Duration = Duration::from_secs(120);

struct Virtual {
    start: Instant,
}

impl Clock for Virtual {
    fn now(&self) -> Time {
        Time::from_secs(1_700_000_000) + self.start.elapsed()
    }
}

struct Counted(AtomicU64);

impl Random for Counted {
    fn next_u64(&self) -> u64 {
        self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed)
    }
}

pub struct Stage {
    pub store: Embedded,
    pub history: Arc<MemoryHistory>,
    pub host: Host,
}

/// A master and its connection to the store.
pub struct Master {
    pub core: Core,
    pub client: Client,
    cancel: CancellationToken,
}

impl Master {
    pub fn leads(&self) -> bool {
        self.core.leading.borrow().is_some()
    }

    /// A clean stop.
    pub async fn stop(self) {
        self.cancel.cancel();
        self.core.stopped().await;
    }
}

/// A pretended agent.
pub struct Agent {
    pub id: NodeId,
    lease: KeptLease,
}

impl Agent {
    /// It dies: its lease ends by itself.
    pub fn die(self) {}

    /// It stops: its lease ends now.
    pub async fn stop(self) {
        self.lease.revoke().await.unwrap();
    }
}

impl Stage {
    pub fn new() -> Stage {
        let host = Host {
            clock: Arc::new(Virtual {
                start: Instant::now(),
            }),
            random: Arc::new(Counted(AtomicU64::new(1))),
        };
        Stage {
            store: Embedded::memory(),
            history: Arc::new(MemoryHistory::new()),
            host,
        }
    }

    pub async fn master(&self, id: &str) -> Master {
        self.try_master(id, Database::Memory).await.unwrap()
    }

    pub async fn try_master(&self, id: &str, database: Database) -> Result<Master, StartError> {
        let client = self.store.client();
        let cancel = CancellationToken::new();
        let parts = CoreParts {
            store: Arc::new(client.clone()),
            history: self.history.clone(),
            intake: Intake::new(self.history.clone(), self.host.clone()),
            host: self.host.clone(),
            id: id.parse().unwrap(),
            url: format!("http://{id}"),
            lease_ttl: TTL,
            database,
            alone: false,
        };
        let core = Core::start(parts, cancel.clone()).await?;
        Ok(Master { core, client, cancel })
    }

    pub async fn agent(&self, id: &str) -> Agent {
        let store: DynStore = Arc::new(self.store.clone());
        let lease = KeptLease::grant(store, TTL).await.unwrap();
        let node = Node {
            id: node(id),
            name: id.into(),
            boot: self.host.token(),
            version: "0".into(),
            labels: BTreeMap::new(),
            capacity: 4,
            address: None,
            started_at: self.host.now(),
            lease_secs: TTL.as_secs() as u32,
            leaving: false,
        };
        let put = Write::Put {
            key: keys::node(&node.id),
            value: serde_json::to_vec(&node).unwrap(),
            lease: Some(lease.id()),
        };
        self.write(vec![put]).await;
        Agent { id: node.id, lease }
    }

    pub async fn intend(&self, id: &str, intent: Intent) {
        self.put(keys::intent(&node(id)), &intent).await;
    }

    /// Creates or changes a job.
    pub async fn job(&self, name: &str, edit: impl FnOnce(&mut JobSpec)) -> JobId {
        let mut spec = JobSpec::new(name.parse().unwrap(), RunSpec::new(Action::Shell("true".into())));
        spec.triggers = vec![shared::job::Trigger::cron("* * * * * *").unwrap()];
        edit(&mut spec);
        let author = Author {
            by: "me".into(),
            at: self.host.now(),
        };
        let key = keys::job(&spec.path());
        let job = match self.store.get(&key).await.unwrap() {
            Some(kv) => serde_json::from_slice::<Job>(&kv.value)
                .unwrap()
                .update(spec, author),
            None => Job::create(self.host.job_id(), spec, author),
        };
        self.put(key, &job).await;
        job.id
    }

    pub async fn put<T: serde::Serialize>(&self, key: String, value: &T) {
        let value = serde_json::to_vec(value).unwrap();
        self.write(vec![Write::Put {
            key,
            value,
            lease: None,
        }])
        .await;
    }

    pub async fn delete(&self, key: String) {
        self.write(vec![Write::Delete { key }]).await;
    }

    async fn write(&self, writes: Vec<Write>) {
        let txn = Txn {
            compares: Vec::new(),
            writes,
        };
        assert!(matches!(self.store.txn(txn).await, Ok(Outcome::Committed(_))));
    }

    /// What an agent does to claim fires: compares its assignment and the cursor.
    pub async fn claim(&self, agent: &NodeId, job: JobId, slot: u32, from: Time, at: Time) -> bool {
        let key = keys::assign_slot(agent, job, slot);
        let Some(assign) = self.store.get(&key).await.unwrap() else {
            return false;
        };
        let cursor_key = keys::cursor(job, slot);
        let cursor = self.store.get(&cursor_key).await.unwrap();
        let value = Cursor {
            at,
            run: run_id(job, slot, at),
            node: agent.clone(),
            unreported_since: from,
        };
        let txn = Txn {
            compares: vec![
                Compare::ModRevision(key, assign.mod_revision),
                Compare::ModRevision(cursor_key.clone(), cursor.map_or(0, |kv| kv.mod_revision)),
            ],
            writes: vec![Write::Put {
                key: cursor_key,
                value: serde_json::to_vec(&value).unwrap(),
                lease: None,
            }],
        };
        matches!(self.store.txn(txn).await, Ok(Outcome::Committed(_)))
    }

    pub async fn kvs(&self, prefix: &str) -> Vec<KeyValue> {
        self.store.snapshot(prefix).await.unwrap().kvs
    }

    /// The owners of all slots; two of one slot are a failure at once.
    pub async fn owners(&self) -> BTreeMap<(JobId, u32), NodeId> {
        let mut owners = BTreeMap::new();
        for kv in self.kvs(keys::ASSIGN).await {
            if let Some(AssignKey::Slot { node, job, slot }) = AssignKey::parse(&kv.key) {
                let before = owners.insert((job, slot), node.clone());
                assert_eq!(before, None, "{job}/{slot} has two owners, {node} too");
            }
        }
        owners
    }

    pub async fn owner(&self, job: JobId) -> Option<NodeId> {
        self.owners().await.remove(&(job, 0))
    }

    pub async fn assignment(&self, job: JobId) -> Option<(KeyValue, Assignment)> {
        let kvs = self.kvs(keys::ASSIGN).await;
        let kv = kvs.into_iter().find(|kv| kv.key.contains(&job.to_string()))?;
        let assignment = serde_json::from_slice(&kv.value).unwrap();
        Some((kv, assignment))
    }

    pub async fn orders(&self) -> Vec<(String, Order)> {
        let kvs = self.kvs(keys::ORDERS).await;
        kvs.into_iter()
            .map(|kv| (kv.key, serde_json::from_slice(&kv.value).unwrap()))
            .collect()
    }

    pub fn run(&self, id: RunId) -> Option<Run> {
        self.history.all().into_iter().find(|run| run.id == id)
    }

    /// The job's revision; zero for one that is gone.
    async fn revision(&self, job: JobId) -> i64 {
        let jobs = self.kvs(keys::JOBS).await;
        let found = jobs
            .iter()
            .find(|kv| serde_json::from_slice::<Job>(&kv.value).unwrap().id == job);
        found.map_or(0, |kv| kv.mod_revision)
    }

    /// A run as an agent would report it.
    pub async fn report(&self, job: JobId, agent: &NodeId, at: Time, state: State) -> Run {
        let id = run_id(job, 0, at);
        Run {
            id,
            first: id,
            job,
            path: "default/job".parse().unwrap(),
            revision: self.revision(job).await,
            scheduled_at: at,
            slot: Some(0),
            node: agent.clone(),
            attempt: 1,
            cause: Cause::Schedule,
            state,
            reason: None,
            started_at: Some(at),
            finished_at: state.is_end().then_some(at),
            exit_code: None,
            signal: None,
            retry_at: None,
            usage: Default::default(),
            output: Default::default(),
            range: None,
        }
    }

    /// Waits, in virtual time, until something holds; returns how long that took.
    pub async fn until<F, Fut>(&self, what: &str, mut holds: F) -> Duration
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = bool>,
    {
        let start = Instant::now();
        let wait = async {
            while !holds().await {
                sleep(Duration::from_millis(20)).await;
            }
        };
        assert!(timeout(SOON, wait).await.is_ok(), "not within {SOON:?}: {what}");
        start.elapsed()
    }

    pub async fn until_owned(&self, job: JobId, owner: &str) -> Duration {
        self.until(&format!("{owner} owns the slot"), || async {
            self.owner(job).await == Some(node(owner))
        })
        .await
    }

    pub async fn until_state(&self, run: RunId, state: State) -> Duration {
        let found = || async { self.run(run).is_some_and(|r| r.state == state) };
        self.until(&format!("{run} is {state}"), found).await
    }
}

pub fn node(id: &str) -> NodeId {
    id.parse().unwrap()
}

pub fn run_id(job: JobId, slot: u32, at: Time) -> RunId {
    RunId::of(&Fire {
        job,
        at,
        owner: Owner::Slot(slot),
    })
}
