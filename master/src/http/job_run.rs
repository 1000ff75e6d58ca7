//! Running a job now: an order to each node that is to run it.

use std::{collections::BTreeSet, time::Duration};

use axum::{Json, extract::State, http::StatusCode};
use shared::{
    Revision,
    api::{Ordered, OrderedRun, RunNow, SlotView, Standing, paths},
    assign::{Order, OrderKind, Owed, RunOrder},
    history::Asked,
    id::{JobPath, NodeId, RunId},
    job::JobSpec,
    keys,
    report::Run,
    run::Cause,
    store::{Compare, Outcome, TXN_BYTES_MAX, TXN_OPS_MAX, Txn, Write},
};
use tokio::time::{Instant, sleep, timeout};

use super::{
    App,
    extract::{JobPart, MaybeJson},
    failure::{Answer, Failure},
    job_write::{Stored, read},
    jobs,
};
use crate::auth::Caller;

/// How many orders may wait at a node.
pub const ORDERS_PER_NODE_MAX: usize = 1000;
/// How long the answer waits for the history to know the runs.
const RECORD_TIMEOUT: Duration = Duration::from_secs(2);

/// How long the answer waits for the leader to plan a new job, and how often it looks.
const PLAN_TIMEOUT: Duration = Duration::from_secs(3);
const PLAN_LOOK: Duration = Duration::from_millis(100);

/// Where one run goes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Taker {
    node: NodeId,
    slot: Option<u32>,
}

/// Run a job now, paused or not: each slot at its owner, an every-node job on each node
/// that matches, or on the one node that is asked for. 409 says why nobody can.
#[utoipa::path(post, path = paths::JOB_RUN, tag = "jobs", request_body = RunNow,
    params(("namespace" = String, Path), ("name" = String, Path)),
    responses((status = 201, body = Ordered), Failure))]
pub async fn run(
    State(app): State<App>,
    caller: Caller,
    JobPart(path): JobPart,
    MaybeJson(request): MaybeJson<RunNow>,
) -> Answer<(StatusCode, Json<Ordered>)> {
    let ordered = order_runs(&app, &caller, &path, &request, true).await?;
    Ok((StatusCode::CREATED, Json(ordered)))
}

/// Orders a job's runs. Where nobody can take it yet, `waits` for the leader to plan it.
pub async fn order_runs(
    app: &App,
    caller: &Caller,
    path: &JobPath,
    request: &RunNow,
    waits: bool,
) -> Answer<Ordered> {
    check_env(request)?;
    let stored = read(app, path).await?.ok_or_else(|| jobs::missing(path))?;
    let takers = match waits {
        true => planned_takers(app, &stored, request).await?,
        false => takers(&stored.job.spec, &app.standing(&stored)?, request)?,
    };
    let orders = orders(app, caller, &stored, request, takers)?;
    let ordered = place(app, orders).await?;
    note_asked(app, caller, request, &ordered).await;
    tracing::info!(job.id = %stored.job.id, job = %path, by = caller.name(), runs = ordered.runs.len(), "a job was told to run");
    Ok(ordered)
}

/// Notes who asked and with what, so that the same can be asked for again. Without a
/// database nothing is noted; the runs are ordered all the same.
async fn note_asked(app: &App, caller: &Caller, request: &RunNow, ordered: &Ordered) {
    let asked = Asked {
        by: caller.name(),
        at: app.host.now(),
        env: request.env.clone(),
        node: request.node.clone(),
    };
    let runs: Vec<RunId> = ordered.runs.iter().map(|run| run.id).collect();
    match timeout(RECORD_TIMEOUT, app.history.note_asked(&runs, &asked)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "who asked for runs is not noted"),
        Err(_) => tracing::warn!("who asked for runs is not noted: the database is slow"),
    }
}

/// Who is to run it. A job that was saved a moment ago is not planned yet: `apply` and then
/// `run` must work, so the answer waits for the leader where a node could take it.
async fn planned_takers(app: &App, stored: &Stored, request: &RunNow) -> Answer<Vec<Taker>> {
    let deadline = Instant::now() + PLAN_TIMEOUT;
    loop {
        let places = app.standing(stored)?;
        let may_come = places
            .nodes
            .iter()
            .any(|n| n.matches && places.alive.get(&n.node) == Some(&true));
        match takers(&stored.job.spec, &places, request) {
            Err(_) if may_come && request.node.is_none() && Instant::now() < deadline => {
                sleep(PLAN_LOOK).await;
            }
            decided => return decided,
        }
    }
}

