//! The store in an etcd cluster, 3.4 or later.
//!
//! etcd-client does not fail over from a frozen member, retry, resume watches or keep
//! leases. Here is what is added, once, for everybody:
//! - a call ends within its timeout, whatever the members do;
//! - what may be done twice (reads, renewals, grants, revocations) is asked of another
//!   member when one fails or is silent. A transaction is asked again only when it was
//!   certainly not carried out; otherwise its caller is told `Unavailable`, which means
//!   that nobody knows;
//! - connecting is lazy: an agent starts while etcd is down.

mod config;
mod members;
mod watch;

use std::{collections::hash_map::RandomState, hash::BuildHasher, sync::Arc, time::Duration};

use async_trait::async_trait;
use etcd_client::{CompareOp, DeleteOptions, Error, GetOptions, PutOptions, SortOrder, SortTarget, TxnOp};
use tokio::time::{Instant, sleep_until, timeout_at};

pub use self::config::{ConfigError, EtcdConfig, EtcdTls};
use self::{
    members::{ANSWER_BYTES_MAX, Link, Members, asked, told},
    watch::EtcdWatch,
};
use super::{
    Compare, KeyValue, LeaseId, Outcome, Revision, Snapshot, Store, StoreError, Txn, Watch, Write, check_key,
    check_txn, lease_secs,
};

/// Keys that one request of a list asks for.
const PAGE: i64 = 1_000;
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_millis(500);

/// An etcd cluster as a store. Clones share the connections.
#[derive(Clone)]
pub struct Etcd {
    members: Arc<Members>,
    config: Arc<EtcdConfig>,
    key_prefix: Arc<str>,
    spread: u64,
}

/// Whether a request may be carried out twice.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Repeat {
    Safe,
    Unsafe,
}

impl Etcd {
    /// Checks the configuration and reads the TLS files. Connects with the first call
    /// only, and again whenever that is needed.
    pub fn connect(config: EtcdConfig) -> Result<Etcd, ConfigError> {
        let urls = config.urls()?;
        let options = config.options(&urls)?;
        // Spreads the clients of a fleet over the members, and their retries over time.
        let spread = RandomState::new().hash_one(std::process::id());
        let members = Members::new(urls, options, config.connect_timeout, spread as usize);
        let key_prefix = config.key_prefix().into();
        Ok(Etcd {
            members: Arc::new(members),
            config: Arc::new(config),
            key_prefix,
            spread,
        })
    }

    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.key_prefix)
    }

    /// Makes a call until it is answered, may not be repeated, or time is over.
    async fn call<T, F, Fut>(&self, repeat: Repeat, call: F) -> Result<T, StoreError>
    where
        F: Fn(Link) -> Fut,
        Fut: Future<Output = Result<T, Error>>,
    {
        let deadline = Instant::now() + self.config.call_timeout;
        let (mut pause, mut trouble) = (PAUSE_MIN, None);
        loop {
            let begun = Instant::now();
            // Until there is a connection nothing has been sent.
            let link = match timeout_at(deadline, self.members.link()).await {
                Ok(Ok(link)) => Some(link),
                Ok(Err(StoreError::Unavailable(why))) => {
                    trouble = Some(StoreError::Unavailable(why));
                    None
                }
                Ok(Err(error)) => return Err(error),
                Err(_) => break,
            };
            if let Some(link) = link {
                match self.attempt(repeat, &link, &call, deadline).await {
                    Ok(answer) => return Ok(answer),
                    Err((error, true)) => trouble = Some(error),
                    Err((error, false)) => return Err(error),
                }
            }
            let again = begun + pause;
            if again >= deadline {
                break;
            }
            sleep_until(again).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
        Err(trouble.unwrap_or_else(|| self.silent()))
    }

    fn silent(&self) -> StoreError {
        let (timeout, members) = (self.config.call_timeout, self.config.endpoints.join(", "));
        StoreError::Unavailable(format!("no answer within {timeout:?} from {members}"))
    }

    /// Asks one member; an error comes with whether to ask again.
    async fn attempt<T, F, Fut>(
        &self,
        repeat: Repeat,
        link: &Link,
        call: &F,
        deadline: Instant,
    ) -> Result<T, (StoreError, bool)>
    where
        F: Fn(Link) -> Fut,
        Fut: Future<Output = Result<T, Error>>,
    {
        let patience = match repeat {
            Repeat::Safe => (Instant::now() + self.config.attempt_timeout()).min(deadline),
            Repeat::Unsafe => deadline,
        };
        match timeout_at(patience, call(link.clone())).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                let told = told(&error);
                if told.try_another {
                    self.members.broken(link);
                }
                let again = told.try_another && (told.not_done || repeat == Repeat::Safe);
                Err((told.error, again))
            }
            Err(_) => {
                self.members.broken(link);
                let silent = format!("{} is silent", self.members.url(link));
                Err((StoreError::Unavailable(silent), repeat == Repeat::Safe))
            }
        }
    }

    /// One page of a list, from a full key on, at a revision (zero for the present one);
    /// and the key from which the next page begins.
    async fn page(
        &self,
        from: &[u8],
        prefix: &str,
        at: Revision,
    ) -> Result<(Snapshot, Option<Vec<u8>>), StoreError> {
        let options = GetOptions::new()
            .with_range(prefix_end(self.key(prefix).into_bytes()))
            .with_limit(PAGE)
            .with_revision(at)
            .with_sort(SortTarget::Key, SortOrder::Ascend);
        let ask = |link: Link| {
            let options = options.clone();
            async move {
                let mut kv = link
                    .client
                    .kv_client()
                    .max_decoding_message_size(ANSWER_BYTES_MAX);
                kv.get(from, Some(options)).await
            }
        };
        let response = self.call(Repeat::Safe, ask).await.map_err(|e| asked(e, at))?;
        let revision = response.header().map_or(0, |h| h.revision());
        let kvs = response
            .kvs()
            .iter()
            .filter_map(|kv| key_value(&self.key_prefix, kv))
            .collect();
        // The smallest key after the last one.
        let next = response
            .kvs()
            .last()
            .filter(|_| response.more())
            .map(|kv| [kv.key(), b"\0"].concat());
        Ok((Snapshot { revision, kvs }, next))
    }
}

