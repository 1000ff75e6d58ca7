//! Hosts with an agent: what survives the agent's death, and its lives.

use std::{sync::Arc, time::Duration};

use agent::{
    Agent, AgentParts, Settings,
    identity::Identity,
    parts::{Launch, SpoolError, Starter},
    pretend::Pretend,
    spool::Memory,
};
use shared::{
    host::Host,
    id::NodeId,
    store::embedded::{Client, Embedded},
    target::Labels,
    time::Time,
};
use tokio::{sync::mpsc, task::JoinHandle, time::sleep};
use tokio_util::sync::CancellationToken;

use super::{
    chance::{self, WallClock},
    jobs::Jobs,
    post::Post,
    starter::Watched,
    trace::Trace,
    wire::{Registered, Wire},
};

/// From when to when something held; `None`: it still does.
pub type Spell = (Duration, Option<Duration>);

/// A host.
pub struct AgentHost {
    pub id: NodeId,
    pub clock: Arc<WallClock>,
    pub client: Client,
    pub processes: Pretend,
    pub post: Post,
    pub spool: Memory,
    host: Host,
    jobs: Arc<Jobs>,
    store: Embedded,
    trace: Trace,
    since: Time,
    life: Life,
    /// Of each of its agents, one after another.
    wires: Vec<Arc<Wire>>,
    /// When an agent was there and meant to be.
    pub up: Vec<Spell>,
    /// When the disk took nothing.
    pub full: Vec<Spell>,
    /// By how much the clock was off, from when.
    pub offsets: Vec<(Duration, i64)>,
}

enum Life {
    Down,
    Up(Agent, CancellationToken),
    /// It was told to stop, and takes its time.
    Stopping(JoinHandle<()>),
}

impl AgentHost {
    #[allow(clippy::too_many_arguments, reason = "each is a part of the world")]
    pub fn new(
        id: &str,
        seed: u64,
        clock: Arc<WallClock>,
        jobs: Arc<Jobs>,
        store: Embedded,
        post: Post,
        trace: Trace,
    ) -> AgentHost {
        let host = chance::host(&clock, seed, id);
        let (script, since) = (jobs.clone(), host.now());
        AgentHost {
            id: id.parse().unwrap(),
            offsets: vec![(Duration::ZERO, clock.offset_ms())],
            clock,
            client: store.client(),
            processes: Pretend::new(host.clone(), move |launch| script.script(launch)),
            post,
            spool: Memory::default(),
            host,
            jobs,
            store,
            trace,
            since,
            life: Life::Down,
            wires: Vec::new(),
            up: Vec::new(),
            full: Vec::new(),
        }
    }

    /// An agent begins, unless there is one.
    pub async fn start(&mut self) {
        if let Life::Up(..) = self.life {
            return;
        }
        self.end().await;
        let wire = Arc::new(Wire::new(
            self.client.clone(),
            self.id.as_str(),
            self.trace.clone(),
        ));
        self.wires.push(wire.clone());
        let starter = self.starter(wire.clone());
        let parts = AgentParts {
            identity: Identity {
                id: self.id.clone(),
                token: format!("secret of {}", self.id),
                since: self.since,
            },
            name: None,
            labels: Labels::new(),
            capacity: 100,
            timeout_max: None,
            address: None,
            settings: Settings {
                stop_timeout: Duration::from_secs(8),
                ..Settings::default()
            },
            store: wire,
            host: self.host.clone(),
            spool: Arc::new(self.spool.clone()),
            starter: Arc::new(starter),
            link: Arc::new(self.post.clone()),
        };
        let cancel = CancellationToken::new();
        self.life = Life::Up(Agent::start(parts, cancel.clone()), cancel);
        self.up.push((self.trace.elapsed(), None));
    }

    fn starter(&self, wire: Arc<Wire>) -> Watched {
        Watched {
            node: self.id.clone(),
            processes: self.processes.clone(),
            jobs: self.jobs.clone(),
            wire,
            store: self.store.clone(),
            trace: self.trace.clone(),
        }
    }

    /// Starts a process as an agent would that never had a lease.
    pub async fn start_without_lease(&self, launch: Launch) {
        let wire = Wire::new(self.client.clone(), self.id.as_str(), self.trace.clone());
        let (events, _) = mpsc::channel(1);
        let _ = self.starter(Arc::new(wire)).start(launch, events).await;
    }

    /// It dies, wherever it stands. Its processes live on.
    pub async fn crash(&mut self) {
        self.end().await;
    }

    async fn end(&mut self) {
        match std::mem::replace(&mut self.life, Life::Down) {
            Life::Down => return,
            Life::Up(agent, _) => drop(agent),
            Life::Stopping(task) => task.abort(),
        }
        self.is_down();
        // Its tasks end one after another, before anything else happens.
        sleep(Duration::from_millis(1)).await;
    }

    /// It is told to stop.
    pub fn stop(&mut self) {
        if let Life::Up(agent, cancel) = std::mem::replace(&mut self.life, Life::Down) {
            cancel.cancel();
            self.is_down();
            let (trace, id) = (self.trace.clone(), self.id.clone());
            self.life = Life::Stopping(tokio::spawn(async move {
                let ended = agent.wait().await;
                trace.tell(id.as_str(), format_args!("stopped: {ended:?}"));
            }));
        }
    }

    fn is_down(&mut self) {
        let now = self.trace.elapsed();
        if let Some((_, until @ None)) = self.up.last_mut() {
            *until = Some(now);
        }
    }

    /// An agent that has ended by itself is a bug.
    pub fn check(&self) {
        if let Life::Up(agent, _) = &self.life
            && agent.is_finished()
        {
            self.trace
                .broken(format!("{}'s agent has ended by itself", self.id));
        }
    }

    /// When leases of its agents lapsed while the agent was there.
    pub fn lapses(&self) -> Vec<Duration> {
        let mut all = Vec::new();
        for (wire, (from, until)) in self.wires.iter().zip(&self.up) {
            let lapses = wire.lapses().into_iter().map(|at| at - self.trace.begin());
            all.extend(lapses.filter(|at| from <= at && until.is_none_or(|until| *at < until)));
        }
        all
    }

    /// Of each of its agents: from when to when it was there, and how it was registered.
    pub fn lives(&self) -> impl Iterator<Item = (Spell, Vec<Registered>)> {
        let registrations = self.wires.iter().map(|wire| wire.registrations());
        self.up.iter().copied().zip(registrations)
    }

    /// From now on the clock is off by so much.
    pub fn set_clock(&mut self, offset_ms: i64) {
        self.clock.set_offset(offset_ms);
        self.offsets.push((self.trace.elapsed(), offset_ms));
    }

    /// The disk takes nothing more, or does again.
    pub fn fill_disk(&mut self, is_full: bool) {
        let now = self.trace.elapsed();
        match self.full.last_mut() {
            Some((_, until @ None)) if !is_full => *until = Some(now),
            Some((_, None)) => {}
            _ if is_full => self.full.push((now, None)),
            _ => {}
        }
        self.spool.fail_with(is_full.then_some(SpoolError::DiskFull));
    }
}
