//! `gnomon job`: what runs when and where.

pub mod apply;
mod edit;
mod get;
mod ls;
mod place;
mod start;
mod why;

use clap::{Args, Subcommand};
use shared::{
    api::{JobView, paths},
    id::JobPath,
};

use super::Context;
use crate::{client::fill, error::Result, output};

#[derive(Subcommand)]
pub enum Command {
    /// Make jobs as a file says: create, update or leave as they are
    Apply(apply::ApplyArgs),
    /// List jobs
    #[command(visible_alias = "list")]
    Ls(ls::LsArgs),
    /// Show one job as its file
    Get(Name),
    /// Change a job in an editor
    Edit(Name),
    /// Delete jobs; their history stays until it is too old
    #[command(visible_alias = "delete")]
    Rm(RmArgs),
    /// Let a job not run until it is resumed
    Pause(Names),
    /// Let a paused job run again; what was due meanwhile is not caught up
    Resume(Names),
    /// Run a job now
    Run(start::StartArgs),
    /// Where a job runs, and why there
    Where(Name),
    /// Why a job did or did not run at an instant
    Why(why::WhyArgs),
}

#[derive(Args)]
pub struct Name {
    /// NAMESPACE/NAME, or NAME in the namespace `default`
    job: JobPath,
}

#[derive(Args)]
pub struct Names {
    /// NAMESPACE/NAME, or NAME in the namespace `default`
    #[arg(required = true)]
    jobs: Vec<JobPath>,
}

#[derive(Args)]
pub struct RmArgs {
    #[command(flatten)]
    names: Names,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

pub async fn run(command: Command, context: Context) -> Result<()> {
    match command {
        Command::Apply(args) => apply::run(args, context).await,
        Command::Ls(args) => ls::run(args, context).await,
        Command::Get(args) => get::run(args, context).await,
        Command::Edit(args) => edit::run(args, context).await,
        Command::Rm(args) => rm(args, context).await,
        Command::Pause(args) => each(args, context, paths::JOB_PAUSE, "paused").await,
        Command::Resume(args) => each(args, context, paths::JOB_RESUME, "resumed").await,
        Command::Run(args) => start::run(args, context).await,
        Command::Where(args) => place::run(args, context).await,
        Command::Why(args) => why::run(args, context).await,
    }
}

/// A job's path below the API's base.
pub fn path(template: &str, job: &JobPath) -> String {
    fill(template, &[job.namespace.as_str(), job.name.as_str()])
}

async fn fetch(context: &Context, job: &JobPath) -> Result<JobView> {
    context.client.get(&path(paths::JOB, job)).await
}

async fn each(args: Names, context: Context, template: &str, done: &str) -> Result<()> {
    let mut told = output::Told::new(context.format);
    let ended = async {
        for job in &args.jobs {
            let view: JobView = context
                .client
                .post(&path(template, job), &serde_json::json!({}))
                .await?;
            told.tell(job, done, view)?;
        }
        Ok(())
    }
    .await;
    told.end(ended)
}

async fn rm(args: RmArgs, context: Context) -> Result<()> {
    let names: Vec<String> = args.names.jobs.iter().map(ToString::to_string).collect();
    super::confirm(&format!("delete {}?", names.join(", ")), args.yes)?;
    let mut told = output::Told::new(context.format);
    let ended = async {
        for job in &args.names.jobs {
            context.client.delete(&path(paths::JOB, job)).await?;
            told.tell(job, "deleted", serde_json::json!({"job": job, "deleted": true}))?;
        }
        Ok(())
    }
    .await;
    told.end(ended)
}
