//! How much is planned: runs that will be due, in equal buckets of time to come.

use crate::{fire, job::Compiled, time::Time};

/// Instants of a job that are looked at in one bucket; what follows them there is taken to
/// go on at their pace.
const LOOKS: u64 = 8;

/// Buckets from an instant on, and how many runs are due in each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    from: Time,
    step_ms: i64,
    runs: Vec<u64>,
    estimated: bool,
}

impl Load {
    /// `count` buckets of `step_ms` (at least one millisecond), all empty.
    pub fn new(from: Time, step_ms: i64, count: u32) -> Load {
        Load {
            from,
            step_ms: step_ms.max(1),
            runs: vec![0; count as usize],
            estimated: false,
        }
    }

    /// Adds the instants after `after` of a job, each of which is `weight` runs; those that
    /// are not `open` are none. Looks at a bounded number of instants in each bucket,
    /// however dense they are; answers with how many those were.
    pub fn add(
        &mut self,
        triggers: &[Compiled],
        after: Time,
        weight: u64,
        open: impl Fn(Time) -> bool,
    ) -> u64 {
        let steps = Steps {
            from: self.from,
            step_ms: self.step_ms,
            count: self.runs.len(),
        };
        let (mut looks, mut estimated) = (0, false);
        let runs = &mut self.runs;
        steps.walk(triggers, after, LOOKS, open, |found| {
            looks += found.looks;
            estimated |= found.estimated;
            let bucket = &mut runs[found.bucket];
            *bucket = bucket.saturating_add(found.count.saturating_mul(weight));
            true
        });
        self.estimated |= estimated;
        looks
    }

    /// Says that what was added stands for more: `part` of `whole` jobs.
    pub fn scale(&mut self, part: u64, whole: u64) {
        if part < whole && part > 0 {
            self.estimated = true;
            let scaled = |runs: u64| u128::from(runs) * u128::from(whole) / u128::from(part);
            for runs in &mut self.runs {
                *runs = u64::try_from(scaled(*runs)).unwrap_or(u64::MAX);
            }
        }
    }

    /// Whether some counts are estimates.
    pub fn is_estimated(&self) -> bool {
        self.estimated
    }

    /// Each bucket's beginning and runs.
    pub fn buckets(&self) -> impl Iterator<Item = (Time, u64)> + '_ {
        let runs = self.runs.iter().enumerate();
        runs.map(|(i, runs)| (self.start_of(i), *runs))
    }

    fn start_of(&self, bucket: usize) -> Time {
        let ms = self.step_ms.saturating_mul(bucket as i64);
        Time::from_millis(self.from.as_millis().saturating_add(ms))
    }
}

/// Equal buckets of time from an instant on.
#[derive(Clone, Copy, Debug)]
pub struct Steps {
    pub from: Time,
    /// At least one millisecond.
    pub step_ms: i64,
    pub count: usize,
}

/// What there is of a job in one bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    pub bucket: usize,
    /// The first and the last instant that were looked at.
    pub first: Time,
    pub last: Time,
    /// How many there are that are open.
    pub count: u64,
    /// The count goes on at the pace of those that were looked at.
    pub estimated: bool,
    pub looks: u64,
}

impl Steps {
    /// Goes through the buckets in which there are instants after `after`, with at most
    /// `looks_max` (at least two) looks at each, until `take` says no.
    pub fn walk(
        self,
        triggers: &[Compiled],
        after: Time,
        looks_max: u64,
        open: impl Fn(Time) -> bool,
        mut take: impl FnMut(Found) -> bool,
    ) {
        let start_of = |bucket: usize| {
            let ms = self.step_ms.saturating_mul(bucket as i64);
            Time::from_millis(self.from.as_millis().saturating_add(ms))
        };
        let end = start_of(self.count);
        let mut at = after.max(before(self.from));
        while let Some(first) = fire::next(triggers, at).filter(|first| *first < end) {
            let bucket = ((first.as_millis() - self.from.as_millis()) / self.step_ms) as usize;
            let until = before(start_of(bucket + 1));
            let (mut looks, mut last) = (1, first);
            let mut count = u64::from(open(first));
            while looks < looks_max {
                match fire::next(triggers, last).filter(|next| *next <= until) {
                    Some(next) => {
                        (looks, last) = (looks + 1, next);
                        count += u64::from(open(next));
                    }
                    None => break,
                }
            }
            let mut estimated = false;
            if looks == looks_max {
                let pace = (last.as_millis() - first.as_millis()) / (looks as i64 - 1).max(1);
                let more = ((until.as_millis() - last.as_millis()) / pace.max(1)) as u64;
                count += more.saturating_mul(count) / looks;
                estimated = more > 0;
            }
            let found = Found {
                bucket,
                first,
                last,
                count,
                estimated,
                looks,
            };
            if count > 0 && !take(found) {
                return;
            }
            at = until;
        }
    }
}

fn before(at: Time) -> Time {
    Time::from_millis(at.as_millis() - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Trigger;

    const NOON: Time = Time::from_secs(1_769_860_800);
    const QUARTER: i64 = 900_000;

    fn load(cron: &str, after: Time) -> (Vec<u64>, bool) {
        let mut load = Load::new(NOON, QUARTER, 4);
        let triggers = [Trigger::cron(cron).unwrap().compile(0).unwrap()];
        load.add(&triggers, after, 1, |_| true);
        (
            load.buckets().map(|(_, runs)| runs).collect(),
            load.is_estimated(),
        )
    }

    #[test]
    fn instants_are_counted_in_their_buckets() {
        let early = Time::EPOCH;
        assert_eq!(load("0 12 * * *", early), (vec![1, 0, 0, 0], false));
        assert_eq!(load("15,59 * * * *", early), (vec![0, 1, 0, 1], false));
        assert_eq!(load("0 11 * * *", early), (vec![0; 4], false));
        assert_eq!(load("*/5 * * * *", early), (vec![3; 4], false));
        // What was due up to then is not planned any more.
        let after = Time::from_secs(NOON.as_secs() + 600);
        assert_eq!(load("*/5 * * * *", after), (vec![0, 3, 3, 3], false));
    }

    #[test]
    fn dense_ones_are_estimated_bucket_by_bucket() {
        assert_eq!(load("* * * * *", Time::EPOCH), (vec![15; 4], true));
        assert_eq!(load("* * * * * *", Time::EPOCH), (vec![900; 4], true));
        let (some, estimated) = load("* 0-29 12 * * *", Time::EPOCH);
        assert_eq!((some, estimated), (vec![900, 900, 0, 0], true));
    }

    #[test]
    fn suppressed_ones_do_not_count() {
        let triggers = [Trigger::cron("* * * * *").unwrap().compile(0).unwrap()];
        let mut load = Load::new(NOON, QUARTER, 2);
        let until = Time::from_secs(NOON.as_secs() + 900);
        load.add(&triggers, Time::EPOCH, 1, |at| at < until);
        let runs: Vec<u64> = load.buckets().map(|(_, runs)| runs).collect();
        assert_eq!(runs, [15, 0]);
    }

    #[test]
    fn a_part_stands_for_the_whole() {
        let mut load = Load::new(NOON, QUARTER, 1);
        let triggers = [Trigger::cron("0 * * * *").unwrap().compile(0).unwrap()];
        load.add(&triggers, Time::EPOCH, 3, |_| true);
        load.scale(2, 8);
        assert_eq!(load.buckets().next(), Some((NOON, 12)));
        assert!(load.is_estimated());
    }
}
