//! One row per rule, each with its source.

use shared::{
    schedule::{Dialect, Dst, Schedule, Zone},
    time::Time,
};

use crate::{cron, fires_at, quartz, utc};

/// Where a rule is from. Read by people, and shown when a row fails.
#[derive(Debug)]
#[expect(dead_code, reason = "shown through Debug")]
enum Source {
    /// The conformance vectors of the Open Cron Pattern Specification, by id, as of 2026-01.
    Ocps(&'static str),
    /// The increments of OCPS, by section.
    Section(&'static str),
    /// Gnomon's own settlement of what others leave open: ARCHITECTURE.md, schedules.
    Settled,
    /// org.quartz.CronExpression's documentation.
    Quartz,
}
use Source::*;

struct Row {
    source: Source,
    expr: &'static str,
    fires: &'static [&'static str],
    not: &'static [&'static str],
}

#[test]
fn dialect_cron() {
    let rows = [
        Row {
            source: Ocps("1.0-basic-5-field-matching"),
            expr: "15 10 * * *",
            fires: &["2025-03-10 10:15"],
            not: &["2025-03-10 10:14"],
        },
        Row {
            source: Ocps("1.0-case-insensitive-month-and-weekday-names"),
            expr: "30 8 * jan Mon",
            fires: &["2025-01-06 08:30"],
            not: &["2025-02-03 08:30"],
        },
        Row {
            source: Ocps("1.0-step-evaluation-over-explicit-range"),
            expr: "5-59/15 9 * * *",
            fires: &[
                "2025-03-10 09:05",
                "2025-03-10 09:20",
                "2025-03-10 09:35",
                "2025-03-10 09:50",
            ],
            not: &["2025-03-10 09:15"],
        },
        Row {
            source: Ocps("1.0-restricted-day-fields-use-logical-or"),
            expr: "0 12 1 * MON",
            fires: &["2025-10-01 12:00", "2025-10-06 12:00"],
            not: &["2025-10-07 12:00"],
        },
        Row {
            source: Ocps("1.0-leading-wildcard-is-unrestricted-for-section-6-1"),
            expr: "0 12 * * MON",
            fires: &["2025-10-06 12:00"],
            not: &["2025-10-07 12:00"],
        },
        Row {
            source: Ocps("1.0-full-range-expression-remains-restricted-for-section-6-1"),
            expr: "0 12 1-31 * MON",
            fires: &["2025-10-06 12:00", "2025-10-07 12:00"],
            not: &["2025-10-08 11:00"],
        },
        Row {
            source: Section("1.0, 4.1: spaces around and between"),
            expr: " \t 15  10\t* * * \n",
            fires: &["2025-03-10 10:15"],
            not: &[],
        },
        Row {
            source: Section("1.0, 4.2: 0 and 7 are Sunday"),
            expr: "0 0 * * 7",
            fires: &["2026-11-22 00:00"],
            not: &["2026-11-21 00:00"],
        },
        Row {
            source: Ocps("1.1-yearly-nickname"),
            expr: "@yearly",
            fires: &["2026-01-01 00:00"],
            not: &["2026-01-02 00:00"],
        },
        Row {
            source: Ocps("1.1-monthly-nickname"),
            expr: "@monthly",
            fires: &["2026-02-01 00:00"],
            not: &["2026-02-02 00:00"],
        },
        Row {
            source: Ocps("1.1-weekly-nickname"),
            expr: "@weekly",
            fires: &["2025-10-05 00:00"],
            not: &["2025-10-06 00:00"],
        },
        Row {
            source: Ocps("1.1-daily-nickname"),
            expr: "@daily",
            fires: &["2025-10-07 00:00"],
            not: &["2025-10-07 00:01"],
        },
        Row {
            source: Ocps("1.1-hourly-nickname"),
            expr: "@hourly",
            fires: &["2025-10-07 10:00"],
            not: &["2025-10-07 10:01"],
        },
        Row {
            source: Settled,
            expr: "@Daily",
            fires: &["2025-10-07 00:00"],
            not: &["2025-10-07 00:01"],
        },
        Row {
            source: Section("1.1: the other two names"),
            expr: "@annually",
            fires: &["2026-01-01 00:00"],
            not: &["2026-02-01 00:00"],
        },
        Row {
            source: Section("1.1: the other two names"),
            expr: "@midnight",
            fires: &["2026-01-02 00:00"],
            not: &["2026-01-02 01:00"],
        },
        Row {
            source: Ocps("1.2-five-field-patterns-default-seconds-to-zero"),
            expr: "15 10 * * *",
            fires: &["2025-03-10 10:15:00"],
            not: &["2025-03-10 10:15:30"],
        },
        Row {
            source: Ocps("1.2-six-field-patterns-match-explicit-seconds"),
            expr: "30 15 10 * * *",
            fires: &["2025-03-10 10:15:30"],
            not: &["2025-03-10 10:15:29", "2025-03-10 10:15:00"],
        },
        Row {
            source: Ocps("1.2-seven-field-patterns-constrain-year"),
            expr: "0 15 10 * * * 2025",
            fires: &["2025-03-10 10:15:00"],
            not: &["2026-03-10 10:15:00"],
        },
        Row {
            source: Ocps("1.2-range-step-begins-at-1970"),
            expr: "0 0 0 1 1 * 1970-2199/2",
            fires: &["2026-01-01 00:00:00"],
            not: &["2025-01-01 00:00:00"],
        },
        Row {
            source: Settled,
            expr: "0 0 0 1 1 * */4",
            fires: &["1970-01-01 00:00", "2026-01-01 00:00"],
            not: &["2024-01-01 00:00", "2028-01-01 00:00"],
        },
        Row {
            source: Ocps("1.3-last-day-of-month"),
            expr: "0 0 L * *",
            fires: &["2025-02-28 00:00", "2024-02-29 00:00"],
            not: &["2025-02-27 00:00", "2024-02-28 00:00"],
        },
        Row {
            source: Ocps("1.3-last-weekday-of-month"),
            expr: "0 0 * * FRI#L",
            fires: &["2025-02-28 00:00"],
            not: &["2025-02-21 00:00"],
        },
        Row {
            source: Section("1.3, 3.1: 5L"),
            expr: "0 0 * * 5L",
            fires: &["2025-02-28 00:00"],
            not: &["2025-02-21 00:00"],
        },
        Row {
            source: Settled,
            expr: "0 0 * * fril",
            fires: &["2025-02-28 00:00"],
            not: &["2025-02-21 00:00"],
        },
        Row {
            source: Settled,
            expr: "0 0 * * 5#l",
            fires: &["2025-02-28 00:00"],
            not: &["2025-02-21 00:00"],
        },
        Row {
            source: Settled,
            expr: "0 0 * * 7L",
            fires: &["2025-02-23 00:00"],
            not: &["2025-02-22 00:00"],
        },
        Row {
            source: Ocps("1.3-nth-weekday-of-month"),
            expr: "0 0 * * TUE#3",
            fires: &["2025-06-17 00:00"],
            not: &["2025-06-10 00:00"],
        },
        Row {
            source: Section("1.3, 3.2: 2#3"),
            expr: "0 0 * * 2#3",
            fires: &["2025-06-17 00:00"],
            not: &["2025-06-24 00:00"],
        },
        Row {
            source: Section("1.3, 3.2: up to the fifth"),
            expr: "0 0 * * MON#5",
            fires: &["2025-06-30 00:00"],
            not: &["2025-07-28 00:00"],
        },
        Row {
            source: Ocps("1.3-closest-weekday-within-month"),
            expr: "0 12 15W * *",
            fires: &["2025-06-16 12:00"],
            not: &["2025-06-15 12:00"],
        },
        Row {
            source: Section("1.3, 3.3: a Saturday gives the Friday before"),
            expr: "0 12 15W * *",
            fires: &["2025-11-14 12:00", "2025-10-15 12:00"],
            not: &["2025-11-15 12:00", "2025-11-17 12:00"],
        },
        Row {
            source: Ocps("1.3-closest-weekday-does-not-cross-month-boundary"),
            expr: "0 12 1W * *",
            fires: &["2025-02-03 12:00", "2025-01-01 12:00"],
            not: &["2025-02-01 12:00", "2025-01-31 12:00"],
        },
        Row {
            source: Settled,
            expr: "0 12 31W * *",
            fires: &["2025-08-29 12:00", "2026-05-29 12:00"],
            not: &["2025-06-30 12:00", "2026-06-01 12:00"],
        },
        Row {
            source: Settled,
            expr: "0 0 30W 2,3 *",
            fires: &["2026-03-30 00:00", "2025-03-31 00:00"],
            not: &["2026-02-27 00:00", "2026-02-28 00:00"],
        },
        Row {
            source: Settled,
            expr: "0 0 1W,15W,28 * *",
            fires: &["2025-02-03 00:00", "2025-02-14 00:00", "2025-02-28 00:00"],
            not: &["2025-02-01 00:00", "2025-02-15 00:00"],
        },
        Row {
            source: Settled,
            expr: "0 0 LW * *",
            fires: &["2025-08-29 00:00", "2025-11-28 00:00", "2025-12-31 00:00"],
            not: &["2025-08-31 00:00", "2025-11-30 00:00", "2025-12-30 00:00"],
        },
        Row {
            source: Settled,
            expr: "0 0 L-3 * *",
            fires: &["2025-02-25 00:00", "2025-12-28 00:00"],
            not: &["2025-02-28 00:00"],
        },
        Row {
            source: Settled,
            expr: "0 0 L-30 * *",
            fires: &["2025-12-01 00:00"],
            not: &["2025-11-01 00:00"],
        },
        Row {
            source: Ocps("1.4-plus-prefix-requires-logical-and"),
            expr: "0 12 1 * +MON",
            fires: &["2025-09-01 12:00"],
            not: &["2025-09-08 12:00", "2025-10-01 12:00"],
        },
        Row {
            source: Section("1.4, 4.2: ? is *"),
            expr: "0 12 ? * MON",
            fires: &["2025-10-06 12:00"],
            not: &["2025-10-07 12:00"],
        },
        Row {
            source: Settled,
            expr: "0 0 */2 * MON",
            fires: &["2026-06-01 00:00", "2026-06-15 00:00"],
            not: &["2026-06-03 00:00", "2026-06-08 00:00"],
        },
        Row {
            source: Settled,
            expr: "0 0 1 * */2",
            fires: &["2026-11-01 00:00"],
            not: &["2026-11-03 00:00", "2026-06-01 00:00"],
        },
        Row {
            source: Settled,
            expr: "0 0 * * 5/2",
            fires: &["2026-11-20 00:00", "2026-11-22 00:00"],
            not: &["2026-11-21 00:00"],
        },
        Row {
            source: Settled,
            expr: "50/5 0 * * *",
            fires: &["2026-01-01 00:50", "2026-01-01 00:55"],
            not: &["2026-01-01 00:00", "2026-01-01 00:45"],
        },
        Row {
            source: Settled,
            expr: "*/90 * * * *",
            fires: &["2026-01-01 00:00", "2026-01-01 01:00"],
            not: &["2026-01-01 00:30"],
        },
        Row {
            source: Settled,
            expr: "0 0 * * FRI-SUN",
            fires: &["2026-11-20 00:00", "2026-11-21 00:00", "2026-11-22 00:00"],
            not: &["2026-11-19 00:00", "2026-11-23 00:00"],
        },
        Row {
            source: Settled,
            expr: "0 0 * * SUN-TUE",
            fires: &["2026-11-22 00:00", "2026-11-24 00:00"],
            not: &["2026-11-21 00:00", "2026-11-25 00:00"],
        },
        Row {
            source: Settled,
            expr: "0 0 * * 1,sun#2",
            fires: &["2026-11-08 00:00", "2026-11-09 00:00"],
            not: &["2026-11-15 00:00"],
        },
        Row {
            source: Settled,
            expr: "0 0 29 2 +MON",
            fires: &["2044-02-29 00:00"],
            not: &["2024-02-29 00:00"],
        },
    ];
    for row in rows {
        check(&cron(row.expr), &row);
    }
}

