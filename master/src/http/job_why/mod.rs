//! Why a job did or did not run at an instant.

mod answer;

use axum::{Json, extract::State};
use serde::Deserialize;
use shared::{
    api::{Why, paths},
    fire::{self, Timetable},
    history::{RunQuery, RunView},
    job::{Compiled, Job},
    keys,
    time::Time,
};
use std::time::Duration;

use super::{
    App,
    calendars::timetable,
    extract::{JobPart, Params},
    failure::{Answer, Failure},
    job_write::look,
};
use answer::Facts;

/// How many runs of the instant are read at once, and how often: far more than slots and
/// nodes can make of one.
const PAGE: u32 = 1000;
const PAGES_MAX: u32 = 100;
/// The most ranges that it is in: one of each slot or node.
const RANGES_MAX: u32 = 100_000;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WhyQuery {
    /// The instant, as the schedule gives it (without jitter).
    pub at: Time,
}

/// Why the job ran or did not run at an instant, in the past or to come: was it due, does
/// it count, who claimed it, what was recorded.
#[utoipa::path(get, path = paths::JOB_WHY, tag = "jobs",
    params(("namespace" = String, Path), ("name" = String, Path), WhyQuery),
    responses((status = 200, body = Why), Failure))]
pub async fn get(
    State(app): State<App>,
    JobPart(path): JobPart,
    Params(query): Params<WhyQuery>,
) -> Answer<Json<Why>> {
    let stored = look(&app, &path).await?;
    let job = &stored.job;
    let timetable = timetable(&app, job).map_err(|e| Failure::internal(&e))?;
    let due = due_at(&timetable, query.at);
    let at = due.map_or(query.at, |due| due.at);
    let (runs, is_known) = match recorded(&app, job, at).await {
        Ok(runs) => (runs, true),
        Err(_) => (Vec::new(), false),
    };
    let places = app.standing(&stored)?;
    let compiled = compiled(job);
    let cursors = app.view.cursor.snapshot();
    let claimed = |slot: u32| cursors.get(&keys::cursor(job.id, slot));
    let facts = Facts {
        job,
        asked: query.at,
        at,
        now: app.host.now(),
        start_at: due.map(|due| due.start_at),
        suppressed: due.and_then(|due| timetable.suppressed(due.at)),
        before: fire::prev(&compiled, query.at),
        after: fire::next(&compiled, query.at),
        slots: &places.slots,
        nodes: &places.nodes,
        claimed: &claimed,
        alive: &places.alive,
        runs: &runs,
        is_known,
    };
    let answer = answer::answer(&facts);
    Ok(Json(Why {
        job: path,
        at,
        answer,
        runs,
    }))
}

/// The fire that is meant: the one at the instant, or, where a person gave a whole minute,
/// the first within it.
fn due_at(timetable: &Timetable, at: Time) -> Option<fire::Due> {
    let is_minute = at.as_millis().rem_euclid(60_000) == 0;
    let within = if is_minute {
        Duration::from_secs(60)
    } else {
        Duration::from_millis(1)
    };
    timetable
        .next(at - Duration::from_millis(1))
        .filter(|due| due.at < at + within)
}

fn compiled(job: &Job) -> Vec<Compiled> {
    job.spec
        .triggers
        .iter()
        .filter_map(|t| t.compile(job.id.seed()).ok())
        .collect()
}

/// What the history knows of the instant: its runs, oldest first, and ranges that it is in.
async fn recorded(app: &App, job: &Job, at: Time) -> Answer<Vec<RunView>> {
    // By the job's id: what it did under an earlier name counts.
    let mut query = RunQuery {
        job_id: Some(job.id),
        since: Some(at),
        until: Some(at + Duration::from_millis(1)),
        limit: Some(PAGE),
        ..RunQuery::default()
    };
    let mut runs = app.history.covering(job.id, at, RANGES_MAX).await?;
    for _ in 0..PAGES_MAX {
        let page = app.history.runs(&query).await?;
        runs.extend(page.items);
        query.cursor = page.next;
        if query.cursor.is_none() {
            break;
        }
    }
    runs.sort_by(|a, b| {
        (a.scheduled_at, a.slot, &a.node, a.attempt).cmp(&(b.scheduled_at, b.slot, &b.node, b.attempt))
    });
    Ok(runs)
}
