//! Pages of runs, newest first: which runs a query asks for, and where a page ends.

use std::{fmt, str::FromStr};

use shared::{
    history::RunQuery,
    id::{JobId, JobPath, Namespace, NodeId, RunId},
    report::Run,
    run::{Cause, State},
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
    /// Empty: any.
    pub causes: Vec<Cause>,
    /// Any of these jobs; none at all if there is none in it.
    pub jobs: Option<Vec<JobId>>,
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
        let mut causes = Vec::new();
        for name in query.cause.iter().flat_map(|s| s.split(',')).map(str::trim) {
            if !name.is_empty() {
                causes.push(cause(name)?);
            }
        }
        causes.dedup();
        let namespace = match query.namespace.as_deref() {
            Some(name) if !name.is_empty() => Some(name.parse().map_err(HistoryError::Invalid)?),
            _ => None,
        };
        Ok(Wanted {
            job: query.job.clone(),
            namespace,
            node: query.node.clone(),
            states,
            causes,
            jobs: query.job_id.map(|job| vec![job]),
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
            && (self.causes.is_empty() || self.causes.contains(&run.cause))
            && self.jobs.as_ref().is_none_or(|jobs| jobs.contains(&run.job))
            && self.since.is_none_or(|since| run.scheduled_at >= since)
            && self.until.is_none_or(|until| run.scheduled_at < until)
            && self.first.is_none_or(|first| run.first == first)
            && self.before.is_none_or(|before| Cursor::of(run) < before)
    }

    /// The walks along indexes that together find every run that is wanted. One index gives
    /// the order for one job, node, state or cause. Of several states, each is a walk of its
    /// own, and what they find is merged: a sort of all runs in those states could be one of
    /// millions.
    pub fn walks(&self) -> Vec<Walk> {
        let all = Walk {
            job: None,
            states: self.states.clone(),
            causes: self.causes.clone(),
        };
        if let Some(jobs) = &self.jobs {
            let of = |job: &JobId| Walk {
                job: Some(*job),
                ..all.clone()
            };
            return jobs.iter().map(of).collect();
        }
        if self.job.is_some() || self.node.is_some() || self.first.is_some() {
            return vec![all];
        }
        let by_state = |state: &State| Walk {
            states: vec![*state],
            ..all.clone()
        };
        let by_cause = |cause: &Cause| Walk {
            causes: vec![*cause],
            ..all.clone()
        };
        match (self.states.len(), self.causes.len()) {
            (2.., _) => self.states.iter().map(by_state).collect(),
            (0, 2..) => self.causes.iter().map(by_cause).collect(),
            _ => vec![all],
        }
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

/// Runs that are found in order along one index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walk {
    pub job: Option<JobId>,
    /// Empty: any.
    pub states: Vec<State>,
    pub causes: Vec<Cause>,
}

fn cause(name: &str) -> Result<Cause, HistoryError> {
    let all = [
        Cause::Schedule,
        Cause::CatchUp,
        Cause::Manual,
        Cause::Retry,
        Cause::Lost,
    ];
    let found = all.into_iter().find(|cause| cause.as_str() == name);
    found.ok_or_else(|| {
        let all: Vec<&str> = all.iter().map(|cause| cause.as_str()).collect();
        HistoryError::Invalid(format!(
            "`{name}` is not a run's cause; it is one of {}",
            all.join(", ")
        ))
    })
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
