//! Jobs that behave badly, and hosts that cannot run them: each run has one clear end, and
//! nobody else suffers.

use std::{fs, process::Stdio, time::Duration};

use gnomon_tests::{
    Cli, Process, Standalone,
    cli::text,
    eventually, gnomon,
    process::{exists, not_as_root},
    wait::SOON,
};
use serde_json::Value;

/// Applies a job, runs it once and waits for its end.
fn outcome(cli: &Cli, name: &str, run: &str) -> Value {
    cli.apply(&format!("name: {name}\nrun:\n{run}"));
    cli.ok(&["job", "run", &format!("default/{name}")]);
    ended(cli, name)
}

fn ended(cli: &Cli, name: &str) -> Value {
    cli.run_where(&format!("default/{name}"), SOON, |r| {
        !matches!(text(r, "state"), "pending" | "queued" | "running")
    })
}

#[test]
fn a_job_that_ignores_term_is_killed_after_its_grace() {
    let instance = Standalone::start();
    let run = outcome(
        &instance.cli,
        "stubborn",
        "  timeout: 1s\n  grace: 1s\n  shell: |\n    trap '' TERM\n    while :; do sleep 0.1; done\n",
    );
    assert_eq!(
        (text(&run, "state"), &run["signal"]),
        ("timed_out", &Value::from(9)),
        "{run:#}"
    );
    assert!(text(&run, "reason").contains("1s"), "{run:#}");
}

#[test]
fn a_job_that_heeds_term_has_its_grace() {
    let instance = Standalone::start();
    let run = outcome(
        &instance.cli,
        "polite",
        "  timeout: 1s\n  grace: 60s\n  shell: |\n    trap 'echo tidied; exit 0' TERM\n    while :; do sleep 0.1; done\n",
    );
    assert_eq!(text(&run, "state"), "timed_out", "{run:#}");
    // Among what the shell says of its sleep.
    let logs = instance.cli.ok(&["run", "logs", text(&run, "id")]);
    assert!(logs.lines().any(|l| l == "tidied"), "{logs}");
}

#[test]
fn a_child_that_keeps_the_output_open_does_not_hold_up_the_end() {
    let instance = Standalone::start();
    let pid = instance.scratch.join("pid");
    let run = outcome(
        &instance.cli,
        "daemon",
        &format!(
            "  shell: |\n    setsid sh -c 'echo $$ > {0}; exec sleep 600' &\n    while [ ! -s {0} ]; do sleep 0.01; done\n    echo away\n",
            pid.display()
        ),
    );
    let pid: i32 = fs::read_to_string(&pid).unwrap().trim().parse().unwrap();
    assert_eq!(text(&run, "state"), "succeeded", "{run:#}");
    let logs = instance.cli.run(&["run", "logs", text(&run, "id")]);
    assert!(
        logs.stdout == "away\n" && logs.stderr.contains("holds its output open"),
        "{logs:?}"
    );
    // It left its process group: it is nobody's any more. Whether it lives is the host's affair
    // (with cgroups it would not); the test leaves nothing behind.
    if exists(pid) {
        let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL);
    }
}

#[test]
fn closed_streams_are_no_failure() {
    let instance = Standalone::start();
    let run = outcome(
        &instance.cli,
        "closed",
        "  shell: 'echo before; exec >&- 2>&-; sleep 0.3; exit 0'\n",
    );
    assert_eq!(text(&run, "state"), "succeeded", "{run:#}");
    assert_eq!(instance.cli.ok(&["run", "logs", text(&run, "id")]), "before\n");
}

#[test]
fn binary_output_comes_back_as_it_was() {
    let instance = Standalone::start();
    let file = instance.scratch.join("bytes");
    let run = outcome(
        &instance.cli,
        "binary",
        &format!(
            "  shell: 'head -c 300000 /dev/urandom | tee {}'\n",
            file.display()
        ),
    );
    assert_eq!(text(&run, "state"), "succeeded", "{run:#}");
    let logs = || {
        let mut command = instance.cli.command(&["run", "logs", text(&run, "id")]);
        command.stdin(Stdio::null()).output().unwrap().stdout
    };
    let wrote = fs::read(&file).unwrap();
    eventually("the output, byte for byte", SOON, || {
        (logs() == wrote).then_some(())
    });
}

