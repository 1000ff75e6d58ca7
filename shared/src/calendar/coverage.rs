//! Whether a calendar covers an instant, by binary search in what was laid out once.

use super::{Calendar, Day, Weekly};
use crate::{
    schedule::{
        Zone,
        civil::{DAY, DAY_END, Date, date_of, day_of, days_in_month, weekday_of},
    },
    time::Time,
};

const WEEK: i64 = 7 * DAY;
/// How many stretches are looked at for the next change: more than 200 years of days.
const STRETCHES_MAX: usize = 200_000;

/// A calendar made ready to be asked. Lists are sorted, and nothing in them touches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    zone: Zone,
    /// Days of every year.
    yearly: Box<[(u8, u8)]>,
    /// Of local time, in seconds.
    local: Box<[(i64, i64)]>,
    /// In milliseconds.
    instants: Box<[(i64, i64)]>,
    /// Of the local week, in seconds from Thursday, as 1970 began with one.
    weekly: Box<[(i64, i64)]>,
}

/// A stretch of time that is covered, or is not, from end to end. The time next to it may
/// be the same: it need not be the longest one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    pub covered: bool,
    pub from: Time,
    /// The first instant after it.
    pub until: Time,
}

impl Coverage {
    pub fn new(calendar: &Calendar) -> Coverage {
        let yearly = calendar.dates.iter().filter_map(|day| match day {
            Day::Yearly { month, day } => Some((*month, *day)),
            Day::Date(_) => None,
        });
        let dates = calendar.dates.iter().filter_map(|day| match day {
            Day::Date(day) => Some((i64::from(*day) * DAY, (i64::from(*day) + 1) * DAY)),
            Day::Yearly { .. } => None,
        });
        let ranges = calendar.ranges.iter();
        let instants = ranges.clone().filter_map(|range| range.instants());
        let instants = instants.map(|(from, to)| (from.as_millis(), to.as_millis()));
        Coverage {
            zone: calendar.timezone,
            // A set's order is that of month and day.
            yearly: yearly.collect(),
            local: joined(dates.chain(ranges.filter_map(|range| range.local()))),
            instants: joined(instants),
            weekly: joined(calendar.weekly.iter().flat_map(week)),
        }
    }

    /// Whether it covers an instant.
    pub fn covers(&self, at: Time) -> bool {
        self.stretch(at).covered
    }

    /// Whether it covers an instant, and around it for how long at least.
    pub fn stretch(&self, at: Time) -> Stretch {
        let millis = Span::around(&self.instants, at.as_millis());
        if millis.covered || !self.has_local() {
            return Stretch {
                covered: millis.covered,
                from: Time::from_millis(millis.from),
                until: Time::from_millis(millis.until),
            };
        }
        let stretches = self.zone.stretches();
        let index = stretches.at(at.as_secs());
        let offset = stretches.get(index).map_or(0, |s| s.offset);
        let start = stretches.get(index).map_or(i64::MIN, |s| s.start);
        let end = stretches.get(index + 1).map_or(i64::MAX, |s| s.start);
        let local = self.around_local(at.as_secs().saturating_add(offset));
        let from = Time::from_secs(local.from.saturating_sub(offset).max(start));
        let until = Time::from_secs(local.until.saturating_sub(offset).min(end));
        match local.covered {
            true => Stretch {
                covered: true,
                from,
                until,
            },
            false => Stretch {
                covered: false,
                from: from.max(Time::from_millis(millis.from)),
                until: until.min(Time::from_millis(millis.until)),
            },
        }
    }

    /// The first instant after `at` from which on it is the other way round; `None` if that
    /// never comes.
    pub fn next_change(&self, at: Time) -> Option<Time> {
        let first = self.stretch(at);
        let mut until = first.until;
        for _ in 0..STRETCHES_MAX {
            if until.as_secs() >= i64::from(DAY_END) * DAY {
                return None;
            }
            let next = self.stretch(until);
            if next.covered != first.covered {
                return Some(until);
            }
            until = next.until;
        }
        None
    }

    fn has_local(&self) -> bool {
        !(self.yearly.is_empty() && self.local.is_empty() && self.weekly.is_empty())
    }

