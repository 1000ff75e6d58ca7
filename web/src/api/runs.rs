//! Runs and their output.

use shared::{
    api::{Kill, Ordered, OutputView, Page, RunNow, paths},
    history::{RunQuery, RunView},
    id::{JobPath, RunId},
};

use super::{Answer, Query, get, path, post};

/// A page of runs, newest first.
pub async fn list(wanted: &RunQuery) -> Answer<Page<RunView>> {
    let query = Query::default()
        .with_some("job", wanted.job.as_ref())
        .with_some("job_id", wanted.job_id)
        .with_some("namespace", wanted.namespace.as_ref())
        .with_some("node", wanted.node.as_ref())
        .with_some("state", wanted.state.as_ref())
        .with_some("cause", wanted.cause.as_ref())
        .with_some("q", wanted.q.as_ref())
        .with_some("since", wanted.since)
        .with_some("until", wanted.until)
        .with_some("first", wanted.first)
        .with_some("cursor", wanted.cursor.as_ref())
        .with_some("limit", wanted.limit);
    get(&query.after(paths::RUNS)).await
}

pub async fn find(id: RunId) -> Answer<RunView> {
    get(&path(paths::RUN, &[&id])).await
}

/// The attempts at one fire, the newest first.
pub async fn attempts(first: RunId) -> Answer<Page<RunView>> {
    list(&RunQuery {
        first: Some(first),
        limit: Some(100),
        ..RunQuery::default()
    })
    .await
}

/// Asks for a run to be stopped; it ends a little later.
pub async fn kill(id: RunId, reason: String) -> Answer<()> {
    post(&path(paths::RUN_KILL, &[&id]), &Kill { reason }).await
}

pub async fn run_now(job: &JobPath, with: &RunNow) -> Answer<Ordered> {
    post(&path(paths::JOB_RUN, &[&job.namespace, &job.name]), with).await
}

/// A page of what is kept of a run's output, from a piece on.
pub async fn output(id: RunId, from: u64) -> Answer<Page<OutputView>> {
    /// Pieces are up to 64 KiB.
    const PIECES: u32 = 24;
    let query = Query::default().with("from", from).with("limit", PIECES);
    get(&query.after(&path(paths::RUN_OUTPUT, &[&id]))).await
}
