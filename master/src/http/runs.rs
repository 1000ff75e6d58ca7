//! Runs: listing them, one of them, killing one.

use axum::{Json, extract::State, http::StatusCode};
use shared::{
    api::{Kill, Page, paths},
    assign::{Order, OrderKind},
    history::{RunQuery, RunView},
    id::{NodeId, RunId},
    keys,
    store::{Compare, Outcome, Txn},
};

use super::{
    App,
    extract::{MaybeJson, Params, Part},
    failure::{Answer, Failure},
    job_run::put,
};
use crate::auth::Caller;

/// Runs, newest first.
#[utoipa::path(get, path = paths::RUNS, tag = "runs", params(RunQuery),
    responses((status = 200, body = Page<RunView>), Failure))]
pub async fn list(State(app): State<App>, Params(query): Params<RunQuery>) -> Answer<Json<Page<RunView>>> {
    Ok(Json(app.history.runs(&query).await?))
}

/// One run.
#[utoipa::path(get, path = paths::RUN, tag = "runs", params(("id" = RunId, Path)),
    responses((status = 200, body = RunView), Failure))]
pub async fn get(State(app): State<App>, Part(id): Part<RunId>) -> Answer<Json<RunView>> {
    find(&app, id).await.map(Json)
}

pub async fn find(app: &App, id: RunId) -> Answer<RunView> {
    app.history.run(id).await?.ok_or_else(|| missing(id))
}

fn missing(id: RunId) -> Failure {
    Failure::not_found(format!("there is no run {id}")).hint("its history may be over: see `keep` of its job")
}

/// Stop a run, its whole process tree: TERM, the job's grace, KILL. The answer is that
/// the order is given; the run then ends `killed`.
#[utoipa::path(post, path = paths::RUN_KILL, tag = "runs", params(("id" = RunId, Path)), request_body = Kill,
    responses((status = 202), Failure))]
pub async fn kill(
    State(app): State<App>,
    caller: Caller,
    Part(id): Part<RunId>,
    MaybeJson(kill): MaybeJson<Kill>,
) -> Answer<StatusCode> {
    if kill.reason.chars().count() > 1000 {
        return Err(Failure::invalid("the reason is longer than 1000 characters").field("reason"));
    }
    let node = node_of(&app, id).await?;
    let created = app.node_created(&node);
    if created == 0 {
        return Err(
            Failure::conflict(format!("its node {node} is down: nobody there can stop it"))
                .hint("if the node does not come back, the run ends `lost`"),
        );
    }
    let kind = OrderKind::Kill { reason: kill.reason };
    let order = Order {
        run: id,
        kind,
        by: caller.name(),
        at: app.host.now(),
    };
    let compares = vec![Compare::CreateRevision(keys::node(&node), created)];
    let writes = vec![put(keys::order_kill(&node, id), &order)?];
    match app.store.txn(Txn { compares, writes }).await? {
        Outcome::Committed(_) => {
            tracing::info!(run.id = %id, node.id = %node, by = caller.name(), "a run was told to stop");
            Ok(StatusCode::ACCEPTED)
        }
        Outcome::Refused(_) => Err(Failure::conflict(format!(
            "its node {node} went down or came back at this moment"
        ))
        .hint("try again")),
    }
}

/// Where a run goes on: as history knows it, or as it was just ordered. With the database
/// down, whatever was ordered or claimed can still be stopped.
async fn node_of(app: &App, id: RunId) -> Answer<NodeId> {
    let known = match app.history.run(id).await {
        Ok(known) => known,
        Err(e) => return app.node_by_store(id).ok_or_else(|| e.into()),
    };
    match known {
        Some(run) if run.state.is_end() => Err(Failure::conflict(format!(
            "the run has ended already: {}",
            run.state
        ))),
        Some(run) => Ok(run.node),
        None => app.node_by_store(id).ok_or_else(|| missing(id)),
    }
}