    /// In local seconds.
    fn around_local(&self, second: i64) -> Span {
        let once = Span::around(&self.local, second);
        if once.covered {
            return once;
        }
        let weekly = self.around_week(second);
        if weekly.covered {
            return weekly;
        }
        let yearly = self.around_year(second);
        if yearly.covered {
            return yearly;
        }
        Span {
            covered: false,
            from: once.from.max(weekly.from).max(yearly.from),
            until: once.until.min(weekly.until).min(yearly.until),
        }
    }

    fn around_week(&self, second: i64) -> Span {
        let (Some(first), Some(last)) = (self.weekly.first(), self.weekly.last()) else {
            return Span::EVER;
        };
        let of_week = second.rem_euclid(WEEK);
        let found = Span::around(&self.weekly, of_week);
        let from = if found.from == i64::MIN {
            last.1 - WEEK
        } else {
            found.from
        };
        let until = if found.until == i64::MAX {
            first.0 + WEEK
        } else {
            found.until
        };
        let week = second - of_week;
        Span {
            covered: found.covered,
            from: week.saturating_add(from),
            until: week.saturating_add(until),
        }
    }

    fn around_year(&self, second: i64) -> Span {
        if self.yearly.is_empty() {
            return Span::EVER;
        }
        let day = second.div_euclid(DAY);
        if day < 0 || day >= i64::from(DAY_END) {
            return match day < 0 {
                true => Span::gap(i64::MIN, 0),
                false => Span::gap(i64::from(DAY_END) * DAY, i64::MAX),
            };
        }
        let Date {
            year,
            month,
            day: date,
        } = date_of(day as u32);
        if self.yearly.binary_search(&(month, date)).is_ok() {
            return Span {
                covered: true,
                from: day * DAY,
                until: (day + 1) * DAY,
            };
        }
        let is_in_year = |(month, day): &&(u8, u8)| u32::from(*day) <= days_in_month(year, *month);
        let following = self.yearly.partition_point(|other| *other < (month, date));
        let earlier = self.yearly[..following].iter().rev().find(is_in_year);
        let later = self.yearly[following..].iter().find(is_in_year);
        let from = earlier.map_or(day_of(year, 1, 1), |(m, d)| day_of(year, *m, *d) + 1);
        let until = later.map_or(day_of(year + 1, 1, 1), |(m, d)| day_of(year, *m, *d));
        Span::gap(i64::from(from) * DAY, i64::from(until) * DAY)
    }
}

/// A stretch in numbers.
#[derive(Clone, Copy, Debug)]
struct Span {
    covered: bool,
    from: i64,
    until: i64,
}

impl Span {
    /// Nothing is ever covered.
    const EVER: Span = Span::gap(i64::MIN, i64::MAX);

    const fn gap(from: i64, until: i64) -> Span {
        Span {
            covered: false,
            from,
            until,
        }
    }

    /// Where a number lies among sorted spans that do not touch.
    fn around(spans: &[(i64, i64)], at: i64) -> Span {
        let following = spans.partition_point(|(from, _)| *from <= at);
        let until = spans.get(following).map_or(i64::MAX, |(from, _)| *from);
        match following.checked_sub(1).map(|i| spans[i]) {
            Some((from, until)) if at < until => Span {
                covered: true,
                from,
                until,
            },
            Some((_, end)) => Span::gap(end, until),
            None => Span::gap(i64::MIN, until),
        }
    }
}

/// A window's spans within the week: cut where the week ends.
fn week(weekly: &Weekly) -> Vec<(i64, i64)> {
    let (from, to) = (i64::from(weekly.from), i64::from(weekly.to));
    let length = if to > from { to - from } else { to + DAY - from };
    let mut spans = Vec::new();
    for day in 0..7u32 {
        if !weekly.days.contains(weekday_of(day)) {
            continue;
        }
        let start = i64::from(day) * DAY + from;
        let end = start + length;
        spans.push((start, end.min(WEEK)));
        if end > WEEK {
            spans.push((0, end - WEEK));
        }
    }
    spans
}

