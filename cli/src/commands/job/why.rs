//! `gnomon job why`: what became of an instant.

use shared::{
    api::{Why, paths},
    id::JobPath,
    time::Time,
};

use super::{Context, path};
use crate::{
    client::escape,
    error::Result,
    output::{self, Format},
};

#[derive(clap::Args)]
#[command(after_help = "Example:\n  gnomon job why ops/backup-db --at 2026-01-31T02:30:00Z")]
pub struct WhyArgs {
    /// NAMESPACE/NAME, or NAME in the namespace `default`
    job: JobPath,
    /// The instant, as in RFC 3339
    #[arg(long)]
    at: Time,
}

pub async fn run(args: WhyArgs, context: Context) -> Result<()> {
    let at = escape(&args.at.to_string());
    let why: Why = context
        .client
        .get(&format!("{}?at={at}", path(paths::JOB_WHY, &args.job)))
        .await?;
    match context.format {
        Format::Table => {}
        // Whose instant it is; what ran at it is named by its runs.
        Format::Name => return output::lines(why.runs.iter().map(|run| run.id.to_string())),
        format => return output::value(format, &why),
    }
    output::lines(&why.answer)?;
    if why.runs.is_empty() {
        return Ok(());
    }
    output::lines([""])?;
    output::list(Format::Table, &why.runs)
}
