//! What happens to runs, and what is to be done about it.

use std::{collections::BTreeSet, time::Duration};

use shared::{
    Revision,
    id::RunId,
    report::{OutputSize, Usage},
    run::{Reason, State},
    time::Time,
};

use crate::{
    inbox::SlotKey,
    parts::{Exit, Launch, ProcessId, Signal, SpooledRun},
};

/// The present, as a step sees it.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// Wall time decides fires.
    pub wall: Time,
    /// Monotonic time, since the agent started, measures runs.
    pub mono: Duration,
    /// The registration that certainly holds; none when there is none.
    pub epoch: Option<Revision>,
}

/// Everything that can happen.
#[derive(Debug)]
pub enum Event {
    /// Runs that stand in the spool, to be started when their time comes.
    Due(Vec<SpooledRun>),
    /// A process that an earlier agent started, taken over.
    Adopted(Box<SpooledRun>),
    /// A run that an earlier agent began, of which nothing is left.
    Vanished(Box<SpooledRun>),
    /// The next attempt stands in the spool.
    Recorded(RunId),
    Started {
        run: RunId,
        at: Time,
        process: Option<ProcessId>,
    },
    NotStarted {
        run: RunId,
        why: NotStarted,
    },
    Ended {
        run: RunId,
        exit: Exit,
        usage: Usage,
        output: OutputSize,
    },
    /// Whether the assignment under which a run was claimed still stands.
    Verified {
        run: RunId,
        verdict: Verdict,
    },
    /// This node is registered anew.
    Registered {
        epoch: Revision,
        continues: Option<Revision>,
    },
    /// The slots (and every-node jobs) that are paused, all of them: what has been prepared
    /// for them does not start.
    Paused(BTreeSet<SlotKey>),
    /// The lease's deadline has passed: from now on others may own what this node owned.
    LeaseLost,
    Kill {
        run: RunId,
        by: String,
        reason: String,
    },
    /// The agent stops: what runs may finish within this time.
    Stop {
        within: Duration,
    },
    /// Time has passed.
    Tick,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotStarted {
    Rejected(String),
    Failed(String),
    /// The registration under which it was claimed ended at the last moment.
    Fenced,
    /// No sign of its start could be left: why.
    Unmarked(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It stands, seen under this registration.
    Stands(Revision),
    /// It is gone, or was made anew: the leader has settled the run, or will.
    Gone,
    /// The store did not answer.
    Unknown,
}

/// Everything that can be asked for.
#[derive(Debug)]
pub enum Action {
    /// The latest of a run, for the spool and the masters.
    Record(Box<SpooledRun>),
    /// A run's end and the next attempt, in one commit; [`Event::Recorded`] follows.
    RecordNext {
        ended: Box<SpooledRun>,
        next: Box<SpooledRun>,
    },
    /// Start it, if this registration still holds in that moment.
    Start {
        launch: Box<Launch>,
        output_bytes_max: u64,
        epoch: Option<Revision>,
    },
    Signal(RunId, Signal),
    /// Read whether the assignment stands that a run was claimed under.
    Verify {
        run: RunId,
        key: String,
        claim: Revision,
    },
}

/// Why a run is to end before its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    pub state: State,
    pub reason: Reason,
}

impl Stop {
    pub fn killed(reason: Reason) -> Stop {
        Stop {
            state: State::Killed,
            reason,
        }
    }

    /// Nobody may wait for the process to tidy up.
    pub fn is_at_once(&self) -> bool {
        self.reason == Reason::Isolation
    }
}
