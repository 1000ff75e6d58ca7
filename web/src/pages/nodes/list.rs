//! Which nodes are listed, and in which order.

use shared::api::{NodeState, NodeView};

use crate::{address::InUrl, api::Query, browser::lowered};

/// What is looked for. It stands in the URL.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// All of its words must be found.
    pub q: String,
    pub state: Option<NodeState>,
}

impl InUrl for Filter {
    fn read(get: &dyn Fn(&str) -> Option<String>) -> Filter {
        Filter {
            q: get("q").unwrap_or_default(),
            state: get("state").and_then(|s| parse(&s)),
        }
    }

    fn written(&self) -> Query {
        Query::default()
            .with_some("q", (!self.q.is_empty()).then_some(&self.q))
            .with_some("state", self.state.map(as_str))
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
pub fn matching(all: &[NodeView], filter: &Filter) -> Vec<NodeView> {
    let typed = lowered(&filter.q);
    let words: Vec<&str> = typed.split_whitespace().collect();
    let mut found: Vec<&NodeView> = all
        .iter()
        .filter(|node| filter.state.is_none_or(|state| node.state == state))
        .filter(|node| {
            let text = searched(node);
            words.iter().all(|word| text.contains(word))
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
    lowered(&text)
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
        let find = |q: &str, state| {
            let q = q.to_owned();
            ids(matching(&all, &Filter { q, state }))
        };
        assert_eq!(find("", None), ["a2", "a3", "a1"]);
        assert_eq!(find("role=DB", None), ["a3", "a1"]);
        assert_eq!(find(" role=db  zone", None), ["a3"]);
        assert_eq!(find("role", Some(NodeState::Ready)), ["a1"]);
        assert_eq!(find("nothing", None), Vec::<String>::new());
    }
}
