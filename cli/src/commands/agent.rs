//! `gnomon agent`: the daemon on each host that fires jobs.

use std::{path::PathBuf, time::Duration};

use ::agent::{AgentConfig, LocalConfig};
use shared::{target::Labels, units::Span};

use super::etcd::EtcdArgs;
use crate::{
    daemon::{LogArgs, until_signalled},
    error::{CliError, Result},
};

#[derive(clap::Args)]
#[command(after_help = "\
Example:
  gnomon agent --etcd http://etcd1:2379,http://etcd2:2379 --data-dir /var/lib/gnomon --label role=db

As root it runs each job as the user that the job names; otherwise only as its own user.")]
pub struct Args {
    #[command(flatten)]
    etcd: EtcdArgs,
    /// The node's identity and its spool: one directory for each agent
    #[arg(long, env = "GNOMON_DATA_DIR", value_name = "DIR")]
    data_dir: PathBuf,
    #[command(flatten)]
    node: NodeArgs,
    /// A master to report to, beside those that etcd names; may be given several times
    #[arg(
        long = "master",
        env = "GNOMON_MASTERS",
        value_name = "URL",
        value_delimiter = ','
    )]
    masters: Vec<String>,
    /// A file with the authority that the masters' certificates come from
    #[arg(long, env = "GNOMON_CA", value_name = "FILE")]
    master_ca: Option<PathBuf>,
    #[command(flatten)]
    log: LogArgs,
}

/// What a node says of itself.
#[derive(clap::Args)]
#[command(next_help_heading = "Node")]
pub struct NodeArgs {
    /// The node's id, at its first start; the host's name if none
    #[arg(long, env = "GNOMON_NODE_NAME")]
    name: Option<String>,
    /// A label, beside those found on the host; may be given several times
    #[arg(long = "label", env = "GNOMON_LABELS", value_name = "K=V", value_delimiter = ',', value_parser = label)]
    labels: Vec<(String, String)>,
    /// How many runs at once
    #[arg(long, env = "GNOMON_CAPACITY", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    capacity: Option<u32>,
    /// What this host allows: a file that only its administrator may write
    #[arg(long, env = "GNOMON_POLICY", value_name = "FILE")]
    policy: Option<PathBuf>,
    /// How long runs may go on once the agent is told to stop
    #[arg(long, env = "GNOMON_STOP_TIMEOUT", value_name = "D", default_value = "30s")]
    stop_timeout: Span,
    /// How long the node's lease lasts without a word, in seconds
    #[arg(long, env = "GNOMON_NODE_LEASE", value_name = "SECONDS", default_value_t = 10,
          value_parser = clap::value_parser!(u64).range(3..=300))]
    node_lease: u64,
}

fn label(text: &str) -> Result<(String, String), String> {
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| format!("`{text}` is not of the form K=V"))?;
    Ok((
        shared::target::label_key(key)?,
        shared::target::label_value(value)?,
    ))
}

impl NodeArgs {
    pub fn config(self, data_dir: PathBuf) -> LocalConfig {
        let mut local = LocalConfig::new(data_dir);
        local.name = self.name;
        local.labels = self.labels.into_iter().collect::<Labels>();
        local.capacity = self.capacity;
        local.policy = self.policy;
        local.settings.stop_timeout = self.stop_timeout.get();
        local.settings.lease = Duration::from_secs(self.node_lease);
        local
    }
}

pub async fn run(args: Args) -> Result<()> {
    args.log.start()?;
    let mut local = args.node.config(args.data_dir);
    local.masters = args.masters;
    local.masters_ca = args.master_ca;
    let config = AgentConfig {
        etcd: args.etcd.config()?,
        local,
    };
    ::agent::run(config, until_signalled()?)
        .await
        .map_err(|e| CliError::failed(format!("{e:#}")))
}
