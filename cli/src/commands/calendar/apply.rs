//! `gnomon calendar apply`: declarative; nothing is written unless all files are right.

use std::{collections::BTreeSet, fmt::Display, path::PathBuf};

use serde::Serialize;
use shared::{
    Revision,
    api::{ApplyAction, calendars::CalendarView},
    calendar::{self, Named, to_yaml},
    id::CalendarName,
};

use super::{Context, path};
use crate::{
    commands::apply::{Outcome, read, show},
    error::{CliError, Kind, Result},
};

#[derive(clap::Args)]
#[command(after_help = "\
A calendar file (YAML, JSON or TOML; `---` between several calendars, or a list):

  name: holidays
  timezone: Europe/Berlin         # default: UTC
  known_until: 2031-12-31         # nobody has said more yet; you are warned in time
  dates: [2026-12-25, 01-01]      # whole days; 01-01: each year
  ranges:
    - {from: 2026-12-24T14:00, to: 2026-12-27T06:00}     # local times
    - {from: 2027-07-01, to: 2027-07-31}                 # whole days, both included
    - {from: 2026-03-01T00:00:00Z, to: 2026-03-02T12:00:00Z}
  weekly:
    - {days: [sat, sun]}
    - {days: mon-fri, from: 22:00, to: 06:00}            # over midnight

A job keeps out of calendars, or to them:

  calendars: {exclude: [holidays]}        # or {only: [business-hours]}

A due instant that they suppress is recorded as skipped, with the calendar's name.

Examples:
  gnomon calendar apply -f holidays.yaml --dry-run
  gnomon calendar get holidays > holidays.yaml")]
pub struct ApplyArgs {
    /// A calendar file, or `-` for standard input; may be given several times
    #[arg(short, long = "file", required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Only show what would be done
    #[arg(long)]
    dry_run: bool,
}

/// What became of a calendar.
#[derive(Serialize)]
pub struct Applied {
    calendar: CalendarName,
    action: ApplyAction,
    revision: Option<Revision>,
    #[serde(skip_serializing_if = "Option::is_none")]
    diff: Option<String>,
}

impl Outcome for Applied {
    fn name(&self) -> &dyn Display {
        &self.calendar
    }

    fn action(&self) -> ApplyAction {
        self.action
    }

    fn diff(&self) -> Option<&str> {
        self.diff.as_deref()
    }
}

pub async fn run(args: ApplyArgs, context: Context) -> Result<()> {
    let mut all: Vec<Named> = Vec::new();
    for file in &args.files {
        all.extend(read(file, calendar::parse)?);
    }
    let mut seen = BTreeSet::new();
    if let Some(twice) = all.iter().find(|named| !seen.insert(&named.name)) {
        return Err(CliError::usage(format!(
            "two calendars of the name `{}` are given",
            twice.name
        )));
    }
    apply(&context, all, args.dry_run).await
}

/// Makes calendars so, and says what became of each. What is there is looked at first, all
/// of it; what somebody else changes meanwhile is not overwritten.
pub async fn apply(context: &Context, all: Vec<Named>, dry_run: bool) -> Result<()> {
    let mut changes = Vec::new();
    for named in all {
        let found: Option<CalendarView> = match context.client.get(&path(&named.name)).await {
            Ok(found) => Some(found),
            Err(e) if e.kind == Kind::NotFound => None,
            Err(e) => return Err(e),
        };
        changes.push((named, found));
    }
    let mut applied = Vec::new();
    for (named, found) in changes {
        let (action, diff) = match &found {
            Some(found) if found.calendar == named.calendar => (ApplyAction::Unchanged, None),
            Some(found) => (ApplyAction::Update, Some(diff(found, &named))),
            None => (ApplyAction::Create, None),
        };
        let mut revision = found.as_ref().map(|found| found.revision);
        if !dry_run && action != ApplyAction::Unchanged {
            let at = path(&named.name);
            let written: CalendarView = match revision {
                Some(revision) => context.client.put(&at, revision, &named.calendar).await?,
                None => context.client.put_new(&at, &named.calendar).await?,
            };
            revision = Some(written.revision);
        }
        applied.push(Applied {
            calendar: named.name,
            action,
            revision,
            diff,
        });
    }
    show(&applied, context.format, dry_run)
}

fn diff(old: &CalendarView, new: &Named) -> String {
    let old = Named {
        name: old.name.clone(),
        calendar: old.calendar.clone(),
    };
    let (old, new) = (to_yaml(&old), to_yaml(new));
    similar::TextDiff::from_lines(&old, &new)
        .unified_diff()
        .context_radius(3)
        .header("stored", "applied")
        .to_string()
}
