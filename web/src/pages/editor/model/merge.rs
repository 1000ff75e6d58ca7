//! Two people changed one job: what each did, and both together.

use shared::file::value::Value;

use super::tree::{self, Op, Path};

/// Something that one of them changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub at: Path,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

/// Something that both changed, each to something else.
#[derive(Clone, Debug, PartialEq)]
pub struct Clash {
    pub at: Path,
    pub mine: Option<Value>,
    pub theirs: Option<Value>,
}

/// Both changes in one.
#[derive(Clone, Debug, PartialEq)]
pub struct Merged {
    /// With mine where both clash.
    pub tree: Value,
    pub clashes: Vec<Clash>,
}

/// What was changed, key by key. Lists change as a whole.
pub fn changes(before: &Value, after: &Value) -> Vec<Change> {
    let mut found = Vec::new();
    walk(&Path::default(), Some(before), Some(after), &mut found);
    found
}

fn walk(at: &Path, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<Change>) {
    if before == after {
        return;
    }
    // What is new or gone in whole is told by its parts.
    let is_told_by_parts = |value: Option<&Value>| value.is_none_or(Value::is_map);
    if !is_told_by_parts(before) || !is_told_by_parts(after) {
        found.push(Change {
            at: at.clone(),
            before: before.cloned(),
            after: after.cloned(),
        });
        return;
    }
    let both = before.into_iter().chain(after).flat_map(Value::entries);
    let mut keys: Vec<&str> = both.map(|(key, _)| key).collect();
    keys.sort_unstable();
    keys.dedup();
    for key in keys {
        let inner = |value: Option<&'_ Value>| value.and_then(|v| v.get(key)).cloned();
        walk(&at.key(key), inner(before).as_ref(), inner(after).as_ref(), found);
    }
}

/// What both made of `base`.
pub fn merge(base: &Value, mine: &Value, theirs: &Value) -> Merged {
    let my_changes = changes(base, mine);
    let mut tree = theirs.clone();
    let mut clashes = Vec::new();
    let their_changes = changes(base, theirs);
    for change in my_changes {
        let touches = |other: &&Change| other.at.is_in(&change.at) || change.at.is_in(&other.at);
        let is_same = their_changes
            .iter()
            .any(|other| other.at == change.at && other.after == change.after);
        if is_same {
            continue;
        }
        if their_changes.iter().any(|other| touches(&other)) {
            clashes.push(Clash {
                at: change.at.clone(),
                mine: change.after.clone(),
                theirs: tree::get(theirs, &change.at).cloned(),
            });
        }
        tree::apply(
            &mut tree,
            &Op {
                at: change.at,
                value: change.after,
            },
        );
    }
    let tree = one_action(tree, mine);
    Merged { tree, clashes }
}

/// One made it a script and the other a request: a job does one thing, and mine is kept.
fn one_action(mut tree: Value, mine: &Value) -> Value {
    let actions = ["shell", "exec", "http"];
    let has = |tree: &Value, key: &str| tree.get("run").is_some_and(|run| run.get(key).is_some());
    if actions.iter().filter(|key| has(&tree, key)).count() > 1 {
        for key in actions.iter().filter(|key| !has(mine, key)) {
            tree::apply(&mut tree, &Op::remove(Path::of("run").key(key)));
        }
    }
    tree
}

/// Takes theirs instead of mine where both clash.
pub fn take_theirs(merged: &mut Value, clash: &Clash) {
    let op = Op {
        at: clash.at.clone(),
        value: clash.theirs.clone(),
    };
    tree::apply(merged, &op);
}

#[cfg(test)]
mod tests {
    use shared::value;

    use super::*;

    #[test]
    fn changes_apart_from_each_other_join() {
        let base = value!({"name": "a", "run": {"shell": "x", "timeout": "1h"}, "labels": {"team": "dba"}});
        let mine = value!({"name": "a", "run": {"shell": "x", "timeout": "2h"}, "labels": {"team": "dba", "tier": "1"}});
        let theirs = value!({"name": "a", "run": {"shell": "y", "timeout": "1h"}, "retry": {"attempts": 3}});
        let merged = merge(&base, &mine, &theirs);
        assert_eq!(merged.clashes, []);
        assert_eq!(
            merged.tree,
            value!({"name": "a", "run": {"shell": "y", "timeout": "2h"}, "labels": {"tier": "1"}, "retry": {"attempts": 3}})
        );
        let told: Vec<String> = changes(&base, &theirs).iter().map(|c| c.at.to_string()).collect();
        assert_eq!(told, ["labels.team", "retry.attempts", "run.shell"]);
    }

    #[test]
    fn changes_of_the_same_clash() {
        let base = value!({"name": "a", "run": {"shell": "x"}, "triggers": [{"cron": "@daily"}]});
        let mine = value!({"name": "a", "run": {"shell": "m"}, "triggers": [{"cron": "@hourly"}]});
        let theirs = value!({"name": "a", "run": {"shell": "t"}});
        let mut merged = merge(&base, &mine, &theirs);
        assert_eq!(merged.tree, mine);
        let told: Vec<String> = merged.clashes.iter().map(|c| c.at.to_string()).collect();
        assert_eq!(told, ["run.shell", "triggers"]);
        for clash in &merged.clashes {
            take_theirs(&mut merged.tree, clash);
        }
        assert_eq!(merged.tree, theirs);
    }

    #[test]
    fn the_same_change_twice_is_none_to_settle() {
        let base = value!({"run": {"shell": "x"}});
        let both = value!({"run": {"shell": "y"}});
        assert_eq!(
            merge(&base, &both, &both),
            Merged {
                tree: both.clone(),
                clashes: vec![]
            }
        );
    }

    #[test]
    fn two_actions_do_not_join() {
        let base = value!({"run": {"shell": "x"}});
        let mine = value!({"run": {"exec": ["/bin/true"]}});
        let theirs = value!({"run": {"http": {"url": "http://a"}}});
        assert_eq!(merge(&base, &mine, &theirs).tree, mine);
    }
}
