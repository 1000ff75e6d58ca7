//! A whole master: the core, and the API, intake and housekeeping around it.

use std::{io::Write, sync::Arc, time::Duration};

use shared::{
    host::Host,
    id::MasterId,
    keys,
    store::{
        DynStore, StoreError,
        etcd::{ConfigError, Etcd},
    },
};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    auth::{self, Accounts, AuthError},
    config::{self, MasterConfig},
    core::{Core, CoreParts, Database, StartError},
    history::{ConnectError, History, SqlHistory},
    housekeeping::{Bounds, Housekeeping},
    http::{self, App, Console, Parts, ServeError, Server},
    intake::Intake,
    leader::Leader,
};

/// How long a master that starts waits for the store.
const STORE_WITHIN: Duration = Duration::from_secs(10);
const AGAIN: Duration = Duration::from_millis(500);

/// Why a master does not run.
#[derive(Debug, thiserror::Error)]
pub enum MasterError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("cannot reach the store at {place}: {source}. Is it running, and can this host reach it?")]
    Store { place: String, source: StoreError },
    #[error(transparent)]
    Database(#[from] ConnectError),
    #[error(transparent)]
    Listen(#[from] ServeError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("the first user cannot be made: {0}")]
    Admin(#[source] AuthError),
}

impl MasterError {
    /// Whether it is a server that does not answer, and trying again may help.
    pub fn is_unreachable(&self) -> bool {
        matches!(
            self,
            MasterError::Store { .. } | MasterError::Database(ConnectError::Unreachable { .. })
        )
    }
}

/// What a master is served from: a store and a history that are open, a listener that is
/// bound.
pub struct MasterParts {
    pub store: DynStore,
    /// `etcd` or `embedded`, for people.
    pub store_kind: &'static str,
    pub history: Arc<dyn History>,
    pub database: Database,
    pub server: Server,
    pub is_tls: bool,
    /// The console that this binary carries.
    pub console: Console,
    pub host: Host,
    pub id: MasterId,
    /// Where agents and people reach the API.
    pub url: String,
    pub lease_ttl: Duration,
    /// See [`CoreParts::alone`].
    pub alone: bool,
    /// What housekeeping keeps at most.
    pub bounds: Bounds,
    /// An agent is started beside it, and it is not ready before that has registered.
    pub awaits_node: bool,
}

/// A master that runs.
pub struct Running {
    pub id: MasterId,
    pub url: String,
    /// The password of the user `admin`, if this start made the first user: to be shown
    /// once.
    pub password: Option<String>,
    pub intake: Intake,
    /// Set while it leads.
    pub leading: watch::Receiver<Option<Leader>>,
    core: Core,
    housekeeping: tokio::task::JoinHandle<()>,
    server: tokio::task::JoinHandle<Result<(), ServeError>>,
    guard: DropGuard,
}

/// Runs a master of a fleet until cancelled; then hands over and ends what is worked on.
///
/// # Errors
/// What keeps it from running, with what to do.
pub async fn run(config: MasterConfig, cancel: CancellationToken) -> Result<(), MasterError> {
    let host = Host::system();
    let place = config.etcd.endpoints.join(", ");
    let store: DynStore = Arc::new(Etcd::connect(config.etcd.clone())?);
    let history = SqlHistory::connect(&config.database_url).await?;
    let server = Server::bind(&config.listen).await?;
    answers(&store, place).await?;
    let url = match &config.url {
        Some(url) => url.clone(),
        None => config::url_of(&config.listen, server.address().port()),
    };
    let database = match history.kind() {
        "SQLite" => Database::Sqlite,
        "MySQL" => Database::Mysql,
        _ => Database::Postgres,
    };
    let parts = MasterParts {
        store,
        store_kind: "etcd",
        history: Arc::new(history.clone()),
        database,
        server,
        is_tls: config.listen.tls.is_some(),
        console: config.console,
        id: config.id.clone().unwrap_or_else(|| config::new_id(&host)),
        host,
        url,
        lease_ttl: config.lease_ttl,
        alone: false,
        bounds: config.bounds,
        awaits_node: false,
    };
    let running = start(parts, cancel).await?;
    if let Some(password) = &running.password {
        // The one place where a secret is shown: nobody could log in otherwise.
        let _ = writeln!(
            std::io::stderr(),
            "A fresh instance: log in as `admin` with the password {password}\n\
             It is shown this once; change it with `gnomon login --url {} --change-password`.",
            running.url
        );
    }
    tracing::info!(master.id = %running.id, url = %running.url, "serving");
    let ended = running.stopped().await;
    history.close().await;
    ended
}

/// Starts a master on what is open already, as standalone does. It runs until cancelled.
///
/// # Errors
/// What keeps it from running.
pub async fn start(parts: MasterParts, cancel: CancellationToken) -> Result<Running, MasterError> {
    // Whatever ends one part, or keeps it from starting, ends the others.
    let cancel = cancel.child_token();
    let guard = cancel.clone().drop_guard();
    let intake = Intake::new(parts.history.clone(), parts.host.clone());
    let core = Core::start(
        CoreParts {
            store: parts.store.clone(),
            history: parts.history.clone(),
            intake: intake.clone(),
            host: parts.host.clone(),
            id: parts.id.clone(),
            url: parts.url.clone(),
            lease_ttl: parts.lease_ttl,
            database: parts.database,
            alone: parts.alone,
        },
        cancel.clone(),
    )
    .await?;
    let leading = core.leading.clone();
    let password = auth::ensure_admin(&parts.store, &parts.host)
        .await
        .map_err(MasterError::Admin)?;
    let accounts = Accounts::spawn(parts.store.clone(), parts.host.clone());
    let mut config = http::Config::new(parts.id.clone(), parts.store_kind, parts.database.as_str());
    config.is_tls = parts.is_tls;
    config.console = parts.console;
    config.bounds = parts.bounds;
    if parts.awaits_node {
        core.view.nodes.ready().await;
        config.node_after = Some(core.view.nodes.snapshot().revision());
    }
    let keeping = Housekeeping::new(
        parts.history.clone(),
        parts.store.clone(),
        core.view.jobs.clone(),
        parts.host.clone(),
        parts.bounds,
    );
    let app = App::new(Parts {
        store: parts.store.clone(),
        view: core.view.clone(),
        accounts: accounts.clone(),
        history: parts.history.clone(),
        intake: intake.clone(),
        host: parts.host.clone(),
        unplaced: core.unplaced.clone(),
        findings: keeping.findings(),
        config,
    });
    let housekeeping = tokio::spawn(keeping.follow(leading.clone(), cancel.clone()));
    let stop = cancel.clone();
    let server = tokio::spawn(parts.server.run(app, async move { stop.cancelled().await }));
    Ok(Running {
        id: parts.id,
        url: parts.url,
        password,
        intake,
        leading,
        core,
        housekeeping,
        server,
        guard,
    })
}

impl Running {
    /// Returns when it has ended: after a cancellation, or because serving failed.
    ///
    /// # Errors
    /// Why serving failed.
    pub async fn stopped(self) -> Result<(), MasterError> {
        let served = self.server.await.unwrap_or(Ok(()));
        drop(self.guard);
        self.core.stopped().await;
        _ = self.housekeeping.await;
        self.intake.last_words().close().await;
        Ok(served?)
    }
}

/// Waits for a store to answer, for a while.
async fn answers(store: &DynStore, place: String) -> Result<(), MasterError> {
    let start = Instant::now();
    loop {
        match store.get(keys::LEADER).await {
            Ok(_) => return Ok(()),
            Err(source) if start.elapsed() > STORE_WITHIN => {
                return Err(MasterError::Store { place, source });
            }
            Err(error) => {
                tracing::warn!(%error, "the store at {place} does not answer; trying again");
                sleep(AGAIN).await;
            }
        }
    }
}
