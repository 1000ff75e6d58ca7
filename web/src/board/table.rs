//! All jobs as values: how news are laid over what is known.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use shared::{
    api::board::{Board, BoardJob, Known},
    id::{JobId, JobPath},
    time::Time,
};

use crate::browser::lowered;

/// A job, and what the table makes of it once rather than at each keystroke.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    pub job: BoardJob,
    /// All that a search looks at, in lower case.
    pub haystack: String,
}

impl Row {
    pub fn new(job: BoardJob) -> Row {
        let mut haystack = lowered(&format!("{}/{}", job.namespace, job.name));
        if !job.description.is_empty() {
            haystack.push('\n');
            haystack.push_str(&lowered(&job.description));
        }
        for (key, value) in &job.labels {
            haystack.push('\n');
            haystack.push_str(&lowered(&format!("{key}={value}")));
        }
        Row { job, haystack }
    }

    pub fn path(&self) -> JobPath {
        self.job.path()
    }

    /// Where its page is.
    pub fn link(&self) -> String {
        crate::api::path("/jobs/{}/{}", &[&self.job.namespace, &self.job.name])
    }
}

/// All jobs, by namespace and name.
#[derive(Debug)]
pub struct Table {
    pub version: String,
    pub rows: Vec<Arc<Row>>,
    by_id: HashMap<JobId, usize>,
    /// Whether what is said of runs is of now.
    pub history: Known,
    pub now: Time,
}

impl Table {
    /// The table with news laid over it. A row that says the same is the same row, so that
    /// what shows it stays as it is.
    pub fn after(before: Option<&Table>, news: Board) -> Table {
        let Board {
            version,
            whole,
            jobs,
            gone,
            history,
            now,
        } = news;
        let known = |id: JobId| before.and_then(|table| table.get(id));
        let fresh: Vec<Arc<Row>> = jobs
            .into_iter()
            .map(|job| match known(job.id) {
                Some(row) if row.job == job => row.clone(),
                _ => Arc::new(Row::new(job)),
            })
            .collect();
        let rows = match before {
            Some(before) if !whole => {
                let replaced: HashSet<JobId> = fresh.iter().map(|row| row.job.id).chain(gone).collect();
                let stay = before.rows.iter().filter(|row| !replaced.contains(&row.job.id));
                stay.cloned().chain(fresh).collect()
            }
            _ => fresh,
        };
        Table::of(rows, version, history, now)
    }

    fn of(mut rows: Vec<Arc<Row>>, version: String, history: Known, now: Time) -> Table {
        rows.sort_by(|a, b| (&a.job.namespace, &a.job.name).cmp(&(&b.job.namespace, &b.job.name)));
        let by_id = rows.iter().enumerate().map(|(i, row)| (row.job.id, i)).collect();
        Table {
            version,
            rows,
            by_id,
            history,
            now,
        }
    }

    pub fn get(&self, id: JobId) -> Option<&Arc<Row>> {
        self.rows.get(*self.by_id.get(&id)?)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A row of JSON, with what every job has.
    pub(crate) fn job(n: u32, path: &str, more: serde_json::Value) -> BoardJob {
        let (namespace, name) = path.split_once('/').unwrap();
        let mut value = serde_json::json!({
            "id": JobId::new(Time::EPOCH, n.into()), "namespace": namespace, "name": name, "revision": 1, "state": "ok",
        });
        for (key, each) in more.as_object().unwrap() {
            value[key] = each.clone();
        }
        serde_json::from_value(value).unwrap()
    }

    pub(crate) fn board(version: &str, whole: bool, jobs: Vec<BoardJob>, gone: Vec<JobId>) -> Board {
        Board {
            version: version.into(),
            whole,
            jobs,
            gone,
            history: Known::Current,
            now: Time::EPOCH,
        }
    }

    fn names(table: &Table) -> Vec<String> {
        table.rows.iter().map(|row| row.path().to_string()).collect()
    }

    #[test]
    fn news_are_laid_over_what_is_known() {
        let none = serde_json::json!({});
        let (a, b, c) = (
            job(1, "ops/a", none.clone()),
            job(2, "ops/b", none.clone()),
            job(3, "dev/c", none.clone()),
        );
        let first = Table::after(
            None,
            board("1", true, vec![a.clone(), b.clone(), c.clone()], vec![]),
        );
        assert_eq!(names(&first), ["dev/c", "ops/a", "ops/b"]);

        let renamed = job(1, "ops/z", none.clone());
        let second = Table::after(
            Some(&first),
            board(
                "2",
                false,
                vec![renamed, b.clone(), job(4, "ops/new", none)],
                vec![c.id],
            ),
        );
        assert_eq!(names(&second), ["ops/b", "ops/new", "ops/z"]);
        assert!(
            Arc::ptr_eq(first.get(b.id).unwrap(), second.get(b.id).unwrap()),
            "a row that says the same stays"
        );
        assert!(second.get(c.id).is_none());

        let whole = Table::after(Some(&second), board("3", true, vec![b.clone()], vec![]));
        assert_eq!(names(&whole), ["ops/b"]);
        assert!(Arc::ptr_eq(second.get(b.id).unwrap(), whole.get(b.id).unwrap()));
    }

    #[test]
    fn a_search_looks_at_names_descriptions_and_labels() {
        let row = Row::new(job(
            1,
            "Ops/Nightly",
            serde_json::json!({"description": "Dumps ALL", "labels": {"Team": "DBA"}}),
        ));
        assert_eq!(row.haystack, "ops/nightly\ndumps all\nteam=dba");
    }
}
