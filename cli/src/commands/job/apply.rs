//! `gnomon job apply`: declarative; nothing is written unless all files are right.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use shared::{
    api::{Applied, Apply, ApplyAction, paths},
    job::{
        JobSpec,
        file::{self, FILE_BYTES_MAX, Format},
    },
};

use super::Context;
use crate::{
    error::{CliError, Doing, Result},
    output,
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
    for file in &args.files {
        jobs.extend(read(file)?);
    }
    let applied = apply(&context, jobs, args.dry_run).await?;
    show(&applied, context.format, args.dry_run)
}

/// Sends specs to be made so.
pub async fn apply(context: &Context, jobs: Vec<JobSpec>, dry_run: bool) -> Result<Vec<Applied>> {
    context.client.post(paths::APPLY, &Apply { jobs, dry_run }).await
}

/// Shows what became of each job.
pub fn show(applied: &[Applied], format: output::Format, dry_run: bool) -> Result<()> {
    match format {
        output::Format::Table => {}
        output::Format::Name => return output::lines(applied.iter().map(|a| a.job.to_string())),
        format => return output::value(format, applied),
    }
    let suffix = if dry_run { " (dry run)" } else { "" };
    for one in applied {
        let action = match one.action {
            ApplyAction::Create => "create",
            ApplyAction::Update => "update",
            ApplyAction::Unchanged => "unchanged",
        };
        output::lines([format!("{action} {}{suffix}", one.job)])?;
        if let Some(diff) = &one.diff {
            output::lines(diff.lines().map(coloured))?;
        }
    }
    Ok(())
}

/// A line of a diff, on a terminal in its colour.
pub fn coloured(line: &str) -> String {
    let colour = match line.as_bytes().first() {
        _ if !output::is_coloured() => return format!("  {line}"),
        Some(b'+') => "\x1b[32m",
        Some(b'-') => "\x1b[31m",
        _ => "\x1b[2m",
    };
    format!("  {colour}{line}\x1b[0m")
}

fn read(path: &Path) -> Result<Vec<JobSpec>> {
    let (name, text) = read_file(path, FILE_BYTES_MAX)?;
    file::parse(&text, Format::of_name(&name)).map_err(|e| {
        let at = if e.line > 0 {
            format!("{name}:{}:{}", e.line, e.column)
        } else {
            name
        };
        CliError {
            kind: crate::error::Kind::Usage,
            message: format!("{at}: {}", e.message),
            hint: e.hint,
        }
    })
}

/// What people call a file, `-` being standard input, and its text. Reads no more than is
/// needed to say that it is longer than `most` bytes.
pub fn read_file(path: &Path, most: usize) -> Result<(String, String)> {
    if path.as_os_str() == "-" {
        let text = read_all(std::io::stdin().lock(), most).doing("reading standard input")?;
        return Ok(("standard input".to_owned(), text));
    }
    let name = path.display().to_string();
    let file = std::fs::File::open(path).map_err(|e| CliError::usage(format!("{name}: {e}")))?;
    let text = read_all(file, most).map_err(|e| CliError::usage(format!("{name}: {e}")))?;
    Ok((name, text))
}

fn read_all(from: impl Read, most: usize) -> std::io::Result<String> {
    let mut text = String::new();
    from.take(most as u64 + 1).read_to_string(&mut text)?;
    Ok(text)
}
