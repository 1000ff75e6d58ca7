//! A whole instance in one process, as a newcomer meets it.

use std::{
    fs,
    io::Write,
    net::{TcpListener, TcpStream},
    process::Stdio,
    time::Duration,
};

use gnomon_tests::{
    Cli, Scratch, Standalone,
    cli::text,
    cluster::{password_in, time},
    eventually,
    ledger::tally,
    wait::{SOON, now_ms},
};
use shared::time::Time;

#[test]
fn a_job_file_becomes_a_recorded_run() {
    let instance = Standalone::start();
    let cli = &instance.cli;

    let out =
        cli.apply("name: hello\nrun: {shell: 'echo out; echo err >&2; exit 3'}\nschedule: '* * * * * *'\n");
    assert!(out.contains("create default/hello"), "{out}");
    let run = cli.run_where("default/hello", SOON, |r| text(r, "state") == "failed");
    assert_eq!(run["exit_code"], 3);
    assert_eq!(run["attempt"], 1);
    assert_eq!(text(&run, "cause"), "schedule");
    assert!(!text(&run, "reason").is_empty());
    assert!(text(&run, "started_at") >= text(&run, "scheduled_at"));
    let logs = cli.run(&["run", "logs", text(&run, "id")]);
    assert_eq!(logs.code, 0, "{}", logs.stderr);
    assert!(
        logs.stdout == "out\n" && logs.stderr.contains("err\n"),
        "{logs:?}"
    );

    let out =
        cli.apply("name: hello\nrun: {shell: 'echo out; echo err >&2; exit 3'}\nschedule: '* * * * * *'\n");
    assert!(out.contains("unchanged default/hello"), "{out}");
    let out = cli.apply("name: hello\nrun: {shell: 'true'}\nschedule: '* * * * * *'\n");
    assert!(out.contains("update default/hello"), "{out}");
    cli.run_where("default/hello", SOON, |r| text(r, "state") == "succeeded");

    let table = cli.ok(&["run", "ls"]);
    assert!(
        table.contains("default/hello") && table.contains("succeeded"),
        "{table}"
    );
}

#[test]
fn a_calendar_keeps_a_job_from_running_until_it_is_edited() {
    let instance = Standalone::start();
    let cli = &instance.cli;
    let named = |calendars: &str| {
        format!("name: tick\nrun: {{shell: 'true'}}\nschedule: '* * * * * *'\ncalendars: {calendars}\n")
    };
    let wrong = cli.run_with(&["job", "apply", "-f", "-"], &named("{exclude: [always]}"));
    assert!(wrong.failed(2).contains("there is no calendar `always`"));

    let always = "name: always\nweekly: [{}]\n";
    let dry = cli.run_with(&["calendar", "apply", "-f", "-", "--dry-run"], always);
    assert_eq!(dry.stdout, "create always (dry run)\n", "{}", dry.stderr);
    assert_eq!(cli.ok(&["calendar", "ls", "-o", "name"]), "");
    let made = cli.run_with(&["calendar", "apply", "-f", "-"], always);
    assert_eq!(made.stdout, "create always\n", "{}", made.stderr);
    let same = cli.run_with(
        &["calendar", "apply", "-f", "-"],
        &cli.ok(&["calendar", "get", "always"]),
    );
    assert_eq!(same.stdout, "unchanged always\n", "{}", same.stderr);
    let check = cli.ok(&["calendar", "check", "always", "--at", "2026-12-25T12:00:00Z"]);
    assert!(check.starts_with("always covers 2026-12-25T12:00:00"), "{check}");

    cli.apply(&named("{exclude: [always]}"));
    let run = cli.run_where("default/tick", SOON, |r| text(r, "state") == "skipped");
    assert_eq!(text(&run, "reason"), "within the blackout `always`");
    let next = cli.ok(&["job", "where", "default/tick"]);
    assert!(next.contains("always") && next.contains("exclude"), "{next}");
    let refused = cli.run(&["calendar", "rm", "always", "--yes"]).failed(4);
    assert!(refused.contains("default/tick"), "{refused}");
    // By hand it runs, whatever its calendars say.
    cli.ok(&["job", "run", "default/tick", "--wait"]);

    // An iCalendar file in its place: the job runs again, without being written anew.
    let ics =
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:21001225\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    let import = [
        "calendar",
        "import",
        "always",
        "-",
        "--until",
        "2101-01-01T00:00:00Z",
    ];
    let imported = cli.run_with(&import, ics);
    assert!(
        imported.stdout.starts_with("update always\n"),
        "{}",
        imported.stderr
    );
    let ran = cli.run_where("default/tick", SOON, |r| {
        text(r, "state") == "succeeded" && text(r, "cause") == "schedule"
    });
    assert!(text(&ran, "scheduled_at") > text(&run, "scheduled_at"));
    let wrong = cli.run_with(
        &import,
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nRRULE:FREQ=HOURLY\r\nEND:VEVENT\r\n",
    );
    wrong.failed(2);
    cli.ok(&["job", "rm", "default/tick", "--yes"]);
    assert_eq!(cli.ok(&["calendar", "rm", "always", "--yes"]), "always deleted\n");
}

