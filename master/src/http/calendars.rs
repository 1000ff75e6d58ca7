//! Calendars: named stretches of time that jobs keep out of, or keep to.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use serde::Deserialize;
use shared::{
    Revision,
    api::{
        Page,
        calendars::{CalendarView, USERS_MAX},
        paths,
    },
    calendar::{Blackouts, Calendar, Calendars, Coverage},
    fire::Timetable,
    id::{CalendarName, JobPath},
    job::{Job, JobSpec},
    keys,
    schedule::ScheduleError,
    store::{Compare, Outcome, Txn, Write},
};

use super::{
    App,
    extract::{Condition, JsonBody, Params, Part},
    failure::{Answer, Failure},
    job_run::put as put_value,
    jobs::{etag, page},
    naming::LastNamed,
};
use crate::auth::Caller;

/// How many calendars there may be. How large one may be stands with it
/// ([`shared::calendar::CALENDAR_BYTES_MAX`]).
pub const CALENDARS_MAX: usize = 1000;
const RACES_MAX: u32 = 5;
/// How many jobs a refusal names.
const NAMED_MAX: usize = 5;

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CalendarQuery {
    /// Where the page before ended, as its `next` says.
    pub cursor: Option<CalendarName>,
    /// How many at most; 100 unless given, 1,000 at most.
    pub limit: Option<usize>,
}

/// All calendars: whether each covers the present instant, and which jobs name it.
#[utoipa::path(get, path = paths::CALENDARS, tag = "calendars", params(CalendarQuery),
    responses((status = 200, body = Page<CalendarView>), Failure))]
pub async fn list(
    State(app): State<App>,
    Params(query): Params<CalendarQuery>,
) -> Answer<Json<Page<CalendarView>>> {
    let calendars = app.view.calendars.snapshot();
    if !calendars.is_ready() {
        return Err(super::app::not_ready());
    }
    let users = users(&app)?;
    let named = calendars
        .iter()
        .filter_map(|(key, entry)| Some((keys::name_in::<CalendarName>(keys::CALENDARS, key)?, entry)));
    let later = named.filter(|(name, _)| query.cursor.as_ref().is_none_or(|after| name > after));
    let items = later.map(|(name, entry)| view(&app, name, entry.mod_revision, &entry.value, &users));
    Ok(Json(page(items, query.limit, |calendar: &CalendarView| {
        calendar.name.to_string()
    })))
}

/// One calendar. Its revision is also the answer's `ETag`.
#[utoipa::path(get, path = paths::CALENDAR, tag = "calendars", params(("name" = CalendarName, Path)),
    responses((status = 200, body = CalendarView), Failure))]
pub async fn get(
    State(app): State<App>,
    Part(name): Part<CalendarName>,
) -> Answer<(HeaderMap, Json<CalendarView>)> {
    let calendars = app.view.calendars.snapshot();
    let key = keys::calendar(&name);
    let entry = calendars.entry(&key).ok_or_else(|| missing(&name))?;
    Ok(tagged(view(
        &app,
        name,
        entry.mod_revision,
        &entry.value,
        &users(&app)?,
    )))
}

/// Make or replace a calendar. `If-Match` and `If-None-Match` as for jobs. Agents go by it
/// within a moment; what is decided already stays. One that is as it was keeps its revision.
#[utoipa::path(put, path = paths::CALENDAR, tag = "calendars", request_body = Calendar,
    params(("name" = CalendarName, Path), ("If-Match" = Option<String>, Header), ("If-None-Match" = Option<String>, Header)),
    responses((status = 200, body = CalendarView), (status = 201, body = CalendarView), Failure))]
