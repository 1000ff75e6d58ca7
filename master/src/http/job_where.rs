//! Where a job runs, and why there.

use axum::{Json, extract::State};
use shared::api::{Whereabouts, paths};

use super::{
    App,
    extract::JobPart,
    failure::{Answer, Failure},
    job_write::look,
};

/// Each slot's owner, and what each node is to the job.
#[utoipa::path(get, path = paths::JOB_WHERE, tag = "jobs", params(("namespace" = String, Path), ("name" = String, Path)),
    responses((status = 200, body = Whereabouts), Failure))]
pub async fn get(State(app): State<App>, JobPart(path): JobPart) -> Answer<Json<Whereabouts>> {
    let stored = look(&app, &path).await?;
    let places = app.standing(&stored)?;
    Ok(Json(Whereabouts {
        slots: places.slots,
        nodes: places.nodes,
        calendars: places.calendars,
    }))
}
