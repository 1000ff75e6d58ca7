//! Node groups: named sets of nodes.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use serde::Deserialize;
use shared::{
    Revision,
    api::{GroupView, Page, paths},
    id::{GroupName, JobPath},
    keys,
    store::{Compare, Outcome, Txn, Write},
    target::{Groups, NodeSet},
};

use super::{
    App,
    extract::{Condition, JsonBody, Params, Part},
    failure::{Answer, Failure},
    job_run::put as put_value,
    jobs::{etag, page},
    naming::{LastNamed, Named},
    nodes::labels,
};
use crate::auth::Caller;

/// How many groups there may be, and how large one.
pub const GROUPS_MAX: usize = 1000;
pub const GROUP_BYTES_MAX: usize = 256 << 10;
const RACES_MAX: u32 = 5;

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct GroupQuery {
    /// Where the page before ended, as its `next` says.
    pub cursor: Option<GroupName>,
    /// How many at most; 100 unless given, 1,000 at most.
    pub limit: Option<usize>,
}

/// All groups, with the nodes that each matches now.
#[utoipa::path(get, path = paths::GROUPS, tag = "groups", params(GroupQuery),
    responses((status = 200, body = Page<GroupView>), Failure))]
pub async fn list(
    State(app): State<App>,
    Params(query): Params<GroupQuery>,
) -> Answer<Json<Page<GroupView>>> {
    let groups = app.view.groups.snapshot();
    if !groups.is_ready() {
        return Err(super::app::not_ready());
    }
    let world = app.world();
    let later = groups
        .iter()
        .filter_map(|(key, entry)| Some((keys::name_in::<GroupName>(keys::GROUPS, key)?, entry)));
    let later = later.filter(|(name, _)| query.cursor.as_ref().is_none_or(|after| name > after));
    let nodes = labels(&app);
    let items =
        later.map(|(name, entry)| view(name, entry.mod_revision, &entry.value, &world.groups, &nodes));
    Ok(Json(page(items, query.limit, |group: &GroupView| {
        group.name.to_string()
    })))
}

/// One group. Its revision is also the answer's `ETag`.
#[utoipa::path(get, path = paths::GROUP, tag = "groups", params(("name" = GroupName, Path)),
    responses((status = 200, body = GroupView), Failure))]
pub async fn get(
    State(app): State<App>,
    Part(name): Part<GroupName>,
) -> Answer<(HeaderMap, Json<GroupView>)> {
    let groups = app.view.groups.snapshot();
    let entry = groups.entry(&keys::group(&name)).ok_or_else(|| missing(&name))?;
    let group = view(
        name,
        entry.mod_revision,
        &entry.value,
        &app.world().groups,
        &labels(&app),
    );
    Ok((etag(group.revision), Json(group)))
}

fn missing(name: &GroupName) -> Failure {
    Failure::not_found(format!("there is no group {name}"))
}

type Nodes = std::collections::BTreeMap<shared::id::NodeId, shared::target::Labels>;

fn view(name: GroupName, revision: Revision, set: &NodeSet, groups: &Groups, nodes: &Nodes) -> GroupView {
    let members = nodes
        .iter()
        .filter(|(id, labels)| set.check(id, labels, groups).is_ok());
    GroupView {
        name,
        revision,
        set: set.clone(),
        members: members.map(|(id, _)| id.clone()).collect(),
    }
}

/// Make or replace a group. `If-Match` and `If-None-Match` as for jobs.
#[utoipa::path(put, path = paths::GROUP, tag = "groups", request_body = NodeSet,
    params(("name" = GroupName, Path), ("If-Match" = Option<String>, Header), ("If-None-Match" = Option<String>, Header)),
    responses((status = 200, body = GroupView), (status = 201, body = GroupView), Failure))]
