//! What master, agent and standalone have in common as processes: logs and signals.

use std::io::IsTerminal;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use crate::error::{CliError, Doing, Result};

#[derive(clap::Args)]
#[command(next_help_heading = "Logs")]
pub struct LogArgs {
    /// What to log: error, warn, info, debug, or as in `info,agent=debug`
    #[arg(long, env = "GNOMON_LOG", default_value = "info", global = true)]
    log: String,
    /// One JSON object a line
    #[arg(long, env = "GNOMON_LOG_JSON", global = true)]
    log_json: bool,
}

impl LogArgs {
    /// Starts logging, to stderr.
    pub fn start(&self) -> Result<()> {
        let quiet = "etcd_client=warn,h2=warn,hyper=warn,hyper_util=warn,tower=warn,sqlx=warn,sea_orm=warn,sea_orm_migration=warn,tokio_cron_scheduler=warn,rustls=warn,reqwest=warn";
        let filter = EnvFilter::try_new(format!("{quiet},{}", self.log))
            .map_err(|e| CliError::usage(format!("--log {}: {e}", self.log)))?;
        let builder = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            // There is nowhere to tell that the log cannot be written; it must end nothing.
            .log_internal_errors(false)
            .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none());
        let started = if self.log_json {
            builder.json().try_init()
        } else {
            builder.with_target(false).try_init()
        };
        started.doing("starting the log")
    }
}

/// A token that is cancelled by the first SIGTERM or SIGINT: stop cleanly. A second one
/// ends the process at once.
pub fn until_signalled() -> Result<CancellationToken> {
    let token = CancellationToken::new();
    let mut term = signal(SignalKind::terminate()).doing("listening for SIGTERM")?;
    let mut int = signal(SignalKind::interrupt()).doing("listening for SIGINT")?;
    let cancel = token.clone();
    tokio::spawn(async move {
        for times in 0.. {
            tokio::select! {
                _ = term.recv() => {}
                _ = int.recv() => {}
            }
            if times == 0 {
                tracing::info!("stopping; once more to stop at once");
                cancel.cancel();
            } else {
                std::process::exit(130);
            }
        }
    });
    Ok(token)
}
