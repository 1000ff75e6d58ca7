//! What every store must do, whatever it is made of. Each case gets an empty store (or
//! an empty prefix of one) and knows nothing of its kind.

// Each test binary uses its own part of this.
#![allow(dead_code)]

pub mod server;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use shared::store::{
    Change, Compare, DynStore, Outcome, Revision, StoreError, TXN_OPS_MAX, Txn, Watch, WatchEvent, Write,
    lease::KeptLease, mirror::Mirror,
};
use tokio::time::{Instant, sleep, timeout};

/// Longer than anything here takes, on the slowest machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A store to test, and what tests do to it from outside.
#[async_trait::async_trait]
pub trait Subject: Sync {
    /// A client of its own; all clients of a subject see the same keys.
    fn store(&self) -> DynStore;
    /// Forgets the past up to a revision.
    async fn compact(&self, revision: Revision);
}

/// All cases that leave the server alone.
pub async fn all(subject: &dyn Subject) {
    revisions_and_order(&subject.store()).await;
    compares(&subject.store()).await;
    bad_transactions(&subject.store()).await;
    races(subject).await;
    counter_under_contention(subject).await;
    lease_takes_its_keys(&subject.store()).await;
    lease_moves_and_detaches(&subject.store()).await;
    lease_errors(&subject.store()).await;
    kept_lease_outlives_its_ttl(&subject.store()).await;
    kept_lease_notices_a_revoke(subject).await;
    watch_from_the_past(&subject.store()).await;
    watch_holds_whole_revisions(subject).await;
    watch_knows_its_prefix(&subject.store()).await;
    compaction_under_a_watch(subject).await;
    mirror_follows(subject).await;
    mirror_survives_broken_values(&subject.store()).await;
    mirror_survives_compaction(subject).await;
}

pub fn put(key: &str, value: impl Into<Vec<u8>>) -> Write {
    Write::Put {
        key: key.into(),
        value: value.into(),
        lease: None,
    }
}

pub fn put_leased(key: &str, lease: i64) -> Write {
    Write::Put {
        key: key.into(),
        value: b"leased".to_vec(),
        lease: Some(lease),
    }
}

pub fn delete(key: &str) -> Write {
    Write::Delete { key: key.into() }
}

/// Writes without a condition; returns the revision.
pub async fn write(store: &DynStore, writes: Vec<Write>) -> Revision {
    match store
        .txn(Txn {
            compares: vec![],
            writes,
        })
        .await
        .expect("a transaction")
    {
        Outcome::Committed(revision) => revision,
        Outcome::Refused(revision) => panic!("refused at {revision} without a compare"),
    }
}

/// The values under a prefix.
pub async fn values(store: &DynStore, prefix: &str) -> BTreeMap<String, Vec<u8>> {
    let list = store.snapshot(prefix).await.expect("a snapshot");
    list.kvs.into_iter().map(|kv| (kv.key, kv.value)).collect()
}

/// The next changes of a watch, progress aside.
pub async fn changes(watch: &mut Box<dyn Watch>) -> Result<(Revision, Vec<Change>), StoreError> {
    let next = async {
        loop {
            if let WatchEvent::Changes { revision, changes } = watch.next().await? {
                return Ok((revision, changes));
            }
        }
    };
    timeout(PATIENCE, next)
        .await
        .expect("the watch tells something in time")
}

