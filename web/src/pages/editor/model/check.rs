//! What is wrong with which field, by the server's own rules: each field is put, alone, into a
//! job in which all else is right, and the job is read as the server reads it.

use shared::{
    file::value::{self, Value},
    job::{JobSpec, Trigger},
    time::Time,
    value,
};

use super::tree::{self, Op, Path, Step};

/// What is wrong, and with what. Of nothing in particular: with the job as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub at: Path,
    pub message: String,
}

const FIELDS: [&str; 37] = [
    "namespace",
    "description",
    "paused",
    "on_lost",
    "isolation",
    "run.user",
    "run.group",
    "run.dir",
    "run.stdin",
    "run.timeout",
    "run.grace",
    "run.output",
    "run.success",
    "target.place",
    "target.nodes",
    "target.groups",
    "target.labels",
    "target.prefer",
    "target.balance",
    "target.exclude.nodes",
    "target.exclude.groups",
    "target.exclude.labels",
    "overlap.policy",
    "overlap.limit",
    "overlap.queue",
    "misfire.run",
    "misfire.within",
    "retry.attempts",
    "retry.backoff",
    "retry.factor",
    "retry.max",
    "retry.elsewhere",
    "keep.runs",
    "keep.for",
    "calendars.exclude",
    "calendars.only",
    "name",
];
const MAPS: [&str; 2] = ["labels", "run.env"];

/// All that is wrong. `before` is the job as it was: a schedule that nobody touched may be over.
pub fn problems(tree: &Value, before: Option<&JobSpec>, now: Time) -> Vec<Problem> {
    let mut found = Found::default();
    let right = value!({"name": "a", "run": {"shell": "true"}});
    for field in FIELDS {
        found.probe(tree, &right, &Path::of(field));
    }
    for map in MAPS {
        let at = Path::of(map);
        match tree::get(tree, &at) {
            Some(pairs @ Value::Map(_)) => {
                for (key, _) in pairs.entries() {
                    found.probe(tree, &right, &at.key(key));
                }
            }
            Some(_) => found.probe(tree, &right, &at),
            None => {}
        }
    }
    if tree::get(tree, &Path::of("name")).is_none() {
        found.tell(
            Path::of("name"),
            &"".parse::<shared::id::JobName>().err().unwrap_or_default(),
        );
    }
    action(tree, &mut found);
    for (i, trigger) in tree::triggers(tree).iter().enumerate() {
        found.trigger(&Path::of("triggers").index(i), trigger);
    }
    let mut found = found.0;
    match value::to::<JobSpec>(tree.clone()) {
        Err(error) if found.is_empty() => {
            let message = error.to_string();
            let at = place_of(&message);
            found.push(Problem { message, at });
        }
        Ok(spec) => found.extend(over(&spec, before, now)),
        Err(_) => {}
    }
    found
}

#[derive(Default)]
struct Found(Vec<Problem>);

impl Found {
    fn tell(&mut self, at: Path, message: &str) {
        // The field itself shows where it is.
        let key = format!("{at}: ");
        let message = message.strip_prefix(&key).unwrap_or(message);
        let message = message.strip_prefix("trigger: ").unwrap_or(message).to_owned();
        self.0.push(Problem { at, message });
    }

    /// Whether what stands there in `tree` is right in `right`, which is right without it.
    fn probe(&mut self, tree: &Value, right: &Value, at: &Path) {
        let Some(value) = tree::get(tree, at) else { return };
        let mut job = right.clone();
        tree::apply(&mut job, &Op::set(at.clone(), value.clone()));
        if let Err(error) = value::to::<JobSpec>(job) {
            self.tell(at.clone(), &error.to_string());
        }
    }

    /// A trigger, field by field; as a whole if each is right for itself.
    fn trigger(&mut self, at: &Path, trigger: &Value) {
        if !trigger.is_map() {
            self.tell(at.clone(), "trigger: give one of `cron`, `every` or `at`");
            return;
        }
        let is_quartz = trigger.get("dialect").and_then(Value::text) == Some("quartz");
        let before = self.0.len();
        for (key, value) in trigger.entries() {
            let mut right = match key {
                "cron" if is_quartz => value!({"dialect": "quartz"}),
                "cron" | "every" | "at" => value!({}),
                "anchor" => value!({"every": "1h"}),
                "dialect" if is_quartz => value!({"cron": "0 0 * * * ?"}),
                _ => value!({"cron": "0 * * * *"}),
            };
            right.insert(key, value.clone());
            if let Err(error) = value::to::<Trigger>(right) {
                self.tell(at.key(key), &error.to_string());
            }
        }
        if self.0.len() == before
            && let Err(error) = value::to::<Trigger>(trigger.clone())
        {
            self.tell(at.clone(), &error.to_string());
        }
    }
}

