//! With every master dead, and then etcd, agents go on with what they own; afterwards the
//! history is complete.

use std::time::Duration;

use gnomon_tests::{
    Cluster, Ledger,
    cluster::Expectation,
    eventually,
    wait::{SOON, eventually_or, now_ms},
};
use shared::time::Time;

fn job(ledger: &Ledger, name: &str, place: &str) -> String {
    format!(
        "name: {name}
schedule: '* * * * * *'
target: {{place: {place}}}
misfire: {{run: all, within: 1h}}
overlap: {{policy: allow}}
run: {{shell: '{}'}}
",
        ledger.line(name)
    )
}

/// Waits until the job has run for each of the next `n` whole seconds on each of the nodes,
/// each before so many seconds have passed that an idle machine would laugh.
fn goes_on_to_the_second(ledger: &Ledger, job: &str, nodes: &[&str], n: i64) {
    let now = Time::from_millis(now_ms()).as_secs();
    for s in now + 1..=now + n {
        eventually(
            &format!("{job} at {} on {nodes:?}", Time::from_secs(s)),
            Duration::from_secs(20),
            || {
                let entries = ledger.entries(job);
                let ran = |node: &str| {
                    entries
                        .iter()
                        .any(|e| e.node == node && e.scheduled_at == Time::from_secs(s))
                };
                nodes.iter().all(|n| ran(n)).then_some(())
            },
        );
    }
}

#[test]
fn every_node_jobs_go_on_and_history_arrives_afterwards() {
    let mut cluster = Cluster::start(1, 2, 2);
    let ledger = cluster.ledger();
    let both = ["node-0", "node-1"];
    cluster
        .cli(0)
        .apply(&[job(&ledger, "every", "every"), job(&ledger, "one", "one")].join("---\n"));
    goes_on_to_the_second(&ledger, "every", &both, 2);
    eventually("the exclusive job to run", SOON, || {
        (ledger.count("one") >= 2).then_some(())
    });
    let from = Time::from_secs(Time::from_millis(now_ms()).as_secs() + 1);

    // No master: agents fire what they own, the exclusive job too.
    for master in &mut cluster.masters {
        master.process.kill();
    }
    let exclusive = ledger.count("one");
    goes_on_to_the_second(&ledger, "every", &both, 5);
    eventually("the exclusive job to go on without masters", SOON, || {
        (ledger.count("one") >= exclusive + 5).then_some(())
    });

    // No etcd: every-node jobs go on, in an agent that is started anew as well.
    cluster.etcd.members[0].kill();
    goes_on_to_the_second(&ledger, "every", &both, 5);
    cluster.agents[1].process.kill();
    cluster.agents[1].process.start();
    goes_on_to_the_second(&ledger, "every", &both, 15);

    // Everything comes back.
    cluster.etcd.members[0].restart();
    for master in &mut cluster.masters {
        master.process.start();
        master.wait_ready();
    }
    let count = ledger.count("one");
    eventually("the exclusive job to go on", SOON, || {
        (ledger.count("one") > count + 20).then_some(())
    });
    let until = Time::from_secs(Time::from_millis(now_ms()).as_secs() - 2);
    let owners = both.map(str::to_owned).to_vec();
    let expected = [
        Expectation {
            job: "every",
            owners,
            from,
            until,
        },
        Expectation {
            job: "one",
            owners: vec!["0".into()],
            from,
            until,
        },
    ];
    for expectation in expected {
        let mut found = Default::default();
        eventually_or(Duration::from_secs(120), || {
            let runs = cluster.cli(1).runs(&format!("default/{}", expectation.job));
            found = expectation.check(&ledger, &runs);
            found.wrong.is_empty().then_some(())
        });
        assert!(
            found.wrong.is_empty(),
            "{}:\n{}",
            expectation.job,
            found.wrong.join("\n")
        );
    }
}

#[test]
fn a_dead_database_delays_nothing() {
    let mut cluster = Cluster::start(1, 1, 1);
    let ledger = cluster.ledger();
    cluster.cli(0).apply(&job(&ledger, "every", "every"));
    goes_on_to_the_second(&ledger, "every", &["node-0"], 2);
    let from = Time::from_secs(Time::from_millis(now_ms()).as_secs() + 1);

    cluster.database.kill();
    goes_on_to_the_second(&ledger, "every", &["node-0"], 5);
    let said = cluster.cli(0).run(&["status"]);
    assert_ne!(
        said.code, 0,
        "status says that the database does not answer: {}",
        said.stdout
    );
    cluster.database.restart();

    let until = Time::from_secs(Time::from_millis(now_ms()).as_secs() - 1);
    let expected = Expectation {
        job: "every",
        owners: vec!["node-0".into()],
        from,
        until,
    };
    let mut wrong = Vec::new();
    eventually_or(Duration::from_secs(120), || {
        let done = cluster.cli(0).run(&[
            "run",
            "ls",
            "--job",
            "default/every",
            "--limit",
            "100000",
            "-o",
            "json",
        ]);
        let runs: Vec<serde_json::Value> = serde_json::from_str(&done.stdout).unwrap_or_default();
        wrong = expected.check(&ledger, &runs).wrong;
        wrong.is_empty().then_some(())
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