#[test]
fn a_run_by_hand_is_waited_for_and_its_exit_code_tells() {
    let instance = Standalone::start();
    instance
        .cli
        .apply("name: good\nrun: {shell: 'echo $GNOMON_CAUSE'}\n---\nname: bad\nrun: {shell: 'exit 1'}\n");
    let done = instance.cli.run(&["job", "run", "default/good", "--wait"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let runs = instance.cli.runs("default/good");
    let [run] = runs.as_slice() else {
        panic!("one run, not {runs:#?}")
    };
    assert_eq!(text(run, "cause"), "manual");
    assert_eq!(instance.cli.ok(&["run", "logs", text(run, "id")]), "manual\n");
    instance
        .cli
        .run(&["job", "run", "default/bad", "--wait"])
        .failed(1);
    instance.cli.run(&["job", "run", "default/none"]).failed(3);
}

#[test]
fn a_kill_ends_the_whole_tree() {
    let instance = Standalone::start();
    let pids = instance.scratch.join("pids");
    instance.cli.apply(&format!(
        "name: tree\nrun:\n  grace: 1s\n  shell: |\n    trap '' TERM\n    (trap '' TERM; sleep 1000 & echo $! >> {0}; wait) &\n    echo $! >> {0}\n    sleep 1000 &\n    echo $! >> {0}\n    wait; wait; sleep 1000\n",
        pids.display()
    ));
    instance.cli.ok(&["job", "run", "default/tree"]);
    let tree = eventually("the tree to stand", SOON, || {
        let tree: Vec<i32> = fs::read_to_string(&pids)
            .ok()?
            .lines()
            .filter_map(|l| l.parse().ok())
            .collect();
        (tree.len() == 3).then_some(tree)
    });
    let run = instance
        .cli
        .run_where("default/tree", SOON, |r| text(r, "state") == "running");
    instance
        .cli
        .ok(&["run", "kill", text(&run, "id"), "--reason", "enough"]);
    let run = instance
        .cli
        .run_where("default/tree", SOON, |r| text(r, "state") == "killed");
    assert!(text(&run, "reason").contains("enough"), "{run:#}");
    eventually("the whole tree to be gone", SOON, || {
        tree.iter()
            .all(|&pid| !gnomon_tests::process::exists(pid))
            .then_some(())
    });
}

#[test]
fn output_is_seen_while_the_job_runs() {
    let instance = Standalone::start();
    let gate = instance.scratch.join("gate");
    instance.cli.apply(&format!(
        "name: slow\nrun:\n  shell: |\n    echo first\n    while [ ! -e {} ]; do sleep 0.05; done\n    echo last\n",
        gate.display()
    ));
    instance.cli.ok(&["job", "run", "default/slow"]);
    let run = instance
        .cli
        .run_where("default/slow", SOON, |r| text(r, "state") == "running");
    let id = text(&run, "id");
    eventually("the first line, while it runs", SOON, || {
        (instance.cli.run(&["run", "logs", id]).stdout == "first\n").then_some(())
    });
    let following = instance.cli.spawn(&["run", "logs", "-f", id]);
    fs::write(&gate, "").unwrap();
    let out = following.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&out.stdout), "first\nlast\n");
    instance.cli.ok(&["run", "wait", id]);
}

