//! `gnomon standalone`: a whole instance in one process, for one machine.

use std::{
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use ::agent::LocalConfig;
use ::master::{
    MasterParts, Running,
    auth::{self, Token},
    config::{LEASE_TTL_DEFAULT, new_id},
    core::Database,
    history::SqlHistory,
    http::Server,
};
use shared::{
    host::Host,
    id::TokenName,
    keys,
    store::{
        DynStore,
        embedded::{Embedded, OpenError},
    },
};
use tokio_util::sync::CancellationToken;

use super::{agent::NodeArgs, keep::KeepArgs, master::ListenArgs};
use crate::{
    context::{self, Context},
    daemon::{LogArgs, until_signalled},
    error::{CliError, Doing, Result},
    output,
};

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  gnomon standalone
  gnomon standalone --data-dir /srv/gnomon --listen 127.0.0.1:7070

It keeps everything below its data directory, and writes an API token into the config
directory of the user who starts it, so that `gnomon job ls` works at once.")]
pub struct Args {
    /// Where everything is kept
    #[arg(long, env = "GNOMON_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    listen: ListenArgs,
    #[command(flatten)]
    node: NodeArgs,
    #[command(flatten)]
    keep: KeepArgs,
    #[command(flatten)]
    log: LogArgs,
}

/// The token that the user who starts the instance gets.
const TOKEN_NAME: &str = "standalone";

pub async fn run(args: Args) -> Result<()> {
    args.log.start()?;
    let dir = data_dir(args.data_dir)?;
    let listen = args.listen.listen();
    let host = Host::system();
    let store = open_store(&dir)?;
    let history = SqlHistory::connect(&format!("sqlite:{}", dir.join("history.sqlite").display()))
        .await
        .map_err(CliError::failed)?;
    let server = Server::bind(&listen).await.map_err(CliError::failed)?;
    let scheme = if listen.tls.is_some() { "https" } else { "http" };
    let url = format!("{scheme}://{}", reachable(server.address()));
    let ca = listen.tls.as_ref().map(|tls| tls.certificate.clone());

    let signalled = until_signalled()?;
    let stop_master = CancellationToken::new();
    let parts = MasterParts {
        store: store.clone(),
        store_kind: "embedded",
        history: Arc::new(history.clone()),
        database: Database::Sqlite,
        server,
        is_tls: listen.tls.is_some(),
        console: crate::console::carried(),
        id: new_id(&host),
        host: host.clone(),
        url: url.clone(),
        lease_ttl: LEASE_TTL_DEFAULT,
        alone: true,
        bounds: args.keep.bounds(),
        // Who sees that it is ready finds its node, and the context that is written below.
        awaits_node: true,
    };
    let mut running = ::master::start(parts, stop_master.clone())
        .await
        .map_err(super::master::refused)?;
    let said = remember(&store, &host, &url, ca.clone()).await;
    welcome(&mut running, &url, &dir, said);

    let mut local = args.node.config(dir.join("agent"));
    local.masters = vec![url];
    local.masters_ca = ca;
    let ended = together(running, store, host, local, signalled, stop_master).await;
    history.close().await;
    ended
}

/// Runs the agent beside the master. The agent stops first, so that its last reports have
/// somewhere to go; if either ends by itself, so does the other.
async fn together(
    running: Running,
    store: DynStore,
    host: Host,
    local: LocalConfig,
    signalled: CancellationToken,
    stop_master: CancellationToken,
) -> Result<()> {
    let stop_agent = signalled.child_token();
    let mut agent = tokio::spawn(::agent::run_with(store, host, local, stop_agent.clone()));
    let mut master = tokio::spawn(running.stopped());
    tokio::select! {
        ended = &mut agent => {
            stop_master.cancel();
            let served = master.await.doing("the master")?;
            ended.doing("the agent")?.map_err(|e| CliError::failed(format!("{e:#}")))?;
            served.map_err(super::master::refused)
        }
        ended = &mut master => {
            stop_agent.cancel();
            _ = agent.await;
            ended.doing("the master")?.map_err(super::master::refused)
        }
    }
}

/// The directory, made if it is not there, for its owner only: job output and password
/// hashes are inside.
fn data_dir(given: Option<PathBuf>) -> Result<PathBuf> {
    let dir = given.map_or_else(default_dir, Ok)?;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&dir)
        .map_err(|e| CliError::failed(format!("the data directory {}: {e}", dir.display())))?;
    Ok(dir)
}

