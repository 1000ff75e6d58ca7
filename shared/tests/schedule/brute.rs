//! Random expressions against a plain reading of the rules: every second around changes of
//! the clock in any zone, and every day over years.
//!
//! The reading shares nothing with the engine. It works on the pieces that an expression was
//! written from, asks jiff for each local time, and steps.

use std::collections::BTreeSet;

use jiff::{
    Timestamp,
    civil::{Date, DateTime, Weekday},
    tz::{AmbiguousOffset, TimeZone},
};
use proptest::{prelude::*, sample::select};
use shared::{
    schedule::{Dst, Schedule, Zone},
    time::Time,
};

use crate::{in_zone, jiff_zone};

/// One item of a list, as people write it.
#[derive(Clone, Debug)]
enum Item {
    Star(Option<u32>),
    Range(u32, u32, Option<u32>),
    From(u32, u32),
    One(u32),
    LastDay(u32),
    WorkDay(u32),
    LastWorkDay(u32),
    Nth(u32, u32),
    Last(u32),
}

#[derive(Clone, Debug)]
struct Field {
    items: Vec<Item>,
    min: u32,
    max: u32,
}

impl Field {
    fn text(&self) -> String {
        let step = |s: &Option<u32>| s.map_or(String::new(), |s| format!("/{s}"));
        let items = self.items.iter().map(|item| match item {
            Item::Star(s) => format!("*{}", step(s)),
            Item::Range(a, b, s) => format!("{a}-{b}{}", step(s)),
            Item::From(a, s) => format!("{a}/{s}"),
            Item::One(v) => v.to_string(),
            Item::LastDay(0) => "L".to_owned(),
            Item::LastDay(n) => format!("L-{n}"),
            Item::WorkDay(d) => format!("{d}W"),
            Item::LastWorkDay(0) => "LW".to_owned(),
            Item::LastWorkDay(n) => format!("L-{n}W"),
            Item::Nth(d, n) => format!("{d}#{n}"),
            Item::Last(d) => format!("{d}L"),
        });
        items.collect::<Vec<_>>().join(",")
    }

    fn star(&self) -> bool {
        matches!(self.items[0], Item::Star(_))
    }

    /// Whether a plain value is in the field.
    fn has(&self, value: u32) -> bool {
        self.items.iter().any(|item| match *item {
            Item::Star(step) => (value - self.min).is_multiple_of(step.unwrap_or(1)),
            Item::Range(a, b, step) => {
                (a..=b).contains(&value) && (value - a).is_multiple_of(step.unwrap_or(1))
            }
            Item::From(a, step) => (a..=self.max).contains(&value) && (value - a).is_multiple_of(step),
            Item::One(v) => v == value,
            _ => false,
        })
    }
}

#[derive(Clone, Debug)]
struct Expression {
    second: Field,
    minute: Field,
    hour: Field,
    day: Field,
    month: Field,
    weekday: Field,
    plus: bool,
}

impl Expression {
    fn text(&self) -> String {
        let plus = if self.plus { "+" } else { "" };
        let [s, m, h, d, mo, w] = [
            &self.second,
            &self.minute,
            &self.hour,
            &self.day,
            &self.month,
            &self.weekday,
        ]
        .map(Field::text);
        format!("{s} {m} {h} {d} {mo} {plus}{w}")
    }

    fn ticks(&self) -> bool {
        self.minute.star() || self.hour.star()
    }

    fn matches(&self, at: DateTime) -> bool {
        self.second.has(at.second() as u32)
            && self.minute.has(at.minute() as u32)
            && self.hour.has(at.hour() as u32)
            && self.matches_date(at.date())
    }

    fn matches_date(&self, date: Date) -> bool {
        if !self.month.has(date.month() as u32) {
            return false;
        }
        let of_month = self.day.has(date.day() as u32)
            || self.day.items.iter().any(|item| match *item {
                Item::LastDay(back) => i32::from(date.day()) == i32::from(date.days_in_month()) - back as i32,
                Item::WorkDay(day) => nearest(date, day as i32) == Some(date),
                Item::LastWorkDay(back) => {
                    nearest(date, i32::from(date.days_in_month()) - back as i32) == Some(date)
                }
                _ => false,
            });
        let number = date.weekday().to_sunday_zero_offset() as u32;
        let of_week = self.weekday.has(number)
            || number == 0 && self.weekday.has(7)
            || self.weekday.items.iter().any(|item| match *item {
                Item::Nth(day, n) => day % 7 == number && (date.day() as u32).div_ceil(7) == n,
                Item::Last(day) => day % 7 == number && date.day() + 7 > date.days_in_month(),
                _ => false,
            });
        match self.plus || self.day.star() || self.weekday.star() {
            true => of_month && of_week,
            false => of_month || of_week,
        }
    }
}

