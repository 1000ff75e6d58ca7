//! Hashes that must never change: `H` and jitter come from them, and every node, restart and
//! version has to agree. A table of values is pinned in the tests.

use std::{hash::Hasher, time::Duration};

use siphasher::sip::SipHasher13;

use crate::time::Time;

use super::error::Field;

/// A number for `H` in a field, evenly spread over the seeds: 0 up to, but not including, `count`.
pub(super) fn of_field(seed: u64, field: Field, count: u32) -> u32 {
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
