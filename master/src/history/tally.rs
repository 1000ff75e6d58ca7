//! What runs add to the statistics: sums that can be added to each other.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::{Deserialize, Serialize};
use shared::{
    history::{Outcomes, Spread, Step},
    id::{JobId, JobPath},
    report::Run,
    run::{Cause, State},
    time::Time,
};

/// Counts of a job's runs in one hour or day. Adding is all that happens to it.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    pub outcomes: Outcomes,
    pub duration: Histogram,
    pub late: Histogram,
}

impl Tally {
    /// The same of how it ended alone.
    fn count_outcome(&mut self, old: Option<&Run>, new: &Run) {
        if let Some(old) = old {
            add_outcome(&mut self.outcomes, old, -1);
        }
        add_outcome(&mut self.outcomes, new, 1);
    }

    /// Counts a report that was recorded in place of `old`.
    fn count(&mut self, old: Option<&Run>, new: &Run) {
        // Only a lost run is ever taken back; it had no times.
        if let Some(old) = old {
            add_outcome(&mut self.outcomes, old, -1);
        }
        if !new.state.is_end() {
            return;
        }
        add_outcome(&mut self.outcomes, new, 1);
        let Some(started_at) = new.started_at else { return };
        if let Some(finished_at) = new.finished_at {
            self.duration
                .add(finished_at.as_millis() - started_at.as_millis());
        }
        if new.cause == Cause::Schedule && new.attempt == 1 {
            self.late
                .add(started_at.as_millis() - new.scheduled_at.as_millis());
        }
    }

    pub fn merge(&mut self, other: &Tally) {
        self.outcomes.add(&other.outcomes);
        self.duration.merge(&other.duration);
        self.late.merge(&other.late);
    }
}

fn add_outcome(outcomes: &mut Outcomes, run: &Run, sign: i64) {
    let count = run
        .range
        .map_or(1, |range| range.count.min(i64::MAX as u64) as i64);
    let place = match run.state {
        State::Pending | State::Queued | State::Running => return,
        State::Succeeded => &mut outcomes.succeeded,
        State::Failed => &mut outcomes.failed,
        State::TimedOut => &mut outcomes.timed_out,
        State::Killed => &mut outcomes.killed,
        State::Skipped => &mut outcomes.skipped,
        State::Missed => &mut outcomes.missed,
        State::Rejected => &mut outcomes.rejected,
        State::Lost => &mut outcomes.lost,
    };
    *place = place.saturating_add(sign.saturating_mul(count));
}

/// A job's tally of one hour or day, as it is stored and dumped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum {
    pub job_id: JobId,
    /// The name that the job had.
    pub job: JobPath,
    pub step: Step,
    pub at: Time,
    pub tally: Tally,
}

impl Sum {
    pub fn key(&self) -> (JobId, Step, Time) {
        (self.job_id, self.step, self.at)
    }
}

/// Under which the sums over all jobs stand: no job has this id, which is that of the first
/// millisecond of 1970.
fn all_jobs() -> JobId {
    JobId::new(Time::EPOCH, 0)
}

fn all_jobs_path() -> JobPath {
    static PATH: LazyLock<JobPath> = LazyLock::new(|| {
        let all = "all/all".parse();
        all.expect("two names and a slash")
    });
    PATH.clone()
}

/// Sums under their keys.
#[derive(Clone, Debug, Default)]
pub struct Sums(BTreeMap<(JobId, Step, Time), Sum>);

impl Sums {
    /// Counts a report that was recorded in place of `old`, in its hour.
    pub fn count(&mut self, old: Option<&Run>, new: &Run) {
        if new.state.is_end() || old.is_some_and(|old| old.state.is_end()) {
            self.tally(new.job, &new.path, Step::Hour, new.scheduled_at)
                .count(old, new);
            let all = self.tally(all_jobs(), &all_jobs_path(), Step::Minutes, new.scheduled_at);
            all.count_outcome(old, new);
        }
    }

    pub fn add(&mut self, sum: &Sum) {
        self.tally(sum.job_id, &sum.job, sum.step, sum.at)
            .merge(&sum.tally);
    }

    /// Puts a sum in the place of what is there under its key.
    pub fn replace(&mut self, sum: &Sum) {
        self.0.insert(sum.key(), sum.clone());
    }

