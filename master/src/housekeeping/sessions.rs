//! Sessions that have expired are no use to anybody and may go.

use serde::Deserialize;
use shared::{
    keys,
    store::{Compare, DynStore, StoreError, TXN_OPS_MAX, Txn, Write},
    time::Time,
};

/// What of a session says when it ends.
#[derive(Deserialize)]
struct Ends {
    expires_at: Time,
}

pub async fn delete_expired(store: &DynStore, now: Time) -> Result<(), StoreError> {
    let sessions = store.snapshot(keys::SESSIONS).await?;
    let expired: Vec<_> = sessions
        .kvs
        .iter()
        .filter(|kv| serde_json::from_slice::<Ends>(&kv.value).is_ok_and(|ends| ends.expires_at <= now))
        .collect();
    for some in expired.chunks(TXN_OPS_MAX) {
        // One that was made longer meanwhile stays, and the others with it until next time.
        let compares = some
            .iter()
            .map(|kv| Compare::ModRevision(kv.key.clone(), kv.mod_revision))
            .collect();
        let writes = some
            .iter()
            .map(|kv| Write::Delete { key: kv.key.clone() })
            .collect();
        store.txn(Txn { compares, writes }).await?;
    }
    Ok(())
}