/// What the job does.
fn action(tree: &Value, found: &mut Found) {
    let right = value!({"name": "a", "run": {}});
    let kinds = ["shell", "exec", "http"].map(|kind| Path::of("run").key(kind));
    match kinds.iter().filter(|at| tree::get(tree, at).is_some()).count() {
        1 => {}
        n => {
            let mut job = right.clone();
            if n > 1 {
                job.insert("run", value!({"shell": "true", "exec": ["true"]}));
            }
            let error = value::to::<JobSpec>(job).err();
            found.tell(Path::of("run"), &error.map(|e| e.to_string()).unwrap_or_default());
            return;
        }
    }
    let [shell, exec, http] = kinds;
    found.probe(tree, &right, &shell);
    found.probe(tree, &right, &exec);
    match tree::get(tree, &http) {
        Some(request @ Value::Map(_)) => {
            let right = value!({"name": "a", "run": {"http": {"url": "http://a"}}});
            for (key, _) in request.entries() {
                found.probe(tree, &right, &http.key(key));
            }
            if request.get("url").is_none() {
                let empty = value!({"run": {"http": {"url": ""}}});
                found.probe(&empty, &right, &http.key("url"));
            }
        }
        Some(_) => found.probe(tree, &right, &http),
        None => {}
    }
}

/// Schedules that are new or were changed and have no instant to come.
fn over(spec: &JobSpec, before: Option<&JobSpec>, now: Time) -> Vec<Problem> {
    if before.is_some_and(|before| before.triggers == spec.triggers) {
        return Vec::new();
    }
    let problem = |(i, trigger): (usize, &Trigger)| {
        let error = trigger
            .compile(0)
            .and_then(|c| c.schedule.check_ahead(now))
            .err()?;
        Some(Problem {
            at: Path::of("triggers").index(i),
            message: error.to_string(),
        })
    };
    spec.triggers.iter().enumerate().filter_map(problem).collect()
}

/// What a message that begins with a key is about: `retry.attempts: …`.
pub fn place_of(message: &str) -> Path {
    let Some((key, _)) = message.split_once(": ") else {
        return Path::default();
    };
    let first = key.split('.').next().unwrap_or_default();
    let is_key = super::yaml::rank("", first) < super::yaml::rank("", "\0");
    match key.contains(' ') || !is_key {
        true => Path::default(),
        false => Path::of(key),
    }
}

