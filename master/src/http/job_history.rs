//! `GET /jobs/{namespace}/{name}/history`: durations and outcomes over time.

use axum::{Json, extract::State};
use shared::{
    api::{
        paths,
        ticks::{Tick, Ticks},
        timeline::{JobHistory, JobHistoryQuery, Point},
    },
    run::Cause,
};

use super::{
    App,
    extract::{JobPart, Params},
    failure::{Answer, Failure},
    job_write::look,
};
use crate::history::Glimpse;

const POINTS: u32 = 200;
const POINTS_MAX: u32 = 2000;

/// A job's newest runs as points: when, how they ended, how long they took and how late they
/// started.
#[utoipa::path(get, path = paths::JOB_HISTORY, tag = "jobs",
    params(("namespace" = String, Path), ("name" = String, Path), JobHistoryQuery),
    responses((status = 200, body = JobHistory), Failure))]
pub async fn get(
    State(app): State<App>,
    JobPart(path): JobPart,
    Params(query): Params<JobHistoryQuery>,
) -> Answer<Json<JobHistory>> {
    let job = look(&app, &path).await?.job;
    let limit = query.points.unwrap_or(POINTS).clamp(1, POINTS_MAX);
    let mut runs = app.history.recent(&[job.id], limit + 1).await?;
    let more = runs.len() > limit as usize;
    runs.truncate(limit as usize);
    runs.reverse();
    let ended = runs.iter().filter(|run| run.state.is_end());
    let ticks = Ticks(ended.map(tick).collect());
    Ok(Json(JobHistory {
        job: path,
        job_id: job.id,
        points: runs.iter().map(point).collect(),
        more,
        usual_ms: ticks.usual_ms(),
        p95_ms: p95(&ticks),
        success_percent: ticks.success_percent(),
    }))
}

fn tick(run: &Glimpse) -> Tick {
    Tick {
        state: run.state,
        at: run.scheduled_at,
        took_ms: run.took_ms(),
    }
}

fn point(run: &Glimpse) -> Point {
    let is_on_time = run.cause == Cause::Schedule && run.attempt == 1;
    let late = |started: shared::time::Time| started.as_millis() - run.scheduled_at.as_millis();
    Point {
        run: run.id,
        at: run.scheduled_at,
        state: run.state,
        took_ms: run.took_ms(),
        late_ms: run.started_at.filter(|_| is_on_time).map(late),
        node: run.node.clone(),
        slot: run.slot,
        attempt: run.attempt,
        cause: run.cause,
    }
}

fn p95(ticks: &Ticks) -> Option<u64> {
    let mut all: Vec<u64> = ticks.0.iter().filter_map(|tick| tick.took_ms).collect();
    all.sort_unstable();
    let rank = (all.len() * 95).div_ceil(100).max(1);
    all.get(rank - 1).copied()
}
