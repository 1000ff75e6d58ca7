//! Jobs: the board of them all, one of them, and what can be done to them.

use shared::{
    api::{
        JobView, NextFires, Ordered, Page, RunNow, Whereabouts, Why,
        board::Board,
        paths,
        timeline::JobHistory,
        work::{Bulk, BulkResult},
    },
    history::RunView,
    id::JobPath,
    time::Time,
};

use super::{Answer, Query, delete, get, path, post};
use crate::locale::{Language, language};

/// A path of the API that names a job.
fn of(template: &str, job: &JobPath) -> String {
    path(template, &[&job.namespace, &job.name])
}

/// What is new since a version of the board; all of it if none is given.
pub async fn board(since: Option<String>) -> Answer<Board> {
    get(&Query::default().with_some("since", since).after(paths::BOARD)).await
}

pub async fn job(job: JobPath) -> Answer<JobView> {
    get(&of(paths::JOB, &job)).await
}

/// The next fires, in the job's zone and in the viewer's.
pub async fn next(job: JobPath, count: u32, also: Option<String>) -> Answer<NextFires> {
    let lang = match language() {
        Language::En => "en",
        Language::Zh => "zh",
    };
    let query = Query::default().with("count", count).with("lang", lang);
    get(&query.with_some("also", also).after(&of(paths::JOB_NEXT, &job))).await
}

pub async fn history(job: JobPath, points: u32) -> Answer<JobHistory> {
    get(&Query::default()
        .with("points", points)
        .after(&of(paths::JOB_HISTORY, &job)))
    .await
}

/// The newest runs.
pub async fn runs(job: JobPath, limit: u32) -> Answer<Page<RunView>> {
    get(&Query::default()
        .with("job", job)
        .with("limit", limit)
        .after(paths::RUNS))
    .await
}

pub async fn whereabouts(job: JobPath) -> Answer<Whereabouts> {
    get(&of(paths::JOB_WHERE, &job)).await
}

/// Why it ran or did not run at an instant.
pub async fn why(job: JobPath, at: Time) -> Answer<Why> {
    get(&Query::default().with("at", at).after(&of(paths::JOB_WHY, &job))).await
}

pub async fn pause(job: &JobPath) -> Answer<JobView> {
    post(&of(paths::JOB_PAUSE, job), &()).await
}

pub async fn resume(job: &JobPath) -> Answer<JobView> {
    post(&of(paths::JOB_RESUME, job), &()).await
}

pub async fn run(job: &JobPath, how: &RunNow) -> Answer<Ordered> {
    post(&of(paths::JOB_RUN, job), how).await
}

pub async fn remove(job: &JobPath) -> Answer<()> {
    delete(&of(paths::JOB, job), None).await
}

/// One order for at most [`shared::api::work::BULK_MAX`] jobs.
pub async fn bulk(order: &Bulk) -> Answer<BulkResult> {
    post(paths::JOBS_BULK, order).await
}
