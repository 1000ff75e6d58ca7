//! What is known of every job's runs: the last ends, what goes on, what the last telling
//! run of each slot or node said. Follows what is recorded, in any order and any number of
//! times, as the history does.

use std::collections::{BTreeMap, BTreeSet};

use shared::{
    api::{
        board::LastRun,
        judge::{self, Said},
        ticks::{TICKS_MAX, Tick, Ticks},
    },
    id::{JobId, Owner, RunId},
    run::State,
    time::Time,
};

use crate::history::Glimpse;

/// Runs of a job that go on or wait and are remembered; there are as many at most as its
/// limits allow on all of its nodes.
const OPEN_MAX: usize = 2000;
/// Slots or nodes of a job of which the last word is remembered.
const OWNERS_MAX: usize = 1000;

/// Every job's.
#[derive(Default)]
pub struct Runs {
    jobs: BTreeMap<JobId, JobRuns>,
    /// Those that are different from when this was last taken.
    dirty: BTreeSet<JobId>,
}

/// One job's.
#[derive(Default)]
pub struct JobRuns {
    /// By instant and id: the newest ends.
    ends: BTreeMap<(Time, RunId), End>,
    pub open: BTreeMap<RunId, Glimpse>,
    pub last: Option<LastRun>,
    pub said: BTreeMap<Owner, Said>,
    /// The newest instant that is known of each slot.
    pub newest: BTreeMap<u32, Time>,
}

/// What is kept of an end: there are twenty for each of many jobs.
struct End {
    state: State,
    /// Milliseconds, up to 49 days; none if it did not run.
    took_ms: Option<u32>,
}

impl Runs {
    /// Takes what was just told of a run.
    pub fn take(&mut self, run: &Glimpse) {
        let job = self.jobs.entry(run.job).or_default();
        // What is told twice may be of a run whose end is no longer among the last: it would
        // go on here for ever.
        if !run.state.is_end() && job.has_forgotten(run) {
            return;
        }
        self.read(run);
    }

    /// Takes a run as the history has it now.
    pub fn read(&mut self, run: &Glimpse) {
        if self.jobs.entry(run.job).or_default().take(run) {
            self.dirty.insert(run.job);
        }
    }

    pub fn of(&self, job: JobId) -> Option<&JobRuns> {
        self.jobs.get(&job)
    }

    /// Forgets jobs that are not there any more.
    pub fn retain(&mut self, is_there: impl Fn(JobId) -> bool) {
        self.jobs.retain(|job, _| is_there(*job));
    }

    /// The jobs that have changed, once.
    pub fn take_dirty(&mut self) -> BTreeSet<JobId> {
        std::mem::take(&mut self.dirty)
    }

    /// Puts another's in the place of these; everything has changed.
    pub fn replace(&mut self, other: Runs) {
        self.dirty.extend(self.jobs.keys());
        self.dirty.extend(other.jobs.keys());
        self.jobs = other.jobs;
    }

    /// What has not ended, of all jobs.
    pub fn open(&self) -> impl Iterator<Item = &Glimpse> {
        self.jobs.values().flat_map(|job| job.open.values())
    }
}

impl JobRuns {
    /// Whether the run's end may have been known once.
    fn has_forgotten(&self, run: &Glimpse) -> bool {
        let oldest = self.ends.first_key_value().map(|(place, _)| *place);
        self.ends.len() >= TICKS_MAX
            && !self.open.contains_key(&run.id)
            && oldest.is_some_and(|oldest| (run.scheduled_at, run.id) < oldest)
    }

    /// Whether it changed anything.
    fn take(&mut self, run: &Glimpse) -> bool {
        let place = (run.scheduled_at, run.id);
        let known = self.ends.get(&place).map(|end| end.state);
        let known = known.or_else(|| self.open.get(&run.id).map(|open| open.state));
        // News from elsewhere may come late.
        if known.is_some_and(|known| known != run.state && !run.state.replaces(known)) {
            return false;
        }
        if run.state.is_end() {
            self.open.remove(&run.id);
            self.end(place, run);
        } else {
            self.ends.remove(&place);
            if self.open.len() < OPEN_MAX || self.open.contains_key(&run.id) {
                self.open.insert(run.id, run.clone());
            }
        }
        self.note_last(run);
        self.note_said(run);
        if let Some(slot) = run.slot {
            let newest = self.newest.entry(slot).or_insert(run.scheduled_at);
            *newest = (*newest).max(run.until.unwrap_or(run.scheduled_at));
        }
        true
    }

    fn end(&mut self, place: (Time, RunId), run: &Glimpse) {
        let took_ms = run.took_ms().map(|ms| u32::try_from(ms).unwrap_or(u32::MAX));
        let end = End {
            state: run.state,
            took_ms,
        };
        self.ends.insert(place, end);
        if self.ends.len() > TICKS_MAX {
            self.ends.pop_first();
        }
    }

    fn note_last(&mut self, run: &Glimpse) {
        // One that is claimed ahead of its time has not come to it.
        if run.state == State::Pending {
            return;
        }
        let is_newest = |last: &LastRun| (last.at, last.id) <= (run.scheduled_at, run.id);
        if self.last.as_ref().is_none_or(is_newest) {
            self.last = Some(LastRun {
                id: run.id,
                state: run.state,
                at: run.scheduled_at,
                started_at: run.started_at,
                finished_at: run.finished_at,
                node: run.node.clone(),
                cause: run.cause,
            });
        }
    }

