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

/// What ended longer ago is left out.
const BEFORE: Duration = Duration::from_secs(31 * 86_400);
/// What begins later is left out.
const YEARS_AHEAD: i32 = 5;

#[derive(clap::Args)]
#[command(after_help = "\
Events become days and ranges, and those of the same days of each week for ever weekly
windows. Other rules (RRULE) are carried out up to --until: the calendar then says until when
it is known (known_until); import the file again before that. What is not understood is refused, with its line; what is left out
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
    /// Leave out what begins at this instant or later; this month in five years if none
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
        until: args.until.unwrap_or_else(|| ahead(now)),
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
    if let Some(until) = found.calendar.known_until {
        output::note(format!(
            "known until {until}, as the file goes on: import it again before then"
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

/// The beginning of this month in some years: who imports a file each night changes the
/// calendar, and what its jobs are given, once a month at most.
fn ahead(now: Time) -> Time {
    let text = now.to_string();
    let year: Option<i32> = text.get(..4).and_then(|year| year.parse().ok());
    let month = year.map(|year| format!("{:04}{}-01T00:00:00Z", year + YEARS_AHEAD, &text[4..7]));
    month.and_then(|text| text.parse().ok()).unwrap_or(Time::MAX)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_carried_out_for_five_years_of_months() {
        let ahead = |now: &str| ahead(now.parse().unwrap()).to_string();
        assert_eq!(ahead("2026-11-21T12:00:00Z"), "2031-11-01T00:00:00.000Z");
        assert_eq!(ahead("2024-02-29T23:59:59Z"), "2029-02-01T00:00:00.000Z");
    }
}
