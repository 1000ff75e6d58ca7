//! Against two independent engines, the crates `croner` and `cron`, where their rules and
//! ours are the same: in UTC, and in the part of the syntax that they share.

use std::{fmt::Write, str::FromStr};

use chrono::{DateTime, Utc};
use proptest::{prelude::*, sample::select};
use shared::{schedule::Schedule, time::Time};

use crate::{cron, quartz};

fn ours(schedule: &Schedule, from: i64, count: usize) -> Vec<i64> {
    schedule
        .between(Time::from_secs(from), Time::MAX)
        .take(count)
        .map(Time::as_secs)
        .collect()
}

fn start(from: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(from, 0).unwrap()
}

/// A field that both read alike: values, ranges, steps over ranges.
fn field(min: u32, max: u32) -> impl Strategy<Value = String> {
    let one = (min..=max).prop_map(|v| v.to_string());
    let range = (min..=max, min..=max).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b)));
    let stepped =
        (min..=max, min..=max, 2..8u32).prop_map(|(a, b, s)| format!("{}-{}/{s}", a.min(b), a.max(b)));
    let item = prop_oneof![2 => one, 1 => range, 1 => stepped];
    prop_oneof![
        1 => Just("*".to_owned()),
        2 => proptest::collection::vec(item, 1..4).prop_map(|items| items.join(",")),
    ]
}

/// croner has no LW.
fn special_day() -> impl Strategy<Value = String> {
    prop_oneof![Just("L".to_owned()), (1..=28u32).prop_map(|d| format!("{d}W"))]
}

fn special_weekday() -> impl Strategy<Value = String> {
    (
        select(vec!["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]),
        select(vec!["#1", "#2", "#4", "#5", "#L"]),
    )
        .prop_map(|(d, n)| format!("{d}{n}"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, ..ProptestConfig::default() })]

    #[test]
    fn croner(
        second in field(0, 59), minute in field(0, 59), hour in field(0, 23),
        day in prop_oneof![3 => field(1, 31), 1 => special_day()],
        month in field(1, 12),
        weekday in prop_oneof![3 => field(0, 6), 1 => special_weekday()],
        plus in any::<bool>(),
        from in 0i64..4_000_000_000,
    ) {
        let mut expr = format!("{second} {minute} {hour} {day} {month} ");
        write!(expr, "{}{weekday}", if plus { "+" } else { "" }).unwrap();
        let theirs = croner::parser::CronParser::builder()
            .seconds(croner::parser::Seconds::Required)
            .build()
            .parse(&expr)
            .unwrap();
        let Ok(schedule) = Schedule::cron(&expr, Default::default(), Default::default(), Default::default(), 0) else {
            prop_assert!(theirs.find_next_occurrence(&start(from), false).is_err(), "{}", expr);
            return Ok(());
        };
        // Not its iterator: that leaves out every other instant of adjacent ones.
        let next = |after: &DateTime<Utc>| theirs.find_next_occurrence(after, false).ok();
        let theirs: Vec<i64> = std::iter::successors(next(&start(from)), next).take(12).map(|t| t.timestamp()).collect();
        prop_assert_eq!(ours(&schedule, from, theirs.len()), theirs, "{}", expr);
    }

    #[test]
    fn crate_cron(
        second in field(0, 59), minute in field(0, 59), hour in field(0, 23),
        day in field(1, 31), month in field(1, 12), weekday in field(1, 7), by_day in any::<bool>(),
        from in 0i64..3_000_000_000,
    ) {
        let expr = match by_day {
            true => format!("{second} {minute} {hour} {day} {month} ?"),
            false => format!("{second} {minute} {hour} ? {month} {weekday}"),
        };
        let theirs = ::cron::Schedule::from_str(&expr).unwrap();
        let Ok(schedule) = Schedule::cron(&expr, shared::schedule::Dialect::Quartz, Default::default(), Default::default(), 0) else {
            return Ok(());
        };
        // The crate ends with the year 2100.
        let theirs: Vec<i64> = theirs.after(&start(from)).take(12).map(|t| t.timestamp()).collect();
        prop_assert_eq!(ours(&schedule, from, theirs.len()), theirs, "{}", expr);
    }
}

/// What the two crates get wrong or leave out; told here, and in ARCHITECTURE.md.
#[test]
fn the_differences_are_real() {
    let friday = cron("0 0 13 * +FRI");
    assert_eq!(ours(&friday, 1_767_225_600, 1), [1_770_940_800]);
    assert_eq!(ours(&quartz("0 0 0 ? * 6L"), 1_767_225_600, 1), [1_769_731_200]);
}
