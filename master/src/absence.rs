//! How long nodes have been gone, on this process' monotonic clock.
//!
//! Nobody's wall clock and no earlier leader's memory counts: a leader that takes over
//! begins to count when it first misses a node. That only ever makes a fence longer.

use std::{collections::BTreeMap, time::Duration};

use shared::{id::NodeId, plan::Away};
use tokio::time::Instant;

/// The fence for a node whose lease's length nobody knows, when no other node lives.
const LEASE_UNKNOWN: Duration = Duration::from_secs(30);

/// The nodes that are missed.
#[derive(Default)]
pub struct Absences {
    /// Since when, by node.
    missed: BTreeMap<NodeId, Instant>,
    /// The lease of each node that was ever seen.
    leases: BTreeMap<NodeId, Duration>,
}

impl Absences {
    /// Looks again: `living` are the living nodes with their leases' length, `named` the
    /// nodes that something names, such as an assignment. Returns those that are gone.
    ///
    /// When half of the nodes or more vanish together, it is rather the store or the
    /// network that failed them: their slots wait for the whole fence, so that the first
    /// nodes to come back do not get everything.
    pub fn look(
        &mut self,
        living: &BTreeMap<NodeId, Option<Duration>>,
        named: impl IntoIterator<Item = NodeId>,
        now: Instant,
    ) -> BTreeMap<NodeId, Away> {
        for (node, lease) in living {
            self.missed.remove(node);
            if let Some(lease) = lease {
                self.leases.insert(node.clone(), *lease);
            }
        }
        // A node that was gone before this master looked: as the others do.
        let longest = living.values().flatten().max().copied().unwrap_or(LEASE_UNKNOWN);
        let mut gone = BTreeMap::new();
        for node in named.into_iter().filter(|node| !living.contains_key(node)) {
            if gone.contains_key(&node) {
                continue;
            }
            let since = *self.missed.entry(node.clone()).or_insert(now);
            let lease = self.leases.get(&node).copied().unwrap_or(longest);
            gone.insert(node, lease.saturating_sub(now.duration_since(since)));
        }
        // What nothing names any more is forgotten.
        self.missed.retain(|node, _| gone.contains_key(node));
        self.leases
            .retain(|node, _| living.contains_key(node) || gone.contains_key(node));
        let fenced = gone.values().filter(|left| !left.is_zero()).count();
        let is_mass = fenced > 1 && fenced >= living.len();
        gone.into_iter()
            .map(|(node, kill_in)| {
                let finish_in = if is_mass { kill_in } else { Duration::ZERO };
                (node, Away { finish_in, kill_in })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str) -> NodeId {
        name.parse().unwrap()
    }

    fn living(names: &[&str]) -> BTreeMap<NodeId, Option<Duration>> {
        names
            .iter()
            .map(|n| (node(n), Some(Duration::from_secs(10))))
            .collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_fence_ends_a_lease_after_the_node_was_missed() {
        let all = || ["a", "b", "c", "d"].map(node);
        let mut absences = Absences::default();
        let start = Instant::now();
        assert!(
            absences
                .look(&living(&["a", "b", "c", "d"]), all(), start)
                .is_empty()
        );
        let gone = absences.look(&living(&["a", "b", "c"]), all(), start);
        assert_eq!(gone[&node("d")].kill_in, Duration::from_secs(10));
        assert_eq!(gone[&node("d")].finish_in, Duration::ZERO);
        let later = start + Duration::from_secs(4);
        assert_eq!(
            absences.look(&living(&["a", "b", "c"]), all(), later)[&node("d")].kill_in,
            Duration::from_secs(6)
        );
        // It came back in between: the count begins anew.
        assert!(
            absences
                .look(&living(&["a", "b", "c", "d"]), all(), later)
                .is_empty()
        );
        assert_eq!(
            absences.look(&living(&["a", "b", "c"]), all(), later)[&node("d")].kill_in,
            Duration::from_secs(10)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn when_most_vanish_together_their_slots_wait() {
        let all = || ["a", "b", "c"].map(node);
        let mut absences = Absences::default();
        let start = Instant::now();
        absences.look(&living(&["a", "b", "c"]), all(), start);
        let gone = absences.look(&living(&["a"]), all(), start);
        assert_eq!(gone[&node("b")].finish_in, Duration::from_secs(10));
        let gone = absences.look(&living(&["a"]), all(), start + Duration::from_secs(10));
        assert_eq!(gone[&node("b")].finish_in, Duration::ZERO);
    }
}
