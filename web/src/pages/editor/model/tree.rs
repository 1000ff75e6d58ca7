//! A job file as settled values, and where something stands in it.

use std::fmt;

use shared::{file::value::Value, value};

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
        Step::Index(index) => value.items().nth(*index),
    });
    found.filter(|value| !matches!(value, Value::Null))
}

/// What stands there as text for a field: empty if it is none.
pub fn text(tree: &Value, at: &Path) -> String {
    get(tree, at).map(scalar).unwrap_or_default()
}

/// A value as a field shows it; lists and maps are none.
pub fn scalar(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        other => other.scalar().unwrap_or_default(),
    }
}

/// A list as texts; one thing alone is a list of it.
pub fn list(tree: &Value, at: &Path) -> Vec<String> {
    match get(tree, at) {
        Some(list @ Value::List(_)) => list.items().map(scalar).collect(),
        Some(Value::Map(_)) | None => Vec::new(),
        Some(one) => vec![scalar(one)],
    }
}

/// A map of texts.
pub fn pairs(tree: &Value, at: &Path) -> Vec<(String, String)> {
    let found = get(tree, at).into_iter().flat_map(Value::entries);
    found
        .map(|(key, value)| (key.to_owned(), scalar(value)))
        .collect()
}

/// The triggers, also where the file has the short form.
pub fn triggers(tree: &Value) -> Vec<Value> {
    match (tree.get("schedule"), tree.get("triggers")) {
        (None | Some(Value::Null), Some(triggers)) => triggers.items().cloned().collect(),
        (None | Some(Value::Null), None) => Vec::new(),
        (Some(schedule), _) => vec![value!({"cron": (schedule.clone())})],
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
            match (rest.is_empty(), new) {
                (true, Some(new)) => return value.insert(key, new.clone()),
                (true, None) => return value.remove(key),
                (false, Some(_)) if value.get(key).is_none() => value.insert(key, Value::Null),
                (false, _) => {}
            }
            let Some(inner) = value.get_mut(key) else { return };
            apply_at(inner, rest, new);
            if inner.says_nothing() {
                value.remove(key);
            }
        }
        Step::Index(index) => {
            if !value.is_list() {
                if new.is_none() {
                    return;
                }
                *value = Value::List(Vec::new());
            }
            let Value::List(items) = value else { return };
            let index = (*index).min(items.len());
            match (rest.is_empty(), new, index < items.len()) {
                (true, None, true) => drop(items.remove(index)),
                (true, Some(new), true) => items[index].value = new.clone(),
                (true, Some(new), false) => items.push(new.clone().into()),
                (false, _, true) => apply_at(&mut items[index].value, rest, new),
                (false, Some(_), false) => {
                    items.push(Value::Null.into());
                    apply_at(&mut items[index].value, rest, new);
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
        (Value::Map(_), Value::Map(_)) => {
            for (key, _) in old.entries().filter(|(key, _)| new.get(key).is_none()) {
                ops.push(Op::remove(at.key(key)));
            }
            for (key, value) in new.entries() {
                match old.get(key) {
                    Some(before) => collect(&at.key(key), before, value, ops),
                    None => ops.push(Op::set(at.key(key), value.clone())),
                }
            }
        }
        (Value::List(a), Value::List(b))
            if a.len() == b.len() && old.items().chain(new.items()).all(Value::is_map) =>
        {
            for (i, (before, value)) in old.items().zip(new.items()).enumerate() {
                collect(&at.index(i), before, value, ops);
            }
        }
        (Value::List(a), Value::List(b)) if a.len() + 1 == b.len() && b.starts_with(a) => {
            ops.push(Op::set(at.index(a.len()), b[a.len()].value.clone()));
        }
        (Value::List(a), Value::List(b)) if a.len() == b.len() + 1 && !b.is_empty() => {
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
    use super::*;

    #[test]
    fn changes_lead_from_one_tree_to_another() {
        let trees = [
            value!({}),
            value!({"name": "a", "run": {"shell": "x"}}),
            value!({"name": "b", "run": {"exec": ["x", "y"], "env": {"A.B": "1", "C": "2"}}}),
            value!({"triggers": [{"cron": "a"}, {"every": "1h"}]}),
            value!({"triggers": [{"cron": "a"}, {"every": "2h", "jitter": "5m"}]}),
            value!({"triggers": [{"every": "1h"}]}),
            value!({"triggers": [{"cron": "a"}, {"every": "1h"}, {"at": "x"}]}),
            value!({"target": {"place": {"shards": 3}}}),
            value!({"target": {"place": "every"}}),
        ];
        for old in &trees {
            for new in &trees {
                let mut tree = old.clone();
                for op in between(old, new) {
                    apply(&mut tree, &op);
                }
                assert_eq!(&tree, new, "from {old:?}");
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
        let mut tree = value!({"run": {"env": {"A": "1"}, "shell": "x"}});
        apply(&mut tree, &Op::remove(Path::of("run.env").key("A")));
        assert_eq!(tree, value!({"run": {"shell": "x"}}));
        apply(&mut tree, &Op::remove(Path::of("retry.attempts")));
        assert_eq!(tree, value!({"run": {"shell": "x"}}));
        apply(&mut tree, &Op::set(Path::of("triggers.0.cron"), "* * * * *"));
        assert_eq!(text(&tree, &Path::of("triggers.0.cron")), "* * * * *");
    }

    #[test]
    fn fields_read_what_the_file_says() {
        let tree = value!({"schedule": "@daily", "run": {"success": 3, "exec": ["a", 1]}, "paused": true});
        assert_eq!(text(&tree, &Path::of("triggers.0.cron")), "@daily");
        assert_eq!(triggers(&tree), [value!({"cron": "@daily"})]);
        assert_eq!(list(&tree, &Path::of("run.success")), ["3"]);
        assert_eq!(list(&tree, &Path::of("run.exec")), ["a", "1"]);
        assert_eq!(text(&tree, &Path::of("paused")), "true");
        assert_eq!(text(&tree, &Path::of("run.exec")), "");
    }
}
