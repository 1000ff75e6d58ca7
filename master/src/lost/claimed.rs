//! Fires that a node had claimed when its slot was taken from it.

use std::{collections::BTreeSet, time::Duration};

use shared::{
    assign::Claimed,
    calendar::Blackouts,
    fire::{self, COUNT_MAX},
    id::{Fire, Owner, RunId},
    job::{Compiled, OnLost},
    report::{OutputSize, Range, Run, Usage},
    run::{Cause, Reason, State},
    time::Time,
};
use tokio::time::Instant;

use super::{Look, Lost, LostError};

/// So many lost instants are recorded each; those before them as a range.
const RECORDS_MAX: usize = 1000;
/// Reports recorded in one go.
const RECORDS_BATCH: usize = 500;
/// How often the history is asked whether a living node has reported.
const ASK: Duration = Duration::from_secs(10);
/// A living node that has not reported for so long does not know of the fires.
const PATIENCE: Duration = Duration::from_secs(3600);

impl Lost {
    /// Records what is certainly lost; forgets what the history knows.
    pub(super) async fn settle_claimed(&mut self, look: &Look) -> Result<(), LostError> {
        let owed = self.claimed();
        let standing: BTreeSet<RunId> = owed.iter().map(|(_, _, c)| c.run).collect();
        self.asked.retain(|run, _| standing.contains(run));
        for (key, revision, claimed) in owed {
            let is_over = look.is_gone(&claimed.node) || look.now.since(claimed.at) > PATIENCE;
            let last = self.asked.get(&claimed.run);
            if !is_over && last.is_some_and(|at| at.elapsed() < ASK) {
                continue;
            }
            self.asked.insert(claimed.run, Instant::now());
            let known = self
                .history
                .known(claimed.job, claimed.slot, claimed.from, claimed.until)
                .await?;
            let lost = lost(&claimed, &known.into_iter().collect(), look.now);
            if !lost.is_empty() && !is_over {
                continue;
            }
            for batch in lost.chunks(RECORDS_BATCH) {
                self.intake.settle(batch.to_vec()).await?;
            }
            if !lost.is_empty() {
                tracing::info!(
                    job.id = %claimed.job,
                    node.id = %claimed.node,
                    fires = lost.len(),
                    "recorded as lost: claimed and never reported"
                );
            }
            self.forget(look, [(key, revision)]).await?;
        }
        Ok(())
    }
}

/// The runs that the history does not know, as lost; oldest first.
fn lost(claimed: &Claimed, known: &BTreeSet<Time>, now: Time) -> Vec<Run> {
    let triggers: Vec<Compiled> = claimed
        .triggers
        .iter()
        .filter_map(|t| t.compile(claimed.job.seed()).ok())
        .collect();
    let first = claimed.from.max(claimed.since + MILLI);
    // What the cursor names was claimed, whatever the triggers say.
    let mut instants = vec![claimed.until];
    while instants.len() < RECORDS_MAX + known.len()
        && let Some(at) = fire::prev(&triggers, instants[instants.len() - 1]).filter(|at| *at >= first)
    {
        instants.push(at);
    }
    let earliest = instants[instants.len() - 1];
    let rest = match fire::prev(&triggers, earliest).filter(|at| *at >= first) {
        Some(until) => fire::instants(&triggers, first - MILLI, until)
            .take(COUNT_MAX as usize)
            .filter(|at| !known.contains(at))
            .collect(),
        None => Vec::new(),
    };
    let blackouts = Blackouts::of(&claimed.named, &claimed.calendars);
    let fate = |at: Time| blackouts.suppressed(at);
    // Ranges of one fate each; they lie over one another.
    let mut ranges: Vec<(Option<Reason>, Time, Range)> = Vec::new();
    for at in rest {
        let fate = fate(at);
        match ranges.iter_mut().find(|range| range.0 == fate) {
            Some((_, _, range)) => (range.until, range.count) = (at, range.count + 1),
            None => ranges.push((fate, at, Range { until: at, count: 1 })),
        }
    }
    let ranges = ranges.into_iter().map(|(fate, from, range)| Run {
        range: Some(range),
        retry_at: None,
        ..run(claimed, from, fate, now)
    });
    let each = instants.into_iter().rev().filter(|at| !known.contains(at));
    ranges
        .chain(each.map(|at| run(claimed, at, fate(at), now)))
        .collect()
}

const MILLI: Duration = Duration::from_millis(1);

/// What a calendar suppressed was skipped, whatever its node said or did not say.
fn run(claimed: &Claimed, at: Time, suppressed: Option<Reason>, now: Time) -> Run {
    let id = RunId::of(&Fire {
        job: claimed.job,
        at,
        owner: Owner::Slot(claimed.slot),
    });
    Run {
        id,
        first: id,
        job: claimed.job,
        path: claimed.path.clone(),
        revision: claimed.revision,
        scheduled_at: at,
        slot: Some(claimed.slot),
        node: claimed.node.clone(),
        attempt: 1,
        cause: Cause::Schedule,
        state: if suppressed.is_some() {
            State::Skipped
        } else {
            State::Lost
        },
        retry_at: (suppressed.is_none() && claimed.on_lost == OnLost::Retry).then_some(now),
        reason: suppressed.or(Some(Reason::NodeGone)),
        started_at: None,
        finished_at: Some(now),
        exit_code: None,
        signal: None,
        usage: Usage::default(),
        output: OutputSize::default(),
        range: None,
    }
}