#[async_trait]
impl Store for Etcd {
    /// Long lists are read in pages, all at the first one's revision.
    async fn snapshot(&self, prefix: &str) -> Result<Snapshot, StoreError> {
        let (mut list, mut next) = self.page(self.key(prefix).as_bytes(), prefix, 0).await?;
        while let Some(from) = next {
            let (page, further) = self.page(&from, prefix, list.revision).await?;
            list.kvs.extend(page.kvs);
            next = further;
        }
        Ok(list)
    }

    async fn get(&self, key: &str) -> Result<Option<KeyValue>, StoreError> {
        check_key(key)?;
        let key = self.key(key);
        let ask = |link: Link| {
            let key = key.clone();
            async move { link.client.kv_client().get(key, None).await }
        };
        let response = self.call(Repeat::Safe, ask).await?;
        Ok(response
            .kvs()
            .first()
            .and_then(|kv| key_value(&self.key_prefix, kv)))
    }

    async fn watch(&self, prefix: &str, after: Revision) -> Result<Box<dyn Watch>, StoreError> {
        let ask = |link: Link| {
            let members = self.members.clone();
            EtcdWatch::start(
                members,
                link,
                &self.key_prefix,
                prefix,
                after,
                self.config.watch_silence,
            )
        };
        let watch = self.call(Repeat::Safe, ask).await.map_err(|e| asked(e, after))?;
        Ok(Box::new(watch))
    }

    async fn txn(&self, txn: Txn) -> Result<Outcome, StoreError> {
        check_txn(&txn)?;
        let request = etcd_txn(&self.key_prefix, txn);
        let ask = |link: Link| {
            let request = request.clone();
            async move { link.client.kv_client().txn(request).await }
        };
        let response = self.call(Repeat::Unsafe, ask).await?;
        let revision = response.header().map_or(0, |h| h.revision());
        Ok(if response.succeeded() {
            Outcome::Committed(revision)
        } else {
            Outcome::Refused(revision)
        })
    }

    /// A grant that is repeated leaves a lease behind that nobody renews: it ends.
    async fn grant(&self, ttl: Duration) -> Result<LeaseId, StoreError> {
        let secs = lease_secs(ttl)? as i64;
        let ask = |link: Link| async move { link.client.lease_client().grant(secs, None).await };
        Ok(self.call(Repeat::Safe, ask).await?.id())
    }

    async fn keep_alive(&self, lease: LeaseId) -> Result<(), StoreError> {
        let ask = |link: Link| async move { link.client.lease_client().keep_alive(lease).await };
        self.call(Repeat::Safe, ask).await.map(drop)
    }

    async fn revoke(&self, lease: LeaseId) -> Result<(), StoreError> {
        let ask = |link: Link| async move { link.client.lease_client().revoke(lease).await };
        self.call(Repeat::Safe, ask).await.map(drop)
    }

    fn spread(&self) -> u64 {
        self.spread
    }
}

fn etcd_txn(key_prefix: &str, txn: Txn) -> etcd_client::Txn {
    let full = |key: &str| format!("{key_prefix}{key}");
    let compares = txn.compares.iter().map(|compare| match compare {
        Compare::ModRevision(key, rev) => {
            etcd_client::Compare::mod_revision(full(key), CompareOp::Equal, *rev)
        }
        Compare::CreateRevision(key, rev) => {
            etcd_client::Compare::create_revision(full(key), CompareOp::Equal, *rev)
        }
    });
    let writes = txn.writes.iter().map(|write| match write {
        Write::Put { key, value, lease } => {
            let options = lease.map(|id| PutOptions::new().with_lease(id));
            TxnOp::put(full(key), value.clone(), options)
        }
        Write::Delete { key } => TxnOp::delete(full(key), None::<DeleteOptions>),
    });
    etcd_client::Txn::new()
        .when(compares.collect::<Vec<_>>())
        .and_then(writes.collect::<Vec<_>>())
}

/// A key as Gnomon knows it. Keys that are not UTF-8 are not Gnomon's.
fn own_key(key_prefix: &str, key: &[u8]) -> Option<String> {
    std::str::from_utf8(key)
        .ok()?
        .strip_prefix(key_prefix)
        .map(str::to_owned)
}

fn key_value(key_prefix: &str, kv: &etcd_client::KeyValue) -> Option<KeyValue> {
    Some(KeyValue {
        key: own_key(key_prefix, kv.key())?,
        value: kv.value().to_vec(),
        create_revision: kv.create_revision(),
        mod_revision: kv.mod_revision(),
        lease: kv.lease(),
    })
}

/// The first key after all that start with a prefix. A prefix of UTF-8 text has no
/// byte 255, so there always is one.
fn prefix_end(mut prefix: Vec<u8>) -> Vec<u8> {
    if let Some(last) = prefix.last_mut() {
        *last = last.saturating_add(1);
    }
    prefix
}
