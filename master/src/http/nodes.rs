//! Nodes: who is there, what operators wish of them, and forgetting one that is gone.

use std::collections::{BTreeMap, BTreeSet};

use axum::{Json, extract::State, http::StatusCode};
use serde::Deserialize;
use shared::{
    api::{IntentPatch, NodeState, NodeView, Page, paths},
    id::NodeId,
    keys::{self, AssignKey},
    node::Intent,
    store::{Compare, Outcome, Txn, Write},
    target::{Labels, label_key, label_value},
};

use super::{
    App,
    extract::{JsonBody, Params, Part},
    failure::{Answer, Failure},
    job_run::put,
    jobs::page,
};
use crate::auth::Caller;

const RACES_MAX: u32 = 5;
const ALIAS_CHARS_MAX: usize = 128;
const LABELS_MAX: usize = 64;

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct NodeQuery {
    /// Where the page before ended, as its `next` says.
    pub cursor: Option<NodeId>,
    /// How many at most; 100 unless given, 1,000 at most.
    pub limit: Option<usize>,
}

/// All nodes: those with a living agent, and those that have been and were not forgotten.
#[utoipa::path(get, path = paths::NODES, tag = "nodes", params(NodeQuery),
    responses((status = 200, body = Page<NodeView>), Failure))]
pub async fn list(State(app): State<App>, Params(query): Params<NodeQuery>) -> Answer<Json<Page<NodeView>>> {
    let known = known(&app)?;
    let slots = slots(&app);
    let later = known
        .into_iter()
        .filter(|id| query.cursor.as_ref().is_none_or(|after| id > after));
    let items = later.map(|id| view(&app, id, &slots));
    Ok(Json(page(items, query.limit, |node: &NodeView| {
        node.id.to_string()
    })))
}

/// One node.
#[utoipa::path(get, path = paths::NODE, tag = "nodes", params(("node" = NodeId, Path)),
    responses((status = 200, body = NodeView), Failure))]
pub async fn get(State(app): State<App>, Part(id): Part<NodeId>) -> Answer<Json<NodeView>> {
    if !known(&app)?.contains(&id) {
        return Err(missing(&id));
    }
    Ok(Json(view(&app, id, &slots(&app))))
}

pub fn missing(id: &NodeId) -> Failure {
    Failure::not_found(format!("there is no node {id}"))
}

/// Nodes that anything is known of.
pub fn known(app: &App) -> Answer<BTreeSet<NodeId>> {
    fn names<'a>(
        prefix: &'a str,
        keys: impl Iterator<Item = &'a str> + 'a,
    ) -> impl Iterator<Item = NodeId> + 'a {
        keys.filter_map(move |key| keys::name_in(prefix, key))
    }
    let (nodes, intents) = (app.view.nodes.snapshot(), app.view.intent.snapshot());
    if !nodes.is_ready() || !intents.is_ready() {
        return Err(super::app::not_ready());
    }
    let mut all: BTreeSet<NodeId> = names(keys::NODES, nodes.iter().map(|(key, _)| key)).collect();
    all.extend(names(keys::NODES, nodes.broken().keys().map(|key| &**key)));
    all.extend(names(keys::INTENT, intents.iter().map(|(key, _)| key)));
    all.extend(app.accounts.agents());
    all.extend(slots(app).into_keys());
    Ok(all)
}

/// One node as the API shows it.
pub fn one(app: &App, id: NodeId) -> NodeView {
    view(app, id, &slots(app))
}

/// Every node that is known, by id.
pub fn all(app: &App) -> Answer<Vec<NodeView>> {
    let slots = slots(app);
    let known = known(app)?.into_iter();
    Ok(known.map(|id| view(app, id, &slots)).collect())
}

/// How many slots each node owns.
fn slots(app: &App) -> BTreeMap<NodeId, u32> {
    let mut slots = BTreeMap::new();
    for (key, _) in app.view.assign.snapshot().iter() {
        if let Some(AssignKey::Slot { node, .. }) = AssignKey::parse(key) {
            *slots.entry(node).or_default() += 1;
        }
    }
    slots
}

fn view(app: &App, id: NodeId, slots: &BTreeMap<NodeId, u32>) -> NodeView {
    let node = app.view.nodes.snapshot().get(&keys::node(&id)).cloned();
    let intent = app
        .view
        .intent
        .snapshot()
        .get(&keys::intent(&id))
        .cloned()
        .unwrap_or_default();
    let seen = app.intake.seen(&id);
    let state = match &node {
        None => NodeState::Down,
        Some(node) if intent.draining || node.leaving => NodeState::Draining,
        Some(_) if intent.cordoned => NodeState::Cordoned,
        Some(_) => NodeState::Ready,
    };
    let own = node.as_ref().map(|n| n.labels.clone()).unwrap_or_default();
    NodeView {
        labels: intent.labels_over(&own),
        state,
        slots: slots.get(&id).copied().unwrap_or(0),
        clock_offset_ms: seen.as_ref().map(|s| s.clock_offset_ms),
        last_seen: seen.as_ref().map(|s| s.at),
        health: seen.and_then(|s| s.health),
        node,
        intent,
        id,
    }
}