/// Where everything is kept unless a directory is given.
pub fn default_dir() -> Result<PathBuf> {
    if nix::unistd::geteuid().is_root() {
        return Ok("/var/lib/gnomon".into());
    }
    let base = std::env::var_os("XDG_DATA_HOME")
        .filter(|v| !v.is_empty())
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".local/share")));
    base.map(|base| base.join("gnomon"))
        .ok_or_else(|| CliError::usage("HOME is not set").hint("give --data-dir"))
}

/// The store's file in the data directory.
pub const STORE: &str = "store.redb";

/// Opens the store of a data directory, or makes it.
pub fn open_store(dir: &Path) -> Result<DynStore> {
    match Embedded::open(dir.join(STORE)) {
        Ok(store) => Ok(Arc::new(store.client())),
        Err(OpenError::InUse { .. }) => Err(CliError::failed(format!(
            "{} is in use by another process",
            dir.display()
        ))
        .hint("is `gnomon standalone` running already? stop it, or give another --data-dir")),
        Err(e) => Err(CliError::failed(e)),
    }
}

/// Where this machine's programs reach an address that may mean all of its addresses.
fn reachable(address: std::net::SocketAddr) -> std::net::SocketAddr {
    match address {
        std::net::SocketAddr::V4(a) if a.ip().is_unspecified() => ([127, 0, 0, 1], a.port()).into(),
        std::net::SocketAddr::V6(a) if a.ip().is_unspecified() => {
            (std::net::Ipv6Addr::LOCALHOST, a.port()).into()
        }
        other => other,
    }
}

/// Sees to it that this user's context reaches this instance. Returns the context's file.
async fn remember(store: &DynStore, host: &Host, url: &str, ca: Option<PathBuf>) -> Result<PathBuf> {
    let name: TokenName = TOKEN_NAME.parse().map_err(CliError::failed)?;
    if let Ok(Some(stored)) = context::load()
        && stored.url == url
        && is_known(store, &name, &stored.token).await
    {
        return context::path();
    }
    let token = auth::issue_token(store, host, name)
        .await
        .doing("making a token for the command line")?;
    context::save(&Context {
        url: url.to_owned(),
        token,
        ca,
    })
}

async fn is_known(store: &DynStore, name: &TokenName, secret: &str) -> bool {
    let Ok(Some(stored)) = store.get(&keys::token(name)).await else {
        return false;
    };
    serde_json::from_slice::<Token>(&stored.value)
        .is_ok_and(|token| token.secret_sha256 == auth::sha256(secret))
}

/// Says where it is, the first password once, and what to try.
fn welcome(running: &mut Running, url: &str, dir: &Path, context: Result<PathBuf>) {
    let mut lines = vec![format!(
        "Gnomon is running at {url}, its data is in {}",
        dir.display()
    )];
    if let Some(password) = running.password.take() {
        lines.push(format!("user admin, password {password} (shown this once)"));
    }
    match context {
        Ok(path) => {
            lines.push(format!("the command line finds it through {}", path.display()));
            lines.push("next: gnomon job apply -f FILE, gnomon job ls, gnomon run ls".into());
        }
        Err(e) => lines.push(format!(
            "the command line cannot find it by itself ({}): gnomon login --url {url}",
            e.message
        )),
    }
    for line in lines {
        output::note(line);
    }
}
