//! What the leader does now and then: statistics, retention, expired sessions, and a look
//! for runs that are late or missing. Never users' jobs: those are the agents' alone.
//!
//! Every task is small transactions, can be stopped between any two of them, and begins
//! anew at its next turn: nothing is lost when a leader is.

mod checks;
mod retention;
mod sessions;

use std::{
    sync::{
        Arc, Mutex as StdMutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde::Deserialize;
use shared::{
    host::Host,
    job::Job,
    store::{DynStore, StoreError, mirror::Mirror},
};
use tokio::sync::{Mutex, watch};
use tokio_cron_scheduler::{Job as Turn, JobScheduler, JobSchedulerError};
use tokio_util::sync::CancellationToken;

use crate::history::{History, HistoryError};
pub use checks::{is_late, look, overdue};
pub use shared::history::Findings;

/// What is kept whatever jobs ask for. Runs of deleted jobs go by these alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bounds {
    /// The most runs in the history, of all jobs together.
    pub runs: u64,
    /// For how many days runs are kept at most.
    pub run_days: u32,
    /// For how many days there are statistics by the hour, and by the day.
    pub statistics_hours_days: u32,
    pub statistics_days_days: u32,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds {
            runs: 10_000_000,
            run_days: 400,
            statistics_hours_days: 35,
            statistics_days_days: 800,
        }
    }
}

/// A thing to do, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Task {
    /// Folds what runs add to the statistics.
    Statistics,
    /// Deletes what each job's `keep` no longer keeps.
    Retention,
    /// Deletes what is beyond the [`Bounds`].
    Bounds,
    /// Deletes sessions that have expired.
    Sessions,
    /// Looks for runs that are late or missing.
    Checks,
}

impl Task {
    pub const ALL: [Task; 5] = [
        Task::Statistics,
        Task::Retention,
        Task::Bounds,
        Task::Sessions,
        Task::Checks,
    ];

