//! Jobs: the board of them all, one of them, and what can be done to them.

use shared::{
    Revision,
    api::{
        JobView, NextFires, Ordered, Page, RunNow, Whereabouts, Why,
        board::Board,
        paths,
        timeline::JobHistory,
        work::{Bulk, BulkResult},
    },
    history::RunView,
    id::JobPath,
    job::JobSpec,
    time::Time,
};

use super::{Call, Query, delete, get, path, post, put};
use crate::locale::{Language, language};

/// A path of the API that names a job.
fn of(template: &str, job: &JobPath) -> String {
    path(template, &[&job.namespace, &job.name])
}

/// What is new since a version of the board; all of it if none is given.
pub fn board(since: Option<String>) -> Call<Board> {
    get(&Query::default().with_some("since", since).after(paths::BOARD))
}

pub fn job(job: JobPath) -> Call<JobView> {
    get(&of(paths::JOB, &job))
}

/// The next fires, in the job's zone and in the viewer's.
pub fn next(job: JobPath, count: u32, also: Option<String>) -> Call<NextFires> {
    let lang = match language() {
        Language::En => "en",
        Language::Zh => "zh",
    };
    let query = Query::default().with("count", count).with("lang", lang);
    get(&query.with_some("also", also).after(&of(paths::JOB_NEXT, &job)))
}

pub fn history(job: JobPath, points: u32) -> Call<JobHistory> {
    get(&Query::default()
        .with("points", points)
        .after(&of(paths::JOB_HISTORY, &job)))
}

/// The newest runs.
pub fn runs(job: JobPath, limit: u32) -> Call<Page<RunView>> {
    get(&Query::default()
        .with("job", job)
        .with("limit", limit)
        .after(paths::RUNS))
}

pub fn whereabouts(job: JobPath) -> Call<Whereabouts> {
    get(&of(paths::JOB_WHERE, &job))
}

/// Why it ran or did not run at an instant.
pub fn why(job: JobPath, at: Time) -> Call<Why> {
    get(&Query::default().with("at", at).after(&of(paths::JOB_WHY, &job)))
}

pub fn pause(job: &JobPath) -> Call<JobView> {
    post(&of(paths::JOB_PAUSE, job), &())
}

pub fn resume(job: &JobPath) -> Call<JobView> {
    post(&of(paths::JOB_RESUME, job), &())
}

pub fn run(job: &JobPath, how: &RunNow) -> Call<Ordered> {
    post(&of(paths::JOB_RUN, job), how)
}

pub fn remove(job: &JobPath) -> Call<()> {
    delete(&of(paths::JOB, job), None)
}

/// One order for at most [`shared::api::work::BULK_MAX`] jobs.
pub fn bulk(order: &Bulk) -> Call<BulkResult> {
    post(paths::JOBS_BULK, order)
}

/// Makes the job, or replaces the one of that revision. A spec of another name renames it.
pub fn save(address: &JobPath, spec: &JobSpec, revision: Option<Revision>) -> Call<JobView> {
    put(&of(paths::JOB, address), spec, revision)
}