    /// Adds the day's sum to each hour's.
    pub fn with_days(self) -> Sums {
        let mut all = Sums::default();
        for sum in self.0.into_values() {
            if sum.step == Step::Hour {
                all.add(&Sum {
                    step: Step::Day,
                    ..sum.clone()
                });
            }
            all.add(&sum);
        }
        all
    }

    pub fn into_values(self) -> impl Iterator<Item = Sum> {
        self.0.into_values()
    }

    pub fn values(&self) -> impl Iterator<Item = &Sum> {
        self.0.values()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn remove_if(&mut self, mut gone: impl FnMut(&Sum) -> bool) -> u64 {
        let before = self.0.len();
        self.0.retain(|_, sum| !gone(sum));
        (before - self.0.len()) as u64
    }

    fn tally(&mut self, job_id: JobId, job: &JobPath, step: Step, at: Time) -> &mut Tally {
        let at = step.floor(at);
        let new = || Sum {
            job_id,
            job: job.clone(),
            step,
            at,
            tally: Tally::default(),
        };
        &mut self.0.entry((job_id, step, at)).or_insert_with(new).tally
    }
}

/// How many values fell into which bucket. Buckets are 1/16 of a power of two wide, so that
/// a percentile is within 7 % of the true one; there are fewer than a thousand.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Histogram(BTreeMap<u16, u64>);

const LINEAR: u64 = 16;
const LINEAR_BITS: u32 = 4;

impl Histogram {
    /// Counts a value in milliseconds; negative ones (a clock stepped) as zero.
    pub fn add(&mut self, value: i64) {
        *self.0.entry(bucket(value.max(0) as u64)).or_default() += 1;
    }

    pub fn merge(&mut self, other: &Histogram) {
        for (bucket, count) in &other.0 {
            let sum = self.0.entry(*bucket).or_default();
            *sum = sum.saturating_add(*count);
        }
    }

    pub fn spread(&self) -> Spread {
        Spread {
            p50_ms: self.percentile(50),
            p95_ms: self.percentile(95),
            max_ms: self.0.last_key_value().map(|(bucket, _)| top(*bucket)),
        }
    }

    /// The top of the bucket that holds the value; none if nothing was counted.
    pub fn percentile(&self, percent: u64) -> Option<i64> {
        let total: u128 = self.0.values().map(|n| u128::from(*n)).sum();
        let rank = (total * u128::from(percent)).div_ceil(100).max(1);
        let mut seen = 0;
        self.0.iter().find_map(|(bucket, count)| {
            seen += u128::from(*count);
            (seen >= rank).then(|| top(*bucket))
        })
    }
}

fn bucket(value: u64) -> u16 {
    if value < LINEAR {
        return value as u16;
    }
    let shift = value.ilog2() - LINEAR_BITS;
    ((shift as u64 + 1) * LINEAR + ((value >> shift) - LINEAR)) as u16
}

/// The largest value in a bucket.
fn top(bucket: u16) -> i64 {
    let bucket = u64::from(bucket);
    if bucket < LINEAR {
        return bucket as i64;
    }
    let shift = (bucket / LINEAR - 1).min(u64::from(63 - LINEAR_BITS)) as u32;
    let low = u128::from(LINEAR + bucket % LINEAR) << shift;
    i64::try_from(low + (1 << shift) - 1).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_hold_their_values() {
        for value in (0..5000).chain([
            1 << 20,
            (1 << 20) + 77_777,
            86_400_000,
            i64::MAX as u64 - 1,
            i64::MAX as u64,
        ]) {
            let top = top(bucket(value)) as u64;
            assert!(
                top >= value && (top - value) as f64 <= value as f64 * 0.07,
                "{value} {top}"
            );
            assert!(
                value == 0 || super::top(bucket(value) - 1) < value as i64,
                "{value}"
            );
        }
    }

    #[test]
    fn percentiles_are_near() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.spread(), Spread::default());
        (1..=1000).for_each(|ms| histogram.add(ms * 10));
        let Spread {
            p50_ms,
            p95_ms,
            max_ms,
        } = histogram.spread();
        assert!((5000..5350).contains(&p50_ms.unwrap()), "{p50_ms:?}");
        assert!((9500..10165).contains(&p95_ms.unwrap()), "{p95_ms:?}");
        assert!((10_000..10_700).contains(&max_ms.unwrap()), "{max_ms:?}");
        let text = serde_json::to_string(&histogram).unwrap();
        assert_eq!(serde_json::from_str::<Histogram>(&text).unwrap(), histogram);
    }
}
