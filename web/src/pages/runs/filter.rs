//! Which runs to show, as it stands in the URL, so that a link shows the same.

use std::fmt;

use shared::{
    history::{RunQuery, RunView},
    id::{JobPath, NodeId},
    run::{Cause, State},
    time::Time,
    units::Span,
};

use crate::{address::InUrl, api::Query, browser::lowered};

/// See the module. What is empty asks for nothing.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Filter {
    /// A part of a job's name.
    pub q: String,
    /// One job.
    pub job: Option<JobPath>,
    pub namespace: String,
    pub node: Option<NodeId>,
    pub states: Vec<State>,
    pub causes: Vec<Cause>,
    /// Scheduled at or after.
    pub since: Option<When>,
    /// Scheduled before.
    pub until: Option<Time>,
}

/// An instant, or so long ago: a link to the last hour shows the last hour tomorrow, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    At(Time),
    Ago(Span),
}

impl When {
    pub fn read(text: &str) -> Option<When> {
        match text.parse() {
            Ok(at) => Some(When::At(at)),
            Err(_) => text.parse().ok().map(When::Ago),
        }
    }

    pub fn at(self, now: Time) -> Time {
        match self {
            When::At(at) => at,
            When::Ago(span) => {
                let ms = i64::try_from(span.get().as_millis()).unwrap_or(i64::MAX);
                Time::from_millis(now.as_millis().saturating_sub(ms))
            }
        }
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            When::At(at) => at.fmt(f),
            When::Ago(span) => span.fmt(f),
        }
    }
}

pub const CAUSES: [Cause; 5] = [
    Cause::Schedule,
    Cause::CatchUp,
    Cause::Manual,
    Cause::Retry,
    Cause::Lost,
];

impl InUrl for Filter {
    /// What cannot be read asks for nothing.
    fn read(get: &dyn Fn(&str) -> Option<String>) -> Filter {
        let text = |name: &str| get(name).unwrap_or_default();
        let (states, causes) = (text("state"), text("cause"));
        Filter {
            q: text("q"),
            job: text("job").parse().ok(),
            namespace: text("namespace"),
            node: text("node").parse().ok(),
            states: states.split(',').filter_map(|s| s.parse().ok()).collect(),
            causes: CAUSES
                .into_iter()
                .filter(|cause| causes.split(',').any(|c| c == cause.as_str()))
                .collect(),
            since: When::read(&text("since")),
            until: text("until").parse().ok(),
        }
    }

    fn written(&self) -> Query {
        Query::default()
            .with_some("q", some(&self.q))
            .with_some("job", self.job.as_ref())
            .with_some("namespace", some(&self.namespace))
            .with_some("node", self.node.as_ref())
            .with_some("state", joined(&self.states, |state| state.as_str()))
            .with_some("cause", joined(&self.causes, |cause| cause.as_str()))
            .with_some("since", self.since)
            .with_some("until", self.until)
    }
}

impl Filter {
    /// What cannot be read asks for nothing.
    pub fn is_set(&self) -> bool {
        *self != Filter::default()
    }

    /// As the API asks for them.
    pub fn asked(&self, now: Time) -> RunQuery {
        RunQuery {
            job: self.job.clone(),
            namespace: some(&self.namespace),
            node: self.node.clone(),
            state: joined(&self.states, |state| state.as_str()),
            cause: joined(&self.causes, |cause| cause.as_str()),
            q: some(&self.q),
            since: self.since.map(|since| since.at(now)),
            until: self.until,
            ..RunQuery::default()
        }
    }

    /// Whether a run that was just recorded belongs to them.
    pub fn shows(&self, run: &RunView, now: Time) -> bool {
        let name = || lowered(&run.job.to_string());
        self.job.as_ref().is_none_or(|job| *job == run.job)
            && (self.namespace.is_empty() || run.job.namespace.as_str() == self.namespace)
            && self.node.as_ref().is_none_or(|node| *node == run.node)
            && (self.states.is_empty() || self.states.contains(&run.state))
            && (self.causes.is_empty() || self.causes.contains(&run.cause))
            && (self.q.is_empty() || name().contains(&lowered(&self.q)))
            && self.since.is_none_or(|since| run.scheduled_at >= since.at(now))
            && self.until.is_none_or(|until| run.scheduled_at < until)
    }
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn joined<T: Copy>(all: &[T], name: impl Fn(T) -> &'static str) -> Option<String> {
    let names: Vec<&str> = all.iter().map(|each| name(*each)).collect();
    (!names.is_empty()).then(|| names.join(","))
}

/// Takes one in, or out.
pub fn toggle<T: PartialEq>(all: &mut Vec<T>, one: T) {
    match all.iter().position(|each| *each == one) {
        Some(at) => drop(all.remove(at)),
        None => all.push(one),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Filter {
        let pairs: BTreeMap<&str, &str> = pairs.iter().copied().collect();
        Filter::read(&|name| pairs.get(name).map(ToString::to_string))
    }

    #[test]
    fn a_link_shows_the_same() {
        let filter = read(&[
            ("q", "a&b"),
            ("job", "ops/backup"),
            ("namespace", "ops"),
            ("node", "db1"),
            ("state", "failed,bogus,lost"),
            ("cause", "retry,manual"),
            ("since", "24h"),
            ("until", "2026-11-21T07:00:00Z"),
        ]);
        assert_eq!(filter.states, [State::Failed, State::Lost]);
        assert_eq!(filter.causes, [Cause::Manual, Cause::Retry]);
        assert_eq!(
            filter.written().after("/runs"),
            "/runs?q=a%26b&job=ops%2Fbackup&namespace=ops&node=db1&state=failed%2Clost\
             &cause=manual%2Cretry&since=1d&until=2026-11-21T07%3A00%3A00.000Z"
        );
        assert_eq!(read(&[]), Filter::default());
        assert_eq!(
            read(&[("since", "soon"), ("job", "x/y/z"), ("until", "")]),
            Filter::default()
        );
    }

    #[test]
    fn so_long_ago_is_counted_from_now() {
        let now: Time = "2026-11-21T07:00:00Z".parse().unwrap();
        let asked = read(&[("since", "1h")]).asked(now);
        assert_eq!(asked.since, Some("2026-11-21T06:00:00Z".parse().unwrap()));
        let at = read(&[("since", "2026-11-20T00:00:00Z")]).asked(now);
        assert_eq!(at.since, Some("2026-11-20T00:00:00Z".parse().unwrap()));
    }

    #[test]
    fn new_runs_are_shown_as_the_server_would() {
        let now: Time = "2026-11-21T07:00:00Z".parse().unwrap();
        let run = crate::pages::runs::list::tests::run(1, "2026-11-21T06:30:00Z", State::Failed);
        let shows = |pairs: &[(&str, &str)]| read(pairs).shows(&run, now);
        assert!(shows(&[]));
        assert!(shows(&[
            ("q", "BACK"),
            ("namespace", "ops"),
            ("job", "ops/backup")
        ]));
        assert!(shows(&[("state", "failed,lost"), ("cause", "schedule")]));
        assert!(shows(&[("since", "1h"), ("until", "2026-11-21T07:00:00Z")]));
        for other in [
            ("q", "x"),
            ("namespace", "dev"),
            ("job", "ops/b"),
            ("node", "other"),
            ("state", "succeeded"),
            ("cause", "manual"),
            ("since", "10m"),
            ("until", "2026-11-21T06:30:00Z"),
        ] {
            assert!(!shows(&[other]), "{other:?}");
        }
    }
}
