//! Random expressions, said in English and read back by a reader that knows only the words: it
//! must come to the same times of the day, and to the same days. What Chinese names must be the
//! same as what English names.

mod day;
mod named;
mod time;

use std::collections::BTreeSet;

use proptest::{prelude::*, sample::select};

use super::Lang;
use crate::schedule::{
    Cron, Dialect, Dst, Rule, Schedule, Zone,
    civil::{DAY, date_of, day_of, days_in_month, weekday_of},
    cron::bits,
};
use day::{Month, day_at};
use named::Named;
use time::{product, times};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

type Set = BTreeSet<u32>;

/// `a, b and c`, each by itself.
fn listed(words: &str) -> Vec<&str> {
    words.split(", ").flat_map(|part| part.split(" and ")).collect()
}

/// The number that a word begins with: `3rd`, `15`.
fn number(word: &str) -> u32 {
    let digits = word.trim_end_matches(|c: char| !c.is_ascii_digit());
    digits.parse().unwrap_or_else(|_| panic!("`{word}` is no number"))
}

fn check(expr: &str) -> Result<(), TestCaseError> {
    let Ok(schedule) = Schedule::cron(expr, Dialect::Cron, Zone::utc(), Dst::Tick, 0) else {
        // It never fires.
        return Ok(());
    };
    let Rule::Cron { cron, .. } = &schedule.0 else {
        unreachable!("it is a cron expression");
    };
    let words = schedule.describe(Lang::En);
    let words = words.strip_suffix(", UTC").unwrap();
    let (mut english, mut chinese) = (
        Named::english(words),
        Named::chinese(&schedule.describe(Lang::Zh)),
    );
    if words.contains(" if it is ") {
        // There English says each by itself.
        (english.weekdays, chinese.weekdays) = Default::default();
    }
    prop_assert_eq!(english, chinese, "{}", expr);
    let (time, day) = words.split_at(day_at(words));
    let day = day.trim_start();
    let (read, wraps) = times(time);
    let set = |mask: u64| bits(mask).collect::<Set>();
    let real = product(
        &set(u64::from(cron.hours)),
        &set(cron.minutes),
        &set(cron.seconds),
    );
    prop_assert_eq!(read, real, "{}: {}", expr, words);
    prop_assert!(
        !wraps || day.is_empty() || day == "every day",
        "{}: {}",
        expr,
        words
    );
    for (year, month) in (2024..2029).flat_map(|y| (1..=12).map(move |m| (y, m))) {
        let month = Month {
            number: month,
            length: days_in_month(year, month as u8),
            first: weekday_of(day_of(year, month as u8, 1)),
        };
        let read = month.days(day);
        prop_assert_eq!(
            read,
            fires(cron, year, &month),
            "{} in {}-{}: {}",
            expr,
            year,
            month.number,
            words
        );
    }
    Ok(())
}

fn fires(cron: &Cron, year: u16, month: &Month) -> Set {
    let first = day_of(year, month.number as u8, 1);
    let days = (first..first + month.length).filter(|day| {
        let midnight = i64::from(*day) * DAY;
        cron.next_local(midnight)
            .is_some_and(|next| next < midnight + DAY)
    });
    days.map(|day| u32::from(date_of(day).day)).collect()
}

/// A field of plain values, in the ways people write it.
fn plain(min: u32, max: u32) -> BoxedStrategy<String> {
    let value = move || min..=max;
    let pair = move || (value(), value()).prop_map(|(a, b)| (a.min(b), a.max(b)));
    prop_oneof![
        3 => Just("*".to_owned()),
        3 => value().prop_map(|v| v.to_string()),
        2 => (2..=(max - min) / 2 + 1).prop_map(|step| format!("*/{step}")),
        2 => pair().prop_map(|(a, b)| format!("{a}-{b}")),
        2 => (pair(), 1..6u32).prop_map(|((a, b), step)| format!("{a}-{b}/{step}")),
        2 => pair().prop_map(move |(a, b)| format!("{min}-{a},{b}-{max}")),
        2 => prop::collection::vec(value(), 2..10).prop_map(|all| joined(all.iter().map(u32::to_string))),
        1 => (pair(), value()).prop_map(|((a, b), c)| format!("{c},{a}-{b}")),
    ]
    .boxed()
}

fn joined(all: impl Iterator<Item = String>) -> String {
    all.collect::<Vec<_>>().join(",")
}

/// A field with some special days among its values.
fn with(special: BoxedStrategy<String>, min: u32, max: u32) -> BoxedStrategy<String> {
    let specials = prop::collection::vec(special, 1..3).prop_map(|all| joined(all.into_iter()));
    prop_oneof![
        3 => plain(min, max),
        1 => specials.clone(),
        1 => (plain(min, max), specials).prop_map(|(a, b)| format!("{a},{b}")),
    ]
    .boxed()
}

fn expression() -> impl Strategy<Value = String> {
    let seconds = prop_oneof![3 => Just("0".to_owned()), 1 => plain(0, 59)];
    let special_day = prop_oneof![
        Just("L".to_owned()),
        Just("LW".to_owned()),
        (1..31u32).prop_map(|n| format!("L-{n}")),
        (1..31u32).prop_map(|n| format!("L-{n}W")),
        (1..32u32).prop_map(|n| format!("{n}W")),
    ];
    let special_weekday =
        (0..7u32, select(vec!["1", "2", "3", "4", "5", "L"])).prop_map(|(d, n)| format!("{d}#{n}"));
    let days = prop_oneof![1 => Just("*".to_owned()), 2 => with(special_day.boxed(), 1, 31)];
    let weekdays = prop_oneof![1 => Just("*".to_owned()), 2 => with(special_weekday.boxed(), 0, 6)];
    let months = prop_oneof![1 => Just("*".to_owned()), 1 => plain(1, 12)];
    let fields = (
        seconds,
        plain(0, 59),
        plain(0, 23),
        days,
        months,
        weekdays,
        any::<bool>(),
    );
    fields.prop_map(|(s, m, h, day, month, weekday, both)| {
        let plus = if both { "+" } else { "" };
        format!("{s} {m} {h} {day} {month} {plus}{weekday}")
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn words_say_what_fires(expr in expression()) {
        check(&expr)?;
    }
}
