//! What is kept of the history: by each job's `keep`, and by the bounds of it all.

use std::time::Duration;

use shared::{
    job::{Job, Keep},
    store::mirror::MirrorState,
    time::Time,
};

use super::{Bounds, PAUSE};
use crate::history::{Expire, History, HistoryError, NODES_MAX};

/// Nothing that was due within this goes, however little its job keeps: agents may still
/// send its report again, and a leader asks the history what was recorded before it settles
/// what a dead node had claimed.
const SPARED: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

pub async fn by_job(history: &dyn History, jobs: &MirrorState<Job>, now: Time) -> Result<(), HistoryError> {
    // A list that could not be read yet says nothing of what jobs keep.
    if !jobs.is_ready() {
        return Ok(());
    }
    for (_, entry) in jobs.iter() {
        let Job { id, spec, .. } = &*entry.value;
        delete(history, &of_job(*id, spec.keep, now)).await?;
    }
    Ok(())
}

pub fn of_job(job: shared::id::JobId, keep: Keep, now: Time) -> Expire {
    let spared = now - SPARED;
    Expire::Job {
        job,
        before: (now - keep.span.get()).min(spared),
        keep: keep.runs.into(),
        spared,
    }
}

pub async fn by_bounds(history: &dyn History, bounds: &Bounds, now: Time) -> Result<(), HistoryError> {
    let days = |n: u32| now - DAY * n;
    let spared = now - SPARED;
    let before = days(bounds.run_days).min(spared);
    delete(
        history,
        &Expire::All {
            before,
            keep: bounds.runs,
            spared,
        },
    )
    .await?;
    // A piece of output whose run is not there a day later has none.
    delete(history, &Expire::Orphans { before: days(1) }).await?;
    let (hours_before, days_before) = (
        days(bounds.statistics_hours_days),
        days(bounds.statistics_days_days),
    );
    delete(
        history,
        &Expire::Statistics {
            hours_before,
            days_before,
        },
    )
    .await?;
    let nodes = Expire::Nodes {
        before,
        keep: NODES_MAX.into(),
    };
    delete(history, &nodes).await?;
    history.tidy().await
}

async fn delete(history: &dyn History, what: &Expire) -> Result<(), HistoryError> {
    let mut rows = 0;
    loop {
        let expired = history.expire(what).await?;
        rows += expired.rows;
        if !expired.more {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    if rows > 0 {
        tracing::debug!(rows, ?what, "deleted");
    }
    Ok(())
}
