//! Calendars.

use shared::{
    Revision,
    api::{Page, calendars::CalendarView, paths},
    calendar::Calendar,
    id::CalendarName,
};

use super::{Answer, Call, Query, delete, get, path, put};

const PAGE: u32 = 1000;

pub async fn calendars() -> Answer<Vec<CalendarView>> {
    let query = Query::default().with("limit", PAGE);
    Ok(get::<Page<CalendarView>>(&query.after(paths::CALENDARS))
        .await?
        .items)
}

/// Makes a calendar, or replaces the one of that revision.
pub fn put_calendar(
    name: &CalendarName,
    calendar: &Calendar,
    revision: Option<Revision>,
) -> Call<CalendarView> {
    put(&path(paths::CALENDAR, &[name]), calendar, revision)
}

pub fn delete_calendar(name: CalendarName, revision: Revision) -> Call<()> {
    delete(&path(paths::CALENDAR, &[&name]), Some(revision))
}
