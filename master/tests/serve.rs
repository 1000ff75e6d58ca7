//! A whole master on one machine: it serves, stops, and starts again at once.

#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use std::{path::Path, sync::Arc, time::Duration};

use master::{
    MasterParts, Running,
    core::Database,
    history::SqlHistory,
    housekeeping::Bounds,
    http::{Console, Listen, Server},
};
use shared::{
    host::Host,
    id::NodeId,
    report::{Batch, Health},
    store::embedded::{Embedded, OpenError},
};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

async fn start(dir: &Path, cancel: &CancellationToken) -> Running {
    let listen = Listen {
        address: "127.0.0.1:0".parse().unwrap(),
        tls: None,
    };
    let server = Server::bind(&listen).await.unwrap();
    let url = format!("http://{}", server.address());
    let database = format!("sqlite://{}?mode=rwc", dir.join("history.db").display());
    let parts = MasterParts {
        store: Arc::new(open(&dir.join("store")).await),
        store_kind: "embedded",
        history: Arc::new(SqlHistory::connect(&database).await.unwrap()),
        database: Database::Sqlite,
        server,
        is_tls: false,
        console: Console::default(),
        host: Host::system(),
        id: "standalone".parse().unwrap(),
        url,
        lease_ttl: Duration::from_secs(10),
        alone: true,
        bounds: Bounds::default(),
        awaits_node: false,
    };
    master::start(parts, cancel.clone()).await.unwrap()
}

/// The tasks of an instance that has stopped may hold its file for a moment yet.
async fn open(path: &Path) -> Embedded {
    let opened = async {
        loop {
            match Embedded::open(path) {
                Ok(store) => return store,
                Err(OpenError::InUse(_)) => tokio::time::sleep(Duration::from_millis(10)).await,
                Err(other) => panic!("{other}"),
            }
        }
    };
    timeout(Duration::from_secs(5), opened)
        .await
        .expect("the file is free in time")
}

async fn until_ready(running: &Running) {
    let mut leading = running.leading.clone();
    let leads = leading.wait_for(Option::is_some);
    timeout(Duration::from_secs(10), leads)
        .await
        .expect("it leads in time")
        .unwrap();
    let url = format!("{}/readyz", running.url);
    let ready = async {
        while !reqwest::get(&url).await.is_ok_and(|r| r.status().is_success()) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(10), ready)
        .await
        .expect("it is ready in time");
}

#[tokio::test]
async fn standalone_starts_stops_and_starts_again_at_once() {
    // No TLS here, but the client wants to be told of a provider.
    _ = rustls::crypto::ring::default_provider().install_default();
    let dir = tempfile::tempdir().unwrap();
    let cancel = CancellationToken::new();
    let first = start(dir.path(), &cancel).await;
    assert!(
        first.password.as_ref().is_some_and(|p| p.len() >= 12),
        "the first start shows a password"
    );
    until_ready(&first).await;
    let node: NodeId = "node-1".parse().unwrap();
    let batch = Batch {
        node: node.clone(),
        boot: "b1".to_owned(),
        sent_at: Host::system().now(),
        runs: vec![],
        chunks: vec![],
        health: Some(Health::default()),
    };
    first.intake.accept(batch).await.unwrap();
    let seen = first.intake.seen(&node);
    cancel.cancel();
    timeout(Duration::from_secs(5), first.stopped())
        .await
        .expect("it stops in time")
        .unwrap();

    let cancel = CancellationToken::new();
    let second = start(dir.path(), &cancel).await;
    assert_eq!(second.password, None, "and no other does");
    until_ready(&second).await;
    let knows = async {
        while second.intake.seen(&node) != seen {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(60), knows)
        .await
        .expect("it knows what a node last said to the one before it");
    cancel.cancel();
    second.stopped().await.unwrap();
}

#[tokio::test]
async fn a_killed_standalone_does_not_wait_for_its_own_lease() {
    _ = rustls::crypto::ring::default_provider().install_default();
    let dir = tempfile::tempdir().unwrap();
    // Killed: the runtime goes with everything in it, and nothing is given back.
    let path = dir.path().to_owned();
    let killed = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap();
        let running = runtime.block_on(async {
            let running = start(&path, &CancellationToken::new()).await;
            until_ready(&running).await;
            running
        });
        drop(runtime);
        drop(running);
    });
    killed.join().unwrap();

    let begun = Instant::now();
    let again = start(dir.path(), &CancellationToken::new()).await;
    until_ready(&again).await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}
