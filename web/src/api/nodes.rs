//! Nodes, and what operators wish of them.

use shared::{
    api::{IntentPatch, NodeView, Page, paths, work::NodeWork},
    id::NodeId,
};

use super::{Answer, Call, Query, delete, get, patch, path};

/// How many come with one call; the most that the API gives.
const PAGE: u32 = 1000;

/// All of them.
pub async fn nodes() -> Answer<Vec<NodeView>> {
    let mut all = Vec::new();
    let mut cursor = None;
    loop {
        let query = Query::default()
            .with("limit", PAGE)
            .with_some("cursor", cursor.as_ref());
        let page: Page<NodeView> = get(&query.after(paths::NODES)).await?;
        all.extend(page.items);
        match page.next {
            Some(next) => cursor = Some(next),
            None => return Ok(all),
        }
    }
}

pub fn node(id: NodeId) -> Call<NodeView> {
    get(&path(paths::NODE, &[&id]))
}

pub fn intend(id: &NodeId, wish: &IntentPatch) -> Call<NodeView> {
    patch(&path(paths::NODE_INTENT, &[id]), wish)
}

/// Forgets a node that is down.
pub fn forget(id: &NodeId) -> Call<()> {
    delete(&path(paths::NODE, &[id]), None)
}

/// What belongs to a node and what it does.
pub fn node_work(id: NodeId) -> Call<NodeWork> {
    get(&path(paths::NODE_WORK, &[&id]))
}
