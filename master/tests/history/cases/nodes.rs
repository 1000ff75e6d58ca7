//! What nodes last said.

use std::collections::{BTreeMap, BTreeSet};

use master::history::{Expire, Seen};
use shared::{id::NodeId, report::Health};

use crate::{databases::Database, sample::at};

/// The `n`th word of a node, one a second.
pub fn word(node: u64, n: i64) -> (NodeId, Seen) {
    let health = Health {
        running: n as u32,
        spooled: u64::MAX,
        ..Health::default()
    };
    let seen = Seen {
        boot: format!("boot-{n}"),
        health: Some(health),
        clock_offset_ms: -n,
        at: at(n),
    };
    (format!("node-{node}").parse().unwrap(), seen)
}

fn words(words: impl IntoIterator<Item = (NodeId, Seen)>) -> BTreeMap<NodeId, Seen> {
    words.into_iter().collect()
}

pub async fn a_nodes_last_word_is_kept(db: &Database) {
    let history = &db.history;
    assert_eq!(history.seen(10).await.unwrap(), BTreeMap::new());
    history.note_seen(&BTreeMap::new()).await.unwrap();
    // One that has no say of how it is; names may differ in case alone.
    let (node, mut quiet) = word(3, 5);
    quiet.health = None;
    quiet.clock_offset_ms = i64::MIN;
    let cased = ("Node-3".parse().unwrap(), word(3, 6).1);
    let mut all = words([word(1, 5), word(2, 5), (node.clone(), quiet.clone()), cased]);
    history.note_seen(&all).await.unwrap();
    assert_eq!(history.seen(10).await.unwrap(), all);

    // A later one replaces all of it, an earlier one nothing.
    let later = [word(1, 4), word(2, 6), word(3, 4), word(4, 1)];
    history.note_seen(&words(later)).await.unwrap();
    all.extend([word(2, 6), word(4, 1)]);
    assert_eq!(history.seen(10).await.unwrap(), all);
    // Also with no say.
    let mut silent = word(2, 7);
    silent.1.health = None;
    history.note_seen(&words([silent.clone()])).await.unwrap();
    all.extend([silent]);
    assert_eq!(history.seen(10).await.unwrap(), all);

    // Those that spoke last.
    assert_eq!(
        history
            .seen(2)
            .await
            .unwrap()
            .keys()
            .map(NodeId::as_str)
            .collect::<Vec<_>>(),
        ["Node-3", "node-2"]
    );

    // As many as there may be of a large fleet.
    let many = words((0..1500).map(|n| word(n, 10 + n as i64)));
    history.note_seen(&many).await.unwrap();
    let mut read = history.seen(2000).await.unwrap();
    assert!(read.remove(&"Node-3".parse().unwrap()).is_some());
    assert_eq!(read, many);
}

pub async fn nodes_are_forgotten(db: &Database) {
    let history = &db.history;
    let all = words((0..9).map(|n| word(n, 1)));
    history.note_seen(&all).await.unwrap();
    let gone: BTreeSet<NodeId> = [word(1, 0).0, word(7, 0).0, word(20, 0).0].into();
    history.forget_seen(&gone).await.unwrap();
    history.forget_seen(&gone).await.unwrap();
    history.forget_seen(&BTreeSet::new()).await.unwrap();
    let left = words((0..9).filter(|n| ![1, 7].contains(n)).map(|n| word(n, 1)));
    assert_eq!(history.seen(100).await.unwrap(), left);
    // One that comes back is heard, whatever it said before.
    history.note_seen(&words([word(1, 0)])).await.unwrap();
    assert_eq!(history.seen(100).await.unwrap().len(), 8);
}

pub async fn retention_of_nodes(db: &Database) {
    let history = &db.history;
    history
        .note_seen(&words((0..1300).map(|n| word(n, n as i64))))
        .await
        .unwrap();
    let expire = async |before: i64, keep: u64| {
        let what = Expire::Nodes {
            before: at(before),
            keep,
        };
        let mut rows = 0;
        loop {
            let expired = history.expire(&what).await.unwrap();
            rows += expired.rows;
            if !expired.more {
                return rows;
            }
        }
    };
    assert_eq!(expire(0, 1300).await, 0);
    assert_eq!(expire(600, 10_000).await, 600);
    assert_eq!(expire(601, 50).await, 650);
    let left = words((1250..1300).map(|n| word(n, n as i64)));
    assert_eq!(history.seen(2000).await.unwrap(), left);
}
