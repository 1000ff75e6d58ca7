//! What the agent's loops are given: the spool, the process starter, the link to the
//! masters. Values, so that a test runs the production loops on pretended ones.
//!
//! Who does what with output: the launcher sends each piece as [`ProcessEvent::Output`]
//! (each run has a channel of its own, bounded, so that one that writes without end only
//! waits for itself); the runner's shell cuts it into chunks, keeps head and tail
//! (`runner::output`) and puts them into the spool; the outbox sends what the spool has
//! (`outbox::run(spool, link, host, node, boot, wake: Arc<Notify>, cancel)`, woken after
//! each commit; it sends all it can before it returns after `cancel`, within a bound).

use async_trait::async_trait;
use shared::{
    assign::{Assignment, RunOrder},
    id::{JobId, RunId},
    job::Action,
    report::{Ack, Batch, Chunk, Run, Stream, Usage},
    time::Time,
};
use tokio::sync::mpsc;

/// The agent's durable memory: what must survive its death.
///
/// What do we store? The latest report of each run until a master acknowledged its end,
/// output until acknowledged, the last fired instant of each every-node job, the copy of
/// the assignments to fire from while the store is down, the orders taken.
#[async_trait]
pub trait Spool: Send + Sync + 'static {
    /// Carries out all writes, durably and at once or not at all. Concurrent calls share
    /// one sync of the disk.
    async fn commit(&self, writes: Vec<SpoolWrite>) -> Result<(), SpoolError>;

    /// Everything, as it was last committed. For the start.
    async fn load(&self) -> Result<Spooled, SpoolError>;

    /// Up to so many runs whose latest report is not acknowledged, and pieces of output,
    /// oldest first. For the outbox.
    async fn unsent(&self, runs: usize, chunks: usize) -> Result<Unsent, SpoolError>;

    /// The number for a run's next piece of output, sent and forgotten ones counted. For
    /// a process whose output goes on after the agent's death.
    async fn next_chunk(&self, run: RunId) -> Result<u64, SpoolError>;
}

#[derive(Clone, Debug)]
pub enum SpoolWrite {
    /// The latest of a run; `claim` says what its start rests on.
    PutRun(Box<SpooledRun>),
    /// A master has these reports. A run that has since been put again stays unsent; one
    /// whose end is acknowledged is forgotten.
    AckRuns(Vec<Run>),
    PutChunk(Chunk),
    /// Up to and including this piece of a run's output a master has all.
    AckChunks(Vec<(RunId, u64)>),
    /// Pieces `from..until` are the middle that is not kept.
    DropChunks {
        run: RunId,
        from: u64,
        until: u64,
    },
    /// Up to this instant the fires of an every-node job (no slot) or of a slot are in
    /// the spool. A cursor in the store that is ahead of a slot's was claimed by an agent
    /// that died before it wrote its runs here: nothing of them has started.
    PutCursor {
        job: JobId,
        slot: Option<u32>,
        at: Time,
    },
    DeleteCursor {
        job: JobId,
        slot: Option<u32>,
    },
    /// Masters refuse these reports and pieces of output: they stay, and are not sent until
    /// they change, or [`SpoolWrite::TakeUp`].
    SetAside {
        runs: Vec<Run>,
        pieces: Vec<(RunId, u64)>,
    },
    /// All that was set aside is to be sent again.
    TakeUp,
    /// The whole of what the agent owns, replacing what was there.
    PutAssignments(Vec<OwnedAssignment>),
}

/// A run with what the agent must know to go on with it after its own death.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct SpooledRun {
    pub run: Run,
    /// What to start, while it has not started; also what a retry needs.
    pub order: RunOrder,
    /// For a claimed fire: the create revision of the assignment it was claimed under. It
    /// may be started after a restart only while that assignment stands.
    pub claim: Option<i64>,
    /// The process, once started.
    pub process: Option<ProcessId>,
    /// For a slot's run: the registration (mod revision of the node's key) under which it
    /// was claimed or taken. It starts only while that registration holds.
    #[serde(default)]
    pub epoch: Option<i64>,
}

/// A process that can be found again, and told from a later one with the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ProcessId {
    /// Also its process group's number.
    pub pid: i32,
    /// Clock ticks since boot, from `/proc/<pid>/stat`.
    pub started_ticks: u64,
    /// A hash of `/proc/sys/kernel/random/boot_id`.
    pub boot: u64,
}

