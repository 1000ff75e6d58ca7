use expect_test::{Expect, expect};

use super::*;
use crate::calendar::{Named, to_yaml};

fn options() -> Options {
    Options {
        timezone: None,
        now: "2026-11-21T12:00:00Z".parse().unwrap(),
        from: "2026-11-01T00:00:00Z".parse().unwrap(),
        until: "2028-01-01T00:00:00Z".parse().unwrap(),
    }
}

/// A file with one event a text, its lines separated by `|`.
fn file(events: &[&str]) -> String {
    let events: Vec<String> = events
        .iter()
        .map(|e| format!("BEGIN:VEVENT\r\n{}\r\nEND:VEVENT", e.replace('|', "\r\n")))
        .collect();
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nX-WR-TIMEZONE:Europe/Berlin\r\n{}\r\nEND:VCALENDAR\r\n",
        events.join("\r\n")
    )
}

fn check(events: &[&str], expected: Expect) {
    expected.assert_eq(&shown(&file(events)));
}

fn shown(text: &str) -> String {
    match import(text.as_bytes(), &options()) {
        Ok(found) => {
            let named = Named {
                name: "x".parse().unwrap(),
                calendar: found.calendar,
            };
            let notes: String = found
                .notes
                .iter()
                .map(|n| format!("# line {}: {}\n", n.line, n.text))
                .collect();
            format!("{}# {} events\n{notes}", to_yaml(&named), found.events)
        }
        Err(error) => format!("{error}\n"),
    }
}