    /// Six fields, seconds first, in UTC. No two begin in the same second.
    fn schedule(self) -> &'static str {
        match self {
            Task::Statistics => "*/5 * * * * *",
            Task::Checks => "12 * * * * *",
            Task::Retention => "27 */15 * * * *",
            Task::Sessions => "42 */10 * * * *",
            Task::Bounds => "57 17 * * * *",
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Task::Statistics => "statistics",
            Task::Retention => "retention",
            Task::Bounds => "bounds",
            Task::Sessions => "sessions",
            Task::Checks => "checks",
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    #[error(transparent)]
    History(#[from] HistoryError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Housekeeping of one master. Cheap to clone.
#[derive(Clone)]
pub struct Housekeeping(Arc<Inner>);

struct Inner {
    history: Arc<dyn History>,
    store: DynStore,
    jobs: Mirror<Job>,
    host: Host,
    bounds: Bounds,
    findings: watch::Sender<Findings>,
    /// Cancelled when it is stopped; `None` while it is.
    term: StdMutex<Option<CancellationToken>>,
    /// A task whose turn comes while it is still at its last one waits for the next.
    busy: [Mutex<()>; Task::ALL.len()],
    failing: [AtomicBool; Task::ALL.len()],
    /// Made when it is first needed. The crate's tasks never end once begun, so there is
    /// one for the life of the process, and stopping means that turns do nothing.
    scheduler: Mutex<Option<JobScheduler>>,
}

impl Housekeeping {
    pub fn new(
        history: Arc<dyn History>,
        store: DynStore,
        jobs: Mirror<Job>,
        host: Host,
        bounds: Bounds,
    ) -> Housekeeping {
        let inner = Inner {
            history,
            store,
            jobs,
            host,
            bounds,
            findings: watch::Sender::default(),
            term: StdMutex::default(),
            busy: Default::default(),
            failing: Default::default(),
            scheduler: Mutex::default(),
        };
        Housekeeping(Arc::new(inner))
    }

    /// Starts when this master wins the leadership and stops when it loses it; returns
    /// when cancelled.
    pub async fn follow<L>(self, mut leading: watch::Receiver<Option<L>>, cancel: CancellationToken) {
        loop {
            let is_leading = leading.borrow_and_update().is_some();
            if !is_leading {
                self.stop();
            } else if let Err(error) = self.start().await {
                tracing::error!(%error, "housekeeping does not start; statistics and retention wait for the next leader");
            }
            tokio::select! {
                () = cancel.cancelled() => break,
                changed = leading.changed() => if changed.is_err() { break },
            }
        }
        self.stop();
        let scheduler = self.0.scheduler.lock().await.take();
        if let Some(mut scheduler) = scheduler
            && let Err(error) = scheduler.shutdown().await
        {
            tracing::debug!(%error, "housekeeping's scheduler does not stop");
        }
    }

    /// Lets turns do something. Starting twice is starting once.
    pub async fn start(&self) -> Result<(), JobSchedulerError> {
        let mut scheduler = self.0.scheduler.lock().await;
        if scheduler.is_none() {
            *scheduler = Some(self.schedule().await?);
        }
        self.term().get_or_insert_default();
        Ok(())
    }

    /// Ends what is being done, between two transactions.
    pub fn stop(&self) {
        if let Some(term) = self.term().take() {
            term.cancel();
            self.0.findings.send_replace(Findings::default());
        }
    }

    /// What the last checks found; nothing on a master that does not lead.
    pub fn findings(&self) -> watch::Receiver<Findings> {
        self.0.findings.subscribe()
    }

    async fn schedule(&self) -> Result<JobScheduler, JobSchedulerError> {
        let scheduler = JobScheduler::new().await?;
        for task in Task::ALL {
            // Weak: the scheduler outlives its shutdown, and would keep the store open.
            let housekeeping = Arc::downgrade(&self.0);
            let turn = Turn::new_async(task.schedule(), move |_, _| {
                let housekeeping = housekeeping.upgrade().map(Housekeeping);
                Box::pin(async move {
                    if let Some(housekeeping) = housekeeping {
                        housekeeping.turn(task).await;
                    }
                })
            })?;
            scheduler.add(turn).await?;
        }
        scheduler.start().await?;
        Ok(scheduler)
    }

    async fn turn(&self, task: Task) {
        let Some(term) = self.term().clone() else { return };
        let Ok(_busy) = self.0.busy[task as usize].try_lock() else {
            return;
        };
        let Some(done) = term.run_until_cancelled(self.run(task)).await else {
            return;
        };
        let failed = self.0.failing[task as usize].swap(done.is_err(), Ordering::Relaxed);
        match done {
            // Said once: a database that is down stays so for many turns.
            Err(error) if !failed => tracing::warn!(task = task.as_str(), %error, "housekeeping waits"),
            Ok(()) if failed => tracing::info!(task = task.as_str(), "housekeeping goes on"),
            _ => {}
        }
    }

    /// Does a task now, whoever leads.
    pub async fn run(&self, task: Task) -> Result<(), TaskError> {
        let Inner {
            history,
            store,
            jobs,
            host,
            bounds,
            findings,
            ..
        } = &*self.0;
        match task {
            Task::Statistics => while history.fold().await? {},
            Task::Retention => retention::by_job(&**history, &jobs.snapshot(), host.now()).await?,
            Task::Bounds => retention::by_bounds(&**history, bounds, host.now()).await?,
            Task::Sessions => sessions::delete_expired(store, host.now()).await?,
            Task::Checks => {
                let found = checks::look(&**history, &jobs.snapshot(), host.now()).await?;
                let last = findings.send_replace(found.clone());
                checks::tell(&last, &found);
            }
        }
        Ok(())
    }

    fn term(&self) -> std::sync::MutexGuard<'_, Option<CancellationToken>> {
        self.0.term.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Between two transactions that deleted something, for those who wait to write.
const PAUSE: Duration = Duration::from_millis(20);
