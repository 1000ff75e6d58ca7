//! Three etcd members, PostgreSQL, two masters, three agents, all real processes, and all of
//! them mortal.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::{path::Path, time::Duration};

use gnomon_tests::{
    Cli, Cluster, Ledger,
    cli::text,
    cluster::{Expectation, Findings},
    eventually,
    ledger::Entry,
    wait::{SOON, eventually_or, now_ms, until_ms},
};
use shared::time::Time;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/debian");

#[test]
fn a_minute_of_losses_loses_and_doubles_nothing() {
    let mut cluster = Cluster::start(3, 2, 3);
    let ledger = cluster.ledger();
    imports_debians_crontabs(&cluster.cli(0));

    // Every slot has fired before the minute begins.
    cluster.cli(0).apply(&every_place(&ledger));
    let places = [("every", 3), ("one", 1), ("two", 2), ("shards", 3)];
    for (job, slots) in places {
        eventually(&format!("{job} to run in all its slots"), SOON, || {
            let at = ledger.entries(job).last()?.scheduled_at;
            (ledger
                .entries(job)
                .iter()
                .filter(|e| e.scheduled_at == at)
                .count()
                == slots)
                .then_some(())
        });
    }
    let from = Time::from_secs(Time::from_millis(now_ms()).as_secs() + 1);
    let until = from + Duration::from_secs(60);

    // The leader, for good: the other master takes over.
    until_ms((from + Duration::from_millis(5_300)).as_millis());
    let leader = cluster.leader();
    cluster.masters[leader].process.kill();
    let cli = cluster.cli(1 - leader);

    // An agent, for longer than its lease: its slots move, and it comes back to its own.
    until_ms((from + Duration::from_millis(15_500)).as_millis());
    let victim = owner_of_a_slot(&cluster, &ledger);
    let name = cluster.agents[victim].name.clone();
    settled(&cli, &ledger, &name);
    let killed_at = Time::from_millis(now_ms());
    cluster.agents[victim].process.kill();

    // An etcd member, perhaps etcd's own leader.
    until_ms((from + Duration::from_millis(25_700)).as_millis());
    cluster.etcd.members[0].kill();

    until_ms((from + Duration::from_millis(40_200)).as_millis());
    assert_eq!(cluster.leader(), 1 - leader);
    cluster.agents[victim].process.start();
    cluster.etcd.members[0].restart();
    cluster.masters[leader].process.start();
    cluster.masters[leader].wait_ready();

    // Another agent, back at once, as under systemd.
    until_ms((from + Duration::from_millis(50_500)).as_millis());
    cluster.agents[(victim + 1) % 3].process.kill();
    cluster.agents[(victim + 1) % 3].process.start();

    until_ms(until.as_millis());
    let nodes = || cluster.agents.iter().map(|a| a.name.clone()).collect::<Vec<_>>();
    let slots = |n: usize| (0..n).map(|s| s.to_string()).collect::<Vec<_>>();
    let expected = [
        ("every", nodes()),
        ("one", slots(1)),
        ("two", slots(2)),
        ("shards", slots(3)),
    ]
    .map(|(job, owners)| Expectation {
        job,
        owners,
        from,
        until,
    });
    let findings = complete(&cli, &ledger, &expected);
    for (expectation, found) in expected.iter().zip(&findings) {
        println!(
            "{}: {} lost attempts, {} fires retried",
            expectation.job, found.lost, found.retried
        );
        assert!(
            found.wrong.is_empty(),
            "{} findings about {} ({name} killed at {killed_at}):\n{}",
            found.wrong.len(),
            expectation.job,
            found.wrong.join("\n")
        );
        // What the dead node had claimed and not reported: the second at which it died, the
        // one after it, for which it had claimed ahead, and one more where reports lag.
        assert!(found.lost <= 3 * expectation.owners.len(), "{found:?}");
    }
    // The same, seen by both masters.
    assert_eq!(
        cluster.cli(0).runs("default/one").len(),
        cluster.cli(1).runs("default/one").len()
    );
}

