//! Jobs as lists and pages show them.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, header},
};
use serde::Deserialize;
use shared::{
    Revision,
    api::{JobView, Page, paths},
    id::{JobId, JobPath, Namespace},
    job::Job,
    keys,
    target::Selector,
};

use super::{
    App,
    extract::{JobPart, Params},
    failure::{Answer, Failure},
};

/// The most items of a page.
pub const PAGE_MAX: usize = 1000;
pub const PAGE_DEFAULT: usize = 100;

/// Asks for a job by its id where it is asked for by the name of one that there is: its id
/// stays when it is renamed, and runs keep the name that they had.
pub fn by_id(app: &App, path: &mut Option<JobPath>, id: &mut Option<JobId>) {
    let jobs = app.view.jobs.snapshot();
    let named = path.as_ref().and_then(|path| jobs.get(&keys::job(path)));
    if let Some(job) = named
        && id.is_none_or(|id| id == job.id)
    {
        (*path, *id) = (None, Some(job.id));
    }
}

/// Which jobs to list. All that is given must hold.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct JobQuery {
    pub namespace: Option<Namespace>,
    /// A selector over the jobs' labels.
    pub labels: Option<Selector>,
    /// A part of the name or description, in any case.
    pub q: Option<String>,
    pub paused: Option<bool>,
    /// Where the page before ended, as its `next` says.
    pub cursor: Option<JobPath>,
    /// How many at most; 100 unless given, 1,000 at most.
    pub limit: Option<usize>,
}

impl JobQuery {
    fn takes(&self, job: &Job) -> bool {
        let spec = &job.spec;
        let q = self.q.as_ref().map(|q| q.to_lowercase());
        let found = |text: &str, q: &str| text.to_lowercase().contains(q);
        self.namespace.as_ref().is_none_or(|n| *n == spec.namespace)
            && self.labels.as_ref().is_none_or(|l| l.matches(&spec.labels))
            && self.paused.is_none_or(|p| p == spec.paused)
            && q.is_none_or(|q| found(&spec.path().to_string(), &q) || found(&spec.description, &q))
    }
}

/// Jobs by namespace and name.
#[utoipa::path(get, path = paths::JOBS, tag = "jobs", params(JobQuery),
    responses((status = 200, body = Page<JobView>), Failure))]
pub async fn list(State(app): State<App>, Params(query): Params<JobQuery>) -> Answer<Json<Page<JobView>>> {
    let jobs = app.jobs()?;
    let after = query.cursor.as_ref().map(keys::job);
    let later = jobs
        .iter()
        .filter(|(key, _)| after.as_deref().is_none_or(|after| *key > after));
    let wanted = later.filter(|(_, entry)| query.takes(&entry.value));
    let unplaced = app.unplaced();
    let items = wanted.map(|(_, entry)| view(&app, &entry.value, entry.mod_revision, &unplaced));
    Ok(Json(page(items, query.limit, |job: &JobView| {
        job.spec.path().to_string()
    })))
}

/// One job. Its revision is also the answer's `ETag`.
#[utoipa::path(get, path = paths::JOB, tag = "jobs", params(("namespace" = String, Path), ("name" = String, Path)),
    responses((status = 200, body = JobView), Failure))]
pub async fn get(State(app): State<App>, JobPart(path): JobPart) -> Answer<(HeaderMap, Json<JobView>)> {
    let jobs = app.jobs()?;
    let key = keys::job(&path);
    if let Some(broken) = jobs.broken().get(key.as_str()) {
        return Err(
            Failure::conflict(format!("job {path} cannot be read: {}", broken.reason))
                .hint("apply it again, or delete it"),
        );
    }
    let entry = jobs.entry(&key).ok_or_else(|| missing(&path))?;
    Ok(tagged(view(
        &app,
        &entry.value,
        entry.mod_revision,
        &app.unplaced(),
    )))
}

pub fn missing(path: &JobPath) -> Failure {
    Failure::not_found(format!("there is no job {path}"))
}

/// A job with its revision as the `ETag`.
pub fn tagged(job: JobView) -> (HeaderMap, Json<JobView>) {
    (etag(job.revision), Json(job))
}

pub fn etag(revision: Revision) -> HeaderMap {
    let value = HeaderValue::try_from(format!("\"{revision}\""));
    value.into_iter().map(|v| (header::ETAG, v)).collect()
}

/// A job as the API shows it.
pub fn view(app: &App, job: &Job, revision: Revision, unplaced: &super::Reasons) -> JobView {
    let now = app.host.now();
    let timetable = if job.spec.paused {
        None
    } else {
        super::calendars::timetable(app, job).ok()
    };
    JobView {
        id: job.id,
        revision,
        since: job.since,
        created: job.created.clone(),
        updated: job.updated.clone(),
        next: timetable
            .and_then(|t| t.next_open(now.max(job.since)))
            .map(|due| due.at),
        unplaced: unplaced.get(&job.id).cloned().unwrap_or_default(),
        spec: job.spec.clone(),
    }
}

/// Cuts a page off a list; one more than fits is looked at to know whether there is a next.
pub fn page<T>(
    items: impl Iterator<Item = T>,
    limit: Option<usize>,
    cursor: impl Fn(&T) -> String,
) -> Page<T> {
    let limit = limit.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_MAX);
    let mut items: Vec<T> = items.take(limit + 1).collect();
    let has_more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| has_more).map(cursor);
    Page { items, next }
}
