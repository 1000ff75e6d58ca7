//! How an agent is set up.

use std::{path::PathBuf, time::Duration};

use shared::{store::etcd::EtcdConfig, target::Labels};

/// Everything that `gnomon agent` is told.
#[derive(Clone, Debug)]
pub struct AgentConfig {
    pub etcd: EtcdConfig,
    pub local: LocalConfig,
}

/// What an agent is told beside the store: also what `gnomon standalone` gives it.
#[derive(Clone, Debug)]
pub struct LocalConfig {
    /// The identity, the spool and the lock. One agent each.
    pub data_dir: PathBuf,
    /// The node's id at the first start; the host's name unless given.
    pub name: Option<String>,
    /// Laid over those found on the host.
    pub labels: Labels,
    /// How many runs at once; see [`crate::identity::capacity_default`].
    pub capacity: Option<u32>,
    /// Where people reach this host; shown, never connected to.
    pub address: Option<String>,
    /// Masters' URLs to report to, beside those that the store names.
    pub masters: Vec<String>,
    /// The authority (PEM) that the masters' certificates come from; the system's if none.
    pub masters_ca: Option<PathBuf>,
    /// What this host allows: a file that only its administrator writes.
    pub policy: Option<PathBuf>,
    pub settings: Settings,
}

/// The agent's times. The defaults are right for all but tests.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How long before its start a fire is claimed and recorded. Longer covers a slower
    /// store; shorter lets a changed job take effect sooner.
    pub lead: Duration,
    /// How long the node's lease lasts without a word. Twice the store's call timeout, so
    /// that it outlives a frozen member.
    pub lease: Duration,
    /// How long runs may go on once the agent is told to stop; then they are killed.
    pub stop_timeout: Duration,
    /// How long, after that, the last reports may take to reach a master; what does not
    /// stays in the spool for the next start.
    pub flush_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            lead: Duration::from_secs(1),
            lease: Duration::from_secs(10),
            stop_timeout: Duration::from_secs(30),
            flush_timeout: Duration::from_secs(5),
        }
    }
}

impl LocalConfig {
    pub fn new(data_dir: impl Into<PathBuf>) -> LocalConfig {
        LocalConfig {
            data_dir: data_dir.into(),
            name: None,
            labels: Labels::new(),
            capacity: None,
            address: None,
            masters: Vec::new(),
            masters_ca: None,
            policy: None,
            settings: Settings::default(),
        }
    }
}
