//! May a run start now, or does it wait: for its turn, for capacity, for a registration?

use super::*;

/// Between looks at whether a claim stands while the store does not answer.
const VERIFY_AGAIN: Duration = Duration::from_secs(1);

/// More than a start takes on a busy node.
const BEGAN_LATE: Duration = Duration::from_millis(100);

/// How many missed fires of one job may wait, beside those that its queue holds, before
/// the rest is left unclaimed for now.
const CROWDED: usize = STARTS_MAX;

impl Runs {
    /// Its time has come: may it go, must it wait, or is it not to be?
    pub(super) fn admit(&mut self, run: RunId, now: Now, out: &mut Vec<Action>) {
        let Some(live) = self.live.get_mut(&run) else {
            return;
        };
        if let Some((state, reason)) = too_late(&live.spooled, now.wall) {
            return self.end(run, state, Some(reason), now, out);
        }
        if live.is_own() && self.paused.contains(&group_of(&live.spooled)) {
            return self.end(run, State::Skipped, Some(Reason::Paused), now, out);
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

    pub(super) fn queue(&mut self, run: RunId, key: SlotKey, out: &mut Vec<Action>) {
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

    pub(super) fn wait_as(&mut self, run: RunId, phase: Phase, out: &mut Vec<Action>) {
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
    pub(super) fn replace(&mut self, run: RunId, key: SlotKey, now: Now, out: &mut Vec<Action>) {
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
    pub(super) fn is_catching_up(&self, key: SlotKey) -> bool {
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
    pub(super) fn ready(&mut self, run: RunId, now: Now, out: &mut Vec<Action>) {
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
    pub(super) fn hold(&mut self, run: RunId, now: Now, out: &mut Vec<Action>) {
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
    pub(super) fn resume(&mut self, run: RunId, now: Now, out: &mut Vec<Action>) {
        let Some(live) = self.live.get(&run) else { return };
        let group = self.groups.get(&group_of(&live.spooled));
        if group.is_some_and(|g| g.going.contains(&run)) {
            self.ready(run, now, out);
        } else {
            self.admit(run, now, out);
        }
    }

    pub(super) fn verified(&mut self, run: RunId, verdict: Verdict, now: Now, out: &mut Vec<Action>) {
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

    pub(super) fn registered(
        &mut self,
        epoch: Revision,
        continues: Option<Revision>,
        now: Now,
        out: &mut Vec<Action>,
    ) {
        self.registered = Some((epoch, continues));
        self.settle_doubtful(now, out);
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

    /// The next of its group goes, and what waits for capacity.
    pub(super) fn make_room(&mut self, run: RunId, key: SlotKey, now: Now, out: &mut Vec<Action>) {
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

    pub(super) fn next_turn(&mut self, key: SlotKey, now: Now, out: &mut Vec<Action>) {
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

/// What becomes of a fire that was claimed in time and could not start for so long.
pub(super) fn too_late(spooled: &SpooledRun, now: Time) -> Option<(State, Reason)> {
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
