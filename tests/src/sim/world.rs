//! The whole: put up, played through with its faults, healed, settled, looked at.

use std::{
    cell::Cell,
    panic,
    sync::{Arc, Once},
    time::Duration,
};

use master::history::MemoryHistory;
use shared::{
    keys,
    store::{Store, Txn, Write, embedded::Embedded},
    time::Time,
};
use tokio::time::{Instant, sleep, sleep_until};

use super::{
    agents::AgentHost,
    chance::{Chance, WallClock},
    check,
    faults::{self, Act},
    jobs::{HOUR, Jobs},
    masters::{EverLost, MasterHost},
    post::{Desks, Post},
    sabotage::{self, Sabotage},
    trace::Trace,
};

/// Before the hour of the fires.
const PRELUDE: Duration = Duration::from_secs(60);
/// Agents come first, then the jobs.
const JOBS_AT: Duration = Duration::from_secs(10);
/// How long what is owed may take once everything is healed: a living node that does not
/// know of a claim is believed after an hour (`master::lost::claimed`).
const SETTLED_WITHIN: Duration = Duration::from_secs(75 * 60);

/// What is to be played.
#[derive(Clone, Copy, Debug)]
pub struct Plot {
    pub seed: u64,
    /// Of fires; at most 60.
    pub minutes: u64,
    pub with_faults: bool,
    /// Done once all is settled.
    pub sabotage: Option<Sabotage>,
}

impl Plot {
    pub fn new(seed: u64, minutes: u64) -> Plot {
        Plot {
            seed,
            minutes,
            with_faults: true,
            sabotage: None,
        }
    }
}

/// What came of it.
pub struct Outcome {
    pub trace: String,
    /// Guarantees that did not hold; empty if all did.
    pub broken: Vec<String>,
    pub starts: usize,
    pub runs: usize,
    pub faults: usize,
}

/// All there is.
pub struct World {
    pub plot: Plot,
    pub trace: Trace,
    pub store: Embedded,
    pub history: Arc<MemoryHistory>,
    pub jobs: Arc<Jobs>,
    pub agents: Vec<AgentHost>,
    pub masters: Vec<MasterHost>,
    pub ever_lost: EverLost,
}

/// Plays it in this thread, on virtual time.
pub fn play(plot: Plot) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    count_panics();
    let mut outcome = runtime.block_on(async { World::new(plot).play().await });
    // Of a loop that is begun anew nobody else would tell.
    match PANICS.replace(0) {
        0 => {}
        panics => outcome.broken.push(format!("{panics} panics")),
    }
    outcome
}

thread_local! {
    static PANICS: Cell<u32> = const { Cell::new(0) };
}

/// From now on panics of each thread are counted, and told as before.
fn count_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            PANICS.set(PANICS.get() + 1);
            before(info);
        }));
    });
}

impl World {
    fn new(plot: Plot) -> World {
        let (begin, chance) = (Instant::now(), Chance::new(plot.seed, "world"));
        let hour: Time = HOUR.parse().unwrap();
        let base = hour - PRELUDE;
        let clock = || {
            let offset = if plot.with_faults {
                chance.below(3000) as i64 - 1500
            } else {
                0
            };
            WallClock::new(begin, base, offset)
        };
        let trace = Trace::new(begin);
        let (store, history) = (Embedded::memory(), Arc::new(MemoryHistory::new()));
        let (desks, ever_lost) = (Desks::new(2), EverLost::default());
        let jobs = Jobs::new(plot.seed, plot.minutes, base + JOBS_AT);
        let agents = ["a1", "a2", "a3"].map(|id| {
            let post = Post::new(desks.clone());
            AgentHost::new(
                id,
                plot.seed,
                clock(),
                jobs.clone(),
                store.clone(),
                post,
                trace.clone(),
            )
        });
        let masters = [0, 1].map(|number| {
            let (history, desks, ever_lost) = (history.clone(), desks.clone(), ever_lost.clone());
            MasterHost::new(
                number,
                plot.seed,
                clock(),
                &store,
                history,
                desks,
                ever_lost,
                trace.clone(),
            )
        });
        World {
            plot,
            trace,
            store,
            history,
            jobs,
            agents: agents.into(),
            masters: masters.into(),
            ever_lost,
        }
    }

    async fn play(mut self) -> Outcome {
        for master in &mut self.masters {
            master.start().await;
        }
        for agent in &mut self.agents {
            agent.start().await;
        }
        self.until(JOBS_AT).await;
        self.make_jobs().await;

        let end = PRELUDE + Duration::from_secs(self.plot.minutes * 60 + 5);
        let acts = match self.plot.with_faults {
            true => faults::draw(self.plot.seed, PRELUDE..end),
            false => Vec::new(),
        };
        let faults = acts.len();
        for (at, act) in acts {
            self.until(at).await;
            self.agents.iter().for_each(AgentHost::check);
            self.perform(act).await;
        }
        self.until(end).await;
        self.perform(Act::HealAll).await;
        self.settle().await;

        if let Some(sabotage) = self.plot.sabotage {
            sabotage::commit(&mut self, sabotage).await;
        }
        self.agents.iter().for_each(AgentHost::check);
        let (starts, runs) = check::everything(&self);
        let (trace, broken) = self.trace.take();
        Outcome {
            trace,
            broken,
            starts,
            runs,
            faults,
        }
    }

    async fn until(&self, at: Duration) {
        sleep_until(self.trace.begin() + at).await;
    }

    async fn make_jobs(&self) {
        let writes = self.jobs.iter().map(|(_, sim)| Write::Put {
            key: keys::job(&sim.job.spec.path()),
            value: serde_json::to_vec(&sim.job).unwrap(),
            lease: None,
        });
        let txn = Txn {
            compares: Vec::new(),
            writes: writes.collect(),
        };
        self.store.txn(txn).await.unwrap();
    }

    async fn perform(&mut self, act: Act) {
        self.trace.tell("**", format_args!("{act:?}"));
        faults::perform(self, act).await;
    }

    /// Waits until everything is explained.
    async fn settle(&self) {
        let begin = Instant::now();
        while begin.elapsed() < SETTLED_WITHIN {
            sleep(Duration::from_secs(10)).await;
            if check::is_settled(self).await {
                break;
            }
        }
        self.trace
            .tell("**", format_args!("settled after {:?}", begin.elapsed()));
    }
}
