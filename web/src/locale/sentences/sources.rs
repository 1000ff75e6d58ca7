//! The sentences that stand in the sources of `shared`, the server and the agent, so that none is
//! left without its Chinese.

use std::{fs, path::Path};

use super::{
    in_chinese,
    tests::{assert_said, english_left, reads_like_english},
};

/// Where sentences that reach the console are born.
const PLACES: &[&str] = &[
    "../shared/src",
    "../master/src/http",
    "../master/src/auth",
    "../master/src/history/page.rs",
    "../master/src/history/mod.rs",
    "../master/src/lost",
    "../agent/src/launcher",
    "../agent/src/policy/mod.rs",
    "../agent/src/runner/runs/ending.rs",
    "src/api/call.rs",
    "src/pages/editor/model/document.rs",
];

/// Files whose words the console never shows.
const UNHEARD: &[(&str, &str)] = &[
    ("shared/src/schedule/words", "has its own Chinese"),
    ("shared/src/schedule/preview.rs", "has its own Chinese"),
    ("shared/src/schedule/text.rs", "expressions"),
    ("shared/src/schedule/hash.rs", "what is hashed"),
    ("shared/src/api/schema.rs", "the API's description"),
    ("shared/src/calendar/ical", "read by the command line alone"),
    (
        "shared/src/store",
        "told in the log; what reaches the console is in master/src/http/failure.rs",
    ),
    ("shared/src/plan/tests.rs", "tests"),
    ("shared/src/file/value/json/tests.rs", "tests"),
    ("shared/src/api/ticks.rs", "how ticks are packed"),
    ("auth/secret.rs", "what is hashed"),
    ("http/openapi.rs", "the API's description"),
    ("http/metrics.rs", "for Prometheus"),
    ("http/backup.rs", "asked by the command line alone"),
    ("http/restore.rs", "asked by the command line alone"),
    ("http/apply.rs", "asked by the command line alone"),
    ("http/reports.rs", "asked by agents alone"),
    (
        "http/console.rs",
        "headers, and the page that says that there is no console",
    ),
    ("http/compress.rs", "told in the log"),
    ("http/serve.rs", "told in the log"),
    ("http/health.rs", "for load balancers"),
    ("launcher/kernel.rs", "machine code"),
    ("launcher/cgroup.rs", "the kernel's files"),
    ("launcher/procfs.rs", "the kernel's files"),
    ("launcher/marks.rs", "told in the log"),
    ("launcher/process.rs", "told in the log and in the run's output"),
];

/// Literals that are no sentence of their own, with why.
const NO_SENTENCES: &[(&str, &str)] = &[
    ("day of month", "before a colon: see the tests"),
    ("day of week", "before a colon: see the tests"),
    (", at column {column}", "an end: see the tests"),
    (
        " (Quartz counts from 1 for SUN to 7 for SAT)",
        "an end: see the tests",
    ),
    (
        ", recorded as one with {} instants from {} to {}",
        "an end: see the tests",
    ),
    ("Slot {slot} on node {}", "a beginning: see the tests"),
    ("it ended {}", "a state follows: see the tests"),
    ("the query: ", "a beginning: see the tests"),
    ("Failed to deserialize query string: ", "replaced"),
    (
        "a job that was put into the world is not there",
        "told in the log",
    ),
    (" rewritten on {}", "a plan, told in the log"),
    ("{path}: on every node", "a plan, told in the log"),
    ("{path}: rewritten on every node", "a plan, told in the log"),
    ("{job}: no longer on every node", "a plan, told in the log"),
    ("{job}/{slot}: its cursor is forgotten", "a plan, told in the log"),
    ("it is gone", "a plan, told in the log"),
    ("it does not match", "a plan, told in the log"),
    ("another has a better claim", "a plan, told in the log"),
    ("the slot has another owner", "a plan, told in the log"),
    ("there is no such slot", "a plan, told in the log"),
    ("again in {wait:?}", "a plan, told in the log"),
    ("a value cannot be written: {e}", "told in the log"),
    ("the shell", "a beginning: see the tests"),
    ("the program", "a beginning: see the tests"),
    ("cannot use the folder {}", "told where the agent starts"),
    (
        "cannot see what this process has open",
        "told where the agent starts",
    ),
    (
        "cannot read the limit of open files",
        "told where the agent starts",
    ),
    (
        "the policy {} cannot be read: {source}",
        "told where the agent starts",
    ),
    (
        "the policy {} {why}: only its administrator may write it; set it right with chown and chmod",
        "told where the agent starts",
    ),
    ("the policy {} is wrong: {why}", "told where the agent starts"),
    (
        "limits.max_concurrent: 0 would allow nothing; leave it out for no limit",
        "told where the agent starts",
    ),
    (
        "limits.max_timeout: 0s would allow nothing; leave it out for no limit",
        "told where the agent starts",
    ),
    ("lies in a folder that ", "told where the agent starts"),
    ("it is larger than 1MiB", "told where the agent starts"),
    (
        "belongs to user {}, who is neither root nor the agent's",
        "told where the agent starts",
    ),
    (
        "can be written by its group or by everybody",
        "told where the agent starts",
    ),
    (
        "{what} {program} cannot be executed: the interpreter that it names is missing",
        "a noun comes first: see the tests",
    ),
    (
        "{what} {program} does not exist on this host",
        "a noun comes first: see the tests",
    ),
    (
        "{what} `{program}` is not in any directory of PATH ({path})",
        "a noun comes first: see the tests",
    ),
    (
        "{what} {program} may not be executed by the user `{user}`",
        "a noun comes first: see the tests",
    ),
    (
        "{what} {program}: its arguments and environment are too large for this host",
        "a noun comes first: see the tests",
    ),
    (
        "{what} {program} cannot be executed: {error}",
        "a noun comes first: see the tests",
    ),
    (
        "the {what} `{name}` could not be looked up: {error}",
        "a noun comes first: see the tests",
    ),
    ("groups of user", "told in the log"),
    ("there is no user named `{0}`", "told by the command line"),
    ("the user {name} cannot be read: {e}", "told by the command line"),
    ("one of `{}`", "a list of keys"),
    ("one of ", "looked for"),
    (" at line ", "looked for"),
    (" at line {} column {}", "looked for"),
    ("# cannot be written: {e}\n", "a file's text"),
    ("@every {interval_ms}ms", "a stored schedule"),
    ("after @every stands a number of s or ms", "a stored schedule"),
    ("after @every stands a number", "a stored schedule"),
    ("unknown field", "looked for"),
    ("unknown variant", "looked for"),
    ("gnomon job apply --help", "a command"),
    ("gnomon calendar apply --help", "a command"),
];

