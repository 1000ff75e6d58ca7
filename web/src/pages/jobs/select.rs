//! Which jobs are chosen.

use std::{collections::HashSet, sync::Arc};

use shared::{id::JobId, id::JobPath};

use crate::{
    board::{Row, Table},
    prelude::*,
};

/// The chosen jobs. They stay chosen while the filter changes: what is done to them names
/// them all.
#[derive(Clone, Copy)]
pub struct Selection {
    chosen: RwSignal<HashSet<JobId>>,
    /// From where a click with shift goes.
    anchor: StoredValue<Option<JobId>>,
}

impl Default for Selection {
    fn default() -> Selection {
        Selection {
            chosen: RwSignal::new(HashSet::new()),
            anchor: StoredValue::new(None),
        }
    }
}

impl Selection {
    pub fn has(self, id: JobId) -> bool {
        self.chosen.with(|chosen| chosen.contains(&id))
    }

    pub fn count(self) -> usize {
        self.chosen.with(HashSet::len)
    }

    pub fn clear(self) {
        self.chosen.set(HashSet::new());
    }

    /// A click on one job's box. With shift, all from the one before to this one become so,
    /// too.
    pub fn clicked(self, id: JobId, on: bool, with_shift: bool, shown: &[Arc<Row>]) {
        let anchor = self.anchor.get_value().filter(|_| with_shift);
        self.chosen.update(|chosen| {
            for id in between(shown, anchor, id) {
                if on {
                    chosen.insert(id);
                } else {
                    chosen.remove(&id);
                }
            }
        });
        self.anchor.set_value(Some(id));
    }

    pub fn set_all(self, on: bool, shown: &[Arc<Row>]) {
        self.chosen.update(|chosen| {
            for row in shown {
                if on {
                    chosen.insert(row.job.id);
                } else {
                    chosen.remove(&row.job.id);
                }
            }
        });
    }

    /// How many of these are chosen.
    pub fn count_of(self, shown: &[Arc<Row>]) -> usize {
        self.chosen.with(|chosen| match chosen.is_empty() {
            true => 0,
            false => shown.iter().filter(|row| chosen.contains(&row.job.id)).count(),
        })
    }

    /// What is gone from the table is no longer chosen.
    pub fn keep(self, table: &Table) {
        let is_gone = |id: &JobId| table.get(*id).is_none();
        if self.chosen.with_untracked(|chosen| chosen.iter().any(is_gone)) {
            self.chosen.update(|chosen| chosen.retain(|id| !is_gone(id)));
        }
    }

    /// The chosen jobs, by namespace and name.
    pub fn paths(self, table: &Table) -> Vec<JobPath> {
        self.chosen.with_untracked(|chosen| {
            let rows = table.rows.iter().filter(|row| chosen.contains(&row.job.id));
            rows.map(|row| row.path()).collect()
        })
    }
}

/// From one to the other in the order in which they are shown; the one alone if the other is
/// not shown.
fn between(shown: &[Arc<Row>], anchor: Option<JobId>, id: JobId) -> Vec<JobId> {
    let place = |id: JobId| shown.iter().position(|row| row.job.id == id);
    match (anchor.and_then(place), place(id)) {
        (Some(a), Some(b)) => shown[a.min(b)..=a.max(b)].iter().map(|row| row.job.id).collect(),
        _ => vec![id],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::test_rows::job;

    #[test]
    fn shift_takes_all_between() {
        let jobs = (0..5).map(|n| job(n, &format!("a/j{n}"), serde_json::json!({})));
        let rows: Vec<Arc<Row>> = jobs.map(|job| Arc::new(Row::new(job))).collect();
        let id = |n: usize| rows[n].job.id;
        assert_eq!(between(&rows, Some(id(3)), id(1)), [id(1), id(2), id(3)]);
        assert_eq!(between(&rows, None, id(1)), [id(1)]);
        let unseen = job(9, "a/unseen", serde_json::json!({})).id;
        assert_eq!(between(&rows, Some(unseen), id(1)), [id(1)]);
    }
}
