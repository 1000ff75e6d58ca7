//! Any bytes as an iCalendar file: answered, and if taken, a calendar that can be written and
//! read again.
//!
//! The first byte picks a zone, or that none is given, and whether the rest is a whole file or
//! what stands in one event.

#![no_main]

use libfuzzer_sys::fuzz_target;
use shared::{
    calendar::{
        Calendar, Coverage,
        ical::{Options, import},
    },
    time::Time,
};

const DAY: i64 = 86_400;
const ZONES: [&str; 3] = ["UTC", "Europe/Berlin", "Australia/Lord_Howe"];

fuzz_target!(|data: &[u8]| {
    let Some((head, rest)) = data.split_first() else {
        return;
    };
    let file = match head & 4 {
        0 => rest.to_vec(),
        _ => [
            b"BEGIN:VCALENDAR\nBEGIN:VEVENT\n",
            rest,
            b"\nEND:VEVENT\nEND:VCALENDAR\n",
        ]
        .concat(),
    };
    let now = Time::from_secs(20_778 * DAY);
    let options = Options {
        timezone: ZONES.get(usize::from(head & 3)).and_then(|name| name.parse().ok()),
        now,
        from: Time::from_secs(20_747 * DAY),
        until: Time::from_secs(22_600 * DAY),
    };
    let found = match import(&file, &options) {
        Ok(found) => found,
        Err(error) => {
            let shown = error.to_string();
            assert!(shown.len() < 1600 && !shown.contains(char::is_control), "{shown:?}");
            assert!(error.line <= 1 + file.iter().filter(|byte| **byte == b'\n').count());
            return;
        }
    };
    for note in &found.notes {
        assert!(note.text.len() < 1600 && !note.text.contains(char::is_control), "{note:?}");
    }
    let json = serde_json::to_string(&found.calendar).expect("a calendar is JSON");
    assert_eq!(serde_json::from_str::<Calendar>(&json).expect("and JSON is one"), found.calendar);
    let coverage = Coverage::new(&found.calendar);
    let mut at = options.from;
    for _ in 0..20 {
        let Some(next) = coverage.next_change(at) else { break };
        assert!(next > at && coverage.covers(next) != coverage.covers(at), "{at} {next}");
        at = next;
    }
});
