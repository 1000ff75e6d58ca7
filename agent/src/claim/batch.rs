//! Claims of several slots in one transaction.

use shared::{
    Revision,
    assign::Cursor,
    fire::Decision,
    id::NodeId,
    keys,
    store::{Compare, TXN_OPS_MAX, Txn, Write},
    time::Time,
};

use super::{Candidate, Decided};
use crate::inbox::SlotKey;

/// How many slots one transaction claims: each compares its assignment and its cursor, and
/// all together the node's own key.
pub const SLOTS_MAX: usize = (TXN_OPS_MAX - 1) / 2;

/// What is to be claimed of one slot.
pub struct Claim {
    pub decided: Decided,
    /// The cursor's mod revision now; zero if there is none.
    pub revision: Revision,
    pub cursor: Cursor,
}

impl Claim {
    /// `None`: there is nothing to claim.
    pub fn new(
        candidate: &Candidate,
        decisions: Vec<Decision>,
        node: &NodeId,
        revision: Revision,
        earliest_unreported: Option<Time>,
    ) -> Option<Claim> {
        let decided = Decided::new(candidate, decisions);
        let cursor = decided.store_cursor(node, earliest_unreported)?;
        Some(Claim {
            decided,
            revision,
            cursor,
        })
    }

    pub fn key(&self) -> SlotKey {
        self.decided.key
    }
}

/// Moves the cursors, if the assignments and the cursors are what they were and this node
/// is still registered as it was.
pub fn txn(node: &NodeId, epoch: Revision, claims: &[Claim]) -> Result<Txn, serde_json::Error> {
    let mut txn = Txn {
        compares: vec![Compare::ModRevision(keys::node(node), epoch)],
        writes: Vec::new(),
    };
    for claim in claims {
        let SlotKey { job, slot } = claim.key();
        let key = keys::cursor(job, slot.unwrap_or_default());
        let owned = &claim.decided.owned;
        txn.compares
            .push(Compare::ModRevision(owned.key.clone(), owned.mod_revision));
        txn.compares
            .push(Compare::ModRevision(key.clone(), claim.revision));
        txn.writes.push(Write::Put {
            key,
            value: serde_json::to_vec(&claim.cursor)?,
            lease: None,
        });
    }
    Ok(txn)
}
