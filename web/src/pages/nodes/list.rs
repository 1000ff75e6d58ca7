//! Which nodes are listed, and in which order.

use leptos::prelude::*;
use leptos_router::{
    NavigateOptions,
    hooks::{use_location, use_navigate, use_query_map},
};
use shared::api::{NodeState, NodeView};

/// What is searched for. It stands in the URL.
#[derive(Clone, Copy)]
pub struct Filter {
    pub text: RwSignal<String>,
    pub state: RwSignal<Option<NodeState>>,
}

/// A filter at one moment.
pub struct Wanted {
    /// In lower case; all of the words must be found.
    pub words: Vec<String>,
    pub state: Option<NodeState>,
}

impl Filter {
    /// Reads the URL, and keeps it as the filter is.
    pub fn of_url() -> Filter {
        let query = use_query_map();
        let (text, state) = query.with_untracked(|q| {
            (
                q.get("q").unwrap_or_default(),
                q.get("state").and_then(|s| parse(&s)),
            )
        });
        let filter = Filter {
            text: RwSignal::new(text),
            state: RwSignal::new(state),
        };
        let (navigate, path) = (use_navigate(), use_location().pathname);
        Effect::new(move |before: Option<()>| {
            let (text, state) = (filter.text.get(), filter.state.get());
            if before.is_none() {
                return;
            }
            let mut url = crate::api::Query::default();
            if !text.is_empty() {
                url = url.with("q", text);
            }
            let url = url.with_some("state", state.map(as_str));
            let options = NavigateOptions {
                replace: true,
                scroll: false,
                ..Default::default()
            };
            navigate(&url.after(&path.get_untracked()), options);
        });
        filter
    }

    pub fn with<R>(&self, look: impl FnOnce(&Wanted) -> R) -> R {
        let words = self
            .text
            .get()
            .to_lowercase()
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        look(&Wanted {
            words,
            state: self.state.get(),
        })
    }
}

fn as_str(state: NodeState) -> &'static str {
    match state {
        NodeState::Ready => "ready",
        NodeState::Cordoned => "cordoned",
        NodeState::Draining => "draining",
        NodeState::Down => "down",
    }
}

fn parse(text: &str) -> Option<NodeState> {
    let all = [
        NodeState::Ready,
        NodeState::Cordoned,
        NodeState::Draining,
        NodeState::Down,
    ];
    all.into_iter().find(|state| as_str(*state) == text)
}

/// The name people see: the operator's alias, the host's own, or the id.
pub fn name(node: &NodeView) -> &str {
    let alias = node.intent.alias.as_deref().filter(|alias| !alias.is_empty());
    alias
        .or(node.node.as_ref().map(|n| n.name.as_str()))
        .unwrap_or_else(|| node.id.as_str())
}

/// Those that fit, the troubled first, then by name.
pub fn matching(all: &[NodeView], wanted: &Wanted) -> Vec<NodeView> {
    let mut found: Vec<&NodeView> = all
        .iter()
        .filter(|node| wanted.state.is_none_or(|state| node.state == state))
        .filter(|node| {
            let text = searched(node);
            wanted.words.iter().all(|word| text.contains(word))
        })
        .collect();
    found.sort_by(|a, b| (trouble(b), name(a)).cmp(&(trouble(a), name(b))));
    found.into_iter().cloned().collect()
}

fn trouble(node: &NodeView) -> u8 {
    match node.state {
        NodeState::Down => 2,
        NodeState::Cordoned | NodeState::Draining => 1,
        NodeState::Ready => 0,
    }
}

fn searched(node: &NodeView) -> String {
    let mut text = format!("{} {}", name(node), node.id);
    for (key, value) in &node.labels {
        text.push_str(&format!(" {key}={value}"));
    }
    if let Some(agent) = &node.node {
        text.push(' ');
        text.push_str(&agent.version);
    }
    text.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(id: &str, state: NodeState, labels: &[(&str, &str)]) -> NodeView {
        NodeView {
            id: id.parse().unwrap(),
            node: None,
            intent: Default::default(),
            labels: labels
                .iter()
                .map(|(k, v)| (k.to_string(), v.to_string()))
                .collect(),
            state,
            slots: 0,
            health: None,
            clock_offset_ms: None,
            last_seen: None,
        }
    }

    fn ids(found: Vec<NodeView>) -> Vec<String> {
        found.into_iter().map(|n| n.id.to_string()).collect()
    }

    #[test]
    fn the_troubled_come_first_and_all_words_must_fit() {
        let all = [
            node("a1", NodeState::Ready, &[("role", "db")]),
            node("a2", NodeState::Down, &[("role", "web")]),
            node("a3", NodeState::Cordoned, &[("role", "DB"), ("zone", "x")]),
        ];
        let find = |words: &[&str], state| {
            let words = words.iter().map(|w| w.to_string()).collect();
            ids(matching(&all, &Wanted { words, state }))
        };
        assert_eq!(find(&[], None), ["a2", "a3", "a1"]);
        assert_eq!(find(&["role=db"], None), ["a3", "a1"]);
        assert_eq!(find(&["role=db", "zone"], None), ["a3"]);
        assert_eq!(find(&["role"], Some(NodeState::Ready)), ["a1"]);
        assert_eq!(find(&["nothing"], None), Vec::<String>::new());
    }
}
