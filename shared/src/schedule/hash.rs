//! Hashes that must never change: `H` and jitter come from them, and every node, restart and
//! version has to agree. A table of values is pinned in the tests.

use std::{hash::Hasher, time::Duration};

use siphasher::sip::SipHasher13;

use crate::time::Time;

use super::error::Field;

/// Where the values of `H` come from.
#[derive(Clone, Copy)]
pub(super) enum Source {
    /// From the job's id.
    Seed(u64),
    /// One hash for each field that decides the day: to look at what other seeds would give.
    Day { day: u64, month: u64, weekday: u64 },
}

impl Source {
    /// A number for `H` in a field: 0 up to, but not including, `count`.
    pub(super) fn number(self, field: Field, count: u32) -> u32 {
        let hash = match (self, field) {
            (Source::Seed(seed), _) => return of_field(seed, field, count),
            (Source::Day { day, .. }, Field::DayOfMonth) => day,
            (Source::Day { month, .. }, Field::Month) => month,
            (Source::Day { weekday, .. }, Field::DayOfWeek) => weekday,
            _ => 0,
        };
        scale(hash, u64::from(count)) as u32
    }
}

/// How many values each `H` of a field chooses from: bit n for n of them.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts(u32);

impl Counts {
    pub(super) fn insert(&mut self, count: u32) {
        self.0 |= 1 << count;
    }

    /// Hashes that together give the field every value, and combination of values, that any
    /// seed could; one, of no meaning, for a field without `H`.
    fn hashes(self) -> Vec<u64> {
        let counts = (1..32u128).filter(|count| self.0 >> count & 1 == 1);
        // The first hash of each stretch that `scale` maps to one number.
        let all = counts.flat_map(|count| (0..count).map(move |n| ((n << 64).div_ceil(count)) as u64));
        let mut all: Vec<u64> = all.collect();
        all.sort_unstable();
        all.dedup();
        if all.is_empty() {
            all.push(0);
        }
        all
    }
}

/// Where `H` stands in the fields that decide the day.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct DayCounts {
    pub day: Counts,
    pub month: Counts,
    pub weekday: Counts,
}

impl DayCounts {
    /// Everything that `H` could stand for there; nothing if it stands nowhere.
    pub(super) fn sources(self) -> impl Iterator<Item = Source> {
        let is_none = self == DayCounts::default();
        let (days, weekdays) = (self.day.hashes(), self.weekday.hashes());
        let months = if is_none { Vec::new() } else { self.month.hashes() };
        months.into_iter().flat_map(move |month| {
            let weekdays = weekdays.clone();
            days.clone().into_iter().flat_map(move |day| {
                weekdays
                    .clone()
                    .into_iter()
                    .map(move |weekday| Source::Day { day, month, weekday })
            })
        })
    }
}

/// Evenly spread over the seeds.
fn of_field(seed: u64, field: Field, count: u32) -> u32 {
    let number = match field {
        Field::Second => 0,
        Field::Minute => 1,
        Field::Hour => 2,
        Field::DayOfMonth => 3,
        Field::Month => 4,
        Field::DayOfWeek => 5,
        Field::Year => 6,
    };
    scale(sip(*b"gnomon H", seed, number), u64::from(count)) as u32
}

/// How much later than its instant a fire starts: the same for the same seed and instant
/// everywhere, to the millisecond, at most `max`, and always before `next`.
pub fn jitter(seed: u64, at: Time, max: Duration, next: Option<Time>) -> Duration {
    let max = u64::try_from(max.as_millis()).unwrap_or(u64::MAX);
    let room = next.map_or(u64::MAX, |next| {
        let gap = next.as_millis().saturating_sub(at.as_millis());
        u64::try_from(gap).unwrap_or(0).saturating_sub(1)
    });
    let count = max.min(room).saturating_add(1);
    Duration::from_millis(scale(sip(*b"gnomon J", seed, at.as_millis() as u64), count))
}

fn sip(purpose: [u8; 8], seed: u64, value: u64) -> u64 {
    let mut hasher = SipHasher13::new_with_keys(u64::from_le_bytes(purpose), seed);
    hasher.write(&value.to_le_bytes());
    hasher.finish()
}

/// Maps a hash to 0..count without a division's bias.
fn scale(hash: u64, count: u64) -> u64 {
    ((u128::from(hash) * u128::from(count)) >> 64) as u64
}
