//! `-o` says how each command answers, also those that change something.

use gnomon_tests::{Standalone, cli::text, wait::SOON};
use serde_json::{Value, json};

#[test]
fn what_was_done_is_told_in_the_format_asked_for() {
    let instance = Standalone::start();
    let cli = &instance.cli;
    cli.apply("name: a\nrun: {shell: sleep 600}\n---\nname: b\nrun: {shell: 'true'}\n");
    let names = "default/a\ndefault/b\n";

    assert_eq!(
        cli.ok(&["job", "pause", "a", "b"]),
        "default/a paused\ndefault/b paused\n"
    );
    let paused = cli.json(&["job", "pause", "a", "b"]);
    let are_paused: Vec<&Value> = paused
        .as_array()
        .unwrap()
        .iter()
        .map(|j| &j["spec"]["paused"])
        .collect();
    assert_eq!(are_paused, [true, true]);
    assert_eq!(cli.ok(&["job", "resume", "a", "b", "-o", "name"]), names);
    let yaml = cli.ok(&["job", "resume", "a", "-o", "yaml"]);
    assert!(yaml.contains("revision:"), "{yaml}");
    // What was done before a failure is told, too.
    let done = cli.run(&["job", "resume", "a", "missing", "-o", "json"]);
    let list: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!((done.code, list.as_array().unwrap().len()), (3, 1), "{done:?}");

    let nodes = cli.json(&["node", "ls"]);
    let node = text(&nodes[0], "id");
    for (args, state) in [
        (&["node", "cordon", node][..], "cordoned"),
        (&["node", "uncordon", node], "ready"),
        (&["node", "label", node, "role=db"], "ready"),
    ] {
        let view = cli.json(args);
        assert_eq!(
            (text(&view, "id"), text(&view, "state")),
            (node, state),
            "{args:?}"
        );
        assert_eq!(
            cli.ok(&[args, &["-o", "name"]].concat()),
            format!("{node}\n"),
            "{args:?}"
        );
    }

    cli.ok(&["job", "run", "a"]);
    let run = cli.run_where("default/a", SOON, |r| text(r, "state") == "running");
    let id = text(&run, "id");
    let (at, line) = (text(&run, "scheduled_at"), format!("{id}\n"));
    assert_eq!(cli.ok(&["job", "why", "a", "--at", at, "-o", "name"]), line);
    assert_eq!(cli.ok(&["run", "logs", id, "-o", "name"]), line);
    assert_eq!(cli.json(&["run", "kill", id])["id"], id);

    let file = instance.scratch.join("backup").display().to_string();
    let backup = cli.json(&["backup", &file]);
    assert_eq!(backup["file"], file);
    assert_eq!(backup["bytes"], std::fs::metadata(&file).unwrap().len());
    assert!(cli.json(&["restore", "--force", &file])["keys"].as_u64() > Some(1));

    assert_eq!(
        cli.json(&["job", "rm", "b"]),
        json!([{"job": "default/b", "deleted": true}])
    );
    assert_eq!(cli.ok(&["job", "rm", "a", "-o", "name"]), "default/a\n");
}

#[test]
fn a_file_that_is_no_whole_backup_restores_nothing() {
    let instance = Standalone::start();
    let cli = &instance.cli;
    cli.apply("name: a\nrun: {shell: 'true'}\n");
    cli.ok(&["job", "run", "a", "--wait"]);
    let whole = instance.scratch.join("whole").display().to_string();
    cli.ok(&["backup", &whole]);
    let text = std::fs::read_to_string(&whole).unwrap();
    let half = instance.scratch.file("half", &text[..text.len() - 20]);
    let into = Standalone::start();
    let said = into.cli.run(&["restore", &half.display().to_string()]).failed(1);
    assert!(said.contains("not whole"), "{said}");
    assert_eq!(into.cli.json(&["job", "ls"]), json!([]));
    let folder = instance.scratch.dir("folder").display().to_string();
    let said = into.cli.run(&["restore", &folder]).failed(1);
    assert!(said.contains(&folder) && !said.contains("reach"), "{said}");
    into.cli.ok(&["restore", &whole]);
}

#[test]
fn hashes_are_those_of_a_job() {
    let instance = Standalone::start();
    let cli = &instance.cli;
    cli.apply("name: a\nrun: {shell: 'true'}\nschedule: 'H H * * *'\n");
    let next = |extra: &[&str]| {
        let args = [
            &["next", "--count", "1", "-o", "json"][..],
            extra,
            &["--", "H H * * *"],
        ]
        .concat();
        cli.run(&args)
    };
    let any = next(&[]);
    assert!(any.stderr.contains("--job"), "{any:?}");
    let of_job = next(&["--job", "a"]);
    assert_eq!(of_job.stderr, "");
    let listed: Value = serde_json::from_str(&of_job.stdout).unwrap();
    let due = cli.json(&["job", "get", "a"]);
    let at = |t: &str| t.chars().take(16).collect::<String>();
    assert_eq!(at(listed[0].as_str().unwrap()), at(text(&due, "next")), "{due:#}");
    // A time that the clocks jump over.
    let jump = |dst: &str| {
        let zone = [
            "--timezone",
            "Europe/Berlin",
            "--from",
            "2027-03-27T12:00:00Z",
            "--count",
            "1",
        ];
        cli.ok(&[
            &["next", "-o", "name", "--dst", dst][..],
            &zone,
            &["--", "30 2 * * *"],
        ]
        .concat())
    };
    assert_eq!(jump("tick"), "2027-03-28T03:00:00+02:00\n");
    assert_eq!(jump("skip"), "2027-03-29T02:30:00+02:00\n");
}
