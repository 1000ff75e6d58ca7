//! Settled values as YAML, as a person would write them: keys in the order of the job file's own
//! documentation, what is short in one line.

use super::value::{Value, decimal, quote};

/// Keys in the order in which they are written; others follow, by the alphabet.
const ORDER: [&str; 62] = [
    "name",
    "namespace",
    "description",
    "place",
    "nodes",
    "groups",
    "labels",
    "policy",
    "attempts",
    "run",
    "shell",
    "exec",
    "http",
    "method",
    "url",
    "headers",
    "body",
    "user",
    "group",
    "dir",
    "env",
    "stdin",
    "timeout",
    "grace",
    "output",
    "success",
    "schedule",
    "triggers",
    "cron",
    "every",
    "at",
    "timezone",
    "dialect",
    "dst",
    "known_until",
    "dates",
    "ranges",
    "weekly",
    "days",
    "anchor",
    "jitter",
    "calendars",
    "target",
    "exclude",
    "only",
    "prefer",
    "balance",
    "limit",
    "queue",
    "overlap",
    "within",
    "misfire",
    "backoff",
    "factor",
    "max",
    "elsewhere",
    "retry",
    "on_lost",
    "isolation",
    "runs",
    "for",
    "keep",
];

/// Maps that stand in one line if they fit.
const INLINE: [&str; 7] = [
    "overlap", "misfire", "retry", "keep", "exclude", "place", "labels",
];
const LINE_MAX: usize = 84;

/// Where a key stands among its neighbours in a map under `parent`.
pub fn rank(parent: &str, key: &str) -> usize {
    match parent {
        "env" | "headers" | "labels" => 0,
        _ => ORDER.iter().position(|k| *k == key).unwrap_or(ORDER.len()),
    }
}

/// A whole file.
pub fn write(tree: &Value) -> String {
    let mut lines = Vec::new();
    match tree.is_map() {
        true => lines = body(tree, "", 0),
        false => lines.push(flow(tree)),
    }
    lines.push(String::new());
    lines.join("\n")
}

/// The lines of a map's entries.
pub fn body(map: &Value, parent: &str, indent: usize) -> Vec<String> {
    let entries = in_order(map, parent);
    let lines = entries
        .into_iter()
        .flat_map(|(key, value)| entry(key, value, indent));
    lines.collect()
}

/// A map's entries in the order in which they are written.
fn in_order<'v>(map: &'v Value, parent: &str) -> Vec<(&'v str, &'v Value)> {
    let mut entries: Vec<_> = map.entries().collect();
    entries.sort_by_key(|(key, _)| (rank(parent, key), *key));
    entries
}

/// The lines of `key: value`.
pub fn entry(key: &str, value: &Value, indent: usize) -> Vec<String> {
    let head = format!("{}{}:", " ".repeat(indent), plain_or_quoted(key, false));
    let in_line = |text: String| vec![format!("{head} {text}")];
    match value {
        Value::Map(_) if value.says_nothing() => in_line("{}".into()),
        Value::Map(_) => {
            let short = flow(value);
            let is_short =
                INLINE.contains(&key) && head.len() + short.len() < LINE_MAX && !short.contains('\n');
            match is_short {
                true => in_line(short),
                false => {
                    let mut lines = vec![head];
                    lines.extend(body(value, key, indent + 2));
                    lines
                }
            }
        }
        Value::List(_) => {
            let short = flow(value);
            let is_plain = value.items().all(|item| !item.is_map() && !item.is_list());
            match is_plain && head.len() + short.len() < LINE_MAX {
                true => in_line(short),
                false => {
                    let mut lines = vec![head];
                    lines.extend(value.items().flat_map(|each| item(each, indent + 2)));
                    lines
                }
            }
        }
        Value::Text(text) if is_literal(text) => literal(&head, text, indent),
        Value::Text(text) if matches!(key, "cron" | "schedule") => in_line(quoted(text)),
        Value::Text(text) => in_line(plain_or_quoted(text, false)),
        other => in_line(flow(other)),
    }
}

/// The lines of an item of a list.
pub fn item(value: &Value, indent: usize) -> Vec<String> {
    let dash = format!("{}- ", " ".repeat(indent));
    if !value.is_map() || value.says_nothing() {
        return vec![format!("{dash}{}", flow(value))];
    }
    let mut lines = body(value, "", indent + 2);
    if let Some(first) = lines.first_mut() {
        *first = format!("{dash}{}", first.trim_start());
    }
    lines
}

/// A text of several lines that `|` can hold as it is.
fn is_literal(text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default();
    text.trim_end().contains('\n')
        && !first.trim().is_empty()
        && !first.starts_with([' ', '\t'])
        && !text
            .chars()
            .any(|c| (c.is_control() && c != '\n' && c != '\t') || c == '\u{feff}')
        && !text.contains(['\u{2028}', '\u{2029}', '\u{85}'])
}

fn literal(head: &str, text: &str, indent: usize) -> Vec<String> {
    let ends = text.len() - text.trim_end_matches('\n').len();
    let mark = match ends {
        0 => "|-",
        1 => "|",
        _ => "|+",
    };
    let pad = " ".repeat(indent + 2);
    let mut lines = vec![format!("{head} {mark}")];
    let text = text.strip_suffix('\n').unwrap_or(text);
    lines.extend(text.split('\n').map(|line| match line {
        "" => String::new(),
        line => format!("{pad}{line}"),
    }));
    lines
}

