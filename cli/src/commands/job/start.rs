//! `gnomon job run`: now, not when it is due.

use std::collections::BTreeMap;

use shared::{
    api::{Ordered, RunNow, paths},
    id::{JobPath, NodeId},
    run::State,
};

use super::{Context, path};
use crate::{
    commands::run::wait,
    error::{CliError, Result},
    output::{self, Format},
};

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  gnomon job run backup-db --wait
  gnomon job run report --env DAY=2026-01-31 --node db2")]
pub struct StartArgs {
    /// NAMESPACE/NAME, or NAME in the namespace `default`
    job: JobPath,
    /// Wait until it ended; exit with 1 if it did not succeed
    #[arg(short, long)]
    wait: bool,
    /// Set a variable for this run only
    #[arg(short, long, value_name = "K=V", value_parser = pair)]
    env: Vec<(String, String)>,
    /// On this node instead of where the job belongs
    #[arg(long)]
    node: Option<NodeId>,
    /// Only this slot
    #[arg(long)]
    slot: Option<u32>,
}

pub async fn run(args: StartArgs, context: Context) -> Result<()> {
    let env: BTreeMap<String, String> = args.env.into_iter().collect();
    let request = RunNow {
        env,
        node: args.node,
        slot: args.slot,
    };
    let ordered: Ordered = context
        .client
        .post(&path(paths::JOB_RUN, &args.job), &request)
        .await?;
    if !args.wait {
        return match context.format {
            Format::Table => output::lines(
                ordered
                    .runs
                    .iter()
                    .map(|run| format!("run {} on {}", run.id, run.node)),
            ),
            Format::Name => output::lines(ordered.runs.iter().map(|run| run.id.to_string())),
            format => output::value(format, &ordered.runs),
        };
    }
    let mut runs = Vec::new();
    for run in &ordered.runs {
        output::note(format!("waiting for {} on {}", run.id, run.node));
        runs.push(wait::until_ended(&context.client, run.id, None).await?);
    }
    output::list(context.format, &runs)?;
    match runs.iter().find(|run| run.state != State::Succeeded) {
        None => Ok(()),
        Some(run) => Err(
            CliError::failed(format!("run {} ended {}: {}", run.id, run.state, run.reason))
                .hint(format!("see its output with `gnomon run logs {}`", run.id)),
        ),
    }
}

pub fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(format!("`{text}` is not of the form K=V")),
    }
}