/// Change what is wished of a node: cordon, drain, label, alias. Also of one that is down
/// or has yet to come.
#[utoipa::path(patch, path = paths::NODE_INTENT, tag = "nodes", params(("node" = NodeId, Path)), request_body = IntentPatch,
    responses((status = 200, body = NodeView), Failure))]
pub async fn intend(
    State(app): State<App>,
    caller: Caller,
    Part(id): Part<NodeId>,
    JsonBody(patch): JsonBody<IntentPatch>,
) -> Answer<Json<NodeView>> {
    check(&patch)?;
    if !known(&app)?.contains(&id) {
        return Err(missing(&id));
    }
    let key = keys::intent(&id);
    for _ in 0..RACES_MAX {
        let found = app.store.get(&key).await?;
        let revision = found.as_ref().map_or(0, |kv| kv.mod_revision);
        // One that cannot be read is made anew.
        let intent = found
            .and_then(|kv| serde_json::from_slice::<Intent>(&kv.value).ok())
            .unwrap_or_default();
        let wanted = patched(intent.clone(), &patch);
        if wanted.labels.len() > LABELS_MAX {
            return Err(
                Failure::invalid(format!("a node takes at most {LABELS_MAX} labels")).field("labels"),
            );
        }
        if revision != 0 && wanted == intent {
            return Ok(Json(view(&app, id, &slots(&app))));
        }
        let txn = Txn {
            compares: vec![Compare::ModRevision(key.clone(), revision)],
            writes: vec![put(key.clone(), &wanted)?],
        };
        if let Outcome::Committed(revision) = app.store.txn(txn).await? {
            tracing::info!(node.id = %id, by = caller.name(), "a node's intent was changed");
            app.seen(&app.view.intent, revision).await;
            return Ok(Json(view(&app, id, &slots(&app))));
        }
    }
    Err(Failure::conflict(format!("node {id} is being changed by others again and again")).hint("try again"))
}

fn check(patch: &IntentPatch) -> Answer<()> {
    for (key, value) in patch.labels.iter().flatten() {
        label_key(key).map_err(|e| Failure::invalid(e).field("labels"))?;
        label_value(value.as_deref().unwrap_or_default()).map_err(|e| Failure::invalid(e).field("labels"))?;
    }
    if patch
        .alias
        .as_ref()
        .is_some_and(|a| a.chars().count() > ALIAS_CHARS_MAX || a.chars().any(char::is_control))
    {
        return Err(Failure::invalid(format!(
            "an alias has at most {ALIAS_CHARS_MAX} characters, none of them control"
        ))
        .field("alias"));
    }
    Ok(())
}

fn patched(mut intent: Intent, patch: &IntentPatch) -> Intent {
    intent.cordoned = patch.cordoned.unwrap_or(intent.cordoned);
    intent.draining = patch.draining.unwrap_or(intent.draining);
    for (key, value) in patch.labels.iter().flatten() {
        match value {
            Some(value) => intent.labels.insert(key.clone(), value.clone()),
            None => intent.labels.remove(key),
        };
    }
    if let Some(alias) = &patch.alias {
        intent.alias = Some(alias.clone()).filter(|a| !a.is_empty());
    }
    intent
}

/// Forget a node that is down: its intent, its credential and what it last said. Its slots
/// and its orders move by themselves.
#[utoipa::path(delete, path = paths::NODE, tag = "nodes", params(("node" = NodeId, Path)),
    responses((status = 204), Failure))]
pub async fn remove(State(app): State<App>, caller: Caller, Part(id): Part<NodeId>) -> Answer<StatusCode> {
    if !known(&app)?.contains(&id) {
        return Err(missing(&id));
    }
    let writes = [keys::intent(&id), keys::credential(&id)].map(|key| Write::Delete { key });
    // A node that comes back at this moment keeps what it is about to need.
    let txn = Txn {
        compares: vec![Compare::CreateRevision(keys::node(&id), 0)],
        writes: writes.into(),
    };
    match app.store.txn(txn).await? {
        Outcome::Committed(revision) => {
            app.intake.last_words().forget(id.clone());
            // A mirror in which nothing was deleted hears of the revision only later.
            if app.view.intent.snapshot().get(&keys::intent(&id)).is_some() {
                app.seen(&app.view.intent, revision).await;
            }
            if app.accounts.agents().contains(&id) {
                app.accounts.seen_agents(revision).await;
            }
        }
        Outcome::Refused(_) => {
            return Err(Failure::conflict(format!("node {id} is alive: its agent runs"))
                .hint("stop the agent first; to move its slots away, drain it"));
        }
    }
    tracing::info!(node.id = %id, by = caller.name(), "a node was removed");
    Ok(StatusCode::NO_CONTENT)
}

/// A node's labels as they count, for groups.
pub fn labels(app: &App) -> BTreeMap<NodeId, Labels> {
    app.world()
        .nodes
        .into_iter()
        .map(|(id, at)| (id, at.labels))
        .collect()
}
