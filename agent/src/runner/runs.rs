//! The runs of this node, and one pure step: what happens and what is to be done about it.
//!
//! A run's way: pending until its time, then (behind others of its slot, for capacity, or
//! for a registration) waiting, starting, running, stopping, ended. Runs of one slot (or
//! one every-node job) are a group, which the job's overlap rule is about.

mod turn;
mod unmarked;
mod isolation;
mod ending;

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    time::Duration,
};

use shared::{
    Revision,
    fire::{self, GRACE, GRACE_CAUGHT_UP, STARTS_MAX},
    id::{NodeId, RunId},
    job::{Action as JobAction, Isolation, MisfireRun, OverlapPolicy},
    keys,
    report::{OutputSize, Usage},
    run::{Cause, Reason, State},
    time::Time,
    units::Span,
};

use super::{
    event::{Action, Event, NotStarted, Now, Stop, Verdict},
    launch::{launch, run_of},
};
use crate::{
    inbox::SlotKey,
    parts::{Exit, ProcessId, Signal, SpooledRun},
};

/// All runs that have not ended.
pub struct Runs {
    node: NodeId,
    capacity: usize,
    /// The host's own limit, whatever jobs say.
    timeout_max: Option<Duration>,
    live: HashMap<RunId, Live>,
    groups: HashMap<SlotKey, Group>,
    /// Pending runs by when they start.
    starts: BTreeSet<(Time, RunId)>,
    /// What happens next to a run, by monotonic time.
    timers: BTreeSet<(Duration, RunId)>,
    /// Due, and waiting for capacity.
    waiting: VecDeque<RunId>,
    /// How many take up capacity.
    taken: usize,
    /// Groups with so many waiting that no more should come.
    crowded: BTreeSet<SlotKey>,
    /// Once the agent stops: until when runs may finish.
    stop_at: Option<Duration>,
    /// Nothing that was prepared for these starts.
    paused: BTreeSet<SlotKey>,
    /// The registration as it was last told of, and which one it continues.
    registered: Option<(Revision, Option<Revision>)>,
    /// Processes that were taken over, whose job wants to be alone, and of which nobody
    /// knows whether their registration still holds.
    doubtful: BTreeSet<RunId>,
    /// After this it certainly does not.
    lease: Duration,
}

/// A run that has not ended.
struct Live {
    spooled: SpooledRun,
    phase: Phase,
}

#[derive(Clone, Debug)]
enum Phase {
    /// Until its time by the wall clock.
    Pending,
    /// Between attempts; it starts only once the spool has it.
    Backoff {
        until: Duration,
        is_recorded: bool,
    },
    /// Behind other runs of its group.
    Turn,
    /// For capacity.
    Capacity,
    /// For a registration under which it may start; or for the store to answer.
    Held {
        again_at: Option<Duration>,
    },
    /// For the store to say whether its claim stands.
    Verifying,
    /// For the spool's disk to have room for the sign of its start.
    Unmarked {
        again_at: Duration,
        error: String,
    },
    Starting {
        then: Option<Stop>,
    },
    Running {
        timeout_at: Option<Duration>,
    },
    Stopping {
        why: Stop,
        kill_at: Option<Duration>,
    },
}

/// Runs of one slot, or of one every-node job.
#[derive(Default)]
struct Group {
    /// Their turn has come: they run, or wait for nothing but capacity or a registration.
    going: Vec<RunId>,
    queue: VecDeque<RunId>,
}

/// How many runs there are, for the node's page and the metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub running: usize,
    /// Due, and waiting for something.
    pub queued: usize,
    pub pending: usize,
}

