//! What the loops of master and agent get from their host: the wall clock and randomness.
//! Both are values, so that a test can run a whole cluster on virtual time from a seed.
//! Monotonic time is tokio's.

use std::sync::Arc;

use crate::{
    id::{JobId, RunId},
    time::Time,
};

/// The wall clock. It may step.
pub trait Clock: Send + Sync + 'static {
    fn now(&self) -> Time;
}

/// A source of random numbers.
pub trait Random: Send + Sync + 'static {
    fn next_u64(&self) -> u64;
}

/// A host's clock and randomness.
#[derive(Clone)]
pub struct Host {
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
}

impl Host {
    pub fn now(&self) -> Time {
        self.clock.now()
    }

    pub fn next_u128(&self) -> u128 {
        (u128::from(self.random.next_u64()) << 64) | u128::from(self.random.next_u64())
    }

    /// A new job's id.
    pub fn job_id(&self) -> JobId {
        JobId::new(self.now(), self.next_u128())
    }

    /// The id of a run that someone asks for.
    pub fn run_id(&self) -> RunId {
        RunId::new(self.now(), self.next_u128())
    }

    /// A random text of 32 hex digits.
    pub fn token(&self) -> String {
        format!("{:032x}", self.next_u128())
    }

    /// This machine's clock and the operating system's randomness.
    pub fn system() -> Host {
        Host {
            clock: Arc::new(SystemClock),
            random: Arc::new(OsRandom),
        }
    }
}

struct SystemClock;

impl Clock for SystemClock {
    #[allow(
        clippy::disallowed_methods,
        reason = "the one place that reads the wall clock"
    )]
    fn now(&self) -> Time {
        jiff::Timestamp::now().into()
    }
}

struct OsRandom;

impl Random for OsRandom {
    fn next_u64(&self) -> u64 {
        rand::random()
    }
}