fn check_env(request: &RunNow) -> Answer<()> {
    let bad_name = |k: &str| k.is_empty() || k.contains(['=', '\0']);
    if let Some(name) = request.env.keys().find(|k| bad_name(k)) {
        return Err(
            Failure::invalid(format!("`{name}` is not a name for an environment variable")).field("env"),
        );
    }
    if let Some((name, _)) = request.env.iter().find(|(_, v)| v.contains('\0')) {
        return Err(Failure::invalid(format!("the value of `{name}` holds a NUL character")).field("env"));
    }
    let bytes: usize = request.env.iter().map(|(k, v)| k.len() + v.len()).sum();
    if bytes > 64 << 10 {
        return Err(Failure::too_large("the variables are larger than 64KiB").field("env"));
    }
    Ok(())
}

/// A job's slots and what each node is to it, with the nodes that live.
pub struct Places {
    pub slots: Vec<SlotView>,
    pub nodes: Vec<Standing>,
    pub calendars: Vec<shared::api::calendars::CalendarStanding>,
    /// Living nodes, and whether new work may go there.
    pub alive: std::collections::BTreeMap<NodeId, bool>,
}

/// Who is to run it; or why nobody can.
fn takers(spec: &JobSpec, places: &Places, request: &RunNow) -> Answer<Vec<Taker>> {
    let slots = spec.target.place.slots();
    if let Some(slot) = request.slot
        && slot >= slots.unwrap_or(0)
    {
        let why = match slots {
            None => "an every-node job has no slots; name a node instead".to_owned(),
            Some(n) => format!("the job has the slots 0 to {}", n - 1),
        };
        return Err(Failure::invalid(format!("there is no slot {slot}: {why}")).field("slot"));
    }
    match (&request.node, slots) {
        (Some(node), _) => {
            on_node(places, node, slots.map(|_| request.slot.unwrap_or(0))).map(|taker| vec![taker])
        }
        (None, Some(_)) => at_owners(places, request.slot),
        (None, None) => everywhere(places),
    }
}

fn on_node(places: &Places, node: &NodeId, slot: Option<u32>) -> Answer<Taker> {
    if !places.alive.contains_key(node) {
        return Err(
            Failure::conflict(format!("node {node} is down, or there is none of that name"))
                .field("node")
                .hint("see `gnomon node ls`"),
        );
    }
    match places.nodes.iter().find(|s| s.node == *node) {
        Some(standing) if !standing.matches => Err(Failure::conflict(format!(
            "node {node} does not match the job: {}",
            standing.why
        ))
        .field("node")),
        _ => Ok(Taker {
            node: node.clone(),
            slot,
        }),
    }
}

/// Each slot at the node it belongs to. Slots that nobody can take now are left out, as
/// long as there is one that somebody can.
fn at_owners(places: &Places, only: Option<u32>) -> Answer<Vec<Taker>> {
    let wanted = || {
        places
            .slots
            .iter()
            .filter(|s| only.is_none_or(|slot| s.slot == slot))
    };
    let owner = |s: &SlotView| s.node.clone().filter(|node| places.alive.contains_key(node));
    let takers: Vec<Taker> = wanted()
        .filter_map(|s| {
            owner(s).map(|node| Taker {
                node,
                slot: Some(s.slot),
            })
        })
        .collect();
    if !takers.is_empty() {
        return Ok(takers);
    }
    let why: BTreeSet<String> = wanted()
        .map(|s| match (&s.node, &s.why) {
            (Some(node), _) => format!("slot {} belongs to node {node}, which is down", s.slot),
            (None, Some(why)) => format!("slot {} has no node: {why}", s.slot),
            (None, None) => format!("slot {} has no node yet", s.slot),
        })
        .take(5)
        .collect();
    let why: Vec<String> = why.into_iter().collect();
    Err(Failure::conflict(format!("no node can take it: {}", why.join("; "))).hint("see `gnomon job where`"))
}

fn everywhere(places: &Places) -> Answer<Vec<Taker>> {
    let open = |s: &&Standing| s.matches && places.alive.get(&s.node) == Some(&true);
    let takers: Vec<Taker> = places
        .nodes
        .iter()
        .filter(open)
        .map(|s| Taker {
            node: s.node.clone(),
            slot: None,
        })
        .collect();
    if takers.is_empty() {
        let why: Vec<String> = places
            .nodes
            .iter()
            .take(5)
            .map(|s| format!("{}: {}", s.node, s.why))
            .collect();
        let why = if why.is_empty() {
            "there are no nodes".to_owned()
        } else {
            why.join("; ")
        };
        return Err(Failure::conflict(format!("no node can take it: {why}")).hint("see `gnomon job where`"));
    }
    Ok(takers)
}

/// An order as it will stand in the store.
struct Ready {
    ordered: OrderedRun,
    pending: Run,
    compare: Compare,
    writes: [Write; 2],
    bytes: usize,
}

