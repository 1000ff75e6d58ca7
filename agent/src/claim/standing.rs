//! What a slot's cursor says about where its fires go on.

use shared::{assign::Cursor, id::NodeId, store::KeyValue, time::Time};

use super::Candidate;

/// Where a slot's fires go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Everything up to here is decided: here, or by whoever had the slot before.
    At(Time),
    /// This node claimed the instants up to here under the present assignment, and the
    /// spool does not have them: nothing of them has started.
    Unspooled { until: Time },
    /// This node claimed these under the present assignment, and there is no spool that
    /// would remember: nobody knows what of them has started.
    Forgotten { since: Time, until: Time },
}

/// Reads a cursor. An error: it holds what this version does not understand.
pub fn standing(candidate: &Candidate, kv: Option<&KeyValue>, node: &NodeId) -> Result<Standing, String> {
    let Some(kv) = kv else {
        return Ok(Standing::At(candidate.last));
    };
    let cursor: Cursor = serde_json::from_slice(&kv.value).map_err(|e| e.to_string())?;
    // A claim compares the assignment: one that is younger than the assignment was made
    // under it.
    let is_own = cursor.node == *node && kv.mod_revision > candidate.owned.create_revision;
    Ok(match (is_own, candidate.is_remembered) {
        // Cursors only move forward: one that is behind was restored from a backup.
        _ if cursor.at <= candidate.last => Standing::At(candidate.last),
        (false, _) => Standing::At(cursor.at),
        (true, true) => Standing::Unspooled { until: cursor.at },
        (true, false) => Standing::Forgotten {
            since: cursor.unreported_since,
            until: cursor.at,
        },
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use shared::{
        assign::Assignment,
        fire::Timetable,
        id::{JobId, RunId},
        job::{Action, JobSpec, RunSpec},
    };

    use super::*;
    use crate::{inbox::SlotKey, parts::OwnedAssignment, ticker::CursorView};

    fn secs(s: i64) -> Time {
        Time::from_secs(s)
    }

    fn check(claimed_by: &str, claimed_at: i64, cursor: i64, last: i64, is_remembered: bool) -> Standing {
        let job = JobId::new(Time::EPOCH, 1);
        let spec = JobSpec::new("j".parse().unwrap(), RunSpec::new(Action::Shell("true".into())));
        let timetable = Arc::new(Timetable::new(job, &spec).unwrap());
        let assignment = Assignment {
            job,
            revision: 1,
            spec,
            since: secs(0),
            slot: Some(0),
            groups: Default::default(),
            calendars: Default::default(),
        };
        let owned = OwnedAssignment {
            key: "k".into(),
            assignment,
            create_revision: 50,
            mod_revision: 60,
        };
        let candidate = Candidate {
            key: SlotKey { job, slot: Some(0) },
            owned: Arc::new(owned),
            timetable,
            last: secs(last),
            cursor: CursorView::Unread,
            is_remembered,
        };
        let cursor = Cursor {
            at: secs(cursor),
            run: RunId::new(secs(cursor), 0),
            node: claimed_by.parse().unwrap(),
            unreported_since: secs(cursor - 5),
        };
        let kv = KeyValue {
            key: "cursor/x/0".into(),
            value: serde_json::to_vec(&cursor).unwrap(),
            create_revision: 1,
            mod_revision: claimed_at,
            lease: 0,
        };
        standing(&candidate, Some(&kv), &"me".parse().unwrap()).unwrap()
    }

    #[test]
    fn cursors_by_who_moved_them_and_when() {
        // Another node's, or this node's under an assignment before: theirs to explain.
        assert_eq!(check("other", 55, 100, 90, true), Standing::At(secs(100)));
        assert_eq!(check("me", 45, 100, 90, true), Standing::At(secs(100)));
        // Claimed here, under this assignment, and the spool stops before it.
        assert_eq!(
            check("me", 55, 100, 90, true),
            Standing::Unspooled { until: secs(100) }
        );
        assert_eq!(
            check("me", 55, 100, 90, false),
            Standing::Forgotten {
                since: secs(95),
                until: secs(100)
            }
        );
        // The spool has it all; or the store was put back to an earlier day.
        assert_eq!(check("me", 55, 100, 100, true), Standing::At(secs(100)));
        assert_eq!(check("other", 55, 80, 100, true), Standing::At(secs(100)));
    }
}