/// A value in one line.
fn flow(value: &Value) -> String {
    match value {
        Value::Text(text) => plain_or_quoted(text, true),
        Value::List(_) => {
            let items: Vec<String> = value.items().map(flow).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Map(_) => {
            let entries = in_order(value, "").into_iter();
            let pairs =
                entries.map(|(key, value)| format!("{}: {}", plain_or_quoted(key, true), flow(value)));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
        }
        scalar => scalar.scalar().unwrap_or_default(),
    }
}

/// As it is, if every reader of YAML takes it for just this text; else in quotes.
fn plain_or_quoted(text: &str, in_flow: bool) -> String {
    let is_plain = !text.is_empty()
        && text.trim() == text
        && !text.starts_with(|c: char| "-?:,[]{}#&*!|>'\"%@`=~<".contains(c))
        && !text.starts_with("...")
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.ends_with(':')
        && !text
            .chars()
            .any(|c| c.is_control() || matches!(c, '\u{feff}' | '\u{2028}' | '\u{2029}' | '\u{85}'))
        && !(in_flow && text.contains([',', '[', ']', '{', '}']))
        && !means_something_else(text);
    if is_plain { text.to_owned() } else { quoted(text) }
}

/// Words and numbers that YAML, of one version or another, takes for no text.
fn means_something_else(text: &str) -> bool {
    const WORDS: [&str; 12] = [
        "true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf", "infinity",
    ];
    let lower = text.to_ascii_lowercase();
    WORDS.contains(&lower.trim_start_matches(['.', '+']))
        || decimal(text).is_some()
        || (text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '.' | '+'))
            && text
                .chars()
                .all(|c| c.is_ascii_hexdigit() || ".:_+-xXoOtTzZ ".contains(c)))
}

/// In double quotes. JSON's escapes are YAML's too.
fn quoted(text: &str) -> String {
    let (mut json, mut out) = (String::new(), String::new());
    quote(text, &mut json);
    for c in json.chars() {
        match c {
            '\u{7f}'..='\u{9f}' | '\u{feff}' | '\u{2028}' | '\u{2029}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value;

    fn read(text: &str) -> Result<Value, crate::file::FileError> {
        crate::file::values(text).map(|mut all| all.remove(0))
    }

    #[test]
    fn what_is_written_reads_the_same() {
        let texts = [
            "",
            " ",
            "a",
            "a b",
            " a",
            "a ",
            "true",
            "No",
            "null",
            "~",
            "1",
            "1.5",
            "1e3",
            "0x1f",
            "0o7",
            "12:30",
            "2026-01-31T02:30:00Z",
            "30 2 * * *",
            "*/5 * * * *",
            "- a",
            "a: b",
            "a:",
            "a #b",
            "#b",
            "a#b",
            "'a'",
            "\"a\"",
            "a\\b",
            "[a]",
            "{a: b}",
            "a, b",
            "a,b",
            "&a",
            "!a",
            "%a",
            "@daily",
            "`a`",
            "|",
            ">",
            "=",
            "<<",
            "a\nb",
            "a\nb\n",
            "a\n\nb\n\n\n",
            "\na",
            " a\nb",
            "a\n  b\n c",
            "\ttab",
            "a\tb",
            "a\r\nb",
            "\u{7}",
            "\u{1b}[31mred",
            "日本語",
            "é",
            "\u{2028}",
            "\u{feff}a",
            "\u{85}",
            "---",
            "...",
            "a\n---\nb",
            "#!/bin/sh\necho hi\n",
            "10s",
            "1h30m",
            "10MiB",
            "role=db,!canary",
            "zone in (a, b)",
            "!canary",
            "http://x/y?z=1#f",
            "5",
            "+5",
            "-5",
            ".5",
            "y",
            "n",
            "NaN",
            "-.inf",
            "?",
            "? a",
            ":",
            "a\u{0}b",
            "1_000",
            "0b1",
            "x: |",
            "a\n# no comment\nb",
        ];
        for text in texts {
            let trees = [
                value!({"name": text, "run": {"shell": text, "exec": [text, "b"], "env": {"A": text}}}),
                value!({"labels": {"a": text, "b": text}, "triggers": [{"cron": text}, {"jitter": text, "at": [text]}]}),
            ];
            for tree in trees {
                let yaml = write(&tree);
                assert_eq!(read(&yaml).unwrap(), tree, "{text:?} was written as\n{yaml}");
            }
        }
        for key in ["a", "a b", "a: b", "true", "1", "", "#", "é", "a.b/c"] {
            let tree = value!({"run": {"env": {key: "x"}}, "labels": {key: "1"}});
            let yaml = write(&tree);
            assert_eq!(read(&yaml).unwrap(), tree, "{yaml}");
        }
    }

    #[test]
    fn files_look_as_a_person_would_write_them() {
        let tree = value!({
            "retry": {"attempts": 3, "backoff": "10s"},
            "name": "backup-db",
            "labels": {"team": "dba"},
            "run": {"timeout": "30m", "shell": "set -e\npg_dump app\n", "env": {"PGDATABASE": "app"}},
            "triggers": [{"timezone": "Asia/Shanghai", "cron": "30 2 * * *"}, {"every": "10m"}],
            "target": {"place": {"shards": 8}, "labels": "role=db,!canary", "exclude": {"nodes": ["db9"]}},
        });
        expect_test::expect![[r#"
            name: backup-db
            labels: {team: dba}
            run:
              shell: |
                set -e
                pg_dump app
              env:
                PGDATABASE: app
              timeout: 30m
            triggers:
              - cron: "30 2 * * *"
                timezone: Asia/Shanghai
              - every: 10m
            target:
              place: {shards: 8}
              labels: role=db,!canary
              exclude: {nodes: [db9]}
            retry: {attempts: 3, backoff: 10s}
        "#]]
        .assert_eq(&write(&tree));
    }
}
