//! `gnomon master`: an API server; one of them leads and plans.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use ::master::{
    MasterError,
    config::{LEASE_TTL_DEFAULT, MasterConfig},
    http::{Listen, Tls},
};
use shared::id::MasterId;

use super::{etcd::EtcdArgs, keep::KeepArgs};
use crate::{
    daemon::{LogArgs, until_signalled},
    error::{CliError, Kind, Result},
};

#[derive(clap::Args)]
#[command(after_help = "\
Example:
  export GNOMON_DATABASE_URL=postgres://gnomon:PASSWORD@db.example/gnomon
  gnomon master --etcd http://etcd1:2379,http://etcd2:2379 --listen 10.0.0.5:7070

The first master of a fresh instance makes the user `admin` and prints its password once.")]
pub struct Args {
    #[command(flatten)]
    etcd: EtcdArgs,
    #[command(flatten)]
    history: DatabaseArgs,
    #[command(flatten)]
    listen: ListenArgs,
    /// Where agents and people reach this master; made of --listen and the host's name if none
    #[arg(long, env = "GNOMON_ADVERTISE", value_name = "URL")]
    advertise: Option<String>,
    /// Tells this master from others; made of the host's name if none
    #[arg(long, env = "GNOMON_MASTER_ID")]
    id: Option<MasterId>,
    /// Where a relative SQLite database lies
    #[arg(long, env = "GNOMON_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// How soon another master leads after this one died, in seconds
    #[arg(long, env = "GNOMON_LEASE", value_name = "SECONDS", default_value_t = LEASE_TTL_DEFAULT.as_secs(),
          value_parser = clap::value_parser!(u64).range(2..=300))]
    lease: u64,
    #[command(flatten)]
    keep: KeepArgs,
    #[command(flatten)]
    log: LogArgs,
}

#[derive(clap::Args)]
#[command(next_help_heading = "History")]
struct DatabaseArgs {
    /// postgres://…, mysql://…, or sqlite:FILE for the only master there is. It may hold a
    /// password: better set GNOMON_DATABASE_URL
    #[arg(long, env = "GNOMON_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    database_url: String,
}

/// Where an API is served.
#[derive(clap::Args)]
#[command(next_help_heading = "API")]
pub struct ListenArgs {
    /// The address to serve the API at
    #[arg(
        long,
        env = "GNOMON_LISTEN",
        value_name = "ADDR",
        default_value = "127.0.0.1:7070"
    )]
    listen: SocketAddr,
    /// Serve HTTPS: a file with the certificate and its chain
    #[arg(long, env = "GNOMON_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's key
    #[arg(long, env = "GNOMON_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
}

impl ListenArgs {
    pub fn listen(self) -> Listen {
        let tls = self
            .tls_cert
            .zip(self.tls_key)
            .map(|(certificate, key)| Tls { certificate, key });
        Listen {
            address: self.listen,
            tls,
        }
    }
}

pub async fn run(args: Args) -> Result<()> {
    args.log.start()?;
    let mut database_url = args.history.database_url;
    if let Some(dir) = &args.data_dir {
        std::fs::create_dir_all(dir)
            .map_err(|e| CliError::usage(format!("--data-dir {}: {e}", dir.display())))?;
        if let Some(file) = database_url
            .strip_prefix("sqlite:")
            .filter(|f| !f.starts_with('/'))
        {
            database_url = format!("sqlite:{}", dir.join(file).display());
        }
    }
    let mut config = MasterConfig::new(args.etcd.config()?, database_url, args.listen.listen());
    config.url = args.advertise;
    config.id = args.id;
    config.bounds = args.keep.bounds();
    config.console = crate::console::carried();
    config.lease_ttl = Duration::from_secs(args.lease);
    ::master::run(config, until_signalled()?).await.map_err(refused)
}

/// What keeps a master from running, as the CLI tells it.
pub fn refused(e: MasterError) -> CliError {
    let kind = if e.is_unreachable() {
        Kind::Unreachable
    } else {
        Kind::Failed
    };
    CliError::new(kind, e)
}