pub async fn put(
    State(app): State<App>,
    caller: Caller,
    Part(name): Part<CalendarName>,
    condition: Condition,
    JsonBody(calendar): JsonBody<Calendar>,
) -> Answer<(StatusCode, HeaderMap, Json<CalendarView>)> {
    let key = keys::calendar(&name);
    for _ in 0..RACES_MAX {
        let stored = app.store.get(&key).await?;
        let found = stored.as_ref().map_or(0, |kv| kv.mod_revision);
        condition.check(&format!("calendar {name}"), found)?;
        let is_same = stored
            .is_some_and(|kv| serde_json::from_slice(&kv.value).is_ok_and(|old: Calendar| old == calendar));
        if is_same {
            let view = view(&app, name, found, &calendar, &users(&app)?);
            let (headers, body) = tagged(view);
            return Ok((StatusCode::OK, headers, body));
        }
        if found == 0 && app.view.calendars.snapshot().len() >= CALENDARS_MAX {
            return Err(Failure::conflict(format!(
                "there are {CALENDARS_MAX} calendars, the most there may be"
            )));
        }
        let txn = Txn {
            compares: vec![Compare::ModRevision(key.clone(), found)],
            writes: vec![put_value(key.clone(), &calendar)?],
        };
        if let Outcome::Committed(revision) = app.store.txn(txn).await? {
            app.seen(&app.view.calendars, revision).await;
            tracing::info!(calendar = %name, by = caller.name(), revision, "a calendar was written");
            let status = if found == 0 {
                StatusCode::CREATED
            } else {
                StatusCode::OK
            };
            let (headers, body) = tagged(view(&app, name, revision, &calendar, &users(&app)?));
            return Ok((status, headers, body));
        }
    }
    Err(busy(&name))
}

/// Delete a calendar that no job names.
#[utoipa::path(delete, path = paths::CALENDAR, tag = "calendars",
    params(("name" = CalendarName, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 204), Failure))]
pub async fn delete(
    State(app): State<App>,
    caller: Caller,
    Part(name): Part<CalendarName>,
    condition: Condition,
) -> Answer<StatusCode> {
    let key = keys::calendar(&name);
    for _ in 0..RACES_MAX {
        let last_named = LastNamed::read(&app).await?;
        check_unused(&app, &name)?;
        let found = app.store.get(&key).await?.map_or(0, |kv| kv.mod_revision);
        condition.check(&format!("calendar {name}"), found)?;
        if found == 0 {
            return Err(missing(&name));
        }
        let txn = Txn {
            compares: vec![Compare::ModRevision(key.clone(), found), last_named.compare()],
            writes: vec![Write::Delete { key: key.clone() }],
        };
        if let Outcome::Committed(revision) = app.store.txn(txn).await? {
            app.seen(&app.view.calendars, revision).await;
            tracing::info!(calendar = %name, by = caller.name(), "a calendar was deleted");
            return Ok(StatusCode::NO_CONTENT);
        }
    }
    Err(busy(&name))
}

/// Refuses to delete a calendar that jobs name.
fn check_unused(app: &App, name: &CalendarName) -> Answer<()> {
    let users = users(app)?;
    let Some(users) = users.get(name) else {
        return Ok(());
    };
    let some: Vec<String> = users
        .some
        .iter()
        .take(NAMED_MAX)
        .map(ToString::to_string)
        .collect();
    let more = match (users.count as usize).saturating_sub(some.len()) {
        0 => String::new(),
        n => format!(", and {n} more"),
    };
    let jobs = if users.count == 1 { "job" } else { "jobs" };
    Err(Failure::conflict(format!(
        "calendar {name} is named by {} {jobs}: {}{more}",
        users.count,
        some.join(", ")
    ))
    .hint("change those first"))
}

/// Refuses specs that name a calendar that does not exist.
pub async fn check_named<'a>(app: &App, specs: impl IntoIterator<Item = &'a JobSpec>) -> Answer<()> {
    for spec in specs {
        if let Some(name) = first_missing(app, &spec.calendars).await? {
            let why = format!("job {}: there is no calendar `{name}`", spec.path());
            return Err(unknown(app, &spec.calendars, name, why));
        }
    }
    Ok(())
}

/// Refuses names of calendars that do not exist.
pub async fn check_exist(app: &App, named: &Calendars) -> Answer<()> {
    match first_missing(app, named).await? {
        Some(name) => Err(unknown(
            app,
            named,
            name,
            format!("there is no calendar `{name}`"),
        )),
        None => Ok(()),
    }
}

