//! What leases must do.

use std::time::Duration;

use shared::store::{Change, DynStore, StoreError, Txn, lease::KeptLease};
use tokio::time::{Instant, sleep, timeout};

use super::{PATIENCE, Subject, changes, put, put_leased, values, write};

pub async fn lease_takes_its_keys(store: &DynStore) {
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

pub async fn lease_moves_and_detaches(store: &DynStore) {
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

pub async fn lease_errors(store: &DynStore) {
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

pub async fn kept_lease_outlives_its_ttl(store: &DynStore) {
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

pub async fn kept_lease_notices_a_revoke(subject: &dyn Subject) {
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