/// An assignment with the revisions that a claim compares.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct OwnedAssignment {
    /// The store's key.
    pub key: String,
    pub assignment: Assignment,
    pub create_revision: i64,
    pub mod_revision: i64,
}

#[derive(Clone, Debug, Default)]
pub struct Spooled {
    pub runs: Vec<SpooledRun>,
    pub cursors: Vec<(JobId, Option<u32>, Time)>,
    pub assignments: Vec<OwnedAssignment>,
}

#[derive(Clone, Debug, Default)]
pub struct Unsent {
    pub runs: Vec<Run>,
    pub chunks: Vec<Chunk>,
    /// How many there are in all, these included.
    pub total: u64,
    /// How many were set aside; they are not among those.
    pub set_aside: u64,
}

#[derive(Clone, Debug, thiserror::Error)]
pub enum SpoolError {
    #[error("the spool's disk is full")]
    DiskFull,
    #[error("the spool cannot be written: {0}")]
    Failed(String),
}

/// Starts what jobs are made of; how long that may take is the runner's affair. One implementation for this host's processes and HTTP
/// requests (`launcher`), one that pretends.
#[async_trait]
pub trait Starter: Send + Sync + 'static {
    /// Starts it and returns once it runs. Output and its end come as events; the end
    /// comes last and always. Nothing is left running when this returns an error.
    async fn start(&self, launch: Launch, events: mpsc::Sender<ProcessEvent>) -> Result<Started, StartError>;

    /// Sends a signal to the whole tree of a run's process. Nothing happens if it is gone.
    async fn signal(&self, run: RunId, signal: Signal);

    /// Whether a run was started by an agent that has since died (same boot of the host):
    /// `None` when nobody can know.
    async fn was_started(&self, run: RunId) -> Option<bool>;

    /// The process of such a run, if it can be told: the agent may have died between the
    /// start and the spool's record of it.
    async fn process_of(&self, _run: RunId) -> Option<ProcessId> {
        None
    }

    /// Takes over a process that an earlier agent started: it can be signalled, and its
    /// output and its end come as events, the end with an unknown exit where the kernel
    /// does not tell. `false` if it is gone.
    async fn adopt(&self, run: RunId, process: ProcessId, events: mpsc::Sender<ProcessEvent>) -> bool;

    /// Forgets what was kept for [`Starter::was_started`]: the run's end is in the spool.
    async fn forget(&self, run: RunId);
}

/// What to start.
#[derive(Clone, Debug)]
pub struct Launch {
    pub run: RunId,
    pub action: Action,
    pub user: Option<String>,
    pub group: Option<String>,
    pub dir: Option<String>,
    /// The whole environment beyond what the user's account gives.
    pub env: Vec<(String, String)>,
    pub stdin: Option<String>,
}

#[derive(Clone, Copy, Debug)]
pub struct Started {
    /// `None` for an HTTP request.
    pub process: Option<ProcessId>,
}

#[derive(Clone, Debug, thiserror::Error)]
pub enum StartError {
    /// The host's policy or the operating system does not allow it.
    #[error("{0}")]
    Rejected(String),
    /// No such program, directory, user; no memory, too many processes.
    #[error("{0}")]
    Failed(String),
    /// No sign of the start could be left beside the spool: its disk is full, or broken.
    /// What nobody would remember does not start.
    #[error("{0}")]
    Unmarked(SpoolError),
}

#[derive(Clone, Debug)]
pub enum ProcessEvent {
    Output {
        run: RunId,
        stream: Stream,
        data: Vec<u8>,
    },
    Ended {
        run: RunId,
        exit: Exit,
        usage: Usage,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    /// A process' exit code, or an HTTP status.
    Code(i32),
    Signal(i32),
    /// The HTTP request had no answer.
    Http(String),
    /// An adopted process is gone; how it ended nobody knows.
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    Term,
    Kill,
}

/// The way to any master.
#[async_trait]
pub trait Link: Send + Sync + 'static {
    /// Delivers a batch to a master, whichever answers. An error means: send it again.
    async fn send(&self, batch: &Batch) -> Result<Ack, LinkError>;
}

#[derive(Clone, Debug, thiserror::Error)]
pub enum LinkError {
    #[error("no master answers: {0}")]
    Unreachable(String),
    /// A master says later: its database does not answer, or it is overloaded.
    #[error("the master says later: {0}")]
    Later(String),
    #[error("the master refuses this agent's reports: {0}")]
    Refused(String),
    /// Something in this batch no master takes, however often it comes.
    #[error("the master refuses what is in the reports: {0}")]
    Invalid(String),
}