async fn first_missing<'a>(app: &App, named: &'a Calendars) -> Answer<Option<&'a CalendarName>> {
    let calendars = app.view.calendars.snapshot();
    let exists = |key: &str| calendars.entry(key).is_some() || calendars.broken().contains_key(key);
    for name in named.names() {
        let key = keys::calendar(name);
        // One that was made a moment ago, through another master, may not be seen here.
        if !exists(&key) && app.store.get(&key).await?.is_none() {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

fn unknown(app: &App, named: &Calendars, name: &CalendarName, why: String) -> Failure {
    let calendars = app.view.calendars.snapshot();
    let known = calendars
        .iter()
        .filter_map(|(key, _)| key.strip_prefix(keys::CALENDARS));
    let hint = match shared::file::nearest(name.as_str(), known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            "make it first, with `gnomon calendar apply`; `gnomon calendar ls` shows those there are".into()
        }
    };
    let part = if named.exclude.contains(name) {
        "exclude"
    } else {
        "only"
    };
    Failure::invalid(why)
        .field(format!("calendars.{part}"))
        .hint(hint)
}

/// A job's triggers under its calendars as they are now.
///
/// # Errors
/// None for a spec that was validated.
pub fn timetable(app: &App, job: &Job) -> Result<Timetable, ScheduleError> {
    Ok(Timetable::new(job.id, &job.spec)?.under(blackouts(app, &job.spec.calendars)))
}

/// The calendars that a job names, as they are now.
pub fn blackouts(app: &App, named: &Calendars) -> Blackouts {
    if named.is_empty() {
        return Blackouts::default();
    }
    let calendars = app.view.calendars.snapshot();
    Blackouts::new(named, |name| {
        let entry = calendars.entry(&keys::calendar(name))?;
        Some(app.coverages.get(name, entry.mod_revision, &entry.value))
    })
}

/// Calendars that were made ready to be asked, so that a list of jobs does not do so for
/// each.
#[derive(Default)]
pub struct Coverages(Mutex<HashMap<CalendarName, (Revision, Arc<Coverage>)>>);

impl Coverages {
    fn get(&self, name: &CalendarName, revision: Revision, calendar: &Calendar) -> Arc<Coverage> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, coverage)) = known.get(name)
            && *at == revision
        {
            return coverage.clone();
        }
        // Those of calendars that are gone go as well.
        if known.len() >= 2 * CALENDARS_MAX {
            known.clear();
        }
        let coverage = Arc::new(Coverage::new(calendar));
        known.insert(name.clone(), (revision, coverage.clone()));
        coverage
    }
}

/// The jobs that name a calendar.
#[derive(Default)]
struct Users {
    count: u32,
    some: Vec<JobPath>,
}

fn users(app: &App) -> Answer<BTreeMap<CalendarName, Users>> {
    let mut users: BTreeMap<CalendarName, Users> = BTreeMap::new();
    for (_, entry) in app.jobs()?.iter() {
        let spec = &entry.value.spec;
        for name in spec.calendars.names() {
            let users = users.entry(name.clone()).or_default();
            users.count += 1;
            if users.some.len() < USERS_MAX {
                users.some.push(spec.path());
            }
        }
    }
    Ok(users)
}

fn view(
    app: &App,
    name: CalendarName,
    revision: Revision,
    calendar: &Calendar,
    users: &BTreeMap<CalendarName, Users>,
) -> CalendarView {
    let coverage = app.coverages.get(&name, revision, calendar);
    let now = app.host.now();
    let users = users.get(&name);
    CalendarView {
        revision,
        calendar: calendar.clone(),
        covers: coverage.covers(now),
        changes_at: coverage.next_change(now),
        jobs: users.map_or(0, |users| users.count),
        used_by: users.map(|users| users.some.clone()).unwrap_or_default(),
        name,
    }
}

fn tagged(calendar: CalendarView) -> (HeaderMap, Json<CalendarView>) {
    (etag(calendar.revision), Json(calendar))
}

fn missing(name: &CalendarName) -> Failure {
    Failure::not_found(format!("there is no calendar {name}"))
}

fn busy(name: &CalendarName) -> Failure {
    Failure::conflict(format!(
        "calendar {name} is being changed by others again and again"
    ))
    .hint("try again")
}
