//! Wrong job files and wrong flags: nothing changes, and the error says what, where and what
//! to do.

use std::fmt::Write;

use gnomon_tests::{Cli, Scratch, Standalone, cli::Done};

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
        name: "fewer nodes than none",
        file: "name: a\nrun: {shell: 'true'}\ntarget: {place: -3}\n",
        says: &[":3:", "place is -3"],
    },
    Wrong {
        name: "a setting that a request does not have",
        file: "name: a\nrun:\n  http: {url: 'http://a'}\n  user: bob\n",
        says: &[":3:3", "run.user", "leave it out"],
    },
    Wrong {
        name: "a label with white space",
        file: "name: a\nrun: {shell: 'true'}\nlabels: {' a ': b}\n",
        says: &[":3:1", "` a `"],
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
        &["next", "--count", "0", "--", "* * * * *"],
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

#[test]
fn what_the_server_finds_wrong_is_told_with_file_and_line() {
    let instance = Standalone::start();
    let one = instance
        .scratch
        .file("one.yaml", "name: one\nrun: {shell: 'true'}\n");
    let one = one.display().to_string();
    let wrong = [
        (
            "name: one\nrun: {shell: 'true'}\n",
            ["wrong.yaml:1:1", "one.yaml:1:1"],
        ),
        (
            "name: a\nrun: {shell: 'true'}\n---\nname: b\ntriggers:\n  - at: 2001-01-01T00:00:00Z\nrun: {shell: 'true'}\n",
            ["wrong.yaml:5:1", "trigger 1"],
        ),
        (
            "# two\n- run: {shell: 'true'}\n  name: a\n- name: b\n  run: {shell: 'true'}\n  calendars: {only: [nowhere]}\n",
            ["wrong.yaml:6:3", "nowhere"],
        ),
    ];
    for (text, says) in wrong {
        let wrong = instance.scratch.file("wrong.yaml", text).display().to_string();
        let said = instance
            .cli
            .run(&["job", "apply", "-f", &one, "-f", &wrong])
            .failed(2);
        assert!(says.iter().all(|s| said.contains(s)), "{says:?}: {said}");
    }
    assert_eq!(instance.cli.json(&["job", "ls"]), serde_json::json!([]));
}

const SYSTEM: &str = "# system\n17 * * * * root cd / && true\n";

/// What `import crontab --dry-run` makes of files, without a server.
fn import(scratch: &Scratch, args: &[&str], stdin: &str) -> Done {
    let cli = Cli::at_home(scratch.dir("home"));
    let args = [&["import", "crontab", "--dry-run", "--timezone", "UTC"], args].concat();
    cli.run_with(&args, stdin)
}

#[test]
fn a_column_of_users_is_not_taken_for_commands() {
    let scratch = Scratch::new("user-column");
    let said = import(&scratch, &["-"], SYSTEM).failed(2);
    assert!(said.contains("--system") && said.contains("--user"), "{said}");
    let system = import(&scratch, &["-", "--system"], SYSTEM);
    assert!(system.stdout.contains("user: root"), "{system:?}");
    let user = import(&scratch, &["-", "--user", "ann"], SYSTEM);
    assert!(user.stdout.contains("shell: root cd /"), "{user:?}");
    // Wherever the path says it is: in a cron.d, through `..` and links.
    let folder = scratch.dir("cron.d");
    std::fs::write(folder.join("tidy"), SYSTEM).unwrap();
    std::os::unix::fs::symlink(&folder, scratch.join("link")).unwrap();
    for path in ["cron.d/tidy", "cron.d/../cron.d/tidy", "link/tidy"] {
        let done = import(&scratch, &[&scratch.join(path).display().to_string()], "");
        assert!(done.stdout.contains("user: root"), "{path}: {done:?}");
    }
}

#[test]
fn what_cron_does_not_read_is_not_taken_over() {
    let scratch = Scratch::new("cron-d");
    let folder = scratch.dir("cron.d");
    std::fs::write(folder.join("tidy"), SYSTEM).unwrap();
    std::fs::write(folder.join("tidy.dpkg-old"), SYSTEM).unwrap();
    let path = |name: &str| folder.join(name).display().to_string();
    let done = import(
        &scratch,
        &[&path("tidy"), &path("tidy.dpkg-old"), "-o", "name"],
        "",
    );
    assert_eq!((done.code, &*done.stdout), (0, "default/tidy-true\n"), "{done:?}");
    assert!(done.stderr.contains("tidy.dpkg-old: not taken"), "{done:?}");
    std::fs::write(folder.join("latin"), b"# one\n* * * * * root echo caf\xe9\n").unwrap();
    let said = import(&scratch, &[&path("latin")], "").failed(2);
    assert!(said.contains("latin:2") && said.contains("UTF-8"), "{said}");
}

#[test]
fn lines_of_several_crontabs_are_told_apart() {
    let scratch = Scratch::new("crontabs");
    let file = |folder: &str| {
        let path = scratch.dir(folder).join("tab");
        std::fs::write(&path, "* * * * * tidy\n@reboot start\n").unwrap();
        path.display().to_string()
    };
    let (one, two) = (file("one"), file("two"));
    let done = import(&scratch, &[&one, &two, "-o", "name"], "");
    assert_eq!(
        done.stdout, "default/one-tab-tidy\ndefault/two-tab-tidy\n",
        "{done:?}"
    );
    for file in [&one, &two] {
        assert!(done.stderr.contains(&format!("{file}:2: not taken")), "{done:?}");
    }
    let deeper = file("deeper/one");
    let said = import(&scratch, &[&one, &deeper], "").failed(2);
    assert!(
        said.contains(&format!("{one}:1")) && said.contains(&format!("{deeper}:1")),
        "{said}"
    );
}