pub async fn put(
    State(app): State<App>,
    caller: Caller,
    Part(name): Part<GroupName>,
    condition: Condition,
    JsonBody(set): JsonBody<NodeSet>,
) -> Answer<(StatusCode, HeaderMap, Json<GroupView>)> {
    if set.groups.contains(&name) || set.exclude.groups.contains(&name) {
        return Err(Failure::invalid(format!("group {name} names itself")).field("groups"));
    }
    let key = keys::group(&name);
    for _ in 0..RACES_MAX {
        let found = app.store.get(&key).await?.map_or(0, |kv| kv.mod_revision);
        condition.check(&format!("group {name}"), found)?;
        if found == 0 && app.view.groups.snapshot().len() >= GROUPS_MAX {
            return Err(Failure::conflict(format!(
                "there are {GROUPS_MAX} groups, the most there may be"
            )));
        }
        let write = put_value(key.clone(), &set)?;
        if matches!(&write, Write::Put { value, .. } if value.len() > GROUP_BYTES_MAX) {
            return Err(Failure::too_large("a group takes at most 256KiB")
                .hint("select by labels instead of by names"));
        }
        let mut txn = Txn {
            compares: vec![Compare::ModRevision(key.clone(), found)],
            writes: vec![write],
        };
        Named::by_set(&set).hold(&app, &mut txn).await?;
        if let Outcome::Committed(revision) = app.store.txn(txn).await? {
            app.seen(&app.view.groups, revision).await;
            tracing::info!(group = %name, by = caller.name(), revision, "a group was written");
            let status = if found == 0 {
                StatusCode::CREATED
            } else {
                StatusCode::OK
            };
            let group = view(name, revision, &set, &app.world().groups, &labels(&app));
            return Ok((status, etag(revision), Json(group)));
        }
    }
    Err(busy(&name))
}

/// Delete a group that no job and no other group names.
#[utoipa::path(delete, path = paths::GROUP, tag = "groups",
    params(("name" = GroupName, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 204), Failure))]
pub async fn delete(
    State(app): State<App>,
    caller: Caller,
    Part(name): Part<GroupName>,
    condition: Condition,
) -> Answer<StatusCode> {
    let key = keys::group(&name);
    for _ in 0..RACES_MAX {
        let last_named = LastNamed::read(&app).await?;
        let users = users(&app, &name)?;
        if !users.is_empty() {
            let some = users.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
            return Err(Failure::conflict(format!(
                "group {name} is named by {} others: {some}",
                users.len()
            ))
            .hint("change those first"));
        }
        let found = app.store.get(&key).await?.map_or(0, |kv| kv.mod_revision);
        condition.check(&format!("group {name}"), found)?;
        if found == 0 {
            return Err(missing(&name));
        }
        let txn = Txn {
            compares: vec![Compare::ModRevision(key.clone(), found), last_named.compare()],
            writes: vec![Write::Delete { key: key.clone() }],
        };
        if let Outcome::Committed(revision) = app.store.txn(txn).await? {
            app.seen(&app.view.groups, revision).await;
            tracing::info!(group = %name, by = caller.name(), "a group was deleted");
            return Ok(StatusCode::NO_CONTENT);
        }
    }
    Err(busy(&name))
}

/// Jobs and groups that name this one.
fn users(app: &App, name: &GroupName) -> Answer<Vec<String>> {
    let names = |set: &NodeSet| set.groups.contains(name) || set.exclude.groups.contains(name);
    let jobs = app.jobs()?;
    let jobs = jobs.iter().map(|(_, e)| e.value.spec.clone()).filter(|spec| {
        names(&spec.target.on) || spec.triggers.iter().any(|t| t.target.as_ref().is_some_and(names))
    });
    let jobs = jobs
        .map(|spec| -> JobPath { spec.path() })
        .map(|path| format!("job {path}"));
    let groups = app.view.groups.snapshot();
    let groups = groups.iter().filter(|(_, e)| names(&e.value));
    let groups = groups
        .filter_map(|(key, _)| keys::name_in::<GroupName>(keys::GROUPS, key))
        .map(|g| format!("group {g}"));
    Ok(jobs.chain(groups).collect())
}

fn busy(name: &GroupName) -> Failure {
    Failure::conflict(format!("group {name} is being changed by others again and again")).hint("try again")
}
