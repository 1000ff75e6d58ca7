//! An agent that is cut off for longer than its lease owns nothing any more, whatever it
//! believes when it wakes.

use std::time::Duration;

use gnomon_tests::{
    Cluster,
    cli::text,
    cluster::Expectation,
    eventually,
    wait::{SOON, eventually_or, now_ms},
};
use shared::time::Time;

#[test]
fn a_frozen_agent_starts_nothing_it_no_longer_owns() {
    let cluster = Cluster::start(1, 1, 2);
    let cli = cluster.cli(0);
    let ledger = cluster.ledger();
    // Tried again where a node is lost: a thawed agent that started what it had claimed would
    // double those instants for certain.
    cli.apply(&format!(
        "name: one
schedule: '* * * * * *'
target: {{place: {{shards: 4}}}}
misfire: {{run: all, within: 1h}}
overlap: {{policy: allow}}
on_lost: retry
retry: {{attempts: 2, backoff: 1s}}
run: {{shell: '{}'}}
",
        ledger.line("one")
    ));
    eventually("runs on both nodes", SOON, || {
        let entries = ledger.entries("one");
        ["node-0", "node-1"]
            .iter()
            .all(|n| entries.iter().any(|e| e.node == *n))
            .then_some(())
    });
    let from = Time::from_secs(Time::from_millis(now_ms()).as_secs() + 1);
    eventually("a few more", SOON, || (ledger.count("one") >= 20).then_some(()));

    // In the middle of a second, with all it started reported and the next second claimed.
    let frozen = &cluster.agents[0];
    eventually("the node's runs to be reported", SOON, || {
        let last = ledger.entries("one").into_iter().rfind(|e| e.node == "node-0")?;
        let runs = cli.runs("default/one");
        let reported = runs
            .iter()
            .any(|r| text(r, "id") == last.run && text(r, "state") == "succeeded");
        (reported && (200..800).contains(&(now_ms() % 1000))).then_some(())
    });
    frozen.process.freeze();
    let frozen_at = Time::from_millis(now_ms());
    let slots_of = |node: &str| {
        cluster.etcd.members[0].ctl(&[
            "get",
            "--prefix",
            "--keys-only",
            &format!("/gnomon/assign/{node}/"),
        ])
    };
    eventually("its slots to move", SOON, || {
        slots_of("node-0").trim().is_empty().then_some(())
    });
    eventually("the other node to have caught up", SOON, || {
        let entries = ledger.entries("one");
        let fresh = entries
            .iter()
            .filter(|e| e.scheduled_at > frozen_at + Duration::from_secs(2));
        (fresh.count() >= 20).then_some(())
    });

    eventually("what it had claimed to be tried again elsewhere", SOON, || {
        ledger.entries("one").iter().any(|e| e.attempt == 2).then_some(())
    });

    frozen.process.thaw();
    let thawed_at = Time::from_millis(now_ms());
    eventually("its slots to come back", SOON, || {
        (!slots_of("node-0").trim().is_empty()).then_some(())
    });
    eventually("it to fire again", SOON, || {
        let entries = ledger.entries("one");
        entries
            .iter()
            .any(|e| e.node == "node-0" && e.scheduled_at > thawed_at)
            .then_some(())
    });
    // Nothing of what was due while it was frozen, and nothing that it had claimed before,
    // was started by it.
    let own: Vec<_> = ledger
        .entries("one")
        .into_iter()
        .filter(|e| e.node == "node-0" && e.scheduled_at > frozen_at && e.scheduled_at <= thawed_at)
        .collect();
    assert!(
        own.is_empty(),
        "frozen at {frozen_at}, thawed at {thawed_at}, and then it ran {own:#?}"
    );

    let until = Time::from_secs(Time::from_millis(now_ms()).as_secs());
    let owners = (0..4).map(|s| s.to_string()).collect();
    let expected = Expectation {
        job: "one",
        owners,
        from,
        until,
    };
    let mut wrong = Vec::new();
    eventually_or(SOON, || {
        wrong = expected.check(&ledger, &cli.runs("default/one")).wrong;
        wrong.is_empty().then_some(())
    });
    assert!(
        wrong.is_empty(),
        "frozen at {frozen_at}, thawed at {thawed_at}:\n{}",
        wrong.join("\n")
    );
}
