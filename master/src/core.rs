//! A master without its API: registered, standing for election, and, while it leads,
//! planning and settling. Everything runs on tokio's time and on the store, history and
//! host it is given, so that a test can run several on virtual time.

use std::{future::Future, sync::Arc, time::Duration};

use shared::{
    host::Host,
    id::MasterId,
    keys,
    node::Master,
    store::{Compare, DynStore, Outcome, Revision, StoreError, Txn, Write, lease::KeptLease},
};
use tokio::{
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use crate::{
    history::History,
    intake::Intake,
    leader::{self, Leader},
    lost,
    planner::{self, UnplacedList},
    view::View,
};

/// After an error of the store, and while another master's key is in the way.
const AGAIN: Duration = Duration::from_millis(500);
/// How much longer than its lease the key of a master that was killed may be there.
const MARGIN: Duration = Duration::from_secs(2);
/// After a loop failed, which is a bug.
const AGAIN_PANIC: Duration = Duration::from_secs(5);
/// How long a clean stop waits for the store to take the lease back.
const REVOKE: Duration = Duration::from_secs(2);

/// What a master is made of.
pub struct CoreParts {
    pub store: DynStore,
    pub history: Arc<dyn History>,
    /// Where what the leader knows of runs is recorded, so that who looks on sees it.
    pub intake: Intake,
    pub host: Host,
    pub id: MasterId,
    /// Where agents and people reach its API.
    pub url: String,
    pub lease_ttl: Duration,
    pub database: Database,
    /// No other master can live (a standalone instance holds its data directory): what an
    /// earlier one left is taken over at once instead of waited for.
    pub alone: bool,
}

/// What keeps the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Database {
    /// A file of this machine: no other master sees it.
    Sqlite,
    Postgres,
    Mysql,
    /// For tests: masters in one process may share it.
    Memory,
}

impl Database {
    /// As it stands in `masters/<id>`.
    pub fn as_str(self) -> &'static str {
        match self {
            Database::Sqlite => "sqlite",
            Database::Postgres => "postgres",
            Database::Mysql => "mysql",
            Database::Memory => "memory",
        }
    }
}

/// Why a master does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(
        "another master, {other} ({url}), is running on this store, and {who} keeps its history in SQLite, \
         which masters cannot share; use PostgreSQL or MySQL for several masters, or stop the other one"
    )]
    Sqlite {
        other: MasterId,
        url: String,
        who: &'static str,
    },
    #[error(
        "a master of the id {id} is running already ({url}); give this one another id, or stop the other one"
    )]
    SameId { id: MasterId, url: String },
    #[error("stopped before it had started")]
    Cancelled,
}

/// A running master without its API.
pub struct Core {
    pub id: MasterId,
    pub view: View,
    pub store: DynStore,
    pub history: Arc<dyn History>,
    pub host: Host,
    /// What the last plan of this master could not place; empty on one that does not lead.
    pub unplaced: watch::Receiver<UnplacedList>,
    /// Set while this master leads.
    pub leading: watch::Receiver<Option<Leader>>,
    task: JoinHandle<()>,
}

impl Core {
    /// Registers the master and starts its loops. Waits for the store for as long as it
    /// does not answer. They end, and the lease is given back, when `cancel` is; then
    /// [`Core::stopped`] returns.
    ///
    /// # Errors
    /// Another master is in the way.
    pub async fn start(parts: CoreParts, cancel: CancellationToken) -> Result<Core, StartError> {
        let view = View::new(&parts.store);
        let (unplaced, unplaced_seen) = watch::channel(UnplacedList::default());
        let (leading, leading_seen) = watch::channel(None);
        let office = Office {
            view: view.clone(),
            cancel,
            unplaced,
            leading,
            started_at: parts.host.now(),
            parts,
        };
        let lease = office
            .unless_cancelled(office.enter())
            .await
            .ok_or(StartError::Cancelled)??;
        Ok(Core {
            id: office.parts.id.clone(),
            view,
            store: office.parts.store.clone(),
            history: office.parts.history.clone(),
            host: office.parts.host.clone(),
            unplaced: unplaced_seen,
            leading: leading_seen,
            task: tokio::spawn(office.hold(lease)),
        })
    }

    /// Ends it as a crash does: at once, with nothing tidied up. Its lease ends by itself.
    pub fn abort(&self) {
        self.task.abort();
    }

