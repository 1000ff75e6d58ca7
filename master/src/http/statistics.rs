//! Sums over runs.

use axum::{Json, extract::State};
use shared::{
    api::paths,
    history::{Statistic, StatisticsQuery},
};

use super::{
    App,
    extract::Params,
    failure::{Answer, Failure},
    jobs::by_id,
};

/// How many runs ended how, how long they took and how late they began: by time or by job.
#[utoipa::path(get, path = paths::STATISTICS, tag = "runs", params(StatisticsQuery),
    responses((status = 200, body = Vec<Statistic>), Failure))]
pub async fn get(
    State(app): State<App>,
    Params(mut query): Params<StatisticsQuery>,
) -> Answer<Json<Vec<Statistic>>> {
    by_id(&app, &mut query.job, &mut query.job_id);
    Ok(Json(app.history.statistics(&query).await?))
}
