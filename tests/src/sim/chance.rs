//! Clocks and randomness that come from the seed.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use shared::{
    host::{Clock, Host, Random},
    time::Time,
};
use tokio::time::Instant;

/// SplitMix64: the same numbers for the same seed in every version of everything.
pub struct Chance(AtomicU64);

impl Chance {
    /// A source of its own for each name.
    pub fn new(seed: u64, name: &str) -> Chance {
        Chance(AtomicU64::new(hash(seed, name)))
    }

    /// Below `n`, which is not zero.
    pub fn below(&self, n: u64) -> u64 {
        self.next_u64() % n
    }

    /// So many times in a hundred.
    pub fn percent(&self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// Milliseconds within a range, the large ones as likely as the small.
    pub fn ms(&self, range: Range<u64>) -> Duration {
        Duration::from_millis(range.start + self.below(range.end - range.start))
    }
}

impl Random for Chance {
    fn next_u64(&self) -> u64 {
        mixed(self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed))
    }
}

fn mixed(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A number that depends on the seed and on something else.
pub fn hash(seed: u64, what: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    (seed, what).hash(&mut hasher);
    mixed(hasher.finish())
}

/// A host's wall clock: virtual time, off by so much.
pub struct WallClock {
    begin: Instant,
    base: Time,
    offset_ms: AtomicI64,
}

impl WallClock {
    /// `base` is what a right clock shows at `begin`.
    pub fn new(begin: Instant, base: Time, offset_ms: i64) -> Arc<WallClock> {
        Arc::new(WallClock {
            begin,
            base,
            offset_ms: AtomicI64::new(offset_ms),
        })
    }

    /// From now on it is off by so much.
    pub fn set_offset(&self, ms: i64) {
        self.offset_ms.store(ms, Ordering::Relaxed);
    }

    /// By how much it is off.
    pub fn offset_ms(&self) -> i64 {
        self.offset_ms.load(Ordering::Relaxed)
    }
}

impl Clock for WallClock {
    fn now(&self) -> Time {
        let right = self.base + self.begin.elapsed();
        Time::from_millis(right.as_millis() + self.offset_ms())
    }
}

/// What the loops on a host get.
pub fn host(clock: &Arc<WallClock>, seed: u64, name: &str) -> Host {
    Host {
        clock: clock.clone(),
        random: Arc::new(Chance::new(seed, name)),
    }
}
