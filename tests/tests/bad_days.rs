//! Servers that are not there, not alone, too new, or out of space: each has a clear outcome.

use std::{fs, time::Duration};

use gnomon_tests::{
    Agent, Cli, Cluster, Etcd, Master, Port, Postgres, Process, Scratch, Standalone,
    cli::text,
    cluster::password_in,
    eventually, gnomon,
    wait::{SOON, throughout},
};

/// It ends by itself with exit code 1, having said all of this.
#[track_caller]
fn refuses(process: &mut Process, says: &[&str]) {
    let status = process.ended(SOON);
    let log = process.log();
    assert_eq!(status.code(), Some(1), "{log}");
    for word in says {
        assert!(
            log.to_lowercase().contains(&word.to_lowercase()),
            "{word:?} is not in: {log}"
        );
    }
}

/// It does not end, and says this, so that whoever looks knows what it waits for.
#[track_caller]
fn waits_saying(process: &mut Process, says: &str) {
    eventually(&format!("{says:?} in the log"), SOON, || {
        assert!(process.is_alive(), "it ended: {}", process.log());
        process.log().contains(says).then_some(())
    });
}

#[test]
fn without_etcd_a_master_says_which_and_starts_when_it_comes() {
    let database = Postgres::start();
    let nowhere = Port::free();
    let mut master = Master::start(&nowhere.url(), &database.url());
    let status = master.process.ended(SOON);
    assert_eq!(status.code(), Some(6), "{}", master.process.log());
    assert!(
        master.process.log().contains(&nowhere.to_string()),
        "{}",
        master.process.log()
    );
}

#[test]
fn without_its_database_a_master_says_which() {
    let etcd = Etcd::start();
    let nowhere = Port::free();
    let mut master = Master::start(&etcd.url(), &format!("postgres://gnomon:secret@{nowhere}/gnomon"));
    let status = master.process.ended(SOON);
    let log = master.process.log();
    assert_eq!(status.code(), Some(6), "{log}");
    assert!(log.contains(&nowhere.to_string()), "{log}");
    assert!(!log.contains("secret"), "a password has no place in a log: {log}");
}

#[test]
fn without_etcd_a_fresh_agent_waits() {
    let nowhere = Port::free();
    let mut agent = Agent::start("alone", &nowhere.url());
    waits_saying(&mut agent.process, &nowhere.to_string());
    throughout("the agent to wait", Duration::from_secs(3), || {
        agent.process.is_alive()
    });
    assert_eq!(
        agent.process.terminate(SOON).code(),
        Some(0),
        "{}",
        agent.process.log()
    );
}

#[test]
fn a_database_of_a_newer_version_is_left_alone() {
    let etcd = Etcd::start();
    let database = Postgres::start();
    let mut master = Master::start(&etcd.url(), &database.url());
    master.wait_ready();
    assert_eq!(
        master.process.terminate(SOON).code(),
        Some(0),
        "{}",
        master.process.log()
    );
    let tables = database.sql(
        "gnomon",
        "SELECT table_name FROM information_schema.tables WHERE table_name LIKE '%migrations'",
    );
    let table = tables.trim();
    database.sql(
        "gnomon",
        &format!("INSERT INTO {table} (version, applied_at) VALUES ('m29991231_000000_future', 0)"),
    );
    let before = database.sql("gnomon", &format!("SELECT * FROM {table} ORDER BY 1"));

    master.process.start();
    refuses(&mut master.process, &["newer"]);
    assert_eq!(
        database.sql("gnomon", &format!("SELECT * FROM {table} ORDER BY 1")),
        before
    );
}

#[test]
fn sqlite_is_for_one_master() {
    let etcd = Etcd::start();
    let scratch = Scratch::new("sqlite");
    let url = |name: &str| format!("sqlite://{}?mode=rwc", scratch.join(name).display());
    let mut first = Master::start(&etcd.url(), &url("a.db"));
    first.wait_ready();
    let mut second = Master::start(&etcd.url(), &url("b.db"));
    refuses(&mut second.process, &["sqlite", "PostgreSQL"]);
    assert!(first.process.is_alive());
    // The other way round: one on PostgreSQL is not joined by one on SQLite, nor the reverse.
    let database = Postgres::start();
    let mut third = Master::start(&etcd.url(), &database.url());
    refuses(&mut third.process, &["sqlite"]);
}

