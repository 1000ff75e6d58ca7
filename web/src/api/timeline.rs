//! Runs and what is planned, over time.

use shared::api::{
    paths,
    timeline::{LaneBy, Timeline, TimelineQuery},
};

use super::{Call, Query, get};

pub fn timeline(wanted: TimelineQuery) -> Call<Timeline> {
    let by = match wanted.by {
        LaneBy::Node => "node",
        LaneBy::Job => "job",
    };
    let query = Query::default()
        .with("by", by)
        .with_some("from", wanted.from)
        .with_some("to", wanted.to)
        .with_some("job", wanted.job)
        .with_some("namespace", wanted.namespace)
        .with_some("node", wanted.node)
        .with_some("q", wanted.q)
        .with_some("points", wanted.points);
    get(&query.after(paths::TIMELINE))
}
