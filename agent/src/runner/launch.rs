//! What a run's process is told.

use shared::{assign::RunOrder, id::NodeId, report::Run, run::State, target::Place};

use crate::parts::{Launch, SpooledRun};

/// What to start for a run: the spec, the order's environment over it, and what Gnomon
/// tells the process.
pub fn launch(spooled: &SpooledRun, node: &NodeId) -> Launch {
    let (order, run) = (&spooled.order, &spooled.order.spec.run);
    let mut env = run.env.clone();
    env.extend(order.env.clone());
    let mut tell = |name: &str, value: String| env.insert(format!("GNOMON_{name}"), value);
    tell("JOB", order.spec.name.to_string());
    tell("NAMESPACE", order.spec.namespace.to_string());
    tell("RUN", spooled.run.id.to_string());
    tell("SCHEDULED_AT", order.scheduled_at.to_string());
    tell("ATTEMPT", order.attempt.to_string());
    tell("NODE", node.to_string());
    tell("CAUSE", order.cause.as_str().to_owned());
    if let (Place::Shards(n) | Place::Count(n), Some(slot)) = (order.spec.target.place, order.slot) {
        tell("SHARD", slot.to_string());
        tell("SHARDS", n.to_string());
    }
    Launch {
        run: spooled.run.id,
        action: run.action.clone(),
        user: run.user.clone(),
        group: run.group.clone(),
        dir: run.dir.clone(),
        env: env.into_iter().collect(),
        stdin: run.stdin.clone(),
    }
}

/// The run that an order asks for, as it stands before it starts.
pub fn run_of(order: &RunOrder, node: &NodeId, state: State) -> Run {
    Run {
        state,
        ..order.pending(order.first.attempt(order.attempt), node)
    }
}