#[test]
fn days_and_times() {
    check(
        &[
            "SUMMARY:Christmas|DTSTART;VALUE=DATE:20261225|DTEND;VALUE=DATE:20261227",
            "DTSTART;VALUE=DATE:20270101|TRANSP:TRANSPARENT",
            "DTSTART;VALUE=DATE:20270401|DURATION:P1W",
            "DTSTART:20270301T080000|DTEND:20270301T093000",
            "DTSTART:20270302T080000Z|DURATION:PT1H30M",
            "DTSTART;TZID=America/New_York:20270303T180000|DTEND;TZID=America/New_York:20270304T020000",
            // It comes twice; and it overlaps the one before.
            "DTSTART:20261025T003000Z|DTEND:20261101T013000Z",
            "DTSTART:20261031T003000Z|DTEND:20261101T003000Z",
            "DTSTART;VALUE=DATE:20260101",
            "DTSTART:20270301T080000",
        ],
        expect![[r#"
            name: x
            timezone: Europe/Berlin
            dates: ["2027-01-01"]
            ranges:
              - from: "2026-12-25"
                to: "2026-12-26"
              - from: "2027-04-01"
                to: "2027-04-07"
              - from: "2026-10-25T00:30:00Z"
                to: "2026-11-01T01:30:00Z"
              - from: "2027-03-01T08:00"
                to: "2027-03-01T09:30"
              - from: "2027-03-02T09:00"
                to: "2027-03-02T10:30"
              - from: "2027-03-04T00:00"
                to: "2027-03-04T08:00"
            # 8 events
            # line 37: nothing of the event is in the time that is taken over
            # line 40: the event begins and ends at once: it covers nothing
        "#]],
    );
}

#[test]
fn repeated_events() {
    check(
        &[
            "UID:a|DTSTART;VALUE=DATE:20201225|RRULE:FREQ=YEARLY",
            "UID:b|DTSTART;TZID=Europe/Berlin:20270308T220000|DTEND;TZID=Europe/Berlin:20270309T060000|RRULE:FREQ=WEEKLY;COUNT=5|EXDATE;TZID=Europe/Berlin:20270315T220000",
            "UID:b|RECURRENCE-ID;TZID=Europe/Berlin:20270322T220000|DTSTART;TZID=Europe/Berlin:20270323T220000|DURATION:PT1H",
            "UID:b|RECURRENCE-ID:20270405T200000Z|DTSTART:20270405T200000Z|DURATION:PT1H|STATUS:CANCELLED",
            "UID:c|DTSTART;VALUE=DATE:20270510|RRULE:FREQ=MONTHLY;UNTIL=20270710|RDATE;VALUE=DATE:20270801,20270802",
            // Local days, over a change of the clock.
            "UID:d|DTSTART:20270327T120000|DURATION:P1D",
        ],
        expect![[r#"
            name: x
            timezone: Europe/Berlin
            known_until: "2027-12-31"
            dates: ["2026-12-25", "2027-05-10", "2027-06-10", "2027-07-10", "2027-12-25"]
            ranges:
              - from: "2027-08-01"
                to: "2027-08-02"
              - from: "2027-03-08T22:00"
                to: "2027-03-09T06:00"
              - from: "2027-03-23T22:00"
                to: "2027-03-23T23:00"
              - from: "2027-03-27T12:00"
                to: "2027-03-28T12:00"
              - from: "2027-03-29T22:00"
                to: "2027-03-30T06:00"
            # 5 events
            # line 22: the event is cancelled
        "#]],
    );
}

#[test]
fn an_event_begins_with_its_dtstart_whatever_its_rule_says() {
    check(
        &[
            // A Friday. It counts.
            "DTSTART;VALUE=DATE:20270101|RRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=3",
            "DTSTART;TZID=Europe/Berlin:20270203T220000|DURATION:PT1H|RRULE:FREQ=MONTHLY;BYMONTHDAY=5;UNTIL=20270331",
            // And may be taken away.
            "DTSTART;VALUE=DATE:20270501|RRULE:FREQ=YEARLY;BYMONTH=6;BYMONTHDAY=1;COUNT=2|EXDATE;VALUE=DATE:20270501",
        ],
        expect![[r#"
            name: x
            timezone: Europe/Berlin
            dates: ["2027-01-01", "2027-01-04", "2027-01-11", "2027-06-01"]
            ranges:
              - from: "2027-02-03T22:00"
                to: "2027-02-03T23:00"
              - from: "2027-02-05T22:00"
                to: "2027-02-05T23:00"
              - from: "2027-03-05T22:00"
                to: "2027-03-05T23:00"
            # 3 events
        "#]],
    );
}

#[test]
fn a_day_alone_takes_away_what_begins_on_it() {
    check(
        &[
            "UID:a|DTSTART;TZID=America/New_York:20270301T200000|DURATION:PT1H|RRULE:FREQ=DAILY;COUNT=4\
             |EXDATE;VALUE=DATE:20270302,20270303",
            "UID:b|DTSTART:20270401T200000Z|DURATION:PT1H|RRULE:FREQ=DAILY;COUNT=2|EXDATE;VALUE=DATE:20270401",
            "UID:c|DTSTART:20270501T080000|DURATION:PT1H|RRULE:FREQ=DAILY;COUNT=2",
            "UID:c|RECURRENCE-ID;VALUE=DATE:20270502|DTSTART:20270502T100000|DURATION:PT1H",
        ],
        expect![[r#"
            name: x
            timezone: Europe/Berlin
            ranges:
              - from: "2027-03-02T02:00"
                to: "2027-03-02T03:00"
              - from: "2027-03-05T02:00"
                to: "2027-03-05T03:00"
              - from: "2027-04-02T22:00"
                to: "2027-04-02T23:00"
              - from: "2027-05-01T08:00"
                to: "2027-05-01T09:00"
              - from: "2027-05-02T10:00"
                to: "2027-05-02T11:00"
            # 4 events
        "#]],
    );
}

#[test]
fn a_rule_may_say_the_hour_that_the_event_has() {
    check(
        &[
            "DTSTART:20270301T091530|DURATION:PT1H|RRULE:FREQ=DAILY;COUNT=2;BYHOUR=9;BYMINUTE=15;BYSECOND=30",
            "DTSTART:20270401T090000Z|DURATION:PT1H|RRULE:FREQ=DAILY;COUNT=1;BYHOUR=09;BYMINUTE=0;BYSECOND=00",
            "DTSTART;VALUE=DATE:20270501|RRULE:FREQ=DAILY;COUNT=1;BYHOUR=0",
        ],
        expect![[r#"
            name: x
            timezone: Europe/Berlin
            dates: ["2027-05-01"]
            ranges:
              - from: "2027-03-01T09:15:30"
                to: "2027-03-01T10:15:30"
              - from: "2027-03-02T09:15:30"
                to: "2027-03-02T10:15:30"
              - from: "2027-04-01T11:00"
                to: "2027-04-01T12:00"
            # 3 events
        "#]],
    );
}

#[test]
fn an_event_may_have_begun_before_all_calendars() {
    check(
        &[
            "DTSTART;VALUE=DATE:19501003|DTEND;VALUE=DATE:19501004|RRULE:FREQ=YEARLY",
            "DTSTART;VALUE=DATE:16010223|RRULE:FREQ=YEARLY;BYMONTH=2;BYDAY=-1MO|EXDATE;VALUE=DATE:19690224",
            // Every fifth year and 150th week, counted from where they began.
            "DTSTART;VALUE=DATE:19570606|RRULE:FREQ=YEARLY;INTERVAL=5",
            "DTSTART;TZID=Europe/Berlin:19690602T080000|DTEND;TZID=Europe/Berlin:19690602T090000\
             |RRULE:FREQ=WEEKLY;INTERVAL=150",
            "DTSTART;VALUE=DATE:19270101|RRULE:FREQ=YEARLY;COUNT=101",
            "DTSTART;VALUE=DATE:19270202|RRULE:FREQ=YEARLY;COUNT=100",
            "DTSTART;VALUE=DATE:19270303",
            "DTSTART;VALUE=DATE:19270404|RRULE:FREQ=YEARLY;UNTIL=19690101",
        ],
        expect![[r#"
            name: x
            timezone: Europe/Berlin
            known_until: "2027-12-31"
            dates: ["2027-01-01", "2027-02-22", "2027-06-06", "2027-10-03"]
            ranges:
              - from: "2026-11-30T08:00"
                to: "2026-11-30T09:00"
            # 5 events
            # line 27: nothing of the event is in the time that is taken over
            # line 31: nothing of the event is in the time that is taken over
            # line 34: nothing of the event is in the time that is taken over
        "#]],
    );
}

#[test]
fn a_calendar_takes_the_zone_that_its_file_names() {
    let zone = |head: &str, event: &str, given: Option<Zone>| {
        let text = format!(
            "BEGIN:VCALENDAR\n{head}BEGIN:VEVENT\nDTSTART;VALUE=DATE:20270101\n{event}END:VEVENT\nEND:VCALENDAR\n"
        );
        let options = Options {
            timezone: given,
            ..options()
        };
        let found = import(text.as_bytes(), &options).unwrap();
        (found.calendar.timezone.to_string(), found.zone_from)
    };
    let own = "X-WR-TIMEZONE:Europe/Paris\n";
    let defined = "BEGIN:VTIMEZONE\nTZID:Europe/Berlin\nEND:VTIMEZONE\n";
    let custom = "BEGIN:VTIMEZONE\nTZID:Customized Time Zone\nEND:VTIMEZONE\n";
    let rome = "EXDATE;TZID=Europe/Rome;VALUE=DATE:20270105\n";
    let oslo = "RDATE;TZID=Europe/Oslo;VALUE=DATE:20270106\n";
    for (head, event, expected) in [
        (own, rome, ("Europe/Paris", ZoneFrom::File)),
        (defined, rome, ("Europe/Rome", ZoneFrom::Only)),
        (defined, "", ("Europe/Berlin", ZoneFrom::Only)),
        (custom, "", ("UTC", ZoneFrom::Nowhere)),
        ("", "", ("UTC", ZoneFrom::Nowhere)),
        ("", &format!("{rome}{oslo}"), ("UTC", ZoneFrom::Nowhere)),
        ("", &format!("{rome}{rome}"), ("Europe/Rome", ZoneFrom::Only)),
    ] {
        let expected = (expected.0.to_owned(), expected.1);
        assert_eq!(zone(head, event, None), expected, "{head}{event}");
        let given = zone(head, event, Some("Asia/Tokyo".parse().unwrap()));
        assert_eq!(given, ("Asia/Tokyo".to_owned(), ZoneFrom::Options));
    }
}

/// As Outlook writes them.
#[test]
fn zones_go_by_their_names_of_windows_too() {
    let text = "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:W. Europe Standard Time\nBEGIN:STANDARD\n\
                DTSTART:16010101T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\n\
                RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10\nEND:STANDARD\nEND:VTIMEZONE\n\
                BEGIN:VEVENT\nDTSTART;TZID=W. Europe Standard Time:20270701T080000\n\
                DTEND;TZID=\"India Standard Time\":20270701T133000\nEND:VEVENT\nEND:VCALENDAR\n";
    expect![[r#"
        name: x
        timezone: Europe/Berlin
        ranges:
          - from: "2027-07-01T08:00"
            to: "2027-07-01T13:30"
        # 1 events
    "#]]
    .assert_eq(&shown(
        &text.replace("\"India Standard Time\"", "W. Europe Standard Time"),
    ));
    let given = Options {
        timezone: Some("Europe/Berlin".parse().unwrap()),
        ..options()
    };
    let found = import(text.as_bytes(), &given).unwrap();
    assert_eq!(found.calendar.ranges[0].to.to_string(), "2027-07-01T10:00");
    let own = text.replacen(
        "BEGIN:VTIMEZONE",
        "X-WR-TIMEZONE:Tokyo Standard Time\nBEGIN:VTIMEZONE",
        1,
    );
    let found = import(own.as_bytes(), &options()).unwrap();
    assert_eq!(found.calendar.timezone.name(), "Asia/Tokyo");
}

/// What has begun; whether its first occurrence is of its own rule or not.
#[test]
fn what_is_each_week_for_ever_becomes_a_window() {
    check(
        &[
            "DTSTART;TZID=Europe/Berlin:20261109T090000|DTEND;TZID=Europe/Berlin:20261109T170000\
             |RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
            "DTSTART:20190101T220000|DURATION:PT8H|RRULE:FREQ=DAILY",
            "DTSTART:20190104T180000|DURATION:P2DT12H|RRULE:FREQ=WEEKLY",
            "DTSTART:20190104T233000|DURATION:PT30M|RRULE:FREQ=WEEKLY;INTERVAL=1;WKST=SU",
            "DTSTART;VALUE=DATE:19500101|RRULE:FREQ=WEEKLY;BYDAY=SU",
            "DTSTART;VALUE=DATE:20190105|RRULE:FREQ=DAILY;BYDAY=SA,SU",
            "DTSTART;VALUE=DATE:20261112|RRULE:FREQ=WEEKLY;BYDAY=WE",
            // The clock was set in the first night: by the clock it is eight hours.
            "DTSTART:20260328T210000|DTEND;TZID=Europe/Berlin:20260329T050000|RRULE:FREQ=WEEKLY;BYDAY=SA",
        ],
        expect![[r#"
            name: x
            timezone: Europe/Berlin
            dates: ["2026-11-12"]
            weekly:
              - days: [mon]
                to: "06:00"
              - days: [wed, sat, sun]
              - days: [mon-fri]
                from: "09:00"
                to: "17:00"
              - days: [fri]
                from: "18:00"
              - days: [sat]
                from: "21:00"
                to: "05:00"
              - from: "22:00"
                to: "06:00"
              - days: [fri]
                from: "23:30"
            # 8 events
        "#]],
    );
    // A day and more from a time on, and the whole week and more.
    check(
        &[
            "DTSTART:20190104T180000|DURATION:P1D|RRULE:FREQ=WEEKLY",
            "DTSTART:20190106T000000|DURATION:P1D|RRULE:FREQ=WEEKLY",
        ],
        expect![[r#"
            name: x
            timezone: Europe/Berlin
            weekly:
              - days: [sat]
                to: "18:00"
              - days: [sun]
              - days: [fri]
                from: "18:00"
            # 2 events
        "#]],
    );
    check(
        &["DTSTART:20190104T180000|DURATION:P9D|RRULE:FREQ=WEEKLY"],
        expect![[r#"
            name: x
            timezone: Europe/Berlin
            weekly:
              - {}
              - days: [fri]
                from: "18:00"
            # 1 events
        "#]],
    );
}

#[test]
fn other_rules_are_carried_out() {
    check(
        &[
            "DTSTART:20261201T080000|DURATION:PT1H|RRULE:FREQ=WEEKLY;UNTIL=20261202T000000Z",
            "DTSTART:20261102T080000|DURATION:PT1H|RRULE:FREQ=WEEKLY;COUNT=1",
            "DTSTART:20241103T080000|DURATION:PT1H|RRULE:FREQ=WEEKLY;INTERVAL=52",
            "DTSTART:20261104T080000|DURATION:PT1H|RRULE:FREQ=DAILY;BYMONTH=11;BYDAY=WE",
            "DTSTART;TZID=Europe/Paris:20251113T080000|DURATION:PT1H|RRULE:FREQ=MONTHLY;BYDAY=2FR",
        ],
        expect![[r#"
            name: x
            timezone: Europe/Berlin
            known_until: "2027-12-31"
            ranges:
              - from: "2026-11-01T08:00"
                to: "2026-11-01T09:00"
              - from: "2026-11-02T08:00"
                to: "2026-11-02T09:00"
              - from: "2026-11-04T08:00"
                to: "2026-11-04T09:00"
              - from: "2026-11-11T08:00"
                to: "2026-11-11T09:00"
              - from: "2026-11-13T08:00"
                to: "2026-11-13T09:00"
              - from: "2026-11-18T08:00"
                to: "2026-11-18T09:00"
              - from: "2026-11-25T08:00"
                to: "2026-11-25T09:00"
              - from: "2026-12-01T08:00"
                to: "2026-12-01T09:00"
              - from: "2026-12-11T08:00"
                to: "2026-12-11T09:00"
              - from: "2027-01-08T08:00"
                to: "2027-01-08T09:00"
              - from: "2027-02-12T08:00"
                to: "2027-02-12T09:00"
              - from: "2027-03-12T08:00"
                to: "2027-03-12T09:00"
              - from: "2027-04-09T08:00"
                to: "2027-04-09T09:00"
              - from: "2027-05-14T08:00"
                to: "2027-05-14T09:00"
              - from: "2027-06-11T08:00"
                to: "2027-06-11T09:00"
              - from: "2027-07-09T08:00"
                to: "2027-07-09T09:00"
              - from: "2027-08-13T08:00"
                to: "2027-08-13T09:00"
              - from: "2027-09-10T08:00"
                to: "2027-09-10T09:00"
              - from: "2027-10-08T08:00"
                to: "2027-10-08T09:00"
              - from: "2027-10-31T08:00"
                to: "2027-10-31T09:00"
              - from: "2027-11-03T08:00"
                to: "2027-11-03T09:00"
              - from: "2027-11-10T08:00"
                to: "2027-11-10T09:00"
              - from: "2027-11-12T08:00"
                to: "2027-11-12T09:00"
              - from: "2027-11-17T08:00"
                to: "2027-11-17T09:00"
              - from: "2027-11-24T08:00"
                to: "2027-11-24T09:00"
              - from: "2027-12-10T08:00"
                to: "2027-12-10T09:00"
            # 5 events
        "#]],
    );
    // In another zone, with an exception, one that stands elsewhere, and one that is to begin.
    for event in [
        "DTSTART:20261102T080000Z|DURATION:PT1H|RRULE:FREQ=WEEKLY",
        "DTSTART:20261102T080000|DURATION:PT1H|RRULE:FREQ=WEEKLY|EXDATE:20261109T080000",
        "DTSTART:20261102T080000|DURATION:PT1H|RRULE:FREQ=WEEKLY|RDATE:20261103T080000",
        "DTSTART:20261123T080000|DURATION:PT1H|RRULE:FREQ=WEEKLY",
        "UID:a|DTSTART:20261102T080000|DURATION:PT1H|RRULE:FREQ=WEEKLY\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\n\
         UID:a|RECURRENCE-ID:20261109T080000|DTSTART:20261110T080000|DURATION:PT1H",
    ] {
        let found = import(file(&[event]).as_bytes(), &options()).unwrap();
        assert!(found.calendar.known_until.is_some(), "{event}");
        assert!(found.calendar.weekly.is_empty(), "{event}");
        assert!(found.calendar.ranges.len() >= 58, "{event}");
    }
}

#[test]
fn folded_lines_quotes_and_other_components() {
    let text = "BEGIN:VCALENDAR\nX-WR-CALNAME:Public\\, holidays\nBEGIN:VTIMEZONE\nTZID:x\nBEGIN:STANDARD\n\
                DTSTART:16010101T000000\nRRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=11\nEND:STANDARD\nEND:VTIMEZONE\n\
                BEGIN:VTODO\nDTSTART;VALUE=DATE:20270105\nEND:VTODO\n\
                begin:vevent\nATTENDEE;CN=\"A: b; c\":mailto:a@example.org\nDTSTART;VALUE\n =DATE:2027\n\t0106\n\
                BEGIN:VALARM\nTRIGGER:-PT15M\nDURATION:PT1H\nEND:VALARM\nend:vevent\nEND:VCALENDAR\n";
    expect![[r#"
        name: x
        description: Public, holidays
        timezone: UTC
        dates: ["2027-01-06"]
        # 1 events
        # line 10: a VTODO is not an event
    "#]]
    .assert_eq(&shown(text));
}

/// RFC 5545, section 3.1: a fold may stand between any two bytes.
#[test]
fn a_fold_may_stand_inside_of_a_character() {
    let whole = "BEGIN:VCALENDAR\r\nX-WR-CALNAME:Fête 节日\r\nBEGIN:VEVENT\r\nSUMMARY:Été 🎄\r\n\
                 DTSTART;VALUE=DATE:20270106\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    let expected = import(whole.as_bytes(), &options()).unwrap();
    assert_eq!(expected.calendar.description, "Fête 节日");
    for at in 1..whole.len() - 1 {
        let (before, after) = whole.as_bytes().split_at(at);
        // Not between the two bytes of a line's end, nor between two lines.
        if before.ends_with(b"\r") || before.ends_with(b"\n") || after.starts_with(b"\r") {
            continue;
        }
        for fold in ["\r\n ", "\n\t"] {
            let folded = [before, fold.as_bytes(), after].concat();
            assert_eq!(import(&folded, &options()).unwrap(), expected, "folded at {at}");
        }
    }
    let latin = [&whole.as_bytes()[..40], b"\xe9", &whole.as_bytes()[40..]].concat();
    let error = import(&latin, &options()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 2: the line is not UTF-8 text; save the file in that encoding"
    );
}

#[test]
fn what_is_not_understood_is_refused_with_its_line() {
    for (event, expected) in [
        (
            "DTSTART:20270101T080000|DURATION:PT1H|RRULE:FREQ=HOURLY",
            expect![[r#"
            line 7: RRULE: FREQ=HOURLY is not understood
        "#]],
        ),
        (
            "DTSTART;VALUE=DATE:20270101|RRULE:FREQ=DAILY;BYHOUR=8",
            expect![[r#"
            line 6: RRULE: BYHOUR=8 is not understood
        "#]],
        ),
        (
            "DTSTART;VALUE=DATE:20270101|RRULE:FREQ=YEARLY;BYWEEKNO=20",
            expect![[r#"
            line 6: RRULE: BYWEEKNO=20 is not understood
        "#]],
        ),
        (
            "DTSTART;VALUE=DATE:20270101|RRULE:FREQ=YEARLY;BYYEARDAY=1",
            expect![[r#"
            line 6: RRULE: BYYEARDAY=1 is not understood
        "#]],
        ),
        (
            "DTSTART;VALUE=DATE:20270101|RRULE:FREQ=DAILY;COUNT=2;UNTIL=20270201",
            expect![[r#"
            line 6: RRULE: COUNT and UNTIL exclude each other
        "#]],
        ),
        (
            "DTSTART;VALUE=DATE:20270101|RRULE:FREQ=DAILY;COUNT=0",
            expect![[r#"
            line 6: RRULE: COUNT=0 is not understood
        "#]],
        ),
        (
            "DTSTART;VALUE=DATE:20270101|RRULE:FREQ=WEEKLY;BYDAY=2FR",
            expect![[r#"
            line 6: RRULE: numbered days go with FREQ=MONTHLY and YEARLY only
        "#]],
        ),
        (
            "DTSTART:20270101T080000|DURATION:PT1H|RRULE:FREQ=DAILY;BYHOUR=8,9",
            expect![[r#"
            line 7: RRULE: BYHOUR=8,9 is not understood
        "#]],
        ),
        (
            "DTSTART:20270101T080000|DURATION:PT1H|RRULE:FREQ=DAILY;BYMINUTE=30",
            expect![[r#"
            line 7: RRULE: BYMINUTE=30 is not understood
        "#]],
        ),
        (
            "DTSTART:20270101T233000Z|DURATION:PT1H|EXDATE;VALUE=DATE:20270102",
            expect![[r#"
            line 7: EXDATE: a day alone, and DTSTART is of another day in UTC than in Europe/Berlin
        "#]],
        ),
        (
            "DTSTART:20270101T080000|DURATION:PT1H|RDATE;VALUE=DATE:20270102",
            expect![[r#"
            line 7: RDATE: dates and times are mixed: DTSTART is of the other kind
        "#]],
        ),
        (
            "DTSTART;VALUE=DATE:20270101|RRULE:COUNT=3",
            expect![[r#"
            line 6: RRULE: it has no FREQ
        "#]],
        ),
        (
            "DTSTART;VALUE=DATE:20270101|RRULE:FREQ=DAILY;FREQ=DAILY",
            expect![[r#"
            line 6: RRULE: FREQ is given twice
        "#]],
        ),
        (
            "DTSTART;VALUE=DATE:20270101|RRULE:FREQ=MONTHLY;BYDAY=XX",
            expect![[r#"
            line 6: RRULE: BYDAY=XX is not understood
        "#]],
        ),
        (
            "DTSTART;VALUE=DATE:20270101|EXRULE:FREQ=DAILY",
            expect![[r#"
            line 6: EXRULE is not understood; give the days as EXDATE
        "#]],
        ),
        (
            "DTSTART;VALUE=DATE:20270101|RDATE;VALUE=PERIOD:20270101T000000Z/PT1H",
            expect![[r#"
            line 6: RDATE: VALUE=PERIOD is not understood
        "#]],
        ),
        (
            "DTSTART;VALUE=DATE:20270101|EXDATE:20270101T000000",
            expect![[r#"
            line 6: EXDATE: dates and times are mixed: DTSTART is of the other kind
        "#]],
        ),
        (
            "UID:a|RECURRENCE-ID;RANGE=THISANDFUTURE;VALUE=DATE:20270101|DTSTART;VALUE=DATE:20270101",
            expect![[r#"
            line 6: RECURRENCE-ID: RANGE is not understood
        "#]],
        ),
        (
            "RECURRENCE-ID;VALUE=DATE:20270101|DTSTART;VALUE=DATE:20270101",
            expect![[r#"
            line 4: RECURRENCE-ID: the event has no UID to belong to
        "#]],
        ),
        (
            "DTSTART;TZID=Customized Time Zone:20270101T080000|DURATION:PT1H",
            expect![[r#"
            line 5: TZID: `Customized Time Zone` is not a time zone; write an IANA name such as Asia/Shanghai or UTC; the file's own definition of a zone is not looked at
        "#]],
        ),
        (
            "DTSTART:20270101T080000|DTEND:20270101T070000",
            expect![[r#"
            line 6: DTEND is before DTSTART
        "#]],
        ),
        (
            "DTSTART:20270101T080000|DTEND;VALUE=DATE:20270102",
            expect![[r#"
            line 6: DTEND is a date and DTSTART a time
        "#]],
        ),
        (
            "DTSTART:20270101T080000|DTEND:20270101T090000|DURATION:PT1H",
            expect![[r#"
            line 6: DTEND and DURATION exclude each other
        "#]],
        ),
        (
            "DTSTART;VALUE=DATE:20270101|DURATION:PT1H",
            expect![[r#"
            line 6: DURATION: an event of whole days lasts whole days
        "#]],
        ),
        (
            "DTSTART:20270101T080000|DURATION:-PT1H",
            expect![[r#"
            line 6: DURATION: `-PT1H` is not a duration such as P1D or PT8H30M
        "#]],
        ),
        (
            "DTSTART:20270229T080000|DURATION:PT1H",
            expect![[r#"
                line 5: DTSTART: `20270229T080000` is not a date (20261225) or time (20261225T180000, with Z for UTC) of the years 1601 to 2199
            "#]],
        ),
        (
            "DTSTART:20270101T250000|DURATION:PT1H",
            expect![[r#"
                line 5: DTSTART: `20270101T250000` is not a date (20261225) or time (20261225T180000, with Z for UTC) of the years 1601 to 2199
            "#]],
        ),
        (
            "DTSTART:2027-01-01|DURATION:PT1H",
            expect![[r#"
                line 5: DTSTART: `2027-01-01` is not a date (20261225) or time (20261225T180000, with Z for UTC) of the years 1601 to 2199
            "#]],
        ),
        (
            "DTSTART;VALUE=DATE:20270101|DTSTART;VALUE=DATE:20270102",
            expect![[r#"
            line 6: DTSTART is given twice
        "#]],
        ),
        (
            "SUMMARY:x",
            expect![[r#"
            line 4: the event has no DTSTART
        "#]],
        ),
        (
            "nonsense",
            expect![[r#"
            line 5: `nonsense` is not a property: it has no colon
        "#]],
        ),
        (
            "DTSTART;VALUE=DATE:20250101",
            expect![[r#"
            no event of the file is between 2026-11-01T00:00:00.000Z and 2028-01-01T00:00:00.000Z
        "#]],
        ),
    ] {
        expected.assert_eq(&shown(&file(&[event])));
    }
    for (text, expected) in [
        (
            "",
            expect![[r#"
            the file holds no calendar: it is not an iCalendar file
        "#]],
        ),
        (
            "name: x\n",
            expect![[r#"
            line 1: a calendar begins with BEGIN:VCALENDAR
        "#]],
        ),
        (
            " x",
            expect![[r#"
            line 1: the file begins with a continued line
        "#]],
        ),
        (
            "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20270101\n",
            expect![[r#"
            the file ends before END:VEVENT: it is not whole
        "#]],
        ),
        (
            "BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR\n",
            expect![[r#"
            line 3: END:VCALENDAR where END:VEVENT is due
        "#]],
        ),
        (
            "BEGIN:VCALENDAR\nCALSCALE:CHINESE\nEND:VCALENDAR\n",
            expect![[r#"
            line 2: CALSCALE `CHINESE` is not understood
        "#]],
        ),
        (
            "BEGIN:VCALENDAR\nX-WR-TIMEZONE:Mars\nEND:VCALENDAR\n",
            expect![[r#"
            line 2: X-WR-TIMEZONE: `Mars` is not a time zone; write an IANA name such as Asia/Shanghai or UTC
        "#]],
        ),
    ] {
        expected.assert_eq(&shown(text));
    }
}

#[test]
fn what_is_too_much_is_refused() {
    let every_day = "DTSTART:20261130T000000|DURATION:PT1S|RRULE:FREQ=DAILY";
    let text = file(&[every_day]);
    let long = Options {
        until: "2029-01-01T00:00:00Z".parse().unwrap(),
        ..options()
    };
    let error = import(text.as_bytes(), &long).unwrap_err();
    let hint = "take over less time; the event of line 4 takes one weekly window once it has begun, at 2026-11-29T23:00:00.000Z";
    assert!(error.message.ends_with(hint), "{error}");
    let begun = Options {
        now: "2026-11-30T00:00:00Z".parse().unwrap(),
        ..long
    };
    let found = import(text.as_bytes(), &begun).unwrap();
    assert!(found.calendar.known_until.is_none() && found.calendar.entries() == 1);
    let short = Options {
        until: "2026-12-30T00:00:00Z".parse().unwrap(),
        ..options()
    };
    let found = import(text.as_bytes(), &short).unwrap();
    assert!(found.calendar.known_until.is_some() && found.calendar.entries() == 31);
    let error = import(&vec![b'x'; FILE_BYTES_MAX + 1], &short).unwrap_err();
    assert!(error.message.contains("at most 8MiB"), "{error}");
}

proptest::proptest! {
    /// Any text is answered, and what is made of one can be written and read again.
    #[test]
    fn any_text_is_answered(
        parts in proptest::collection::vec(proptest::sample::select(&[
            "BEGIN:VCALENDAR\n", "END:VCALENDAR\n", "BEGIN:VEVENT\n", "END:VEVENT\n", "DTSTART:20270101T080000\n",
            "DTSTART;VALUE=DATE:20270101\n", "DTEND:20270102T080000Z\n", "DURATION:P3D\n", "RRULE:FREQ=DAILY\n",
            "RRULE:FREQ=YEARLY;BYMONTHDAY=31;BYMONTH=2\n", "RRULE:FREQ=WEEKLY;BYDAY=é\n", " 4\n", ";", ":", "\"", "é", "P", "=",
        ][..]), 0..14),
        noise in "\\PC{0,12}",
    ) {
        let text = format!("{}{noise}", parts.concat());
        let whole = format!("BEGIN:VCALENDAR\nBEGIN:VEVENT\n{text}\nEND:VEVENT\nEND:VCALENDAR\n");
        for text in [text, whole] {
            if let Ok(found) = import(text.as_bytes(), &options()) {
                let json = serde_json::to_string(&found.calendar).unwrap();
                proptest::prop_assert_eq!(serde_json::from_str::<Calendar>(&json).unwrap(), found.calendar);
            }
        }
    }
}

proptest::proptest! {
    /// What a rule gives does not hang on from where on it is asked.
    #[test]
    fn a_rule_is_the_same_from_any_day_on(
        first in -130_000i32..30_000,
        ahead in 0i32..60_000,
        frequency in proptest::sample::select(&["DAILY", "WEEKLY", "MONTHLY", "YEARLY"][..]),
        interval in 1u32..9,
        by in proptest::sample::select(&["", ";BYDAY=MO,SU", ";BYMONTH=2,7", ";COUNT=900", ";WKST=SU"][..]),
    ) {
        let value = format!("FREQ={frequency};INTERVAL={interval}{by}");
        let property = Property { line: 1, name: "RRULE".to_owned(), parameters: Vec::new(), value };
        let rule = rule::Rule::read(&property, value::Stamp::Date(first), Zone::utc()).unwrap();
        let from = first + ahead;
        let all = rule.days_after(first, first).filter(|day| *day >= from).take(20);
        let some = rule.days_after(first, from).filter(|day| *day >= from).take(20);
        proptest::prop_assert!(all.eq(some));
    }
}
