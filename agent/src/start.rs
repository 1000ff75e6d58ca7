//! The real parts, put together: what `gnomon agent` and `gnomon standalone` start.

use std::sync::Arc;

use anyhow::Context;
use shared::{
    host::Host,
    keys,
    node::Master,
    store::{DynStore, etcd::Etcd, mirror::Mirror},
};
use tokio_util::sync::CancellationToken;

use crate::{
    agent::{Agent, AgentParts},
    config::{AgentConfig, LocalConfig},
    identity::{self, DataDir},
    launcher::{Launcher, LauncherConfig},
    link::{HttpLink, HttpLinkConfig},
    policy::Policy,
    spool,
};

/// Runs an agent of a fleet until `cancel`, then stops it cleanly.
///
/// # Errors
/// What keeps it from starting (its data directory, its policy, a store that is set up
/// wrongly) or from going on: another agent with its identity. A store or masters that do
/// not answer are no error; it waits for them.
pub async fn run(config: AgentConfig, cancel: CancellationToken) -> anyhow::Result<()> {
    let store = Etcd::connect(config.etcd).context("the store")?;
    run_with(Arc::new(store), Host::system(), config.local, cancel).await
}

/// As [`run`], on a store that is there: the embedded one of a standalone instance.
pub async fn run_with(
    store: DynStore,
    host: Host,
    config: LocalConfig,
    cancel: CancellationToken,
) -> anyhow::Result<()> {
    // Locked until the agent has stopped.
    let data = DataDir::open(&config.data_dir)?;
    start(&data, store, host, config, cancel)?.wait().await
}

/// Starts an agent on a data directory that is this process' own.
pub fn start(
    data: &DataDir,
    store: DynStore,
    host: Host,
    config: LocalConfig,
    cancel: CancellationToken,
) -> anyhow::Result<Agent> {
    let identity = data.identity(config.name.as_deref(), &host)?;
    let policy = Arc::new(Policy::load(config.policy.as_deref())?);
    let spool = spool::Disk::open(&data.path.join("spool.redb"), spool::Limits::default())?;
    let starter = Launcher::open(LauncherConfig {
        dir: data.path.join("started"),
        policy: policy.clone(),
        cgroups: true,
    })?;
    let masters = Mirror::<Master>::spawn(store.clone(), keys::MASTERS, |kv| {
        serde_json::from_slice(&kv.value).map_err(|e| e.to_string())
    });
    let given = config.masters.clone();
    let known = move || {
        let registered = masters.snapshot();
        let urls = registered.iter().map(|(_, entry)| entry.value.url.clone());
        given.iter().cloned().chain(urls).collect()
    };
    let link = HttpLink::new(HttpLinkConfig {
        masters: Arc::new(known),
        remembered: Some(data.path.join("masters.json")),
        token: identity.token.clone(),
        ca_file: config.masters_ca.clone(),
    })?;
    let capacity = config.capacity.unwrap_or_else(identity::capacity_default);
    let parts = AgentParts {
        name: config
            .name
            .or_else(|| Some(identity::host_name()).filter(|name| !name.is_empty())),
        labels: identity::labels(&config.labels),
        capacity: capacity.min(policy.max_concurrent().unwrap_or(u32::MAX)),
        timeout_max: policy.max_timeout(),
        address: config.address,
        settings: config.settings,
        store,
        host,
        spool: Arc::new(spool),
        starter: Arc::new(starter),
        link: Arc::new(link),
        identity,
    };
    Ok(Agent::start(parts, cancel))
}
