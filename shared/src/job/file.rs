//! Job files: YAML, JSON or TOML, with one job or many. Errors say what is wrong, where
//! (line and column) and what to do.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Deserializer, de};

use super::JobSpec;

/// The largest job file that is read, in bytes.
pub const FILE_BYTES_MAX: usize = 8 << 20;

/// How a job file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Yaml,
    Json,
    Toml,
}

impl Format {
    /// By the file name's ending; YAML where it says nothing.
    pub fn of_name(name: &str) -> Format {
        match name.rsplit_once('.') {
            Some((_, "json")) => Format::Json,
            Some((_, "toml")) => Format::Toml,
            _ => Format::Yaml,
        }
    }
}

/// What is wrong with a job file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileError {
    /// What is wrong.
    pub message: String,
    /// Counted from 1; zero where the parser cannot say.
    pub line: u64,
    /// Counted from 1, in characters.
    pub column: u64,
    /// What to do.
    pub hint: Option<String>,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}, column {}: ", self.line, self.column)?;
        }
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for FileError {}

/// Reads all jobs of a file.
///
/// # Errors
/// The first thing that is wrong: nothing of the file may then be used.
pub fn parse(text: &str, format: Format) -> Result<Vec<JobSpec>, FileError> {
    if text.len() > FILE_BYTES_MAX {
        let mib = FILE_BYTES_MAX >> 20;
        return Err(plain(
            format!("the file has {} bytes; at most {mib}MiB are read", text.len()),
            Some("split it into several files".into()),
        ));
    }
    let jobs = match format {
        Format::Yaml => parse_yaml(text)?,
        Format::Json => parse_json(text)?,
        Format::Toml => parse_toml(text)?,
    };
    if jobs.is_empty() {
        return Err(plain(
            "the file holds no job".into(),
            Some("write at least `name:` and `run:`".into()),
        ));
    }
    let mut seen = BTreeSet::new();
    for job in &jobs {
        let path = job.path();
        if !seen.insert(path.clone()) {
            return Err(plain(
                format!("the file holds two jobs of the name `{path}`"),
                Some("rename one or give it another namespace".into()),
            ));
        }
    }
    Ok(jobs)
}

/// Writes a spec as YAML, as `job get` and diffs show it.
pub fn to_yaml(spec: &JobSpec) -> String {
    serde_saphyr::to_string(spec).unwrap_or_else(|e| format!("# cannot be written: {e}\n"))
}

/// A document: one job or a list of jobs.
struct Document(Vec<JobSpec>);

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Document, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Document;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a job (`name:`, `run:`, …) or a list of jobs")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Document, A::Error> {
                JobSpec::deserialize(de::value::MapAccessDeserializer::new(map))
                    .map(|job| Document(vec![job]))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Document, A::Error> {
                let mut jobs = Vec::new();
                while let Some(job) = seq.next_element()? {
                    jobs.push(job);
                }
                Ok(Document(jobs))
            }
        }
        d.deserialize_any(Visitor)
    }
}

fn parse_yaml(source: &str) -> Result<Vec<JobSpec>, FileError> {
    let documents = serde_saphyr::from_multiple::<Document>(source).map_err(|e| {
        let e = e.without_snippet();
        let (line, column) = e.location().map_or((0, 0), |at| (at.line(), at.column()));
        let text = e.to_string();
        let message = in_words(strip_location(&text));
        let (line, column) = if line == 0 {
            find_key(&message, source)
        } else {
            (line, column)
        };
        located(&message, line, column)
    })?;
    Ok(documents.into_iter().flat_map(|d| d.0).collect())
}

fn parse_json(text: &str) -> Result<Vec<JobSpec>, FileError> {
    let mut jobs = Vec::new();
    for document in serde_json::Deserializer::from_str(text).into_iter::<Document>() {
        let document = document.map_err(|e| {
            let text = e.to_string();
            located(strip_location(&text), e.line() as u64, e.column() as u64)
        })?;
        jobs.extend(document.0);
    }
    Ok(jobs)
}

