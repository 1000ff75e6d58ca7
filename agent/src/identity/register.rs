//! The agent's key under `nodes/`: created under a lease, taken over after a restart,
//! made anew when the lease was lost.
//!
//! Each registration has an *epoch*: the mod revision of the node's key. Claims compare
//! it, so that no transaction of an earlier registration can still be carried out; and a
//! claimed run starts only while the epoch holds under which it was claimed.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use shared::{
    Revision,
    host::Host,
    keys,
    node::{Credential, Node},
    store::{Compare, DynStore, KeyValue, Outcome, StoreError, Txn, Write, lease::KeptLease},
};
use tokio::{sync::Notify, time::sleep};
use tokio_util::sync::CancellationToken;

/// Between attempts to register while the store does not answer.
const RETRY: Duration = Duration::from_millis(500);

/// A registration that holds for as long as its lease does.
#[derive(Clone)]
pub struct Registration {
    pub epoch: Revision,
    /// The registration that this one took the key over from, without the key ever having
    /// been gone: nobody can have taken this node for dead in between.
    pub continues: Option<Revision>,
    pub lease: Arc<KeptLease>,
}

/// Tells whether this node is registered, now. Not tokio's `watch`: that wakes those who
/// wait in an order which no seed decides, and a simulation must replay.
#[derive(Clone)]
pub struct Fence {
    told: Arc<Told>,
    /// The number of the registration that [`Fence::changed`] last told.
    seen: u64,
}

/// The side that registers.
pub struct Registered(Arc<Told>);

#[derive(Default)]
struct Told {
    latest: Mutex<Latest>,
    news: Notify,
}

#[derive(Default)]
struct Latest {
    registration: Option<Registration>,
    number: u64,
    /// There will be no other.
    is_last: bool,
}

impl Told {
    fn latest(&self) -> MutexGuard<'_, Latest> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registered {
    pub fn new() -> (Registered, Fence) {
        let told = Arc::new(Told::default());
        (Registered(told.clone()), Fence { told, seen: 0 })
    }

    fn tell(&self, registration: Option<Registration>) {
        {
            let mut latest = self.0.latest();
            latest.registration = registration;
            latest.number += 1;
        }
        self.0.news.notify_waiters();
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.0.latest().is_last = true;
        self.0.news.notify_waiters();
    }
}

impl Fence {
    /// The registration, if its lease is certainly still held.
    pub fn registration(&self) -> Option<Registration> {
        let registration = self.told.latest().registration.clone();
        registration.filter(|r| r.lease.is_valid())
    }

    pub fn epoch(&self) -> Option<Revision> {
        self.registration().map(|r| r.epoch)
    }

    /// Returns when there is another registration, or none any more. `false`: there will
    /// be no other.
    pub async fn changed(&mut self) -> bool {
        loop {
            // Registered before looking, so that no change falls between the two.
            let news = self.told.news.notified();
            tokio::pin!(news);
            news.as_mut().enable();
            {
                let latest = self.told.latest();
                if latest.number != self.seen {
                    self.seen = latest.number;
                    return true;
                }
                if latest.is_last {
                    return false;
                }
            }
            news.await;
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// Somebody else has this node's key.
    #[error(
        "another agent is registered as node `{id}` (on {host}); give this one another --name and data directory"
    )]
    Taken { id: String, host: String },
    /// The same identity, in another process.
    #[error(
        "another agent with this agent's own identity took its place as node `{id}`; is the data directory a copy?"
    )]
    Replaced { id: String },
    #[error("the store refuses the agent's registration: {0}")]
    Refused(String),
}

/// Registers, and registers again whenever the lease is lost. Returns on `cancel`, and
/// with an error when somebody else is this node.
pub async fn keep_registered(
    store: DynStore,
    host: Host,
    mut node: Node,
    token_sha256: String,
    registered: Registered,
    cancel: CancellationToken,
) -> Result<(), RegisterError> {
    let (mut is_first, mut is_told) = (true, false);
    loop {
        node.started_at = if is_first { host.now() } else { node.started_at };
        let attempt = register(&store, &node, &token_sha256, is_first);
        let registration = tokio::select! {
            biased;
            () = cancel.cancelled() => return Ok(()),
            registration = attempt => registration?,
        };
        let Some(registration) = registration else {
            let wait = async {
                is_told = is_told || is_unreachable(&store, &node).await;
                sleep(RETRY).await;
            };
            tokio::select! {
                biased;
                () = cancel.cancelled() => return Ok(()),
                () = wait => continue,
            }
        };
        tracing::info!(node.id = %node.id, epoch = registration.epoch, "registered");
        (is_first, is_told) = (false, false);
        registered.tell(Some(registration.clone()));
        tokio::select! {
            biased;
            () = cancel.cancelled() => return Ok(()),
            () = registration.lease.lost() => {}
            () = key_gone(&store, &node, &registration) => {
                let _ = registration.lease.revoke().await;
            }
        }
        tracing::warn!(node.id = %node.id, "the lease is lost: nothing is claimed until the store answers");
        registered.tell(None);
    }
}

