//! Runs and their output.

use shared::{
    api::{Kill, Ordered, OutputView, Page, RunNow, paths},
    history::{RunQuery, RunView},
    id::{JobPath, RunId},
};

use super::{Call, Query, get, path, post};

/// A page of runs, newest first.
pub fn list(wanted: &RunQuery) -> Call<Page<RunView>> {
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
    get(&query.after(paths::RUNS))
}

pub fn find(id: RunId) -> Call<RunView> {
    get(&path(paths::RUN, &[&id]))
}

/// The attempts at one fire, the newest first.
pub fn attempts(first: RunId) -> Call<Page<RunView>> {
    list(&RunQuery {
        first: Some(first),
        limit: Some(100),
        ..RunQuery::default()
    })
}

/// Asks for a run to be stopped; it ends a little later.
pub fn kill(id: RunId, reason: String) -> Call<()> {
    post(&path(paths::RUN_KILL, &[&id]), &Kill { reason })
}

pub fn run_now(job: &JobPath, with: &RunNow) -> Call<Ordered> {
    post(&path(paths::JOB_RUN, &[&job.namespace, &job.name]), with)
}

/// A page of what is kept of a run's output, from a piece on.
pub fn output(id: RunId, from: u64) -> Call<Page<OutputView>> {
    /// Pieces are up to 64 KiB.
    const PIECES: u32 = 24;
    let query = Query::default().with("from", from).with("limit", PIECES);
    get(&query.after(&path(paths::RUN_OUTPUT, &[&id])))
}
