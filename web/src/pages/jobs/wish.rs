//! What is asked for stands in the URL, so that a link shows the same.

use shared::api::board::JobState;

use super::{filter::Filter, order::Sort};
use crate::{address::InUrl, api::Query};

/// What the viewer wants to see.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Wish {
    pub filter: Filter,
    pub sort: Sort,
}

impl Wish {
    /// Shows everything, in the same order.
    pub fn clear(&mut self) {
        self.filter = Filter::default();
    }
}

impl InUrl for Wish {
    fn read(get: &dyn Fn(&str) -> Option<String>) -> Wish {
        let text = |name| get(name).unwrap_or_default();
        let states = text("state");
        Wish {
            filter: Filter {
                q: text("q"),
                namespace: text("namespace"),
                labels: text("label"),
                node: text("node"),
                states: states
                    .split(',')
                    .filter_map(|s| s.parse::<JobState>().ok())
                    .collect(),
            },
            sort: get("sort").and_then(|s| Sort::read(&s)).unwrap_or_default(),
        }
    }

    fn written(&self) -> Query {
        let Filter {
            q,
            namespace,
            labels,
            node,
            states,
        } = &self.filter;
        let some = |text: &String| (!text.is_empty()).then(|| text.clone());
        let states: Vec<&str> = states.iter().map(|state| state.as_str()).collect();
        Query::default()
            .with_some("q", some(q))
            .with_some("namespace", some(namespace))
            .with_some("label", some(labels))
            .with_some("node", some(node))
            .with_some("state", some(&states.join(",")))
            .with_some(
                "sort",
                (self.sort != Sort::default()).then(|| self.sort.written()),
            )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Wish {
        let pairs: BTreeMap<&str, &str> = pairs.iter().copied().collect();
        Wish::read(&|name| pairs.get(name).map(ToString::to_string))
    }

    #[test]
    fn a_link_shows_the_same() {
        let wish = read(&[
            ("q", "a b&c"),
            ("namespace", "ops"),
            ("label", "team=dba"),
            ("state", "failing,bogus,paused"),
            ("sort", "-next"),
        ]);
        assert_eq!(wish.filter.states, [JobState::Failing, JobState::Paused]);
        assert_eq!(
            wish.written().after("/jobs"),
            "/jobs?q=a%20b%26c&namespace=ops&label=team%3Ddba&state=failing%2Cpaused&sort=-next"
        );
        assert_eq!(read(&[]), Wish::default());
        assert_eq!(Wish::default().written().after("/jobs"), "/jobs");
        let mut cleared = wish;
        cleared.clear();
        assert_eq!(cleared.written().after("/jobs"), "/jobs?sort=-next");
    }
}
