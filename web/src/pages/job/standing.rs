//! How the job is, from what its page knows: by the server's own decision.

use std::collections::BTreeMap;

use shared::{
    api::{
        JobView,
        board::{JobState, Trouble},
        judge::{Facts, Said, judge, should_be_known, tells},
        timeline::{JobHistory, Point},
    },
    id::Owner,
    job::{Compiled, JobSpec},
    run::{Cause, Reason, State},
    time::Time,
};

/// What a run's reason is, where it is known.
pub type Reasons = BTreeMap<shared::id::RunId, Reason>;

pub fn compiled(view: &JobView) -> Vec<Compiled> {
    let triggers = view.spec.triggers.iter();
    triggers
        .filter_map(|trigger| trigger.compile(view.id.seed()).ok())
        .collect()
}

pub fn standing(
    view: &JobView,
    history: &JobHistory,
    reasons: &Reasons,
    now: Time,
) -> (JobState, Option<Trouble>) {
    let mut said = BTreeMap::new();
    for point in &history.points {
        let reason = reasons.get(&point.run);
        let is_retried = history.points.iter().any(|later| is_next_attempt(point, later));
        if tells(point.state, reason, is_retried) {
            let told = Said {
                run: point.run,
                at: point.at,
                state: point.state,
                reason: reason.cloned(),
                node: point.node.clone(),
            };
            said.insert(owner(&view.spec, point), told);
        }
    }
    judge(&Facts {
        paused: view.spec.paused,
        unplaced: &view.unplaced,
        overdue: overdue(view, history, now).map(|at| (at, None)),
        said: &said,
        running: history
            .points
            .iter()
            .filter(|p| p.state == State::Running)
            .count() as u32,
    })
}

fn owner(spec: &JobSpec, point: &Point) -> Owner {
    match (spec.target.place.is_exclusive(), point.slot) {
        (true, slot) => Owner::Slot(slot.unwrap_or_default()),
        (false, _) => Owner::Node(point.node.clone()),
    }
}

fn is_next_attempt(point: &Point, later: &Point) -> bool {
    later.at == point.at && later.slot == point.slot && later.attempt == point.attempt + 1
}

fn overdue(view: &JobView, history: &JobHistory, now: Time) -> Option<Time> {
    let at = should_be_known(&compiled(view), view.since, now)?;
    let is_known = |point: &Point| point.cause != Cause::Manual && point.at >= at;
    (!history.points.iter().any(is_known)).then_some(at)
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use shared::id::{JobId, RunId};

    use super::*;

    pub(in crate::pages::job) const NOW: Time = Time::from_secs(1_769_860_800);

    pub(in crate::pages::job) fn view(spec: serde_json::Value) -> JobView {
        let author = serde_json::json!({"by": "admin", "at": "2026-01-01T00:00:00Z"});
        let mut whole = serde_json::json!({"name": "a", "run": {"shell": "true"}});
        for (key, value) in spec.as_object().unwrap() {
            whole[key] = value.clone();
        }
        serde_json::from_value(serde_json::json!({
            "id": JobId::new(Time::EPOCH, 1), "revision": 3, "spec": whole, "since": "2026-01-01T00:00:00Z",
            "created": author, "updated": author, "next": null,
        }))
        .unwrap()
    }

    pub(in crate::pages::job) fn point(secs_ago: u64, state: State, took_ms: Option<u64>) -> Point {
        let at = NOW - Duration::from_secs(secs_ago);
        Point {
            run: RunId::new(at, 1),
            at,
            state,
            took_ms,
            late_ms: None,
            node: "n1".parse().unwrap(),
            slot: Some(0),
            attempt: 1,
            cause: Cause::Schedule,
        }
    }

    fn history(points: Vec<Point>) -> JobHistory {
        JobHistory {
            job: "default/a".parse().unwrap(),
            job_id: JobId::new(Time::EPOCH, 1),
            points,
            more: false,
            usual_ms: None,
            p95_ms: None,
            success_percent: None,
        }
    }

    fn state(spec: serde_json::Value, points: Vec<Point>) -> JobState {
        standing(&view(spec), &history(points), &Reasons::new(), NOW).0
    }

    #[test]
    fn the_page_judges_as_the_server_does() {
        let none = || serde_json::json!({});
        assert_eq!(state(none(), vec![]), JobState::New);
        assert_eq!(
            state(none(), vec![point(60, State::Succeeded, Some(1))]),
            JobState::Ok
        );
        assert_eq!(
            state(
                none(),
                vec![point(60, State::Failed, Some(1)), point(30, State::Skipped, None)]
            ),
            JobState::Failing,
            "a skipped run tells nothing"
        );
        assert_eq!(
            state(serde_json::json!({"paused": true}), vec![]),
            JobState::Paused
        );
        let retried = vec![
            point(60, State::Failed, Some(1)),
            Point {
                attempt: 2,
                state: State::Succeeded,
                ..point(60, State::Succeeded, Some(1))
            },
        ];
        assert_eq!(state(none(), retried), JobState::Ok);
    }

    #[test]
    fn an_instant_of_which_nothing_is_known_is_overdue() {
        let hourly = || serde_json::json!({"schedule": "0 * * * *"});
        assert_eq!(
            state(hourly(), vec![point(10 * 3600, State::Succeeded, Some(1))]),
            JobState::Overdue
        );
        let at_the_hour = NOW.as_secs().rem_euclid(3600) as u64;
        assert_eq!(
            state(hourly(), vec![point(at_the_hour, State::Succeeded, Some(1))]),
            JobState::Ok
        );
    }
}
