//! Runs: listing them, one of them, killing one.

use std::collections::BTreeMap;

use axum::{Json, extract::State, http::StatusCode};
use shared::{
    api::{Kill, Page, paths},
    assign::{Order, OrderKind},
    history::{RunQuery, RunView},
    id::{JobId, JobPath, NodeId, RunId},
    keys,
    store::{Compare, Outcome, Txn},
};

use super::{
    App,
    extract::{MaybeJson, Params, Part},
    failure::{Answer, Failure},
    job_run::put,
    jobs::by_id,
};
use crate::{auth::Caller, history};

/// How long the reason of a kill may be.
const REASON_CHARS_MAX: usize = 1000;

/// Runs, newest first.
#[utoipa::path(get, path = paths::RUNS, tag = "runs", params(RunQuery),
    responses((status = 200, body = Page<RunView>), Failure))]
pub async fn list(
    State(app): State<App>,
    Params(mut query): Params<RunQuery>,
) -> Answer<Json<Page<RunView>>> {
    by_id(&app, &mut query.job, &mut query.job_id);
    match query.q.as_deref().map(str::trim) {
        None | Some("") => Ok(Json(app.history.runs(&query).await?)),
        Some(q) => {
            let jobs = named(&app, &q.to_lowercase())?;
            search(&app, &query, jobs).await.map(Json)
        }
    }
}

/// Jobs of which `q` (in small letters) is a part of the name.
pub fn named(app: &App, q: &str) -> Answer<BTreeMap<JobId, JobPath>> {
    let jobs = app.jobs()?;
    let named = jobs
        .iter()
        .map(|(_, entry)| (entry.value.id, entry.value.spec.path()));
    Ok(named
        .filter(|(_, path)| path.to_string().to_lowercase().contains(q))
        .collect())
}

/// Jobs that are asked for one by one; of more, the newest runs of all jobs are gone
/// through, and the others left out.
const JOBS_MAX: usize = 20;
/// Pages that are gone through for one.
const PAGES_MAX: usize = 10;

async fn search(app: &App, query: &RunQuery, jobs: BTreeMap<JobId, JobPath>) -> Answer<Page<RunView>> {
    let limit = query.limit.unwrap_or(100).clamp(1, 1000) as usize;
    if jobs.len() > JOBS_MAX {
        return sift(app, query, &jobs, limit).await;
    }
    let (mut items, mut has_more) = (Vec::new(), false);
    for id in jobs.into_keys() {
        if query.job_id.is_some_and(|job| job != id) {
            continue;
        }
        let of_job = RunQuery {
            job_id: Some(id),
            limit: Some(limit as u32),
            ..query.clone()
        };
        let page = app.history.runs(&of_job).await?;
        has_more |= page.next.is_some();
        items.extend(page.items);
    }
    items.sort_by_key(|run| std::cmp::Reverse((run.scheduled_at, run.id)));
    has_more |= items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| has_more).map(history::cursor);
    Ok(Page { items, next })
}

/// Goes through the newest runs for those of the jobs. A page may be short, and still be
/// followed by another.
async fn sift(
    app: &App,
    query: &RunQuery,
    jobs: &BTreeMap<JobId, JobPath>,
    limit: usize,
) -> Answer<Page<RunView>> {
    let mut query = RunQuery {
        limit: Some(1000),
        ..query.clone()
    };
    let mut items = Vec::new();
    for _ in 0..PAGES_MAX {
        let page = app.history.runs(&query).await?;
        for run in page.items {
            if jobs.contains_key(&run.job_id) {
                items.push(run);
                if items.len() == limit {
                    let next = items.last().map(history::cursor);
                    return Ok(Page { items, next });
                }
            }
        }
        query.cursor = page.next;
        if query.cursor.is_none() {
            break;
        }
    }
    Ok(Page {
        items,
        next: query.cursor,
    })
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
    // It is shown in tables and on terminals as it is.
    if kill.reason.chars().count() > REASON_CHARS_MAX || kill.reason.chars().any(char::is_control) {
        return Err(Failure::invalid(format!(
            "a reason has at most {REASON_CHARS_MAX} characters, none of them control"
        ))
        .field("reason"));
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
