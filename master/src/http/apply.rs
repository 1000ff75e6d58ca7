//! Applying job files: all of it is checked before anything is written.
//!
//! What fits one transaction is written whole or not at all. More than that is written in
//! order, a transaction after the other, each by compare-and-swap; a change by somebody
//! else in between is looked at again, and an end half-way says how far it came. Applying
//! the same again then does the rest: what is written shows as unchanged.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    Json,
    extract::{Request, State},
};
use futures::{StreamExt, TryStreamExt};
use shared::{
    Revision,
    api::{Applied, Apply, ApplyAction, paths},
    id::JobPath,
    job::{Job, JobSpec, file},
    keys,
    store::{Compare, Outcome, TXN_BYTES_MAX, TXN_OPS_MAX, Txn, Write},
};

use super::{
    App,
    calendars::check_named,
    extract::json,
    failure::{Answer, Failure},
    job_write::{Stored, check_ahead, check_room, decode, encode},
    limits::APPLY_BYTES_MAX,
    naming::Named,
};
use crate::auth::Caller;

/// How long a call waits for others that are being read.
const LARGE_WAIT: Duration = Duration::from_secs(10);
/// How many jobs one call takes.
pub const APPLY_JOBS_MAX: usize = 10_000;
/// How often a transaction is tried again when somebody else was faster.
const RACES_MAX: u32 = 5;
/// From so many jobs on, all jobs are listed instead of asking for each.
const LIST_FROM: usize = 64;

/// What is to become of one job.
struct Change {
    path: JobPath,
    action: ApplyAction,
    /// Where the job stands (zero: nowhere) and what it becomes, unless it is unchanged.
    from: Revision,
    to: Option<(Job, Vec<u8>)>,
    /// What it names that it did not before.
    named: Named,
    diff: Option<String>,
}

impl Change {
    fn applied(&self, revision: Option<Revision>) -> Applied {
        let revision = revision.or(Some(self.from).filter(|r| *r != 0));
        Applied {
            job: self.path.clone(),
            action: self.action,
            revision,
            diff: self.diff.clone(),
        }
    }
}

/// Make jobs so: create, update or leave as it is. All are checked before anything is
/// written; up to 100, or somewhat fewer where they name calendars or groups, are written
/// whole or not at all.
#[utoipa::path(post, path = paths::APPLY, tag = "jobs", request_body = Apply,
    responses((status = 200, body = Vec<Applied>), Failure))]
pub async fn apply(State(app): State<App>, caller: Caller, request: Request) -> Answer<Json<Vec<Applied>>> {
    let busy = || {
        Failure::too_many(
            "this master is applying as many job files as it takes",
            Duration::from_secs(1),
        )
    };
    let _seat = app.gates.large.wait(LARGE_WAIT).await.ok_or_else(busy)?;
    let apply: Apply = json(request, APPLY_BYTES_MAX, false).await?;
    check(&apply.jobs)?;
    for (i, job) in apply.jobs.iter().enumerate() {
        check_named(&app, [job]).await.map_err(|f| of_job(i, f))?;
    }
    let found = read(&app, &apply.jobs).await?;
    let changes = plan(&app, &caller, &apply.jobs, &found)?;
    check_room(
        &app,
        changes.iter().filter(|c| c.action == ApplyAction::Create).count(),
    )?;
    if apply.dry_run {
        return Ok(Json(changes.iter().map(|c| c.applied(None)).collect()));
    }
    let mut done: Vec<Applied> = Vec::with_capacity(changes.len());
    let mut rest = changes.into_iter().peekable();
    while rest.peek().is_some() {
        let batch = batch(&mut rest);
        let specs: Vec<JobSpec> = specs_of(&apply.jobs, done.len(), batch.len());
        match commit(&app, &caller, batch, &specs).await {
            Ok(applied) => done.extend(applied),
            Err(failure) => return Err(half_way(failure, &done, apply.jobs.len())),
        }
    }
    let written = done.iter().filter(|a| a.action != ApplyAction::Unchanged).count();
    tracing::info!(
        by = caller.name(),
        jobs = done.len(),
        written,
        "jobs were applied"
    );
    if let Some(last) = done.iter().filter_map(|a| a.revision).max() {
        app.seen_jobs(last).await;
    }
    Ok(Json(done))
}