/// TOML has no list at the top: one job, or `[[job]]` tables.
fn parse_toml(text: &str) -> Result<Vec<JobSpec>, FileError> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Many {
        job: Vec<JobSpec>,
    }
    let wrong = |e: toml::de::Error| {
        let (line, column) = e.span().map_or((0, 0), |span| position(text, span.start));
        located(e.message(), line, column)
    };
    let is_many = text.parse::<toml::Table>().map_err(wrong)?.contains_key("job");
    if is_many {
        return toml::from_str::<Many>(text).map(|m| m.job).map_err(wrong);
    }
    toml::from_str::<JobSpec>(text)
        .map(|job| vec![job])
        .map_err(wrong)
}

/// Line and column of a byte, counted from 1.
fn position(text: &str, byte: usize) -> (u64, u64) {
    let before = &text[..text.floor_char_boundary(byte)];
    let line = before.matches('\n').count() as u64 + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() as u64 + 1;
    (line, column)
}

fn plain(message: String, hint: Option<String>) -> FileError {
    FileError {
        message,
        line: 0,
        column: 0,
        hint,
    }
}

fn located(message: &str, line: u64, column: u64) -> FileError {
    FileError {
        message: message.to_owned(),
        line,
        column,
        hint: nearest_key(message),
    }
}

/// Parsers write where they are at the end of the text, each in its way.
fn strip_location(message: &str) -> &str {
    let end = [" at line ", " (line ", "\n"]
        .iter()
        .filter_map(|mark| message.find(mark))
        .min();
    message[..end.unwrap_or(message.len())].trim_end_matches([':', ' '])
}

/// Parsers name Rust's types; people do not know them.
fn in_words(message: &str) -> String {
    match message {
        "invalid u32" | "invalid u64" | "invalid i32" => "this must be a whole number".to_owned(),
        "invalid f64" => "this must be a number".to_owned(),
        "invalid boolean" | "invalid bool" => "this must be true or false".to_owned(),
        other => other.to_owned(),
    }
}

/// What a whole job gets wrong starts with its key (`retry.attempts: …`) but has no place
/// of its own: where that key stands, if it stands in one place only.
fn find_key(message: &str, text: &str) -> (u64, u64) {
    let key = message.split([':', '.']).next().unwrap_or_default();
    let starts = |line: &str| {
        line.trim_start_matches([' ', '-'])
            .strip_prefix(key)
            .is_some_and(|r| r.starts_with(':'))
    };
    let mut places = text.lines().enumerate().filter(|(_, line)| starts(line));
    match (places.next(), places.next()) {
        (Some((i, line)), None) => {
            let column = line.chars().take_while(|c| matches!(c, ' ' | '-')).count();
            (i as u64 + 1, column as u64 + 1)
        }
        _ => (0, 0),
    }
}

/// For "unknown field `shel`, expected one of `shell`, …": the nearest known key.
fn nearest_key(message: &str) -> Option<String> {
    if !message.contains("unknown field") && !message.contains("unknown variant") {
        return None;
    }
    let wrong = message.split('`').nth(1)?;
    let (_, known) = message.split_once("expected ")?;
    let known = known.trim_start_matches("one of ");
    let known: Vec<&str> = known.split(',').map(|key| key.trim().trim_matches('`')).collect();
    let near = known
        .iter()
        .map(|key| (strsim::damerau_levenshtein(wrong, key), *key))
        .min()
        .filter(|(distance, key)| *distance <= 1 + key.len() / 3);
    match near {
        Some((_, key)) => Some(format!("did you mean `{key}`?")),
        None => Some("see `gnomon job apply --help` for the keys of a job file".into()),
    }
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

    fn refused(text: &str, format: Format, expected: Expect) {
        expected.assert_eq(&parse(text, format).unwrap_err().to_string());
    }

    #[test]
    fn errors_say_what_where_and_what_to_do() {
        refused(
            "name: a\nrun:\n  shel: 'true'\n",
            Format::Yaml,
            expect![
                "line 3, column 3: unknown field `shel`, expected one of shell, exec, http, user, group, dir, env, stdin, timeout, grace, output, success; did you mean `shell`?"
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
            expect![[
                r#"invalid type: string "just words", expected a job (`name:`, `run:`, …) or a list of jobs"#
            ]],
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
                "the file holds two jobs of the name `default/a`; rename one or give it another namespace"
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
