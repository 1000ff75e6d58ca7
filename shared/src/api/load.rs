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

    /// Adds the instants after `after` of a job, each of which is `weight` runs. Looks at a
    /// bounded number of instants in each bucket, however dense they are.
    pub fn add(&mut self, triggers: &[Compiled], after: Time, weight: u64) {
        let end = self.start_of(self.runs.len());
        let mut at = after.max(before(self.from));
        while let Some(first) = fire::next(triggers, at).filter(|first| *first < end) {
            let bucket = ((first.as_millis() - self.from.as_millis()) / self.step_ms) as usize;
            let until = before(self.start_of(bucket + 1));
            let (mut count, mut last) = (1, first);
            while count < LOOKS {
                match fire::next(triggers, last).filter(|next| *next <= until) {
                    Some(next) => (count, last) = (count + 1, next),
                    None => break,
                }
            }
            if count == LOOKS {
                let pace = (last.as_millis() - first.as_millis()) / (LOOKS as i64 - 1);
                count += ((until.as_millis() - last.as_millis()) / pace.max(1)) as u64;
                self.estimated = true;
            }
            self.runs[bucket] = self.runs[bucket].saturating_add(count.saturating_mul(weight));
            at = until;
        }
    }

    /// Says that what was added stands for more: that it was every `nth` job.
    pub fn scale(&mut self, nth: u64) {
        if nth > 1 {
            self.estimated = true;
            self.runs
                .iter_mut()
                .for_each(|runs| *runs = runs.saturating_mul(nth));
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
        load.add(&triggers, after, 1);
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
    fn a_part_stands_for_the_whole() {
        let mut load = Load::new(NOON, QUARTER, 1);
        let triggers = [Trigger::cron("0 * * * *").unwrap().compile(0).unwrap()];
        load.add(&triggers, Time::EPOCH, 3);
        load.scale(4);
        assert_eq!(load.buckets().next(), Some((NOON, 12)));
        assert!(load.is_estimated());
    }
}
