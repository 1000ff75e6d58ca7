//! `gnomon calendar import`: a calendar of an iCalendar file.

use std::{path::PathBuf, time::Duration};

use shared::{
    calendar::{
        Named,
        ical::{self, FILE_BYTES_MAX, Options, ZoneFrom},
        to_yaml,
    },
    id::CalendarName,
    schedule::Zone,
    time::Time,
};

use super::{Context, apply::apply};
use crate::{
    commands::apply::read_bytes,
    error::{CliError, Kind, Result},
    output::{self, Format},
};

/// What ended longer ago is left out, and what begins later.
const BEFORE: Duration = Duration::from_secs(31 * 86_400);
const AHEAD: Duration = Duration::from_secs(5 * 366 * 86_400);

#[derive(clap::Args)]
#[command(after_help = "\
Events become days and ranges; rules (RRULE) are carried out up to --until, so import the
file again before then. What is not understood is refused, with its line; what is left out
(cancelled events, events of other times) is listed. Events count whatever their TRANSP says.

Examples:
  gnomon calendar import holidays berlin.ics --timezone Europe/Berlin --dry-run
  curl -s https://calendars.example/de.ics | gnomon calendar import holidays -")]
pub struct ImportArgs {
    /// What the calendar is to be called
    name: CalendarName,
    /// An iCalendar file, or `-` for standard input
    file: PathBuf,
    /// Whose days and times events without a zone are in; what the file says if none, else UTC
    #[arg(long)]
    timezone: Option<Zone>,
    /// Leave out what ended before this instant; 31 days ago if none
    #[arg(long)]
    from: Option<Time>,
    /// Leave out what begins at this instant or later; in five years if none
    #[arg(long)]
    until: Option<Time>,
    /// Only show the calendar that would be made
    #[arg(long)]
    dry_run: bool,
}

pub async fn run(args: ImportArgs, context: Context) -> Result<()> {
    let (file, bytes) = read_bytes(&args.file, FILE_BYTES_MAX)?;
    let now = output::now();
    let options = Options {
        timezone: args.timezone,
        now,
        from: args.from.unwrap_or(now - BEFORE),
        until: args.until.unwrap_or(now + AHEAD),
    };
    if options.from >= options.until {
        return Err(CliError::usage("--until: it is not after --from"));
    }
    let found = ical::import(&bytes, &options).map_err(|e| {
        let at = if e.line > 0 {
            format!("{file}:{}", e.line)
        } else {
            file.clone()
        };
        CliError::new(Kind::Usage, format!("{at}: {}", e.message))
    })?;
    if let Some(why) = why(found.zone_from) {
        output::note(format!(
            "whole days, and times without a zone, are those of {}, {why}; --timezone ZONE takes another",
            found.calendar.timezone
        ));
    }
    for note in &found.notes {
        output::note(format!("line {} not taken: {}", note.line, note.text));
    }
    if found.goes_on {
        output::note(format!(
            "rules are carried out up to {}: import the file again before then",
            output::time(options.until)
        ));
    }
    let named = Named {
        name: args.name,
        calendar: found.calendar,
    };
    match (args.dry_run, context.format) {
        (false, _) => apply(&context, vec![named], false).await,
        (true, Format::Name) => output::lines([named.name.to_string()]),
        (true, Format::Json) => output::value(Format::Json, &named),
        (true, Format::Table | Format::Yaml) => output::lines([to_yaml(&named).trim_end()]),
    }
}

/// Why the calendar is of its zone, unless that was asked for.
fn why(from: ZoneFrom) -> Option<&'static str> {
    match from {
        ZoneFrom::Options => None,
        ZoneFrom::File => Some("as the file says (X-WR-TIMEZONE)"),
        ZoneFrom::Only => Some("the only zone that the file names"),
        ZoneFrom::Nowhere => Some("as the file names no zone, or several"),
    }
}
