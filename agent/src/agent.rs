//! An agent as a whole: which loops there are, and in which order they stop.

use std::{collections::HashSet, sync::Arc, time::Duration};

use anyhow::Context;
use shared::{host::Host, node::Node, report::Health, store::DynStore, target::Labels};
use tokio::{
    sync::{mpsc, watch},
    task::{JoinHandle, JoinSet},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::{
    claim::Claims,
    config::Settings,
    firing::Firing,
    identity::{Fence, Identity, RegisterError, Registered, announce_leaving, keep_registered},
    inbox::{self, Inbox, Owned},
    orders::Orders,
    outbox::Outbox,
    parts::{Link, Spool, Spooled, Starter},
    runner::{Counts, EVENTS_MAX, Event, Recorder, Runner, recover},
    unreported::Unreported,
};

/// How long the store may take to be told that the node leaves, or is gone.
const GOODBYE: Duration = Duration::from_secs(3);
/// How long the disk may take for the last records.
const DRAIN: Duration = Duration::from_secs(5);

/// What an agent is made of. All values, so that a test can run it on pretended ones.
pub struct AgentParts {
    pub identity: Identity,
    /// The name people see; the node's id unless given.
    pub name: Option<String>,
    pub labels: Labels,
    pub capacity: u32,
    /// The longest that this host lets a run take, whatever its job says.
    pub timeout_max: Option<Duration>,
    pub address: Option<String>,
    pub settings: Settings,
    pub store: DynStore,
    pub host: Host,
    pub spool: Arc<dyn Spool>,
    pub starter: Arc<dyn Starter>,
    pub link: Arc<dyn Link>,
}

/// A running agent. Dropping it ends it as a crash does: at once, with nothing tidied up.
pub struct Agent {
    task: JoinHandle<anyhow::Result<()>>,
    counts: watch::Receiver<Counts>,
    slots: watch::Receiver<usize>,
    fence: Fence,
}

impl Agent {
    /// Starts an agent; it stops cleanly on `cancel`. Needs a tokio runtime.
    pub fn start(parts: AgentParts, cancel: CancellationToken) -> Agent {
        let (registered, fence) = Registered::new();
        let (counts_tx, counts) = watch::channel(Counts::default());
        let (slots_tx, slots) = watch::channel(0);
        let running = Running {
            parts,
            registered,
            fence: fence.clone(),
            counts: counts_tx,
            slots: slots_tx,
        };
        Agent {
            task: tokio::spawn(running.run(cancel)),
            counts,
            slots,
            fence,
        }
    }

    /// Returns when the agent has stopped: cleanly, or because it cannot go on.
    pub async fn wait(mut self) -> anyhow::Result<()> {
        (&mut self.task).await.context("the agent panicked")?
    }

    /// How many runs there are.
    pub fn counts(&self) -> Counts {
        *self.counts.borrow()
    }

    /// How many assignments the node has.
    pub fn slots(&self) -> usize {
        *self.slots.borrow()
    }

    /// Whether the node is registered, now.
    pub fn is_registered(&self) -> bool {
        self.fence.epoch().is_some()
    }

    pub fn is_finished(&self) -> bool {
        self.task.is_finished()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Running {
    parts: AgentParts,
    registered: Registered,
    fence: Fence,
    counts: watch::Sender<Counts>,
    slots: watch::Sender<usize>,
}

impl Running {
    async fn run(self, cancel: CancellationToken) -> anyhow::Result<()> {
        let Running {
            parts,
            registered,
            fence,
            counts,
            slots,
        } = self;
        let (counts_rx, slots_rx) = (counts.subscribe(), slots.subscribe());
        let AgentParts {
            identity,
            host,
            store,
            starter,
            settings,
            ..
        } = &parts;
        let boot = host.token();
        let node = node(&parts, boot.clone());
        let spool = Arc::new(Unreported::new(parts.spool.clone()));
        let Spooled {
            runs,
            cursors,
            assignments,
        } = spool.load().await.context("reading the spool")?;
        let recorder = Recorder::new(spool.clone(), starter.clone(), host.clone());
        let (events, events_rx) = mpsc::channel(EVENTS_MAX);

        let runner = Runner {
            node: identity.id.clone(),
            capacity: parts.capacity,
            timeout_max: parts.timeout_max,
            lease: settings.lease,
            host: host.clone(),
            store: store.clone(),
            spool: spool.clone(),
            starter: starter.clone(),
            recorder: recorder.clone(),
            fence: fence.clone(),
            events: events.clone(),
        };
        let claims = Claims {
            node: identity.id.clone(),
            store: store.clone(),
            spool: spool.clone(),
            host: host.clone(),
            fence: fence.clone(),
            recorder: recorder.clone(),
            events: events.clone(),
            lead: settings.lead,
        };
        let orders = Orders {
            node: identity.id.clone(),
            host: host.clone(),
            store: store.clone(),
            spool: spool.clone(),
            recorder: recorder.clone(),
            fence: fence.clone(),
            events: events.clone(),
            known: runs.iter().map(|run| run.run.id).collect::<HashSet<_>>(),
            untold: Default::default(),
            listed_at: None,
        };
        let (crowded_tx, crowded) = watch::channel(Arc::default());
        let inbox = Inbox::new(store, identity.id.clone(), parts.labels.clone(), assignments);
        let (owned_tx, owned) = watch::channel(Arc::new(inbox.owned(&Owned::default())));

        // The runner first: what the others find goes to it. Whatever else ends, ends with
        // the agent.
        let mut loops = JoinSet::new();
        let gone = CancellationToken::new();
        let registration = tokio::spawn(keep_registered(
            store.clone(),
            host.clone(),
            node.clone(),
            identity.token_sha256(),
            registered,
            gone.clone(),
        ));
        let mut registration = Ended(registration);
        let mut running = Ended(tokio::spawn(runner.clone().run(events_rx, counts, crowded_tx)));
        let stop = cancel.child_token();
        let stop_orders = stop.clone();
        loops.spawn(tell_registrations(fence.clone(), events.clone()));
        loops.spawn({
            let (recorder, events) = (recorder.clone(), events.clone());
            async move { recorder.run(events).await }
        });
        // What was prepared for a job that has been paused since is not to start.
        let paused = owned.borrow().paused();
        let _ = events.send(Event::Paused(paused)).await;
        loops.spawn(recover(runner, runs));
        loops.spawn({
            let spool: Arc<dyn Spool> = spool.clone();
            inbox.run(owned_tx, spool)
        });
        let mirror = inbox::orders(store.clone(), &identity.id);
        loops.spawn(async move {
            tokio::select! {
                biased;
                () = stop_orders.cancelled() => {}
                () = orders.run(mirror) => {}
            }
        });
        let firing = Firing::new(claims, owned, crowded, identity.since, cursors);
        let mut firing = Ended(tokio::spawn(firing.run(slots, stop.clone())));
        let flush = CancellationToken::new();
        let health = {
            let (counts, slots) = (counts_rx, slots_rx);
            move || {
                let counts = *counts.borrow();
                Health {
                    running: counts.running as u32,
                    queued: counts.queued as u32,
                    slots: *slots.borrow() as u32,
                    load_milli: load_milli(),
                    ..Health::default()
                }
            }
        };
        let outbox = Outbox {
            spool: spool.clone(),
            link: parts.link.clone(),
            host: host.clone(),
            node: identity.id.clone(),
            boot,
            health: Arc::new(health),
        };
        let mut outbox = Ended(tokio::spawn(outbox.run(spool.news.clone(), flush.clone())));

        let refused = tokio::select! {
            // First: what ends because of it is no bug.
            biased;
            () = cancel.cancelled() => None,
            ended = &mut registration.0 => match ended {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(error),
                Err(error) => return Err(error).context("the agent's registration failed: a bug"),
            },
            ended = &mut running.0 => return Err(bug(ended)).context("the agent's runner ended: a bug"),
            ended = &mut firing.0 => return Err(bug(ended)).context("the agent's ticker ended: a bug"),
            ended = &mut outbox.0 => return Err(bug(ended)).context("the agent's outbox ended: a bug"),
        };
        // Somebody else was this node before anything of this agent's began.
        if let Some(error @ RegisterError::Taken { .. }) = refused {
            return Err(error.into());
        }

        tracing::info!(node.id = %identity.id, "stopping: nothing new is claimed; what runs may finish");
        stop.cancel();
        let _ = (&mut firing.0).await;
        if let Some(registration) = fence.registration() {
            let _ = timeout(GOODBYE, announce_leaving(store, &node, &registration)).await;
        }
        let _ = events
            .send(Event::Stop {
                within: settings.stop_timeout,
            })
            .await;
        let _ = (&mut running.0).await;
        let _ = timeout(DRAIN, recorder.drained()).await;
        flush.cancel();
        let _ = timeout(settings.flush_timeout, &mut outbox.0).await;
        // First the loop that would register anew, then the lease.
        let last = fence.registration();
        gone.cancel();
        if refused.is_none() {
            let _ = (&mut registration.0).await;
        }
        if let Some(registration) = last {
            let _ = timeout(GOODBYE, registration.lease.revoke()).await;
        }
        refused.map_or(Ok(()), |error| Err(error.into()))
    }
}

/// A task that ends with its owner.
struct Ended<T>(JoinHandle<T>);

impl<T> Drop for Ended<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn bug<T>(ended: Result<T, tokio::task::JoinError>) -> anyhow::Error {
    match ended {
        Ok(_) => anyhow::anyhow!("it returned"),
        Err(error) => error.into(),
    }
}

fn node(parts: &AgentParts, boot: String) -> Node {
    Node {
        id: parts.identity.id.clone(),
        name: parts
            .name
            .clone()
            .unwrap_or_else(|| parts.identity.id.to_string()),
        boot,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        labels: parts.labels.clone(),
        capacity: parts.capacity,
        address: parts.address.clone(),
        started_at: parts.host.now(),
        lease_secs: u32::try_from(parts.settings.lease.as_secs())
            .unwrap_or(u32::MAX)
            .max(1),
        leaving: false,
    }
}

/// Tells the runner of each registration and of each one's end.
async fn tell_registrations(mut fence: Fence, events: mpsc::Sender<Event>) {
    while fence.changed().await {
        let event = match fence.registration() {
            Some(r) => Event::Registered {
                epoch: r.epoch,
                continues: r.continues,
            },
            None => Event::LeaseLost,
        };
        if events.send(event).await.is_err() {
            return;
        }
    }
}

/// The host's load over the last minute, in thousandths.
fn load_milli() -> u32 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = text.split(' ').next().and_then(|load| load.parse::<f64>().ok());
    load.map_or(0, |load| (load * 1000.0) as u32)
}
