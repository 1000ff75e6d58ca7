//! After the agent's own death: what becomes of the runs that its spool remembers.
//!
//! - Recorded and not started (the starter knows): it starts now, late, by its job's
//!   misfire rule; if it was claimed, only once the assignment is seen to stand.
//! - Started, and its process lives: it is taken over. That covers a death between the
//!   start and its record, too: the starter finds the process.
//! - Started, and its process is gone, or nobody can know (the host restarted): lost.

use shared::{id::RunId, run::State};
use tokio::sync::mpsc;

use super::{Capture, Event, OUTPUT_EVENTS_MAX, Runner};
use crate::parts::{ProcessId, SpooledRun};

/// Brings the runs of the spool to the runner; stays with the processes taken over.
/// Returns when all of those have ended.
pub async fn recover(runner: Runner, runs: Vec<SpooledRun>) {
    let mut followed = tokio::task::JoinSet::new();
    let mut due = Vec::new();
    for run in runs.into_iter().filter(|s| !s.run.state.is_end()) {
        match whereabouts(&runner, &run).await {
            Whereabouts::NotStarted => due.push(run),
            Whereabouts::Gone => runner.tell(Event::Vanished(Box::new(run))).await,
            Whereabouts::At(process) => {
                let runner = runner.clone();
                followed.spawn(async move { adopt(&runner, run, process).await });
            }
        }
    }
    // In the order of their instants, so that queues are as they were.
    due.sort_by_key(|s| s.run.id);
    runner.tell(Event::Due(due)).await;
    while followed.join_next().await.is_some() {}
}

enum Whereabouts {
    NotStarted,
    Gone,
    At(ProcessId),
}

async fn whereabouts(runner: &Runner, spooled: &SpooledRun) -> Whereabouts {
    let run = spooled.run.id;
    match (spooled.process, spooled.run.state) {
        (Some(process), _) => Whereabouts::At(process),
        // An HTTP request died with the agent that sent it.
        (None, State::Running) => Whereabouts::Gone,
        (None, _) => match runner.starter.was_started(run).await {
            Some(false) => Whereabouts::NotStarted,
            // The host restarted. Nothing starts before its time: the next attempt of a
            // failed one, for example. Where the starter knows better, the clock may have
            // stepped back.
            None if spooled.order.not_before > runner.host.now() => Whereabouts::NotStarted,
            Some(true) => runner
                .starter
                .process_of(run)
                .await
                .map_or(Whereabouts::Gone, Whereabouts::At),
            None => Whereabouts::Gone,
        },
    }
}

async fn adopt(runner: &Runner, mut spooled: SpooledRun, process: ProcessId) {
    let run: RunId = spooled.run.id;
    let (tx, rx) = mpsc::channel(OUTPUT_EVENTS_MAX);
    if !runner.starter.adopt(run, process, tx).await {
        return runner.tell(Event::Vanished(Box::new(spooled))).await;
    }
    let output = spooled.order.spec.run.output.get();
    if spooled.run.state != State::Running {
        (spooled.run.state, spooled.process) = (State::Running, Some(process));
        spooled.run.started_at.get_or_insert(spooled.order.not_before);
        runner.recorder.put([spooled.clone()]);
    }
    tracing::info!(run.id = %run, "took over a process of the agent before");
    runner.tell(Event::Adopted(Box::new(spooled))).await;
    let seq = runner.spool.next_chunk(run).await.unwrap_or_default();
    runner.follow(run, rx, Capture::from_seq(run, output, seq)).await;
}