/// Whether the store does not answer, which is then said: whoever starts an agent with a wrong
/// address looks into its log.
async fn is_unreachable(store: &DynStore, node: &Node) -> bool {
    match store.get(&keys::node(&node.id)).await {
        Ok(_) => false,
        Err(e) => {
            tracing::warn!(node.id = %node.id, error = %e, "not registered yet: this goes on until the store answers");
            true
        }
    }
}

/// Returns when the node's key is not this registration's any more, though its lease
/// lives: somebody removed the key, the store was put back to an earlier state, or another
/// agent with the same identity took the node over.
async fn key_gone(store: &DynStore, node: &Node, registration: &Registration) {
    let key = keys::node(&node.id);
    loop {
        sleep(registration.lease.ttl()).await;
        if let Ok(kv) = store.get(&key).await
            && kv
                .as_ref()
                .and_then(parse::<Node>)
                .is_none_or(|other| other.boot != node.boot)
        {
            tracing::warn!(node.id = %node.id, "this node's key is gone from the store");
            return;
        }
    }
}

/// One attempt. `None`: the store did not answer, or somebody else was quicker; try again.
async fn register(
    store: &DynStore,
    node: &Node,
    token_sha256: &str,
    is_first: bool,
) -> Result<Option<Registration>, RegisterError> {
    let (node_key, credential_key) = (keys::node(&node.id), keys::credential(&node.id));
    let (Ok(present), Ok(credential)) = (store.get(&node_key).await, store.get(&credential_key).await) else {
        return Ok(None);
    };
    check(
        node,
        token_sha256,
        is_first,
        present.as_ref(),
        credential.as_ref(),
    )?;

    let lease = match KeptLease::grant(store.clone(), Duration::from_secs(node.lease_secs.into())).await {
        Ok(lease) => lease,
        Err(StoreError::Refused(why)) => return Err(RegisterError::Refused(why)),
        Err(_) => return Ok(None),
    };
    let json = |e: serde_json::Error| RegisterError::Refused(e.to_string());
    let value = serde_json::to_vec(node).map_err(json)?;
    let own = Credential {
        token_sha256: token_sha256.to_owned(),
    };
    let continues = present.map(|kv| kv.mod_revision);
    let mut txn = Txn {
        compares: vec![Compare::ModRevision(node_key.clone(), continues.unwrap_or(0))],
        writes: vec![Write::Put {
            key: node_key.clone(),
            value: value.clone(),
            lease: Some(lease.id()),
        }],
    };
    let credential_revision = credential.as_ref().map_or(0, |kv| kv.mod_revision);
    txn.compares
        .push(Compare::ModRevision(credential_key.clone(), credential_revision));
    if credential.as_ref().and_then(parse::<Credential>).as_ref() != Some(&own) {
        let value = serde_json::to_vec(&own).map_err(json)?;
        txn.writes.push(Write::Put {
            key: credential_key,
            value,
            lease: None,
        });
    }
    let epoch = match store.txn(txn).await {
        Ok(Outcome::Committed(revision)) => Some(revision),
        Ok(Outcome::Refused(_)) => None,
        Err(StoreError::Refused(why)) => return Err(RegisterError::Refused(why)),
        // Nobody knows whether it was carried out: the lease in the key tells.
        Err(_) => match store.get(&node_key).await {
            Ok(Some(kv)) if kv.lease == lease.id() => Some(kv.mod_revision),
            _ => None,
        },
    };
    match epoch {
        Some(epoch) => Ok(Some(Registration {
            epoch,
            continues,
            lease: Arc::new(lease),
        })),
        None => {
            // Should it be carried out yet, the key goes with the lease.
            let _ = lease.revoke().await;
            Ok(None)
        }
    }
}

