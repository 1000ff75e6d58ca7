//! Saving what the editor holds: a whole job.

use shared::{
    Revision,
    api::{JobView, Page, calendars::CalendarView, paths},
    id::JobPath,
    job::JobSpec,
};

use super::{Answer, Call, Query, get, path, put};

/// Makes the job, or replaces the one of that revision. A spec of another name renames it.
pub fn save(address: &JobPath, spec: &JobSpec, revision: Option<Revision>) -> Call<JobView> {
    put(
        &path(paths::JOB, &[&address.namespace, &address.name]),
        spec,
        revision,
    )
}

/// The calendars that a job may name.
pub async fn calendars() -> Answer<Vec<CalendarView>> {
    let query = Query::default().with("limit", 1000);
    Ok(get::<Page<CalendarView>>(&query.after(paths::CALENDARS))
        .await?
        .items)
}
