//! `gnomon run wait`.

use std::time::Duration;

use shared::{api::paths, history::RunView, id::RunId, run::State, units::Span};
use tokio::time::Instant;

use super::{Context, path};
use crate::{
    client::Client,
    error::{CliError, Kind, Result},
    output,
};

#[derive(clap::Args)]
pub struct WaitArgs {
    /// The run's id, as `run ls` shows it
    id: RunId,
    /// Give up after so long
    #[arg(long, value_name = "D")]
    timeout: Option<Span>,
}

pub async fn run(args: WaitArgs, context: Context) -> Result<()> {
    let run = until_ended(&context.client, args.id, args.timeout).await?;
    output::list(context.format, std::slice::from_ref(&run))?;
    if run.state == State::Succeeded {
        return Ok(());
    }
    Err(
        CliError::failed(format!("run {} ended {}: {}", run.id, run.state, run.reason))
            .hint(format!("see its output with `gnomon run logs {}`", run.id)),
    )
}

/// How often a run is asked for; a waiting script does not need it faster.
const POLL: Duration = Duration::from_millis(300);
/// An ordered run is in the history once its node has taken the order.
const UNKNOWN_FOR_MAX: Duration = Duration::from_secs(30);

/// Asks until the run, and every attempt after it, ended.
pub async fn until_ended(client: &Client, id: RunId, timeout: Option<Span>) -> Result<RunView> {
    let start = Instant::now();
    let mut id = id;
    let mut known = false;
    loop {
        match client.get::<RunView>(&path(paths::RUN, id)).await {
            Ok(run) if run.state.is_end() && run.retry_at.is_none() => return Ok(run),
            // It will be tried again: wait for that attempt in its place.
            Ok(run) if run.state.is_end() => {
                id = run.first.attempt(run.attempt + 1);
                known = true;
                tokio::time::sleep(POLL).await;
            }
            Ok(_) => {
                known = true;
                tokio::time::sleep(POLL).await;
            }
            Err(e) if e.kind == Kind::NotFound && (known || start.elapsed() < UNKNOWN_FOR_MAX) => {
                tokio::time::sleep(POLL).await;
            }
            Err(e) if e.kind == Kind::Unreachable && known => tokio::time::sleep(POLL).await,
            Err(e) => return Err(e),
        }
        if timeout.is_some_and(|t| start.elapsed() >= t.get()) {
            return Err(CliError::failed(format!("run {id} has not ended yet"))
                .hint("wait longer, or see `gnomon run get`"));
        }
    }
}