/// Sorted, with what overlaps or touches made one.
fn joined(spans: impl Iterator<Item = (i64, i64)>) -> Box<[(i64, i64)]> {
    let mut all: Vec<(i64, i64)> = spans.collect();
    all.sort_unstable();
    let mut out: Vec<(i64, i64)> = Vec::with_capacity(all.len());
    for (from, to) in all {
        match out.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => out.push((from, to)),
        }
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use expect_test::{Expect, expect};
    use jiff::civil::Weekday;
    use proptest::prelude::*;

    use super::*;
    use crate::calendar::{self, Moment};

    fn calendar(yaml: &str) -> Calendar {
        let all = calendar::parse(&format!("name: a\n{yaml}"), crate::file::Format::Yaml).unwrap();
        all.into_iter().next().unwrap().calendar
    }

    /// When it changes, from an instant on, in local time with the offset.
    fn changes(yaml: &str, from: &str, until: &str, expected: Expect) {
        let calendar = calendar(yaml);
        let coverage = Coverage::new(&calendar);
        let (mut at, until): (Time, Time) = (from.parse().unwrap(), until.parse().unwrap());
        let mut shown = format!("{}\n", if coverage.covers(at) { "covered" } else { "open" });
        while let Some(next) = coverage.next_change(at).filter(|next| *next <= until) {
            let (local, offset) = (calendar.timezone.clock(next), calendar.timezone.from_utc(next));
            let word = if coverage.covers(next) { "covered" } else { "open" };
            shown += &format!("{} {offset} {word}\n", local.strftime("%a %F %T"));
            at = next;
        }
        expected.assert_eq(&shown);
    }

    #[test]
    fn nights_over_a_change_of_the_clock() {
        changes(
            "timezone: Europe/Berlin\nweekly: [{days: [fri, sat, sun], from: 22:00, to: 02:30}]",
            "2026-10-23T12:00:00Z",
            "2026-10-27T00:00:00Z",
            expect![[r#"
                open
                Fri 2026-10-23 22:00:00 +02:00 covered
                Sat 2026-10-24 02:30:00 +02:00 open
                Sat 2026-10-24 22:00:00 +02:00 covered
                Sun 2026-10-25 02:30:00 +02:00 open
                Sun 2026-10-25 02:00:00 +01:00 covered
                Sun 2026-10-25 02:30:00 +01:00 open
                Sun 2026-10-25 22:00:00 +01:00 covered
                Mon 2026-10-26 02:30:00 +01:00 open
            "#]],
        );
        changes(
            "timezone: Europe/Berlin\nweekly: [{from: 02:15, to: 02:45}]",
            "2026-03-28T00:00:00Z",
            "2026-03-30T12:00:00Z",
            expect![[r#"
                open
                Sat 2026-03-28 02:15:00 +01:00 covered
                Sat 2026-03-28 02:45:00 +01:00 open
                Mon 2026-03-30 02:15:00 +02:00 covered
                Mon 2026-03-30 02:45:00 +02:00 open
            "#]],
        );
    }

    #[test]
    fn days_have_the_hours_that_they_have() {
        changes(
            "timezone: America/New_York\ndates: [2026-03-08, 2026-11-01]",
            "2026-01-01T00:00:00Z",
            "2027-01-01T00:00:00Z",
            expect![[r#"
                open
                Sun 2026-03-08 00:00:00 -05:00 covered
                Mon 2026-03-09 00:00:00 -04:00 open
                Sun 2026-11-01 00:00:00 -04:00 covered
                Mon 2026-11-02 00:00:00 -05:00 open
            "#]],
        );
        // Midnight does not exist there on that day.
        changes(
            "timezone: Africa/Cairo\ndates: [2026-04-24]",
            "2026-04-01T00:00:00Z",
            "2026-05-01T00:00:00Z",
            expect![[r#"
                open
                Fri 2026-04-24 01:00:00 +03:00 covered
                Sat 2026-04-25 00:00:00 +03:00 open
            "#]],
        );
        // A whole day does not.
        changes(
            "timezone: Pacific/Apia\ndates: [2011-12-30, 2011-12-31]",
            "2011-12-01T00:00:00Z",
            "2012-02-01T00:00:00Z",
            expect![[r#"
                open
                Sat 2011-12-31 00:00:00 +14:00 covered
                Sun 2012-01-01 00:00:00 +14:00 open
            "#]],
        );
    }

    #[test]
    fn days_of_each_year() {
        changes(
            "dates: [02-29, 12-31, 01-01]",
            "2027-12-01T00:00:00Z",
            "2029-04-01T00:00:00Z",
            expect![[r#"
                open
                Fri 2027-12-31 00:00:00 +00:00 covered
                Sun 2028-01-02 00:00:00 +00:00 open
                Tue 2028-02-29 00:00:00 +00:00 covered
                Wed 2028-03-01 00:00:00 +00:00 open
                Sun 2028-12-31 00:00:00 +00:00 covered
                Tue 2029-01-02 00:00:00 +00:00 open
            "#]],
        );
    }

    #[test]
    fn what_touches_is_one() {
        changes(
            "dates: [2026-12-25]\nranges: [{from: 2026-12-26, to: 2026-12-27T12:00}, {from: 2026-12-27T12:00:00Z, to: 2026-12-27T13:00:00Z}]\nweekly: [{days: thu, from: 18:00}]",
            "2026-12-24T12:00:00Z",
            "2026-12-31T00:00:00Z",
            expect![[r#"
                open
                Thu 2026-12-24 18:00:00 +00:00 covered
                Sun 2026-12-27 13:00:00 +00:00 open
            "#]],
        );
        let always = Coverage::new(&calendar("weekly: [{}]"));
        assert_eq!(always.next_change(Time::EPOCH), None);
        assert!(always.covers(Time::from_secs(-5)) && always.covers(Time::MAX));
        let never_again = Coverage::new(&calendar("dates: [2026-12-25]"));
        assert_eq!(
            never_again.next_change("2026-12-26T00:00:00Z".parse().unwrap()),
            None
        );
    }

    /// What the rules say, read anew for one instant.
    fn brute(calendar: &Calendar, at: Time) -> bool {
        let local = calendar.timezone.clock(at);
        let (year, month, day) = (local.year(), local.month() as u8, local.day() as u8);
        let shown = format!("{year:04}-{month:02}-{day:02}");
        let second = local.hour() as i64 * 3600 + local.minute() as i64 * 60 + local.second() as i64;
        let weekday = |w: Weekday| w.to_sunday_zero_offset() as u32;
        let (today, yesterday) = (weekday(local.weekday()), weekday(local.weekday().previous()));
        let dates = calendar.dates.iter().any(|d| match d {
            Day::Yearly { month: m, day: d } => (*m, *d) == (month, day),
            Day::Date(_) => d.to_string() == shown,
        });
        let now = format!("{shown}T{}", local.strftime("%T"));
        let ranges = calendar.ranges.iter().any(|range| match (range.from, range.to) {
            (Moment::Instant(from), Moment::Instant(to)) => from <= at && at < to,
            (from, to) => {
                // As texts, which sort as the times that they show.
                let long = |m: Moment| match m.to_string() {
                    text if text.len() == 16 => format!("{text}:00"),
                    text => text,
                };
                let has_begun = long(from) <= now;
                let is_over = match to {
                    Moment::Date(_) => long(to) < shown,
                    _ => long(to) <= now,
                };
                has_begun && !is_over
            }
        });
        let weekly = calendar.weekly.iter().any(|w| {
            let (from, to) = (i64::from(w.from), i64::from(w.to));
            let is_over_midnight = to <= from;
            let begun = w.days.contains(today) && from <= second && (is_over_midnight || second < to);
            let goes_on = w.days.contains(yesterday) && is_over_midnight && second < to;
            begun || goes_on
        });
        dates || ranges || weekly
    }

    const ZONES: [&str; 12] = [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Africa/Cairo",
        "America/Santiago",
        "Asia/Kathmandu",
        "Pacific/Apia",
        "America/St_Johns",
        "Africa/Casablanca",
        "Asia/Tehran",
        "Antarctica/Troll",
    ];

    /// Days around changes of the clock in those zones, among others.
    const DAYS: [&str; 10] = [
        "2026-03-08",
        "2026-03-29",
        "2026-10-25",
        "2026-11-01",
        "2026-04-24",
        "2026-04-05",
        "2026-10-04",
        "2011-12-30",
        "2006-10-29",
        "2028-02-29",
    ];

    fn clock() -> impl Strategy<Value = String> {
        prop_oneof![
            (0..24u32, 0..4u32).prop_map(|(h, q)| format!("{h:02}:{:02}", 15 * q)),
            (0..24u32, 0..60u32, 0..60u32).prop_map(|(h, m, s)| format!("{h:02}:{m:02}:{s:02}")),
        ]
    }

    fn part() -> impl Strategy<Value = (usize, String)> {
        let day = || prop::sample::select(&DAYS[..]);
        let weekday = || prop::sample::select(&["mon", "tue", "wed", "thu", "fri", "sat", "sun"][..]);
        prop_oneof![
            day().prop_map(|d| (0, d.to_owned())),
            day().prop_map(|d| (0, d[5..].to_owned())),
            (day(), clock(), day(), clock())
                .prop_map(|(d, c, e, f)| (1, format!("{{from: {d}T{c}, to: {e}T{f}}}"))),
            (day(), day()).prop_map(|(d, e)| (1, format!("{{from: {d}, to: {e}}}"))),
            (day(), clock(), 1..200_000i64).prop_map(|(d, c, len)| {
                let from: Time = format!("{d}T{}Z", if c.len() == 5 { c + ":00" } else { c })
                    .parse()
                    .unwrap();
                (
                    1,
                    format!("{{from: {from}, to: {}}}", Time::from_secs(from.as_secs() + len)),
                )
            }),
            (weekday(), weekday(), clock(), clock())
                .prop_map(|(a, b, c, d)| (2, format!("{{days: {a}-{b}, from: {c}, to: {d}}}"))),
            (weekday(), clock()).prop_map(|(a, c)| (2, format!("{{days: {a}, from: {c}}}"))),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]

        /// Minute by minute through the days around a change of the clock, and at odd
        /// milliseconds: the answer is what the rules say, and stays so for as long as its
        /// stretch says.
        #[test]
        fn covers_what_the_rules_say(
            zone in prop::sample::select(&ZONES[..]),
            parts in prop::collection::vec(part(), 1..5),
            day in prop::sample::select(&DAYS[..]),
            odd in prop::collection::vec(0..4 * 86_400_000i64, 40),
        ) {
            let of = |kind: usize| {
                let all: Vec<&str> = parts.iter().filter(|p| p.0 == kind).map(|p| p.1.as_str()).collect();
                all.join(", ")
            };
            let yaml = format!("name: a\ntimezone: {zone}\ndates: [{}]\nranges: [{}]\nweekly: [{}]\n", of(0), of(1), of(2));
            // Ranges that run backwards are refused.
            let Ok(all) = calendar::parse(&yaml, crate::file::Format::Yaml) else { return Ok(()) };
            let calendar = &all[0].calendar;
            let coverage = Coverage::new(calendar);
            let start = format!("{day}T00:00:00Z").parse::<Time>().unwrap() - Duration::from_secs(2 * 86_400);
            let minutes = (0..4 * 1440).map(|m| start + Duration::from_secs(60 * m));
            let odd = odd.into_iter().map(|ms| start + Duration::from_millis(ms as u64));
            for at in minutes.chain(odd) {
                let stretch = coverage.stretch(at);
                prop_assert_eq!(stretch.covered, brute(calendar, at), "{} in\n{}", at, &yaml);
                prop_assert!(stretch.from <= at && at < stretch.until, "{:?} around {}", stretch, at);
                let last = stretch.until - Duration::from_millis(1);
                if stretch.until.as_secs() < i64::from(DAY_END) * DAY {
                    prop_assert_eq!(brute(calendar, last), stretch.covered, "{:?} in\n{}", stretch, &yaml);
                }
                if stretch.from.as_secs() > 0 {
                    prop_assert_eq!(brute(calendar, stretch.from), stretch.covered, "{:?} in\n{}", stretch, &yaml);
                }
            }
        }
    }
}
