//! `gnomon calendar check`: what a calendar covers, worked out here by the same code that
//! agents go by.

use serde::Serialize;
use shared::{api::calendars::CalendarView, calendar::Coverage, id::CalendarName, time::Time};

use super::{Context, path, warn};
use crate::{
    error::{CliError, Result},
    output::{self, Format},
};

const NEXT_MAX: usize = 1000;

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  gnomon calendar check holidays --at 2026-12-25T12:00:00+01:00
  gnomon calendar check business-hours --next 10")]
pub struct CheckArgs {
    /// The calendar's name
    name: CalendarName,
    /// The instant, as in RFC 3339; now if none
    #[arg(long)]
    at: Option<Time>,
    /// Show so many changes after it
    #[arg(long, value_name = "COUNT", num_args = 0..=1, default_value_t = 1, default_missing_value = "10")]
    next: usize,
}

/// From an instant on a calendar covers, or does not.
#[derive(Serialize)]
struct Change {
    at: Time,
    covers: bool,
}

pub async fn run(args: CheckArgs, context: Context) -> Result<()> {
    if args.next > NEXT_MAX {
        return Err(CliError::usage(format!(
            "--next: {} is more than {NEXT_MAX}",
            args.next
        )));
    }
    let found: CalendarView = context.client.get(&path(&args.name)).await?;
    let coverage = Coverage::new(&found.calendar);
    let at = args.at.unwrap_or_else(output::now);
    let first = Change {
        at,
        covers: coverage.covers(at),
    };
    let changes = std::iter::successors(Some(first), |last| {
        let at = coverage.next_change(last.at)?;
        let covers = !last.covers;
        Some(Change { at, covers })
    });
    let changes: Vec<Change> = changes.take(args.next + 1).collect();
    match context.format {
        Format::Json | Format::Yaml => output::value(context.format, &changes)?,
        Format::Table | Format::Name => {
            let zone = found.calendar.timezone;
            let words = |change: &Change| if change.covers { "covers" } else { "does not cover" };
            let lines = changes.iter().enumerate().map(|(i, change)| match i {
                0 => format!("{} {} {}", args.name, words(change), zone.local(change.at)),
                _ => format!("from {}: {}", zone.local(change.at), words(change)),
            });
            let mut lines: Vec<String> = lines.collect();
            if changes.len() <= args.next {
                lines.push("and so it stays".to_owned());
            }
            if let Some(until) = found.calendar.known_until {
                lines.push(format!(
                    "known until {until}: of later times its file may say more"
                ));
            }
            output::lines(lines)?;
        }
    }
    warn(&args.name, &found.calendar);
    Ok(())
}