/// The working day nearest to a day of this month, without leaving it: looked for outwards.
fn nearest(month: Date, day: i32) -> Option<Date> {
    let of_month = |d: i32| Date::new(month.year(), month.month(), i8::try_from(d).ok()?).ok();
    of_month(day)?;
    // Saturday prefers the day before and Sunday the day after: both are one day away.
    [0, -1, 1, 2, -2]
        .into_iter()
        .filter_map(|away| of_month(day + away))
        .find(|d| !matches!(d.weekday(), Weekday::Saturday | Weekday::Sunday))
}

/// Every fire in a stretch of seconds, by looking at each of them.
fn fires(expr: &Expression, zone: &TimeZone, dst: Dst, from: i64, until: i64) -> Vec<i64> {
    let local = |s: i64| zone.to_datetime(Timestamp::from_second(s).unwrap());
    let mut fires = Vec::new();
    let mut before = local(from - 1);
    for second in from..=until {
        let now = local(second);
        let fire = if expr.ticks() {
            expr.matches(now)
        } else {
            let first_pass = match zone.to_ambiguous_timestamp(now).offset() {
                AmbiguousOffset::Fold { before, .. } => {
                    before == zone.to_offset(Timestamp::from_second(second).unwrap())
                }
                _ => true,
            };
            let mut jumped = before.saturating_add(jiff::SignedDuration::from_secs(1));
            let mut of_gap = false;
            while dst == Dst::Tick && jumped < now && !of_gap {
                of_gap = expr.matches(jumped);
                jumped = jumped.saturating_add(jiff::SignedDuration::from_secs(1));
            }
            of_gap || first_pass && expr.matches(now)
        };
        if fire {
            fires.push(second);
        }
        before = now;
    }
    fires
}

fn items(min: u32, max: u32, special: BoxedStrategy<Item>) -> BoxedStrategy<Field> {
    let range = (min..=max, min..=max, proptest::option::of(1..=max))
        .prop_map(|(a, b, s)| Item::Range(a.min(b), a.max(b), s));
    let plain = prop_oneof![
        4 => (min..=max).prop_map(Item::One),
        2 => range,
        1 => (min..=max, 1..=max).prop_map(|(a, s)| Item::From(a, s)),
        1 => special,
    ];
    let star = proptest::option::of(1..=max).prop_map(Item::Star);
    let list = proptest::collection::vec(plain.clone(), 1..4);
    let any = prop_oneof![
        3 => list,
        2 => star.clone().prop_map(|s| vec![s]),
        1 => (star, plain).prop_map(|(s, p)| vec![s, p]),
        1 => Just(vec![Item::Star(None)]),
    ];
    any.prop_map(move |items| Field { items, min, max }).boxed()
}

fn plain(min: u32, max: u32) -> BoxedStrategy<Field> {
    items(min, max, (min..=max).prop_map(Item::One).boxed())
}

fn days() -> BoxedStrategy<Field> {
    let special = prop_oneof![
        (0..12u32).prop_map(Item::LastDay),
        (1..=31u32).prop_map(Item::WorkDay),
        (0..6u32).prop_map(Item::LastWorkDay),
    ];
    items(1, 31, special.boxed())
}

fn weekdays() -> BoxedStrategy<Field> {
    let special = prop_oneof![
        (0..=7u32, 1..=5u32).prop_map(|(d, n)| Item::Nth(d, n)),
        (0..=7u32).prop_map(Item::Last)
    ];
    items(0, 7, special.boxed())
}

