//! Outgrowing one machine: what a standalone instance has moves on with `backup` and
//! `restore`, into another one or into a cluster, here one on MariaDB.

use gnomon_tests::{
    Agent, Cli, EtcdCluster, MariaDb, Master, Scratch, Standalone,
    cli::text,
    cluster::{log_in, password_in},
    eventually,
    wait::SOON,
};

const JOBS: &str = "\
name: greet
namespace: ops
description: a job that moves
schedule: '0 3 * * *'
run: {shell: 'echo hello; echo oops >&2'}
---
name: broken
namespace: ops
run: {shell: 'exit 7'}
---
name: tick
namespace: ops
schedule: '* * * * * *'
run: {shell: 'true'}
";

/// An instance with jobs and a history, stopped; the file of its backup, and its log, which
/// shows the password.
struct Moved {
    backup: String,
    password: String,
    greeting: String,
    /// Keeps the file.
    _from: Standalone,
}

fn moved() -> Moved {
    let mut from = Standalone::start();
    let cli = from.cli.clone();
    cli.apply(JOBS);
    cli.ok(&["job", "run", "ops/greet", "--wait"]);
    cli.run(&["job", "run", "ops/broken", "--wait"]).failed(1);
    cli.run_where("ops/tick", SOON, |r| text(r, "state") == "succeeded");
    cli.ok(&["job", "pause", "ops/tick"]);
    let greeting = cli.run_where("ops/greet", SOON, |r| text(r, "state") == "succeeded");
    // All that ran is there: nothing more is recorded of a job that is paused.
    eventually("the last tick to end", SOON, || {
        let runs = cli.runs("ops/tick");
        runs.iter()
            .all(|r| !matches!(text(r, "state"), "pending" | "queued" | "running"))
            .then_some(())
    });
    let backup = from.scratch.join("backup.jsonl").display().to_string();
    cli.ok(&["backup", &backup]);
    cli.run(&["backup", &backup]).failed(2);
    let password = password_in(&from.process.log()).expect("the first start shows a password");
    from.process.terminate(SOON);
    Moved {
        backup,
        password,
        greeting: text(&greeting, "id").to_owned(),
        _from: from,
    }
}

/// What was in the instance before is here: jobs, runs with their ends, output.
fn is_here(cli: &Cli, moved: &Moved) {
    let jobs = cli.json(&["job", "ls"]);
    let mut names: Vec<_> = jobs
        .as_array()
        .expect("a list")
        .iter()
        .map(|j| text(&j["spec"], "name"))
        .collect();
    names.sort();
    assert_eq!(names, ["broken", "greet", "tick"]);
    let file = cli.ok(&["job", "get", "ops/greet"]);
    assert!(file.contains("a job that moves"), "{file}");
    let logs = cli.run(&["run", "logs", &moved.greeting]);
    assert!(logs.stdout.contains("hello\n"), "{}{}", logs.stdout, logs.stderr);
    let broken = cli.runs("ops/broken");
    assert_eq!(broken.len(), 1);
    assert_eq!(
        (text(&broken[0], "state"), &broken[0]["exit_code"]),
        ("failed", &7.into())
    );
    assert!(!cli.runs("ops/tick").is_empty());
}

/// And it goes on: by hand, and by the clock once it is resumed.
fn goes_on(cli: &Cli) {
    cli.ok(&["job", "run", "ops/greet", "--wait"]);
    assert_eq!(cli.runs("ops/greet").len(), 2);
    let before = cli.runs("ops/tick").len();
    cli.ok(&["job", "resume", "ops/tick"]);
    eventually("the job to tick here", SOON, || {
        let runs = cli.runs("ops/tick");
        let done = runs.iter().filter(|r| text(r, "state") == "succeeded");
        (done.count() > before).then_some(())
    });
}

#[test]
fn a_standalone_instance_moves_into_another() {
    let moved = moved();
    let to = Standalone::start();
    to.cli.ok(&["restore", &moved.backup]);
    // The users came along: this machine's first password is not the one that holds.
    let new = password_in(&to.process.log()).expect("the first start shows a password");
    let url = to.port.url();
    to.cli
        .run_with(&["login", "--url", &url], &format!("{new}\n"))
        .failed(5);
    let done = to
        .cli
        .run_with(&["login", "--url", &url], &format!("{}\n", moved.password));
    assert_eq!(done.code, 0, "{}", done.stderr);
    is_here(&to.cli, &moved);
    goes_on(&to.cli);
    // What is not empty is not overwritten by accident.
    to.cli.run(&["restore", &moved.backup]).failed(4);
}

#[test]
fn a_standalone_instance_moves_into_a_cluster_on_mariadb() {
    let moved = moved();
    let etcd = EtcdCluster::start(1);
    let database = MariaDb::start();
    let mut masters = vec![Master::start(&etcd.urls(), &database.url())];
    masters[0].wait_ready();
    let agent = Agent::start("node-0", &etcd.urls());
    let home = Scratch::new("cluster");
    let url = masters[0].url();
    let cli = Cli::at_home(home.path().to_owned());
    let token = log_in(&home, &masters);
    cli.clone()
        .with_url(&url)
        .with_token(&token)
        .ok(&["restore", &moved.backup]);
    let done = cli.run_with(&["login", "--url", &url], &format!("{}\n", moved.password));
    assert_eq!(done.code, 0, "{}", done.stderr);
    agent.wait_up(&cli);
    let status = cli.json(&["status"]);
    assert_eq!(text(&status["database"], "kind"), "mysql", "{status:#}");
    is_here(&cli, &moved);
    goes_on(&cli);
    // The database has it, not only the masters' memory.
    masters[0].process.kill();
    masters[0].process.start();
    masters[0].wait_ready();
    assert_eq!(cli.runs("ops/greet").len(), 2);
}
