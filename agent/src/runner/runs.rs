//! The runs of this node, and one pure step: what happens and what is to be done about it.
//!
//! A run's way: pending until its time, then (behind others of its slot, for capacity, or
//! for a registration) waiting, starting, running, stopping, ended. Runs of one slot (or
//! one every-node job) are a group, which the job's overlap rule is about.

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

/// Between looks at whether a claim stands while the store does not answer.
const VERIFY_AGAIN: Duration = Duration::from_secs(1);

/// More than a start takes on a busy node.
const BEGAN_LATE: Duration = Duration::from_millis(100);
/// How many missed fires of one job may wait, beside those that its queue holds, before
/// the rest is left unclaimed for now.
const CROWDED: usize = STARTS_MAX;

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
    pub fn new(node: NodeId, capacity: u32, timeout_max: Option<Duration>) -> Runs {
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
        [start, timer, stop].into_iter().flatten().min()
    }

    /// Takes an event; returns what is to be done, in order.
    pub fn step(&mut self, event: Event, now: Now) -> Vec<Action> {
        let mut out = Vec::new();
        match event {
            Event::Due(runs) => runs.into_iter().for_each(|run| self.add(run, now, &mut out)),
            Event::Adopted(run) => self.adopt(*run, now),
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

    fn adopt(&mut self, spooled: SpooledRun, now: Now) {
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

    /// Its time has come: may it go, must it wait, or is it not to be?
    fn admit(&mut self, run: RunId, now: Now, out: &mut Vec<Action>) {
        let Some(live) = self.live.get_mut(&run) else {
            return;
        };
        if let Some((state, reason)) = too_late(&live.spooled, now.wall) {
            return self.end(run, state, Some(reason), now, out);
        }
        if !live.may_start(now) {
            return self.hold(run, now, out);
        }
        if is_late(&live.spooled, now.wall) {
            (live.spooled.run.cause, live.spooled.order.cause) = (Cause::CatchUp, Cause::CatchUp);
        }
        let (key, overlap) = (group_of(&live.spooled), live.spooled.order.spec.overlap);
        let waits = waits_its_turn(&live.spooled) || self.is_catching_up(key);
        let group = self.groups.entry(key).or_default();
        let (going, queued) = (group.going.len(), group.queue.len());
        if going < overlap.limit as usize && queued == 0 {
            group.going.push(run);
            return self.ready(run, now, out);
        }
        let is_room = queued < overlap.queue as usize;
        match overlap.policy {
            OverlapPolicy::Queue if is_room => self.queue(run, key, out),
            OverlapPolicy::Replace if !waits => self.replace(run, key, now, out),
            _ if waits => self.queue(run, key, out),
            _ => {
                let reason = Reason::Overlap {
                    running: going as u32,
                    queued: queued as u32,
                };
                self.end(run, State::Skipped, Some(reason), now, out);
            }
        }
    }

    fn queue(&mut self, run: RunId, key: SlotKey, out: &mut Vec<Action>) {
        let max = CROWDED
            + self
                .live
                .get(&run)
                .map_or(0, |l| l.spooled.order.spec.overlap.queue as usize);
        let group = self.groups.entry(key).or_default();
        group.queue.push_back(run);
        if group.queue.len() >= max {
            self.crowded.insert(key);
        }
        self.wait_as(run, Phase::Turn, out);
    }

    fn wait_as(&mut self, run: RunId, phase: Phase, out: &mut Vec<Action>) {
        let Some(live) = self.live.get_mut(&run) else {
            return;
        };
        live.phase = phase;
        if live.spooled.run.state != State::Queued {
            live.spooled.run.state = State::Queued;
            out.push(Action::Record(Box::new(live.spooled.clone())));
        }
    }

    /// The oldest runs make room; fires that wait to do the same are not started any more.
    fn replace(&mut self, run: RunId, key: SlotKey, now: Now, out: &mut Vec<Action>) {
        self.queue(run, key, out);
        let Some(group) = self.groups.get(&key) else {
            return;
        };
        let queued: Vec<RunId> = group.queue.iter().copied().filter(|r| *r != run).collect();
        for other in queued {
            if self.live.get(&other).is_some_and(|l| !waits_its_turn(&l.spooled)) {
                self.end(other, State::Skipped, Some(Reason::Replaced), now, out);
            }
        }
        let Some(group) = self.groups.get(&key) else {
            return;
        };
        let is_stopping = |r: &RunId| self.live.get(r).is_some_and(|l| l.phase.is_stopping());
        if group.queue.contains(&run)
            && !group.going.iter().any(is_stopping)
            && let Some(oldest) = group.going.first().copied()
        {
            self.stop_run(oldest, Stop::killed(Reason::Replaced), now, out);
        }
    }

    /// Whether missed fires of a job that wants each of them are going on or waiting, or
    /// fires that had to wait for those. The next ones wait behind them and are not
    /// skipped: they would not overlap by themselves.
    fn is_catching_up(&self, key: SlotKey) -> bool {
        let Some(group) = self.groups.get(&key) else {
            return false;
        };
        let mut going = group
            .going
            .iter()
            .filter_map(|run| self.live.get(run))
            .map(|live| &live.spooled);
        going.any(|s| {
            wants_each(s) && (!group.queue.is_empty() || s.run.cause == Cause::CatchUp || began_late(s))
        })
    }

    /// Its turn has come: it starts, if this node may start it and has the capacity.
    fn ready(&mut self, run: RunId, now: Now, out: &mut Vec<Action>) {
        let Some(live) = self.live.get_mut(&run) else {
            return;
        };
        if !live.may_start(now) {
            return self.hold(run, now, out);
        }
        if self.taken >= self.capacity {
            self.waiting.push_back(run);
            return self.wait_as(run, Phase::Capacity, out);
        }
        let launch = Box::new(launch(&live.spooled, &self.node));
        let output_bytes_max = live.spooled.order.spec.run.output.get();
        let epoch = live.spooled.order.slot.and(live.spooled.epoch);
        live.phase = Phase::Starting { then: None };
        self.taken += 1;
        out.push(Action::Start {
            launch,
            output_bytes_max,
            epoch,
        });
    }

    /// The registration that it was claimed under is gone: it waits for another, and then
    /// for the store to say whether its claim stands.
    fn hold(&mut self, run: RunId, now: Now, out: &mut Vec<Action>) {
        let Some(live) = self.live.get_mut(&run) else {
            return;
        };
        let order = &live.spooled.order;
        match (now.epoch, live.spooled.claim, order.slot) {
            (None, ..) => live.phase = Phase::Held { again_at: None },
            (Some(_), Some(claim), Some(slot)) => {
                let key = keys::assign_slot(&self.node, order.job, slot);
                live.phase = Phase::Verifying;
                out.push(Action::Verify { run, key, claim });
            }
            // An order: nothing in the store says any more that it is this node's.
            _ => self.end(run, State::Lost, Some(Reason::NodeGone), now, out),
        }
    }

    /// It was held: on from where it stood.
    fn resume(&mut self, run: RunId, now: Now, out: &mut Vec<Action>) {
        let Some(live) = self.live.get(&run) else { return };
        let group = self.groups.get(&group_of(&live.spooled));
        if group.is_some_and(|g| g.going.contains(&run)) {
            self.ready(run, now, out);
        } else {
            self.admit(run, now, out);
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
            (NotStarted::Fenced, Some(stop)) => self.end(run, stop.state, Some(stop.reason), now, out),
            (NotStarted::Fenced, None) => {
                live.phase = Phase::Held { again_at: None };
                self.taken -= 1;
                self.ready(run, now, out);
            }
        }
    }

    fn ended(
        &mut self,
        run: RunId,
        exit: Exit,
        usage: Usage,
        output: OutputSize,
        now: Now,
        out: &mut Vec<Action>,
    ) {
        let Some(live) = self.live.get_mut(&run) else {
            return;
        };
        let r = &mut live.spooled.run;
        (r.usage, r.output) = (usage, output);
        match exit {
            Exit::Code(code) => r.exit_code = Some(code),
            Exit::Signal(signal) => r.signal = Some(signal),
            Exit::Http(_) | Exit::Unknown => {}
        }
        let (state, reason) = match &live.phase {
            Phase::Stopping { why, .. } => (why.state, Some(why.reason.clone())),
            _ => outcome(&live.spooled, exit),
        };
        self.end(run, state, reason, now, out);
    }

    fn verified(&mut self, run: RunId, verdict: Verdict, now: Now, out: &mut Vec<Action>) {
        let Some(live) = self.live.get_mut(&run) else {
            return;
        };
        if !matches!(live.phase, Phase::Verifying) {
            return;
        }
        match verdict {
            Verdict::Stands(epoch) => {
                live.spooled.epoch = Some(epoch);
                self.resume(run, now, out);
            }
            Verdict::Gone => self.end(run, State::Lost, Some(Reason::NodeGone), now, out),
            Verdict::Unknown => {
                let again_at = now.mono + VERIFY_AGAIN;
                live.phase = Phase::Held {
                    again_at: Some(again_at),
                };
                self.timers.insert((again_at, run));
            }
        }
    }

    fn registered(&mut self, epoch: Revision, continues: Option<Revision>, now: Now, out: &mut Vec<Action>) {
        let mut held = Vec::new();
        for (run, live) in &mut self.live {
            // The key was never gone: nobody can have settled what it had claimed.
            if continues.is_some() && live.spooled.epoch == continues {
                live.spooled.epoch = Some(epoch);
            }
            if matches!(live.phase, Phase::Held { .. }) {
                held.push(*run);
            }
        }
        held.sort();
        for run in held {
            self.resume(run, now, out);
        }
    }

    /// Past the lease's deadline others may start these jobs: their processes die first.
    fn isolate(&mut self, now: Now, out: &mut Vec<Action>) {
        let isolated = |live: &Live| {
            let order = &live.spooled.order;
            order.slot.is_some() && order.spec.isolation == Isolation::Kill && live.phase.takes_capacity()
        };
        let mut runs: Vec<RunId> = self
            .live
            .iter()
            .filter(|(_, l)| isolated(l))
            .map(|(run, _)| *run)
            .collect();
        runs.sort();
        for run in runs {
            self.stop_run(run, Stop::killed(Reason::Isolation), now, out);
        }
    }

    fn stop_run(&mut self, run: RunId, why: Stop, now: Now, out: &mut Vec<Action>) {
        let Some(live) = self.live.get_mut(&run) else {
            return;
        };
        match &mut live.phase {
            Phase::Starting { then } => *then = then.take().or(Some(why)),
            Phase::Running { .. } if why.is_at_once() => {
                live.phase = Phase::Stopping { why, kill_at: None };
                out.push(Action::Signal(run, Signal::Kill));
            }
            Phase::Running { .. } => {
                let kill_at = now.mono + live.spooled.order.spec.run.grace.get();
                live.phase = Phase::Stopping {
                    why,
                    kill_at: Some(kill_at),
                };
                self.timers.insert((kill_at, run));
                out.push(Action::Signal(run, Signal::Term));
            }
            Phase::Stopping { kill_at, .. } => {
                if why.is_at_once() && kill_at.take().is_some() {
                    out.push(Action::Signal(run, Signal::Kill));
                }
            }
            // Not started: nothing but the record is to be stopped.
            _ => self.end(run, why.state, Some(why.reason), now, out),
        }
    }

    /// A run's one end. What waited for it goes on.
    fn end(&mut self, run: RunId, state: State, reason: Option<Reason>, now: Now, out: &mut Vec<Action>) {
        let Some(live) = self.live.remove(&run) else {
            return;
        };
        let Live { mut spooled, phase } = live;
        self.starts.remove(&(spooled.order.not_before, run));
        if let Some(at) = phase.timer() {
            self.timers.remove(&(at, run));
        }
        if phase.takes_capacity() {
            self.taken -= 1;
        }
        if matches!(phase, Phase::Capacity) {
            self.waiting.retain(|r| *r != run);
        }
        let key = group_of(&spooled);

        spooled.process = None;
        let r = &mut spooled.run;
        (r.state, r.reason, r.finished_at) = (state, reason, Some(now.wall));
        let wait =
            fire::retry_after(&spooled.order.spec, state, r.attempt).filter(|_| self.stop_at.is_none());
        r.retry_at = wait.map(|wait| now.wall + wait);
        match wait.filter(|_| is_retried_here(&spooled)) {
            Some(wait) => self.retry(spooled, wait, now, out),
            None => out.push(Action::Record(Box::new(spooled))),
        }
        self.make_room(run, key, now, out);
    }

    fn retry(&mut self, ended: SpooledRun, wait: Duration, now: Now, out: &mut Vec<Action>) {
        let next = ended.next_attempt(now.wall + wait);
        let (run, until) = (next.run.id, now.mono + wait);
        let phase = Phase::Backoff {
            until,
            is_recorded: false,
        };
        self.timers.insert((until, run));
        self.live.insert(
            run,
            Live {
                spooled: next.clone(),
                phase,
            },
        );
        out.push(Action::RecordNext {
            ended: Box::new(ended),
            next: Box::new(next),
        });
    }

    /// The next of its group goes, and what waits for capacity.
    fn make_room(&mut self, run: RunId, key: SlotKey, now: Now, out: &mut Vec<Action>) {
        if let Some(group) = self.groups.get_mut(&key) {
            group.going.retain(|r| *r != run);
            group.queue.retain(|r| *r != run);
            if group.queue.len() < CROWDED {
                self.crowded.remove(&key);
            }
            self.next_turn(key, now, out);
        }
        while self.taken < self.capacity
            && let Some(run) = self.waiting.pop_front()
        {
            self.ready(run, now, out);
        }
    }

    fn next_turn(&mut self, key: SlotKey, now: Now, out: &mut Vec<Action>) {
        while let Some(group) = self.groups.get_mut(&key)
            && let Some(next) = group.queue.front().copied()
        {
            let limit = self
                .live
                .get(&next)
                .map_or(1, |l| l.spooled.order.spec.overlap.limit as usize);
            if group.going.len() >= limit {
                return;
            }
            group.queue.pop_front();
            group.going.push(next);
            self.ready(next, now, out);
        }
        if self
            .groups
            .get(&key)
            .is_some_and(|g| g.going.is_empty() && g.queue.is_empty())
        {
            self.groups.remove(&key);
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

    /// What would not end in the time that is left ends now; at its end, everything.
    fn stop(&mut self, now: Now, out: &mut Vec<Action>) {
        let Some(stop_at) = self.stop_at else { return };
        let left = stop_at.saturating_sub(now.mono);
        let is_to_stop = |live: &Live| match &live.phase {
            _ if left.is_zero() => !live.phase.is_stopping(),
            Phase::Pending => live.spooled.order.not_before > now.wall + left,
            Phase::Backoff { until, .. } => *until > stop_at,
            _ => false,
        };
        let mut runs: Vec<RunId> = self
            .live
            .iter()
            .filter(|(_, l)| is_to_stop(l))
            .map(|(run, _)| *run)
            .collect();
        runs.sort();
        for run in runs {
            self.stop_run(run, Stop::killed(Reason::AgentStopped), now, out);
        }
        if left.is_zero() {
            // Each has been told; nothing more happens at this instant.
            self.stop_at = Some(now.mono + Duration::from_secs(1));
        }
    }
}

impl Live {
    /// An exclusive run starts only while the registration holds that it was claimed
    /// under: without it, the leader may have given the slot to another node and settled
    /// what this one had claimed.
    fn may_start(&self, now: Now) -> bool {
        let is_every = self.spooled.order.slot.is_none();
        is_every || self.spooled.epoch.is_some() && self.spooled.epoch == now.epoch
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
            Phase::Running { timeout_at } => *timeout_at,
            Phase::Stopping { kill_at, .. } => *kill_at,
            _ => None,
        }
    }
}

impl SpooledRun {
    /// The next attempt at the same fire.
    fn next_attempt(&self, at: Time) -> SpooledRun {
        let mut next = self.clone();
        let attempt = self.run.attempt + 1;
        let cause = if self.run.state == State::Lost {
            Cause::Lost
        } else {
            Cause::Retry
        };
        (next.order.attempt, next.order.not_before, next.order.cause) = (attempt, at, cause);
        next.run = run_of(&next.order, &self.run.node, State::Queued);
        next
    }
}

fn group_of(spooled: &SpooledRun) -> SlotKey {
    SlotKey {
        job: spooled.order.job,
        slot: spooled.order.slot,
    }
}

/// A fire of a job that catches up, and that starts late enough to be called so.
fn is_late(spooled: &SpooledRun, now: Time) -> bool {
    let catches_up = spooled.order.spec.misfire.run != MisfireRun::None;
    let late = now.since(spooled.order.not_before);
    spooled.run.cause == Cause::Schedule && catches_up && late > GRACE_CAUGHT_UP
}

/// A fire of a job whose missed fires are all wanted.
fn wants_each(spooled: &SpooledRun) -> bool {
    spooled.order.spec.misfire.run == MisfireRun::All
}

/// A missed fire of such a job.
fn is_caught_up(spooled: &SpooledRun) -> bool {
    spooled.run.cause == Cause::CatchUp && wants_each(spooled)
}

/// It started later than an idle node would have started it.
fn began_late(spooled: &SpooledRun) -> bool {
    spooled
        .run
        .started_at
        .is_some_and(|at| at.since(spooled.order.not_before) > BEGAN_LATE)
}

/// A fire that is never skipped for overlap: each missed one is wanted, or it has been
/// begun before.
fn waits_its_turn(spooled: &SpooledRun) -> bool {
    is_caught_up(spooled) || matches!(spooled.run.cause, Cause::Retry | Cause::Lost)
}

/// The next attempt is this agent's own, unless the job asks for another node. Of a run
/// that was not this node's any more the leader orders the next attempt; it may have done
/// so already. (`master::lost::retry` decides the same.)
fn is_retried_here(spooled: &SpooledRun) -> bool {
    let order = &spooled.order;
    match (spooled.run.state, &spooled.run.reason) {
        (State::Lost, Some(Reason::NodeGone)) => order.slot.is_none(),
        (State::Lost, _) => true,
        _ => !order.spec.retry.elsewhere || order.slot.is_none(),
    }
}

/// What becomes of a fire that was claimed in time and could not start for so long.
fn too_late(spooled: &SpooledRun, now: Time) -> Option<(State, Reason)> {
    let order = &spooled.order;
    if !matches!(spooled.run.cause, Cause::Schedule | Cause::CatchUp) {
        return None;
    }
    let (late, misfire) = (Span::from(now.since(order.not_before)), order.spec.misfire);
    if late.get() <= GRACE || spooled.run.cause == Cause::CatchUp && late.get() <= misfire.within.get() {
        None
    } else if misfire.run == MisfireRun::None {
        Some((State::Missed, Reason::NotCaughtUp { late }))
    } else if late > misfire.within {
        Some((
            State::Missed,
            Reason::TooLate {
                late,
                within: misfire.within,
            },
        ))
    } else {
        None
    }
}

/// What an exit means.
fn outcome(spooled: &SpooledRun, exit: Exit) -> (State, Option<Reason>) {
    let spec = &spooled.order.spec.run;
    match exit {
        Exit::Code(code) if spec.succeeded(code) => (State::Succeeded, None),
        Exit::Code(status) if matches!(spec.action, JobAction::Http(_)) => (
            State::Failed,
            Some(Reason::Http {
                error: format!("the answer's status is {status}"),
            }),
        ),
        Exit::Code(exit_code) => (State::Failed, Some(Reason::ExitCode { exit_code })),
        Exit::Signal(signal) => (State::Failed, Some(Reason::Signal { signal })),
        Exit::Http(error) => (State::Failed, Some(Reason::Http { error })),
        Exit::Unknown => (State::Lost, Some(Reason::Vanished)),
    }
}

#[cfg(test)]
mod tests;