    /// Returns once everything has ended and, if the store answers, the lease is given
    /// back. Only after a cancellation.
    pub async fn stopped(self) {
        // It ends with a panic only if one of the loops did, which is logged there.
        _ = self.task.await;
    }
}

/// A master's registration, lease after lease.
struct Office {
    parts: CoreParts,
    view: View,
    cancel: CancellationToken,
    unplaced: watch::Sender<UnplacedList>,
    leading: watch::Sender<Option<Leader>>,
    started_at: shared::time::Time,
}

impl Office {
    /// The first registration: may find that another master is in the way.
    async fn enter(&self) -> Result<KeptLease, StartError> {
        if self.parts.alone {
            self.until_done("could not take over", || self.clear()).await;
        }
        let lease = self.register().await?;
        self.check_sqlite(&lease).await?;
        Ok(lease)
    }

    /// Holds office until cancelled.
    async fn hold(self, mut lease: KeptLease) {
        loop {
            let is_lost = tokio::select! {
                biased;
                () = self.cancel.cancelled() => false,
                () = lease.lost() => true,
                () = self.lead_in_turn(&lease) => unreachable!("candidates never stop"),
            };
            self.leading.send_replace(None);
            self.unplaced.send_replace(UnplacedList::default());
            if !is_lost {
                break;
            }
            tracing::warn!(master.id = %self.parts.id, "the master's lease was lost; registering again");
            match self.unless_cancelled(self.register()).await {
                Some(Ok(again)) => lease = again,
                Some(Err(error)) => {
                    tracing::error!(%error, "this master cannot register again and only serves its API");
                    return self.cancel.cancelled().await;
                }
                None => return,
            }
        }
        // A clean stop hands over at once.
        if !matches!(tokio::time::timeout(REVOKE, lease.revoke()).await, Ok(Ok(()))) {
            tracing::warn!("the store did not take the master's lease back; it will end by itself");
        }
    }

    /// Stands for election, leads, and again.
    async fn lead_in_turn(&self, lease: &KeptLease) {
        loop {
            let leader = leader::elect(&self.parts.store, &self.view, &self.parts.id, lease).await;
            self.leading.send_replace(Some(leader.clone()));
            tokio::select! {
                biased;
                () = leader::deposed(&self.view, &leader) => {}
                () = supervise("planner", || {
                    planner::run(leader.clone(), self.view.clone(), self.parts.host.clone(), self.unplaced.clone())
                }) => {}
                () = supervise("settlement", || {
                    lost::run(
                        leader.clone(),
                        self.view.clone(),
                        self.parts.history.clone(),
                        self.parts.intake.clone(),
                        self.parts.host.clone(),
                    )
                }) => {}
            }
            tracing::warn!(master.id = %self.parts.id, "no longer leading");
            self.leading.send_replace(None);
            self.unplaced.send_replace(UnplacedList::default());
        }
    }

    /// A new lease with this master's key under it. A key of the same id is waited for:
    /// it may be one of our own that has not ended yet.
    async fn register(&self) -> Result<KeptLease, StartError> {
        let patience = self.parts.lease_ttl + MARGIN;
        let mut in_the_way: Option<Instant> = None;
        loop {
            match self.register_once().await {
                Ok(Ok(lease)) => return Ok(lease),
                Ok(Err(url)) => {
                    let since = *in_the_way.get_or_insert_with(Instant::now);
                    if since.elapsed() > patience {
                        return Err(StartError::SameId {
                            id: self.parts.id.clone(),
                            url,
                        });
                    }
                }
                Err(error) => {
                    in_the_way = None;
                    tracing::warn!(%error, "could not register this master; trying again");
                }
            }
            sleep(AGAIN).await;
        }
    }

