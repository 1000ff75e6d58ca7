//! The table of zones that a browser has, compared with the whole database: since 2020 there
//! is no difference. The build script makes it of the same file.

#[path = "../../build/recent.rs"]
mod table;

use jiff::{
    Timestamp,
    tz::{AmbiguousOffset, Dst, Offset, TimeZone},
};
use shared::schedule::Zone;

const UNTIL: i64 = 7_258_118_400;

fn timestamp(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

type Shown = (Offset, Dst, String, [AmbiguousOffset; 2]);

/// What clocks show at an instant, what that is called, and how the local time is read: that of
/// the instant, and the one that clocks had reached, which a change jumps over.
fn shown(zone: &TimeZone, at: i64) -> Shown {
    let info = zone.to_offset_info(timestamp(at));
    let read = [info.offset(), zone.to_offset(timestamp(at - 1))].map(|offset| {
        let local = offset.to_datetime(timestamp(at));
        zone.to_ambiguous_timestamp(local).offset()
    });
    (info.offset(), info.dst(), info.abbreviation().to_owned(), read)
}

/// From 2020 to 2199.
fn changes(zone: &TimeZone) -> Vec<i64> {
    zone.following(timestamp(table::SINCE))
        .map(|change| change.timestamp().as_second())
        .take_while(|at| *at < UNTIL)
        .collect()
}

/// Both sides of each change, and half of the way to the next.
fn probes(changes: &[i64]) -> Vec<i64> {
    let edges = [&[table::SINCE], changes, &[UNTIL]].concat();
    let mut probes = vec![table::SINCE, table::SINCE + 1];
    for pair in edges.windows(2) {
        probes.extend([(pair[0] + pair[1]) / 2, pair[1] - 1, pair[1], pair[1] + 1]);
    }
    probes
}

#[test]
fn nothing_since_2020_is_lost() {
    for (rules, names) in table::zones() {
        // It is in the table and cannot be named: see `zone`.
        for name in names.into_iter().filter(|name| *name != "Factory") {
            let full: Zone = name.parse().unwrap();
            let (full, trimmed) = (full.time_zone(), TimeZone::tzif(name, &rules).unwrap());
            let changes = changes(full);
            assert_eq!(self::changes(&trimmed), changes, "{name}");
            for at in probes(&changes) {
                assert_eq!(
                    shown(&trimmed, at),
                    shown(full, at),
                    "{name} at {}",
                    timestamp(at)
                );
            }
        }
    }
}

#[test]
fn every_name_is_there_once() {
    let mut names: Vec<&str> = table::zones().into_values().flatten().collect();
    names.sort_unstable();
    names.retain(|name| *name != "Factory");
    assert!(
        names.iter().all(|name| !name.contains(' ')),
        "they are joined by spaces"
    );
    assert!(Zone::names().eq(names));
}

/// The past is most of the 200 KB; the rest is much the same from zone to zone.
#[test]
fn the_past_is_left_out() {
    let zones = table::zones();
    let size: usize = zones.keys().map(Vec::len).sum();
    assert!(size < 30_000, "{} zones in {size} bytes", zones.len());
}