#[test]
fn a_lost_password_is_made_anew_while_the_masters_run() {
    let mut etcd = Etcd::start();
    let url = etcd.url();
    let person = Scratch::new("person");
    let cli = Cli::at_home(person.path().to_owned());
    let reset = ["reset-password", "cluster", "--etcd", &url];
    let said = cli.run(&reset).failed(3);
    assert!(said.contains("there is no user named `admin`"), "{said}");

    let database = format!("sqlite:{}", person.join("history.db").display());
    let mut master = Master::start(&url, &database);
    master.wait_ready();
    let lost = password_in(&master.process.log()).unwrap();
    let password = cli.ok(&reset);
    let login = |password: &str| {
        cli.run_with(
            &["login", "--url", &master.url()],
            &format!("{}\n", password.trim()),
        )
    };
    eventually("the new password to let in", SOON, || {
        (login(&password).code == 0).then_some(())
    });
    login(&lost).failed(5);
    cli.ok(&["job", "ls"]);

    etcd.kill();
    let said = cli.run(&reset).failed(6);
    assert!(said.contains(&url), "{said}");
}

#[test]
fn a_second_agent_of_the_same_identity_is_refused() {
    let cluster = Cluster::start(1, 1, 1);
    let etcd = cluster.etcd.urls();
    // Another host of the same name.
    let mut namesake = Agent::start("node-0", &etcd);
    refuses(&mut namesake.process, &["node-0", "another agent"]);
    // The same data directory, here.
    let mut twin = Process::new("twin", cluster.scratch.join("twin.log"), {
        let (home, data) = (
            cluster.scratch.path().to_owned(),
            cluster.agents[0].scratch.join("data"),
        );
        move || {
            let mut c = gnomon::command(&home);
            c.args(["agent", "--etcd", &etcd, "--name", "node-0", "--data-dir"])
                .arg(&data);
            c
        }
    });
    twin.start();
    refuses(&mut twin, &["in use"]);
    let nodes = cluster.cli(0).json(&["node", "ls"]);
    assert_eq!(nodes.as_array().unwrap().len(), 1, "{nodes:#}");
    assert_eq!(text(&nodes[0], "state"), "ready");
}

#[test]
fn a_data_directory_that_is_no_directory_or_not_ours_is_refused() {
    let mut new = Standalone::prepare(&[]);
    fs::write(new.scratch.join("data"), "I am a file").unwrap();
    new.process.start();
    let data = new.scratch.join("data").display().to_string();
    refuses(&mut new.process, &[&data]);
}

