//! What is asked for stands in the URL, so that a link shows the same.

use std::time::Duration;

use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*};
use leptos_router::{
    NavigateOptions,
    hooks::{use_location, use_navigate, use_query_map},
};
use shared::api::board::JobState;

use super::{filter::Filter, order::Sort};
use crate::api::Query;

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

    fn read(get: impl Fn(&str) -> Option<String>) -> Wish {
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

/// While somebody types, the URL waits.
const SETTLED: Duration = Duration::from_millis(250);

/// The wish of the URL, followed both ways.
pub fn wish() -> RwSignal<Wish> {
    let query = use_query_map();
    let read = move || query.with(|q| Wish::read(|name| q.get(name)));
    let wish = RwSignal::new(untrack(read));
    // What was last written there: hearing of it again is no news, and must not undo what was
    // typed meanwhile.
    let written = StoredValue::new(wish.get_untracked());
    Effect::new(move |before: Option<()>| {
        let told = read();
        if before.is_some() && written.with_value(|w| *w != told) {
            written.set_value(told.clone());
            wish.set(told);
        }
    });
    let (navigate, path) = (use_navigate(), use_location().pathname);
    let home = path.get_untracked();
    let waiting = StoredValue::new(None::<TimeoutHandle>);
    Effect::new(move |_| {
        let new = wish.get();
        if let Some(handle) = waiting.try_update_value(Option::take).flatten() {
            handle.clear();
        }
        if written.with_value(|w| *w == new) {
            return;
        }
        let (navigate, home) = (navigate.clone(), home.clone());
        let write = move || {
            if path.try_get_untracked().as_ref() != Some(&home) {
                return;
            }
            written.set_value(new.clone());
            let options = NavigateOptions {
                replace: true,
                scroll: false,
                ..NavigateOptions::default()
            };
            navigate(&new.written().after(&home), options);
        };
        waiting.set_value(set_timeout_with_handle(write, SETTLED).ok());
    });
    on_cleanup(move || {
        if let Some(handle) = waiting.try_update_value(Option::take).flatten() {
            handle.clear();
        }
    });
    wish
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Wish {
        let pairs: BTreeMap<&str, &str> = pairs.iter().copied().collect();
        Wish::read(|name| pairs.get(name).map(ToString::to_string))
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
