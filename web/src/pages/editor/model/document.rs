//! The file and the form in step: what the file's text says, and what a change in the form
//! makes of it.

use shared::{
    file::{self, FileError, value::Value},
    job::{self, JobSpec},
};

use super::{
    paint,
    patch::patch,
    tree::{self, Op, Path, Step},
    yaml,
};

/// What a text says, settled: one job's.
///
/// # Errors
/// Where it cannot be read at all, or holds no job or several.
pub fn read(text: &str) -> Result<Value, FileError> {
    let mut documents = file::values(text)?;
    let wrong = |message: &str| FileError {
        message: message.to_owned(),
        line: 0,
        column: 0,
        hint: None,
    };
    match (documents.len(), documents.pop()) {
        (1, Some(tree @ Value::Map(_))) => Ok(tree),
        (0, _) | (1, Some(Value::Null) | None) => Ok(Value::map()),
        (1, Some(Value::List(mut items))) if items.len() == 1 && items[0].value.is_map() => {
            Ok(items.remove(0).value)
        }
        (1, Some(Value::List(_))) | (2.., _) => Err(wrong(
            "one job is edited here at a time; `gnomon job apply` takes files with several",
        )),
        _ => Err(wrong(
            "this is no job file: write keys such as `name:` and `run:`",
        )),
    }
}

/// The job that a text describes, by the server's own rules.
///
/// # Errors
/// The first thing that is wrong, with its line and column.
pub fn spec(text: &str) -> Result<JobSpec, FileError> {
    let mut jobs = job::file::parse_yaml(text)?;
    match (jobs.len(), jobs.pop()) {
        (1, Some(spec)) => Ok(spec),
        _ => Err(read(text).err().unwrap_or_else(|| FileError {
            message: "the file holds no job".into(),
            line: 0,
            column: 0,
            hint: None,
        })),
    }
}

/// What changes in the form made of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Changed {
    pub text: String,
    pub tree: Value,
    /// The file had to be written anew, in whole or around the change: comments are gone.
    pub lost_comments: bool,
}

/// Carries changes of the form's over to the text. `tree` is what the text says.
pub fn change(text: &str, tree: &Value, ops: Vec<Op>) -> Changed {
    let mut changed = Changed {
        text: text.to_owned(),
        tree: tree.clone(),
        lost_comments: false,
    };
    let comments = paint::comments(text);
    for op in long_form(tree, ops) {
        let mut after = changed.tree.clone();
        tree::apply(&mut after, &op);
        if after == changed.tree {
            continue;
        }
        let patched = patch(&changed.text, &op, &after).filter(|text| read(text).as_ref() == Ok(&after));
        changed.text = patched.unwrap_or_else(|| yaml::write(&after));
        changed.tree = after;
    }
    // A comment that stood in what was removed is gone with it; one that was rewritten too.
    changed.lost_comments = paint::comments(&changed.text) < comments;
    changed
}

/// The short form `schedule: X` has room for an expression alone: any other change of the
/// triggers makes it the long one.
fn long_form(tree: &Value, ops: Vec<Op>) -> Vec<Op> {
    let is_of_triggers = |op: &Op| op.at.is_in(&Path::of("triggers"));
    if tree.get("schedule").is_none() || !ops.iter().any(is_of_triggers) {
        return ops;
    }
    let is_expression = |op: &Op| {
        op.value.is_some()
            && matches!(op.at.0.as_slice(), [_, Step::Index(0), Step::Key(key)] if key == "cron")
    };
    if ops.iter().filter(|op| is_of_triggers(op)).all(is_expression) {
        let short = |op: Op| match is_of_triggers(&op) {
            true => Op {
                at: Path::of("schedule"),
                ..op
            },
            false => op,
        };
        return ops.into_iter().map(short).collect();
    }
    let mut long = tree.clone();
    tree::apply(&mut long, &Op::remove(Path::of("schedule")));
    tree::apply(&mut long, &Op::set(Path::of("triggers"), tree::triggers(tree)));
    for op in &ops {
        tree::apply(&mut long, op);
    }
    tree::between(tree, &long)
}

#[cfg(test)]
mod tests {
    use shared::value;

    use super::*;
    use crate::pages::editor::model::samples;

    const COMMENTED: &str = "\
# Nightly, see the handbook.
name: backup  # keep in step with the restore job
run:
  # zstd is quick enough
  shell: |
    # a comment of the script's own
    pg_dump app
  env:
    # where
    B: \"2\"
    A: \"1\"  # first
  timeout: 90s

# When
triggers:
  # at night
  - cron: '30 2 * * *'   # quiet
    timezone: Asia/Shanghai
  # and in between
  - every: 6h
retry: {attempts: 3}  # three
";

    fn after(text: &str, ops: Vec<Op>) -> Changed {
        let tree = read(text).unwrap();
        let mut wanted = tree.clone();
        for op in &ops {
            tree::apply(&mut wanted, op);
        }
        let changed = change(text, &tree, ops);
        assert_eq!(read(&changed.text).unwrap(), changed.tree, "{}", changed.text);
        assert_eq!(changed.tree, wanted);
        changed
    }

    /// The lines that a change took out and put in.
    fn touched(op: Op) -> String {
        let changed = after(COMMENTED, vec![op]);
        let lines = super::super::diff::lines(COMMENTED, &changed.text);
        let mut told: Vec<String> = lines
            .iter()
            .filter(|line| line.kind != super::super::diff::Kind::Same)
            .map(|line| format!("{}{}", line.kind.sign(), line.text))
            .collect();
        if changed.lost_comments {
            told.push("(a comment is lost)".into());
        }
        told.join("\n")
    }

