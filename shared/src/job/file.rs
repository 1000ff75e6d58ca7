//! Job files: YAML, JSON or TOML, with one job or many.

use std::collections::BTreeSet;

use super::{JobSpec, short};
use crate::file::{self, Placed, Written, without_places, write::write};
pub use crate::file::{FILE_BYTES_MAX, FileError, Format};

impl Written for JobSpec {
    const NOUN: &'static str = "job";
    const DOCUMENT: &'static str = "a job (`name:`, `run:`, …) or a list of jobs";
    const LEAST: &'static str = "write at least `name:` and `run:`";
    const HELP: &'static str = "gnomon job apply --help";
}

/// Reads all jobs of a file.
///
/// # Errors
/// The first thing that is wrong: nothing of the file may then be used.
pub fn parse(text: &str, format: Format) -> Result<Vec<JobSpec>, FileError> {
    parse_placed(text, format).map(without_places)
}

/// The same, each with where it stands.
///
/// # Errors
/// As [`parse`].
pub fn parse_placed(text: &str, format: Format) -> Result<Vec<Placed<JobSpec>>, FileError> {
    distinct(file::read_placed(text, format)?)
}

/// The same of YAML alone: the console needs no other form, and takes no other parser along.
///
/// # Errors
/// As [`parse`].
pub fn parse_yaml(text: &str) -> Result<Vec<JobSpec>, FileError> {
    distinct(file::read_yaml_placed(text)?).map(without_places)
}

/// Refuses two jobs of one name.
fn distinct(jobs: Vec<Placed<JobSpec>>) -> Result<Vec<Placed<JobSpec>>, FileError> {
    let mut seen = BTreeSet::new();
    for job in &jobs {
        let path = job.one.path();
        if !seen.insert(path.clone()) {
            return Err(FileError::at(
                job.place.of("name"),
                format!("the file holds two jobs of the name `{path}`"),
                Some("rename one or give it another namespace".into()),
            ));
        }
    }
    Ok(jobs)
}