#[test]
fn a_full_disk_misses_runs_with_the_reason_and_corrupts_nothing() {
    let mut cluster = Cluster::start(1, 1, 0);
    let ledger = cluster.ledger();
    // An agent whose data directory is on a disk of 8 MiB of its own.
    let scratch = Scratch::new("full");
    let disk = scratch.dir("disk");
    let mut agent = Agent::prepare_in(scratch, "full", &cluster.etcd.urls(), &[]);
    let (home, etcd, mount) = (agent.scratch.path().to_owned(), cluster.etcd.urls(), disk.clone());
    agent.process = Process::new("agent on a small disk", agent.scratch.join("log"), move || {
        let set_up = format!("mount -t tmpfs -o size=8m,mode=700 none {}", mount.display());
        let mut c = gnomon::within_namespace(&home, &set_up);
        c.args(["agent", "--etcd", &etcd, "--name", "full", "--data-dir"])
            .arg(mount.join("data"));
        c
    });
    agent.process.start();
    let cli = cluster.cli(0);
    agent.wait_up(&cli);
    // One that wants each fire, also late, and one that wants none late.
    let job = |name: &str, misfire: &str, more: &str| {
        format!(
            "name: {name}\nschedule: '* * * * * *'\ntarget: {{place: every}}\nmisfire: {{run: {misfire}}}\noverlap: {{policy: allow}}\nrun: {{shell: '{}{more}'}}\n",
            ledger.line(name)
        )
    };
    let jobs = [
        job("each", "all", "; head -c 20000 /dev/zero"),
        job("prompt", "none", ""),
    ];
    cli.apply(&jobs.join("---\n"));
    let all_tick = |least: usize| ["each", "prompt"].iter().all(|name| ledger.count(name) >= least);
    eventually("ticks", SOON, || all_tick(2).then_some(()));

    // Nobody takes its reports, and something else fills the disk.
    cluster.masters[0].process.kill();
    let inside = format!("/proc/{}/root{}", agent.process.pid(), disk.display());
    let filler = format!("{inside}/filler");
    let _ = fs::write(&filler, vec![0u8; 8 << 20]);
    eventually("the agent to say so", SOON, || {
        agent.process.log().contains("disk is full").then_some(())
    });
    // What was free within the spool's own file is used up first. Then nothing starts, for
    // longer than any fire may be late.
    eventually("ticks to stop", SOON, || {
        let entries = ["each", "prompt"]
            .into_iter()
            .flat_map(|name| ledger.entries(name));
        let last = entries.map(|e| e.scheduled_at.as_millis()).max()?;
        (gnomon_tests::wait::now_ms() - last > 9000).then_some(())
    });
    assert!(agent.process.is_alive());
    fs::remove_file(&filler).unwrap();
    let room = gnomon_tests::wait::now_ms();
    eventually("it to go on", SOON, || {
        let goes_on = |name: &&str| {
            let later = |e: &gnomon_tests::ledger::Entry| e.scheduled_at.as_millis() > room + 3000;
            ledger.entries(name).iter().any(later)
        };
        ["each", "prompt"].iter().all(goes_on).then_some(())
    });
    cluster.masters[0].process.start();
    cluster.masters[0].wait_ready();

    // Every instant of these seconds is explained.
    let first = |name: &str| ledger.entries(name)[0].scheduled_at.as_millis();
    let until = room / 1000 * 1000 + 2000;
    for (name, catches_up) in [("each", true), ("prompt", false)] {
        let instants: Vec<i64> = (first(name)..=until).step_by(1000).collect();
        let fates = eventually("the history of these seconds", SOON, || {
            let fates = fates(&cli.runs(&format!("default/{name}")));
            let has_ended = |at: &i64| fates.get(at).is_some_and(|fate| fate.has_ended);
            instants.iter().all(has_ended).then_some(fates)
        });
        let ran = gnomon_tests::ledger::tally(
            ledger
                .entries(name)
                .into_iter()
                .map(|e| e.scheduled_at.as_millis()),
        );
        assert!(ran.values().all(|&n| n == 1), "{name}: twice: {ran:?}");
        for at in &instants {
            let fate = &fates[at];
            let is_explained = match fate.state.as_str() {
                "succeeded" => ran.contains_key(at) && (catches_up || fate.cause == "schedule"),
                "missed" => {
                    !catches_up && !ran.contains_key(at) && fate.reason.contains("could not write its spool")
                }
                _ => false,
            };
            assert!(is_explained, "{name} at {at}: {fate:?}");
        }
        let held_up = instants.iter().filter(|at| match catches_up {
            true => fates[*at].cause == "catch_up",
            false => fates[*at].state == "missed",
        });
        assert!(held_up.count() >= 5, "{name}: {fates:#?}");
    }
}

/// What history says of an instant's run.
#[derive(Debug)]
struct Fate {
    state: String,
    reason: String,
    cause: String,
    has_ended: bool,
}

/// By instant, in milliseconds.
fn fates(runs: &[serde_json::Value]) -> std::collections::BTreeMap<i64, Fate> {
    let fate = |run: &serde_json::Value| {
        let at: shared::time::Time = text(run, "scheduled_at").parse().expect("history has instants");
        let fate = Fate {
            state: text(run, "state").to_owned(),
            reason: run["reason"].to_string(),
            cause: text(run, "cause").to_owned(),
            has_ended: !["pending", "queued", "running"].contains(&text(run, "state")),
        };
        (at.as_millis(), fate)
    };
    runs.iter().map(fate).collect()
}