    #[test]
    fn only_what_must_change_does() {
        let set = |at: &str, value: Value| touched(Op::set(Path::of(at), value));
        let removed = |at: &str| touched(Op::remove(Path::of(at)));
        expect_test::expect![[r#"
            -name: backup  # keep in step with the restore job
            +name: dump  # keep in step with the restore job
            ---
            -  timeout: 90s
            +  timeout: 1h
            ---
            +  user: postgres
            ---
            -    A: "1"  # first
            +    A: x y  # first
            ---
            -    B: "2"
            ---
            -    timezone: Asia/Shanghai
            +    timezone: UTC
            ---
            -  - cron: '30 2 * * *'   # quiet
            +  - cron: "0 3 * * *"  # quiet
            ---
            +    jitter: 5m
            ---
            +  - at: "2030-01-01T00:00:00Z"
            ---
            -  - every: 6h
            ---
            -retry: {attempts: 3}  # three
            +retry: {attempts: 5}  # three
            ---
            -retry: {attempts: 3}  # three
            (a comment is lost)
            ---
            +target:
            +  labels: role=db
            ---
            -    # a comment of the script's own
            +    date"#]]
        .assert_eq(
            &[
                set("name", value!("dump")),
                set("run.timeout", value!("1h")),
                set("run.user", value!("postgres")),
                set("run.env.A", value!("x y")),
                removed("run.env.B"),
                set("triggers.0.timezone", value!("UTC")),
                set("triggers.0.cron", value!("0 3 * * *")),
                set("triggers.1.jitter", value!("5m")),
                set("triggers.2", value!({"at": "2030-01-01T00:00:00Z"})),
                removed("triggers.1"),
                set("retry.attempts", value!(5)),
                removed("retry.attempts"),
                set("target.labels", value!("role=db")),
                set("run.shell", value!("pg_dump app\ndate\n")),
            ]
            .join("\n---\n"),
        );
    }

    #[test]
    fn the_first_key_of_an_item_may_go() {
        let changed = after(
            "name: a\ntriggers:\n- cron: x\n  jitter: 5m\n  # why\n- every: 1h\n",
            vec![
                Op::remove(Path::of("triggers.0.cron")),
                Op::set(Path::of("triggers.0.every"), "2h"),
            ],
        );
        assert_eq!(
            changed.text,
            "name: a\ntriggers:\n- every: 2h\n  jitter: 5m\n  # why\n- every: 1h\n"
        );
    }

    #[test]
    fn the_short_form_stays_as_long_as_it_can() {
        let text = "name: a\nrun: {shell: 'true'}\nschedule: '@daily' # once\n";
        let tree = read(text).unwrap();
        let set = |ops: Vec<Op>| change(text, &tree, ops).text;
        assert_eq!(
            set(vec![Op::set(Path::of("triggers.0.cron"), "@hourly")]),
            "name: a\nrun: {shell: 'true'}\nschedule: \"@hourly\"  # once\n"
        );
        assert_eq!(
            set(vec![Op::set(Path::of("triggers.0.timezone"), "Asia/Tokyo")]),
            "name: a\nrun: {shell: 'true'}\ntriggers:\n  - cron: \"@daily\"\n    timezone: Asia/Tokyo\n"
        );
        assert_eq!(
            set(vec![Op::remove(Path::of("triggers.0"))]),
            "name: a\nrun: {shell: 'true'}\n"
        );
    }

    #[test]
    fn any_change_of_any_file_ends_as_meant() {
        let files: Vec<String> = samples::specs()
            .iter()
            .flat_map(|spec| [job::file::to_yaml(spec), serde_json::to_string(spec).unwrap()])
            .chain(samples::FILES.map(str::to_owned))
            .collect();
        let trees: Vec<Value> = files.iter().map(|text| read(text).unwrap()).collect();
        for (text, old) in files.iter().zip(&trees) {
            for new in &trees {
                let changed = change(text, old, tree::between(old, new));
                let differs = read(&changed.text).unwrap();
                assert_eq!(&differs, new, "of\n{text}\nbecame\n{}", changed.text);
            }
        }
    }

    #[test]
    fn every_spec_survives_form_and_file() {
        for wanted in samples::specs() {
            let tree = job::short(&wanted);
            let text = yaml::write(&tree);
            assert_eq!(read(&text).unwrap(), tree, "{text}");
            assert_eq!(spec(&text).unwrap(), wanted, "{text}");
            // Each field shows what the file says, and writing that again changes nothing.
            let mut again = value!({});
            for op in tree::between(&value!({}), &tree) {
                tree::apply(&mut again, &op);
            }
            assert_eq!(change(&text, &tree, tree::between(&tree, &again)).text, text);
        }
    }

    #[test]
    fn what_is_no_single_job_is_told() {
        assert!(
            read("- name: a\n- name: b\n")
                .unwrap_err()
                .message
                .contains("one job")
        );
        assert!(
            read("name: a\n---\nname: b\n")
                .unwrap_err()
                .message
                .contains("one job")
        );
        assert!(read("just words").unwrap_err().message.contains("no job file"));
        let broken = read("name: a\nrun: {shell: a\n").unwrap_err();
        assert_eq!((broken.line, broken.column), (2, 6));
        assert_eq!(read("").unwrap(), value!({}));
        assert_eq!(read("# nothing yet\n").unwrap(), value!({}));
        let wrong = spec("name: a\nrun:\n  shel: 'true'\n").unwrap_err();
        assert_eq!((wrong.line, wrong.column), (3, 3));
    }
}
