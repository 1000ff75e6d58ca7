//! Runs to record.

use base64::{Engine, engine::general_purpose::STANDARD};
use shared::{
    id::{Fire, JobId, Owner, RunId},
    report::{Chunk, OutputSize, Run, Stream, Usage},
    run::{Cause, State},
    time::Time,
};

/// 2026-01-31, noon, UTC.
pub const NOON: Time = Time::from_secs(1_769_860_800);

pub fn at(secs: i64) -> Time {
    Time::from_millis(NOON.as_millis() + secs * 1000)
}

/// Job `n`, in namespace `ops`.
pub fn job(n: u64) -> JobId {
    JobId::new(Time::from_secs(1_700_000_000), u128::from(n) + 1)
}

/// The run of job `n` that was due `secs` after noon, ended after two seconds.
pub fn run(n: u64, secs: i64) -> Run {
    let fire = Fire {
        job: job(n),
        at: at(secs),
        owner: Owner::Slot(0),
    };
    let id = RunId::of(&fire);
    Run {
        id,
        first: id,
        job: job(n),
        path: format!("ops/job-{n}").parse().unwrap(),
        revision: 7,
        scheduled_at: at(secs),
        slot: Some(0),
        node: "node-1".parse().unwrap(),
        attempt: 1,
        cause: Cause::Schedule,
        state: State::Succeeded,
        reason: None,
        started_at: Some(Time::from_millis(at(secs).as_millis() + 5)),
        finished_at: Some(Time::from_millis(at(secs).as_millis() + 2005)),
        exit_code: Some(0),
        signal: None,
        retry_at: None,
        usage: Usage {
            cpu_ms: 12,
            memory_max_bytes: 3 << 20,
        },
        output: OutputSize::default(),
        range: None,
    }
}

/// The same, as it was reported in another state.
pub fn in_state(run: &Run, state: State) -> Run {
    let mut run = Run { state, ..run.clone() };
    if !state.is_end() {
        run.finished_at = None;
        run.exit_code = None;
    }
    if matches!(
        state,
        State::Pending | State::Queued | State::Lost | State::Skipped | State::Missed | State::Rejected
    ) {
        run.started_at = None;
        run.finished_at = None;
        run.exit_code = None;
    }
    run
}

pub fn chunk(run: &Run, seq: u64, data: &[u8]) -> Chunk {
    Chunk {
        run: run.id,
        seq,
        stream: Stream::Stdout,
        at: run.scheduled_at,
        data: STANDARD.encode(data),
    }
}
