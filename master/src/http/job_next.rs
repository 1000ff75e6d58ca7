//! When a job is due next.

use axum::{Json, extract::State};
use serde::Deserialize;
use shared::{
    api::{NextFire, NextFires, paths},
    schedule::{Lang, Listing, Schedule, Zone},
    time::Time,
};

use super::{
    App,
    calendars::{blackouts, timetable},
    extract::{JobPart, Params},
    failure::{Answer, Failure},
    job_write::look,
    preview::{COUNT_DEFAULT, COUNT_MAX},
};

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct NextQuery {
    /// Instants after this one; now unless given.
    pub from: Option<Time>,
    /// 10 unless given, 1,000 at most.
    pub count: Option<usize>,
    /// Another zone to show the instants in.
    pub also: Option<Zone>,
    /// The language of the words; English unless given.
    pub lang: Lang,
}

/// The next instants at which the job is due, and when each starts (its jitter). The
/// triggers count as if the job were not paused.
#[utoipa::path(get, path = paths::JOB_NEXT, tag = "jobs",
    params(("namespace" = String, Path), ("name" = String, Path), NextQuery),
    responses((status = 200, body = NextFires), Failure))]
pub async fn get(
    State(app): State<App>,
    JobPart(path): JobPart,
    Params(query): Params<NextQuery>,
) -> Answer<Json<NextFires>> {
    let job = look(&app, &path).await?.job;
    let timetable = timetable(&app, &job).map_err(|e| Failure::internal(&e))?;
    let from = query.from.unwrap_or(app.host.now()).max(job.since);
    let mut after = from;
    let next = std::iter::from_fn(|| {
        let due = timetable.next(after)?;
        after = due.at;
        Some(NextFire {
            at: due.at,
            start_at: due.start_at,
            suppressed: timetable.suppressed(due.at),
        })
    });
    let fires: Vec<NextFire> = next
        .take(query.count.unwrap_or(COUNT_DEFAULT).clamp(1, COUNT_MAX))
        .collect();
    let instants: Vec<Time> = fires.iter().map(|fire| fire.at).collect();
    let triggers = &job.spec.triggers;
    let compiled = triggers.iter().filter_map(|t| t.compile(job.id.seed()).ok());
    let schedules: Vec<Schedule> = compiled.map(|c| c.schedule).collect();
    Ok(Json(NextFires {
        triggers: schedules.iter().map(|s| s.describe(query.lang)).collect(),
        fires,
        paused: job.spec.paused,
        listing: Listing::of(
            &schedules.iter().collect::<Vec<_>>(),
            from,
            &instants,
            query.also,
            query.lang,
        )
        .under(&blackouts(&app, &job.spec.calendars)),
    }))
}