/// Where a server's refusal belongs: it names the field, or the trigger.
pub fn place_of_refusal(field: Option<&str>, message: &str) -> Path {
    if let Some(field) = field {
        return Path::of(field);
    }
    let after = message.split_once("trigger ").map(|(_, after)| after);
    let number = after.and_then(|after| after.split(':').next()?.parse::<usize>().ok());
    match number {
        Some(n) if n > 0 => Path(vec![Step::Key("triggers".into()), Step::Index(n - 1)]),
        _ => place_of(message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::editor::model::{document, samples};

    fn told(yaml: &str) -> String {
        let now = "2026-11-21T07:00:00Z".parse().unwrap();
        let tree = document::read(yaml).unwrap();
        let problems = problems(&tree, None, now);
        let told: Vec<String> = problems
            .iter()
            .map(|p| format!("{} → {}", p.at, p.message))
            .collect();
        told.join("\n")
    }

    #[test]
    fn each_wrong_field_is_told_at_its_place() {
        expect_test::expect![[r#"
            run.dir → give an absolute path
            run.timeout → `30` is not a duration: it has no unit; write one with a unit, for example 90s, 5m, 1h30m or 2d
            run.grace → `soon` is not a duration: a number is missing; write one with a unit, for example 90s, 5m, 1h30m or 2d
            run.success → this must be a whole number
            target.place → place is 0; it must be from 1 to 1000
            target.labels → selector `a b`: `a b` is not a label key (letters, digits, `-`, `_`, `.`, `/`; at most 128); write terms such as role=db, role!=db, gpu, !canary or zone in (a, b)
            target.balance → unknown variant `fair`, expected one of `spread`, `least_loaded`, `rotate`
            overlap.limit → 0 is out of 1 to 1000
            retry.attempts → 1000 is out of 1 to 100
            retry.factor → 0 is out of 1 to 100
            keep.runs → 0 would keep no run at all; keep at least 1
            keep.for → `1` is not a duration: it has no unit; write one with a unit, for example 90s, 5m, 1h30m or 2d
            name → the job name `a b` has the character ' '; letters, digits, `-`, `_` and `.` are allowed
            labels.a b → labels: `a b` is not a label key (letters, digits, `-`, `_`, `.`, `/`; at most 128)
            labels.team → labels: `a,b` is not a label value (no `,`, `(`, `)`, `=`, `!`; at most 256)
            run.env.A=B → run.env: `A=B` is not a name for an environment variable
            run.shell → the script is empty
            triggers.0.cron → hour: 99 is out of 0-23, at column 3
            triggers.0.timezone → `Asia/Shangai` is not a time zone; did you mean `Asia/Shanghai`?
            triggers.1 → `dialect`, `timezone` and `dst` go with `cron` only
            triggers.2.cron → the expression never fires: no day of the years 1970 to 2199 matches all of its fields"#]].assert_eq(&told(
            "
name: a b
labels: {'a b': x, team: 'a,b'}
run:
  shell: ''
  dir: relative
  timeout: 30
  grace: soon
  env: {'A=B': x}
  success: [many]
triggers:
  - cron: 0 99 * * *
    timezone: Asia/Shangai
  - every: 1h
    timezone: UTC
  - cron: 0 0 30 2 *
  - at: 2020-01-01T00:00:00Z
target: {place: 0, labels: a b, balance: fair}
overlap: {limit: 0}
retry: {attempts: 1000, factor: 0}
keep: {runs: 0, for: 1}
",
        ));
    }

    #[test]
    fn what_only_the_whole_tells_is_told_too() {
        let job = "name: a\nrun: {shell: x}\n";
        expect_test::expect![
            "calendars → calendars: `x` stands in `exclude` and in `only`: the job would never run"
        ]
        .assert_eq(&told(&format!("{job}calendars: {{exclude: [x], only: [x]}}\n")));
        expect_test::expect![
            "triggers → triggers: a `target` of its own goes with `target: {place: every}` only"
        ]
        .assert_eq(&told(&format!(
            "{job}triggers: [{{cron: '* * * * *', target: {{labels: a}}}}]\n"
        )));
        expect_test::expect!["run → nothing to run; give one of `shell`, `exec` or `http`"]
            .assert_eq(&told("name: a\n"));
        expect_test::expect![[r#"
            name → the job name is empty
            run.http.url → `` does not start with http:// or https://"#]]
        .assert_eq(&told("run: {http: {method: GET}}"));
        expect_test::expect!["run → give only one of `shell`, `exec` and `http`"]
            .assert_eq(&told("name: a\nrun: {shell: a, exec: [b]}"));
        expect_test::expect![" → unknown field `colour`, expected one of `name`, `namespace`, `description`, `labels`, `run`, `schedule`, `triggers`, `calendars`, `target`, `overlap`, `misfire`, `retry`, `on_lost`, `isolation`, `keep`, `paused`"].assert_eq(&told(&format!("{job}colour: red\n")));
        expect_test::expect!["triggers.0.cron → day of week: 2020 is out of 0-7, at column 11"]
            .assert_eq(&told(&format!("{job}schedule: '0 0 1 1 * 2020'\n")));
        expect_test::expect![
            "triggers.0 → the schedule is over: it fired for the last time at 2020-01-01T00:00:00.000Z"
        ]
        .assert_eq(&told(&format!(
            "{job}triggers: [{{at: '2020-01-01T00:00:00Z'}}]\n"
        )));
        assert_eq!(told(job), "");
    }

    #[test]
    fn an_untouched_schedule_may_be_over() {
        let tree =
            document::read("name: a\nrun: {shell: x}\ntriggers: [{at: '2020-01-01T00:00:00Z'}]\n").unwrap();
        let spec: JobSpec = value::to(tree.clone()).unwrap();
        let now = "2026-11-21T07:00:00Z".parse().unwrap();
        assert_eq!(problems(&tree, Some(&spec), now), []);
        assert_eq!(problems(&tree, None, now).len(), 1);
    }

    #[test]
    fn nothing_is_wrong_with_what_the_server_takes() {
        let now = Time::from_secs(1_700_000_000);
        for spec in samples::specs() {
            assert_eq!(
                problems(&shared::job::short(&spec), Some(&spec), now),
                [],
                "{}",
                spec.name
            );
        }
    }

    #[test]
    fn refusals_find_their_field() {
        assert_eq!(
            place_of_refusal(Some("name"), "there is already a job x").to_string(),
            "name"
        );
        let message = "job a/b: trigger 2: the schedule is over";
        assert_eq!(place_of_refusal(None, message).to_string(), "triggers.1");
        assert_eq!(
            place_of_refusal(None, "the store does not answer"),
            Path::default()
        );
    }
}
