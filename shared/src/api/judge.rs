//! How a job is: the decision behind [`JobState`].

use std::{collections::BTreeMap, time::Duration};

use super::board::{JobState, Trouble};
use crate::{
    fire,
    id::{NodeId, Owner, RunId},
    job::Compiled,
    run::{Reason, State},
    time::Time,
};

/// An instant of which nothing is recorded after so long is overdue: agents report within
/// seconds, and the leader settles what a dead one had claimed within a few leases.
pub const OVERDUE_AFTER: Duration = Duration::from_secs(120);
/// How far back an overdue instant is looked for.
pub const LOOK_BACK: Duration = Duration::from_secs(6 * 3600);
/// The most reasons that are said of slots without a node.
const REASONS_MAX: usize = 3;

/// What the last telling run of a slot or node said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    pub run: RunId,
    pub at: Time,
    pub state: State,
    pub reason: Option<Reason>,
    pub node: NodeId,
}

/// Whether an end tells how the job is. What was skipped by the job's own rules, what
/// somebody stopped, and an attempt that is followed by another do not.
pub fn tells(state: State, reason: Option<&Reason>, is_retried: bool) -> bool {
    match state {
        State::Succeeded | State::Rejected => true,
        State::Failed | State::TimedOut | State::Lost => !is_retried,
        State::Missed => !matches!(reason, Some(Reason::Withdrawn | Reason::Superseded)),
        State::Killed => !matches!(
            reason,
            Some(Reason::KilledBy { .. } | Reason::Replaced | Reason::AgentStopped)
        ),
        State::Pending | State::Queued | State::Running | State::Skipped => false,
    }
}

/// All that is known of a job.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    pub paused: bool,
    /// Why slots have no node.
    pub unplaced: &'a [String],
    pub overdue: Option<(Time, Option<u32>)>,
    /// By slot, or by node of an every-node job: those that count.
    pub said: &'a BTreeMap<Owner, Said>,
    pub running: u32,
}

/// The most urgent that holds.
pub fn judge(facts: &Facts<'_>) -> (JobState, Option<Trouble>) {
    if facts.paused {
        return (JobState::Paused, None);
    }
    let bad = |said: &&Said| said.state != State::Succeeded;
    let newest = |wanted: &dyn Fn(&&Said) -> bool| {
        let all = facts.said.values().filter(wanted);
        all.max_by_key(|said| (said.at, said.run))
    };
    let run = |said: &Said| Trouble::Run {
        run: said.run,
        at: said.at,
        state: said.state,
        reason: said.reason.as_ref().map(ToString::to_string).unwrap_or_default(),
        detail: said.reason.clone(),
        node: said.node.clone(),
        owners: facts.said.values().filter(|s| s.state == said.state).count() as u32,
        of: facts.said.len() as u32,
    };
    if let Some(said) = newest(&|said| said.state == State::Rejected) {
        return (JobState::Rejected, Some(run(said)));
    }
    if !facts.unplaced.is_empty() {
        let why = facts.unplaced.iter().take(REASONS_MAX).cloned().collect();
        return (JobState::Unplaced, Some(Trouble::Unplaced { why }));
    }
    if let Some((at, slot)) = facts.overdue {
        return (JobState::Overdue, Some(Trouble::Overdue { at, slot }));
    }
    if let Some(said) = newest(&bad) {
        return (JobState::Failing, Some(run(said)));
    }
    let state = match (facts.running, facts.said.is_empty()) {
        (1.., _) => JobState::Running,
        (0, true) => JobState::New,
        (0, false) => JobState::Ok,
    };
    (state, None)
}

