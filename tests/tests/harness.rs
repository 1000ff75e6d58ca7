//! The ground that the other tests stand on: servers start, die, come back and leave nothing.

use std::{process::Command, time::Duration};

use gnomon_tests::{
    EtcdCluster, EtcdVersion, MariaDb, Port, Postgres, Process, Scratch, eventually,
    process::{descendants, exists},
    wait::SOON,
};

fn survives_the_loss_of_a_member(version: EtcdVersion) {
    let mut cluster = EtcdCluster::start_version(version, 3);
    cluster.members[0].ctl(&["put", "k", "1"]);
    cluster.members[1].kill();
    // It may have led: a write that meets the election is not tried again by etcdctl.
    cluster.members[0].answers();
    cluster.members[0].ctl(&["put", "k", "2"]);
    cluster.members[1].restart();
    assert_eq!(cluster.members[1].get("k").as_deref(), Some("2"));
    assert_eq!(cluster.members[1].get("other"), None);
}

#[test]
fn debians_etcd_survives_the_loss_of_a_member() {
    survives_the_loss_of_a_member(EtcdVersion::System);
}

#[test]
fn etcd_3_5_survives_the_loss_of_a_member() {
    survives_the_loss_of_a_member(EtcdVersion::V3_5);
}

#[test]
fn postgres_comes_back_with_its_data() {
    let mut server = Postgres::start();
    server.sql("gnomon", "CREATE TABLE t (n int); INSERT INTO t VALUES (7)");
    server.kill();
    server.restart();
    assert_eq!(server.sql("gnomon", "SELECT n FROM t").trim(), "7");
}

#[test]
fn mariadb_comes_back_with_its_data() {
    let mut server = MariaDb::start();
    server.admin("CREATE TABLE gnomon.t (n int); INSERT INTO gnomon.t VALUES (7)");
    server.process().kill();
    server.restart();
    assert_eq!(server.admin("SELECT n FROM gnomon.t").trim(), "7");
}

#[test]
fn ports_are_given_once() {
    let ports: Vec<_> = (0..50).map(|_| Port::free()).collect();
    let numbers: std::collections::BTreeSet<_> = ports.iter().map(Port::number).collect();
    assert_eq!(numbers.len(), ports.len());
}

#[test]
fn a_dropped_process_takes_its_children_along() {
    let scratch = Scratch::new("tree");
    let mut shell = Process::new("sh", scratch.join("log"), || {
        let mut c = Command::new("sh");
        c.args(["-c", "setsid sleep 1000 & sleep 1000; true"]);
        c
    });
    shell.start();
    let pid = shell.pid().as_raw();
    let children = eventually("both sleeps", SOON, || {
        Some(descendants(pid)).filter(|d| d.len() == 2)
    });
    shell.freeze();
    drop(shell);
    eventually("the children to be gone", Duration::from_secs(10), || {
        children.iter().all(|&(pid, _)| !exists(pid)).then_some(())
    });
}
