//! Which jobs are shown.

use std::{collections::BTreeMap, sync::Arc};

use shared::{
    api::board::{BoardJob, JobState, ROW_NODES_MAX},
    id::NodeId,
    target::{Groups, Labels, Selector},
};

use super::Rows;
use crate::{board::Row, browser::lowered};

/// What jobs must be to be shown.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Filter {
    /// Words that must all be found.
    pub q: String,
    pub namespace: String,
    /// A label selector, as it was typed.
    pub labels: String,
    pub node: String,
    /// Any of these; all if none is named.
    pub states: Vec<JobState>,
}

/// The nodes that every-node jobs may run on, and the groups that name them.
#[derive(Clone, Debug, Default)]
pub struct Fleet {
    pub nodes: BTreeMap<NodeId, Labels>,
    pub groups: Groups,
}

/// The jobs that are shown, and how many there would be in each state.
#[derive(Debug, Default)]
pub struct Shown {
    pub rows: Rows,
    /// By state, in their order, whatever states are asked for.
    pub counts: [usize; JobState::ALL.len()],
}

impl Shown {
    pub fn count(&self, state: JobState) -> usize {
        self.counts[state as usize]
    }

    pub fn of_any_state(&self) -> usize {
        self.counts.iter().sum()
    }
}

impl Filter {
    pub fn is_set(&self) -> bool {
        *self != Filter::default()
    }

    /// The selector, if what was typed is one.
    pub fn selector(&self) -> Result<Selector, String> {
        self.labels.parse()
    }
}

/// Those of the rows that match, in the same order. A label selector that cannot be read
/// matches nothing: what is done to all that are shown must not be done to all there are.
pub fn shown(rows: &Rows, filter: &Filter, fleet: Option<&Fleet>) -> Shown {
    let q = lowered(&filter.q);
    let words: Vec<&str> = q.split_whitespace().collect();
    let labels = filter.selector().ok();
    let node: Option<NodeId> = filter.node.parse().ok();
    let mut counts = [0; JobState::ALL.len()];
    let matches = |row: &Row| {
        words.iter().all(|word| row.haystack.contains(word))
            && (filter.namespace.is_empty() || row.job.namespace.as_str() == filter.namespace)
            && labels
                .as_ref()
                .is_some_and(|labels| labels.matches(&row.job.labels))
            && node.as_ref().is_none_or(|node| runs_on(&row.job, node, fleet))
    };
    let found = rows.iter().filter(|row| matches(row)).filter(|row| {
        counts[row.job.state as usize] += 1;
        filter.states.is_empty() || filter.states.contains(&row.job.state)
    });
    let found: Vec<Arc<Row>> = found.cloned().collect();
    Shown {
        rows: Arc::new(found),
        counts,
    }
}

/// Whether a job runs on a node: it owns a slot, or the node matches where all nodes do. Of
/// a job with more owners than a row names, a node that matches is taken for one.
fn runs_on(job: &BoardJob, node: &NodeId, fleet: Option<&Fleet>) -> bool {
    if job.nodes.contains(node) {
        return true;
    }
    let matches = || {
        let fleet = fleet?;
        let labels = fleet.nodes.get(node)?;
        job.target.on.check(node, labels, &fleet.groups).ok()
    };
    (job.is_everywhere() || job.nodes.len() >= ROW_NODES_MAX) && matches().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::test_rows::job;

    fn rows() -> Rows {
        let rows = [
            job(
                1,
                "ops/backup",
                serde_json::json!({"state": "failing", "labels": {"team": "dba"}, "nodes": ["n1"]}),
            ),
            job(
                2,
                "ops/Report",
                serde_json::json!({"description": "Monthly BACKUP report", "labels": {"team": "web"}}),
            ),
            job(
                3,
                "dev/clean",
                serde_json::json!({"state": "paused", "target": {"place": "every", "labels": "role=db"}}),
            ),
        ];
        Arc::new(rows.into_iter().map(|job| Arc::new(Row::new(job))).collect())
    }

    fn found(filter: Filter) -> Vec<String> {
        let fleet = Fleet {
            nodes: BTreeMap::from([
                (
                    "n1".parse().unwrap(),
                    Labels::from([("role".into(), "db".into())]),
                ),
                ("n2".parse().unwrap(), Labels::new()),
            ]),
            groups: Groups::new(),
        };
        let shown = shown(&rows(), &filter, Some(&fleet));
        shown.rows.iter().map(|row| row.job.name.to_string()).collect()
    }

    fn with(change: impl FnOnce(&mut Filter)) -> Filter {
        let mut filter = Filter::default();
        change(&mut filter);
        filter
    }

    #[test]
    fn all_that_is_asked_must_hold() {
        assert_eq!(found(Filter::default()), ["backup", "Report", "clean"]);
        assert_eq!(found(with(|f| f.q = "BackUp".into())), ["backup", "Report"]);
        assert_eq!(found(with(|f| f.q = "report  ops".into())), ["Report"]);
        assert_eq!(found(with(|f| f.namespace = "dev".into())), ["clean"]);
        assert_eq!(found(with(|f| f.labels = "team=dba".into())), ["backup"]);
        assert_eq!(found(with(|f| f.labels = "!team".into())), ["clean"]);
        assert!(
            found(with(|f| f.labels = "team=(".into())).is_empty(),
            "no selector is none of them"
        );
        assert_eq!(
            found(with(|f| f.states = vec![JobState::Paused, JobState::Failing])),
            ["backup", "clean"]
        );
        assert_eq!(
            found(with(|f| {
                f.q = "backup".into();
                f.states = vec![JobState::Paused];
            })),
            Vec::<String>::new()
        );
    }

    #[test]
    fn nodes_own_slots_or_match_where_all_do() {
        assert_eq!(found(with(|f| f.node = "n1".into())), ["backup", "clean"]);
        assert_eq!(found(with(|f| f.node = "n2".into())), Vec::<String>::new());
    }

    #[test]
    fn states_are_counted_whatever_state_is_asked_for() {
        let filter = with(|f| {
            f.namespace = "ops".into();
            f.states = vec![JobState::Paused];
        });
        let shown = shown(&rows(), &filter, None);
        assert_eq!(shown.rows.len(), 0);
        assert_eq!(
            (
                shown.count(JobState::Failing),
                shown.count(JobState::Ok),
                shown.count(JobState::Paused)
            ),
            (1, 1, 0)
        );
        assert_eq!(shown.of_any_state(), 2);
    }
}
