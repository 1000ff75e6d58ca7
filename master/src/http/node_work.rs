//! `GET /nodes/{node}/work`: what belongs to a node, what it does, and how far it is emptied.

use axum::{Json, extract::State};
use shared::{
    api::{
        NodeState, paths,
        work::{Drain, NodeJob, NodeSlot, NodeWork, WORK_MAX},
    },
    history::RunView,
    id::NodeId,
    keys::{self, AssignKey},
};

use super::{
    App,
    extract::Part,
    failure::{Answer, Failure},
    nodes,
};

/// What belongs to a node and what it does: its slots, the every-node jobs that match it,
/// its runs that have not ended, and, while it is drained, what is left.
#[utoipa::path(get, path = paths::NODE_WORK, tag = "nodes", params(("node" = NodeId, Path)),
    responses((status = 200, body = NodeWork), Failure))]
pub async fn get(State(app): State<App>, Part(id): Part<NodeId>) -> Answer<Json<NodeWork>> {
    if !nodes::known(&app)?.contains(&id) {
        return Err(nodes::missing(&id));
    }
    let runs = app.history.unfinished(&id).await?;
    let runs_count = runs.len() as u32;
    let node = nodes::one(&app, id.clone());
    let is_draining = node.state == NodeState::Draining || node.intent.draining;
    let mut slots = slots(&app, &id);
    let slots_count = slots.len() as u32;
    let unplaced = app.unplaced();
    let stuck = slots.iter().filter(|slot| unplaced.contains_key(&slot.job_id));
    let drain = is_draining.then(|| Drain {
        slots_left: slots_count,
        runs_left: runs_count,
        stuck: stuck.count() as u32,
    });
    slots.truncate(WORK_MAX);
    let mut everywhere = everywhere(&app, &id);
    let everywhere_count = everywhere.len() as u32;
    everywhere.truncate(WORK_MAX);
    Ok(Json(NodeWork {
        node,
        slots,
        slots_count,
        everywhere,
        everywhere_count,
        runs: runs.into_iter().take(WORK_MAX).map(RunView::from).collect(),
        runs_count,
        orders: app.orders_waiting(&id) as u32,
        drain,
    }))
}

/// Its slots, by job.
fn slots(app: &App, id: &NodeId) -> Vec<NodeSlot> {
    let assign = app.view.assign.snapshot();
    let cursors = app.view.cursor.snapshot();
    let prefix = keys::assign_node(id);
    let owned: Vec<_> = assign
        .under(&prefix)
        .filter_map(|(key, entry)| match AssignKey::parse(key)? {
            AssignKey::Slot { job, slot, .. } => Some((job, slot, entry.value.spec.path(), entry)),
            AssignKey::Every { .. } => None,
        })
        .collect();
    let mut slots: Vec<NodeSlot> = owned
        .into_iter()
        .map(|(job, slot, path, entry)| NodeSlot {
            job: path,
            job_id: job,
            slot,
            of: entry.value.spec.target.place.slots().unwrap_or(0),
            next: app.board.next(app, job),
            claimed: cursors.get(&keys::cursor(job, slot)).map(|cursor| cursor.at),
        })
        .collect();
    slots.sort_by(|a, b| (&a.job, a.slot).cmp(&(&b.job, b.slot)));
    slots
}

/// Every-node jobs that match it.
fn everywhere(app: &App, id: &NodeId) -> Vec<NodeJob> {
    let world = app.world();
    let Some(at) = world.nodes.get(id) else {
        return Vec::new();
    };
    app.board.with_rows(app, |rows| {
        let matching = rows.into_iter().filter(|row| {
            let target = &row.job.target.on;
            row.job.is_everywhere() && target.check(id, &at.labels, &world.groups).is_ok()
        });
        matching
            .map(|row| NodeJob {
                job: row.job.path(),
                job_id: row.job.id,
                next: row.job.next,
            })
            .collect()
    })
}
