//! `gnomon next`: the next instants of a cron expression, without a server, in its zone and
//! another, with changes of their clocks marked.

use shared::{
    api::{JobView, paths},
    id::JobPath,
    schedule::{Dialect, Dst, Lang, Listing, Schedule, Zone, preview},
    time::Time,
};

use super::job::path;
use crate::{
    client::{Client, Server},
    error::{CliError, Result},
    output::{self, Format},
};

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  gnomon next -- '30 2 * * *'
  gnomon next --timezone Asia/Shanghai --count 3 -- '0 9 * * MON-FRI'
  gnomon next --timezone Europe/Berlin --also Asia/Tokyo --from 2027-03-26T00:00:00Z -- '30 2 * * *'
  gnomon next --dialect quartz -o json -- '0 0 12 ? * 6L'")]
pub struct Args {
    /// Whose rules the expression follows
    #[arg(long, default_value = "cron", value_parser = dialect)]
    dialect: Dialect,
    /// Whose local time the expression is in
    #[arg(long, default_value = "UTC")]
    timezone: Zone,
    /// Show local times in this zone too
    #[arg(long, value_name = "TIMEZONE")]
    also: Option<Zone>,
    /// Only instants after this one; now if none
    #[arg(long)]
    from: Option<Time>,
    /// How many instants
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    count: u64,
    /// What becomes of local times that the clocks jump over: `tick` (they fire after the
    /// jump) or `skip`
    #[arg(long, default_value = "tick", value_parser = dst)]
    dst: Dst,
    /// Let `H` stand for what it stands for in this job; asks the server
    #[arg(long)]
    job: Option<JobPath>,
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

fn dst(text: &str) -> Result<Dst, String> {
    match text {
        "tick" => Ok(Dst::Tick),
        "skip" => Ok(Dst::Skip),
        _ => Err("it is one of tick, skip".into()),
    }
}

pub async fn run(args: Args, server: Server, format: Format) -> Result<()> {
    let expression = args.expression.join(" ");
    let seed = match &args.job {
        Some(job) => {
            let view: JobView = Client::new(&server)?.get(&path(paths::JOB, job)).await?;
            view.id.seed()
        }
        None => 0,
    };
    let refused = |e: shared::schedule::ScheduleError| CliError::usage(e);
    let schedule =
        Schedule::cron(&expression, args.dialect, args.timezone, args.dst, seed).map_err(refused)?;
    let from = args.from.unwrap_or_else(output::now);
    if args.job.is_none() && has_hash(&expression) {
        output::note("H stands for other values in each job; --job NAME shows those of that job");
    }
    let preview = preview(&schedule, from, args.count as usize, args.also, Lang::En);
    if format == Format::Table {
        output::note(&preview.description);
    }
    let instants = preview.listing.rows.iter().map(|row| &row.local);
    match format {
        Format::Json | Format::Yaml => output::value(format, &instants.collect::<Vec<_>>()),
        Format::Table => output::lines(table(&preview.listing)),
        Format::Name => output::lines(instants),
    }
}

/// Whether `H` stands in it, and not as a part of a name such as THU.
fn has_hash(expression: &str) -> bool {
    expression
        .split(|c: char| !c.is_ascii_alphabetic())
        .any(|word| word.eq_ignore_ascii_case("h"))
}

/// A line for each instant and for each change of a clock between them.
fn table(listing: &Listing) -> Vec<String> {
    // Local times are all equally long: only a zone's name may be longer.
    let width = |zone: Zone| zone.name().len().max(25);
    let line = |local: &str, also: &str, mark: &str| {
        let also_width = listing.also.map_or(0, |zone| width(zone) + 2);
        let text = format!("{local:0$}  {also:also_width$}{mark}", width(listing.zone));
        text.trim_end().to_owned()
    };
    let mut lines = Vec::new();
    if let Some(also) = listing.also {
        lines.push(line(listing.zone.name(), also.name(), ""));
    }
    let mut changes = listing.changes.iter().peekable();
    for (i, row) in listing.rows.iter().enumerate() {
        while let Some(change) = changes.next_if(|change| change.row as usize <= i) {
            lines.push(format!("-- {}: {}", change.zone, change.words));
        }
        let mark = row.mark.as_ref().map_or("", |mark| &mark.words);
        lines.push(line(&row.local, row.also.as_deref().unwrap_or(""), mark));
    }
    lines
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(timezone: &str, also: Option<&str>, from: &str, expr: &str, expect: Expect) {
        let zone = timezone.parse().unwrap();
        let schedule = Schedule::cron(expr, Dialect::Cron, zone, Dst::Tick, 0).unwrap();
        let also = also.map(|zone| zone.parse().unwrap());
        let preview = preview(&schedule, from.parse().unwrap(), 3, also, Lang::En);
        expect.assert_eq(&(table(&preview.listing).join("\n") + "\n"));
    }

    #[test]
    fn a_change_of_either_clock_stands_between_the_rows() {
        check(
            "Europe/Berlin",
            Some("America/Argentina/ComodRivadavia"),
            "2027-03-26T12:00:00Z",
            "30 2 * * *",
            expect![[r#"
                Europe/Berlin              America/Argentina/ComodRivadavia
                2027-03-27T02:30:00+01:00  2027-03-26T22:30:00-03:00
                -- Europe/Berlin: clocks go forward 1 h at 2027-03-28 02:00
                2027-03-28T03:00:00+02:00  2027-03-27T22:00:00-03:00         stands for 02:30, which the clocks jump over
                2027-03-29T02:30:00+02:00  2027-03-28T21:30:00-03:00
            "#]],
        );
        check(
            "Asia/Shanghai",
            Some("Europe/Berlin"),
            "2027-10-29T12:00:00Z",
            "30 9 * * *",
            expect![[r#"
                Asia/Shanghai              Europe/Berlin
                2027-10-30T09:30:00+08:00  2027-10-30T03:30:00+02:00
                -- Europe/Berlin: clocks go back 1 h at 2027-10-31 03:00
                2027-10-31T09:30:00+08:00  2027-10-31T02:30:00+01:00
                2027-11-01T09:30:00+08:00  2027-11-01T02:30:00+01:00
            "#]],
        );
    }

    #[test]
    fn hashes_are_told_from_names() {
        for expression in ["H * * * *", "0 H(0-7) * * *", "*/5 h/2 * * *", "0,H * * * *"] {
            assert!(has_hash(expression), "{expression}");
        }
        for expression in ["0 0 * MARCH THU", "@hourly", "0 0 * * *"] {
            assert!(!has_hash(expression), "{expression}");
        }
    }

    #[test]
    fn one_zone_needs_no_head() {
        check(
            "Europe/Berlin",
            None,
            "2027-10-30T12:00:00Z",
            "30 2 * * *",
            expect![[r#"
                2027-10-31T02:30:00+02:00  02:30 comes twice, this is the first
                -- Europe/Berlin: clocks go back 1 h at 2027-10-31 03:00
                2027-11-01T02:30:00+01:00
                2027-11-02T02:30:00+01:00
            "#]],
        );
        check(
            "UTC",
            None,
            "2027-10-30T12:00:00Z",
            "30 2 * * *",
            expect![[r#"
            2027-10-31T02:30:00+00:00
            2027-11-01T02:30:00+00:00
            2027-11-02T02:30:00+00:00
        "#]],
        );
    }
}