#[test]
fn every_sentence_of_the_sources_has_its_chinese() {
    let mut missing = Vec::new();
    let mut seen = Vec::new();
    for (file, literal) in PLACES
        .iter()
        .flat_map(|place| literals_below(&home().join(place)))
    {
        if let Some((known, _)) = NO_SENTENCES.iter().find(|(known, _)| *known == literal) {
            seen.push(known);
            continue;
        }
        if reads_like_english(&bare(&literal, "")) && !has_chinese(&literal) {
            missing.push(format!(
                "{}: {literal}",
                file.split("/../").last().unwrap_or(&file)
            ));
        }
    }
    assert!(
        missing.is_empty(),
        "no Chinese for these; add them to web/src/locale/sentences/:\n{}",
        missing.join("\n")
    );
    for (known, _) in NO_SENTENCES {
        assert!(seen.contains(&known), "`{known}` is in no source");
    }
}

/// The walk finds what it is there for: else the test above could not fail.
#[test]
fn literals_are_found_where_they_are() {
    let source = r#"
        //! "in a comment here"
        #[doc = "in an attribute here"]
        #[error("told to people: {0}")]
        fn f(c: char) -> String {
            tracing::info!(x = f('"'), "told in the log");
            let quote = '"';
            x.expect("cannot be here");
            format!("a {n} and \
                     more {{here}}")
        }
        #[cfg(test)]
        mod tests {
            const X: &str = "in a test here";
        }
    "#;
    assert_eq!(
        literals(source),
        ["told to people: {0}", "a {n} and more {{here}}"]
    );
    assert_eq!(bare("a {n} and more {{here}}", "7"), "a 7 and more {here}");
    assert!(!has_chinese("this sentence is nowhere"));
    assert!(has_chinese("the {what} is empty"));
    let found: Vec<_> = PLACES
        .iter()
        .flat_map(|place| literals_below(&home().join(place)))
        .collect();
    assert!(found.iter().any(|(_, l)| l == "{what} exists already"));
    assert!(found.iter().any(|(_, l)| l == "it is draining"));
    for (file, _) in UNHEARD {
        let is_there = PLACES.iter().any(|place| {
            let mut all = Vec::new();
            sources(&home().join(place), &mut all);
            all.iter().any(|path| path.contains(file))
        });
        assert!(is_there, "{file} is gone");
    }
}

/// Whole answers, as the server's own tests expect them.
#[test]
fn the_ledgers_answers_are_said() {
    let tests =
        fs::read_to_string(home().join("../master/tests/http/why.rs")).expect("the tests can be read");
    let answers: Vec<String> = literals(&tests)
        .iter()
        .flat_map(|literal| literal.lines())
        .map(|line| line.trim().to_owned())
        .filter(|line| line.ends_with('.') && line.starts_with(|c: char| c.is_ascii_uppercase()))
        .collect();
    assert!(answers.len() >= 20, "{answers:?}");
    assert_said(&answers);
}

