//! Databases that are killed or frozen under a history: it answers, and goes on afterwards.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use futures::future::join_all;
use master::history::{History, HistoryError, SqlHistory, sql::Patience};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use shared::{history::RunQuery, report::Run};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

use crate::{MariaDb, Postgres, Process, eventually, process::descendants, sample::run, wait::SOON};

const PATIENCE: Patience = Patience {
    call: Duration::from_secs(1),
    housekeeping: Duration::from_secs(2),
    migration: Duration::from_secs(60),
};

/// Stops or continues a server with all its processes: PostgreSQL has one a connection.
fn signal_all(server: &mut Process, signal: Signal) {
    let root = server.pid().as_raw();
    let all: Vec<i32> = descendants(root)
        .into_iter()
        .map(|(pid, _)| pid)
        .chain([root])
        .collect();
    for pid in &all {
        let _ = kill(Pid::from_raw(*pid), signal);
    }
    if signal == Signal::SIGSTOP {
        eventually("all threads to stand still", SOON, || {
            all.iter().all(|pid| is_stopped(*pid)).then_some(())
        });
    }
}

/// Whether every thread of a process is stopped; it takes them a moment.
fn is_stopped(pid: i32) -> bool {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else {
        return true;
    };
    threads.flatten().all(|thread| {
        let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        stat.rsplit_once(") ")
            .is_none_or(|(_, rest)| rest.starts_with(['T', 'Z', 'X']))
    })
}

/// More callers than there are connections, each answered soon that the database is not there.
async fn all_are_told(history: &SqlHistory) {
    let start = Instant::now();
    let calls = (0..40).map(|n| async move {
        match n % 4 {
            0 => history.ping().await,
            1 => history.run(run(1, 0).id).await.map(drop),
            2 => history.runs(&RunQuery::default()).await.map(drop),
            _ => history.record(&[run(1, 5000 + n)], &[]).await.map(drop),
        }
    });
    for answer in join_all(calls).await {
        assert!(matches!(answer, Err(HistoryError::Unavailable(_))), "{answer:?}");
    }
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
}

async fn until_up<F: Future<Output = Result<(), HistoryError>>>(mut call: impl FnMut() -> F) {
    let start = Instant::now();
    while let Err(e) = call().await {
        assert!(start.elapsed() < SOON, "still down: {e}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn survives(history: &SqlHistory, mut server: impl FnMut(Outage)) {
    let runs: Vec<Run> = (0..50).map(|n| run(1, n)).collect();
    history.record(&runs, &[]).await.unwrap();
    // Every connection is in use when it happens.
    join_all((0..20).map(|_| history.ping())).await;

    for (down, up) in [(Outage::Freeze, Outage::Thaw), (Outage::Kill, Outage::Restart)] {
        server(down);
        all_are_told(history).await;
        all_are_told(history).await;
        server(up);
        until_up(|| history.ping()).await;
        until_up(|| async { history.record(&[run(2, 0)], &[]).await.map(drop) }).await;
        // All of its connections work again, not just one.
        until_up(|| async {
            join_all((0..40).map(|_| history.ping()))
                .await
                .into_iter()
                .collect()
        })
        .await;
        assert_eq!(history.run(runs[7].id).await.unwrap().unwrap().id, runs[7].id);
    }
}

enum Outage {
    Freeze,
    Thaw,
    Kill,
    Restart,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_may_freeze_and_die() {
    let mut server = Postgres::start();
    let history = SqlHistory::connect_with(&server.url(), PATIENCE).await.unwrap();
    survives(&history, |outage| match outage {
        Outage::Freeze => signal_all(server.process(), Signal::SIGSTOP),
        Outage::Thaw => signal_all(server.process(), Signal::SIGCONT),
        Outage::Kill => server.kill(),
        Outage::Restart => server.restart(),
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mariadb_may_freeze_and_die() {
    let mut server = MariaDb::start();
    let history = SqlHistory::connect_with(&server.url(), PATIENCE).await.unwrap();
    survives(&history, |outage| match outage {
        Outage::Freeze => signal_all(server.process(), Signal::SIGSTOP),
        Outage::Thaw => signal_all(server.process(), Signal::SIGCONT),
        Outage::Kill => server.process().kill(),
        Outage::Restart => server.restart(),
    })
    .await;
}

/// A database that is frozen while a master starts is an error, not a hang.
#[tokio::test]
async fn connecting_to_a_frozen_server_ends() {
    let mut server = Postgres::start();
    signal_all(server.process(), Signal::SIGSTOP);
    let start = Instant::now();
    let connected = SqlHistory::connect_with(&server.url(), PATIENCE).await;
    signal_all(server.process(), Signal::SIGCONT);
    assert!(
        connected.is_err() && start.elapsed() < Duration::from_secs(8),
        "{:?}",
        start.elapsed()
    );
}

/// Stands between a history and its server. From each cut on, the connections there are go
/// dead: nothing comes through and nobody is told, as when a firewall forgets them or the
/// server's host is gone. New ones go through.
async fn proxy(to: String) -> (String, watch::Sender<u64>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (cut, cuts) = watch::channel(0);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let (to, mut cuts) = (to.clone(), cuts.clone());
            tokio::spawn(async move {
                let mut server = TcpStream::connect(to).await.unwrap();
                cuts.mark_unchanged();
                tokio::select! {
                    _ = copy_bidirectional(&mut client, &mut server) => {}
                    _ = cuts.changed() => std::future::pending::<()>().await,
                }
            });
        }
    });
    (address, cut)
}

async fn dead_connections_are_replaced(url: &str) {
    let (server, rest) = url.split_once('@').unwrap();
    let (address, name) = rest.split_once('/').unwrap();
    let (proxied, cut) = proxy(address.to_owned()).await;
    let url = format!("{server}@{proxied}/{name}");
    let history = SqlHistory::connect_with(&url, PATIENCE).await.unwrap();
    for round in 0..3 {
        join_all((0..40).map(|_| history.ping())).await;
        cut.send_replace(round);
        let start = Instant::now();
        // Every caller is told in time, and before long there are enough new connections.
        until_up(|| async {
            join_all((0..40).map(|_| history.ping()))
                .await
                .into_iter()
                .collect()
        })
        .await;
        assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
        history.record(&[run(1, round as i64)], &[]).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_connections_to_postgres_are_replaced() {
    let (url, _server) = crate::databases::postgres_url("dead");
    dead_connections_are_replaced(&url).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_connections_to_mariadb_are_replaced() {
    let (url, _server) = crate::databases::mariadb_url("dead");
    dead_connections_are_replaced(&url).await;
}
