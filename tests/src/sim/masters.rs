//! Masters, and their lives.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use master::{
    core::{Core, CoreParts, Database},
    history::MemoryHistory,
    intake::{Intake, Live},
};
use shared::{
    host::Host,
    id::RunId,
    run::State,
    store::embedded::{Client, Embedded},
};
use tokio::{
    sync::broadcast::{self, error::RecvError},
    task::JoinHandle,
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use super::{
    chance::{self, WallClock},
    post::Desks,
    trace::Trace,
    wire::Wire,
};

/// Runs that were ever recorded as lost, though a report may have replaced that.
pub type EverLost = Arc<Mutex<BTreeSet<RunId>>>;

/// A host with a master.
pub struct MasterHost {
    pub id: String,
    pub clock: Arc<WallClock>,
    pub client: Client,
    number: usize,
    host: Host,
    history: Arc<MemoryHistory>,
    desks: Desks,
    ever_lost: EverLost,
    trace: Trace,
    leads: Arc<AtomicBool>,
    life: Option<(JoinHandle<()>, CancellationToken)>,
}

impl MasterHost {
    #[allow(clippy::too_many_arguments, reason = "each is a part of the world")]
    pub fn new(
        number: usize,
        seed: u64,
        clock: Arc<WallClock>,
        store: &Embedded,
        history: Arc<MemoryHistory>,
        desks: Desks,
        ever_lost: EverLost,
        trace: Trace,
    ) -> MasterHost {
        let id = format!("m{}", number + 1);
        MasterHost {
            host: chance::host(&clock, seed, &id),
            id,
            clock,
            client: store.client(),
            number,
            history,
            desks,
            ever_lost,
            trace,
            leads: Arc::default(),
            life: None,
        }
    }

    /// A master begins, unless there is one.
    pub async fn start(&mut self) {
        if self
            .life
            .as_ref()
            .is_some_and(|(task, cancel)| !task.is_finished() && !cancel.is_cancelled())
        {
            return;
        }
        self.crash().await;
        let cancel = CancellationToken::new();
        let intake = Intake::new(self.history.clone(), self.host.clone());
        let parts = CoreParts {
            store: Arc::new(Wire::new(self.client.clone(), &self.id, self.trace.clone())),
            history: self.history.clone(),
            intake: intake.clone(),
            host: self.host.clone(),
            id: self.id.parse().unwrap(),
            url: format!("http://{}", self.id),
            lease_ttl: Duration::from_secs(10),
            database: Database::Memory,
            alone: false,
        };
        tokio::spawn(listen(
            intake.subscribe(),
            self.id.clone(),
            self.trace.clone(),
            self.ever_lost.clone(),
        ));
        let office = Office {
            id: self.id.clone(),
            number: self.number,
            desks: self.desks.clone(),
            trace: self.trace.clone(),
            leads: self.leads.clone(),
        };
        self.life = Some((tokio::spawn(office.hold(parts, intake, cancel.clone())), cancel));
    }

    /// It dies, wherever it stands.
    pub async fn crash(&mut self) {
        if let Some((task, _)) = self.life.take() {
            task.abort();
            self.desks.set(self.number, None);
            self.leads.store(false, Ordering::Relaxed);
            sleep(Duration::from_millis(1)).await;
        }
    }

    /// It is told to stop.
    pub fn stop(&mut self) {
        if let Some((_, cancel)) = &self.life {
            cancel.cancel();
        }
    }

    /// Whether it believes that it leads.
    pub fn leads(&self) -> bool {
        self.leads.load(Ordering::Relaxed)
    }
}

struct Office {
    id: String,
    number: usize,
    desks: Desks,
    trace: Trace,
    leads: Arc<AtomicBool>,
}

/// A master that dies with the task that holds it.
struct Alive(Option<Core>);

impl Drop for Alive {
    fn drop(&mut self) {
        if let Some(core) = &self.0 {
            core.abort();
        }
    }
}

impl Office {
    async fn hold(self, parts: CoreParts, intake: Intake, cancel: CancellationToken) {
        let core = match Core::start(parts, cancel.clone()).await {
            Ok(core) => core,
            Err(error) => return self.trace.tell(&self.id, format_args!("not started: {error}")),
        };
        let mut leading = core.leading.clone();
        let mut alive = Alive(Some(core));
        self.desks.set(self.number, Some(intake));
        while !cancel.is_cancelled() {
            tokio::select! {
                biased;
                () = cancel.cancelled() => {}
                _ = leading.changed() => {
                    let is_leading = leading.borrow_and_update().is_some();
                    self.leads.store(is_leading, Ordering::Relaxed);
                    self.trace.tell(&self.id, format_args!("{}", if is_leading { "leads" } else { "does not lead" }));
                }
            }
        }
        self.desks.set(self.number, None);
        self.leads.store(false, Ordering::Relaxed);
        if let Some(core) = alive.0.take() {
            core.stopped().await;
        }
        self.trace.tell(&self.id, format_args!("stopped"));
    }
}

/// Hears what this master records. Ends with its intake.
async fn listen(mut live: broadcast::Receiver<Live>, id: String, trace: Trace, ever_lost: EverLost) {
    loop {
        let run = match live.recv().await {
            Ok(Live::Run(run)) => run,
            Ok(Live::Output(_)) => continue,
            Err(RecvError::Lagged(_)) => {
                trace.broken(format!("{id} records faster than anybody listens"));
                continue;
            }
            Err(RecvError::Closed) => return,
        };
        if run.state.is_end() {
            trace.tell(
                &id,
                format_args!(
                    "recorded {} {} {} {:?} #{} {} {}",
                    run.id, run.job, run.scheduled_at, run.slot, run.attempt, run.state, run.reason
                ),
            );
        }
        if run.state == State::Lost {
            ever_lost
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(run.id);
        }
    }
}