#[test]
fn runaway_output_is_cut_in_the_middle_and_counted() {
    let instance = Standalone::start();
    let run = outcome(
        &instance.cli,
        "runaway",
        "  output: 256KiB\n  shell: 'echo head; yes | head -c 50000000; echo tail'\n",
    );
    assert_eq!(text(&run, "state"), "succeeded", "{run:#}");
    assert_eq!(run["output"]["bytes"], 50_000_010, "{run:#}");
    let dropped = run["output"]["dropped"].as_u64().unwrap();
    assert!(dropped > 49_000_000, "{run:#}");
    let logs = eventually("head and tail", SOON, || {
        let logs = instance.cli.ok(&["run", "logs", text(&run, "id")]);
        (logs.starts_with("head\n") && logs.ends_with("tail\n")).then_some(logs)
    });
    assert!(logs.len() < 600_000, "{} bytes kept", logs.len());
    // The whole instance, history's cache and all, stays small.
    let status = fs::read_to_string(format!("/proc/{}/status", instance.process.pid())).unwrap();
    let peak = status.lines().find_map(|l| {
        l.strip_prefix("VmHWM:")?
            .trim()
            .strip_suffix(" kB")?
            .parse::<u64>()
            .ok()
    });
    assert!(peak.unwrap() < 400_000, "peak memory {peak:?} kB");
}

#[test]
fn what_is_not_kept_is_told_where_it_is_missing() {
    let instance = Standalone::start();
    let run = outcome(
        &instance.cli,
        "counts",
        "  output: 100B\n  shell: 'echo err >&2; sleep 0.2; seq 1 100000'\n",
    );
    let dropped = run["output"]["dropped"].as_u64().unwrap();
    let id = text(&run, "id");
    // Into one file, as a terminal shows it.
    let both = instance.scratch.join("both");
    let file = || fs::File::options().create(true).append(true).open(&both).unwrap();
    let gap = format!("[{dropped} bytes are not kept here]\n");
    let shown = eventually("head, gap and tail", SOON, || {
        let _ = fs::remove_file(&both);
        let mut command = instance.cli.command(&["run", "logs", id]);
        let ended = command
            .stdin(Stdio::null())
            .stdout(file())
            .stderr(file())
            .status();
        assert!(ended.unwrap().success());
        let shown = fs::read_to_string(&both).unwrap();
        shown.ends_with("\n100000\n").then_some(shown)
    });
    let (head, tail) = shown
        .split_once(&gap)
        .unwrap_or_else(|| panic!("no gap: {shown}"));
    assert!(head.starts_with("err\n1\n2\n"), "{shown}");
    assert!(tail.contains("99999\n") && !tail.contains("\n1000\n"), "{shown}");
    // The same streams, whether it is followed or not.
    for follow in [&[][..], &["-f"]] {
        let logs = instance.cli.run(&[&["run", "logs", id], follow].concat());
        assert!(logs.stdout.starts_with("1\n2\n"), "{logs:?}");
        assert!(
            logs.stderr.starts_with("err\n") && logs.stderr.contains(&format!("[{dropped} bytes")),
            "{logs:?}"
        );
    }
    let lines = instance.cli.ok(&["run", "logs", "-f", "-o", "json", id]);
    let pieces: Vec<Value> = lines.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(Value::from(pieces), instance.cli.json(&["run", "logs", id]));
}

#[test]
fn what_cannot_be_started_says_why() {
    let instance = Standalone::start();
    for (name, run, says) in [
        ("program", "  exec: [/no/such/program]\n", "/no/such/program"),
        (
            "folder",
            "  shell: 'true'\n  dir: /no/such/folder\n",
            "/no/such/folder",
        ),
        ("user", "  shell: 'true'\n  user: no-such-user\n", "no-such-user"),
    ] {
        let run = outcome(&instance.cli, name, run);
        assert!(matches!(text(&run, "state"), "failed" | "rejected"), "{run:#}");
        assert!(text(&run, "reason").contains(says), "{run:#}");
    }
}

