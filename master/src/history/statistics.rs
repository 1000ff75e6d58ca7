//! Sums over runs, from the sums of each job's hours and days.

use std::collections::{BTreeMap, BTreeSet};

use shared::{
    history::{Spread, Statistic, StatisticsQuery, Step, SumBy},
    id::{JobId, JobPath, Namespace},
    time::Time,
};

use super::{
    HistoryError, Sum,
    tally::{Histogram, Tally},
};

/// A [`StatisticsQuery`] that has been checked.
pub struct Wanted {
    pub job: Option<JobPath>,
    pub job_id: Option<JobId>,
    pub namespace: Option<Namespace>,
    pub since: Option<Time>,
    pub until: Option<Time>,
    pub step: Step,
    by: SumBy,
    /// Sums by time over all jobs, in which spreads would mean nothing.
    pub is_plain: bool,
    steps: BTreeMap<Time, Tally>,
    jobs: BTreeMap<JobId, (JobPath, Tally)>,
}

impl Wanted {
    pub fn check(query: &StatisticsQuery) -> Result<Wanted, HistoryError> {
        let namespace = match query.namespace.as_deref() {
            Some(name) if !name.is_empty() => Some(name.parse().map_err(HistoryError::Invalid)?),
            _ => None,
        };
        let is_of_one = query.job.is_some() || query.job_id.is_some();
        let is_of_all = !is_of_one && namespace.is_none() && query.by == SumBy::Time;
        if query.step == Step::Minutes && !is_of_all {
            let why = "there are sums of five minutes over all jobs and by time only; ask for hours";
            return Err(HistoryError::Invalid(why.to_owned()));
        }
        Ok(Wanted {
            job: query.job.clone(),
            job_id: query.job_id,
            namespace,
            since: query.since.map(|since| query.step.floor(since)),
            until: query.until,
            step: query.step,
            by: query.by,
            is_plain: query.by == SumBy::Time && !is_of_one,
            steps: BTreeMap::new(),
            jobs: BTreeMap::new(),
        })
    }

    pub fn matches(&self, sum: &Sum) -> bool {
        sum.step == self.step
            && self.job.as_ref().is_none_or(|job| *job == sum.job)
            && self.job_id.is_none_or(|job| job == sum.job_id)
            && self
                .namespace
                .as_ref()
                .is_none_or(|namespace| *namespace == sum.job.namespace)
            && self.since.is_none_or(|since| sum.at >= since)
            && self.until.is_none_or(|until| sum.at < until)
    }

    /// Adds a sum that matches.
    pub fn add(&mut self, sum: &Sum) {
        let tally = match self.by {
            SumBy::Time => self.steps.entry(sum.at).or_default(),
            SumBy::Job => {
                let (job, tally) = self
                    .jobs
                    .entry(sum.job_id)
                    .or_insert_with(|| (sum.job.clone(), Tally::default()));
                job.clone_from(&sum.job);
                tally
            }
        };
        tally.merge(&sum.tally);
    }

    pub fn sum<'a>(mut self, sums: impl Iterator<Item = &'a Sum>) -> Vec<Statistic> {
        for sum in sums {
            if self.matches(sum) {
                self.add(sum);
            }
        }
        self.finish()
    }

    pub fn finish(self) -> Vec<Statistic> {
        let is_plain = self.is_plain;
        let spread = |histogram: &Histogram| {
            if is_plain {
                Spread::default()
            } else {
                histogram.spread()
            }
        };
        let statistic = |tally: Tally| Statistic {
            outcomes: tally.outcomes,
            duration: spread(&tally.duration),
            late: spread(&tally.late),
            ..Statistic::default()
        };
        let steps = self.steps.into_iter().map(|(at, tally)| Statistic {
            at: Some(at),
            ..statistic(tally)
        });
        let jobs = self.jobs.into_iter().map(|(id, (job, tally))| Statistic {
            job: Some(job),
            job_id: Some(id),
            ..statistic(tally)
        });
        steps.chain(jobs).collect()
    }
}

/// The instants, `from..=until`, of runs of which some stand for a range of instants.
pub fn instants(runs: impl Iterator<Item = (Time, Option<Time>)>, from: Time, until: Time) -> Vec<Time> {
    let all = runs.flat_map(|(at, end)| [Some(at), end]).flatten();
    all.filter(|at| *at >= from && *at <= until)
        .collect::<BTreeSet<Time>>()
        .into_iter()
        .collect()
}
