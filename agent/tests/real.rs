//! The real parts on this host: processes, a spool on disk, a store in memory.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::{path::Path, sync::Arc, time::Duration};

use agent::{LocalConfig, Settings, identity::DataDir};
use shared::{
    assign::Assignment,
    host::Host,
    job::{Action, JobSpec, RunSpec, Trigger},
    keys,
    store::{DynStore, Txn, Write, embedded::Embedded},
    target::Place,
};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

async fn put(store: &DynStore, key: String, value: &impl serde::Serialize) {
    let write = Write::Put {
        key,
        value: serde_json::to_vec(value).unwrap(),
        lease: None,
    };
    store
        .txn(Txn {
            compares: vec![],
            writes: vec![write],
        })
        .await
        .unwrap();
}

fn job(host: &Host, place: Place, script: String) -> Assignment {
    let mut spec = JobSpec::new("j".parse().unwrap(), RunSpec::new(Action::Shell(script)));
    spec.triggers.push(Trigger::cron("* * * * * *").unwrap());
    spec.target.place = place;
    let slot = place.is_exclusive().then_some(0);
    Assignment {
        job: host.job_id(),
        revision: 1,
        spec,
        since: host.now(),
        slot,
        groups: Default::default(),
        calendars: Default::default(),
    }
}

fn lines(path: &Path) -> Vec<String> {
    std::fs::read_to_string(path)
        .unwrap_or_default()
        .lines()
        .map(str::to_owned)
        .collect()
}

/// Waits until a file has so many lines.
async fn wait_for(path: &Path, count: usize) -> Vec<String> {
    let deadline = Instant::now() + Duration::from_secs(20);
    while lines(path).len() < count {
        assert!(Instant::now() < deadline, "only {:?}", lines(path));
        sleep(Duration::from_millis(50)).await;
    }
    lines(path)
}

#[tokio::test(flavor = "multi_thread")]
async fn real_processes_run_through_a_crash_of_their_agent() {
    let dir = tempfile::tempdir().unwrap();
    let (one, every) = (dir.path().join("one"), dir.path().join("every"));
    let host = Host::system();
    let store: DynStore = Arc::new(Embedded::memory());
    let echo = |path: &Path| format!("echo $GNOMON_SCHEDULED_AT >> {}", path.display());
    let (exclusive, everywhere) = (
        job(&host, Place::One, echo(&one)),
        job(&host, Place::Every, echo(&every)),
    );
    put(
        &store,
        keys::assign_slot(&"real".parse().unwrap(), exclusive.job, 0),
        &exclusive,
    )
    .await;
    put(&store, keys::assign_every(everywhere.job), &everywhere).await;

    // There is no master to wait for at the end.
    let settings = Settings {
        flush_timeout: Duration::from_millis(200),
        ..Settings::default()
    };
    let config = || LocalConfig {
        name: Some("real".into()),
        settings,
        ..LocalConfig::new(dir.path().join("data"))
    };
    let data = DataDir::open(dir.path().join("data")).unwrap();
    let agent = agent::start(
        &data,
        store.clone(),
        host.clone(),
        config(),
        CancellationToken::new(),
    )
    .unwrap();
    wait_for(&one, 3).await;
    // As a crash does it: nothing is tidied up, and the next one takes over at once.
    drop(agent);
    let cancel = CancellationToken::new();
    let deadline = Instant::now() + Duration::from_secs(10);
    let agent = loop {
        // The spool's file is free once the last of the old agent's tasks is gone.
        match agent::start(&data, store.clone(), host.clone(), config(), cancel.clone()) {
            Ok(agent) => break agent,
            Err(error) => assert!(Instant::now() < deadline, "{error:#}"),
        }
        sleep(Duration::from_millis(20)).await;
    };
    let before = lines(&one).len();
    wait_for(&one, before + 3).await;
    wait_for(&every, before + 3).await;

    let second = DataDir::open(dir.path().join("data")).unwrap_err();
    assert!(second.to_string().contains("in use by another agent"), "{second}");

    cancel.cancel();
    agent.wait().await.unwrap();
    assert!(store.get("nodes/real").await.unwrap().is_none());
    for path in [&one, &every] {
        let mut instants = lines(path);
        let all = instants.len();
        instants.sort();
        instants.dedup();
        assert_eq!(instants.len(), all, "each instant once");
    }
}
