//! What agents say: runs and their output.

use axum::{
    Json,
    extract::{Request, State},
};
use shared::{
    api::paths,
    report::{Ack, Batch},
};

use super::{
    App,
    extract::json,
    failure::{Answer, Failure},
    limits::REPORTS_BYTES_MAX,
};
use crate::{auth::Caller, intake::IntakeError};

/// Take an agent's batch. The answer comes once the history has it; with any other answer
/// the agent keeps it and sends it again.
#[utoipa::path(post, path = paths::REPORTS, tag = "agents", request_body = Batch,
    responses((status = 200, body = Ack), Failure))]
pub async fn post(State(app): State<App>, caller: Caller, request: Request) -> Answer<Json<Ack>> {
    let batch: Batch = json(request, REPORTS_BYTES_MAX, false).await?;
    match &caller {
        Caller::Agent { node } if *node == batch.node => {}
        other => {
            return Err(Failure::forbidden(format!(
                "this credential is of {}, the batch of node {}",
                other.name(),
                batch.node
            ))
            .field("node"));
        }
    }
    match app.intake.accept(batch).await {
        Ok(ack) => Ok(Json(ack)),
        Err(e @ IntakeError::Later(_)) => Err(Failure::unavailable(e.to_string())),
        Err(IntakeError::Invalid(why)) => Err(Failure::invalid(why)),
    }
}