#[test]
fn a_host_without_a_shell_fails_the_run_and_nothing_else() {
    let scratch = gnomon_tests::Scratch::new("no-shell");
    let mut instance = Standalone::prepare(&[]);
    // In a mount namespace of its own, /bin/sh is an empty file without permissions.
    let (home, data, listen) = (
        instance.scratch.path().to_owned(),
        instance.scratch.join("data"),
        instance.port.to_string(),
    );
    instance.process = Process::new("gnomon without sh", scratch.join("log"), move || {
        let mut c = gnomon::within_namespace(&home, "mount --bind /dev/null \"$(readlink -f /bin/sh)\"");
        c.arg("standalone")
            .arg("--data-dir")
            .arg(&data)
            .args(["--listen", &listen]);
        c
    });
    instance.start_again();
    let run = outcome(&instance.cli, "shell", "  shell: 'echo never'\n");
    assert_eq!(text(&run, "state"), "failed", "{run:#}");
    assert!(text(&run, "reason").contains("/bin/sh"), "{run:#}");
    let run = outcome(&instance.cli, "exec", "  exec: [uname]\n");
    assert_eq!(text(&run, "state"), "succeeded", "{run:#}");
}

#[test]
fn a_user_whom_the_agent_may_not_become_is_refused() {
    let scratch = gnomon_tests::Scratch::new("no-root");
    let mut instance = Standalone::prepare(&[]);
    let (home, data, listen) = (
        instance.scratch.path().to_owned(),
        instance.scratch.join("data"),
        instance.port.to_string(),
    );
    fs::create_dir(&data).unwrap();
    fs::create_dir(home.join("config")).unwrap();
    let folders = [home.clone(), home.join("config"), data.clone()];
    let binary = scratch.join("gnomon");
    // The one in the target folder may be out of another user's reach.
    fs::copy(gnomon::binary(), &binary).unwrap();
    instance.process = Process::new("gnomon not as root", scratch.join("log"), move || {
        let mut c = gnomon::command_of(&binary, &home);
        c.arg("standalone")
            .arg("--data-dir")
            .arg(&data)
            .args(["--listen", &listen]);
        let folders: Vec<_> = folders.iter().map(|f| f.as_path()).collect();
        not_as_root(&mut c, &["nobody"], &folders);
        c
    });
    instance.start_again();
    let run = outcome(&instance.cli, "as-root", "  shell: id -u\n  user: root\n");
    assert!(matches!(text(&run, "state"), "failed" | "rejected"), "{run:#}");
    assert!(text(&run, "reason").contains("root"), "{run:#}");
    let run = outcome(&instance.cli, "as-itself", "  shell: 'true'\n");
    assert_eq!(text(&run, "state"), "succeeded", "{run:#}");
}

#[test]
fn a_fork_storm_and_a_hung_job_harm_nobody_else() {
    let instance = Standalone::start();
    let ledger = instance.ledger();
    instance.cli.apply(&format!(
        "name: storm
run:
  timeout: 5s
  grace: 1s
  shell: |
    i=0
    while [ $i -lt 200 ]; do sleep 600 & i=$((i+1)); done
    wait
---
name: hung
run: {{timeout: 600s, shell: 'sleep 600'}}
---
name: tick
schedule: '* * * * * *'
run: {{shell: '{}'}}
",
        ledger.line("tick")
    ));
    instance.cli.ok(&["job", "run", "default/hung"]);
    instance.cli.ok(&["job", "run", "default/storm"]);
    let run = ended(&instance.cli, "storm");
    assert_eq!(text(&run, "state"), "timed_out", "{run:#}");
    let count = ledger.count("tick");
    eventually("others to go on", Duration::from_secs(20), || {
        (ledger.count("tick") >= count + 3).then_some(())
    });
    let hung = instance
        .cli
        .run_where("default/hung", SOON, |r| text(r, "state") == "running");
    instance.cli.ok(&["run", "kill", text(&hung, "id")]);
    assert_eq!(text(&ended(&instance.cli, "hung"), "state"), "killed");
}
