//! `gnomon run`: what ran, and its output.

mod get;
mod logs;
mod ls;
pub mod wait;

use clap::{Args, Subcommand};
use reqwest::Method;
use shared::{
    api::{Kill, paths},
    history::RunView,
    id::RunId,
};

use super::Context;
use crate::{client::fill, error::Result, output};

#[derive(Subcommand)]
pub enum Command {
    /// List runs, newest first
    #[command(visible_alias = "list")]
    Ls(ls::LsArgs),
    /// Show one run
    Get(Id),
    /// Print a run's output
    Logs(logs::LogsArgs),
    /// Stop a run: TERM, then after its grace KILL, to the whole tree
    Kill(KillArgs),
    /// Wait until a run ended; exit with 1 if it did not succeed
    Wait(wait::WaitArgs),
}

#[derive(Args)]
pub struct Id {
    /// The run's id, as `run ls` shows it
    id: RunId,
}

#[derive(Args)]
pub struct KillArgs {
    /// The run's id, as `run ls` shows it
    id: RunId,
    /// Why; it stands in the history
    #[arg(long, default_value = "")]
    reason: String,
}

pub async fn run(command: Command, context: Context) -> Result<()> {
    match command {
        Command::Ls(args) => ls::run(args, context).await,
        Command::Get(args) => get::run(args, context).await,
        Command::Logs(args) => logs::run(args, context).await,
        Command::Kill(args) => kill(args, context).await,
        Command::Wait(args) => wait::run(args, context).await,
    }
}

/// A run's path below the API's base.
pub fn path(template: &str, id: RunId) -> String {
    fill(template, &[&id.to_string()])
}

async fn fetch(context: &Context, id: RunId) -> Result<RunView> {
    context.client.get(&path(paths::RUN, id)).await
}

async fn kill(args: KillArgs, context: Context) -> Result<()> {
    let body = Kill { reason: args.reason };
    context
        .client
        .send(Method::POST, &path(paths::RUN_KILL, args.id), &body)
        .await?;
    let run = fetch(&context, args.id).await?;
    output::done(context.format, args.id, "is being stopped", &run)
}
