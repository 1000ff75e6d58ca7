//! `gnomon job apply`: declarative; nothing is written unless all files are right.

use std::{collections::BTreeMap, fmt::Display, path::PathBuf};

use shared::{
    api::{Applied, Apply, ApplyAction, paths},
    file::{At, Place, Placed},
    id::JobPath,
    job::{JobSpec, file},
};

use super::Context;
use crate::{
    commands::apply::{Outcome, name_of, read, show},
    error::{CliError, Result},
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

/// A job to be made so, and where it is written.
pub struct Given {
    pub spec: JobSpec,
    pub file: String,
    pub place: Place,
}

impl Given {
    /// Where a field stands, as in `jobs.yaml:3:1`.
    fn at(&self, field: &str) -> String {
        let At { line, column } = self.place.of(field);
        match (line, column) {
            (0, _) => self.file.clone(),
            (line, 0) => format!("{}:{line}", self.file),
            (line, column) => format!("{}:{line}:{column}", self.file),
        }
    }
}

pub async fn run(args: ApplyArgs, context: Context) -> Result<()> {
    let mut jobs = Vec::new();
    for path in &args.files {
        let given = |Placed { one, place }| Given {
            spec: one,
            file: name_of(path),
            place,
        };
        jobs.extend(read(path, file::parse_placed)?.into_iter().map(given));
    }
    let applied = apply(&context, jobs, args.dry_run).await?;
    show(&applied, context.format, args.dry_run)
}

/// Sends specs to be made so. What the server finds wrong is told with its place.
pub async fn apply(context: &Context, given: Vec<Given>, dry_run: bool) -> Result<Vec<Applied>> {
    check_distinct(&given)?;
    let jobs = given.iter().map(|job| job.spec.clone()).collect();
    let sent = context.client.post(paths::APPLY, &Apply { jobs, dry_run }).await;
    sent.map_err(|e| placed(e, &given))
}

/// Refuses two jobs of one name, telling where both are.
pub fn check_distinct(given: &[Given]) -> Result<()> {
    let mut seen: BTreeMap<JobPath, &Given> = BTreeMap::new();
    for job in given {
        let path = job.spec.path();
        if let Some(first) = seen.get(&path) {
            let (here, there) = (job.at("name"), first.at("name"));
            return Err(
                CliError::usage(format!("{here}: `{path}` is the name of the job in {there}, too"))
                    .hint("rename one or give it another namespace"),
            );
        }
        seen.insert(path, job);
    }
    Ok(())
}

/// With the place of the field that the error is about (`jobs[3].calendars.only`).
fn placed(e: CliError, given: &[Given]) -> CliError {
    let found = e.field.as_deref().and_then(|field| {
        let (index, rest) = field.strip_prefix("jobs[")?.split_once(']')?;
        let job = given.get(index.parse::<usize>().ok()?)?;
        Some(job.at(rest.trim_start_matches('.')))
    });
    match found {
        Some(at) => CliError {
            message: format!("{at}: {}", e.message),
            field: None,
            ..e
        },
        None => e,
    }
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

#[cfg(test)]
mod tests {
    use shared::job::file::Format;

    use super::*;

    fn given(file: &str, text: &str) -> Vec<Given> {
        let jobs = file::parse_placed(text, Format::Yaml).unwrap().into_iter();
        let given = |Placed { one, place }| Given {
            spec: one,
            file: file.into(),
            place,
        };
        jobs.map(given).collect()
    }

    #[test]
    fn what_the_server_finds_wrong_has_its_place() {
        let mut all = given("x1", "name: a\nrun: {shell: x}\n");
        all.extend(given(
            "x2",
            "name: a\nrun: {shell: x}\n---\nrun: {shell: x}\nname: b\n",
        ));
        let about = |field: &str| {
            let e = CliError {
                field: Some(field.into()),
                ..CliError::usage("wrong")
            };
            let e = placed(e, &all);
            format!("{} {:?}", e.message, e.field)
        };
        assert_eq!(about("jobs[2].name"), "x2:5:1: wrong None");
        assert_eq!(about("jobs[2]"), "x2:4:1: wrong None");
        assert_eq!(about("jobs[1].calendars.only"), "x2:1:1: wrong None");
        assert_eq!(about("jobs[9]"), "wrong Some(\"jobs[9]\")");
        assert_eq!(about("jobs"), "wrong Some(\"jobs\")");
        let twice = check_distinct(&all).unwrap_err();
        assert_eq!(
            twice.message,
            "x2:1:1: `default/a` is the name of the job in x1:1:1, too"
        );
    }
}
