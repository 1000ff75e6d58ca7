//! Runs: started on time, watched, stopped, retried, recorded.
//!
//! [`Runs::step`] decides; this shell performs what it says and brings what happens back
//! as events. It waits for nothing itself: whatever takes time is a task of its own.

mod event;
mod launch;
mod output;
mod gather;
mod follow;
mod recorder;
mod recover;
mod runs;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use shared::{
    host::Host,
    id::{NodeId, RunId},
    store::DynStore,
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::{Instant, sleep},
};

pub use event::{Action, Event, NotStarted, Now, Stop, Verdict};
pub use launch::{launch, run_of};
pub use output::Capture;
pub use recorder::Recorder;
pub use recover::recover;
pub use runs::{Counts, Runs};

use crate::{
    identity::Fence,
    inbox::SlotKey,
    parts::{Launch, Spool, StartError, Starter},
};

/// How many events may wait for the runner.
pub const EVENTS_MAX: usize = 4096;
/// How many pieces of a process' output wait for the disk before the process does.
const OUTPUT_EVENTS_MAX: usize = 16;
/// The longest wait: so that a clock that steps is seen.
const LOOK: Duration = Duration::from_secs(1);

/// What the runner is made of.
#[derive(Clone)]
pub struct Runner {
    pub node: NodeId,
    pub capacity: u32,
    pub timeout_max: Option<Duration>,
    /// The length of the node's lease.
    pub lease: Duration,
    pub host: Host,
    pub store: DynStore,
    pub spool: Arc<dyn Spool>,
    pub starter: Arc<dyn Starter>,
    pub recorder: Recorder,
    pub fence: Fence,
    pub events: mpsc::Sender<Event>,
}

impl Runner {
    /// Runs what it is told until [`Event::Stop`] and the last run's end. Tells how many
    /// runs there are, and which slots have so many waiting that no more should come.
    pub async fn run(
        self,
        mut events: mpsc::Receiver<Event>,
        counts: watch::Sender<Counts>,
        crowded: watch::Sender<Arc<BTreeSet<SlotKey>>>,
    ) {
        let begin = Instant::now();
        let now = || Now {
            wall: self.host.now(),
            mono: begin.elapsed(),
            epoch: self.fence.epoch(),
        };
        let mut runs = Runs::new(self.node.clone(), self.capacity, self.timeout_max, self.lease);
        let mut tasks = JoinSet::new();
        let mut is_stopping = false;
        while !(is_stopping && runs.is_empty()) {
            let wait = runs.wait(now()).unwrap_or(LOOK).min(LOOK);
            let event = tokio::select! {
                // In order, so that a simulation replays.
                biased;
                Some(_) = tasks.join_next() => continue,
                event = events.recv() => event.unwrap_or(Event::Tick),
                () = sleep(wait) => Event::Tick,
            };
            is_stopping |= matches!(event, Event::Stop { .. });
            for action in runs.step(event, now()) {
                self.perform(action, &mut tasks);
            }
            let now = runs.counts();
            counts.send_if_modified(|c| std::mem::replace(c, now) != now);
            if **crowded.borrow() != *runs.crowded() {
                crowded.send_replace(Arc::new(runs.crowded().clone()));
            }
        }
    }

    fn perform(&self, action: Action, tasks: &mut JoinSet<()>) {
        let runner = self.clone();
        match action {
            Action::Record(run) => self.recorder.put([*run]),
            Action::RecordNext { ended, next } => self.recorder.put([*ended, *next]),
            Action::Start {
                launch,
                output_bytes_max,
                epoch,
            } => {
                tasks.spawn(async move { runner.start(*launch, output_bytes_max, epoch).await });
            }
            Action::Signal(run, signal) => {
                tasks.spawn(async move { runner.starter.signal(run, signal).await });
            }
            Action::Verify { run, key, claim } => {
                tasks.spawn(async move { runner.verify(run, &key, claim).await });
            }
        }
    }

    /// Starts a run and stays with it until its end.
    async fn start(&self, launch: Launch, output_bytes_max: u64, epoch: Option<i64>) {
        let run = launch.run;
        if epoch.is_some() && self.fence.epoch() != epoch {
            return self
                .tell(Event::NotStarted {
                    run,
                    why: NotStarted::Fenced,
                })
                .await;
        }
        let (tx, rx) = mpsc::channel(OUTPUT_EVENTS_MAX);
        match self.starter.start(launch, tx).await {
            Ok(started) => {
                let at = self.host.now();
                self.tell(Event::Started {
                    run,
                    at,
                    process: started.process,
                })
                .await;
                self.follow(run, rx, Capture::new(run, output_bytes_max)).await;
            }
            Err(StartError::Rejected(rule)) => {
                self.tell(Event::NotStarted {
                    run,
                    why: NotStarted::Rejected(rule),
                })
                .await;
            }
            Err(StartError::Unmarked(error)) => {
                // What is claimed now could not be marked either.
                self.recorder.block(self.host.now(), &error);
                self.tell(Event::NotStarted {
                    run,
                    why: NotStarted::Unmarked(error.to_string()),
                })
                .await;
            }
            Err(StartError::Failed(error)) => {
                self.tell(Event::NotStarted {
                    run,
                    why: NotStarted::Failed(error),
                })
                .await;
            }
        }
    }

    async fn verify(&self, run: RunId, key: &str, claim: i64) {
        // The registration first: what is read after it was made is not older than it.
        let verdict = match self.fence.registration() {
            None => Verdict::Unknown,
            Some(registration) => match self.store.get(key).await {
                Ok(Some(kv)) if kv.create_revision == claim => Verdict::Stands(registration.epoch),
                Ok(_) => Verdict::Gone,
                Err(_) => Verdict::Unknown,
            },
        };
        self.tell(Event::Verified { run, verdict }).await;
    }

    async fn tell(&self, event: Event) {
        // The runner is gone only when the agent is.
        let _ = self.events.send(event).await;
    }
}