fn imports_debians_crontabs(cli: &Cli) {
    let mut files = vec![format!("{FIXTURES}/crontab")];
    let cron_d = std::fs::read_dir(Path::new(FIXTURES).join("cron.d")).unwrap();
    files.extend(cron_d.map(|f| f.unwrap().path().display().to_string()));
    files.sort();
    // A node that is not there: the tests' machine is not the one to rotate the logs of.
    let options = [
        "--system",
        "--namespace",
        "debian",
        "--node",
        "a-debian-host",
        "--timezone",
        "Europe/Berlin",
    ];
    let args = |extra: &[&'static str]| {
        let mut args = vec!["import", "crontab"];
        args.extend(files.iter().map(|f| &**f).collect::<Vec<&str>>());
        args.extend(options);
        args.extend(extra);
        args.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let run = |args: Vec<String>| cli.run(&args.iter().map(|a| &**a).collect::<Vec<_>>());

    let dry = run(args(&["--dry-run"]));
    assert_eq!(dry.code, 0, "{}", dry.stderr);
    assert!(
        dry.stderr.contains("@reboot"),
        "what is not taken is said: {}",
        dry.stderr
    );
    let done = run(args(&["-o", "name"]));
    assert_eq!(done.code, 0, "{}", done.stderr);
    let created: Vec<_> = done.stdout.lines().collect();
    assert_eq!(created.len(), 13, "{created:#?}");
    // What the dry run shows is what is there.
    let again = cli.run_with(&["job", "apply", "-f", "-"], &dry.stdout);
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert!(
        again.stdout.lines().all(|l| l.starts_with("unchanged ")),
        "{}",
        again.stdout
    );

    let jobs = cli.json(&["job", "ls"]);
    let hourly = jobs.as_array().unwrap().iter().find(|j| {
        let spec = &j["spec"];
        text(&spec["run"], "shell").contains("/etc/cron.hourly")
    });
    let hourly = hourly.unwrap_or_else(|| panic!("no cron.hourly in {jobs:#}"));
    assert_eq!(
        text(hourly, "next").get(14..16),
        Some("17"),
        "the minute of {hourly:#}"
    );
    assert_eq!(text(&hourly["spec"]["run"], "user"), "root");
    assert!(
        !hourly["unplaced"].as_array().unwrap().is_empty(),
        "there is no such node: {hourly:#}"
    );
}

/// A job a second for each place.
fn every_place(ledger: &Ledger) -> String {
    let job = |name: &str, place: &str| {
        format!(
            "name: {name}
schedule: '* * * * * *'
target: {{place: {place}}}
misfire: {{run: all, within: 1h}}
overlap: {{policy: allow}}
on_lost: retry
retry: {{attempts: 3, backoff: 1s}}
run: {{shell: '{}'}}
",
            ledger.line(name)
        )
    };
    [
        job("every", "every"),
        job("one", "one"),
        job("two", "2"),
        job("shards", "{shards: 3}"),
    ]
    .join("---\n")
}

/// An agent that owns a slot now.
fn owner_of_a_slot(cluster: &Cluster, ledger: &Ledger) -> usize {
    let last = ledger.entries("shards").pop().unwrap();
    cluster
        .agents
        .iter()
        .position(|a| a.name == last.node)
        .unwrap_or_else(|| panic!("{last:?}"))
}

/// Waits until the history has the ends of all that this node has started, and the moment is
/// in the middle of a second. A node that dies between a run's end and its report leaves a run
/// of which nobody knows more than that it is lost; here each such run would be tried again.
fn settled(cli: &Cli, ledger: &Ledger, node: &str) {
    eventually("the node's runs to be reported", SOON, || {
        let here = |e: &Entry| e.node == node;
        let last = ["every", "one", "two", "shards"]
            .iter()
            .filter_map(|job| Some((*job, ledger.entries(job).into_iter().rfind(here)?)))
            .collect::<Vec<_>>();
        let reported = last.iter().all(|(job, entry)| {
            let runs = cli.runs(&format!("default/{job}"));
            runs.iter()
                .any(|r| text(r, "id") == entry.run && text(r, "state") == "succeeded")
        });
        (reported && (200..800).contains(&(now_ms() % 1000))).then_some(())
    });
}

/// Waits until history is complete, and gives what is wrong when the time is over.
fn complete(cli: &Cli, ledger: &Ledger, expected: &[Expectation]) -> Vec<Findings> {
    let mut findings = Vec::new();
    eventually_or(Duration::from_secs(120), || {
        findings = expected
            .iter()
            .map(|e| e.check(ledger, &cli.runs(&format!("default/{}", e.job))))
            .collect();
        findings.iter().all(|f| f.wrong.is_empty()).then_some(())
    });
    findings
}
