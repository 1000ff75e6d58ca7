//! Attempts that are due on another node, or whose node is gone.
//!
//! Nothing is kept for them but the history: a run that ended with `retry_at`, of whose
//! next attempt it does not know. So nothing is lost between an agent's report and the
//! order, whoever dies.

use std::{collections::BTreeMap, time::Duration};

use shared::{
    assign::RunOrder,
    fire,
    id::{NodeId, RunId},
    plan::{self, JobAt, World},
    report::{OutputSize, Run, Usage},
    run::{Cause, State},
    time::Time,
};
use tokio::time::Instant;

use super::{Look, Lost, LostError, as_lost, as_missed, unfinished};

/// How far a quick look goes back, and how often there is a full one: a report may come
/// days after its run.
const RECENT: Duration = Duration::from_secs(600);
const LOOK_BACK: Duration = Duration::from_secs(60);
const RUNS_MAX: u32 = 500;
/// How long after an attempt was due its agent has told of it, if it made it and reaches a
/// master.
const PATIENCE: Duration = Duration::from_secs(900);

/// What becomes of an attempt.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    /// This node gets the order.
    Order(NodeId, Box<RunOrder>),
    /// It ends so, without having begun.
    End(Box<Run>),
    /// Its agent makes it, or a node may come in time.
    Leave,
}

impl Lost {
    pub(super) async fn order_retries(&mut self, look: &Look) -> Result<(), LostError> {
        let is_full = self.looked_back.is_none_or(|at| at.elapsed() >= LOOK_BACK);
        let since = if is_full { Time::EPOCH } else { look.now - RECENT };
        let runs = self.history.unretried(since, RUNS_MAX).await?;
        if is_full {
            self.looked_back = Some(Instant::now());
            self.awaited.clear();
        }
        self.awaited.extend(runs.iter().map(|run| run.node.clone()));
        if runs.is_empty() {
            return Ok(());
        }
        let world = self.world(look);
        let ordered = self.under_way();
        for run in runs {
            let next = run.first.attempt(run.attempt + 1);
            if ordered.contains(&next) {
                continue;
            }
            match fate(&world, &run, next, look.is_gone(&run.node), look.now) {
                Fate::Order(node, mut order) => {
                    order.env = self.asked_env(order.first).await?;
                    tracing::info!(run.id = %next, node.id = %node, attempt = order.attempt, "ordered another attempt");
                    self.order(look, &node, next, *order, None).await?;
                }
                Fate::End(run) => {
                    self.intake.settle(vec![*run]).await?;
                }
                Fate::Leave => {}
            }
        }
        Ok(())
    }
}

impl Lost {
    /// What somebody who asked for the run laid over its job's environment: the order that
    /// said so is gone, the history knows.
    async fn asked_env(&self, first: RunId) -> Result<BTreeMap<String, String>, LostError> {
        let asked = self.history.run(first).await?.and_then(|run| run.asked);
        Ok(asked.map(|asked| asked.env).unwrap_or_default())
    }
}

/// What becomes of the attempt after `run`, whose id is `next`.
fn fate(world: &World, run: &Run, next: RunId, is_gone: bool, now: Time) -> Fate {
    let retry_at = run.retry_at.unwrap_or(now);
    let Some(at) = world.jobs.get(&run.job) else {
        return match world.unreadable.jobs.contains(&run.path) {
            true => Fate::Leave,
            false => Fate::End(Box::new(as_missed(
                following(run, next, run.revision),
                now,
                "its job was deleted",
            ))),
        };
    };
    let spec = &at.job.spec;
    match (maker(at, run), is_gone) {
        (Maker::Leader, _) => {}
        // Nobody but its agent knows whether it has been made: it may have been, and no
        // report of it came through yet. So the order goes to that agent, which takes none
        // for an attempt that its spool holds (`agent::orders`).
        (Maker::Unsure, false) if now > retry_at + PATIENCE => {
            return match world.nodes.contains_key(&run.node) {
                true => Fate::Order(run.node.clone(), Box::new(order(at, run, retry_at))),
                false => Fate::Leave,
            };
        }
        // Its agent would have made it.
        (Maker::Agent | Maker::Unsure, true) => {
            let attempt = following(run, next, at.revision);
            let retry_at = unfinished::retry_at(world, &attempt, now);
            return Fate::End(Box::new(as_lost(attempt, now, retry_at)));
        }
        (Maker::Agent | Maker::Unsure, false) => return Fate::Leave,
    }
    // Who has the slot now, unless the job asks for another node after a failure.
    let is_elsewhere = spec.retry.elsewhere && run.state != State::Lost;
    let choices = match is_elsewhere {
        true => plan::choices(world, run.job, spec),
        false => plan::choices_for(world, run.job, spec, run.slot),
    };
    let other = choices.iter().find(|node| is_elsewhere && **node != run.node);
    let chosen = other.or(choices.first());
    if let Some(node) = chosen {
        return Fate::Order(node.clone(), Box::new(order(at, run, retry_at)));
    }
    match now > retry_at + spec.misfire.within.get() {
        true => Fate::End(Box::new(as_missed(
            following(run, next, at.revision),
            now,
            "no node could take the next attempt",
        ))),
        false => Fate::Leave,
    }
}

/// Who makes the next attempt.
enum Maker {
    Leader,
    /// The agent whose attempt has ended.
    Agent,
    /// The job has changed since, perhaps in what says so.
    Unsure,
}

/// As the agent decides it (`agent::runner`), by the spec that it ran.
fn maker(at: &JobAt, run: &Run) -> Maker {
    match run.state {
        _ if run.slot.is_none() => Maker::Agent,
        // It has another attempt to come only if its job said `on_lost: retry`.
        State::Lost => Maker::Leader,
        _ if at.revision != run.revision => Maker::Unsure,
        _ if fire::is_retried_by_leader(&at.job.spec, run.slot) => Maker::Leader,
        _ => Maker::Agent,
    }
}

fn order(at: &JobAt, run: &Run, retry_at: Time) -> RunOrder {
    RunOrder {
        job: run.job,
        revision: at.revision,
        spec: at.job.spec.clone(),
        first: run.first,
        attempt: run.attempt + 1,
        scheduled_at: run.scheduled_at,
        not_before: retry_at,
        slot: run.slot,
        cause: cause_after(run),
        env: Default::default(),
    }
}

/// The next attempt, on the same node, not yet begun.
fn following(run: &Run, next: RunId, revision: i64) -> Run {
    Run {
        id: next,
        revision,
        attempt: run.attempt + 1,
        cause: cause_after(run),
        state: State::Pending,
        reason: None,
        started_at: None,
        finished_at: None,
        exit_code: None,
        signal: None,
        retry_at: None,
        usage: Usage::default(),
        output: OutputSize::default(),
        range: None,
        ..run.clone()
    }
}

fn cause_after(run: &Run) -> Cause {
    match run.state {
        State::Lost => Cause::Lost,
        _ => Cause::Retry,
    }
}
