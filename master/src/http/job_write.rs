//! Making, changing and deleting a job, always by compare-and-swap.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use shared::{
    Revision,
    api::{JobView, paths},
    id::JobPath,
    job::{Job, JobSpec},
    keys,
    store::{Compare, Outcome, Txn, Write},
    time::Time,
};

use super::{
    App,
    calendars::check_named,
    extract::{Condition, JobPart, JsonBody},
    failure::{Answer, Failure},
    jobs,
    naming::Named,
};
use crate::auth::Caller;

/// The largest job, as JSON: with an order's or an assignment's own bytes, and with the
/// calendars that it names, twice where its slot moves, it must still fit a transaction.
pub const JOB_BYTES_MAX: usize = 1_000_000;
/// How many jobs there may be.
pub const JOBS_MAX: usize = 100_000;
/// How often a change that asks for no revision begins again when someone was faster.
const RACES_MAX: u32 = 5;

/// A job as it stands in the store.
pub struct Stored {
    pub job: Job,
    pub revision: Revision,
}

/// Reads a job from the store itself: what is changed must not rest on an older view.
pub async fn read(app: &App, path: &JobPath) -> Answer<Option<Stored>> {
    let Some(kv) = app.store.get(&keys::job(path)).await? else {
        return Ok(None);
    };
    decode(path, &kv.value).map(|job| {
        Some(Stored {
            job,
            revision: kv.mod_revision,
        })
    })
}

/// A job as this master knows it, for looking only: it needs no store. One that the
/// mirror has not seen yet is asked for.
pub async fn look(app: &App, path: &JobPath) -> Answer<Stored> {
    if let Some(entry) = app.jobs()?.entry(&keys::job(path)) {
        return Ok(Stored {
            job: (*entry.value).clone(),
            revision: entry.mod_revision,
        });
    }
    read(app, path).await?.ok_or_else(|| jobs::missing(path))
}

pub fn decode(path: &JobPath, value: &[u8]) -> Answer<Job> {
    serde_json::from_slice(value).map_err(|e| {
        Failure::conflict(format!("the stored job {path} cannot be read: {e}"))
            .hint("delete it, then make it again")
    })
}

pub fn encode(job: &Job) -> Answer<Vec<u8>> {
    let value = serde_json::to_vec(job).map_err(|e| Failure::internal(&e))?;
    if value.len() > JOB_BYTES_MAX {
        let path = job.spec.path();
        return Err(Failure::too_large(format!(
            "job {path} is {} bytes long; at most {JOB_BYTES_MAX} are stored",
            value.len()
        ))
        .hint("put long scripts into files on the nodes"));
    }
    Ok(value)
}

/// Make or replace a job. With `If-Match: <revision>` only what was read is replaced
/// (412 otherwise); with `If-None-Match: *` nothing is (409 if it exists). A spec of
/// another name renames the job; its id stays.
#[utoipa::path(put, path = paths::JOB, tag = "jobs", request_body = JobSpec,
    params(("namespace" = String, Path), ("name" = String, Path), ("If-Match" = Option<String>, Header), ("If-None-Match" = Option<String>, Header)),
    responses((status = 200, body = JobView), (status = 201, body = JobView), Failure))]
pub async fn put(
    State(app): State<App>,
    caller: Caller,
    JobPart(path): JobPart,
    condition: Condition,
    JsonBody(spec): JsonBody<JobSpec>,
) -> Answer<(StatusCode, HeaderMap, Json<JobView>)> {
    check_named(&app, [&spec]).await?;
    for _ in 0..RACES_MAX {
        let found = read(&app, &path).await?;
        condition.check(&format!("job {path}"), found.as_ref().map_or(0, |s| s.revision))?;
        let is_new = found.is_none();
        let job = changed(&app, &caller, &path, found.as_ref(), spec.clone())?;
        if let Some(revision) = write(&app, &path, found.as_ref(), &job).await? {
            let (headers, body) = jobs::tagged(jobs::view(&app, &job, revision, &app.unplaced()));
            let status = if is_new {
                StatusCode::CREATED
            } else {
                StatusCode::OK
            };
            tracing::info!(job.id = %job.id, job = %job.spec.path(), by = caller.name(), revision, is_new, "a job was written");
            return Ok((status, headers, body));
        }
        if job.spec.path() != path && read(&app, &job.spec.path()).await?.is_some() {
            return Err(
                Failure::conflict(format!("there is already a job {}", job.spec.path())).field("name"),
            );
        }
    }
    Err(busy(&path))
}

/// The job that the spec makes of what is there.
fn changed(app: &App, caller: &Caller, path: &JobPath, found: Option<&Stored>, spec: JobSpec) -> Answer<Job> {
    let now = app.host.now();
    let author = caller.author(now);
    let job = match found {
        Some(stored) => stored.job.update(spec, author),
        None if spec.path() != *path => {
            return Err(Failure::invalid(format!(
                "the spec says `{}` and the address `{path}`; there is no such job to rename",
                spec.path()
            ))
            .field("name"));
        }
        None => {
            check_room(app, 1)?;
            Job::create(app.host.job_id(), spec, author)
        }
    };
    check_ahead(&job, found.map(|s| &s.job.spec), now)?;
    Ok(job)
}

