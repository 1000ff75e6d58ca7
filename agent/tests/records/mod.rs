//! Runs and output to put into spools.
#![allow(dead_code, reason = "each test takes what it needs")]

use agent::parts::{SpoolWrite, SpooledRun};
use base64::{Engine, engine::general_purpose::STANDARD};
use shared::{
    assign::RunOrder,
    id::{JobId, NodeId, RunId},
    job::{Action, JobSpec, RunSpec},
    report::{Chunk, Run, Stream},
    run::{Cause, State},
    time::Time,
};

pub fn node() -> NodeId {
    "node".parse().unwrap()
}

pub fn run_id(n: u64) -> RunId {
    RunId::new(Time::from_millis(1_700_000_000_000 + n as i64), 7)
}

pub fn spooled(n: u64, state: State) -> SpooledRun {
    let mut spec = JobSpec::new(
        "job".parse().unwrap(),
        RunSpec::new(Action::Shell("echo hello".into())),
    );
    spec.description = "as long as they usually are".into();
    let order = RunOrder {
        job: JobId::from_u128(1),
        revision: 5,
        spec,
        first: run_id(n),
        attempt: 1,
        scheduled_at: run_id(n).time(),
        not_before: run_id(n).time(),
        slot: Some(0),
        cause: Cause::Schedule,
        env: [].into(),
    };
    let run = Run {
        state,
        ..order.pending(run_id(n), &node())
    };
    SpooledRun {
        run,
        order,
        claim: Some(3),
        process: None,
        epoch: Some(4),
    }
}

pub fn put(n: u64, state: State) -> SpoolWrite {
    SpoolWrite::PutRun(Box::new(spooled(n, state)))
}

pub fn chunk(n: u64, seq: u64, data: &[u8]) -> Chunk {
    Chunk {
        run: run_id(n),
        seq,
        stream: Stream::Stderr,
        at: Time::from_millis(5),
        data: STANDARD.encode(data),
    }
}

pub fn put_chunk(n: u64, seq: u64, data: &[u8]) -> SpoolWrite {
    SpoolWrite::PutChunk(chunk(n, seq, data))
}