/// What is left out above as asked by others is asked by nobody here.
#[test]
fn the_console_asks_for_nothing_that_is_left_out() {
    let mut files = Vec::new();
    sources(&home().join("src"), &mut files);
    for file in files.iter().filter(|file| !file.contains("locale/sentences")) {
        let source = fs::read_to_string(file).expect("a source can be read");
        for path in ["APPLY", "BACKUP", "RESTORE", "REPORTS"] {
            assert!(
                !source.contains(&format!("paths::{path}")),
                "{file} asks for {path}"
            );
        }
        assert!(!source.contains("ical"), "{file} reads iCalendar files");
    }
}

fn has_chinese(literal: &str) -> bool {
    // With something in its places, or with nothing: `{hint}` may be empty.
    ["7", ""].into_iter().any(|with| {
        let specimen = bare(literal, with);
        let specimen = specimen.trim_matches([' ', ',', ';']);
        in_chinese(specimen).is_some_and(|zh| english_left(&zh).is_none())
    })
}

fn home() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn literals_below(place: &Path) -> Vec<(String, String)> {
    let mut files = Vec::new();
    sources(place, &mut files);
    files.retain(|file| !UNHEARD.iter().any(|(unheard, _)| file.contains(unheard)));
    files
        .into_iter()
        .flat_map(|file| {
            let source = fs::read_to_string(&file).expect("a source can be read");
            let found = literals(&source);
            found.into_iter().map(move |literal| (file.clone(), literal))
        })
        .collect()
}

fn sources(place: &Path, found: &mut Vec<String>) {
    if place.is_file() {
        if place.extension().is_some_and(|e| e == "rs") {
            found.push(place.to_string_lossy().replace('\\', "/"));
        }
        return;
    }
    let inside = fs::read_dir(place).expect("the sources stand beside the console's");
    for entry in inside {
        sources(&entry.expect("a folder can be read").path(), found);
    }
}

/// A format string with every `{…}` filled.
fn bare(format: &str, with: &str) -> String {
    let mut out = String::new();
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '{' | '}' if chars.peek() == Some(&c) => {
                chars.next();
                out.push(c);
            }
            '{' => {
                chars.by_ref().find(|c| *c == '}');
                out.push_str(with);
            }
            c => out.push(c),
        }
    }
    out
}

/// The string literals of a source, without those of its tests, comments, attributes (but
/// `#[error]`) and of what is told in the log.
fn literals(source: &str) -> Vec<String> {
    const SKIPPED: [&str; 6] = [
        "#[",
        "#![",
        "tracing::",
        ".expect(\"",
        "assert!(",
        "unreachable!(",
    ];
    let source = source.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let source = source
        .split("#[cfg(test)]\n        mod ")
        .next()
        .unwrap_or_default();
    let (mut found, mut rest) = (Vec::new(), source);
    let (mut depth, mut skipping, mut begins) = (0_i32, None, false);
    while let Some(c) = rest.chars().next() {
        if rest.starts_with("//") {
            rest = rest.split_once('\n').map_or("", |(_, after)| after);
            continue;
        }
        if let Some((literal, after)) = string(rest) {
            if skipping.is_none() {
                found.push(literal);
            }
            rest = after;
            continue;
        }
        if let Some(after) = character(rest) {
            rest = after;
            continue;
        }
        if skipping.is_none()
            && SKIPPED.iter().any(|skipped| rest.starts_with(skipped))
            && !rest.starts_with("#[error(")
        {
            begins = true;
        }
        match c {
            '(' | '[' | '{' => {
                if begins {
                    (skipping, begins) = (Some(depth), false);
                }
                depth += 1;
            }
            ')' | ']' | '}' => {
                depth -= 1;
                if skipping == Some(depth) {
                    skipping = None;
                }
            }
            // `tracing::Span` opens nothing.
            ';' => begins = false,
            _ => {}
        }
        rest = &rest[c.len_utf8()..];
    }
    found
}

/// A string literal at the beginning, and what follows it.
fn string(text: &str) -> Option<(String, &str)> {
    if let Some(raw) = text.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        let inner = raw[hashes..].strip_prefix('"')?;
        let end = format!("\"{}", "#".repeat(hashes));
        let (literal, after) = inner.split_once(&end)?;
        return Some((literal.to_owned(), after));
    }
    let mut rest = text.strip_prefix('"')?;
    let mut literal = String::new();
    loop {
        let c = rest.chars().next()?;
        rest = &rest[c.len_utf8()..];
        match c {
            '"' => return Some((literal, rest)),
            '\\' => {
                let escaped = rest.chars().next()?;
                rest = &rest[escaped.len_utf8()..];
                match escaped {
                    '\n' => rest = rest.trim_start(),
                    'n' => literal.push('\n'),
                    other => literal.push(other),
                }
            }
            c => literal.push(c),
        }
    }
}

/// What follows a character literal; lifetimes are none.
fn character(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('\'')?;
    let first = inner.chars().next()?;
    match first {
        '\\' => {
            let escaped = inner[1..].chars().next()?;
            let after = &inner[1 + escaped.len_utf8()..];
            after.split_once('\'').map(|(_, after)| after)
        }
        c => inner[c.len_utf8()..].strip_prefix('\''),
    }
}
