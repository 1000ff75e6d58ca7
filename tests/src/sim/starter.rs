//! The pretended processes of a host, with a look at each start from outside.

use std::sync::Arc;

use agent::{
    parts::{Launch, ProcessEvent, ProcessId, Signal, StartError, Started, Starter},
    pretend::Pretend,
};
use async_trait::async_trait;
use shared::{
    id::{NodeId, Owner, RunId},
    keys,
    store::{Store, embedded::Embedded},
};
use tokio::sync::mpsc;

use super::{jobs::Jobs, trace::Trace, wire::Wire};

/// What one agent starts processes with.
pub struct Watched {
    pub node: NodeId,
    pub processes: Pretend,
    pub jobs: Arc<Jobs>,
    pub wire: Arc<Wire>,
    /// The store itself, behind no connection.
    pub store: Embedded,
    pub trace: Trace,
}

impl Watched {
    /// Nothing of an exclusive job starts unless the node is registered under a lease whose
    /// deadline has not passed: past it, the slot may be another node's.
    async fn check(&self, launch: &Launch) {
        let told = self.jobs.told(launch, &self.node);
        self.trace.tell(
            self.node.as_str(),
            format_args!(
                "start {} {} {:?} #{} {}",
                told.job, told.fire.at, told.fire.owner, told.attempt, told.cause
            ),
        );
        if !matches!(told.fire.owner, Owner::Slot(_)) {
            return;
        }
        let key = self.store.get(&keys::node(&self.node)).await.ok().flatten();
        if !key.is_some_and(|kv| self.wire.holds(kv.lease)) {
            self.trace.broken(format!(
                "{} started past its lease's deadline: {told:?}",
                self.node
            ));
        }
    }
}

#[async_trait]
impl Starter for Watched {
    async fn start(&self, launch: Launch, events: mpsc::Sender<ProcessEvent>) -> Result<Started, StartError> {
        self.check(&launch).await;
        self.processes.start(launch, events).await
    }

    async fn signal(&self, run: RunId, signal: Signal) {
        self.trace
            .tell(self.node.as_str(), format_args!("signal {run} {signal:?}"));
        self.processes.signal(run, signal).await;
    }

    async fn was_started(&self, run: RunId) -> Option<bool> {
        self.processes.was_started(run).await
    }

    async fn process_of(&self, run: RunId) -> Option<ProcessId> {
        self.processes.process_of(run).await
    }

    async fn adopt(&self, run: RunId, process: ProcessId, events: mpsc::Sender<ProcessEvent>) -> bool {
        self.processes.adopt(run, process, events).await
    }

    async fn forget(&self, run: RunId) {
        self.processes.forget(run).await;
    }
}