#[test]
fn dialect_quartz() {
    let rows = [
        Row {
            source: Quartz,
            expr: "0 15 10 ? * 2-6",
            fires: &["2026-11-20 10:15", "2026-11-23 10:15"],
            not: &["2026-11-21 10:15", "2026-11-22 10:15"],
        },
        Row {
            source: Quartz,
            expr: "0 15 10 ? * 6#3",
            fires: &["2026-11-20 10:15"],
            not: &["2026-11-21 10:15", "2026-11-13 10:15"],
        },
        Row {
            source: Quartz,
            expr: "0 15 10 ? * 6L 2025-2027",
            fires: &["2026-11-27 10:15"],
            not: &["2026-11-28 10:15", "2028-02-25 10:15"],
        },
        Row {
            source: Quartz,
            expr: "0 15 10 L-2 * ?",
            fires: &["2026-11-28 10:15"],
            not: &["2026-11-30 10:15"],
        },
        Row {
            source: Quartz,
            expr: "0 15 10 LW * ?",
            fires: &["2026-10-30 10:15"],
            not: &["2026-10-31 10:15"],
        },
        Row {
            source: Quartz,
            expr: "0 0 12 L-3W * ?",
            fires: &["2026-11-27 12:00"],
            not: &["2026-11-28 12:00"],
        },
        Row {
            source: Quartz,
            expr: "0 0 12 1/5 * ?",
            fires: &["2026-11-01 12:00", "2026-11-26 12:00", "2026-11-06 12:00"],
            not: &["2026-11-05 12:00"],
        },
        Row {
            source: Quartz,
            expr: "0 /20 22-2 * * ?",
            fires: &["2026-11-01 22:00", "2026-11-01 23:20", "2026-11-02 02:40"],
            not: &["2026-11-02 03:00", "2026-11-02 21:40"],
        },
        Row {
            source: Quartz,
            expr: "0 0 0 ? NOV-FEB FRI-MON",
            fires: &["2026-11-20 00:00", "2027-01-04 00:00"],
            not: &["2026-11-24 00:00", "2026-10-02 00:00"],
        },
        Row {
            source: Quartz,
            expr: "0 0 0 ? * 5/2",
            fires: &["2026-11-19 00:00", "2026-11-21 00:00"],
            not: &["2026-11-20 00:00", "2026-11-22 00:00"],
        },
        Row {
            source: Quartz,
            expr: "0 50-10/10 0 1 1 ?",
            fires: &["2026-01-01 00:50", "2026-01-01 00:00", "2026-01-01 00:10"],
            not: &["2026-01-01 00:20", "2026-01-01 00:40"],
        },
        Row {
            source: Quartz,
            expr: "0 0 0 ? * SUN",
            fires: &["2026-11-22 00:00"],
            not: &["2026-11-23 00:00"],
        },
        Row {
            source: Quartz,
            expr: "0 0 0 ? * 1",
            fires: &["2026-11-22 00:00"],
            not: &["2026-11-23 00:00"],
        },
    ];
    for row in rows {
        check(&quartz(row.expr), &row);
    }
}

