//! What is refused, and in which words.

use expect_test::{Expect, expect};
use shared::schedule::{Dialect, Dst, Fault, Schedule, Zone};

fn refuse(dialect: Dialect, expr: &str) -> String {
    match Schedule::cron(expr, dialect, Zone::utc(), Dst::Tick, 0) {
        Ok(schedule) => panic!("`{expr}` was taken, as {schedule}"),
        Err(error) => error.to_string(),
    }
}

fn check(exprs: &[&str], dialect: Dialect, expect: Expect) {
    let lines: Vec<String> = exprs
        .iter()
        .map(|e| format!("`{}`\n    {}\n", e.escape_debug(), refuse(dialect, e)))
        .collect();
    expect.assert_eq(&lines.concat());
}

#[test]
fn dialect_cron() {
    let exprs = [
        "",
        "   ",
        "* * * *",
        "* * * * * * * *",
        "60 0 * * *",
        "0 24 * * *",
        "0 0 0 * *",
        "0 0 32 * *",
        "0 0 * 13 *",
        "0 0 * 0 *",
        "0 0 * * 8",
        "0 0 0 1 1 * 1969",
        "0 0 0 1 1 * 2200",
        "0 0 10-5 * *",
        "0 0 * * FRI-MON",
        "0 0 * * SAT-FRI",
        "0 0 /30 * *",
        "*/0 * * * *",
        "5-10/0 * * * *",
        "*/ * * * *",
        "1- * * * *",
        "-1 * * * *",
        "1,,2 * * * *",
        ",1 * * * *",
        "1, * * * *",
        "1-5-9 * * * *",
        "1/2/3 * * * *",
        "*5 * * * *",
        "** * * * *",
        "*-5 * * * *",
        "5* * * * *",
        "1.5 * * * *",
        "x * * * *",
        "? 12 * * *",
        "0 12 ?,5 * *",
        "0 12 5,? * *",
        "0 12 ?/2 * *",
        "0 12 +1 * MON",
        "0 12 1 * MON,+TUE",
        "0 12 1 * +",
        "0 12 1 * +?",
        "0 12 1 * ++MON",
        "0 0 * * L",
        "0 0 * * W",
        "0 0 W * *",
        "0 0 L/2 * *",
        "0 0 25-L * *",
        "0 0 L-31 * *",
        "0 0 L- * *",
        "0 0 LWL * *",
        "0 0 WL * *",
        "0 0 15WL * *",
        "0 0 1-15W * *",
        "0 0 15W-20 * *",
        "0 0 15W/2 * *",
        "0 0 32W * *",
        "0 0 0W * *",
        "0 0 * * MON-FRI#1",
        "0 0 * * MON#0",
        "0 0 * * MON#6",
        "0 0 * * MON#",
        "0 0 * * MON#1/2",
        "0 0 * * #1",
        "0 0 * * 5L-6",
        "0 0 * * 5LL",
        "0 0 * * MONDAY",
        "0 0 * * MONX",
        "0 0 * JANUARY *",
        "0 0 * MON *",
        "MON 0 * * *",
        "L * * * *",
        "0 0 MON * *",
        "0 0 * * 8L",
        "0 0 * * 8#1",
        "H(5-2) * * * *",
        "H(0-60) * * * *",
        "H(0 * * * *",
        "H() * * * *",
        "H/0 * * * *",
        "H-5 * * * *",
        "0 0 H(0-5) * *",
        "0 0 H(26-31) * *",
        "0 0 0 1 1 * H",
        "h5 * * * *",
        "@reboot",
        "@REBOOT",
        "@fortnightly",
        "@daily 0 0 * * *",
        "@every 5m",
        "@",
        "٣ * * * *",
        "0 0 * * 五",
        "０ 0 * * *",
        "0\n0 * * *",
        "0\u{a0}0 * * * *",
        "99999999999999999999 * * * *",
        "*/99999999999999999999x * * * *",
        "\u{1b}[31m 0 * * *",
        "30 2 * * * root",
    ];
    check(
        &exprs,
        Dialect::Cron,
        expect![[r#"
            ``
                the expression is empty; write 5 fields, such as `30 2 * * *`, at column 1
            `   `
                the expression is empty; write 5 fields, such as `30 2 * * *`, at column 1
            `* * * *`
                the expression has 4 fields; write 5 (minute, hour, day of month, month, day of week), 6 with seconds first, or 7 with a year last, at column 8
            `* * * * * * * *`
                the expression has 8 fields; write 5 (minute, hour, day of month, month, day of week), 6 with seconds first, or 7 with a year last, at column 15
            `60 0 * * *`
                minute: 60 is out of 0-59, at column 1
            `0 24 * * *`
                hour: 24 is out of 0-23, at column 3
            `0 0 0 * *`
                day of month: 0 is out of 1-31, at column 5
            `0 0 32 * *`
                day of month: 32 is out of 1-31, at column 5
            `0 0 * 13 *`
                month: 13 is out of 1-12, at column 7
            `0 0 * 0 *`
                month: 0 is out of 1-12, at column 7
            `0 0 * * 8`
                day of week: 8 is out of 0-7, at column 9
            `0 0 0 1 1 * 1969`
                year: 1969 is out of 1970-2199, at column 13
            `0 0 0 1 1 * 2200`
                year: 2200 is out of 1970-2199, at column 13
            `0 0 10-5 * *`
                day of month: the range 10-5 runs backwards; write it as two, with a comma, at column 5
            `0 0 * * FRI-MON`
                day of week: the range FRI-MON runs backwards; write it as two, with a comma, at column 9
            `0 0 * * SAT-FRI`
                day of week: the range SAT-FRI runs backwards; write it as two, with a comma, at column 9
            `0 0 /30 * *`
                day of month: a step follows a value, a range or a star, as in */5, at column 5
            `*/0 * * * *`
                minute: a step of 0 goes nowhere; 1 is the least, at column 3
            `5-10/0 * * * *`
                minute: a step of 0 goes nowhere; 1 is the least, at column 6
            `*/ * * * *`
                minute: a number is missing here, at column 3
            `1- * * * *`
                minute: a value is missing here; write 0-59, at column 3
            `-1 * * * *`
                minute: `-` is not understood here, at column 1
            `1,,2 * * * *`
                minute: a value is missing here; write 0-59, at column 3
            `,1 * * * *`
                minute: a value is missing here; write 0-59, at column 1
            `1, * * * *`
                minute: a value is missing here; write 0-59, at column 3
            `1-5-9 * * * *`
                minute: `-` is not understood here, at column 4
            `1/2/3 * * * *`
                minute: `/` is not understood here, at column 4
            `*5 * * * *`
                minute: `5` is not understood here, at column 2
            `** * * * *`
                minute: `*` is not understood here, at column 2
            `*-5 * * * *`
                minute: `-` is not understood here, at column 2
            `5* * * * *`
                minute: `*` is not understood here, at column 2
            `1.5 * * * *`
                minute: `.` is not understood here, at column 2
            `x * * * *`
                minute: `x` is not known; write 0-59, at column 1
            `? 12 * * *`
                minute: `?` is only for day of month and day of week; write `*`, at column 1
            `0 12 ?,5 * *`
                day of month: `?` stands alone, at column 6
            `0 12 5,? * *`
                day of month: `?` stands alone, at column 8
            `0 12 ?/2 * *`
                day of month: `?` stands alone, at column 6
            `0 12 +1 * MON`
                day of month: `+` is only for the start of day of week, at column 6
            `0 12 1 * MON,+TUE`
                day of week: `+` is only for the start of day of week, at column 14
            `0 12 1 * +`
                day of week: a value is missing here; write 0-7 or SUN-SAT, at column 11
            `0 12 1 * +?`
                day of week: `?` stands alone, at column 11
            `0 12 1 * ++MON`
                day of week: `+` is only for the start of day of week, at column 11
            `0 0 * * L`
                day of week: a bare L says no weekday; write FRIL for the last Friday, or SAT for Saturday, at column 9
            `0 0 * * W`
                day of week: W is for day of month; write MON-FRI for working days, at column 9
            `0 0 W * *`
                day of month: W follows a day, as in 15W, or L, as in LW, at column 5
            `0 0 L/2 * *`
                day of month: a step cannot follow L, W or #, at column 6
            `0 0 25-L * *`
                day of month: L is no end of a range; write 25-31 for days to the end of the month, at column 8
            `0 0 L-31 * *`
                day of month: L-31 is before every month's first; L-30 is the most, at column 7
            `0 0 L- * *`
                day of month: a number is missing here, at column 7
            `0 0 LWL * *`
                day of month: `L` is not understood here, at column 7
            `0 0 WL * *`
                day of month: `WL` is not known; write 1-31, at column 5
            `0 0 15WL * *`
                day of month: `L` is not understood here, at column 8
            `0 0 1-15W * *`
                day of month: `W` goes with a single day, not with a range, at column 9
            `0 0 15W-20 * *`
                day of month: L, W and # go with a single day, not with a range, at column 8
            `0 0 15W/2 * *`
                day of month: a step cannot follow L, W or #, at column 8
            `0 0 32W * *`
                day of month: 32 is out of 1-31, at column 5
            `0 0 0W * *`
                day of month: 0 is out of 1-31, at column 5
            `0 0 * * MON-FRI#1`
                day of week: `#` goes with a single day, not with a range, at column 16
            `0 0 * * MON#0`
                day of week: 0 after # is out of 1-5, at column 13
            `0 0 * * MON#6`
                day of week: 6 after # is out of 1-5, at column 13
            `0 0 * * MON#`
                day of week: after # stands 1 to 5, or L for the last, at column 13
            `0 0 * * MON#1/2`
                day of week: a step cannot follow L, W or #, at column 14
            `0 0 * * #1`
                day of week: `#` is not understood here, at column 9
            `0 0 * * 5L-6`
                day of week: L, W and # go with a single day, not with a range, at column 11
            `0 0 * * 5LL`
                day of week: `L` is not understood here, at column 11
            `0 0 * * MONDAY`
                day of week: `MONDAY` is not known; write MON, at column 9
            `0 0 * * MONX`
                day of week: `MONX` is not known; write MON, at column 9
            `0 0 * JANUARY *`
                month: `JANUARY` is not known; write JAN, at column 7
            `0 0 * MON *`
                month: `MON` is not known; write 1-12 or JAN-DEC, at column 7
            `MON 0 * * *`
                minute: `MON` is not known; write 0-59, at column 1
            `L * * * *`
                minute: `L` is only for the two day fields, at column 1
            `0 0 MON * *`
                day of month: `MON` is not known; write 1-31, at column 5
            `0 0 * * 8L`
                day of week: 8 is out of 0-7, at column 9
            `0 0 * * 8#1`
                day of week: 8 is out of 0-7, at column 9
            `H(5-2) * * * *`
                minute: the range of H(5-2) runs backwards, at column 1
            `H(0-60) * * * *`
                minute: 60 is out of 0-59, at column 5
            `H(0 * * * *`
                minute: `H(` is followed by a range, such as `H(0-29)`, at column 4
            `H() * * * *`
                minute: a value is missing here; write 0-59, at column 3
            `H/0 * * * *`
                minute: a step of 0 goes nowhere; 1 is the least, at column 3
            `H-5 * * * *`
                minute: `-` is not understood here, at column 2
            `0 0 H(0-5) * *`
                day of month: 0 is out of 1-31, at column 7
            `0 0 H(26-31) * *`
                day of month: `H` goes to day 28 at most, which every month has, at column 5
            `0 0 0 1 1 * H`
                year: `H` is not for years, at column 13
            `h5 * * * *`
                minute: `h` is not known; write 0-59, at column 1
            `@reboot`
                @reboot is not a time: a fleet's jobs run by the clock, whichever node is up; start it from the host's init instead (for example a systemd unit), at column 1
            `@REBOOT`
                @reboot is not a time: a fleet's jobs run by the clock, whichever node is up; start it from the host's init instead (for example a systemd unit), at column 1
            `@fortnightly`
                `@fortnightly` is not a nickname; known are @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly, at column 1
            `@daily 0 0 * * *`
                `@daily` stands alone, without fields after it, at column 1
            `@every 5m`
                `@every` is not a cron expression; write the trigger `every: 10m`, at column 1
            `@`
                `@` is not a nickname; known are @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly, at column 1
            `٣ * * * *`
                minute: `٣` is not understood here, at column 1
            `0 0 * * 五`
                day of week: `五` is not understood here, at column 9
            `０ 0 * * *`
                minute: `０` is not understood here, at column 1
            `0\n0 * * *`
                the expression has 4 fields; write 5 (minute, hour, day of month, month, day of week), 6 with seconds first, or 7 with a year last, at column 10
            `0\u{a0}0 * * * *`
                minute: `\u{a0}` is not understood here, at column 2
            `99999999999999999999 * * * *`
                minute: 99999999999999999999 is out of 0-59, at column 1
            `*/99999999999999999999x * * * *`
                minute: `x` is not understood here, at column 23
            `\u{1b}[31m 0 * * *`
                minute: `\u{1b}` is not understood here, at column 1
            `30 2 * * * root`
                day of week: `root` is not known; write 0-7 or SUN-SAT, at column 12
        "#]],
    );
}

#[test]
fn dialect_quartz() {
    let exprs = [
        "0 12 * * ?",
        "0 0 12 * * *",
        "0 0 12 1 * MON",
        "0 0 12 ? * ?",
        "0 0 12 ? * 0",
        "0 0 12 ? * 8",
        "0/60 * * * * ?",
        "* * */24 * * ?",
        "0 0 12 1/32 * ?",
        "0 0 0 1 1/13 ?",
        "0 0 0 ? * 1/8",
        "0 0 12 ? * L",
        "0 0 12 ? * +MON",
        "0 H 12 * * ?",
        "@daily",
        "@reboot",
        "0 0 12 * * ? 2030-2020",
        "? 0 12 * * ?",
        "0 0 12 ?,5 * MON",
        "0 0 12 ? * MON#6",
        "0 / 12 * * ?",
        "0 0 12 1-15W * ?",
    ];
    check(
        &exprs,
        Dialect::Quartz,
        expect![[r#"
            `0 12 * * ?`
                the expression has 5 fields; Quartz wants 6 (second, minute, hour, day of month, month, day of week), or 7 with a year last, at column 11
            `0 0 12 * * *`
                day of week: Quartz wants `?` in one of day of month and day of week, the one that does not decide, at column 12
            `0 0 12 1 * MON`
                day of week: Quartz wants `?` in one of day of month and day of week, the one that does not decide, at column 12
            `0 0 12 ? * ?`
                day of week: Quartz wants `?` in only one of day of month and day of week; write `*` here, at column 12
            `0 0 12 ? * 0`
                day of week: 0 is out of 1-7 (Quartz counts from 1 for SUN to 7 for SAT), at column 12
            `0 0 12 ? * 8`
                day of week: 8 is out of 1-7 (Quartz counts from 1 for SUN to 7 for SAT), at column 12
            `0/60 * * * * ?`
                second: the step 60 is larger than the field; 59 is the most, at column 3
            `* * */24 * * ?`
                hour: the step 24 is larger than the field; 23 is the most, at column 7
            `0 0 12 1/32 * ?`
                day of month: the step 32 is larger than the field; 31 is the most, at column 10
            `0 0 0 1 1/13 ?`
                month: the step 13 is larger than the field; 12 is the most, at column 11
            `0 0 0 ? * 1/8`
                day of week: the step 8 is larger than the field; 7 is the most, at column 13
            `0 0 12 ? * L`
                day of week: a bare L says no weekday; write FRIL for the last Friday, or SAT for Saturday, at column 12
            `0 0 12 ? * +MON`
                day of week: Quartz has no `+`, at column 12
            `0 H 12 * * ?`
                minute: Quartz has no `H`; use the dialect cron, at column 3
            `@daily`
                `@daily`: Quartz has no nicknames; write 6 or 7 fields, at column 1
            `@reboot`
                @reboot is not a time: a fleet's jobs run by the clock, whichever node is up; start it from the host's init instead (for example a systemd unit), at column 1
            `0 0 12 * * ? 2030-2020`
                year: the range 2030-2020 runs backwards; write it as two, with a comma, at column 14
            `? 0 12 * * ?`
                second: `?` is only for day of month and day of week; write `*`, at column 1
            `0 0 12 ?,5 * MON`
                day of week: Quartz wants `?` in one of day of month and day of week, the one that does not decide, at column 14
            `0 0 12 ? * MON#6`
                day of week: 6 after # is out of 1-5, at column 16
            `0 / 12 * * ?`
                minute: a number is missing here, at column 4
            `0 0 12 1-15W * ?`
                day of month: `W` goes with a single day, not with a range, at column 12
        "#]],
    );
}

#[test]
fn never() {
    for expr in [
        "0 0 30 2 *",
        "0 0 31 2,4,6,9,11 *",
        "0 0 31W 2,4,6 *",
        "0 0 L-30 2,4 *",
        "0 0 0 29 2 * 2023",
        "0 0 0 29 2 * 2100",
        "0 0 8-14 * +MON#1",
        "0 0 1 * +MON#5",
        "0 0 29 2 +MON#1",
        "0 0 0 29 2 +MON 2024-2040",
    ] {
        let error = Schedule::cron(expr, Dialect::Cron, Zone::utc(), Dst::Tick, 0).unwrap_err();
        assert_eq!(error.fault, Fault::Never, "{expr}: {error}");
    }
    // `H` is judged by all that it may stand for: a file is good for every job or for none.
    let with = |expr, seed| Schedule::cron(expr, Dialect::Cron, Zone::utc(), Dst::Tick, seed);
    for seed in 0..100 {
        for expr in [
            "0 0 31 H *",
            "0 0 30 H(2-7) *",
            "0 0 15W * +H",
            "0 0 0 H H +MON 2027",
            "0 0 L-30 H/12 *",
        ] {
            assert_eq!(with(expr, seed).unwrap_err().fault, Fault::Never, "{expr}");
        }
        for expr in [
            "0 0 H H H",
            "0 0 31 H(7-8) *",
            "0 0 0 H 2 * 2027",
            "0 0 H H +MON",
            "0 0 L-30 H/2 *",
        ] {
            assert!(with(expr, seed).is_ok(), "{expr} {seed}");
        }
    }
    // The only instants of this year's day lie in a gap of the clock.
    let zone: Zone = "Europe/Berlin".parse().unwrap();
    let gap = |expr, dst| Schedule::cron(expr, Dialect::Cron, zone, dst, 0);
    assert_eq!(
        gap("0 * 2 29 3 * 2026", Dst::Tick).unwrap_err().fault,
        Fault::Never
    );
    assert_eq!(
        gap("0 0 2 29 3 * 2026", Dst::Skip).unwrap_err().fault,
        Fault::Never
    );
    assert!(gap("0 0 2 29 3 * 2026", Dst::Tick).is_ok());
}

#[test]
fn intervals_instants_and_zones() {
    let refused = |seconds, ms: u32| {
        let interval = std::time::Duration::new(seconds, ms * 1_000_000);
        Schedule::every(interval, shared::time::Time::EPOCH)
            .unwrap_err()
            .to_string()
    };
    let wanted = "an interval is at least 1s and at most 200 years";
    assert_eq!(refused(0, 999), wanted);
    assert_eq!(refused(u64::MAX, 0), wanted);
    assert_eq!(
        Schedule::at(vec![]).unwrap_err().to_string(),
        "a list of instants needs at least one"
    );
    let zone = |name: &str| {
        name.parse::<Zone>()
            .map_or_else(|e| e.to_string(), |z| z.to_string())
    };
    assert_eq!(zone("asia/shanghai"), "Asia/Shanghai");
    assert_eq!(
        zone("Asia/Shangai"),
        "`Asia/Shangai` is not a time zone; did you mean `Asia/Shanghai`?"
    );
    assert_eq!(
        zone("New York"),
        "`New York` is not a time zone; did you mean `America/New_York`?"
    );
    assert_eq!(
        zone("qqqq"),
        "`qqqq` is not a time zone; write an IANA name such as Asia/Shanghai or UTC"
    );
    // The database's stand-in for a zone that nobody has chosen yet.
    assert_eq!(
        zone("Factory"),
        "`Factory` is not a time zone; write an IANA name such as Asia/Shanghai or UTC"
    );
    assert_eq!(
        zone(""),
        "`` is not a time zone; write an IANA name such as Asia/Shanghai or UTC"
    );
}
