//! `isolation: kill`: past the lease's deadline nothing of such a job goes on.
//!
//! An agent that comes back takes over what runs, and cannot know whether the lease under
//! which it was started has lapsed meanwhile. Its first registration tells: if it
//! continues the one that the process was started under, the node's key was never gone,
//! and nobody can have started the job. If it does not, or there is none for the length of
//! a lease (its own was at most that far from its end when the agent before died), the
//! process is killed at once.

use super::*;

impl Runs {
    /// Past the lease's deadline others may start these jobs: their processes die first.
    pub(super) fn isolate(&mut self, now: Now, out: &mut Vec<Action>) {
        self.registered = None;
        self.doubtful.clear();
        let isolated = |live: &Live| live.is_isolated() && live.phase.takes_capacity();
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

    /// A process was taken over: may it go on?
    pub(super) fn adopt_isolated(&mut self, run: RunId, now: Now, out: &mut Vec<Action>) {
        let Some(live) = self.live.get(&run).filter(|live| live.is_isolated()) else {
            return;
        };
        if live.spooled.epoch.is_some() && live.spooled.epoch == now.epoch {
            return;
        }
        self.doubtful.insert(run);
        self.settle_doubtful(now, out);
    }

    /// Once there is a registration, it tells of each whether it may go on.
    pub(super) fn settle_doubtful(&mut self, now: Now, out: &mut Vec<Action>) {
        let Some((epoch, continues)) = self.registered else {
            return;
        };
        for run in std::mem::take(&mut self.doubtful) {
            let Some(live) = self.live.get_mut(&run) else {
                continue;
            };
            if continues.is_some() && live.spooled.epoch == continues {
                live.spooled.epoch = Some(epoch);
                // For the agent after this one.
                out.push(Action::Record(Box::new(live.spooled.clone())));
            } else {
                self.stop_run(run, Stop::killed(Reason::Isolation), now, out);
            }
        }
    }

    pub(super) fn isolate_doubtful(&mut self, now: Now, out: &mut Vec<Action>) {
        for run in std::mem::take(&mut self.doubtful) {
            self.stop_run(run, Stop::killed(Reason::Isolation), now, out);
        }
    }
}

impl Live {
    fn is_isolated(&self) -> bool {
        let order = &self.spooled.order;
        order.slot.is_some() && order.spec.isolation == Isolation::Kill
    }
}