fn orders(
    app: &App,
    caller: &Caller,
    stored: &Stored,
    request: &RunNow,
    takers: Vec<Taker>,
) -> Answer<Vec<Ready>> {
    takers
        .into_iter()
        .map(|taker| order(app, caller, stored, request, taker))
        .collect()
}

fn order(app: &App, caller: &Caller, stored: &Stored, request: &RunNow, taker: Taker) -> Answer<Ready> {
    let Taker { node, slot } = taker;
    let waiting = app.orders_waiting(&node);
    if waiting >= ORDERS_PER_NODE_MAX {
        return Err(Failure::too_many(
            format!("node {node} has {waiting} orders waiting, the most there may be"),
            Duration::from_secs(5),
        ));
    }
    let (now, run) = (app.host.now(), app.host.run_id());
    let what = RunOrder {
        job: stored.job.id,
        revision: stored.revision,
        spec: stored.job.spec.clone(),
        first: run,
        attempt: 1,
        scheduled_at: run.time(),
        not_before: now,
        slot,
        cause: Cause::Manual,
        env: request.env.clone(),
    };
    let pending = what.pending(run, &node);
    let order = Order {
        run,
        kind: OrderKind::Run(Box::new(what)),
        by: caller.name(),
        at: now,
    };
    let compare = Compare::CreateRevision(keys::node(&node), app.node_created(&node));
    let writes = [
        put(keys::order(&node, run), &order)?,
        put(keys::owed_run(run), &Owed::Run(Box::new(pending.clone())))?,
    ];
    let bytes = writes.iter().map(bytes_of).sum();
    Ok(Ready {
        ordered: OrderedRun { id: run, node, slot },
        pending,
        compare,
        writes,
        bytes,
    })
}

fn bytes_of(write: &Write) -> usize {
    match write {
        Write::Put { key, value, .. } => key.len() + value.len(),
        Write::Delete { key } => key.len(),
    }
}

pub fn put<T: serde::Serialize>(key: String, value: &T) -> Answer<Write> {
    let value = serde_json::to_vec(value).map_err(|e| Failure::internal(&e))?;
    Ok(Write::Put {
        key,
        value,
        lease: None,
    })
}

/// Writes the orders. Each transaction compares that its nodes still live; one that is
/// refused is tried order by order, so that a node that just died takes no other along.
async fn place(app: &App, orders: Vec<Ready>) -> Answer<Ordered> {
    let (mut ordered, mut gone) = (Vec::new(), Vec::new());
    let mut rest = orders.into_iter().peekable();
    while let Some(first) = rest.next() {
        let (mut batch, mut bytes) = (vec![first], 0);
        bytes += batch[0].bytes;
        while let Some(next) =
            rest.next_if(|n| bytes + n.bytes <= TXN_BYTES_MAX && batch.len() < TXN_OPS_MAX / 2)
        {
            bytes += next.bytes;
            batch.push(next);
        }
        if write(app, &batch).await?.is_some() {
            ordered.extend(batch);
            continue;
        }
        for one in batch {
            match write(app, std::slice::from_ref(&one)).await? {
                Some(_) => ordered.push(one),
                None => gone.push(one.ordered.node),
            }
        }
    }
    if ordered.is_empty() {
        let gone: Vec<String> = gone.iter().map(ToString::to_string).collect();
        return Err(Failure::conflict(format!(
            "no node can take it: {} went down at this moment",
            gone.join(", ")
        ))
        .hint("try again"));
    }
    let (runs, pending): (Vec<OrderedRun>, Vec<Run>) =
        ordered.into_iter().map(|o| (o.ordered, o.pending)).unzip();
    // For whoever asks for the run at once. The leader owes it to the history in any case.
    let _ = timeout(RECORD_TIMEOUT, app.intake.settle(pending)).await;
    Ok(Ordered { runs })
}

async fn write(app: &App, batch: &[Ready]) -> Answer<Option<Revision>> {
    let mut compares: Vec<Compare> = Vec::new();
    for ready in batch {
        if !compares.contains(&ready.compare) {
            compares.push(ready.compare.clone());
        }
    }
    let writes = batch.iter().flat_map(|ready| ready.writes.clone()).collect();
    match app.store.txn(Txn { compares, writes }).await? {
        Outcome::Committed(revision) => Ok(Some(revision)),
        Outcome::Refused(_) => Ok(None),
    }
}

/// The runs that an order is for.
pub fn is_order_for(key: &str, run: RunId) -> Option<NodeId> {
    keys::parse_order(key)
        .filter(|(_, id)| *id == run)
        .map(|(node, _)| node)
}