/// What can be said without looking at what is there.
fn check(jobs: &[JobSpec]) -> Answer<()> {
    if jobs.is_empty() {
        return Err(Failure::invalid("there is no job to apply").field("jobs"));
    }
    if jobs.len() > APPLY_JOBS_MAX {
        return Err(Failure::too_large(format!(
            "{} jobs; at most {APPLY_JOBS_MAX} are applied at once",
            jobs.len()
        ))
        .field("jobs")
        .hint("apply them in several parts"));
    }
    let mut seen = BTreeMap::new();
    for (i, job) in jobs.iter().enumerate() {
        if let Some(first) = seen.insert(job.path(), i) {
            return Err(Failure::invalid(format!(
                "jobs[{first}] and jobs[{i}] are both named `{}`",
                job.path()
            ))
            .field(format!("jobs[{i}].name"))
            .hint("rename one or give it another namespace"));
        }
    }
    Ok(())
}

async fn read(app: &App, jobs: &[JobSpec]) -> Answer<BTreeMap<JobPath, Stored>> {
    if jobs.len() < LIST_FROM {
        let reads = futures::stream::iter(jobs.iter().map(JobSpec::path)).map(|path| async move {
            let kv = app.store.get(&keys::job(&path)).await?;
            let stored = kv.map(|kv| {
                decode(&path, &kv.value).map(|job| Stored {
                    job,
                    revision: kv.mod_revision,
                })
            });
            Ok::<_, Failure>(stored.transpose()?.map(|stored| (path, stored)))
        });
        let found: Vec<_> = reads.buffer_unordered(16).try_collect().await?;
        return Ok(found.into_iter().flatten().collect());
    }
    let list = app.store.snapshot(keys::JOBS).await?;
    let mut all: BTreeMap<String, _> = list
        .kvs
        .into_iter()
        .map(|kv| (kv.key, (kv.value, kv.mod_revision)))
        .collect();
    let mut found = BTreeMap::new();
    for path in jobs.iter().map(JobSpec::path) {
        if let Some((value, revision)) = all.remove(&keys::job(&path)) {
            found.insert(
                path.clone(),
                Stored {
                    job: decode(&path, &value)?,
                    revision,
                },
            );
        }
    }
    Ok(found)
}

/// Decides for each job; refuses all if one cannot be.
fn plan(
    app: &App,
    caller: &Caller,
    jobs: &[JobSpec],
    found: &BTreeMap<JobPath, Stored>,
) -> Answer<Vec<Change>> {
    let change = |(i, spec): (usize, &JobSpec)| {
        let stored = found.get(&spec.path());
        change(app, caller, spec, stored).map_err(|f| of_job(i, f))
    };
    jobs.iter().enumerate().map(change).collect()
}

/// A failure that is about one of the jobs: its field says which.
fn of_job(i: usize, failure: Failure) -> Failure {
    let field = match &failure.error.field {
        Some(field) => format!("jobs[{i}].{field}"),
        None => format!("jobs[{i}]"),
    };
    failure.field(field)
}

