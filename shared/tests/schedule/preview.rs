//! What people are shown of a schedule: local times in two zones, and what is odd about them.

use std::fmt::Write as _;

use expect_test::{Expect, expect};
use shared::{
    schedule::{Dst, Lang, Listing, MarkKind, Schedule, Zone, preview},
    time::Time,
};

use crate::{in_zone, utc};

fn show(listing: &Listing) -> String {
    let mut text = String::new();
    for (i, row) in listing.rows.iter().enumerate() {
        for change in listing.changes.iter().filter(|c| c.row as usize == i) {
            let (zone, from, to) = (change.zone, &change.from, &change.to);
            writeln!(text, "-- {} {zone} {from} to {to}: {}", change.at, change.words).unwrap();
        }
        let also = row.also.as_deref().unwrap_or("-");
        let mark = row.mark.as_ref();
        let mark = mark.map_or(String::new(), |m| format!(" {:?}: {}", m.kind, m.words));
        writeln!(text, "{} {also}{mark}", row.local).unwrap();
    }
    text
}

struct Case {
    expr: &'static str,
    zone: &'static str,
    dst: Dst,
    also: Option<&'static str>,
    after: &'static str,
    count: usize,
    lang: Lang,
}

const BERLIN: Case = Case {
    expr: "30 2 * * *",
    zone: "Europe/Berlin",
    dst: Dst::Tick,
    also: None,
    after: "2027-03-27 00:00",
    count: 3,
    lang: Lang::En,
};

fn check(case: Case, expect: Expect) {
    let schedule = in_zone(case.expr, case.zone, case.dst);
    let also = case.also.map(|zone| zone.parse().unwrap());
    let preview = preview(&schedule, utc(case.after), case.count, also, case.lang);
    expect.assert_eq(&show(&preview.listing));
    let rows = preview.listing.rows;
    assert!(preview.instants.iter().eq(rows.iter().map(|row| &row.at)));
    // What is shown is the instant itself, in any zone.
    for row in rows {
        for shown in [Some(row.local), row.also].into_iter().flatten() {
            assert_eq!(shown.parse::<Time>(), Ok(row.at), "{shown}");
        }
    }
}