/// Whether the key that is there is this agent's to take over: its own, of a process that
/// died. The data directory's lock says that no such process is left on this host.
fn check(
    node: &Node,
    token_sha256: &str,
    is_first: bool,
    present: Option<&KeyValue>,
    credential: Option<&KeyValue>,
) -> Result<(), RegisterError> {
    let Some(present) = present else { return Ok(()) };
    let other = parse::<Node>(present);
    let is_own = credential
        .and_then(parse::<Credential>)
        .is_some_and(|c| c.token_sha256 == token_sha256);
    if !is_own {
        let host = other.map_or_else(
            || "an unknown host".to_owned(),
            |n| n.labels.get("hostname").cloned().unwrap_or(n.name),
        );
        return Err(RegisterError::Taken {
            id: node.id.to_string(),
            host,
        });
    }
    if !is_first && other.is_some_and(|other| other.boot != node.boot) {
        return Err(RegisterError::Replaced {
            id: node.id.to_string(),
        });
    }
    Ok(())
}

fn parse<T: serde::de::DeserializeOwned>(kv: &KeyValue) -> Option<T> {
    serde_json::from_slice(&kv.value).ok()
}

/// Says that this node is going: its slots may move at once, and what it has claimed it
/// finishes. Best effort: if the store does not answer, the lease's end says it later.
pub async fn announce_leaving(store: &DynStore, node: &Node, registration: &Registration) {
    let node = Node {
        leaving: true,
        ..node.clone()
    };
    let Ok(value) = serde_json::to_vec(&node) else {
        return;
    };
    let key = keys::node(&node.id);
    let txn = Txn {
        compares: vec![Compare::ModRevision(key.clone(), registration.epoch)],
        writes: vec![Write::Put {
            key,
            value,
            lease: Some(registration.lease.id()),
        }],
    };
    if let Err(error) = store.txn(txn).await {
        tracing::warn!(node.id = %node.id, %error, "could not say that this node is leaving");
    }
}

#[cfg(test)]
mod tests {
    use shared::{store::embedded::Embedded, target::Labels, time::Time};

    use super::*;

    fn node(boot: &str) -> Node {
        Node {
            id: "db1".parse().unwrap(),
            name: "db1.example".into(),
            boot: boot.into(),
            version: "0".into(),
            labels: Labels::new(),
            capacity: 1,
            address: None,
            started_at: Time::EPOCH,
            lease_secs: 10,
            leaving: false,
        }
    }

    fn memory() -> DynStore {
        Arc::new(Embedded::memory())
    }

    #[tokio::test(start_paused = true)]
    async fn a_restart_takes_over_at_once_and_a_stranger_is_refused() {
        let store = memory();
        let first = register(&store, &node("1"), "mine", true).await.unwrap().unwrap();
        assert_eq!(first.continues, None);

        let stranger = register(&store, &node("x"), "theirs", true).await.err().unwrap();
        assert!(
            stranger
                .to_string()
                .contains("another agent is registered as node `db1` (on db1.example)"),
            "{stranger}"
        );

        // The first process is dead, its lease is not.
        let second = register(&store, &node("2"), "mine", true).await.unwrap().unwrap();
        assert_eq!(second.continues, Some(first.epoch));
        assert!(second.epoch > first.epoch);
        // The old lease's end does not take the key along.
        first.lease.revoke().await.unwrap();
        assert!(store.get("nodes/db1").await.unwrap().is_some());

        // The first process is alive after all: a copied data directory.
        let replaced = register(&store, &node("1"), "mine", false).await.err().unwrap();
        assert!(matches!(replaced, RegisterError::Replaced { .. }), "{replaced}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_node_made_anew_under_an_old_name_takes_the_credential() {
        let store = memory();
        let first = register(&store, &node("1"), "old", true).await.unwrap().unwrap();
        first.lease.revoke().await.unwrap();
        let second = register(&store, &node("2"), "new", true).await.unwrap().unwrap();
        assert_eq!(second.continues, None);
        let credential = store.get("credentials/db1").await.unwrap().unwrap();
        assert!(String::from_utf8(credential.value).unwrap().contains("new"));
    }

    #[tokio::test(start_paused = true)]
    async fn it_registers_again_after_the_lease_was_lost() {
        let memory = Embedded::memory();
        let client = memory.client();
        let (registered, mut fence) = Registered::new();
        let cancel = CancellationToken::new();
        let store: DynStore = Arc::new(client.clone());
        let host = Host::system();
        let task = tokio::spawn(keep_registered(
            store,
            host,
            node("1"),
            "t".into(),
            registered,
            cancel.clone(),
        ));
        fence.changed().await;
        let first = fence.registration().unwrap();
        client.cut();
        fence.changed().await;
        assert!(fence.registration().is_none());
        assert!(!first.lease.is_valid());
        client.heal();
        fence.changed().await;
        let second = fence.registration().unwrap();
        assert!(second.epoch > first.epoch);
        cancel.cancel();
        task.await.unwrap().unwrap();
    }
}
