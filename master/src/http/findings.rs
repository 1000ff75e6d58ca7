//! Runs that are late, and due instants of which nothing is recorded.

use std::time::Duration;

use axum::{Json, extract::State};
use shared::{api::paths, history::Findings};
use tokio::{sync::Mutex, time::Instant};

use super::{App, failure::Answer};
use crate::housekeeping;

/// How old what a follower found itself may be.
const LOOKED_LIFE: Duration = Duration::from_secs(30);

/// What this master found itself, because it does not lead.
#[derive(Default)]
pub struct Looked(Mutex<Option<(Instant, Findings)>>);

/// Runs that go on for much longer than usual, and due instants of which nothing is
/// recorded: at the leader, what its last checks found, at most a minute old.
#[utoipa::path(get, path = paths::FINDINGS, tag = "status", responses((status = 200, body = Findings), super::Failure))]
pub async fn get(State(app): State<App>) -> Answer<Json<Findings>> {
    let found = app.findings.borrow().clone();
    if found.at.is_some() {
        return Ok(Json(found));
    }
    // One look at a time, for all who ask.
    let mut looked = app.looked.0.lock().await;
    if let Some((at, found)) = &*looked
        && at.elapsed() < LOOKED_LIFE
    {
        return Ok(Json(found.clone()));
    }
    let jobs = app.view.jobs.snapshot();
    let found = housekeeping::look(&*app.history, &jobs, app.host.now()).await?;
    *looked = Some((Instant::now(), found.clone()));
    Ok(Json(found))
}
