//! Calendars, as the API shows them.

use serde::{Deserialize, Serialize};

use crate::{
    Revision,
    calendar::Calendar,
    file::value::Read,
    id::{CalendarName, JobPath},
    run::Reason,
    time::Time,
};

/// How many of the jobs that name a calendar are listed.
pub const USERS_MAX: usize = 100;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CalendarView {
    pub name: CalendarName,
    pub revision: Revision,
    pub calendar: Calendar,
    /// Whether it covers the present instant.
    pub covers: bool,
    /// When that changes next; none if it never does.
    pub changes_at: Option<Time>,
    /// How many jobs name it.
    pub jobs: u32,
    /// Some of them: the first 100.
    pub used_by: Vec<JobPath>,
}

/// What a job names a calendar for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CalendarUse {
    Exclude,
    Only,
}

/// What a calendar is to a job now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CalendarStanding {
    pub name: CalendarName,
    /// What the job names it for.
    #[serde(rename = "use")]
    pub used: CalendarUse,
    /// One that does not exist covers nothing.
    pub exists: bool,
    pub covers: bool,
    pub changes_at: Option<Time>,
}

/// An instant whose fire a calendar suppresses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Suppressed {
    pub at: Time,
    pub reason: Reason,
}
