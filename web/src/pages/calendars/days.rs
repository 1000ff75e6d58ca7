//! What a calendar covers of the coming days. Pure.

use jiff::civil::Date;
use shared::{
    calendar::{Calendar, Coverage},
    schedule::Zone,
    time::Time,
};

/// How much of a day is covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Covered {
    Not,
    Part,
    Whole,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    pub date: Date,
    pub covered: Covered,
}

/// A day with more changes than this is called covered in part, whatever they add up to.
const CHANGES_MAX: usize = 100;

/// Whole weeks of the calendar's own zone, from the Monday on or before now.
pub fn weeks(calendar: &Calendar, now: Time, count: usize) -> Vec<[Day; 7]> {
    let zone = calendar.timezone;
    let coverage = Coverage::new(calendar);
    let mut date = zone.clock(now).date();
    for _ in 0..date.weekday().to_monday_zero_offset() {
        date = date.yesterday().unwrap_or(date);
    }
    let mut next = |_: usize| {
        let day = Day {
            date,
            covered: covered(&coverage, date, zone),
        };
        date = date.tomorrow().unwrap_or(date);
        day
    };
    (0..count).map(|_| std::array::from_fn(&mut next)).collect()
}

fn covered(coverage: &Coverage, date: Date, zone: Zone) -> Covered {
    let start = |date: Date| zone.instant(date.at(0, 0, 0, 0));
    let (from, to) = (start(date), start(date.tomorrow().unwrap_or(date)));
    let (mut at, mut some, mut all) = (from, false, true);
    for _ in 0..CHANGES_MAX {
        let stretch = coverage.stretch(at);
        some |= stretch.covered;
        all &= stretch.covered;
        if stretch.until >= to || stretch.until <= at {
            return match (some, all) {
                (_, true) => Covered::Whole,
                (true, false) => Covered::Part,
                (false, false) => Covered::Not,
            };
        }
        at = stretch.until;
    }
    Covered::Part
}

#[cfg(test)]
mod tests {
    use shared::{calendar::parse, file::Format};

    use super::*;

    #[test]
    fn days_are_those_of_the_calendars_zone() {
        let text = "name: c\ntimezone: Europe/Berlin\ndates: [2026-11-25]\nweekly: [{days: sat, from: \"12:00\", to: \"13:00\"}]";
        let calendar = parse(text, Format::Yaml).unwrap().remove(0).calendar;
        // In Berlin it is Monday already.
        let weeks = weeks(&calendar, "2026-11-22T23:30:00Z".parse().unwrap(), 2);
        assert_eq!(weeks[0][0].date.to_string(), "2026-11-23");
        let covered = weeks[0].map(|day| day.covered);
        use Covered::{Not, Part, Whole};
        assert_eq!(covered, [Not, Not, Whole, Not, Not, Part, Not]);
        assert_eq!(
            weeks[1].map(|day| day.covered),
            [Not, Not, Not, Not, Not, Part, Not]
        );
    }
}
