//! The odd changes of the clock, one by one, each fire with the offset it has.
//!
//! Source of the changes: the IANA time zone database; of the rule: DESIGN section 7.

use expect_test::{Expect, expect};
use jiff::Timestamp;
use shared::{
    schedule::{Dst, Schedule, Zone},
    time::Time,
};

use crate::{in_zone, jiff_zone, utc};

fn list(schedule: &Schedule, zone: &str, after: &str, count: usize) -> String {
    let zone: Zone = zone.parse().unwrap();
    let show = |t: Time| {
        let t: Timestamp = t.timestamp();
        t.to_zoned(jiff_zone(zone))
            .strftime("%a %F %T %::z\n")
            .to_string()
    };
    schedule
        .between(utc(after), Time::MAX)
        .take(count)
        .map(show)
        .collect()
}

fn check(zone: &str, expr: &str, after: &str, count: usize, expect: Expect) {
    expect.assert_eq(&list(&in_zone(expr, zone, Dst::Tick), zone, after, count));
}

/// A plain hour, at 02:00 and at 03:00.
#[test]
fn berlin_both_ways() {
    check(
        "Europe/Berlin",
        "30 2 * * *",
        "2026-03-28 00:00",
        3,
        expect![[r#"
        Sat 2026-03-28 02:30:00 +01:00:00
        Sun 2026-03-29 03:00:00 +02:00:00
        Mon 2026-03-30 02:30:00 +02:00:00
    "#]],
    );
    check(
        "Europe/Berlin",
        "0,15,30 2,3 * * *",
        "2026-03-29 00:00",
        4,
        expect![[r#"
        Sun 2026-03-29 03:00:00 +02:00:00
        Sun 2026-03-29 03:15:00 +02:00:00
        Sun 2026-03-29 03:30:00 +02:00:00
        Mon 2026-03-30 02:00:00 +02:00:00
    "#]],
    );
    check(
        "Europe/Berlin",
        "*/30 * * * *",
        "2026-03-29 00:00",
        5,
        expect![[r#"
        Sun 2026-03-29 01:30:00 +01:00:00
        Sun 2026-03-29 03:00:00 +02:00:00
        Sun 2026-03-29 03:30:00 +02:00:00
        Sun 2026-03-29 04:00:00 +02:00:00
        Sun 2026-03-29 04:30:00 +02:00:00
    "#]],
    );
    check(
        "Europe/Berlin",
        "* 2 * * *",
        "2026-03-29 00:00",
        2,
        expect![[r#"
        Mon 2026-03-30 02:00:00 +02:00:00
        Mon 2026-03-30 02:01:00 +02:00:00
    "#]],
    );
    check(
        "Europe/Berlin",
        "30 2 * * *",
        "2026-10-24 12:00",
        2,
        expect![[r#"
        Sun 2026-10-25 02:30:00 +02:00:00
        Mon 2026-10-26 02:30:00 +01:00:00
    "#]],
    );
    check(
        "Europe/Berlin",
        "30 2 * * *",
        "2026-10-25 00:45",
        1,
        expect![[r#"
        Mon 2026-10-26 02:30:00 +01:00:00
    "#]],
    );
    check(
        "Europe/Berlin",
        "*/30 * * * *",
        "2026-10-24 23:59",
        7,
        expect![[r#"
        Sun 2026-10-25 02:00:00 +02:00:00
        Sun 2026-10-25 02:30:00 +02:00:00
        Sun 2026-10-25 02:00:00 +01:00:00
        Sun 2026-10-25 02:30:00 +01:00:00
        Sun 2026-10-25 03:00:00 +01:00:00
        Sun 2026-10-25 03:30:00 +01:00:00
        Sun 2026-10-25 04:00:00 +01:00:00
    "#]],
    );
    check(
        "Europe/Berlin",
        "5,50 1-3 * * *",
        "2026-10-24 23:00",
        6,
        expect![[r#"
        Sun 2026-10-25 01:05:00 +02:00:00
        Sun 2026-10-25 01:50:00 +02:00:00
        Sun 2026-10-25 02:05:00 +02:00:00
        Sun 2026-10-25 02:50:00 +02:00:00
        Sun 2026-10-25 03:05:00 +01:00:00
        Sun 2026-10-25 03:50:00 +01:00:00
    "#]],
    );
}

#[test]
fn seconds_follow_the_same_rule() {
    check(
        "Europe/Berlin",
        "*/20 30 2 * * *",
        "2026-03-28 02:00",
        5,
        expect![[r#"
        Sun 2026-03-29 03:00:00 +02:00:00
        Mon 2026-03-30 02:30:00 +02:00:00
        Mon 2026-03-30 02:30:20 +02:00:00
        Mon 2026-03-30 02:30:40 +02:00:00
        Tue 2026-03-31 02:30:00 +02:00:00
    "#]],
    );
    check(
        "Europe/Berlin",
        "10,40 30 2 * * *",
        "2026-10-24 23:00",
        4,
        expect![[r#"
        Sun 2026-10-25 02:30:10 +02:00:00
        Sun 2026-10-25 02:30:40 +02:00:00
        Mon 2026-10-26 02:30:10 +01:00:00
        Mon 2026-10-26 02:30:40 +01:00:00
    "#]],
    );
    check(
        "Europe/Berlin",
        "0 30 2 29 3 ? 2026",
        "2026-01-01 00:00",
        2,
        expect![[r#"
        Sun 2026-03-29 03:00:00 +02:00:00
    "#]],
    );
}

#[test]
fn lord_howe_half_an_hour() {
    check(
        "Australia/Lord_Howe",
        "15 2 * * *",
        "2026-10-02 15:00",
        3,
        expect![[r#"
        Sat 2026-10-03 02:15:00 +10:30:00
        Sun 2026-10-04 02:30:00 +11:00:00
        Mon 2026-10-05 02:15:00 +11:00:00
    "#]],
    );
    check(
        "Australia/Lord_Howe",
        "45 1 * * *",
        "2026-04-03 15:00",
        3,
        expect![[r#"
        Sun 2026-04-05 01:45:00 +11:00:00
        Mon 2026-04-06 01:45:00 +10:30:00
        Tue 2026-04-07 01:45:00 +10:30:00
    "#]],
    );
    check(
        "Australia/Lord_Howe",
        "*/15 * * * *",
        "2026-04-04 14:20",
        6,
        expect![[r#"
        Sun 2026-04-05 01:30:00 +11:00:00
        Sun 2026-04-05 01:45:00 +11:00:00
        Sun 2026-04-05 01:30:00 +10:30:00
        Sun 2026-04-05 01:45:00 +10:30:00
        Sun 2026-04-05 02:00:00 +10:30:00
        Sun 2026-04-05 02:15:00 +10:30:00
    "#]],
    );
    check(
        "Australia/Lord_Howe",
        "15 * * * *",
        "2026-10-03 14:20",
        3,
        expect![[r#"
        Sun 2026-10-04 01:15:00 +10:30:00
        Sun 2026-10-04 03:15:00 +11:00:00
        Sun 2026-10-04 04:15:00 +11:00:00
    "#]],
    );
}

/// The gap is the day's first hour, the repeat too.
#[test]
fn havana_at_midnight() {
    check(
        "America/Havana",
        "@daily",
        "2026-03-07 12:00",
        3,
        expect![[r#"
        Sun 2026-03-08 01:00:00 -04:00:00
        Mon 2026-03-09 00:00:00 -04:00:00
        Tue 2026-03-10 00:00:00 -04:00:00
    "#]],
    );
    check(
        "America/Havana",
        "30 0 * * *",
        "2026-10-31 12:00",
        3,
        expect![[r#"
        Sun 2026-11-01 00:30:00 -04:00:00
        Mon 2026-11-02 00:30:00 -05:00:00
        Tue 2026-11-03 00:30:00 -05:00:00
    "#]],
    );
    check(
        "America/Havana",
        "0 * * * *",
        "2026-11-01 03:30",
        4,
        expect![[r#"
        Sun 2026-11-01 00:00:00 -04:00:00
        Sun 2026-11-01 00:00:00 -05:00:00
        Sun 2026-11-01 01:00:00 -05:00:00
        Sun 2026-11-01 02:00:00 -05:00:00
    "#]],
    );
}

#[test]
fn cairo_gap_at_midnight() {
    check(
        "Africa/Cairo",
        "@daily",
        "2026-04-22 22:30",
        3,
        expect![[r#"
        Fri 2026-04-24 01:00:00 +03:00:00
        Sat 2026-04-25 00:00:00 +03:00:00
        Sun 2026-04-26 00:00:00 +03:00:00
    "#]],
    );
    check(
        "Africa/Cairo",
        "59 23 * * *",
        "2026-10-29 12:00",
        2,
        expect![[r#"
        Thu 2026-10-29 23:59:00 +03:00:00
        Fri 2026-10-30 23:59:00 +02:00:00
    "#]],
    );
    check(
        "Africa/Cairo",
        "30 23 * * *",
        "2026-10-29 12:00",
        2,
        expect![[r#"
        Thu 2026-10-29 23:30:00 +03:00:00
        Fri 2026-10-30 23:30:00 +02:00:00
    "#]],
    );
}

#[test]
fn beirut_gap_at_midnight() {
    check(
        "Asia/Beirut",
        "0 0 * * SUN",
        "2026-03-22 12:00",
        2,
        expect![[r#"
        Sun 2026-03-29 01:00:00 +03:00:00
        Sun 2026-04-05 00:00:00 +03:00:00
    "#]],
    );
    check(
        "Asia/Beirut",
        "15 0 29 3 *",
        "2026-03-01 00:00",
        1,
        expect![[r#"
        Sun 2026-03-29 01:00:00 +03:00:00
    "#]],
    );
}

#[test]
fn sao_paulo_until_2019() {
    check(
        "America/Sao_Paulo",
        "0 0 * * *",
        "2018-11-03 12:00",
        2,
        expect![[r#"
        Sun 2018-11-04 01:00:00 -02:00:00
        Mon 2018-11-05 00:00:00 -02:00:00
    "#]],
    );
    check(
        "America/Sao_Paulo",
        "30 23 * * *",
        "2019-02-16 12:00",
        3,
        expect![[r#"
        Sat 2019-02-16 23:30:00 -02:00:00
        Sun 2019-02-17 23:30:00 -03:00:00
        Mon 2019-02-18 23:30:00 -03:00:00
    "#]],
    );
}

#[test]
fn asuncion_keeps_summer_time_since_2024() {
    check(
        "America/Asuncion",
        "30 0 6 10 *",
        "2024-01-01 00:00",
        2,
        expect![[r#"
        Sun 2024-10-06 01:00:00 -03:00:00
        Mon 2025-10-06 00:30:00 -03:00:00
    "#]],
    );
}

/// 30 December 2011 never was.
#[test]
fn apia_skips_a_day() {
    check(
        "Pacific/Apia",
        "30 2 * * *",
        "2011-12-29 00:00",
        4,
        expect![[r#"
        Thu 2011-12-29 02:30:00 -10:00:00
        Sat 2011-12-31 00:00:00 +14:00:00
        Sat 2011-12-31 02:30:00 +14:00:00
        Sun 2012-01-01 02:30:00 +14:00:00
    "#]],
    );
    check(
        "Pacific/Apia",
        "0 1-5 30 12 *",
        "2011-12-01 00:00",
        2,
        expect![[r#"
        Sat 2011-12-31 00:00:00 +14:00:00
        Sun 2012-12-30 01:00:00 +14:00:00
    "#]],
    );
    check(
        "Pacific/Apia",
        "0 */6 * * *",
        "2011-12-30 04:00",
        4,
        expect![[r#"
        Sat 2011-12-31 00:00:00 +14:00:00
        Sat 2011-12-31 06:00:00 +14:00:00
        Sat 2011-12-31 12:00:00 +14:00:00
        Sat 2011-12-31 18:00:00 +14:00:00
    "#]],
    );
    check(
        "Pacific/Apia",
        "0 9 * * FRI",
        "2011-12-24 00:00",
        2,
        expect![[r#"
        Sat 2011-12-31 00:00:00 +14:00:00
        Fri 2012-01-06 09:00:00 +14:00:00
    "#]],
    );
}

/// 21 August 1993 never was.
#[test]
fn kwajalein_skips_a_day() {
    check(
        "Pacific/Kwajalein",
        "0 12 * * *",
        "1993-08-19 23:00",
        4,
        expect![[r#"
        Thu 1993-08-19 12:00:00 -12:00:00
        Fri 1993-08-20 12:00:00 -12:00:00
        Sun 1993-08-22 00:00:00 +12:00:00
        Sun 1993-08-22 12:00:00 +12:00:00
    "#]],
    );
    check(
        "Pacific/Kwajalein",
        "0 12 21 8 *",
        "1993-01-01 00:00",
        2,
        expect![[r#"
        Sun 1993-08-22 00:00:00 +12:00:00
        Sun 1994-08-21 12:00:00 +12:00:00
    "#]],
    );
}

#[test]
fn kiritimati_skips_a_day() {
    check(
        "Pacific/Kiritimati",
        "0 12 * * *",
        "1994-12-30 00:00",
        4,
        expect![[r#"
        Fri 1994-12-30 12:00:00 -10:00:00
        Sun 1995-01-01 00:00:00 +14:00:00
        Sun 1995-01-01 12:00:00 +14:00:00
        Mon 1995-01-02 12:00:00 +14:00:00
    "#]],
    );
}

/// Summer time all year, but for Ramadan.
#[test]
fn casablanca_winter_in_ramadan() {
    check(
        "Africa/Casablanca",
        "30 2 * * *",
        "2026-02-14 12:00",
        2,
        expect![[r#"
        Sun 2026-02-15 02:30:00 +01:00:00
        Mon 2026-02-16 02:30:00 +00:00:00
    "#]],
    );
    check(
        "Africa/Casablanca",
        "30 2 * * *",
        "2026-03-21 12:00",
        2,
        expect![[r#"
        Sun 2026-03-22 03:00:00 +01:00:00
        Mon 2026-03-23 02:30:00 +01:00:00
    "#]],
    );
}

#[test]
fn dublin_counts_winter_as_the_exception() {
    check(
        "Europe/Dublin",
        "30 1 * * *",
        "2026-03-28 12:00",
        2,
        expect![[r#"
        Sun 2026-03-29 02:00:00 +01:00:00
        Mon 2026-03-30 01:30:00 +01:00:00
    "#]],
    );
    check(
        "Europe/Dublin",
        "30 1 * * *",
        "2026-10-24 12:00",
        2,
        expect![[r#"
        Sun 2026-10-25 01:30:00 +01:00:00
        Mon 2026-10-26 01:30:00 +00:00:00
    "#]],
    );
}

#[test]
fn troll_moves_two_hours() {
    check(
        "Antarctica/Troll",
        "30 2 * * *",
        "2026-03-28 12:00",
        2,
        expect![[r#"
        Sun 2026-03-29 03:00:00 +02:00:00
        Mon 2026-03-30 02:30:00 +02:00:00
    "#]],
    );
    check(
        "Antarctica/Troll",
        "0 1-3 * * *",
        "2026-03-28 12:00",
        4,
        expect![[r#"
        Sun 2026-03-29 03:00:00 +02:00:00
        Mon 2026-03-30 01:00:00 +02:00:00
        Mon 2026-03-30 02:00:00 +02:00:00
        Mon 2026-03-30 03:00:00 +02:00:00
    "#]],
    );
    check(
        "Antarctica/Troll",
        "30 2 * * *",
        "2026-10-24 12:00",
        2,
        expect![[r#"
        Sun 2026-10-25 02:30:00 +02:00:00
        Mon 2026-10-26 02:30:00 +00:00:00
    "#]],
    );
}

/// Half an hour back in 2015, and forth in 2018.
#[test]
fn pyongyang_changes_its_standard_time() {
    check(
        "Asia/Pyongyang",
        "45 23 * * *",
        "2015-08-13 15:00",
        3,
        expect![[r#"
        Fri 2015-08-14 23:45:00 +09:00:00
        Sat 2015-08-15 23:45:00 +08:30:00
        Sun 2015-08-16 23:45:00 +08:30:00
    "#]],
    );
    check(
        "Asia/Pyongyang",
        "45 23 * * *",
        "2018-05-03 15:00",
        3,
        expect![[r#"
        Thu 2018-05-03 23:45:00 +08:30:00
        Sat 2018-05-05 00:00:00 +09:00:00
        Sat 2018-05-05 23:45:00 +09:00:00
    "#]],
    );
}

#[test]
fn caracas_changes_its_standard_time() {
    check(
        "America/Caracas",
        "45 2 * * *",
        "2007-12-08 12:00",
        2,
        expect![[r#"
        Sun 2007-12-09 02:45:00 -04:00:00
        Mon 2007-12-10 02:45:00 -04:30:00
    "#]],
    );
    check(
        "America/Caracas",
        "45 2 * * *",
        "2016-04-30 12:00",
        2,
        expect![[r#"
        Sun 2016-05-01 03:00:00 -04:00:00
        Mon 2016-05-02 02:45:00 -04:00:00
    "#]],
    );
}

#[test]
fn kathmandu_gains_a_quarter() {
    check(
        "Asia/Kathmandu",
        "5 0 * * *",
        "1985-12-31 00:00",
        2,
        expect![[r#"
        Wed 1986-01-01 00:15:00 +05:45:00
        Thu 1986-01-02 00:05:00 +05:45:00
    "#]],
    );
}

#[test]
fn monrovia_gains_44_minutes_30() {
    check(
        "Africa/Monrovia",
        "30 0 * * *",
        "1972-01-06 12:00",
        2,
        expect![[r#"
        Fri 1972-01-07 00:44:30 +00:00:00
        Sat 1972-01-08 00:30:00 +00:00:00
    "#]],
    );
    check(
        "Africa/Monrovia",
        "0 0 * * * *",
        "1972-01-06 22:00",
        4,
        expect![[r#"
        Thu 1972-01-06 22:00:00 -00:44:30
        Thu 1972-01-06 23:00:00 -00:44:30
        Fri 1972-01-07 01:00:00 +00:00:00
        Fri 1972-01-07 02:00:00 +00:00:00
    "#]],
    );
}

#[test]
fn moscow_changes_its_standard_time() {
    check(
        "Europe/Moscow",
        "30 2 * * *",
        "2011-03-26 12:00",
        2,
        expect![[r#"
        Sun 2011-03-27 03:00:00 +04:00:00
        Mon 2011-03-28 02:30:00 +04:00:00
    "#]],
    );
    check(
        "Europe/Moscow",
        "30 1 * * *",
        "2014-10-25 12:00",
        2,
        expect![[r#"
        Sun 2014-10-26 01:30:00 +04:00:00
        Mon 2014-10-27 01:30:00 +03:00:00
    "#]],
    );
}

/// In 1988 by two hours.
#[test]
fn st_johns_one_minute_past_midnight() {
    check(
        "America/St_Johns",
        "30 0 * * *",
        "1988-04-02 12:00",
        3,
        expect![[r#"
        Sun 1988-04-03 02:01:00 -01:30:00
        Mon 1988-04-04 00:30:00 -01:30:00
        Tue 1988-04-05 00:30:00 -01:30:00
    "#]],
    );
    check(
        "America/St_Johns",
        "30 23 * * *",
        "1988-10-29 12:00",
        3,
        expect![[r#"
        Sat 1988-10-29 23:30:00 -01:30:00
        Sun 1988-10-30 23:30:00 -03:30:00
        Mon 1988-10-31 23:30:00 -03:30:00
    "#]],
    );
    check(
        "America/St_Johns",
        "0 0 * * *",
        "2006-10-28 12:00",
        2,
        expect![[r#"
        Sun 2006-10-29 00:00:00 -02:30:00
        Mon 2006-10-30 00:00:00 -03:30:00
    "#]],
    );
}

#[test]
fn almaty_gives_up_an_hour() {
    check(
        "Asia/Almaty",
        "30 23 * * *",
        "2024-02-28 20:00",
        3,
        expect![[r#"
        Thu 2024-02-29 23:30:00 +06:00:00
        Fri 2024-03-01 23:30:00 +05:00:00
        Sat 2024-03-02 23:30:00 +05:00:00
    "#]],
    );
}

#[test]
fn scoresbysund_in_2024() {
    check(
        "America/Scoresbysund",
        "30 23 * * *",
        "2024-03-30 12:00",
        3,
        expect![[r#"
        Sat 2024-03-30 23:30:00 -01:00:00
        Sun 2024-03-31 23:30:00 -01:00:00
        Mon 2024-04-01 23:30:00 -01:00:00
    "#]],
    );
}

/// `dst: skip`: the day without the time goes without the fire; all else is the same.
#[test]
fn skipping() {
    let skip = |expr, zone, after, count| list(&in_zone(expr, zone, Dst::Skip), zone, after, count);
    expect![[r#"
        Sat 2026-03-28 02:30:00 +01:00:00
        Mon 2026-03-30 02:30:00 +02:00:00
    "#]]
    .assert_eq(&skip("30 2 * * *", "Europe/Berlin", "2026-03-27 12:00", 2));
    expect![[r#"
        Sun 2026-10-25 02:30:00 +02:00:00
        Mon 2026-10-26 02:30:00 +01:00:00
    "#]]
    .assert_eq(&skip("30 2 * * *", "Europe/Berlin", "2026-10-24 12:00", 2));
    expect![[r#"
        Thu 2011-12-29 02:30:00 -10:00:00
        Sat 2011-12-31 02:30:00 +14:00:00
        Sun 2012-01-01 02:30:00 +14:00:00
    "#]]
    .assert_eq(&skip("30 2 * * *", "Pacific/Apia", "2011-12-29 00:00", 3));
    expect![[r#"
        Sun 2026-03-29 01:30:00 +01:00:00
        Sun 2026-03-29 03:00:00 +02:00:00
        Sun 2026-03-29 03:30:00 +02:00:00
        Sun 2026-03-29 04:00:00 +02:00:00
    "#]]
    .assert_eq(&skip("*/30 * * * *", "Europe/Berlin", "2026-03-29 00:00", 4));
}

#[test]
fn changes_are_told() {
    let zone: Zone = "Europe/Berlin".parse().unwrap();
    let changes: Vec<_> = zone
        .changes(utc("2026-01-01 00:00"), utc("2026-10-25 01:00"))
        .collect();
    let told: Vec<_> = changes.iter().map(|c| (c.at, c.before, c.after)).collect();
    assert_eq!(
        told,
        [
            (utc("2026-03-29 01:00"), 3600, 7200),
            (utc("2026-10-25 01:00"), 7200, 3600)
        ]
    );
    assert_eq!(
        zone.changes(utc("2026-10-25 01:00"), utc("2026-12-31 00:00"))
            .count(),
        0
    );
    assert_eq!(zone.offset(utc("2026-03-29 01:00")), 7200);
    assert_eq!(zone.offset(utc("2026-03-29 00:59:59")), 3600);
    assert_eq!(Zone::utc().changes(Time::EPOCH, Time::MAX).count(), 0);
}

/// Both sides of each change of each zone: what clocks show, and which instant that is. Times
/// that come twice are the first, and those that are jumped over lie behind the jump.
#[test]
fn clocks_are_read_as_jiff_reads_them() {
    let mut compared = 0;
    for name in Zone::names() {
        let zone: Zone = name.parse().unwrap();
        let theirs = jiff_zone(zone);
        let changes = zone.changes(Time::EPOCH, utc("2040-01-01 00:00"));
        for change in changes {
            for second in [-7_200, -1, 0, 1, 1_800, 90_000] {
                let at = Time::from_secs(change.at.as_secs() + second);
                let clock = zone.clock(at);
                assert_eq!(clock, theirs.to_datetime(at.timestamp()), "{name} at {at}");
                // What is shown then, and what would have been shown without the change.
                let unchanged = Time::from_secs(at.as_secs() + change.before);
                for clock in [clock, Zone::utc().clock(unchanged)] {
                    let wanted = theirs.to_timestamp(clock).unwrap();
                    assert_eq!(zone.instant(clock), wanted.into(), "{name}: {clock}");
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 100_000, "{compared}");
}
