//! `POST /jobs/bulk`: one order for many jobs, each carried out by itself.

use std::collections::BTreeSet;

use axum::{Json, extract::State};
use futures::{StreamExt, stream};
use shared::{
    api::{
        RunNow, paths,
        work::{BULK_MAX, Bulk, BulkAction, BulkItem, BulkResult},
    },
    id::JobPath,
};

use super::{
    App,
    extract::{Condition, JsonBody},
    failure::{Answer, Failure},
    job_run, job_write,
};
use crate::auth::Caller;

/// How many are worked on at once.
const AT_ONCE: usize = 16;

/// Pause, resume, run or delete many jobs. The answer says of each what became of it; one
/// that fails keeps no other from it.
#[utoipa::path(post, path = paths::JOBS_BULK, tag = "jobs", request_body = Bulk,
    responses((status = 200, body = BulkResult), Failure))]
pub async fn bulk(
    State(app): State<App>,
    caller: Caller,
    JsonBody(bulk): JsonBody<Bulk>,
) -> Answer<Json<BulkResult>> {
    let count = bulk.jobs.len();
    if count > BULK_MAX {
        return Err(
            Failure::too_large(format!("{count} jobs are too many; at most {BULK_MAX} at once"))
                .field("jobs"),
        );
    }
    let mut seen = BTreeSet::new();
    if let Some(twice) = bulk.jobs.iter().find(|job| !seen.insert(*job)) {
        return Err(Failure::invalid(format!("job {twice} is there twice")).field("jobs"));
    }
    let (app, caller, action) = (&app, &caller, bulk.action);
    let items = stream::iter(bulk.jobs)
        .map(|job| Box::pin(one(app, caller, action, job)))
        .buffered(AT_ONCE);
    let jobs: Vec<BulkItem> = items.collect().await;
    let failed = jobs.iter().filter(|item| item.error.is_some()).count() as u32;
    tracing::info!(
        by = caller.name(),
        ?action,
        count,
        failed,
        "an order for many jobs was carried out"
    );
    Ok(Json(BulkResult {
        done: count as u32 - failed,
        failed,
        jobs,
    }))
}

async fn one(app: &App, caller: &Caller, action: BulkAction, job: JobPath) -> BulkItem {
    let mut item = BulkItem {
        job: job.clone(),
        revision: None,
        runs: Vec::new(),
        error: None,
    };
    let done = match action {
        BulkAction::Pause | BulkAction::Resume => {
            let paused = action == BulkAction::Pause;
            let done = job_write::set_paused(app, caller, &job, Condition::Any, paused).await;
            done.map(|(_, view)| item.revision = Some(view.0.revision))
        }
        BulkAction::Run => {
            // Many at once do not wait for a plan to come.
            let ordered = job_run::order_runs(app, caller, &job, &RunNow::default(), false).await;
            ordered.map(|ordered| item.runs = ordered.runs)
        }
        BulkAction::Delete => job_write::remove(app, caller, &job, Condition::Any).await,
    };
    item.error = done.err().map(|failure| failure.error);
    item
}
