//! The embedded store's file: killed at any moment, opened twice, on a full disk.
#![cfg(feature = "store")]
// These are tests through and through: what goes wrong may panic, real processes are
// started and real time is measured.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod store;

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use shared::store::{
    DynStore, Outcome, Store, StoreError, Txn,
    embedded::{Embedded, OpenError},
};
use store::{PATIENCE, delete, put, put_leased, values, write};
use tokio::time::{Instant, sleep};

/// Where a child of these tests finds its store.
const CHILD: &str = "GNOMON_TEST_STORE";

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// This test binary again, running one test as a child.
fn child(test: &str, store: &Path, before: &str) -> Child {
    let exec = format!("{before} exec \"$0\" --exact {test} --nocapture --test-threads 1");
    Command::new("sh")
        .args(["-c", &exec])
        .arg(std::env::current_exe().unwrap())
        .env(CHILD, store)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn survives_kill_9_at_any_moment() {
    if let Some(path) = std::env::var_os(CHILD) {
        runtime().block_on(write_for_ever(PathBuf::from(path)));
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let mut acknowledged: BTreeMap<String, i64> = BTreeMap::new();
    for round in 0..25_u64 {
        let mut child = child("survives_kill_9_at_any_moment", &path, "");
        let output = BufReader::new(child.stdout.take().unwrap());
        let reader = std::thread::spawn(move || {
            let lines = output.lines().map_while(Result::ok);
            lines
                .filter_map(|line| line.strip_prefix("ack ").map(str::to_owned))
                .collect::<Vec<_>>()
        });
        // While it opens, repairs, writes a first batch, or is well under way.
        std::thread::sleep(Duration::from_millis(5 + (round * 37) % 300));
        child.kill().unwrap();
        child.wait().unwrap();
        for line in reader.join().unwrap() {
            // The last line may be cut off.
            if let [key, revision, "."] = line.split(' ').collect::<Vec<_>>()[..] {
                acknowledged.insert(key.to_owned(), revision.parse().unwrap());
            }
        }
        runtime().block_on(check(&path, &acknowledged));
    }
    assert!(
        acknowledged.len() > 500,
        "only {} writes in all",
        acknowledged.len()
    );
}

/// New stores, each killed a moment after its process has begun.
#[test]
fn survives_kill_9_while_it_is_made() {
    if let Some(path) = std::env::var_os(CHILD) {
        let _store = Embedded::open(path).unwrap();
        println!("made");
        std::thread::sleep(PATIENCE);
    }
    let dir = tempfile::tempdir().unwrap();
    let (mut made, mut unmade) = (0, 0);
    for round in 0..60_u64 {
        let path = dir.path().join(format!("store{}", round % 10));
        let _ = std::fs::remove_file(&path);
        let mut child = child("survives_kill_9_while_it_is_made", &path, "");
        std::thread::sleep(Duration::from_micros(2_000 + 400 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        *if path.exists() { &mut made } else { &mut unmade } += 1;
        drop(Embedded::open(&path).expect("it opens, whatever was left behind"));
    }
    assert!(
        made > 5 && unmade > 5,
        "{made} made and {unmade} unmade: the kills come at the wrong time"
    );
    let left = std::fs::read_dir(dir.path()).unwrap().count();
    assert_eq!(left, 10, "unfinished files are left behind");
}

/// Many at once: one gets it, the others are told that it is in use.
#[test]
fn is_made_once() {
    for _ in 0..20 {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store");
        let opened: Vec<_> = std::thread::scope(|scope| {
            let tries: Vec<_> = (0..4).map(|_| scope.spawn(|| Embedded::open(&path))).collect();
            tries.into_iter().map(|t| t.join().unwrap()).collect()
        });
        assert_eq!(opened.iter().filter(|o| o.is_ok()).count(), 1);
        let errors: Vec<_> = opened.iter().filter_map(|o| o.as_ref().err()).collect();
        assert!(
            errors.iter().all(|e| matches!(e, OpenError::InUse(_))),
            "{errors:?}"
        );
    }
}

/// Pairs of keys, one counter and one lease, from many tasks at once.
async fn write_for_ever(path: PathBuf) {
    let store: DynStore = Arc::new(Embedded::open(path).unwrap());
    let run = store.snapshot("").await.unwrap().revision;
    let writers = (0..8).map(|writer| {
        let store = store.clone();
        tokio::spawn(async move {
            for n in 0.. {
                let (key, value) = (format!("{run:08}-{writer}-{n:06}"), vec![n as u8; 100 + n % 3000]);
                let lease = store.grant(Duration::from_secs(600)).await.unwrap();
                let mut writes = vec![
                    put(&format!("left/{key}"), value.clone()),
                    put(&format!("right/{key}"), value),
                    put_leased(&format!("leased/{writer}"), lease),
                ];
                if n > 0 {
                    writes.push(delete(&format!("gone/{run}-{writer}-{}", n - 1)));
                }
                writes.push(put(&format!("gone/{run}-{writer}-{n}"), ""));
                let revision = write(&store, writes).await;
                println!("ack {key} {revision} .");
            }
        })
    });
    futures::future::join_all(writers).await;
}

async fn check(path: &Path, acknowledged: &BTreeMap<String, i64>) {
    let store = Embedded::open(path).expect("a killed store opens again");
    let all = store.snapshot("").await.unwrap();
    let sides = |side: &str| -> BTreeMap<String, (Vec<u8>, i64)> {
        let with_prefix = all.kvs.iter().filter_map(|kv| {
            kv.key
                .strip_prefix(side)
                .map(|k| (k.to_owned(), (kv.value.clone(), kv.create_revision)))
        });
        with_prefix.collect()
    };
    let (left, right) = (sides("left/"), sides("right/"));
    assert_eq!(left, right, "half of a transaction");
    for (key, revision) in acknowledged {
        assert_eq!(
            left.get(key).map(|(_, r)| r),
            Some(revision),
            "{key} was acknowledged"
        );
    }
    assert!(
        all.kvs
            .iter()
            .all(|kv| kv.mod_revision <= all.revision && kv.create_revision <= kv.mod_revision)
    );
    // Leases are there as their keys say, and ids are never given twice.
    for kv in all.kvs.iter().filter(|kv| kv.lease != 0) {
        store
            .keep_alive(kv.lease)
            .await
            .expect("a lease whose key is there");
        let new = store.grant(Duration::from_secs(60)).await.unwrap();
        assert!(new > kv.lease);
        store.revoke(new).await.unwrap();
    }
}

#[tokio::test]
async fn is_opened_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let store = Embedded::open(&path).unwrap();
    let refused = Embedded::open(&path).err().unwrap();
    assert!(matches!(refused, OpenError::InUse(_)), "{refused}");
    assert_eq!(
        refused.to_string(),
        format!("the store {} is in use by another process", path.display())
    );
    drop(store);
    Embedded::open(&path).expect("a closed store opens again at once");
}

#[test]
fn another_process_cannot_open_it() {
    if let Some(path) = std::env::var_os(CHILD) {
        match Embedded::open(path) {
            Err(OpenError::InUse(_)) => println!("in use"),
            Err(error) => println!("{error}"),
            Ok(_) => println!("opened"),
        }
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let _store = Embedded::open(&path).unwrap();
    let output = child("another_process_cannot_open_it", &path, "")
        .wait_with_output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("in use"), "{said}");
}

#[tokio::test]
async fn refuses_what_is_not_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    std::fs::write(&path, b"#!/bin/sh\necho not a store\n".repeat(1000)).unwrap();
    let refused = Embedded::open(&path).err().unwrap();
    assert!(matches!(refused, OpenError::Damaged { .. }), "{refused:?}");
    let refused = Embedded::open(dir.path()).err().unwrap();
    assert!(matches!(refused, OpenError::Io { .. }), "{refused:?}");
    // An empty file is a store that has yet to be made.
    let empty = dir.path().join("empty");
    std::fs::write(&empty, b"").unwrap();
    assert_eq!(Embedded::open(&empty).unwrap().revision(), 1);
}

#[tokio::test]
async fn keeps_everything_when_it_is_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sub/folder/store");
    let (before, lease) = {
        let store: DynStore = Arc::new(Embedded::open(&path).unwrap());
        let lease = store.grant(Duration::from_secs(2)).await.unwrap();
        write(&store, vec![put("a", "1"), put_leased("b", lease)]).await;
        write(&store, vec![put("a", vec![0, 255, 10]), put("c", "")]).await;
        write(&store, vec![delete("c")]).await;
        sleep(Duration::from_millis(1500)).await;
        (store.snapshot("").await.unwrap(), lease)
    };
    let store: DynStore = Arc::new(Embedded::open(&path).unwrap());
    assert_eq!(store.snapshot("").await.unwrap(), before);
    // The past is gone, the present is not.
    assert!(matches!(
        store.watch("", 1).await.err(),
        Some(StoreError::Compacted { asked: 1 })
    ));
    let mut watch = store.watch("", before.revision).await.unwrap();
    // The lease has its full time again, and ends with nobody looking at the store.
    sleep(Duration::from_millis(1500)).await;
    store.keep_alive(lease).await.expect("it has its full time again");
    let (revision, gone) = store::changes(&mut watch).await.unwrap();
    assert_eq!((revision, gone.len()), (before.revision + 1, 1));
    drop((store, watch));
    let store: DynStore = Arc::new(Embedded::open(&path).unwrap());
    assert_eq!(values(&store, "").await.into_keys().collect::<Vec<_>>(), ["a"]);
}

/// A thousand transactions at once need a few fsyncs, not a thousand.
#[tokio::test(flavor = "multi_thread")]
async fn transactions_share_an_fsync() {
    let dir = tempfile::tempdir().unwrap();
    let store: DynStore = Arc::new(Embedded::open(dir.path().join("store")).unwrap());
    let alone = Instant::now();
    for i in 0..20 {
        write(&store, vec![put("alone", i.to_string())]).await;
    }
    let each_alone = alone.elapsed() / 20;
    let together = Instant::now();
    let writes = (0..1000).map(|i| {
        let store = store.clone();
        tokio::spawn(async move { write(&store, vec![put(&format!("k/{i}"), "")]).await })
    });
    futures::future::join_all(writes).await;
    let each_together = together.elapsed() / 1000;
    assert_eq!(values(&store, "k/").await.len(), 1000);
    assert!(
        each_together * 2 < each_alone,
        "{each_together:?} together, {each_alone:?} alone"
    );
}

#[test]
fn a_full_disk_is_told_and_survived() {
    if let Some(path) = std::env::var_os(CHILD) {
        runtime().block_on(fill_up(PathBuf::from(path)));
        println!("survived");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    // A limit on the size of files stands in for the disk's; 20 MiB, in 512 byte blocks.
    let before = "trap '' XFSZ; ulimit -S -f 40960;";
    let child = child(
        "a_full_disk_is_told_and_survived",
        &dir.path().join("store"),
        before,
    );
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    assert!(String::from_utf8_lossy(&output.stdout).contains("survived"));
}

async fn fill_up(path: PathBuf) {
    let store: DynStore = Arc::new(Embedded::open(&path).unwrap());
    let attempt = |n: u32| {
        let writes = vec![
            put(&format!("full/{n:04}"), vec![1; 500_000]),
            put("last", n.to_string()),
        ];
        store.txn(Txn {
            compares: vec![],
            writes,
        })
    };
    let mut acknowledged = 0;
    let error = loop {
        match attempt(acknowledged).await {
            Ok(Outcome::Committed(_)) => acknowledged += 1,
            Ok(other) => panic!("{other:?}"),
            Err(error) => break error,
        }
        assert!(acknowledged < 200, "the disk is never full");
    };
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert!(error.to_string().contains("cannot be written"), "{error}");
    // It answers what it knows, and goes on refusing.
    assert_eq!(values(&store, "full/").await.len(), acknowledged as usize);
    assert!(attempt(9000).await.is_err());

    let (_, hard) = getrlimit(Resource::RLIMIT_FSIZE).unwrap();
    setrlimit(Resource::RLIMIT_FSIZE, hard, hard).unwrap();
    let deadline = Instant::now() + PATIENCE;
    while attempt(9001).await.is_err() {
        assert!(Instant::now() < deadline, "the store never recovers");
        sleep(Duration::from_millis(100)).await;
    }
    let seen = values(&store, "").await;
    drop(store);
    let again: DynStore = Arc::new(Embedded::open(&path).unwrap());
    assert_eq!(values(&again, "").await, seen, "what is seen is what is stored");
    assert!((0..acknowledged).all(|n| seen.contains_key(&format!("full/{n:04}"))));
    assert_eq!(seen["last"], b"9001");
}