/// Writes a spec as YAML, as `job get`, diffs and the console's editor show it.
pub fn to_yaml(spec: &JobSpec) -> String {
    write(&short(spec))
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    const WHOLE: &str = r#"
name: backup-db
namespace: ops
description: nightly dump
labels: {team: dba}
run:
  shell: pg_dump app | zstd > /backup/app.zst
  user: postgres
  dir: /var/lib/postgresql
  env: {PGDATABASE: app}
  timeout: 30m
  grace: 10s
  output: 10MiB
  success: [0]
triggers:
  - cron: "30 2 * * *"
    timezone: Asia/Shanghai
    jitter: 5m
target:
  place: one
  labels: role=db,!canary
  exclude: {nodes: [db9]}
  prefer: zone=a
  balance: spread
overlap: {policy: skip, limit: 1}
misfire: {run: once, within: 1h}
retry: {attempts: 3, backoff: 10s, factor: 2, max: 5m, elsewhere: false}
on_lost: fail
isolation: finish
keep: {runs: 1000, for: 30d}
paused: false
"#;

    #[test]
    fn the_whole_file_of_the_design_is_read() {
        let job = &parse(WHOLE, Format::Yaml).unwrap()[0];
        assert_eq!(job.path().to_string(), "ops/backup-db");
        let yaml = to_yaml(job);
        assert_eq!(&parse(&yaml, Format::Yaml).unwrap()[0], job, "{yaml}");
        let json = serde_json::to_string_pretty(job).unwrap();
        assert_eq!(&parse(&json, Format::Json).unwrap()[0], job, "{json}");
        let toml = toml::to_string(job).unwrap();
        assert_eq!(&parse(&toml, Format::Toml).unwrap()[0], job, "{toml}");
    }

    #[test]
    fn the_defaults_run_a_job_on_one_node() {
        let job = &parse(
            "name: a\nrun: {shell: 'true'}\nschedule: '0 * * * *'",
            Format::Yaml,
        )
        .unwrap()[0];
        assert_eq!(job.target.place, crate::target::Place::One);
        assert_eq!(job.triggers.len(), 1);
        assert_eq!(job.retry.attempts, 1);
    }

    #[test]
    fn many_jobs_in_a_file() {
        let one = "name: a\nrun: {shell: 'true'}\n";
        let two = "name: b\nrun: {exec: [/bin/true]}\n";
        assert_eq!(parse(&format!("{one}---\n{two}"), Format::Yaml).unwrap().len(), 2);
        let list = "- name: a\n  run: {shell: 'true'}\n- name: b\n  run: {shell: 'true'}\n";
        assert_eq!(parse(list, Format::Yaml).unwrap().len(), 2);
        let toml =
            "[[job]]\nname = 'a'\nrun = {shell = 'true'}\n[[job]]\nname = 'b'\nrun = {shell = 'true'}\n";
        assert_eq!(parse(toml, Format::Toml).unwrap().len(), 2);
    }

    #[test]
    fn each_job_knows_its_place() {
        let places = |text: &str, format| -> Vec<String> {
            let at = |file::At { line, column }| format!("{line}:{column}");
            let jobs = parse_placed(text, format).unwrap();
            let place = |job: &Placed<JobSpec>| {
                let (start, name) = (at(job.place.start), at(job.place.of("name")));
                format!("{start} {name} {}", at(job.place.of("triggers[0].at")))
            };
            jobs.iter().map(place).collect()
        };
        let yaml = "name: a\nrun: {shell: x}\n---\n- run: {shell: x}\n  name: b\n  triggers: [{every: 1m}]\n";
        assert_eq!(places(yaml, Format::Yaml), ["1:1 1:1 1:1", "4:3 5:3 6:3"]);
        let json = "[{\"name\": \"a\", \"run\": {\"shell\": \"x\"}},\n {\"run\": {\"shell\": \"x\"}, \"name\": \"b\"}]";
        assert_eq!(places(json, Format::Json), ["1:2 1:3 1:2", "2:2 2:26 2:2"]);
        let toml = "[[job]]\nname = 'a'\nrun.shell = 'x'\n\n[[job]]\nname = 'b'\nrun.shell = 'x'\n";
        assert_eq!(places(toml, Format::Toml), ["1:1 1:1 1:1", "5:1 5:1 5:1"]);
    }

    fn refused(text: &str, format: Format, expected: Expect) {
        expected.assert_eq(&parse(text, format).unwrap_err().to_string());
    }

    #[test]
    fn errors_say_what_where_and_what_to_do() {
        refused(
            "name: a\nrun:\n  shel: 'true'\n",
            Format::Yaml,
            expect![
                "line 3, column 3: unknown field `shel`, expected one of `shell`, `exec`, `http`, `user`, `group`, `dir`, `env`, `stdin`, `timeout`, `grace`, `output`, `success`; did you mean `shell`?"
            ],
        );
        refused(
            "name: a\nrun: {shell: 'true', timeout: 30}\n",
            Format::Yaml,
            expect![
                "line 2, column 31: `30` is not a duration: it has no unit; write one with a unit, for example 90s, 5m, 1h30m or 2d"
            ],
        );
        refused(
            "name: a\nrun: {shell: 'true'}\nschedule: ''\n",
            Format::Yaml,
            expect![
                "line 3, column 1: schedule: it is empty; leave it out for a job that runs when someone says so"
            ],
        );
        refused(
            "name: a\nrun: {shell: 'true'}\nschedule: '0 0 30 2 *'\n",
            Format::Yaml,
            expect![
                "line 3, column 1: schedule: the expression never fires: no day of the years 1970 to 2199 matches all of its fields"
            ],
        );
        refused(
            "name: a\nrun: {shell: 'true'}\ntarget:\n  labels: 'a b'\n",
            Format::Yaml,
            expect![
                "line 4, column 11: selector `a b`: `a b` is not a label key (letters, digits, `-`, `_`, `.`, `/`; at most 128); write terms such as role=db, role!=db, gpu, !canary or zone in (a, b)"
            ],
        );
        refused(
            "name: a\nrun: {shell: 'true'}\nretry: {attempts: many}\n",
            Format::Yaml,
            expect!["line 3, column 19: this must be a whole number"],
        );
        refused(
            "name: a\nrun: {shell: 'true'}\ntarget: {place: everywhere}\n",
            Format::Yaml,
            expect![
                "line 3, column 17: place `everywhere` is not one of `every`, `one`, a number of nodes, or {shards: N}"
            ],
        );
        refused(
            "name: a\nrun: {shell: a, exec: [b]}\n",
            Format::Yaml,
            expect!["line 2, column 6: run: give only one of `shell`, `exec` and `http`"],
        );
        refused(
            "name: a b\nrun: {shell: a}\n",
            Format::Yaml,
            expect![
                "line 1, column 7: the job name `a b` has the character ' '; letters, digits, `-`, `_` and `.` are allowed"
            ],
        );
        refused(
            "run: {shell: a}\n",
            Format::Yaml,
            expect!["line 1, column 1: missing field `name`"],
        );
        refused(
            "name: a\nrun: {shell: a\n",
            Format::Yaml,
            expect!["line 2, column 6: unclosed bracket '{'"],
        );
        refused(
            "just words",
            Format::Yaml,
            expect!["line 1, column 1: expected a job (`name:`, `run:`, …) or a list of jobs"],
        );
        refused(
            "",
            Format::Yaml,
            expect!["the file holds no job; write at least `name:` and `run:`"],
        );
        refused(
            "name: a\nrun: {shell: a}\n---\nname: a\nrun: {shell: b}\n",
            Format::Yaml,
            expect![
                "line 4, column 1: the file holds two jobs of the name `default/a`; rename one or give it another namespace"
            ],
        );
        refused(
            "{\"name\": \"a\",\n \"run\": {\"shell\": 5}}",
            Format::Json,
            expect!["line 2, column 19: invalid type: integer `5`, expected a string"],
        );
        refused(
            "name = 'a'\nrun = {shel = 'a'}\n",
            Format::Toml,
            expect![
                "line 2, column 8: unknown field `shel`, expected one of `shell`, `exec`, `http`, `user`, `group`, `dir`, `env`, `stdin`, `timeout`, `grace`, `output`, `success`; did you mean `shell`?"
            ],
        );
    }

    #[test]
    fn what_explodes_is_refused() {
        let mut bomb = String::from("a: &a [x, x, x, x, x, x, x, x, x]\n");
        for (from, to) in [
            ("a", "b"),
            ("b", "c"),
            ("c", "d"),
            ("d", "e"),
            ("e", "f"),
            ("f", "g"),
            ("g", "h"),
        ] {
            bomb += &format!(
                "{to}: &{to} [*{from}, *{from}, *{from}, *{from}, *{from}, *{from}, *{from}, *{from}]\n"
            );
        }
        assert!(parse(&bomb, Format::Yaml).is_err());
        let in_a_field = format!(
            "name: a\nrun: {{shell: a}}\nlabels:\n  {}",
            bomb.replace('\n', "\n  ")
        );
        assert!(parse(&in_a_field, Format::Yaml).is_err());
        let large = "#".repeat(10_000_000);
        assert!(parse(&large, Format::Yaml).unwrap_err().message.contains("bytes"));
        let deep = format!("name: {}", "[".repeat(100_000));
        assert!(parse(&deep, Format::Yaml).is_err());
        assert!(parse(&"[".repeat(100_000), Format::Json).is_err());
        assert!(parse(&format!("a = {}", "[".repeat(100_000)), Format::Toml).is_err());
    }
}
