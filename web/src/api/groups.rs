//! Groups of nodes.

use shared::{
    Revision,
    api::{GroupView, Page, paths},
    id::GroupName,
    target::NodeSet,
};

use super::{Answer, Call, Query, delete, get, path, put};

const PAGE: u32 = 1000;

pub async fn groups() -> Answer<Vec<GroupView>> {
    let query = Query::default().with("limit", PAGE);
    Ok(get::<Page<GroupView>>(&query.after(paths::GROUPS)).await?.items)
}

/// Makes a group, or replaces the one of that revision.
pub fn put_group(name: &GroupName, set: &NodeSet, revision: Option<Revision>) -> Call<GroupView> {
    put(&path(paths::GROUP, &[name]), set, revision)
}

pub fn delete_group(name: GroupName, revision: Revision) -> Call<()> {
    delete(&path(paths::GROUP, &[&name]), Some(revision))
}