    /// The lease, or the address of the master that has the key.
    async fn register_once(&self) -> Result<Result<KeptLease, String>, StoreError> {
        let lease = KeptLease::grant(self.parts.store.clone(), self.parts.lease_ttl).await?;
        let key = keys::master(&self.parts.id);
        let master = Master {
            url: self.parts.url.clone(),
            version: env!("CARGO_PKG_VERSION").into(),
            started_at: self.started_at,
            database: self.parts.database.as_str().into(),
        };
        let found = self.parts.store.get(&key).await?;
        let other = found
            .as_ref()
            .map(|kv| serde_json::from_slice::<Master>(&kv.value).ok());
        if let Some(other) = other
            && other.as_ref() != Some(&master)
        {
            lease.revoke().await?;
            return Ok(Err(other.map(|m| m.url).unwrap_or_default()));
        }
        // There is none, or our own, under a lease that is lost.
        let txn = Txn {
            compares: vec![Compare::ModRevision(
                key.clone(),
                found.map_or(0, |kv| kv.mod_revision),
            )],
            writes: vec![Write::Put {
                key,
                value: serde_json::to_vec(&master).unwrap_or_default(),
                lease: Some(lease.id()),
            }],
        };
        match self.parts.store.txn(txn).await {
            Ok(Outcome::Committed(_)) => Ok(Ok(lease)),
            refused => {
                // If it was written after all, it goes with the lease.
                _ = lease.revoke().await;
                refused.and_then(|_| Err(StoreError::Unavailable("another was registered just now".into())))
            }
        }
    }

    /// Refuses to be one of several masters if one of them has SQLite. The one that
    /// registered first stays.
    async fn check_sqlite(&self, lease: &KeptLease) -> Result<(), StartError> {
        let patience = self.parts.lease_ttl + MARGIN;
        let start = Instant::now();
        loop {
            let clash = self
                .until_done("could not look for other masters", || self.clash())
                .await;
            let Some(refusal) = clash else { return Ok(()) };
            if start.elapsed() > patience {
                // Its key must not be in the way of the next start.
                _ = lease.revoke().await;
                return Err(refusal);
            }
            // A master that was killed has a key until its lease ends.
            sleep(AGAIN).await;
        }
    }

    async fn clash(&self) -> Result<Option<StartError>, StoreError> {
        let ours = keys::master(&self.parts.id);
        let masters = self.parts.store.snapshot(keys::MASTERS).await?;
        let registered = |key: &str| {
            masters
                .kvs
                .iter()
                .find(|kv| kv.key == key)
                .map(|kv| kv.create_revision)
        };
        let before = registered(&ours).unwrap_or(Revision::MAX);
        let sqlite = Database::Sqlite.as_str();
        for kv in masters
            .kvs
            .iter()
            .filter(|kv| kv.key != ours && kv.create_revision < before)
        {
            let Some(other) = keys::name_in::<MasterId>(keys::MASTERS, &kv.key) else {
                continue;
            };
            let master = serde_json::from_slice::<Master>(&kv.value).ok();
            let url = master.as_ref().map(|m| m.url.clone()).unwrap_or_default();
            let theirs = master.is_some_and(|m| m.database == sqlite);
            let who = match (self.parts.database == Database::Sqlite, theirs) {
                (true, _) => "this one",
                (false, true) => "that one",
                (false, false) => continue,
            };
            return Ok(Some(StartError::Sqlite { other, url, who }));
        }
        Ok(None)
    }

    /// Deletes what an earlier master of this instance left.
    async fn clear(&self) -> Result<(), StoreError> {
        let masters = self.parts.store.snapshot(keys::MASTERS).await?;
        let mut keys: Vec<String> = masters.kvs.into_iter().map(|kv| kv.key).collect();
        keys.push(keys::LEADER.into());
        let writes = keys.into_iter().map(|key| Write::Delete { key }).collect();
        self.parts
            .store
            .txn(Txn {
                compares: Vec::new(),
                writes,
            })
            .await?;
        Ok(())
    }

    /// Tries until the store answers.
    async fn until_done<T, F>(&self, what: &str, attempt: impl Fn() -> F) -> T
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        loop {
            match attempt().await {
                Ok(done) => return done,
                Err(error) => tracing::warn!(%error, "{what}; trying again"),
            }
            sleep(AGAIN).await;
        }
    }

    async fn unless_cancelled<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => None,
            done = work => Some(done),
        }
    }
}

/// Runs a loop; should it panic, which is a bug, runs it anew: the other loops, and this
/// one's work on everything else, go on.
async fn supervise<F>(name: &str, start: impl Fn() -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    loop {
        let mut tasks = JoinSet::new();
        tasks.spawn(start());
        match tasks.join_next().await {
            Some(Err(error)) => tracing::error!(%error, "the {name} failed: a bug; starting it again"),
            _ => return,
        }
        sleep(AGAIN_PANIC).await;
    }
}