/// The last instant that should be recorded by now, if there is one after `since`.
pub fn should_be_known(triggers: &[Compiled], since: Time, now: Time) -> Option<Time> {
    let jitter = triggers.iter().map(|t| t.jitter.get()).max().unwrap_or_default();
    let until = now - OVERDUE_AFTER - jitter;
    fire::prev(triggers, until).filter(|at| *at > since && *at > until - LOOK_BACK)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Trigger;

    const NOW: Time = Time::from_secs(1_769_860_800);

    fn said(slot: u32, secs: i64, state: State) -> (Owner, Said) {
        let at = NOW + Duration::from_secs(secs as u64);
        let said = Said {
            run: RunId::new(at, slot.into()),
            at,
            state,
            reason: (state == State::Failed).then_some(Reason::ExitCode { exit_code: 3 }),
            node: "n1".parse().unwrap(),
        };
        (Owner::Slot(slot), said)
    }

    fn judged(said: &[(Owner, Said)], change: impl for<'a> FnOnce(&mut Facts<'a>)) -> (JobState, String) {
        let said: BTreeMap<Owner, Said> = said.iter().cloned().collect();
        let mut facts = Facts {
            paused: false,
            unplaced: &[],
            overdue: None,
            said: &said,
            running: 0,
        };
        change(&mut facts);
        let (state, trouble) = judge(&facts);
        (state, trouble.map(|t| t.to_string()).unwrap_or_default())
    }

    #[test]
    fn the_most_urgent_holds() {
        let failed = [said(0, 0, State::Succeeded), said(1, 5, State::Failed)];
        let unplaced: &'static [String] = vec!["slot 2: no node".to_owned()].leak();
        assert_eq!(judged(&[], |_| {}), (JobState::New, String::new()));
        assert_eq!(judged(&failed[..1], |_| {}), (JobState::Ok, String::new()));
        assert_eq!(judged(&failed[..1], |f| f.running = 2).0, JobState::Running);
        assert_eq!(
            judged(&failed, |f| f.running = 2),
            (
                JobState::Failing,
                "failed on n1: exited with code 3 (1 of 2)".to_owned()
            )
        );
        let overdue = judged(&failed, |f| f.overdue = Some((NOW, None)));
        assert_eq!(overdue.0, JobState::Overdue);
        let all = judged(&failed, |f| {
            f.overdue = Some((NOW, None));
            f.unplaced = unplaced;
        });
        assert_eq!(all, (JobState::Unplaced, "slot 2: no node".to_owned()));
        let rejected = [said(0, 0, State::Rejected)];
        assert_eq!(judged(&rejected, |f| f.unplaced = unplaced).0, JobState::Rejected);
        assert_eq!(judged(&rejected, |f| f.paused = true).0, JobState::Paused);
    }

    #[test]
    fn what_the_job_asked_for_itself_tells_nothing() {
        assert!(tells(State::Failed, None, false) && !tells(State::Failed, None, true));
        assert!(tells(State::Succeeded, None, false));
        assert!(!tells(State::Skipped, Some(&Reason::Paused), false));
        let by = Reason::KilledBy {
            by: "eve".to_owned(),
            reason: String::new(),
        };
        assert!(!tells(State::Killed, Some(&by), false));
        assert!(tells(State::Killed, Some(&Reason::Isolation), false));
        assert!(tells(State::Missed, None, false));
        assert!(!tells(State::Missed, Some(&Reason::Withdrawn), false));
    }

    #[test]
    fn an_instant_is_overdue_once_it_should_be_known() {
        let triggers = [Trigger::cron("*/5 * * * *").unwrap().compile(0).unwrap()];
        let at = |secs: u64| NOW + Duration::from_secs(secs);
        // Noon itself is known of only two minutes later.
        assert_eq!(
            should_be_known(&triggers, Time::EPOCH, at(119)),
            Some(NOW - Duration::from_secs(300))
        );
        assert_eq!(should_be_known(&triggers, Time::EPOCH, at(121)), Some(NOW));
        assert_eq!(should_be_known(&triggers, NOW, at(121)), None);
        let daily = [Trigger::cron("0 2 * * *").unwrap().compile(0).unwrap()];
        assert_eq!(should_be_known(&daily, Time::EPOCH, NOW), None, "ten hours ago");
    }
}