#[test]
fn what_a_gap_holds_is_marked_where_it_fires() {
    check(
        BERLIN,
        expect![[r#"
        2027-03-27T02:30:00+01:00 -
        -- 2027-03-28T01:00:00.000Z Europe/Berlin +01:00 to +02:00: clocks go forward 1 h at 2027-03-28 02:00
        2027-03-28T03:00:00+02:00 - Moved: stands for 02:30, which the clocks jump over
        2027-03-29T02:30:00+02:00 -
    "#]],
    );
    check(
        Case {
            dst: Dst::Skip,
            ..BERLIN
        },
        expect![[r#"
            2027-03-27T02:30:00+01:00 -
            -- 2027-03-28T01:00:00.000Z Europe/Berlin +01:00 to +02:00: clocks go forward 1 h at 2027-03-28 02:00
            2027-03-29T02:30:00+02:00 -
            2027-03-30T02:30:00+02:00 -
        "#]],
    );
    check(
        Case {
            expr: "15 2,3 * * *",
            count: 4,
            ..BERLIN
        },
        expect![[r#"
            2027-03-27T02:15:00+01:00 -
            2027-03-27T03:15:00+01:00 -
            -- 2027-03-28T01:00:00.000Z Europe/Berlin +01:00 to +02:00: clocks go forward 1 h at 2027-03-28 02:00
            2027-03-28T03:00:00+02:00 - Moved: stands for 02:15, which the clocks jump over
            2027-03-28T03:15:00+02:00 -
        "#]],
    );
    check(
        Case {
            expr: "*/30 2 * * *",
            ..BERLIN
        },
        expect![[r#"
            2027-03-27T02:00:00+01:00 -
            2027-03-27T02:30:00+01:00 -
            -- 2027-03-28T01:00:00.000Z Europe/Berlin +01:00 to +02:00: clocks go forward 1 h at 2027-03-28 02:00
            2027-03-29T02:00:00+02:00 -
        "#]],
    );
    check(
        Case {
            lang: Lang::Zh,
            ..BERLIN
        },
        expect![[r#"
            2027-03-27T02:30:00+01:00 -
            -- 2027-03-28T01:00:00.000Z Europe/Berlin +01:00 to +02:00: 时钟在 2027-03-28 02:00 拨快 1 小时
            2027-03-28T03:00:00+02:00 - Moved: 代替被时钟跳过的 02:30
            2027-03-29T02:30:00+02:00 -
        "#]],
    );
}

#[test]
fn what_comes_twice_is_marked_the_first_time() {
    let back = Case {
        after: "2027-10-30 12:00",
        ..BERLIN
    };
    check(
        Case { count: 2, ..back },
        expect![[r#"
        2027-10-31T02:30:00+02:00 - First: 02:30 comes twice, this is the first
        -- 2027-10-31T01:00:00.000Z Europe/Berlin +02:00 to +01:00: clocks go back 1 h at 2027-10-31 03:00
        2027-11-01T02:30:00+01:00 -
    "#]],
    );
    check(
        Case {
            expr: "0 2,3 * * *",
            ..back
        },
        expect![[r#"
            2027-10-31T02:00:00+02:00 - First: 02:00 comes twice, this is the first
            -- 2027-10-31T01:00:00.000Z Europe/Berlin +02:00 to +01:00: clocks go back 1 h at 2027-10-31 03:00
            2027-10-31T03:00:00+01:00 -
            2027-11-01T02:00:00+01:00 -
        "#]],
    );
    check(
        Case {
            expr: "0 */1 * * *",
            after: "2027-10-30 23:30",
            ..back
        },
        expect![[r#"
            2027-10-31T02:00:00+02:00 -
            -- 2027-10-31T01:00:00.000Z Europe/Berlin +02:00 to +01:00: clocks go back 1 h at 2027-10-31 03:00
            2027-10-31T02:00:00+01:00 -
            2027-10-31T03:00:00+01:00 -
        "#]],
    );
    check(
        Case {
            count: 1,
            lang: Lang::Zh,
            ..back
        },
        expect![[r#"
            2027-10-31T02:30:00+02:00 - First: 02:30 出现两次，这是第一次
        "#]],
    );
}

#[test]
fn both_zones_show_their_own_changes() {
    check(
        Case {
            expr: "30 9 * * 1",
            also: Some("America/New_York"),
            after: "2027-03-08 00:00",
            count: 4,
            ..BERLIN
        },
        expect![[r#"
            2027-03-08T09:30:00+01:00 2027-03-08T03:30:00-05:00
            -- 2027-03-14T07:00:00.000Z America/New_York -05:00 to -04:00: clocks go forward 1 h at 2027-03-14 02:00
            2027-03-15T09:30:00+01:00 2027-03-15T04:30:00-04:00
            2027-03-22T09:30:00+01:00 2027-03-22T04:30:00-04:00
            -- 2027-03-28T01:00:00.000Z Europe/Berlin +01:00 to +02:00: clocks go forward 1 h at 2027-03-28 02:00
            2027-03-29T09:30:00+02:00 2027-03-29T03:30:00-04:00
        "#]],
    );
}

/// Half an hour on Lord Howe, a whole day on Samoa, offsets with seconds in Liberia.
#[test]
fn odd_zones_are_told_as_they_are() {
    let odd = |zone, expr, after| Case {
        zone,
        expr,
        after,
        also: Some("UTC"),
        ..BERLIN
    };
    check(
        odd("Australia/Lord_Howe", "15 2 * * *", "2026-10-02 00:00"),
        expect![[r#"
            2026-10-03T02:15:00+10:30 2026-10-02T15:45:00+00:00
            -- 2026-10-03T15:30:00.000Z Australia/Lord_Howe +10:30 to +11:00: clocks go forward 30 min at 2026-10-04 02:00
            2026-10-04T02:30:00+11:00 2026-10-03T15:30:00+00:00 Moved: stands for 02:15, which the clocks jump over
            2026-10-05T02:15:00+11:00 2026-10-04T15:15:00+00:00
        "#]],
    );
    check(
        odd("Australia/Lord_Howe", "45 1 * * *", "2027-04-02 00:00"),
        expect![[r#"
            2027-04-03T01:45:00+11:00 2027-04-02T14:45:00+00:00
            2027-04-04T01:45:00+11:00 2027-04-03T14:45:00+00:00 First: 01:45 comes twice, this is the first
            -- 2027-04-03T15:00:00.000Z Australia/Lord_Howe +11:00 to +10:30: clocks go back 30 min at 2027-04-04 02:00
            2027-04-05T01:45:00+10:30 2027-04-04T15:15:00+00:00
        "#]],
    );
    check(
        odd("Pacific/Apia", "30 12 * * *", "2011-12-29 00:00"),
        expect![[r#"
            2011-12-29T12:30:00-10:00 2011-12-29T22:30:00+00:00
            -- 2011-12-30T10:00:00.000Z Pacific/Apia -10:00 to +14:00: clocks go forward 24 h at 2011-12-30 00:00
            2011-12-31T00:00:00+14:00 2011-12-30T10:00:00+00:00 Moved: stands for 2011-12-30 12:30, which the clocks jump over
            2011-12-31T12:30:00+14:00 2011-12-30T22:30:00+00:00
        "#]],
    );
    check(
        odd("Africa/Monrovia", "0 12 * * *", "1972-01-05 00:00"),
        expect![[r#"
            1972-01-05T12:00:30-00:44 1972-01-05T12:44:30+00:00
            1972-01-06T12:00:30-00:44 1972-01-06T12:44:30+00:00
            -- 1972-01-07T00:44:30.000Z Africa/Monrovia -00:44:30 to +00:00: clocks go forward 44 min 30 s at 1972-01-07 00:00
            1972-01-07T12:00:00+00:00 1972-01-07T12:00:00+00:00
        "#]],
    );
}

/// A change before the first instant is told too, and one after the last is not.
#[test]
fn changes_are_told_from_where_one_asks_to_the_last_instant() {
    check(
        Case {
            expr: "0 12 1 7 *",
            count: 1,
            after: "2027-01-01 00:00",
            ..BERLIN
        },
        expect![[r#"
            -- 2027-03-28T01:00:00.000Z Europe/Berlin +01:00 to +02:00: clocks go forward 1 h at 2027-03-28 02:00
            2027-07-01T12:00:00+02:00 -
        "#]],
    );
    check(
        Case {
            expr: "0 12 1 7 *",
            count: 0,
            after: "2027-01-01 00:00",
            ..BERLIN
        },
        expect![[""]],
    );
}

#[test]
fn intervals_and_instants_are_shown_in_utc_without_marks() {
    let at = |text: &str| text.parse::<Time>().unwrap();
    let every = Schedule::every(std::time::Duration::from_millis(1500), Time::EPOCH).unwrap();
    let berlin: Zone = "Europe/Berlin".parse().unwrap();
    let shown = preview(&every, at("2027-03-28T00:59:58Z"), 2, Some(berlin), Lang::En);
    assert_eq!(shown.listing.zone, Zone::utc());
    expect![[r#"
        2027-03-28T00:59:58.500+00:00 2027-03-28T01:59:58.500+01:00
        -- 2027-03-28T01:00:00.000Z Europe/Berlin +01:00 to +02:00: clocks go forward 1 h at 2027-03-28 02:00
        2027-03-28T01:00:00+00:00 2027-03-28T03:00:00+02:00
    "#]]
    .assert_eq(&show(&shown.listing));
    let last = Schedule::at(vec![Time::MAX]).unwrap();
    let shown = preview(&last, Time::EPOCH, 9, Some(berlin), Lang::En);
    assert_eq!(shown.listing.rows.len(), 1);
    assert_eq!(shown.listing.rows[0].local.parse(), Ok(Time::MAX));
}

/// Two triggers, two zones: an instant has the mark of whichever is due then.
#[test]
fn a_job_of_several_triggers_is_one_list() {
    let schedules = [
        in_zone("0 12 * * *", "Asia/Tokyo", Dst::Tick),
        in_zone("30 2 * * *", "Europe/Berlin", Dst::Tick),
    ];
    let instants = ["2027-03-28 01:00", "2027-03-28 03:00"].map(utc);
    let listing = Listing::of(
        &schedules.iter().collect::<Vec<_>>(),
        utc("2027-03-27 12:00"),
        &instants,
        None,
        Lang::En,
    );
    assert_eq!(listing.zone.name(), "Asia/Tokyo");
    expect![[r#"
        -- 2027-03-28T01:00:00.000Z Europe/Berlin +01:00 to +02:00: clocks go forward 1 h at 2027-03-28 02:00
        2027-03-28T10:00:00+09:00 - Moved: stands for 02:30 in Europe/Berlin, which the clocks jump over
        2027-03-28T12:00:00+09:00 -
    "#]]
    .assert_eq(&show(&listing));
}

/// The marks against the rule read plainly: an instant is odd exactly where its wall time
/// is shown again later, or where the clocks jumped and the time asked for is not shown.
#[test]
fn marks_are_where_the_offsets_say() {
    for zone in [
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Africa/Casablanca",
        "Antarctica/Troll",
    ] {
        let parsed: Zone = zone.parse().unwrap();
        for minute in 0..8 {
            let expr = format!("{} {} * * *", minute % 4 * 15, minute / 4 + 1);
            let schedule = in_zone(&expr, zone, Dst::Tick);
            let shown = preview(&schedule, utc("2025-01-01 00:00"), 1100, None, Lang::En);
            for row in shown.listing.rows {
                let wall = |at: Time| at.as_secs() + parsed.offset(at);
                let asked = i64::from(minute / 4 + 1) * 3600 + i64::from(minute % 4) * 900;
                let again = (1..=240).any(|quarter| {
                    let later = Time::from_secs(row.at.as_secs() + quarter * 900);
                    wall(later) == wall(row.at)
                });
                let expected = match wall(row.at).rem_euclid(86_400) == asked {
                    false => Some(MarkKind::Moved),
                    true if again => Some(MarkKind::First),
                    true => None,
                };
                assert_eq!(
                    row.mark.map(|m| m.kind),
                    expected,
                    "{expr} in {zone} at {}",
                    row.local
                );
            }
        }
    }
}
