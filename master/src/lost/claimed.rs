//! Fires that a node had claimed when its slot was taken from it.

use std::{collections::BTreeSet, time::Duration};

use shared::{
    assign::Claimed,
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
    let rest: Vec<Time> = match fire::prev(&triggers, earliest).filter(|at| *at >= first) {
        Some(until) => fire::instants(&triggers, first - MILLI, until)
            .take(COUNT_MAX as usize)
            .filter(|at| !known.contains(at))
            .collect(),
        None => Vec::new(),
    };
    let range = rest.first().zip(rest.last()).map(|(from, until)| Run {
        range: Some(Range {
            until: *until,
            count: rest.len() as u64,
        }),
        retry_at: None,
        ..run(claimed, *from, now)
    });
    let each = instants.into_iter().rev().filter(|at| !known.contains(at));
    range
        .into_iter()
        .chain(each.map(|at| run(claimed, at, now)))
        .collect()
}

const MILLI: Duration = Duration::from_millis(1);

fn run(claimed: &Claimed, at: Time, now: Time) -> Run {
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
        state: State::Lost,
        reason: Some(Reason::NodeGone),
        started_at: None,
        finished_at: Some(now),
        exit_code: None,
        signal: None,
        retry_at: (claimed.on_lost == OnLost::Retry).then_some(now),
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