/// Tries until the store answers: for servers that are coming back.
pub async fn eventually<T, F: Future<Output = Result<T, StoreError>>>(mut attempt: impl FnMut() -> F) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match attempt().await {
            Ok(value) => return value,
            Err(error) if Instant::now() > deadline => panic!("still failing: {error}"),
            Err(_) => sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn revisions_and_order(store: &DynStore) {
    let first = write(store, vec![put("order/b", "1"), put("order/a", "2")]).await;
    let second = write(store, vec![put("order/a", "3"), put("order/c", "")]).await;
    assert_eq!(second, first + 1, "one revision a transaction");
    let list = store.snapshot("order/").await.unwrap();
    assert!(list.revision >= second);
    let seen: Vec<_> = list
        .kvs
        .iter()
        .map(|k| (k.key.as_str(), k.create_revision, k.mod_revision, k.lease))
        .collect();
    assert_eq!(
        seen,
        [
            ("order/a", first, second, 0),
            ("order/b", first, first, 0),
            ("order/c", second, second, 0)
        ]
    );
    assert_eq!(list.kvs[0].value, b"3");
    assert_eq!(store.get("order/b").await.unwrap().as_ref(), Some(&list.kvs[1]));
    assert_eq!(store.get("order/").await.unwrap(), None);

    // Deleting what is not there is no change, and a key made anew is a new one.
    let third = write(store, vec![delete("order/none")]).await;
    assert_eq!(third, second);
    write(store, vec![delete("order/a")]).await;
    assert_eq!(store.get("order/a").await.unwrap(), None);
    let again = write(store, vec![put("order/a", "4")]).await;
    assert_eq!(
        store.get("order/a").await.unwrap().unwrap().create_revision,
        again
    );
    assert!(store.snapshot("order/x").await.unwrap().kvs.is_empty());
}

async fn compares(store: &DynStore) {
    let txn = |compare: Compare, value: &str| Txn {
        compares: vec![compare],
        writes: vec![put("cas/k", value), put("cas/other", value)],
    };
    let made = store
        .txn(txn(Compare::ModRevision("cas/k".into(), 0), "1"))
        .await
        .unwrap();
    let Outcome::Committed(first) = made else {
        panic!("the key did not exist: {made:?}")
    };
    let refused = store
        .txn(txn(Compare::CreateRevision("cas/k".into(), 0), "2"))
        .await
        .unwrap();
    assert!(matches!(refused, Outcome::Refused(_)), "{refused:?}");
    assert_eq!(
        values(store, "cas/").await["cas/other"],
        b"1",
        "nothing of a refused one is written"
    );

    let moved = store
        .txn(txn(Compare::ModRevision("cas/k".into(), first), "3"))
        .await
        .unwrap();
    let Outcome::Committed(second) = moved else {
        panic!("{moved:?}")
    };
    for (compare, holds) in [
        (Compare::ModRevision("cas/k".into(), first), false),
        (Compare::ModRevision("cas/k".into(), second), true),
        (Compare::CreateRevision("cas/k".into(), first), true),
        (Compare::CreateRevision("cas/none".into(), 0), true),
        (Compare::ModRevision("cas/none".into(), 1), false),
    ] {
        let asked = Txn {
            compares: vec![compare.clone()],
            writes: vec![],
        };
        let outcome = store.txn(asked).await.unwrap();
        assert_eq!(
            matches!(outcome, Outcome::Committed(_)),
            holds,
            "{compare:?}: {outcome:?}"
        );
    }
    // All must hold.
    let both = vec![
        Compare::ModRevision("cas/k".into(), second),
        Compare::ModRevision("cas/other".into(), first),
    ];
    let outcome = store
        .txn(Txn {
            compares: both,
            writes: vec![delete("cas/k")],
        })
        .await
        .unwrap();
    assert!(matches!(outcome, Outcome::Refused(_)));
    assert!(store.get("cas/k").await.unwrap().is_some());
}

async fn bad_transactions(store: &DynStore) {
    let most: Vec<Write> = (0..TXN_OPS_MAX)
        .map(|i| put(&format!("bad/{i:03}"), ""))
        .collect();
    write(store, most.clone()).await;
    let mut too_many = most;
    too_many.push(put("bad/more", ""));
    let before = store.snapshot("bad/").await.unwrap();
    for (what, writes) in [
        ("too many", too_many),
        ("one key twice", vec![put("bad/a", "1"), delete("bad/a")]),
        ("too large", vec![put("bad/large", vec![0; 2 << 20])]),
        ("no key", vec![put("", "")]),
    ] {
        let refused = store
            .txn(Txn {
                compares: vec![],
                writes,
            })
            .await;
        assert!(
            matches!(refused, Err(StoreError::Refused(_))),
            "{what}: {refused:?}"
        );
    }
    assert_eq!(store.snapshot("bad/").await.unwrap().kvs, before.kvs);
    let large = vec![7; 1 << 20];
    write(store, vec![put("bad/mebibyte", large.clone())]).await;
    assert_eq!(store.get("bad/mebibyte").await.unwrap().unwrap().value, large);
}

/// Many clients create one key: one wins, and all others see that they did not.
async fn races(subject: &dyn Subject) {
    for round in 0..10 {
        let key = format!("race/{round}");
        let tries = (0..16).map(|i| {
            let (store, key) = (subject.store(), key.clone());
            tokio::spawn(async move {
                let compares = vec![Compare::CreateRevision(key.clone(), 0)];
                let won = store
                    .txn(Txn {
                        compares,
                        writes: vec![put(&key, i.to_string())],
                    })
                    .await
                    .unwrap();
                matches!(won, Outcome::Committed(_)).then_some(i)
            })
        });
        let won: Vec<usize> = futures::future::join_all(tries)
            .await
            .into_iter()
            .filter_map(|w| w.unwrap())
            .collect();
        assert_eq!(won.len(), 1, "{won:?} all created {key}");
        let value = subject.store().get(&key).await.unwrap().unwrap().value;
        assert_eq!(value, won[0].to_string().as_bytes());
    }
}

/// Read, add one, compare-and-swap: no addition is lost.
async fn counter_under_contention(subject: &dyn Subject) {
    let workers = (0..8).map(|_| {
        let store = subject.store();
        tokio::spawn(async move {
            let mut added = 0;
            while added < 20 {
                let now = store.get("counter").await.unwrap();
                let revision = now.as_ref().map_or(0, |kv| kv.mod_revision);
                let count: u64 = now.map_or(0, |kv| String::from_utf8(kv.value).unwrap().parse().unwrap());
                let compares = vec![Compare::ModRevision("counter".into(), revision)];
                let writes = vec![put("counter", (count + 1).to_string())];
                if let Outcome::Committed(_) = store.txn(Txn { compares, writes }).await.unwrap() {
                    added += 1;
                }
            }
        })
    });
    for worker in futures::future::join_all(workers).await {
        worker.unwrap();
    }
    assert_eq!(
        subject.store().get("counter").await.unwrap().unwrap().value,
        b"160"
    );
}

async fn lease_takes_its_keys(store: &DynStore) {
    let lease = store.grant(Duration::from_secs(2)).await.unwrap();
    let other = store.grant(Duration::from_secs(60)).await.unwrap();
    let written = write(
        store,
        vec![
            put_leased("lease/a", lease),
            put_leased("lease/b", lease),
            put_leased("lease/other", other),
        ],
    )
    .await;
    assert_eq!(store.get("lease/a").await.unwrap().unwrap().lease, lease);
    let mut watch = store.watch("lease/", written).await.unwrap();
    // Kept alive past its first ttl.
    for _ in 0..3 {
        sleep(Duration::from_millis(900)).await;
        store.keep_alive(lease).await.unwrap();
    }
    assert!(store.get("lease/a").await.unwrap().is_some());
    let since = Instant::now();
    let (revision, gone) = changes(&mut watch).await.unwrap();
    assert!(
        since.elapsed() > Duration::from_millis(1500),
        "ended after {:?}",
        since.elapsed()
    );
    assert_eq!(
        gone,
        [
            Change::Deleted {
                key: "lease/a".into(),
                mod_revision: revision
            },
            Change::Deleted {
                key: "lease/b".into(),
                mod_revision: revision
            },
        ]
    );
    assert_eq!(
        values(store, "lease/").await.into_keys().collect::<Vec<_>>(),
        ["lease/other"]
    );
    store.revoke(other).await.unwrap();
    assert!(values(store, "lease/").await.is_empty());
}

async fn lease_moves_and_detaches(store: &DynStore) {
    let first = store.grant(Duration::from_secs(60)).await.unwrap();
    let second = store.grant(Duration::from_secs(60)).await.unwrap();
    let keys = ["moves/a", "moves/b", "moves/c"];
    write(store, keys.map(|k| put_leased(k, first)).to_vec()).await;
    // One goes to another lease, one to none at all, one stays.
    write(store, vec![put_leased("moves/a", second), put("moves/b", "free")]).await;
    store.revoke(first).await.unwrap();
    assert_eq!(
        values(store, "moves/").await.into_keys().collect::<Vec<_>>(),
        ["moves/a", "moves/b"]
    );
    store.revoke(second).await.unwrap();
    assert_eq!(
        values(store, "moves/").await.into_keys().collect::<Vec<_>>(),
        ["moves/b"]
    );
}

async fn lease_errors(store: &DynStore) {
    let lease = store.grant(Duration::from_secs(60)).await.unwrap();
    store.revoke(lease).await.unwrap();
    assert!(matches!(
        store.keep_alive(lease).await,
        Err(StoreError::LeaseGone)
    ));
    assert!(matches!(store.revoke(lease).await, Err(StoreError::LeaseGone)));
    let writes = vec![put("gone/free", ""), put_leased("gone/leased", lease)];
    let refused = store
        .txn(Txn {
            compares: vec![],
            writes,
        })
        .await;
    assert!(matches!(refused, Err(StoreError::LeaseGone)), "{refused:?}");
    assert!(values(store, "gone/").await.is_empty(), "half of a transaction");
    assert!(matches!(
        store.grant(Duration::ZERO).await,
        Err(StoreError::Refused(_))
    ));
}

async fn kept_lease_outlives_its_ttl(store: &DynStore) {
    let lease = KeptLease::grant(store.clone(), Duration::from_secs(2))
        .await
        .unwrap();
    write(store, vec![put_leased("kept/a", lease.id())]).await;
    let first = lease.deadline();
    sleep(Duration::from_secs(5)).await;
    assert!(lease.is_valid() && lease.deadline() > first);
    assert!(
        lease.deadline() <= Instant::now() + Duration::from_secs(2),
        "counted from the sending"
    );
    assert!(store.get("kept/a").await.unwrap().is_some());
    lease.revoke().await.unwrap();
    assert!(!lease.is_valid());
    assert!(store.get("kept/a").await.unwrap().is_none());
}

async fn kept_lease_notices_a_revoke(subject: &dyn Subject) {
    let lease = KeptLease::grant(subject.store(), Duration::from_secs(3))
        .await
        .unwrap();
    let deadline = lease.deadline();
    subject.store().revoke(lease.id()).await.unwrap();
    timeout(PATIENCE, lease.lost())
        .await
        .expect("the loss is noticed");
    assert!(Instant::now() < deadline, "only the deadline noticed it");
    assert!(!lease.is_valid());
    lease.revoke().await.expect("giving up a lost lease is no error");
}

async fn watch_from_the_past(store: &DynStore) {
    let start = store.snapshot("past/").await.unwrap().revision;
    let mut told = BTreeMap::new();
    for i in 0..50 {
        let key = format!("past/{}", i % 7);
        let gone = i % 5 == 4;
        let change = if gone {
            delete(&key)
        } else {
            put(&key, i.to_string())
        };
        let before = store.snapshot("past/").await.unwrap().revision;
        let revision = write(store, vec![change]).await;
        if revision > before {
            told.insert(revision, (key, (!gone).then(|| i.to_string().into_bytes())));
        }
    }
    // From any point, what is told is what happened after it, in order, each once.
    let points: Vec<Revision> = [start]
        .into_iter()
        .chain(told.keys().copied().step_by(11))
        .collect();
    for after in points {
        let mut watch = store.watch("past/", after).await.unwrap();
        let expected: Vec<_> = told.range(after + 1..).map(|(r, c)| (*r, c.clone())).collect();
        let mut seen = Vec::new();
        while seen.len() < expected.len() {
            for change in changes(&mut watch).await.unwrap().1 {
                seen.push(match change {
                    Change::Put(kv) => (kv.mod_revision, (kv.key, Some(kv.value))),
                    Change::Deleted { key, mod_revision } => (mod_revision, (key, None)),
                });
            }
        }
        assert_eq!(seen, expected, "after {after}");
    }
}

/// Pairs of keys always change together; a watch must never see one without the other.
async fn watch_holds_whole_revisions(subject: &dyn Subject) {
    let store = subject.store();
    let start = store.snapshot("whole/").await.unwrap().revision;
    let mut watch = store.watch("whole/", start).await.unwrap();
    let writer = {
        let store = subject.store();
        tokio::spawn(async move {
            let mut last = 0;
            for i in 0..100 {
                let keys: Vec<Write> = (0..20)
                    .map(|k| put(&format!("whole/{k:02}"), i.to_string()))
                    .collect();
                last = write(&store, keys).await;
            }
            last
        })
    };
    let (mut state, mut at) = (BTreeMap::new(), start);
    while state.get("whole/00").is_none_or(|v: &Vec<u8>| v != b"99") {
        let (revision, changes) = changes(&mut watch).await.unwrap();
        assert!(revision > at, "{revision} after {at}");
        at = revision;
        for change in changes {
            let Change::Put(kv) = change else {
                panic!("{change:?}")
            };
            state.insert(kv.key, kv.value);
        }
        assert_eq!(state.len(), 20);
        assert_eq!(
            state.values().collect::<BTreeSet<_>>().len(),
            1,
            "half of a transaction at {revision}"
        );
    }
    assert_eq!(at, writer.await.unwrap());
}

async fn watch_knows_its_prefix(store: &DynStore) {
    let start = store.snapshot("").await.unwrap().revision;
    let mut watch = store.watch("mine/", start).await.unwrap();
    write(
        store,
        vec![
            put("mine", ""),
            put("mine0", ""),
            put("min", ""),
            put("mine/a", ""),
        ],
    )
    .await;
    write(store, vec![put("other/mine/", "")]).await;
    write(store, vec![put("mine/\u{10ffff}\u{e9}", "")]).await;
    let mut keys = Vec::new();
    while keys.len() < 2 {
        for change in changes(&mut watch).await.unwrap().1 {
            let Change::Put(kv) = change else {
                panic!("{change:?}")
            };
            keys.push(kv.key);
        }
    }
    assert_eq!(keys, ["mine/a", "mine/\u{10ffff}\u{e9}"]);
    assert_eq!(values(store, "mine/").await.into_keys().collect::<Vec<_>>(), keys);
}

async fn compaction_under_a_watch(subject: &dyn Subject) {
    let store = subject.store();
    let start = write(&store, vec![put("compact/a", "0")]).await;
    let mut late = None;
    for i in 1..=20 {
        let revision = write(&store, vec![put("compact/a", i.to_string())]).await;
        if i == 10 {
            late = Some(store.watch("compact/", revision).await.unwrap());
        }
    }
    let end = store.snapshot("compact/").await.unwrap().revision;
    subject.compact(end).await;
    // A watch that begins before what is left says so, at once or with its first word.
    let asked = match store.watch("compact/", start).await {
        Ok(mut watch) => changes(&mut watch).await.map(|c| panic!("told {c:?}")),
        Err(error) => Err::<(), _>(error),
    };
    assert!(matches!(asked, Err(StoreError::Compacted { .. })), "{asked:?}");
    // One that was there before has seen everything, or says that it has not.
    let (mut late, mut last) = (late.unwrap(), Vec::new());
    while last != b"20" {
        match changes(&mut late).await {
            Ok((_, changes)) => {
                if let Some(Change::Put(kv)) = changes.into_iter().last() {
                    last = kv.value;
                }
            }
            Err(StoreError::Compacted { .. }) => break,
            Err(error) => panic!("{error}"),
        }
    }
    // From the present on, all is well.
    let mut watch = store.watch("compact/", end).await.unwrap();
    write(&store, vec![put("compact/a", "21")]).await;
    assert_eq!(changes(&mut watch).await.unwrap().1.len(), 1);
}

/// A mirror that decodes numbers.
pub fn numbers(store: DynStore, prefix: &str) -> Mirror<u64> {
    Mirror::spawn(store, prefix, |kv| {
        std::str::from_utf8(&kv.value)
            .ok()
            .and_then(|s| s.parse().ok())
            .ok_or_else(|| "not a number".into())
    })
}

/// Waits until a mirror shows something.
pub async fn until(mirror: &Mirror<u64>, what: &str, holds: impl Fn(&BTreeMap<String, u64>) -> bool) {
    let looks = async {
        while !holds(&contents(mirror)) {
            mirror.changed().await;
        }
    };
    if timeout(PATIENCE, looks).await.is_err() {
        let state = mirror.snapshot();
        panic!(
            "the mirror never shows {what}; it is at {}, {:?}",
            state.revision(),
            state.trouble()
        );
    }
}

pub fn contents(mirror: &Mirror<u64>) -> BTreeMap<String, u64> {
    mirror
        .snapshot()
        .iter()
        .map(|(k, e)| (k.to_owned(), *e.value))
        .collect()
}

async fn mirror_follows(subject: &dyn Subject) {
    let store = subject.store();
    write(&store, vec![put("mirror/a", "1"), put("mirror/b", "2")]).await;
    let mirror = numbers(subject.store(), "mirror/");
    let first = timeout(PATIENCE, mirror.ready()).await.unwrap();
    assert_eq!(
        contents(&mirror),
        [("mirror/a".into(), 1), ("mirror/b".into(), 2)].into()
    );
    assert_eq!(first.stale_since(), None);

    let revision = write(
        &store,
        vec![put("mirror/a", "10"), delete("mirror/b"), put("mirror/c", "3")],
    )
    .await;
    let after = timeout(PATIENCE, mirror.reached(revision)).await.unwrap();
    assert_eq!(
        contents(&mirror),
        [("mirror/a".into(), 10), ("mirror/c".into(), 3)].into()
    );
    assert_eq!(after.entry("mirror/a").unwrap().mod_revision, revision);
    assert_eq!(
        first.get("mirror/a"),
        Some(&1),
        "a snapshot that is held stays as it is"
    );

    // A refresh sees what was written before it, wherever that was.
    let elsewhere = write(&subject.store(), vec![put("elsewhere", "")]).await;
    let fresh = timeout(PATIENCE, mirror.refresh()).await.unwrap();
    assert!(fresh.revision() >= elsewhere);

    // Under load it ends where the store does, and its revision never goes back.
    let stop = Arc::new(AtomicU64::new(0));
    let watcher = {
        let (mirror, stop) = (mirror.clone(), stop.clone());
        tokio::spawn(async move {
            let mut last = 0;
            while stop.load(Ordering::Relaxed) == 0 {
                let revision = mirror.snapshot().revision();
                assert!(revision >= last, "{revision} after {last}");
                last = revision;
                tokio::task::yield_now().await;
            }
        })
    };
    let writers = (0..4).map(|w| {
        let store = subject.store();
        tokio::spawn(async move {
            let mut last = 0;
            for i in 0..100 {
                let key = format!("mirror/{w}-{}", i % 9);
                let change = if i % 4 == 3 {
                    delete(&key)
                } else {
                    put(&key, i.to_string())
                };
                last = write(
                    &store,
                    vec![change, put(&format!("mirror/last{w}"), i.to_string())],
                )
                .await;
            }
            last
        })
    });
    let last = futures::future::join_all(writers)
        .await
        .into_iter()
        .map(|r| r.unwrap())
        .max()
        .unwrap();
    timeout(PATIENCE, mirror.reached(last)).await.unwrap();
    let expected: BTreeMap<String, u64> = values(&store, "mirror/")
        .await
        .into_iter()
        .map(|(k, v)| (k, String::from_utf8(v).unwrap().parse().unwrap()))
        .collect();
    assert_eq!(contents(&mirror), expected);
    stop.store(1, Ordering::Relaxed);
    watcher.await.unwrap();
}

async fn mirror_survives_broken_values(store: &DynStore) {
    write(store, vec![put("broken/a", "1"), put("broken/b", "rubbish")]).await;
    let mirror = numbers(store.clone(), "broken/");
    let state = timeout(PATIENCE, mirror.ready()).await.unwrap();
    assert_eq!(contents(&mirror), [("broken/a".into(), 1)].into());
    assert_eq!(state.broken()["broken/b"].reason, "not a number");

    let revision = write(store, vec![put("broken/a", "worse"), put("broken/b", "2")]).await;
    let state = timeout(PATIENCE, mirror.reached(revision)).await.unwrap();
    assert_eq!(contents(&mirror), [("broken/b".into(), 2)].into());
    assert_eq!(
        state.broken().keys().map(|k| &**k).collect::<Vec<_>>(),
        ["broken/a"]
    );
    let revision = write(store, vec![delete("broken/a")]).await;
    let state = timeout(PATIENCE, mirror.reached(revision)).await.unwrap();
    assert!(state.broken().is_empty());
}

async fn mirror_survives_compaction(subject: &dyn Subject) {
    let store = subject.store();
    let mirror = numbers(subject.store(), "cm/");
    timeout(PATIENCE, mirror.ready()).await.unwrap();
    for i in 0..200 {
        let revision = write(&store, vec![put(&format!("cm/{}", i % 13), i.to_string())]).await;
        if i % 20 == 19 {
            subject.compact(revision).await;
        }
    }
    until(&mirror, "the last value", |all| all.get("cm/4") == Some(&199)).await;
    assert_eq!(contents(&mirror).len(), 13);
}
