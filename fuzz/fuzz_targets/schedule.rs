//! Any bytes as a schedule: answered, and if taken, sound.
//!
//! The first byte picks zone, dialect and rule for changes of the clock, the next four the
//! instant to start from; the rest is the expression.

#![no_main]

use libfuzzer_sys::fuzz_target;
use shared::{
    schedule::{Dialect, Dst, Lang, Schedule, Zone, preview},
    time::Time,
};

const ZONES: [&str; 8] = [
    "UTC",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Africa/Monrovia",
    "America/Havana",
    "Africa/Casablanca",
    "America/St_Johns",
];

fuzz_target!(|data: &[u8]| {
    let Some((head, text)) = data.split_at_checked(5) else {
        return;
    };
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    let zone: Zone = ZONES[usize::from(head[0] & 7)].parse().unwrap_or_default();
    let dialect = if head[0] & 8 == 0 {
        Dialect::Cron
    } else {
        Dialect::Quartz
    };
    let dst = if head[0] & 16 == 0 { Dst::Tick } else { Dst::Skip };
    let start = Time::from_secs(i64::from(u32::from_le_bytes([
        head[1], head[2], head[3], head[4],
    ])));
    let schedule = match Schedule::cron(text, dialect, zone, dst, u64::from(head[1])) {
        Ok(schedule) => schedule,
        Err(error) => {
            let shown = error.to_string();
            assert!(
                shown.len() < 600 && !shown.contains(char::is_control),
                "{shown:?}"
            );
            assert!(
                error
                    .position
                    .is_none_or(|p| (1..=text.chars().count() + 1).contains(&p))
            );
            // What it is not as a cron expression it may be as a canonical text.
            if let Ok(schedule) = text.parse::<Schedule>() {
                assert_eq!(schedule.to_string().parse::<Schedule>().as_ref(), Ok(&schedule));
            }
            return;
        }
    };
    let canonical = schedule.to_string();
    assert_eq!(
        canonical.parse::<Schedule>().as_ref(),
        Ok(&schedule),
        "{canonical}"
    );
    assert!(!schedule.describe(Lang::En).is_empty() && !schedule.describe(Lang::Zh).is_empty());
    for row in preview(&schedule, start, 6, Some(zone), Lang::En).listing.rows {
        assert_eq!(row.local.parse(), Ok(row.at), "{canonical}");
    }
    let mut last = start;
    for at in schedule.between(start, Time::MAX).take(6) {
        assert!(at > last, "{canonical}: {at} after {last}");
        assert!(
            schedule.prev(at).is_none_or(|p| p <= last),
            "{canonical}: before {at}"
        );
        assert_eq!(
            schedule.prev(Time::from_millis(at.as_millis() + 1)),
            Some(at),
            "{canonical}"
        );
        last = at;
    }
});
