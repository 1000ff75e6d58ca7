//! Pages of runs, newest first: which runs a query asks for, and where a page ends.

use std::{fmt, str::FromStr};

use shared::{
    history::RunQuery,
    id::{JobPath, Namespace, NodeId, RunId},
    report::Run,
    run::State,
    time::Time,
};

use super::HistoryError;

const LIMIT: u32 = 100;
const LIMIT_MAX: u32 = 1000;

/// A [`RunQuery`] that has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub job: Option<JobPath>,
    pub namespace: Option<Namespace>,
    pub node: Option<NodeId>,
    /// Empty: any.
    pub states: Vec<State>,
    pub since: Option<Time>,
    pub until: Option<Time>,
    pub first: Option<RunId>,
    pub before: Option<Cursor>,
    pub limit: usize,
}

impl Wanted {
    pub fn check(query: &RunQuery) -> Result<Wanted, HistoryError> {
        let mut states = Vec::new();
        for name in query
            .state
            .iter()
            .flat_map(|s| s.split(','))
            .map(str::trim)
            .filter(|s| !s.is_empty())
        {
            let state = name.parse().map_err(HistoryError::Invalid)?;
            if !states.contains(&state) {
                states.push(state);
            }
        }
        let namespace = match query.namespace.as_deref() {
            Some(name) if !name.is_empty() => Some(name.parse().map_err(HistoryError::Invalid)?),
            _ => None,
        };
        Ok(Wanted {
            job: query.job.clone(),
            namespace,
            node: query.node.clone(),
            states,
            since: query.since,
            until: query.until,
            first: query.first,
            before: query
                .cursor
                .as_deref()
                .map(str::parse)
                .transpose()
                .map_err(HistoryError::Invalid)?,
            limit: query.limit.unwrap_or(LIMIT).clamp(1, LIMIT_MAX) as usize,
        })
    }

    /// Whether a run is on the page or after it.
    pub fn matches(&self, run: &Run) -> bool {
        self.job.as_ref().is_none_or(|job| *job == run.path)
            && self
                .namespace
                .as_ref()
                .is_none_or(|namespace| *namespace == run.path.namespace)
            && self.node.as_ref().is_none_or(|node| *node == run.node)
            && (self.states.is_empty() || self.states.contains(&run.state))
            && self.since.is_none_or(|since| run.scheduled_at >= since)
            && self.until.is_none_or(|until| run.scheduled_at < until)
            && self.first.is_none_or(|first| run.first == first)
            && self.before.is_none_or(|before| Cursor::of(run) < before)
    }

    /// Cuts `runs`, which are sorted and may be one too many, to a page.
    pub fn cut(&self, runs: &mut Vec<Run>) -> Option<String> {
        let more = runs.len() > self.limit;
        runs.truncate(self.limit);
        runs.last()
            .filter(|_| more)
            .map(|run| Cursor::of(run).to_string())
    }
}

/// A run's place in the order of pages. Runs that are recorded later do not move it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    pub scheduled_at: Time,
    pub id: RunId,
}

impl Cursor {
    pub fn of(run: &Run) -> Cursor {
        Cursor {
            scheduled_at: run.scheduled_at,
            id: run.id,
        }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.scheduled_at.as_millis(), self.id)
    }
}

impl FromStr for Cursor {
    type Err = String;
    fn from_str(s: &str) -> Result<Cursor, String> {
        let parse = || {
            let (at, id) = s.split_once('.')?;
            Some(Cursor {
                scheduled_at: Time::from_millis(at.parse().ok()?),
                id: id.parse().ok()?,
            })
        };
        parse().ok_or_else(|| format!("`{s}` is not a cursor; give the `next` of the page before"))
    }
}
