//! A schedule before it is saved: in words, with its next instants.

use axum::{Json, extract::State};
use shared::{
    api::{Preview, PreviewRequest, paths},
    schedule,
};

use super::{
    App,
    calendars::{blackouts, check_exist},
    extract::JsonBody,
    failure::{Answer, Failure},
};

pub const COUNT_DEFAULT: usize = 10;
pub const COUNT_MAX: usize = 1000;

/// What a trigger means, and its next instants: in its own zone and another, with the
/// changes of their clocks.
#[utoipa::path(post, path = paths::SCHEDULE_PREVIEW, tag = "schedules", request_body = PreviewRequest,
    responses((status = 200, body = Preview), Failure))]
pub async fn preview(
    State(app): State<App>,
    JsonBody(request): JsonBody<PreviewRequest>,
) -> Answer<Json<Preview>> {
    let compiled = request
        .trigger
        .compile(request.job.map_or(0, |job| job.seed()))
        .map_err(|e| Failure::invalid(e.to_string()).field("trigger"))?;
    check_exist(&app, &request.calendars).await?;
    let count = request
        .count
        .map_or(COUNT_DEFAULT, |n| (n as usize).clamp(1, COUNT_MAX));
    let from = request.from.unwrap_or(app.host.now());
    let schedule = &compiled.schedule;
    let mut preview = schedule::preview(schedule, from, count, request.also, request.lang);
    preview.listing = preview.listing.under(&blackouts(&app, &request.calendars));
    Ok(Json(preview))
}