impl Runs {
    pub fn new(node: NodeId, capacity: u32, timeout_max: Option<Duration>, lease: Duration) -> Runs {
        Runs {
            node,
            capacity: capacity.max(1) as usize,
            timeout_max,
            live: HashMap::new(),
            groups: HashMap::new(),
            starts: BTreeSet::new(),
            timers: BTreeSet::new(),
            waiting: VecDeque::new(),
            taken: 0,
            crowded: BTreeSet::new(),
            stop_at: None,
            paused: BTreeSet::new(),
            registered: None,
            doubtful: BTreeSet::new(),
            lease,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.live.is_empty()
    }

    pub fn counts(&self) -> Counts {
        let pending = self.starts.len();
        Counts {
            running: self.taken,
            queued: self.live.len() - self.taken - pending,
            pending,
        }
    }

    /// Slots whose missed fires wait in such numbers that no more should be claimed yet.
    pub fn crowded(&self) -> &BTreeSet<SlotKey> {
        &self.crowded
    }

    /// How long until something is to be done without an event.
    pub fn wait(&self, now: Now) -> Option<Duration> {
        let start = self.starts.first().map(|(at, _)| at.since(now.wall));
        let timer = self.timers.first().map(|(at, _)| at.saturating_sub(now.mono));
        let stop = self
            .stop_at
            .map(|at| at.saturating_sub(now.mono))
            .filter(|_| !self.live.is_empty());
        let doubt = self.lease.saturating_sub(now.mono);
        let doubt = Some(doubt).filter(|_| !self.doubtful.is_empty());
        [start, timer, stop, doubt].into_iter().flatten().min()
    }

    /// Takes an event; returns what is to be done, in order.
    pub fn step(&mut self, event: Event, now: Now) -> Vec<Action> {
        let mut out = Vec::new();
        match event {
            Event::Due(runs) => runs.into_iter().for_each(|run| self.add(run, now, &mut out)),
            Event::Adopted(run) => self.adopt(*run, now, &mut out),
            Event::Vanished(run) => self.vanished(*run, now, &mut out),
            Event::Recorded(run) => self.recorded(run, now, &mut out),
            Event::Started { run, at, process } => self.started(run, at, process, now, &mut out),
            Event::NotStarted { run, why } => self.not_started(run, why, now, &mut out),
            Event::Ended {
                run,
                exit,
                usage,
                output,
            } => self.ended(run, exit, usage, output, now, &mut out),
            Event::Verified { run, verdict } => self.verified(run, verdict, now, &mut out),
            Event::Registered { epoch, continues } => self.registered(epoch, continues, now, &mut out),
            Event::Paused(paused) => self.paused = paused,
            Event::LeaseLost => self.isolate(now, &mut out),
            Event::Kill { run, by, reason } => {
                self.stop_run(run, Stop::killed(Reason::KilledBy { by, reason }), now, &mut out);
            }
            Event::Stop { within } => self.stop_at = Some(now.mono + within),
            Event::Tick => {}
        }
        self.tick(now, &mut out);
        out
    }

    /// A run is told once: what is known already (an order that is listed again) changes
    /// nothing.
    fn add(&mut self, spooled: SpooledRun, now: Now, out: &mut Vec<Action>) {
        let run = spooled.run.id;
        if self.live.contains_key(&run) || spooled.run.state.is_end() {
            return;
        }
        let start_at = spooled.order.not_before;
        self.live.insert(
            run,
            Live {
                spooled,
                phase: Phase::Pending,
            },
        );
        if start_at > now.wall {
            self.starts.insert((start_at, run));
        } else {
            self.admit(run, now, out);
        }
    }

    fn adopt(&mut self, spooled: SpooledRun, now: Now, out: &mut Vec<Action>) {
        let run = spooled.run.id;
        let ran = spooled
            .run
            .started_at
            .map(|at| now.wall.since(at))
            .unwrap_or_default();
        let timeout_at = self
            .timeout(&spooled)
            .map(|t| now.mono + t.get().saturating_sub(ran));
        self.timers.extend(timeout_at.map(|at| (at, run)));
        self.groups.entry(group_of(&spooled)).or_default().going.push(run);
        self.taken += 1;
        self.live.insert(
            run,
            Live {
                spooled,
                phase: Phase::Running { timeout_at },
            },
        );
        self.adopt_isolated(run, now, out);
    }

    fn vanished(&mut self, spooled: SpooledRun, now: Now, out: &mut Vec<Action>) {
        let run = spooled.run.id;
        self.live.insert(
            run,
            Live {
                spooled,
                phase: Phase::Pending,
            },
        );
        self.end(run, State::Lost, Some(Reason::Vanished), now, out);
    }

    fn recorded(&mut self, run: RunId, now: Now, out: &mut Vec<Action>) {
        let Some(live) = self.live.get_mut(&run) else {
            return;
        };
        if let Phase::Backoff { until, is_recorded } = &mut live.phase {
            *is_recorded = true;
            if *until <= now.mono {
                self.admit(run, now, out);
            }
        }
    }

    fn timeout(&self, spooled: &SpooledRun) -> Option<Span> {
        let host = self.timeout_max.map(Span::from);
        [spooled.order.spec.run.timeout, host].into_iter().flatten().min()
    }

    fn started(&mut self, run: RunId, at: Time, process: Option<ProcessId>, now: Now, out: &mut Vec<Action>) {
        let timeout = self.live.get(&run).and_then(|live| self.timeout(&live.spooled));
        let Some(live) = self.live.get_mut(&run) else {
            return;
        };
        let Phase::Starting { then } = &mut live.phase else {
            return;
        };
        let then = then.take();
        live.spooled.run.state = State::Running;
        live.spooled.run.started_at = Some(at);
        live.spooled.process = process;
        let timeout_at = timeout.map(|t| now.mono + t.get());
        live.phase = Phase::Running { timeout_at };
        self.timers.extend(timeout_at.map(|at| (at, run)));
        out.push(Action::Record(Box::new(live.spooled.clone())));
        if let Some(why) = then {
            self.stop_run(run, why, now, out);
        }
    }

    fn not_started(&mut self, run: RunId, why: NotStarted, now: Now, out: &mut Vec<Action>) {
        let Some(live) = self.live.get_mut(&run) else {
            return;
        };
        let Phase::Starting { then } = live.phase.clone() else {
            return;
        };
        match (why, then) {
            (NotStarted::Rejected(rule), _) => {
                self.end(run, State::Rejected, Some(Reason::Policy { rule }), now, out);
            }
            (NotStarted::Failed(error), _) => {
                self.end(run, State::Failed, Some(Reason::CannotStart { error }), now, out);
            }
            (NotStarted::Unmarked(_) | NotStarted::Fenced, Some(stop)) => {
                self.end(run, stop.state, Some(stop.reason), now, out)
            }
            (NotStarted::Fenced, None) => {
                live.phase = Phase::Held { again_at: None };
                self.taken -= 1;
                self.ready(run, now, out);
            }
            (NotStarted::Unmarked(error), None) => self.unmarked(run, error, now, out),
        }
    }

    /// What is due by the clocks.
    fn tick(&mut self, now: Now, out: &mut Vec<Action>) {
        while let Some((at, run)) = self.starts.first().copied()
            && at <= now.wall
        {
            self.starts.pop_first();
            self.admit(run, now, out);
        }
        while let Some((at, run)) = self.timers.first().copied()
            && at <= now.mono
        {
            self.timers.pop_first();
            self.timer(run, at, now, out);
        }
        if now.mono >= self.lease {
            self.isolate_doubtful(now, out);
        }
        if self.stop_at.is_some() {
            self.stop(now, out);
        }
    }

    fn timer(&mut self, run: RunId, at: Duration, now: Now, out: &mut Vec<Action>) {
        let timeout = self.live.get(&run).and_then(|live| self.timeout(&live.spooled));
        let Some(live) = self.live.get_mut(&run) else {
            return;
        };
        match &mut live.phase {
            Phase::Backoff {
                is_recorded: true, ..
            } => self.admit(run, now, out),
            Phase::Held {
                again_at: Some(again),
            } if *again == at => self.ready(run, now, out),
            Phase::Unmarked { again_at, .. } if *again_at == at => self.mark_again(run, now, out),
            Phase::Running {
                timeout_at: Some(timeout_at),
            } if *timeout_at == at => {
                let timeout = timeout.unwrap_or_default();
                let why = Stop {
                    state: State::TimedOut,
                    reason: Reason::Timeout { timeout },
                };
                self.stop_run(run, why, now, out);
            }
            Phase::Stopping { kill_at, .. } if *kill_at == Some(at) => {
                *kill_at = None;
                out.push(Action::Signal(run, Signal::Kill));
            }
            _ => {}
        }
    }
}

impl Phase {
    fn is_stopping(&self) -> bool {
        matches!(self, Phase::Stopping { .. } | Phase::Starting { then: Some(_) })
    }

    fn takes_capacity(&self) -> bool {
        matches!(
            self,
            Phase::Starting { .. } | Phase::Running { .. } | Phase::Stopping { .. }
        )
    }

    fn timer(&self) -> Option<Duration> {
        match self {
            Phase::Backoff { until, .. } => Some(*until),
            Phase::Held { again_at } => *again_at,
            Phase::Unmarked { again_at, .. } => Some(*again_at),
            Phase::Running { timeout_at } => *timeout_at,
            Phase::Stopping { kill_at, .. } => *kill_at,
            _ => None,
        }
    }
}

fn group_of(spooled: &SpooledRun) -> SlotKey {
    SlotKey {
        job: spooled.order.job,
        slot: spooled.order.slot,
    }
}

#[cfg(test)]
mod tests;
