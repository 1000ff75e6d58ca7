//! A job file as plain values, and where something stands in it.

use std::fmt;

use serde_json::{Map, Value};
use shared::file::says_nothing;

/// A step from a value into it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    Key(String),
    Index(usize),
}

/// Where something stands: `triggers.0.cron`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Path(pub Vec<Step>);

impl Path {
    /// Of keys and numbers with dots between them. Keys of labels and the like may hold dots
    /// themselves: those are added by [`Path::key`].
    pub fn of(text: &str) -> Path {
        let step = |part: &str| match part.parse() {
            Ok(index) => Step::Index(index),
            Err(_) => Step::Key(part.to_owned()),
        };
        Path(
            text.split('.')
                .filter(|part| !part.is_empty())
                .map(step)
                .collect(),
        )
    }

    pub fn key(&self, key: &str) -> Path {
        self.with(Step::Key(key.to_owned()))
    }

    pub fn index(&self, index: usize) -> Path {
        self.with(Step::Index(index))
    }

    fn with(&self, step: Step) -> Path {
        let mut steps = self.0.clone();
        steps.push(step);
        Path(steps)
    }

    /// Whether this is `other`, or lies in it.
    pub fn is_in(&self, other: &Path) -> bool {
        self.0.starts_with(&other.0)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.0.iter().enumerate() {
            let dot = if i == 0 { "" } else { "." };
            match step {
                Step::Key(key) => write!(f, "{dot}{key}")?,
                Step::Index(index) => write!(f, "{dot}{index}")?,
            }
        }
        Ok(())
    }
}

/// A change: something stands there from now on, or nothing does. An index that is the
/// list's length adds to it; nothing at an index takes the item out.
#[derive(Clone, Debug, PartialEq)]
pub struct Op {
    pub at: Path,
    pub value: Option<Value>,
}

impl Op {
    pub fn set(at: Path, value: impl Into<Value>) -> Op {
        Op {
            at,
            value: Some(value.into()),
        }
    }

    pub fn remove(at: Path) -> Op {
        Op { at, value: None }
    }
}

/// What stands there. The short form `schedule: X` is read as the one trigger it is.
pub fn get<'v>(tree: &'v Value, at: &Path) -> Option<&'v Value> {
    let steps = match (tree.get("schedule"), at.0.as_slice()) {
        (Some(_), [Step::Key(first), Step::Index(0), Step::Key(key)])
            if first == "triggers" && key == "cron" =>
        {
            return tree.get("schedule");
        }
        (_, steps) => steps,
    };
    let found = steps.iter().try_fold(tree, |value, step| match step {
        Step::Key(key) => value.get(key),
        Step::Index(index) => value.get(index),
    });
    found.filter(|value| !value.is_null())
}

/// What stands there as text for a field: empty if it is none.
pub fn text(tree: &Value, at: &Path) -> String {
    get(tree, at).map(scalar).unwrap_or_default()
}

/// A value as a field shows it; lists and maps are none.
pub fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        _ => String::new(),
    }
}

/// A list as texts; one thing alone is a list of it.
pub fn list(tree: &Value, at: &Path) -> Vec<String> {
    match get(tree, at) {
        Some(Value::Array(items)) => items.iter().map(scalar).collect(),
        Some(Value::Object(_)) | None => Vec::new(),
        Some(one) => vec![scalar(one)],
    }
}

/// A map of texts.
pub fn pairs(tree: &Value, at: &Path) -> Vec<(String, String)> {
    match get(tree, at) {
        Some(Value::Object(map)) => map.iter().map(|(k, v)| (k.clone(), scalar(v))).collect(),
        _ => Vec::new(),
    }
}

/// The triggers, also where the file has the short form.
pub fn triggers(tree: &Value) -> Vec<Value> {
    match (tree.get("schedule"), tree.get("triggers")) {
        (Some(schedule), _) if !schedule.is_null() => {
            vec![serde_json::json!({ "cron": schedule })]
        }
        (_, Some(Value::Array(items))) => items.clone(),
        _ => Vec::new(),
    }
}

/// A text as the file would have it: a whole number or a fraction as such.
pub fn number(text: &str) -> Value {
    let text = text.trim();
    let whole = text.parse::<i64>().ok().filter(|n| n.to_string() == text);
    match (whole, text.parse::<f64>()) {
        (Some(n), _) => n.into(),
        (None, Ok(f)) if f.is_finite() && f.to_string() == text => f.into(),
        _ => text.into(),
    }
}

/// Carries out a change. Maps and lists that become empty go too.
pub fn apply(tree: &mut Value, op: &Op) {
    apply_at(tree, &op.at.0, op.value.as_ref());
}

