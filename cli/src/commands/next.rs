//! `gnomon next`: the next instants of a cron expression, without a server.

use jiff::fmt::strtime;
use shared::{
    schedule::{Cron, Dialect, Dst, Fault, Lang, Schedule, Zone},
    time::Time,
};

use crate::{
    error::{CliError, Result},
    output::{self, Format},
};

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  gnomon next -- '30 2 * * *'
  gnomon next --timezone Asia/Shanghai --count 3 -- '0 9 * * MON-FRI'
  gnomon next --dialect quartz -o json -- '0 0 12 ? * 6L'")]
pub struct Args {
    /// Whose rules the expression follows
    #[arg(long, default_value = "cron", value_parser = dialect)]
    dialect: Dialect,
    /// Whose local time the expression is in
    #[arg(long, default_value = "UTC")]
    timezone: Zone,
    /// Only instants after this one; now if none
    #[arg(long)]
    from: Option<Time>,
    /// How many instants
    #[arg(long, default_value_t = 10)]
    count: usize,
    /// The expression: five, six or seven fields, or a nickname
    #[arg(value_name = "EXPR", required = true)]
    expression: Vec<String>,
}

fn dialect(text: &str) -> Result<Dialect, String> {
    match text {
        "cron" => Ok(Dialect::Cron),
        "quartz" => Ok(Dialect::Quartz),
        _ => Err("it is one of cron, quartz".into()),
    }
}

const COUNT_MAX: usize = 100_000;

pub fn run(args: Args, format: Format) -> Result<()> {
    if args.count > COUNT_MAX {
        return Err(CliError::usage(format!(
            "--count: {} is more than {COUNT_MAX}",
            args.count
        )));
    }
    let expression = args.expression.join(" ");
    let refused = |e: shared::schedule::ScheduleError| CliError::usage(e);
    // The syntax alone first: it tells what is wrong more precisely.
    Cron::parse(&expression, args.dialect, 0).map_err(refused)?;
    let schedule = match Schedule::cron(&expression, args.dialect, args.timezone, Dst::Tick, 0) {
        Ok(schedule) => schedule,
        Err(e) if e.fault == Fault::Over => return show(&[], args.timezone, format),
        Err(e) => return Err(refused(e)),
    };
    let from = args.from.unwrap_or_else(output::now);
    let instants: Vec<Time> = schedule.between(from, Time::MAX).take(args.count).collect();
    if format == Format::Table {
        output::note(schedule.describe(Lang::En));
    }
    show(&instants, args.timezone, format)
}

fn show(instants: &[Time], zone: Zone, format: Format) -> Result<()> {
    let instants: Vec<String> = instants.iter().map(|t| local(*t, zone)).collect();
    match format {
        Format::Json | Format::Yaml => output::value(format, &instants),
        Format::Table | Format::Name => output::lines(instants),
    }
}

/// RFC 3339 with the zone's offset.
fn local(t: Time, zone: Zone) -> String {
    let zoned = t.timestamp().to_zoned(zone.time_zone().clone());
    strtime::format("%Y-%m-%dT%H:%M:%S%:z", &zoned).unwrap_or_else(|_| t.to_string())
}