#[test]
fn it_survives_kill_9_at_any_time() {
    let mut instance = Standalone::start();
    let ledger = instance.ledger();
    instance.cli.apply(&format!(
        "name: tick\nschedule: '* * * * * *'\nmisfire: {{run: all}}\noverlap: {{policy: allow}}\nrun: {{shell: '{}'}}\n",
        ledger.line("tick")
    ));
    let count_past = |n| eventually("more ticks", SOON, || (ledger.count("tick") > n).then_some(()));
    count_past(0);
    let from = ledger.entries("tick")[0].scheduled_at;
    for round in 0..5u32 {
        // At another moment of the second each time.
        let before = ledger.count("tick");
        count_past(before + 1);
        std::thread::sleep(Duration::from_millis(u64::from(round) * 190));
        instance.process.kill();
        instance.start_again();
    }
    count_past(ledger.count("tick") + 2);
    let until = ledger
        .entries("tick")
        .iter()
        .map(|e| e.scheduled_at)
        .max()
        .unwrap();

    // Nothing twice; what is not in the file is in the history, with its reason.
    let written = tally(ledger.entries("tick").into_iter().map(|e| e.scheduled_at));
    assert!(
        written.values().all(|&n| n == 1),
        "an instant ran twice: {written:?}"
    );
    let explained = || {
        let runs = instance.cli.runs("default/tick");
        (from.as_secs()..until.as_secs()).map(Time::from_secs).find(|at| {
            let ends: Vec<_> = runs.iter().filter(|r| time(r) == *at).collect();
            let is_end = |state: &str| !matches!(state, "pending" | "queued" | "running");
            let ok = ends.len() == 1
                && is_end(text(ends[0], "state"))
                && (text(ends[0], "state") == "succeeded" && written.contains_key(at)
                    || !text(ends[0], "reason").is_empty());
            !ok
        })
    };
    let mut missing = None;
    let complete = gnomon_tests::wait::eventually_or(SOON, || {
        missing = explained();
        missing.is_none().then_some(())
    });
    if complete.is_none() {
        let runs = instance.cli.runs("default/tick");
        let about: Vec<_> = runs.iter().filter(|r| Some(time(r)) == missing).collect();
        panic!("{missing:?} has no one explained end: {about:#?}; written: {written:?}");
    }
}

#[test]
fn clients_that_go_away_end_nothing() {
    let mut instance = Standalone::start();
    let context = fs::read_to_string(instance.scratch.join("config/gnomon/context.json")).unwrap();
    let context: serde_json::Value = serde_json::from_str(&context).unwrap();
    let request = format!(
        "GET /api/v1/events HTTP/1.1\r\nhost: gnomon\r\nauthorization: Bearer {}\r\n\r\n",
        text(&context, "token")
    );
    // The answer is begun, refused by the kernel, and gone on with: what a write into such a
    // connection does to a process is SIGPIPE, if that is not ignored.
    for _ in 0..1000 {
        let mut client =
            TcpStream::connect(("127.0.0.1", instance.port.number())).expect("the server still listens");
        client.write_all(request.as_bytes()).unwrap();
    }
    instance.cli.ok(&["status"]);
    assert!(instance.process.is_alive());
}

#[test]
fn whoever_has_read_enough_ends_a_command_quietly() {
    let instance = Standalone::start();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    for args in [&["node", "ls"][..], &["completion", "bash"]] {
        let mut command = instance.cli.command(args);
        let stdout = writer.try_clone().unwrap();
        let done = command
            .stdout(stdout)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
            .wait_with_output();
        let done = done.unwrap();
        assert_eq!(done.status.code(), Some(141), "{args:?}");
        assert_eq!(String::from_utf8_lossy(&done.stderr), "", "{args:?}");
    }
}

#[test]
fn output_that_finds_no_room_is_an_error() {
    let scratch = Scratch::new("full");
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = Cli::at_home(scratch.path().to_owned()).command(&["completion", "bash"]);
    let done = command
        .stdout(full)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
        .wait_with_output()
        .unwrap();
    assert_eq!(done.status.code(), Some(1));
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(said.contains("writing the output: No space left"), "{said}");
}

#[test]
fn the_admin_password_is_shown_once_and_works() {
    let mut instance = Standalone::start();
    let password = password_in(&instance.process.log()).expect("a fresh instance shows the password");
    let url = instance.port.url();

    let elsewhere = instance.scratch.dir("elsewhere");
    let stranger = Cli::at_home(elsewhere.clone()).with_url(&url);
    stranger.run(&["job", "ls"]).failed(5);
    stranger
        .run_with(&["login", "--url", &url], "wrong-password\n")
        .failed(5);
    let done = stranger.run_with(&["login", "--url", &url], &format!("{password}\n"));
    assert_eq!(done.code, 0, "{}", done.stderr);
    Cli::at_home(elsewhere).ok(&["job", "ls"]);

    instance.process.terminate(SOON);
    let told = instance.process.log().matches(&password).count();
    instance.start_again();
    assert_eq!(
        instance.process.log().matches(&password).count(),
        told,
        "it is shown once"
    );
    assert_eq!(told, 1);
    instance.cli.ok(&["job", "ls"]);
}