/// Expressions that fire often enough to be worth a look at every second.
fn often() -> impl Strategy<Value = Expression> {
    let free = || Field {
        items: vec![Item::Star(None)],
        min: 1,
        max: 31,
    };
    let second = prop_oneof![
        3 => Just(Field { items: vec![Item::One(0)], min: 0, max: 59 }),
        1 => plain(0, 59),
    ];
    let hours = prop_oneof![1 => plain(0, 23), 1 => (0..4u32).prop_map(|h| Field { items: vec![Item::One(h)], min: 0, max: 23 })];
    (
        second,
        plain(0, 59),
        hours,
        prop_oneof![3 => Just(free()), 1 => days()],
        prop_oneof![3 => Just(free()), 1 => weekdays()],
    )
        .prop_map(|(second, minute, hour, mut day, mut weekday)| {
            (day.min, day.max) = (1, 31);
            (weekday.min, weekday.max) = (0, 7);
            let month = Field {
                items: vec![Item::Star(None)],
                min: 1,
                max: 12,
            };
            Expression {
                second,
                minute,
                hour,
                day,
                month,
                weekday,
                plus: false,
            }
        })
}

fn rarely() -> impl Strategy<Value = Expression> {
    let one = |v| Field {
        items: vec![Item::One(v)],
        min: 0,
        max: 59,
    };
    (days(), plain(1, 12), weekdays(), any::<bool>()).prop_map(move |(day, month, weekday, plus)| {
        Expression {
            second: one(0),
            minute: one(30),
            hour: one(12),
            day,
            month,
            weekday,
            plus,
        }
    })
}

/// All changes of the offset from 1971 to 2040 of a zone.
fn changes(zone: &TimeZone) -> Vec<i64> {
    let mut offset = zone.to_offset(Timestamp::UNIX_EPOCH);
    zone.following(Timestamp::from_second(31_536_000).unwrap())
        .map(|t| (t.timestamp().as_second(), t.offset()))
        .take_while(|(at, _)| *at < 2_240_000_000)
        .filter(|(_, new)| std::mem::replace(&mut offset, *new) != *new)
        .map(|(at, _)| at)
        .collect()
}

fn seconds(schedule: &Schedule, from: i64, until: i64) -> Vec<i64> {
    schedule
        .between(Time::from_secs(from - 1), Time::from_secs(until))
        .map(Time::as_secs)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 160, ..ProptestConfig::default() })]

    /// Four hours each way of a change (more where it is a day long), second by second.
    #[test]
    fn seconds_around_a_change(
        expr in often(),
        zone in select(Zone::names().collect::<Vec<_>>()),
        pick in any::<proptest::sample::Index>(),
        skip in any::<bool>(),
    ) {
        let zone: Zone = zone.parse().unwrap();
        let zone = &jiff_zone(zone);
        let changes = changes(zone);
        prop_assume!(!changes.is_empty());
        let at = *pick.get(&changes);
        let (from, until) = (at - 4 * 3600, at + 4 * 3600);
        let dst = if skip { Dst::Skip } else { Dst::Tick };
        let name = zone.iana_name().unwrap();
        let Ok(schedule) = Schedule::cron(&expr.text(), Default::default(), name.parse().unwrap(), dst, 0) else {
            // It never fires at all.
            prop_assert!(fires(&expr, zone, dst, from, until).is_empty(), "{} never fires", expr.text());
            return Ok(());
        };
        let wanted = fires(&expr, zone, dst, from, until);
        prop_assert_eq!(&seconds(&schedule, from, until), &wanted, "{} in {}", expr.text(), name);
        let mut back: Vec<i64> =
            schedule.between(Time::from_secs(from - 1), Time::from_secs(until)).rev().map(Time::as_secs).collect();
        back.reverse();
        prop_assert_eq!(&back, &wanted, "{} in {}, backwards", expr.text(), name);
        // Asked from any second, inside a second pass too: the first that is later.
        for second in (from..until).step_by(487) {
            let next = wanted.iter().copied().find(|fire| *fire > second);
            let got = schedule.next(Time::from_secs(second)).map(Time::as_secs).filter(|fire| *fire <= until);
            prop_assert_eq!(got, next, "{} in {}, from {}", expr.text(), name, second);
        }
    }

    /// Forty years, day by day.
    #[test]
    fn days_over_years(expr in rarely(), start in 1970..2159i16) {
        let (from, until) = (Date::constant(start, 1, 1), Date::constant(start + 39, 12, 31));
        let mut wanted = BTreeSet::new();
        let mut day = from;
        while day <= until {
            if expr.matches_date(day) {
                wanted.insert(day);
            }
            day = day.tomorrow().unwrap();
        }
        match Schedule::cron(&expr.text(), Default::default(), Zone::utc(), Dst::Tick, 0) {
            Err(_) => prop_assert!(wanted.is_empty(), "{} was refused", expr.text()),
            Ok(schedule) => {
                let second = |d: Date| d.to_zoned(TimeZone::UTC).unwrap().timestamp().as_second();
                let got = schedule.between(Time::from_secs(second(from) - 1), Time::from_secs(second(until) + 86_399));
                let noon = |t: Time| t.timestamp().to_zoned(TimeZone::UTC).datetime();
                let got: Vec<DateTime> = got.map(noon).collect();
                let wanted: Vec<DateTime> = wanted.into_iter().map(|d| d.at(12, 30, 0, 0)).collect();
                prop_assert_eq!(got, wanted, "{}", expr.text());
            }
        }
    }

    #[test]
    fn walking_is_sound(
        expr in prop_oneof![often(), rarely()],
        zone in select(Zone::names().collect::<Vec<_>>()),
        start in 0i64..7_000_000_000_000,
        split in any::<proptest::sample::Index>(),
    ) {
        let schedule = match zone.parse().map(|z| Schedule::cron(&expr.text(), Default::default(), z, Dst::Tick, 0)) {
            Ok(Ok(schedule)) => schedule,
            _ => return Ok(()),
        };
        let start = Time::from_millis(start);
        let all: Vec<Time> = schedule.between(start, Time::MAX).take(40).collect();
        let Some(end) = all.last().copied() else { return Ok(()) };
        let mut last = start;
        for at in &all {
            prop_assert!(*at > last);
            prop_assert!(schedule.prev(*at).is_none_or(|p| p <= last));
            prop_assert_eq!(schedule.prev(Time::from_millis(at.as_millis() + 1)), Some(*at));
            prop_assert_eq!(schedule.next(Time::from_millis(at.as_millis() - 1)), Some(*at));
            last = *at;
        }
        let middle = *split.get(&all);
        let parts: Vec<Time> = schedule.between(start, middle).chain(schedule.between(middle, end)).collect();
        prop_assert_eq!(&parts, &all);
        let again: Result<Schedule, _> = schedule.to_string().parse();
        prop_assert_eq!(again.as_ref(), Ok(&schedule));
    }
}