/// Refuses a schedule whose instants are all over, where it is new or was changed. `H` stands
/// for what it does in this job.
pub fn check_ahead(job: &Job, old: Option<&JobSpec>, now: Time) -> Answer<()> {
    let Job { id, spec, .. } = job;
    if old.is_some_and(|old| old.triggers == spec.triggers) {
        return Ok(());
    }
    for (i, trigger) in spec.triggers.iter().enumerate() {
        let ahead = trigger
            .compile(id.seed())
            .and_then(|compiled| compiled.schedule.check_ahead(now));
        ahead.map_err(|e| Failure::invalid(format!("job {}: trigger {}: {e}", spec.path(), i + 1)))?;
    }
    Ok(())
}

/// Whether so many more jobs may be made.
pub fn check_room(app: &App, more: usize) -> Answer<()> {
    if app.jobs()?.len() + more > JOBS_MAX {
        return Err(Failure::conflict(format!(
            "there would be more than {JOBS_MAX} jobs, the most there may be"
        )));
    }
    Ok(())
}

/// Writes a job in place of what was found; `None` if that has changed since, or what the job
/// comes to name.
async fn write(app: &App, path: &JobPath, found: Option<&Stored>, job: &Job) -> Answer<Option<Revision>> {
    let from = found.map_or(0, |stored| stored.revision);
    let before = found
        .map(|stored| Named::by(&stored.job.spec))
        .unwrap_or_default();
    let (old, new) = (keys::job(path), keys::job(&job.spec.path()));
    let mut txn = Txn {
        compares: vec![Compare::ModRevision(old.clone(), from)],
        writes: vec![Write::Put {
            key: new.clone(),
            value: encode(job)?,
            lease: None,
        }],
    };
    if old != new {
        txn.compares.push(Compare::ModRevision(new, 0));
        txn.writes.push(Write::Delete { key: old });
    }
    Named::by(&job.spec).less(&before).hold(app, &mut txn).await?;
    commit(app, txn).await
}

/// Commits a change of jobs and waits until this master sees it.
pub async fn commit(app: &App, txn: Txn) -> Answer<Option<Revision>> {
    match app.store.txn(txn).await? {
        Outcome::Committed(revision) => {
            app.seen_jobs(revision).await;
            Ok(Some(revision))
        }
        Outcome::Refused(_) => Ok(None),
    }
}

fn busy(path: &JobPath) -> Failure {
    Failure::conflict(format!("job {path} is being changed by others again and again")).hint("try again")
}

/// Delete a job. What runs goes on; its history stays as long as it would have.
#[utoipa::path(delete, path = paths::JOB, tag = "jobs",
    params(("namespace" = String, Path), ("name" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 204), Failure))]
pub async fn delete(
    State(app): State<App>,
    caller: Caller,
    JobPart(path): JobPart,
    condition: Condition,
) -> Answer<StatusCode> {
    remove(&app, &caller, &path, condition).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes a job.
pub async fn remove(app: &App, caller: &Caller, path: &JobPath, condition: Condition) -> Answer<()> {
    let key = keys::job(path);
    for _ in 0..RACES_MAX {
        // Not decoded: a job that cannot be read can be deleted.
        let revision = app.store.get(&key).await?.map_or(0, |kv| kv.mod_revision);
        condition.check(&format!("job {path}"), revision)?;
        if revision == 0 {
            return Err(jobs::missing(path));
        }
        let compares = vec![Compare::ModRevision(key.clone(), revision)];
        let writes = vec![Write::Delete { key: key.clone() }];
        if commit(app, Txn { compares, writes }).await?.is_some() {
            tracing::info!(job = %path, by = caller.name(), "a job was deleted");
            return Ok(());
        }
    }
    Err(busy(path))
}

/// Pause a job: nothing of it is due until it is resumed.
#[utoipa::path(post, path = paths::JOB_PAUSE, tag = "jobs", params(("namespace" = String, Path), ("name" = String, Path)),
    responses((status = 200, body = JobView), Failure))]
pub async fn pause(
    State(app): State<App>,
    caller: Caller,
    JobPart(path): JobPart,
    condition: Condition,
) -> Answer<(HeaderMap, Json<JobView>)> {
    set_paused(&app, &caller, &path, condition, true).await
}

/// Resume a job. What was due meanwhile never counts.
#[utoipa::path(post, path = paths::JOB_RESUME, tag = "jobs", params(("namespace" = String, Path), ("name" = String, Path)),
    responses((status = 200, body = JobView), Failure))]
pub async fn resume(
    State(app): State<App>,
    caller: Caller,
    JobPart(path): JobPart,
    condition: Condition,
) -> Answer<(HeaderMap, Json<JobView>)> {
    set_paused(&app, &caller, &path, condition, false).await
}

pub async fn set_paused(
    app: &App,
    caller: &Caller,
    path: &JobPath,
    condition: Condition,
    paused: bool,
) -> Answer<(HeaderMap, Json<JobView>)> {
    for _ in 0..RACES_MAX {
        let stored = read(app, path).await?.ok_or_else(|| jobs::missing(path))?;
        condition.check(&format!("job {path}"), stored.revision)?;
        if stored.job.spec.paused == paused {
            return Ok(jobs::tagged(jobs::view(
                app,
                &stored.job,
                stored.revision,
                &app.unplaced(),
            )));
        }
        let spec = JobSpec {
            paused,
            ..stored.job.spec.clone()
        };
        let job = stored.job.update(spec, caller.author(app.host.now()));
        if let Some(revision) = write(app, path, Some(&stored), &job).await? {
            tracing::info!(job.id = %job.id, job = %path, by = caller.name(), paused, "a job was paused or resumed");
            return Ok(jobs::tagged(jobs::view(app, &job, revision, &app.unplaced())));
        }
    }
    Err(busy(path))
}
