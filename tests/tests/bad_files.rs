//! Wrong job files and wrong flags: nothing changes, and the error says what, where and what
//! to do.

use std::fmt::Write;

use gnomon_tests::Standalone;

/// A wrong job file, and what the error must hold: the place, and the words that matter.
struct Wrong {
    name: &'static str,
    file: &'static str,
    says: &'static [&'static str],
}

const WRONG: &[Wrong] = &[
    Wrong {
        name: "an unknown key names the nearest known one",
        file: "name: a\nrun: {shell: 'true'}\nschedul: '* * * * *'\n",
        says: &[":3:1", "schedul", "schedule"],
    },
    Wrong {
        name: "an unknown key further in",
        file: "name: a\nrun:\n  shell: 'true'\n  timout: 3s\n",
        says: &[":4:3", "timout", "timeout"],
    },
    Wrong {
        name: "a wrong type",
        file: "name: a\nrun: {shell: 'true'}\npaused: maybe\n",
        says: &[":3:9", "true or false"],
    },
    Wrong {
        name: "no name",
        file: "run: {shell: 'true'}\n",
        says: &["name"],
    },
    Wrong {
        name: "no run",
        file: "name: a\nschedule: '* * * * *'\n",
        says: &["run"],
    },
    Wrong {
        name: "two actions",
        file: "name: a\nrun: {shell: 'true', exec: [a]}\n",
        says: &[":2:", "shell", "exec"],
    },
    Wrong {
        name: "an empty schedule",
        file: "name: a\nrun: {shell: 'true'}\nschedule: ''\n",
        says: &[":3:", "schedule"],
    },
    Wrong {
        name: "a schedule that never fires",
        file: "name: a\nrun: {shell: 'true'}\nschedule: '0 0 30 2 *'\n",
        says: &[":3:", "never"],
    },
    Wrong {
        name: "a field out of its range",
        file: "name: a\nrun: {shell: 'true'}\nschedule: '0 25 * * *'\n",
        says: &[":3:", "hour", "25"],
    },
    Wrong {
        name: "a selector that cannot parse",
        file: "name: a\nrun: {shell: 'true'}\ntarget:\n  labels: 'role=,,=db'\n",
        says: &[":4:11", "role=,,=db"],
    },
    Wrong {
        name: "a duration without a unit",
        file: "name: a\nrun:\n  shell: 'true'\n  timeout: 30\n",
        says: &[":4:12", "30", "unit", "90s"],
    },
    Wrong {
        name: "a zone that is not",
        file: "name: a\nrun: {shell: 'true'}\ntriggers:\n  - {cron: '0 0 * * *', timezone: Mars/Olympus}\n",
        says: &[":4:", "Mars/Olympus"],
    },
    Wrong {
        name: "two jobs of one name",
        file: "name: a\nrun: {shell: 'true'}\n---\nname: a\nrun: {shell: 'false'}\n",
        says: &["default/a", "two jobs"],
    },
    Wrong {
        name: "no YAML",
        file: "name: [a\nrun: {",
        says: &[":"],
    },
    Wrong {
        name: "nothing",
        file: "# only a comment\n",
        says: &["no job"],
    },
];

#[test]
fn a_wrong_job_file_changes_nothing_and_says_where() {
    let instance = Standalone::start();
    let mut failures = String::new();
    for wrong in WRONG {
        let file = instance.scratch.file("wrong.yaml", wrong.file);
        let done = instance
            .cli
            .run(&["job", "apply", "-f", &file.display().to_string()]);
        let said = done.stderr.to_lowercase();
        let missing: Vec<_> = wrong
            .says
            .iter()
            .filter(|s| !said.contains(&s.to_lowercase()))
            .collect();
        if done.code != 2 || !missing.is_empty() {
            let _ = writeln!(
                failures,
                "{}: code {}, lacks {missing:?}: {}",
                wrong.name, done.code, done.stderr
            );
        }
    }
    assert!(failures.is_empty(), "{failures}");
    assert_eq!(instance.cli.json(&["job", "ls"]), serde_json::json!([]));
}

#[test]
fn many_files_are_taken_whole_or_not_at_all() {
    let instance = Standalone::start();
    let good = instance
        .scratch
        .file("good.yaml", "name: good\nrun: {shell: 'true'}\n");
    let bad = instance.scratch.file(
        "bad.yaml",
        "name: bad\nrun: {shell: 'true'}\nschedule: nonsense\n",
    );
    let (good, bad) = (good.display().to_string(), bad.display().to_string());
    let said = instance
        .cli
        .run(&["job", "apply", "-f", &good, "-f", &bad])
        .failed(2);
    assert!(said.contains("bad.yaml:3:"), "{said}");
    assert_eq!(instance.cli.json(&["job", "ls"]), serde_json::json!([]));
    // Two files that are good alone, and not together.
    let said = instance
        .cli
        .run(&["job", "apply", "-f", &good, "-f", &good])
        .failed(2);
    assert!(said.contains("default/good"), "{said}");
    assert_eq!(instance.cli.json(&["job", "ls"]), serde_json::json!([]));
    instance.cli.ok(&["job", "apply", "-f", &good]);
}

#[test]
fn ten_megabytes_and_exploding_aliases_are_refused_at_once() {
    let instance = Standalone::start();
    let mut large = String::from("name: a\nrun: {shell: 'true'}\ndescription: '");
    large.extend(std::iter::repeat_n('x', 10 << 20));
    large.push_str("'\n");
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for i in 1..12 {
        let _ = writeln!(
            bomb,
            "a{i}: &a{i} [{}]",
            vec![format!("*a{}", i - 1); 10].join(", ")
        );
    }
    for (name, content) in [("large.yaml", large), ("bomb.yaml", bomb)] {
        let file = instance.scratch.file(name, &content).display().to_string();
        instance.cli.run(&["job", "apply", "-f", &file]).failed(2);
    }
    assert_eq!(instance.cli.json(&["job", "ls"]), serde_json::json!([]));
}

#[test]
fn wrong_flags_end_with_2_and_a_way_out() {
    let instance = Standalone::start();
    for args in [
        &["job", "apply"][..],
        &["job", "aply", "-f", "x"],
        &["run", "ls", "--state", "sleeping"],
        &["run", "ls", "--limit", "0"],
        &["run", "get", "no-ulid"],
        &["next", "--", "61 * * * *"],
        &["standalone", "--listen", "nowhere"],
        &["master"],
        &["agent"],
    ] {
        instance.cli.run(args).failed(2);
    }
    let unreachable = instance
        .cli
        .clone()
        .with_url("http://127.0.0.1:1")
        .with_token("t");
    unreachable.run(&["job", "ls"]).failed(6);
}