#[cfg(test)]
mod tests {
    use shared::job::Trigger;

    use super::*;

    fn claimed(from: i64, until: i64) -> Claimed {
        let job: shared::id::JobId = "01HV5TQ4WM0000000000000000".parse().unwrap();
        let until = Time::from_secs(until);
        Claimed {
            job,
            path: "ops/tick".parse().unwrap(),
            revision: 1,
            slot: 0,
            node: "a".parse().unwrap(),
            from: Time::from_secs(from),
            until,
            run: RunId::of(&Fire {
                job,
                at: until,
                owner: Owner::Slot(0),
            }),
            triggers: vec![Trigger::cron("* * * * * *").unwrap()],
            named: Default::default(),
            calendars: Default::default(),
            since: Time::EPOCH,
            on_lost: OnLost::Fail,
            at: until,
        }
    }

    fn secs(runs: &[Run]) -> Vec<i64> {
        runs.iter().map(|r| r.scheduled_at.as_secs()).collect()
    }

    #[test]
    fn what_history_knows_is_not_lost() {
        let known = [101, 103].map(Time::from_secs).into();
        let runs = lost(&claimed(100, 104), &known, Time::from_secs(200));
        assert_eq!(secs(&runs), [100, 102, 104]);
        assert_eq!(runs[2].id, claimed(100, 104).run);
        assert!(
            runs.iter()
                .all(|r| r.state == State::Lost && r.retry_at.is_none())
        );
    }

    #[test]
    fn what_the_cursor_names_is_lost_even_if_no_trigger_does() {
        let mut claimed = claimed(100, 100);
        claimed.triggers.clear();
        assert_eq!(
            secs(&lost(&claimed, &BTreeSet::new(), Time::from_secs(200))),
            [100]
        );
    }

    #[test]
    fn instants_before_the_job_never_count() {
        let claimed = Claimed {
            since: Time::from_secs(102),
            ..claimed(100, 104)
        };
        assert_eq!(
            secs(&lost(&claimed, &BTreeSet::new(), Time::from_secs(200))),
            [103, 104]
        );
    }

    fn under(claimed: Claimed, windows: &str) -> Claimed {
        let yaml = format!("name: x\nweekly: [{windows}]");
        let named = shared::calendar::parse(&yaml, shared::file::Format::Yaml)
            .unwrap()
            .remove(0);
        let calendar = shared::calendar::InlinedCalendar {
            revision: 1,
            calendar: named.calendar.into(),
        };
        Claimed {
            named: shared::calendar::Calendars {
                exclude: [named.name.clone()].into(),
                ..Default::default()
            },
            calendars: [(named.name, calendar)].into(),
            on_lost: OnLost::Retry,
            ..claimed
        }
    }

    #[test]
    fn what_a_calendar_suppressed_is_skipped_and_never_tried_again() {
        let claimed = under(claimed(58, 62), "{from: 00:01, to: 00:01:02}");
        let runs = lost(&claimed, &BTreeSet::new(), Time::from_secs(200));
        let shown: Vec<String> = runs
            .iter()
            .map(|r| {
                format!(
                    "{} {} {}",
                    r.scheduled_at.as_secs(),
                    r.state,
                    r.retry_at.is_some()
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                "58 lost true",
                "59 lost true",
                "60 skipped false",
                "61 skipped false",
                "62 lost true"
            ]
        );
        // Of very many, a range for each fate.
        let claimed = under(
            super::tests::claimed(0, 5000),
            "{from: 00:01, to: 00:02}, {from: 00:03, to: 00:04}",
        );
        let runs = lost(&claimed, &BTreeSet::new(), Time::from_secs(9000));
        assert_eq!(runs.len(), RECORDS_MAX + 2);
        let ranges: Vec<_> = runs[..2]
            .iter()
            .map(|r| (r.state, r.scheduled_at.as_secs(), r.range.unwrap()))
            .collect();
        let range = |until, count| Range {
            until: Time::from_secs(until),
            count,
        };
        assert_eq!(
            ranges,
            [
                (State::Lost, 1, range(4000, 3880)),
                (State::Skipped, 60, range(239, 120))
            ]
        );
    }

    #[test]
    fn many_are_bounded() {
        let runs = lost(&claimed(0, 5000), &BTreeSet::new(), Time::from_secs(9000));
        assert_eq!(runs.len(), RECORDS_MAX + 1);
        let range = runs[0].range.unwrap();
        assert_eq!(runs[0].scheduled_at.as_secs(), 1, "the epoch itself is `since`");
        assert_eq!((range.until.as_secs(), range.count), (4000, 4000));
        assert_eq!(runs[1].scheduled_at.as_secs(), 4001);
    }
}
