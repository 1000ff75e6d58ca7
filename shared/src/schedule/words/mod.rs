//! A schedule in words, as a person would say it.
//!
//! The masks are read for what they mean, the same for all languages: `clock` for when in the
//! day, `days` for which days. `en` and `zh` only say it.

mod clock;
mod days;
mod en;
mod zh;

use clock::whole_runs;

use super::{Cron, Dst, Rule, Schedule, Zone};
use crate::time::Time;

/// A language people read.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    crate::file::value::Read,
)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Simplified Chinese.
    Zh,
}

pub(super) fn describe(schedule: &Schedule, lang: Lang) -> String {
    match (&schedule.0, lang) {
        (Rule::Cron { cron, zone, dst }, Lang::En) => en::cron(cron, *zone, skips(cron, *zone, *dst)),
        (Rule::Cron { cron, zone, dst }, Lang::Zh) => zh::cron(cron, *zone, skips(cron, *zone, *dst)),
        (Rule::Every { interval_ms, anchor }, Lang::En) => en::every(*interval_ms, *anchor),
        (Rule::Every { interval_ms, anchor }, Lang::Zh) => zh::every(*interval_ms, *anchor),
        (Rule::At(instants), Lang::En) => en::at(instants),
        (Rule::At(instants), Lang::Zh) => zh::at(instants),
    }
}

/// Whether `dst: skip` makes any difference, and so is worth a word.
fn skips(cron: &Cron, zone: Zone, dst: Dst) -> bool {
    dst == Dst::Skip && !cron.ticks() && zone.stretches().get(1).is_some()
}

/// `02:30`, all with seconds if one of them has any.
fn clock_times(times: &[u32]) -> Vec<String> {
    let with_seconds = times.iter().any(|t| t % 60 != 0);
    let told = times.iter().map(|t| {
        let (h, m, s) = (t / 3600, t / 60 % 60, t % 60);
        match with_seconds {
            false => format!("{h:02}:{m:02}"),
            true => format!("{h:02}:{m:02}:{s:02}"),
        }
    });
    told.collect()
}

/// `2026-01-31 02:30 UTC`, with seconds and milliseconds only where there are any.
fn date_time(at: Time) -> String {
    let length = match at.as_millis().rem_euclid(60_000) {
        0 => "02:30".len(),
        ms if ms % 1000 == 0 => "02:30:00".len(),
        _ => "02:30:00.000".len(),
    };
    let written = at.to_string();
    let (date, time) = written.split_once('T').unwrap_or((&written, ""));
    format!("{date} {} UTC", time.get(..length).unwrap_or(time))
}

/// Values in runs: `(3, 5)` for 3, 4 and 5. Runs of two come apart.
fn runs(mask: u64) -> Vec<(u32, u32)> {
    let apart = |(a, b): (u32, u32)| {
        if b == a + 1 {
            vec![(a, a), (b, b)]
        } else {
            vec![(a, b)]
        }
    };
    whole_runs(mask).into_iter().flat_map(apart).collect()
}

/// A length of time in days, or else in hours, minutes, seconds and milliseconds: how many of
/// which, the unit by its place in this list. 36 hours are no day and a half to anyone.
fn units(ms: i64) -> Vec<(i64, usize)> {
    const DAY: i64 = 86_400_000;
    if ms % DAY == 0 {
        return vec![(ms / DAY, 0)];
    }
    let mut rest = ms;
    let mut units = Vec::new();
    for (at, unit) in [3_600_000, 60_000, 1000, 1].into_iter().enumerate() {
        if rest / unit > 0 {
            units.push((rest / unit, at + 1));
        }
        rest %= unit;
    }
    units
}

#[cfg(test)]
mod reading;
#[cfg(test)]
mod tests;
