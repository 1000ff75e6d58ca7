//! Recurrence rules against python-dateutil: a table made by `rrule_table.py` beside this
//! file. Each row: the first day, the rule, and the days that dateutil gives.

use shared::{
    calendar::{
        Coverage,
        ical::{Options, import},
    },
    time::Time,
};

const DAY: i64 = 86_400;
/// A row lists so many days at most.
const MOST: usize = 40;

#[test]
fn dateutil_agrees() {
    let at = |text: &str| text.parse::<Time>().unwrap();
    let mut rows = 0;
    for line in include_str!("rrule.tsv").lines().filter(|l| !l.starts_with('#')) {
        let [start, rule, days] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("three columns: {line}");
        };
        let is_full = days.split(' ').count() == MOST;
        // Later ones would make some calendars too large.
        let wanted = days.split(' ').filter(|day| !day.is_empty() && *day < "20340101");
        let wanted: Vec<&str> = wanted.collect();
        let file = format!(
            "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:{start}\nRRULE:{rule}\nEND:VEVENT\nEND:VCALENDAR\n"
        );
        let options = Options {
            timezone: None,
            now: at("2025-01-01T00:00:00Z"),
            from: at("2026-01-01T00:00:00Z"),
            until: at("2034-01-01T00:00:00Z"),
        };
        let found: Vec<String> = match import(file.as_bytes(), &options) {
            Ok(imported) => {
                let coverage = Coverage::new(&imported.calendar);
                let noon = |day: i64| Time::from_secs(options.from.as_secs() + day * DAY + DAY / 2);
                let covered = (0..2922).map(noon).filter(|at| coverage.covers(*at));
                covered.map(|at| at.to_string()[..10].replace('-', "")).collect()
            }
            Err(error) => {
                assert!(
                    error.message.contains("no event of the file is between"),
                    "{rule}: {error}"
                );
                Vec::new()
            }
        };
        let many = if is_full { wanted.len() } else { found.len() };
        assert_eq!(found[..many.min(found.len())], wanted, "{start} {rule}");
        rows += 1;
    }
    assert!(rows >= 50, "the table has {rows} rows");
}
