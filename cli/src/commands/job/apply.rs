//! `gnomon job apply`: declarative; nothing is written unless all files are right.

use std::{fmt::Display, path::PathBuf};

use shared::{
    api::{Applied, Apply, ApplyAction, paths},
    job::{JobSpec, file},
};

use super::Context;
use crate::{
    commands::apply::{Outcome, read, show},
    error::Result,
};

#[derive(clap::Args)]
#[command(after_help = "\
A job file (YAML, JSON or TOML; `---` between several jobs, or a list):

  name: backup-db
  namespace: ops                  # default: default
  run:
    shell: pg_dump app | zstd > /backup/app.zst   # or exec: [...], or http: {url: ...}
    user: postgres
    timeout: 30m
  schedule: \"30 2 * * *\"          # or triggers: [{cron: ..., timezone: ...}, {every: 10m}, {at: ...}]
  calendars: {exclude: [holidays]}   # or {only: [...]}; see `gnomon calendar apply --help`
  target:
    place: one                    # every | one | 3 | {shards: 8}
    labels: role=db,!canary
  overlap: {policy: skip}         # skip | queue | replace | allow
  misfire: {run: once, within: 1h}
  retry: {attempts: 3, backoff: 10s}

Examples:
  gnomon job apply -f backup.yaml --dry-run
  cat jobs/*.yaml | gnomon job apply -f -")]
pub struct ApplyArgs {
    /// A job file, or `-` for standard input; may be given several times
    #[arg(short, long = "file", required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Only show what would be done
    #[arg(long)]
    dry_run: bool,
}

pub async fn run(args: ApplyArgs, context: Context) -> Result<()> {
    let mut jobs = Vec::new();
    for path in &args.files {
        jobs.extend(read(path, file::parse)?);
    }
    let applied = apply(&context, jobs, args.dry_run).await?;
    show(&applied, context.format, args.dry_run)
}

/// Sends specs to be made so.
pub async fn apply(context: &Context, jobs: Vec<JobSpec>, dry_run: bool) -> Result<Vec<Applied>> {
    context.client.post(paths::APPLY, &Apply { jobs, dry_run }).await
}

impl Outcome for Applied {
    fn name(&self) -> &dyn Display {
        &self.job
    }

    fn action(&self) -> ApplyAction {
        self.action
    }

    fn diff(&self) -> Option<&str> {
        self.diff.as_deref()
    }
}
