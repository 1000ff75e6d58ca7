//! What watches must do.

use std::collections::{BTreeMap, BTreeSet};

use shared::store::{Change, DynStore, Revision, StoreError, Write};

use super::{Subject, changes, delete, put, values, write};

pub async fn watch_from_the_past(store: &DynStore) {
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
pub async fn watch_holds_whole_revisions(subject: &dyn Subject) {
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

pub async fn watch_knows_its_prefix(store: &DynStore) {
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

pub async fn compaction_under_a_watch(subject: &dyn Subject) {
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