    fn note_said(&mut self, run: &Glimpse) {
        let owner = run.owner();
        let before = self.said.get(&owner);
        if !judge::tells(run.state, run.reason.as_ref(), run.is_retried) {
            // A run that was lost goes on after all: what it said is taken back.
            if before.is_some_and(|said| said.run == run.id) {
                self.said.remove(&owner);
            }
            return;
        }
        let is_newest = before.is_none_or(|said| (said.at, said.run) <= (run.scheduled_at, run.id));
        let has_room = before.is_some() || self.said.len() < OWNERS_MAX;
        // Of the attempts at one fire, which have one instant, the last counts.
        let is_later_attempt = before.is_some_and(|said| said.at == run.scheduled_at && run.attempt > 1);
        if has_room && (is_newest || is_later_attempt) {
            let said = Said {
                run: run.id,
                at: run.scheduled_at,
                state: run.state,
                reason: run.reason.clone(),
                node: run.node.clone(),
            };
            self.said.insert(owner, said);
        }
    }

    pub fn ticks(&self) -> Ticks {
        let ticks = self.ends.iter().map(|((at, _), end)| Tick {
            state: end.state,
            at: *at,
            took_ms: end.took_ms.map(u64::from),
        });
        Ticks(ticks.collect())
    }

    /// How many run, and how many are due and wait.
    pub fn counts(&self) -> (u32, u32) {
        let count = |wanted: State| self.open.values().filter(|run| run.state == wanted).count() as u32;
        (count(State::Running), count(State::Queued))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use shared::{
        id::Fire,
        run::{Cause, Reason},
    };

    use super::*;

    const NOON: Time = Time::from_secs(1_769_860_800);

    fn run(secs: u64, state: State) -> Glimpse {
        let job = JobId::new(NOON, 1);
        let at = NOON + Duration::from_secs(secs);
        let owner = Owner::Slot(0);
        Glimpse {
            id: RunId::of(&Fire { job, at, owner }),
            job,
            path: "ops/job".parse().unwrap(),
            scheduled_at: at,
            slot: Some(0),
            node: "n1".parse().unwrap(),
            attempt: 1,
            cause: Cause::Schedule,
            state,
            reason: None,
            started_at: Some(at),
            finished_at: state.is_end().then(|| at + Duration::from_secs(2)),
            is_retried: false,
            until: None,
        }
    }

    fn letters(runs: &Runs) -> String {
        let job = runs.of(JobId::new(NOON, 1)).unwrap();
        job.ticks()
            .0
            .iter()
            .map(|t| shared::api::ticks::letter(t.state))
            .collect()
    }

    #[test]
    fn any_order_gives_the_same() {
        let mut reports = vec![
            run(0, State::Running),
            run(0, State::Failed),
            run(60, State::Lost),
            run(60, State::Succeeded),
            run(120, State::Pending),
            run(120, State::Running),
        ];
        for turn in 0..reports.len() {
            reports.rotate_left(1);
            let mut runs = Runs::default();
            reports.iter().chain(&reports).for_each(|run| runs.take(run));
            let job = runs.of(JobId::new(NOON, 1)).unwrap();
            assert_eq!(letters(&runs), "fs", "turn {turn}");
            assert_eq!(job.counts(), (1, 0));
            assert_eq!(job.last.as_ref().unwrap().state, State::Running);
            assert_eq!(job.said[&Owner::Slot(0)].state, State::Succeeded);
            assert_eq!(job.newest[&0], NOON + Duration::from_secs(120));
        }
    }

    #[test]
    fn the_newest_ends_are_kept() {
        let mut runs = Runs::default();
        for i in (0..50).rev() {
            runs.take(&run(
                i * 60,
                if i < 40 { State::Failed } else { State::Succeeded },
            ));
        }
        assert_eq!(letters(&runs), "ffffffffffssssssssss");
        assert_eq!(runs.take_dirty().len(), 1);
        assert!(runs.take_dirty().is_empty());
        // Old news of one that has ended long ago do not let it run for ever.
        runs.take(&run(0, State::Running));
        assert_eq!(runs.open().count(), 0);
        // The history itself is believed.
        runs.read(&run(0, State::Running));
        assert_eq!(runs.open().count(), 1);
    }

    #[test]
    fn the_last_attempt_at_a_fire_counts() {
        let mut runs = Runs::default();
        let first = Glimpse {
            is_retried: true,
            ..run(0, State::Failed)
        };
        let last = Glimpse {
            id: first.id.attempt(2),
            attempt: 2,
            ..run(0, State::Succeeded)
        };
        runs.take(&first);
        assert!(runs.of(first.job).unwrap().said.is_empty());
        runs.take(&last);
        assert_eq!(runs.of(first.job).unwrap().said[&Owner::Slot(0)].run, last.id);
        // Somebody stopped the next one: that says nothing of the job.
        let mut killed = run(60, State::Killed);
        killed.reason = Some(Reason::KilledBy {
            by: "eve".to_owned(),
            reason: String::new(),
        });
        runs.take(&killed);
        assert_eq!(runs.of(first.job).unwrap().said[&Owner::Slot(0)].run, last.id);
    }

    #[test]
    fn a_lost_run_that_goes_on_is_open_again() {
        let mut runs = Runs::default();
        runs.take(&run(0, State::Lost));
        assert_eq!(letters(&runs), "l");
        runs.take(&run(0, State::Running));
        let job = runs.of(JobId::new(NOON, 1)).unwrap();
        assert_eq!((letters(&runs), job.counts()), (String::new(), (1, 0)));
        assert!(job.said.is_empty());
        runs.take(&run(0, State::Succeeded));
        assert_eq!(letters(&runs), "s");
    }
}