fn change(app: &App, caller: &Caller, spec: &JobSpec, stored: Option<&Stored>) -> Answer<Change> {
    let (path, now) = (spec.path(), app.host.now());
    let author = caller.author(now);
    let (action, job, diff) = match stored {
        Some(stored) if stored.job.spec == *spec => {
            return Ok(Change {
                path,
                action: ApplyAction::Unchanged,
                from: stored.revision,
                to: None,
                named: Named::default(),
                diff: None,
            });
        }
        Some(stored) => {
            let diff = diff(&stored.job.spec, spec);
            (
                ApplyAction::Update,
                stored.job.update(spec.clone(), author),
                Some(diff),
            )
        }
        None => (
            ApplyAction::Create,
            Job::create(app.host.job_id(), spec.clone(), author),
            None,
        ),
    };
    check_ahead(&job, stored.map(|s| &s.job.spec), now).map_err(|f| f.field("triggers"))?;
    let before = stored.map(|s| Named::by(&s.job.spec)).unwrap_or_default();
    let value = encode(&job)?;
    Ok(Change {
        path,
        action,
        from: stored.map_or(0, |s| s.revision),
        to: Some((job, value)),
        named: Named::by(spec).less(&before),
        diff,
    })
}

/// A unified diff of the specs as YAML.
fn diff(old: &JobSpec, new: &JobSpec) -> String {
    let (old, new) = (file::to_yaml(old), file::to_yaml(new));
    similar::TextDiff::from_lines(&old, &new)
        .unified_diff()
        .context_radius(3)
        .header("stored", "applied")
        .to_string()
}

/// The next changes that fit a transaction.
fn batch(rest: &mut std::iter::Peekable<std::vec::IntoIter<Change>>) -> Vec<Change> {
    let (mut batch, mut ops, mut bytes) = (Vec::new(), 0, 0);
    let mut named = Named::default();
    while let Some(next) = rest.peek() {
        let size = next.to.as_ref().map_or(0, |(_, value)| value.len() + 512);
        // All that is named, not only what is new: it may be, once somebody was faster.
        if let Some((job, _)) = &next.to {
            named.add(Named::by(&job.spec));
        }
        let all_ops = ops + usize::from(size > 0) + named.ops();
        if !batch.is_empty() && (all_ops > TXN_OPS_MAX || bytes + size > TXN_BYTES_MAX) {
            break;
        }
        (ops, bytes) = (ops + usize::from(size > 0), bytes + size);
        batch.extend(rest.next());
    }
    batch
}

fn specs_of(jobs: &[JobSpec], from: usize, len: usize) -> Vec<JobSpec> {
    jobs.iter().skip(from).take(len).cloned().collect()
}

/// Writes a batch whole, looking again when somebody else was faster.
async fn commit(
    app: &App,
    caller: &Caller,
    mut batch: Vec<Change>,
    specs: &[JobSpec],
) -> Answer<Vec<Applied>> {
    for _ in 0..RACES_MAX {
        let (mut txn, mut named) = (Txn::default(), Named::default());
        for change in &batch {
            named.add(change.named.clone());
            if let Some((_, value)) = &change.to {
                let key = keys::job(&change.path);
                txn.compares.push(Compare::ModRevision(key.clone(), change.from));
                txn.writes.push(Write::Put {
                    key,
                    value: value.clone(),
                    lease: None,
                });
            }
        }
        if txn.writes.is_empty() {
            return Ok(batch.iter().map(|c| c.applied(None)).collect());
        }
        named.hold(app, &mut txn).await?;
        if let Outcome::Committed(revision) = app.store.txn(txn).await? {
            return Ok(batch
                .iter()
                .map(|c| c.applied(c.to.as_ref().map(|_| revision)))
                .collect());
        }
        batch = plan(app, caller, specs, &read(app, specs).await?)?;
    }
    Err(Failure::conflict("these jobs are being changed by others again and again").hint("apply again"))
}

/// A failure after some transactions says how far it came.
fn half_way(failure: Failure, done: &[Applied], all: usize) -> Failure {
    if done.is_empty() {
        return failure;
    }
    let Failure {
        status,
        mut error,
        retry_after,
    } = failure;
    let last = done.last().map(|a| a.job.to_string()).unwrap_or_default();
    error.message = format!(
        "the first {} of {all} jobs are applied (the last is {last}), the others are not, or not for certain: {}",
        done.len(),
        error.message
    );
    error.hint = Some("apply again: what is done shows as unchanged, and the rest follows".to_owned());
    Failure {
        status,
        error,
        retry_after,
    }
}
