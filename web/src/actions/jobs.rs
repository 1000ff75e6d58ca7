//! What can be done to jobs, wherever they are shown.

use std::sync::Arc;

use shared::{
    api::{
        ApiError, ErrorCode,
        work::{BULK_MAX, Bulk, BulkAction, BulkResult},
    },
    id::JobPath,
};

use super::{
    ActionWords,
    run_now::{self, RunAsker},
};
use crate::{
    api::{Failure, jobs},
    locale::{count, sentences::said},
    parts::{
        confirm::{self, Asker, Question},
        toast::{Toaster, toaster},
    },
    prelude::*,
    words::say,
};

/// Taken while the view is made, for use in its events.
#[derive(Clone, Copy)]
pub struct JobActions {
    toaster: Toaster,
    asker: Asker,
    run: RunAsker,
}

pub fn job_actions() -> JobActions {
    JobActions {
        toaster: toaster(),
        asker: confirm::asker(),
        run: run_now::asker(),
    }
}

/// What follows once it is done.
pub type After = Arc<dyn Fn() + Send + Sync>;

impl JobActions {
    /// At once: it can be taken back.
    pub fn pause(self, job: JobPath) {
        self.set_paused(job, true);
    }

    pub fn resume(self, job: JobPath) {
        self.set_paused(job, false);
    }

    fn set_paused(self, job: JobPath, paused: bool) {
        let w = say::<ActionWords>();
        spawn_local(async move {
            let done = if paused {
                jobs::pause(&job).await
            } else {
                jobs::resume(&job).await
            };
            match done {
                Err(failure) => self.toaster.failed(&failure),
                Ok(_) => {
                    let said = if paused { w.paused } else { w.resumed };
                    let said = fill!(said, job = job);
                    let undo = Arc::new(move || {
                        let job = job.clone();
                        spawn_local(async move {
                            let undone = if paused {
                                jobs::resume(&job).await
                            } else {
                                jobs::pause(&job).await
                            };
                            if let Err(failure) = undone {
                                self.toaster.failed(&failure);
                            }
                        });
                    });
                    self.toaster.done_undo(said, undo);
                }
            }
        });
    }

    /// Opens the dialog that asks how.
    pub fn run(self, job: JobPath) {
        self.run.ask(job);
    }

    /// Asks, deletes, and goes on with `after`, which outlives what asked: the job's page may
    /// hear of it and be another one before the answer is there.
    pub fn delete(self, job: JobPath, after: Option<After>) {
        let w = say::<ActionWords>();
        self.ask(Question {
            title: fill!(w.delete_title, job = job),
            text: w.delete_about.into(),
            what: vec![job.to_string()],
            verb: w.delete.into(),
            is_dangerous: true,
            act: Arc::new(move || {
                let (job, after) = (job.clone(), after.clone());
                spawn_local(async move {
                    match jobs::remove(&job).await {
                        Err(failure) => self.toaster.failed(&failure),
                        Ok(()) => {
                            self.toaster.done(fill!(w.deleted, job = job));
                            if let Some(after) = after {
                                after();
                            }
                        }
                    }
                });
            }),
        });
    }

    fn ask(self, question: Question) {
        confirm::ask(self.asker, question);
    }

    /// Asks, naming the jobs, and gives one order for all. `progress` tells how many are done
    /// of how many, and is none again at the end; then comes `after`.
    pub fn many(
        self,
        action: BulkAction,
        chosen: Vec<JobPath>,
        progress: RwSignal<Option<(usize, usize)>>,
        after: Callback<()>,
    ) {
        let w = say::<ActionWords>();
        let (title, text, verb) = match action {
            BulkAction::Pause => (w.pause_title, w.pause_about, w.pause),
            BulkAction::Resume => (w.resume_title, w.resume_about, w.resume),
            BulkAction::Run => (w.run_title, w.run_about, w.run),
            BulkAction::Delete => (w.delete_many_title, w.delete_many_about, w.delete),
        };
        self.ask(Question {
            title: fill!(title, n = count(chosen.len() as u64)),
            text: text.into(),
            what: chosen.iter().map(ToString::to_string).collect(),
            verb: verb.into(),
            is_dangerous: action == BulkAction::Delete,
            act: Arc::new(move || {
                let chosen = chosen.clone();
                spawn_local(async move {
                    let all = chosen.len();
                    progress.try_set(Some((0, all)));
                    let outcome = order_all(action, chosen, |done| {
                        progress.try_set(Some((done, all)));
                    })
                    .await;
                    progress.try_set(None);
                    self.tell(action, all, &outcome);
                    after.try_run(());
                });
            }),
        });
    }

    fn tell(self, action: BulkAction, all: usize, outcome: &Outcome) {
        let w = say::<ActionWords>();
        if outcome.done > 0 {
            let said = match action {
                BulkAction::Pause => w.paused_many,
                BulkAction::Resume => w.resumed_many,
                BulkAction::Run => w.ran_many,
                BulkAction::Delete => w.deleted_many,
            };
            self.toaster.done(fill!(said, n = count(outcome.done as u64)));
        }
        if let Some((job, error)) = &outcome.first_refused {
            let text = fill!(
                w.some_failed,
                failed = count((all - outcome.done) as u64),
                n = count(all as u64),
                job = job,
                why = said(&error.message)
            );
            self.toaster.failed(&Failure::Refused(ApiError {
                code: ErrorCode::Conflict,
                message: text,
                hint: error.hint.clone(),
                field: None,
            }));
        }
        if let Some(failure) = &outcome.failure {
            self.toaster.failed(failure);
        }
    }
}

/// How orders for many went.
#[derive(Default)]
struct Outcome {
    done: usize,
    /// The first that could not be done, and why.
    first_refused: Option<(JobPath, ApiError)>,
    /// Why the rest was not tried.
    failure: Option<Failure>,
}

impl Outcome {
    fn add(&mut self, result: BulkResult) {
        self.done += result.done as usize;
        if self.first_refused.is_none() {
            let mut refused = result.jobs.into_iter();
            self.first_refused = refused.find_map(|item| Some((item.job, item.error?)));
        }
    }
}

async fn order_all(action: BulkAction, chosen: Vec<JobPath>, told: impl Fn(usize)) -> Outcome {
    let mut outcome = Outcome::default();
    let mut tried = 0;
    for jobs in chosen.chunks(BULK_MAX) {
        let order = Bulk {
            action,
            jobs: jobs.to_vec(),
        };
        match jobs::bulk(&order).await {
            Ok(result) => outcome.add(result),
            Err(failure) => {
                outcome.failure = Some(failure);
                break;
            }
        }
        tried += jobs.len();
        told(tried);
    }
    outcome
}
