//! The table of zones that a browser has, compared with the whole database: since 2020 there
//! is no difference. The build script makes it of the same file.

#[path = "../../../build/recent.rs"]
mod table;

use super::{Recent, zones};
use crate::schedule::Zone;

/// 2200-01-01.
const UNTIL: i64 = 7_258_118_400;

/// Its changes since 2020, and what held before them.
fn since_2020(mut offsets: super::Offsets) -> super::Offsets {
    let past = offsets.changes.partition_point(|(at, _)| *at <= table::SINCE);
    if let Some((_, offset)) = offsets.changes[..past].last() {
        offsets.first = *offset;
    }
    offsets.changes.drain(..past);
    // The database tells of summer time and names as well, which change at times when the
    // offset does not.
    let mut before = offsets.first;
    offsets
        .changes
        .retain(|(_, offset)| std::mem::replace(&mut before, *offset) != *offset);
    offsets
}

#[test]
fn nothing_since_2020_is_lost() {
    let full: std::collections::BTreeMap<_, _> = zones().collect();
    let mut compared = 0;
    for (rules, names) in table::zones() {
        let recent = Recent {
            first: rules.first,
            changes: rules.changes.leak(),
            rule: rules.rule.leak(),
        };
        for name in names {
            let full = full[name].offsets(0, UNTIL);
            assert_eq!(since_2020(recent.offsets(0, UNTIL)), since_2020(full), "{name}");
            compared += 1;
        }
    }
    assert!(compared > 500, "{compared}");
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

/// The past is most of the database.
#[test]
fn the_past_is_left_out() {
    let zones = table::zones();
    let changes: usize = zones.keys().map(|rules| rules.changes.len()).sum();
    assert!(changes < 1_000, "{} zones with {changes} changes", zones.len());
}
