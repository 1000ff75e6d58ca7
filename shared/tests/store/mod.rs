//! What every store must do, whatever it is made of. Each case gets an empty store (or
//! an empty prefix of one) and knows nothing of its kind.

// Each test binary uses its own part of this.
#![allow(dead_code)]

pub mod leases;
pub mod mirrors;
pub mod server;
pub mod watches;

use std::{collections::BTreeMap, time::Duration};

use shared::store::{
    Change, Compare, DynStore, Outcome, Revision, StoreError, TXN_OPS_MAX, Txn, Watch, WatchEvent, Write,
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
    leases::lease_takes_its_keys(&subject.store()).await;
    leases::lease_moves_and_detaches(&subject.store()).await;
    leases::lease_errors(&subject.store()).await;
    leases::kept_lease_outlives_its_ttl(&subject.store()).await;
    leases::kept_lease_notices_a_revoke(subject).await;
    watches::watch_from_the_past(&subject.store()).await;
    watches::watch_holds_whole_revisions(subject).await;
    watches::watch_knows_its_prefix(&subject.store()).await;
    watches::compaction_under_a_watch(subject).await;
    mirrors::mirror_follows(subject).await;
    mirrors::mirror_survives_broken_values(&subject.store()).await;
    mirrors::mirror_survives_compaction(subject).await;
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
