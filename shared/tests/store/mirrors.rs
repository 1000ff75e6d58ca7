//! What mirrors must do.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use shared::store::{DynStore, mirror::Mirror};
use tokio::time::timeout;

use super::{PATIENCE, Subject, delete, put, values, write};

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

pub async fn mirror_follows(subject: &dyn Subject) {
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

pub async fn mirror_survives_broken_values(store: &DynStore) {
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

pub async fn mirror_survives_compaction(subject: &dyn Subject) {
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
