//! Runs that the spool has, and that could not leave the sign of their start: its disk is
//! full, or broken. Nothing starts that the next agent would not know of.
//!
//! What becomes of them is what becomes of a fire that nobody could start in time.

use super::{turn::too_late, *};

/// Between attempts.
const AGAIN: Duration = Duration::from_secs(1);

impl Runs {
    /// It did not start. It waits for the disk, unless its job wants it not so late.
    pub(super) fn unmarked(&mut self, run: RunId, error: String, now: Now, out: &mut Vec<Action>) {
        let Some(live) = self.live.get_mut(&run) else {
            return;
        };
        let key = group_of(&live.spooled);
        let is_own = live.is_own();
        let misfire = live.spooled.order.spec.misfire.run;
        if is_own && misfire == MisfireRun::None {
            return self.end(run, State::Missed, Some(Reason::Spool { error }), now, out);
        }
        let again_at = now.mono + AGAIN;
        live.phase = Phase::Unmarked { again_at, error };
        self.timers.insert((again_at, run));
        self.taken -= 1;
        if is_own && misfire == MisfireRun::Once {
            self.supersede_unmarked(key, now, out);
        }
        self.make_room(run, key, now, out);
    }

    /// Of several that wait for the disk the latest does for all.
    fn supersede_unmarked(&mut self, key: SlotKey, now: Now, out: &mut Vec<Action>) {
        let waits = |live: &Live| {
            matches!(live.phase, Phase::Unmarked { .. }) && live.is_own() && group_of(&live.spooled) == key
        };
        let waiting = self.live.iter().filter(|(_, live)| waits(live));
        let mut waiting: Vec<(Time, RunId)> = waiting
            .map(|(run, live)| (live.spooled.run.scheduled_at, *run))
            .collect();
        waiting.sort();
        waiting.pop();
        for (_, run) in waiting {
            self.end(run, State::Skipped, Some(Reason::Superseded), now, out);
        }
    }

    pub(super) fn mark_again(&mut self, run: RunId, now: Now, out: &mut Vec<Action>) {
        let Some(live) = self.live.get(&run) else { return };
        match &live.phase {
            // It was on time, and the disk was not.
            Phase::Unmarked { error, .. } if too_late(&live.spooled, now.wall).is_some() => {
                let error = error.clone();
                self.end(run, State::Missed, Some(Reason::Spool { error }), now, out);
            }
            _ => self.admit(run, now, out),
        }
    }
}

impl Live {
    /// A fire of the schedule, which its misfire rule is about.
    pub(super) fn is_own(&self) -> bool {
        matches!(self.spooled.run.cause, Cause::Schedule | Cause::CatchUp)
    }
}