fn check(schedule: &Schedule, row: &Row) {
    for at in row.fires {
        assert!(
            fires_at(schedule, utc(at)),
            "{:?}: `{}` fires at {at}",
            row.source,
            row.expr
        );
    }
    for at in row.not {
        assert!(
            !fires_at(schedule, utc(at)),
            "{:?}: `{}` does not fire at {at}",
            row.source,
            row.expr
        );
    }
}

/// OCPS vectors `1.1-daily-nickname-equivalence` and what follows from it.
#[test]
fn nicknames_are_their_expressions() {
    for (name, expr) in [
        ("@yearly", "0 0 1 1 *"),
        ("@ANNUALLY", "0 0 1 1 *"),
        ("@monthly", "0 0 1 * *"),
        ("@weekly", "0 0 * * 0"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@hourly", "0 * * * *"),
    ] {
        assert_eq!(cron(name), cron(expr), "{name}");
    }
}

#[test]
fn the_canonical_text_is_the_same_schedule() {
    for (expr, canonical) in [
        ("30 2 * * 1-5", "30 2 * * MON-FRI"),
        ("0 30 2 * * 1-5 *", "30 2 * * MON-FRI"),
        ("*/15 */2 ? 1,2,3,7 ?", "*/15 */2 * 1-3,7 *"),
        ("0-59 0-23 1-31 1-12 0-6", "0-59 0-23 1-31 * SUN-SAT"),
        ("0 0 13 * +5", "0 0 13 * +FRI"),
        ("0 0 * * +5", "0 0 * * FRI"),
        (
            "*/2,5 0 */10,L,15w,lw,l-3 * */3,mon#2,5L",
            "*/2,5 0 */10,15W,L,L-3,LW * */3,MON#2,FRI#L",
        ),
        ("*/10 * * * * *", "0-50/10 * * * * *"),
        ("0 0 0 1 1 ? 2026-2030", "0 0 0 1 1 * 2026-2030"),
        ("0 0 0 1 1 ? 2026,2028,2030", "0 0 0 1 1 * 2026-2030/2"),
        ("*/90 0 * * *", "*/60 0 * * *"),
    ] {
        let schedule = cron(expr);
        assert_eq!(schedule.to_string(), canonical, "{expr}");
        assert_eq!(canonical.parse::<Schedule>().unwrap(), schedule, "{expr}");
    }
    let quartz = quartz("0 0 22-2 ? * FRI-MON");
    assert_eq!(quartz.to_string().parse::<Schedule>().unwrap(), quartz);
    let zone: Zone = "Asia/Shanghai".parse().unwrap();
    let zoned = Schedule::cron("30 2 * * *", Dialect::Cron, zone, Dst::Skip, 0).unwrap();
    assert_eq!(zoned.to_string(), "CRON_TZ=Asia/Shanghai DST=skip 30 2 * * *");
    assert_eq!(zoned.to_string().parse::<Schedule>().unwrap(), zoned);
}

#[test]
fn intervals_keep_their_phase() {
    let minutes = |n: u64| std::time::Duration::from_secs(60 * n);
    let every = Schedule::every(minutes(10), Time::EPOCH).unwrap();
    assert_eq!(every.next(utc("2026-11-21 04:16")), Some(utc("2026-11-21 04:20")));
    assert_eq!(every.next(utc("2026-11-21 04:20")), Some(utc("2026-11-21 04:30")));
    assert_eq!(every.prev(utc("2026-11-21 04:20")), Some(utc("2026-11-21 04:10")));
    let anchored = Schedule::every(minutes(7), utc("2026-11-21 04:16")).unwrap();
    assert_eq!(
        anchored.next(utc("2026-11-21 04:15:59")),
        Some(utc("2026-11-21 04:16"))
    );
    assert_eq!(
        anchored.next(utc("2026-11-21 04:00")),
        Some(utc("2026-11-21 04:02"))
    );
    assert_eq!(anchored.to_string().parse::<Schedule>().unwrap(), anchored);
    assert_eq!(every.next(Time::from_millis(i64::MAX)), None);
    assert_eq!(every.prev(Time::from_millis(i64::MIN)), None);
}

#[test]
fn instants_come_in_order_and_once() {
    let (a, b) = (utc("2026-01-01 00:00"), utc("2026-06-01 12:00:30"));
    let at = Schedule::at(vec![b, a, b]).unwrap();
    assert_eq!(
        at.between(Time::from_millis(i64::MIN), Time::MAX)
            .collect::<Vec<_>>(),
        [a, b]
    );
    assert_eq!(at.next(a), Some(b));
    assert_eq!(at.next(b), None);
    assert_eq!(at.prev(b), Some(a));
    assert_eq!(at.prev(a), None);
    assert_eq!(at.to_string().parse::<Schedule>().unwrap(), at);
}

#[test]
fn milliseconds_do_not_hide_a_fire() {
    let daily = cron("0 0 * * *");
    let fire = utc("2026-01-02 00:00");
    assert_eq!(daily.next(Time::from_millis(fire.as_millis() - 1)), Some(fire));
    assert_eq!(daily.next(fire), Some(utc("2026-01-03 00:00")));
    assert_eq!(daily.prev(Time::from_millis(fire.as_millis() + 1)), Some(fire));
    assert_eq!(daily.prev(fire), Some(utc("2026-01-01 00:00")));
}

#[test]
fn the_years_end() {
    let daily = cron("0 0 * * *");
    assert_eq!(daily.next(Time::from_millis(i64::MIN)), Some(Time::EPOCH));
    assert_eq!(daily.next(utc("2199-12-31 00:00")), None);
    assert_eq!(
        daily.prev(Time::from_millis(i64::MAX)),
        Some(utc("2199-12-31 00:00"))
    );
    assert_eq!(daily.prev(Time::EPOCH), None);
    let over = cron("0 0 0 1 1 * 1999");
    assert_eq!(over.next(utc("2026-01-01 00:00")), None);
    let error = over.check_ahead(utc("2026-01-01 00:00")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the schedule is over: it fired for the last time at 1999-01-01T00:00:00.000Z"
    );
    assert!(over.check_ahead(utc("1998-01-01 00:00")).is_ok());
}

#[test]
fn a_schedule_is_small() {
    assert!(size_of::<Schedule>() <= 64, "{}", size_of::<Schedule>());
}
