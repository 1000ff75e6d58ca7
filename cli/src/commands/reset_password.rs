//! `gnomon reset-password`: lets people in again who have lost the password. It writes to the
//! store itself: who may do that is trusted with everything already.

use std::{path::PathBuf, sync::Arc};

use ::master::auth::{ADMIN, AuthError, reset_admin};
use clap::{Args, Subcommand};
use shared::{
    host::Host,
    store::{DynStore, StoreError, etcd::Etcd},
};

use super::{
    etcd::EtcdArgs,
    standalone::{STORE, default_dir, open_store},
};
use crate::{
    error::{CliError, Kind, Result},
    output,
};

#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  gnomon reset-password standalone --data-dir /srv/gnomon
  gnomon reset-password cluster --etcd http://etcd1:2379,http://etcd2:2379

Prints the new password once, and ends the sessions of those who were logged in. API tokens
stay: see `gnomon token rm`.")]
pub enum Command {
    /// Of an instance on this machine, which must be stopped meanwhile
    Standalone(DataDir),
    /// Of a cluster; its masters may run
    Cluster(EtcdArgs),
}

#[derive(Args)]
pub struct DataDir {
    /// Where the instance keeps everything
    #[arg(long, env = "GNOMON_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

pub async fn run(command: Command) -> Result<()> {
    let (store, place) = match command {
        Command::Standalone(args) => standalone(args)?,
        Command::Cluster(args) => cluster(args)?,
    };
    let password = reset_admin(&store, &Host::system())
        .await
        .map_err(|e| refused(&e, &place))?;
    output::note(format!(
        "the user {ADMIN} has a new password (shown this once); whoever was logged in is not any more"
    ));
    output::lines([password])
}

/// The store, and how it is called in errors.
fn standalone(args: DataDir) -> Result<(DynStore, String)> {
    let dir = args.data_dir.map_or_else(default_dir, Ok)?;
    let place = dir.display().to_string();
    // Opening would make one.
    if !dir.join(STORE).exists() {
        return Err(CliError::usage(format!("{place} holds no instance"))
            .hint("give the --data-dir that `gnomon standalone` was started with"));
    }
    Ok((open_store(&dir)?, place))
}

fn cluster(args: EtcdArgs) -> Result<(DynStore, String)> {
    let config = args.config()?;
    let place = format!("{} below {}", config.endpoints.join(","), config.prefix);
    let etcd = Etcd::connect(config).map_err(CliError::failed)?;
    Ok((Arc::new(etcd), place))
}

fn refused(error: &AuthError, place: &str) -> CliError {
    match error {
        AuthError::NoUser(_) => CliError::new(Kind::NotFound, format!("{place}: {error}"))
            .hint("a master that starts there makes that user and prints its password"),
        AuthError::Store(StoreError::Unavailable(_)) => {
            CliError::new(Kind::Unreachable, format!("{place}: {error}"))
        }
        _ => CliError::failed(format!("{place}: {error}")),
    }
}