fn apply_at(value: &mut Value, steps: &[Step], new: Option<&Value>) {
    let Some((step, rest)) = steps.split_first() else {
        *value = new.cloned().unwrap_or(Value::Null);
        return;
    };
    match step {
        Step::Key(key) => {
            if !value.is_object() {
                if new.is_none() {
                    return;
                }
                *value = Value::Object(Map::new());
            }
            let Value::Object(map) = value else { return };
            if rest.is_empty() {
                match new {
                    Some(new) => drop(map.insert(key.clone(), new.clone())),
                    None => drop(map.remove(key)),
                }
                return;
            }
            if new.is_none() && !map.contains_key(key) {
                return;
            }
            let inner = map.entry(key.clone()).or_insert(Value::Null);
            apply_at(inner, rest, new);
            if says_nothing(inner) {
                map.remove(key);
            }
        }
        Step::Index(index) => {
            if !value.is_array() {
                if new.is_none() {
                    return;
                }
                *value = Value::Array(Vec::new());
            }
            let Value::Array(items) = value else { return };
            let index = (*index).min(items.len());
            match (rest.is_empty(), new, index < items.len()) {
                (true, None, true) => drop(items.remove(index)),
                (true, Some(new), true) => items[index] = new.clone(),
                (true, Some(new), false) => items.push(new.clone()),
                (false, _, true) => apply_at(&mut items[index], rest, new),
                (false, Some(_), false) => {
                    items.push(Value::Null);
                    apply_at(&mut items[index], rest, new);
                }
                (_, None, false) => {}
            }
        }
    }
}

/// The changes that make one tree of another, none larger than it must be. Of lists, what
/// was added at the end or taken out is told; others change as a whole.
pub fn between(old: &Value, new: &Value) -> Vec<Op> {
    let mut ops = Vec::new();
    collect(&Path::default(), old, new, &mut ops);
    ops
}

fn collect(at: &Path, old: &Value, new: &Value, ops: &mut Vec<Op>) {
    match (old, new) {
        _ if old == new => {}
        (Value::Object(a), Value::Object(b)) => {
            for key in a.keys().filter(|key| !b.contains_key(*key)) {
                ops.push(Op::remove(at.key(key)));
            }
            for (key, value) in b {
                match a.get(key) {
                    Some(before) => collect(&at.key(key), before, value, ops),
                    None => ops.push(Op::set(at.key(key), value.clone())),
                }
            }
        }
        (Value::Array(a), Value::Array(b))
            if a.len() == b.len() && a.iter().chain(b).all(Value::is_object) =>
        {
            for (i, (before, value)) in a.iter().zip(b).enumerate() {
                collect(&at.index(i), before, value, ops);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() + 1 == b.len() && b.starts_with(a) => {
            ops.push(Op::set(at.index(a.len()), b[a.len()].clone()));
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() + 1 && !b.is_empty() => {
            let gone = a.iter().zip(b).take_while(|(x, y)| x == y).count();
            match a[gone + 1..] == b[gone..] {
                true => ops.push(Op::remove(at.index(gone))),
                false => ops.push(Op::set(at.clone(), new.clone())),
            }
        }
        _ => ops.push(Op::set(at.clone(), new.clone())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn changes_lead_from_one_tree_to_another() {
        let trees = [
            json!({}),
            json!({"name": "a", "run": {"shell": "x"}}),
            json!({"name": "b", "run": {"exec": ["x", "y"], "env": {"A.B": "1", "C": "2"}}}),
            json!({"triggers": [{"cron": "a"}, {"every": "1h"}]}),
            json!({"triggers": [{"cron": "a"}, {"every": "2h", "jitter": "5m"}]}),
            json!({"triggers": [{"every": "1h"}]}),
            json!({"triggers": [{"cron": "a"}, {"every": "1h"}, {"at": "x"}]}),
            json!({"target": {"place": {"shards": 3}}}),
            json!({"target": {"place": "every"}}),
        ];
        for old in &trees {
            for new in &trees {
                let mut tree = old.clone();
                for op in between(old, new) {
                    apply(&mut tree, &op);
                }
                assert_eq!(&tree, new, "from {old}");
            }
        }
        let ops = between(&trees[3], &trees[4]);
        let told: Vec<String> = ops.iter().map(|op| op.at.to_string()).collect();
        assert_eq!(told, ["triggers.1.every", "triggers.1.jitter"]);
        assert_eq!(
            between(&trees[3], &trees[5]),
            [Op::remove(Path::of("triggers.0"))]
        );
    }

    #[test]
    fn what_becomes_empty_goes() {
        let mut tree = json!({"run": {"env": {"A": "1"}, "shell": "x"}});
        apply(&mut tree, &Op::remove(Path::of("run.env").key("A")));
        assert_eq!(tree, json!({"run": {"shell": "x"}}));
        apply(&mut tree, &Op::remove(Path::of("retry.attempts")));
        assert_eq!(tree, json!({"run": {"shell": "x"}}));
        apply(&mut tree, &Op::set(Path::of("triggers.0.cron"), "* * * * *"));
        assert_eq!(tree["triggers"][0]["cron"], "* * * * *");
    }

    #[test]
    fn fields_read_what_the_file_says() {
        let tree = json!({"schedule": "@daily", "run": {"success": 3, "exec": ["a", 1]}, "paused": true});
        assert_eq!(text(&tree, &Path::of("triggers.0.cron")), "@daily");
        assert_eq!(triggers(&tree), [json!({"cron": "@daily"})]);
        assert_eq!(list(&tree, &Path::of("run.success")), ["3"]);
        assert_eq!(list(&tree, &Path::of("run.exec")), ["a", "1"]);
        assert_eq!(text(&tree, &Path::of("paused")), "true");
        assert_eq!(text(&tree, &Path::of("run.exec")), "");
    }

    #[test]
    fn numbers_are_numbers_only_if_they_look_so_again() {
        assert_eq!(number("3"), json!(3));
        assert_eq!(number("2.5"), json!(2.5));
        assert_eq!(number("03"), json!("03"));
        assert_eq!(number("many"), json!("many"));
    }
}