/// The walk takes for granted that no change undoes another within the hours it moved; a new
/// time zone database that breaks this must be looked at.
#[test]
fn changes_of_the_clock_lie_apart() {
    for name in Zone::names() {
        let zone: Zone = name.parse().unwrap();
        let zone = &jiff_zone(zone);
        let offset = |s: i64| i64::from(zone.to_offset(Timestamp::from_second(s).unwrap()).seconds());
        for pair in changes(zone).windows(2) {
            let moved =
                (offset(pair[0]) - offset(pair[0] - 1)).abs() + (offset(pair[1]) - offset(pair[1] - 1)).abs();
            assert!(pair[1] - pair[0] > moved, "{name}: {pair:?}");
        }
    }
}

/// A day that never was, second by second: too long for the random windows.
#[test]
fn the_skipped_days() {
    for (name, from, until) in [
        ("Pacific/Apia", 1_325_200_000, 1_325_280_000),
        ("Pacific/Fakaofo", 1_325_200_000, 1_325_280_000),
        ("Pacific/Kwajalein", 745_900_000, 745_980_000),
        ("Pacific/Kanton", 788_840_000, 788_920_000),
        ("Pacific/Kiritimati", 788_840_000, 788_920_000),
    ] {
        for (h, m, d, w) in [
            ("2", "30", "*", "*"),
            ("*", "15", "*", "*"),
            ("8-17/3", "0,30", "30", "6"),
            ("23", "59", "31", "5"),
        ] {
            let parse = |text: &str, min, max| {
                let items = text.split(',').map(|t| match t {
                    "*" => Item::Star(None),
                    "8-17/3" => Item::Range(8, 17, Some(3)),
                    v => Item::One(v.parse().unwrap()),
                });
                Field {
                    items: items.collect(),
                    min,
                    max,
                }
            };
            let expr = Expression {
                second: parse("0", 0, 59),
                minute: parse(m, 0, 59),
                hour: parse(h, 0, 23),
                day: parse(d, 1, 31),
                month: parse("*", 1, 12),
                weekday: parse(w, 0, 7),
                plus: false,
            };
            let schedule = in_zone(&expr.text(), name, Dst::Tick);
            let zone: Zone = name.parse().unwrap();
            let wanted = fires(&expr, &jiff_zone(zone), Dst::Tick, from, until);
            assert_eq!(
                seconds(&schedule, from, until),
                wanted,
                "{} in {name}",
                expr.text()
            );
        }
    }
}
