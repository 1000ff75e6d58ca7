//! Runs that go on much longer than usual, and instants of which nothing is recorded.

use std::{collections::BTreeMap, time::Duration};

use shared::{
    fire,
    history::{Late, Overdue, RunView, Statistic, StatisticsQuery, Step, SumBy},
    id::JobPath,
    job::Job,
    store::mirror::MirrorState,
    time::Time,
};

use super::Findings;
use crate::history::{History, HistoryError};

/// Runs that are looked at, the ones that have gone on longest first.
const RUNNING_MAX: u32 = 1000;
/// Jobs that one look asks the history about.
const JOBS_MAX: usize = 500;
/// What is usual is what was in these days.
const USUAL: Duration = Duration::from_secs(7 * 86_400);
/// So many runs make a habit.
const RUNS_MIN: i64 = 10;
/// Past the usual by this at least: short jobs are not late for a few seconds.
const LATE_MIN: Duration = Duration::from_secs(60);
/// Findings of each kind that are kept; the first are as good as all.
const FINDINGS_MAX: usize = 200;
/// After so long, an instant without a record is overdue: agents report within seconds,
/// and the leader settles what a dead one had claimed within a few leases.
const RECORDED_WITHIN: Duration = Duration::from_secs(10 * 60);
/// How far back an instant is looked for.
const LOOK_BACK: Duration = Duration::from_secs(6 * 3600);

pub async fn look(
    history: &dyn History,
    jobs: &MirrorState<Job>,
    now: Time,
) -> Result<Findings, HistoryError> {
    let late = late(history, now).await?;
    let overdue = overdue(history, jobs, now).await?;
    Ok(Findings {
        at: Some(now),
        late,
        overdue,
    })
}

async fn late(history: &dyn History, now: Time) -> Result<Vec<Late>, HistoryError> {
    let mut usual: BTreeMap<JobPath, Option<Statistic>> = BTreeMap::new();
    let mut late = Vec::new();
    for run in history.going_on(RUNNING_MAX).await? {
        // Nothing that began so recently is late.
        if run.started_at.is_none_or(|at| now.since(at) <= LATE_MIN) {
            continue;
        }
        if !usual.contains_key(&run.job) {
            if usual.len() >= JOBS_MAX {
                break;
            }
            usual.insert(run.job.clone(), usually(history, &run.job, now).await?);
        }
        let usual = usual.get(&run.job).and_then(Option::as_ref);
        late.extend(usual.and_then(|usual| is_late(&run, usual, now)));
    }
    late.truncate(FINDINGS_MAX);
    Ok(late)
}

/// What a job's runs of the last days were like.
async fn usually(history: &dyn History, job: &JobPath, now: Time) -> Result<Option<Statistic>, HistoryError> {
    let query = StatisticsQuery {
        job: Some(job.clone()),
        since: Some(now - USUAL),
        step: Step::Day,
        by: SumBy::Job,
        ..StatisticsQuery::default()
    };
    // A job that was deleted and made again has several ids; the last one counts.
    Ok(history.statistics(&query).await?.pop())
}

/// Whether a run has gone on for more than twice as long as nineteen of twenty of its job.
pub fn is_late(run: &RunView, usual: &Statistic, now: Time) -> Option<Late> {
    let usual_ms = usual.duration.p95_ms?;
    let elapsed = now.since(run.started_at?);
    let runs = usual.outcomes.succeeded + usual.outcomes.failed;
    let limit = Duration::from_millis(usual_ms.max(0) as u64)
        .saturating_mul(2)
        .max(LATE_MIN);
    (runs >= RUNS_MIN && elapsed > limit).then(|| Late {
        run: run.id,
        job: run.job.clone(),
        node: run.node.clone(),
        started_at: run.started_at.unwrap_or(run.scheduled_at),
        usual_ms,
    })
}

/// Slots of exclusive jobs whose last due instant is newer than anything recorded of them.
/// What an every-node job's agent has not reported yet may rest in its spool for long: that
/// is the node's state, not the job's.
pub async fn overdue(
    history: &dyn History,
    jobs: &MirrorState<Job>,
    now: Time,
) -> Result<Vec<Overdue>, HistoryError> {
    let mut found = Vec::new();
    for (_, entry) in jobs.iter() {
        let job = &*entry.value;
        let (Some(at), Some(slots)) = (last_due(job, now), job.spec.target.place.slots()) else {
            continue;
        };
        for slot in 0..slots {
            if history.newest(job.id, slot).await? < Some(at) {
                found.push(Overdue {
                    job: job.spec.path(),
                    slot,
                    at,
                });
                if found.len() >= FINDINGS_MAX {
                    return Ok(found);
                }
            }
        }
    }
    Ok(found)
}

/// The last instant that should be recorded by now.
fn last_due(job: &Job, now: Time) -> Option<Time> {
    let spec = &job.spec;
    if spec.paused {
        return None;
    }
    let seed = job.id.seed();
    let triggers: Vec<_> = spec
        .triggers
        .iter()
        .map(|t| t.compile(seed))
        .collect::<Result<_, _>>()
        .ok()?;
    let jitter = spec
        .triggers
        .iter()
        .map(|t| t.jitter.get())
        .max()
        .unwrap_or_default();
    let until = now - RECORDED_WITHIN - jitter;
    fire::prev(&triggers, until).filter(|at| *at > job.since && *at > until - LOOK_BACK)
}

/// Says what is new, once.
pub fn tell(last: &Findings, found: &Findings) {
    for late in found
        .late
        .iter()
        .filter(|late| !last.late.iter().any(|known| known.run == late.run))
    {
        tracing::warn!(run.id = %late.run, job = %late.job, node.id = %late.node, "a run goes on for longer than usual");
    }
    let is_known = |overdue: &Overdue| {
        last.overdue
            .iter()
            .any(|o| (&o.job, o.slot) == (&overdue.job, overdue.slot))
    };
    for overdue in found.overdue.iter().filter(|overdue| !is_known(overdue)) {
        tracing::warn!(job = %overdue.job, slot = overdue.slot, at = %overdue.at, "nothing is recorded of a due instant");
    }
}
