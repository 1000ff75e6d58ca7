//! In which order jobs stand.

use std::{cmp::Ordering, sync::Arc};

use super::Rows;
use crate::board::Row;

/// A column that jobs can be ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Column {
    /// By urgency.
    State,
    #[default]
    Name,
    Next,
    Last,
    Success,
    Usual,
    Running,
}

/// By what, and whether the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Sort {
    pub by: Column,
    pub is_descending: bool,
}

impl Column {
    const ALL: [Column; 7] = [
        Column::State,
        Column::Name,
        Column::Next,
        Column::Last,
        Column::Success,
        Column::Usual,
        Column::Running,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Column::State => "state",
            Column::Name => "name",
            Column::Next => "next",
            Column::Last => "last",
            Column::Success => "success",
            Column::Usual => "usual",
            Column::Running => "running",
        }
    }

    /// The first click on it shows what one looks for: the newest, the longest, the most.
    fn starts_descending(self) -> bool {
        matches!(self, Column::Last | Column::Usual | Column::Running)
    }
}

impl Sort {
    /// As in the URL: `next`, `-last`.
    pub fn read(text: &str) -> Option<Sort> {
        let (is_descending, name) = match text.strip_prefix('-') {
            Some(name) => (true, name),
            None => (false, text),
        };
        let by = Column::ALL.into_iter().find(|column| column.as_str() == name)?;
        Some(Sort { by, is_descending })
    }

    pub fn written(self) -> String {
        format!(
            "{}{}",
            if self.is_descending { "-" } else { "" },
            self.by.as_str()
        )
    }

    /// What a click on a column's head makes of it.
    pub fn clicked(self, column: Column) -> Sort {
        if self.by == column {
            return Sort {
                by: column,
                is_descending: !self.is_descending,
            };
        }
        Sort {
            by: column,
            is_descending: column.starts_descending(),
        }
    }
}

/// The rows in this order. They come by namespace and name, which decides between equals;
/// what has no value comes last, either way.
pub fn ordered(rows: &[Arc<Row>], sort: Sort) -> Rows {
    let mut rows = rows.to_vec();
    let is_down = sort.is_descending;
    match sort.by {
        Column::Name if is_down => rows.reverse(),
        Column::Name => {}
        Column::State => by_key(&mut rows, is_down, |row| Some(row.job.state)),
        Column::Next => by_key(&mut rows, is_down, |row| row.job.next),
        Column::Last => by_key(&mut rows, is_down, |row| {
            row.job
                .last
                .as_ref()
                .map(|run| run.finished_at.or(run.started_at).unwrap_or(run.at))
        }),
        Column::Success => by_key(&mut rows, is_down, |row| row.job.success_percent),
        Column::Usual => by_key(&mut rows, is_down, |row| row.job.usual_ms),
        Column::Running => by_key(&mut rows, is_down, |row| Some(row.job.running)),
    }
    Arc::new(rows)
}

fn by_key<K: Ord>(rows: &mut [Arc<Row>], is_down: bool, key: impl Fn(&Row) -> Option<K>) {
    sort_by(rows, &|a, b| match (key(a), key(b)) {
        (Some(a), Some(b)) if is_down => b.cmp(&a),
        (Some(a), Some(b)) => a.cmp(&b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    });
}

/// Sorting stands in the console once, not once a column.
fn sort_by(rows: &mut [Arc<Row>], compare: &dyn Fn(&Row, &Row) -> Ordering) {
    rows.sort_by(|a, b| compare(a, b));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::test_rows::job;

    fn names(sort: &str) -> Vec<String> {
        let rows = [
            job(
                1,
                "a/a",
                serde_json::json!({"state": "ok", "usual_ms": 10, "next": "2026-01-01T00:00:00Z"}),
            ),
            job(2, "a/b", serde_json::json!({"state": "failing", "usual_ms": 30})),
            job(
                3,
                "a/c",
                serde_json::json!({"state": "ok", "next": "2025-01-01T00:00:00Z"}),
            ),
        ];
        let rows: Vec<Arc<Row>> = rows.into_iter().map(|job| Arc::new(Row::new(job))).collect();
        let ordered = ordered(&rows, Sort::read(sort).unwrap());
        ordered.iter().map(|row| row.job.name.to_string()).collect()
    }

    #[test]
    fn orders() {
        assert_eq!(names("name"), ["a", "b", "c"]);
        assert_eq!(names("-name"), ["c", "b", "a"]);
        assert_eq!(names("state"), ["b", "a", "c"]);
        assert_eq!(names("usual"), ["a", "b", "c"], "what has none is last");
        assert_eq!(names("-usual"), ["b", "a", "c"]);
        assert_eq!(names("next"), ["c", "a", "b"]);
    }

    #[test]
    fn it_stands_in_the_url() {
        for column in Column::ALL {
            for is_descending in [true, false] {
                let sort = Sort {
                    by: column,
                    is_descending,
                };
                assert_eq!(Sort::read(&sort.written()), Some(sort));
            }
        }
        assert_eq!(Sort::read("colour"), None);
        let by_usual = Sort::default().clicked(Column::Usual);
        assert_eq!(by_usual.written(), "-usual");
        assert_eq!(by_usual.clicked(Column::Usual).written(), "usual");
    }
}
