//! The overview.

use shared::api::{
    overview::{Overview, OverviewQuery},
    paths,
};

use super::{Call, Query, get};

pub fn overview(wanted: OverviewQuery) -> Call<Overview> {
    let query = Query::default()
        .with_some("past_hours", wanted.past_hours)
        .with_some("coming_hours", wanted.coming_hours)
        .with_some("step_minutes", wanted.step_minutes);
    get(&query.after(paths::OVERVIEW))
}