#[test]
fn a_lost_password_is_made_anew() {
    let mut instance = Standalone::start();
    let lost = password_in(&instance.process.log()).unwrap();
    let data = instance.scratch.join("data").display().to_string();
    let reset = ["reset-password", "standalone", "--data-dir", &data];
    let said = instance.cli.run(&reset).failed(1);
    assert!(said.contains("in use by another process"), "{said}");

    instance.process.terminate(SOON);
    let password = instance.cli.ok(&reset);
    instance.start_again();
    instance.cli.ok(&["job", "ls"]);
    let url = instance.port.url();
    let person = Cli::at_home(instance.scratch.dir("person"));
    let said = person
        .run_with(&["login", "--url", &url], &format!("{lost}\n"))
        .failed(5);
    assert!(said.contains("gnomon reset-password"), "{said}");
    let done = person.run_with(&["login", "--url", &url], &password);
    assert_eq!(done.code, 0, "{}", done.stderr);

    let nothing = instance.scratch.dir("nothing");
    let place = nothing.display().to_string();
    let said = person
        .run(&["reset-password", "standalone", "--data-dir", &place])
        .failed(2);
    assert!(said.contains("holds no instance"), "{said}");
    assert_eq!(fs::read_dir(nothing).unwrap().count(), 0);
}

#[test]
fn the_context_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let instance = Standalone::start();
    let context = instance.scratch.join("config/gnomon/context.json");
    assert_eq!(
        fs::metadata(&context).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let data = instance.scratch.join("data");
    assert_eq!(
        fs::metadata(&data).unwrap().permissions().mode() & 0o077,
        0,
        "the data directory is private"
    );
}

#[test]
fn a_data_directory_in_use_is_refused() {
    let instance = Standalone::start();
    let data = instance.scratch.join("data").display().to_string();
    let said = instance
        .cli
        .run(&["standalone", "--data-dir", &data, "--listen", "127.0.0.1:0"])
        .failed(1);
    assert!(said.contains(&data) && said.contains("use"), "{said}");
    instance.cli.ok(&["job", "ls"]);
}

#[test]
fn a_taken_port_is_refused() {
    let mut new = Standalone::prepare(&[]);
    let _other = TcpListener::bind(new.port.to_string()).unwrap();
    new.process.start();
    let status = new.process.ended(SOON);
    assert_eq!(status.code(), Some(1), "{}", new.process.log());
    let said = new.process.log();
    assert!(
        said.contains(&new.port.to_string()) && said.contains("another process"),
        "{said}"
    );
}

#[test]
fn a_clean_stop_ends_in_time_and_loses_nothing() {
    let mut instance = Standalone::start();
    let ledger = instance.ledger();
    instance.cli.apply(&format!(
        "name: tick\nschedule: '* * * * * *'\nmisfire: {{run: all}}\nrun: {{shell: '{}'}}\n",
        ledger.line("tick")
    ));
    eventually("two ticks", SOON, || (ledger.count("tick") >= 2).then_some(()));
    let status = instance.process.terminate(SOON);
    assert_eq!(status.code(), Some(0), "{}", instance.process.log());
    let (count, stopped) = (ledger.count("tick"), Time::from_millis(now_ms()));
    instance.start_again();
    eventually("ticks after it", SOON, || {
        (ledger.count("tick") > count + 2).then_some(())
    });
    let entries = ledger.entries("tick");
    let written = tally(entries.iter().map(|e| e.scheduled_at.as_secs()));
    assert!(written.values().all(|&n| n == 1), "{written:?}");
    let (first, last) = (*written.keys().next().unwrap(), *written.keys().last().unwrap());
    let gaps: Vec<_> = (first..last).filter(|s| !written.contains_key(s)).collect();
    assert!(gaps.is_empty(), "stopped at {stopped}; not caught up: {gaps:?}");
}

#[test]
fn the_sample_jobs_of_make_run_are_good() {
    let instance = Standalone::start();
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/samples/samples.yaml");
    let dry = instance.cli.ok(&["job", "apply", "-f", samples, "--dry-run"]);
    assert!(dry.lines().all(|l| l.starts_with("create samples/")), "{dry}");
    instance.cli.ok(&["job", "apply", "-f", samples]);
    let hello = instance.cli.run(&["job", "run", "samples/by-hand", "--wait"]);
    assert_eq!(hello.code, 0, "{}", hello.stderr);
    let tick = instance
        .cli
        .run_where("samples/tick", SOON, |r| text(r, "state") == "succeeded");
    assert!(
        instance
            .cli
            .ok(&["run", "logs", text(&tick, "id")])
            .contains("planned for")
    );
    // The first attempt fails and says when the next one is; the second succeeds.
    let second = instance
        .cli
        .run_where("samples/flaky", SOON, |r| r["attempt"] == 2);
    let first = instance.cli.run_where("samples/flaky", SOON, |r| {
        r["attempt"] == 1 && time(r) == time(&second)
    });
    assert_eq!(text(&first, "state"), "failed");
    assert_eq!(first["exit_code"], 7);
}
