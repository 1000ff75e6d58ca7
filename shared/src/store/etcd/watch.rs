//! A watch on etcd that never hangs: one that is silent is asked for its progress, and
//! ends with an error if it stays silent. It is not resumed here: whoever watches lists
//! again (see `mirror`).

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use etcd_client::{EventType, WatchOptions, WatchResponse, WatchStream};
use tokio::time::{Instant, timeout_at};

use super::members::{ANSWER_BYTES_MAX, Link, Members, asked, told};
use crate::store::{Change, Revision, StoreError, Watch, WatchEvent};

pub(super) struct EtcdWatch {
    members: Arc<Members>,
    link: Link,
    stream: WatchStream,
    key_prefix: String,
    told: Revision,
    silence: Duration,
    /// When it is asked for its progress, or given up once it was asked.
    patience: Instant,
    was_asked: bool,
    ended: Option<StoreError>,
}

impl EtcdWatch {
    /// Starts a watch and waits until the member has taken it.
    pub async fn start(
        members: Arc<Members>,
        link: Link,
        key_prefix: &str,
        prefix: &str,
        after: Revision,
        silence: Duration,
    ) -> Result<EtcdWatch, etcd_client::Error> {
        let options = WatchOptions::new()
            .with_prefix()
            .with_start_revision(after + 1)
            .with_progress_notify();
        let mut client = link
            .client
            .watch_client()
            .max_decoding_message_size(ANSWER_BYTES_MAX);
        let stream = client
            .watch(format!("{key_prefix}{prefix}"), Some(options))
            .await?;
        let mut watch = EtcdWatch {
            members,
            link,
            stream,
            key_prefix: key_prefix.to_owned(),
            told: after,
            silence,
            patience: Instant::now() + silence,
            was_asked: false,
            ended: None,
        };
        match watch.stream.message().await? {
            Some(first) if first.created() => {
                // A refusal is told by `next`, like any other end.
                watch.ended = watch.cancelled(&first);
                Ok(watch)
            }
            _ => Err(etcd_client::Error::WatchError("the watch was not taken".into())),
        }
    }

    async fn response(&mut self) -> Result<WatchResponse, StoreError> {
        loop {
            match timeout_at(self.patience, self.stream.message()).await {
                Ok(Ok(Some(response))) => {
                    (self.patience, self.was_asked) = (Instant::now() + self.silence, false);
                    return Ok(response);
                }
                Ok(Ok(None)) => return Err(self.lost("the stream has ended")),
                Ok(Err(error)) => {
                    let told = told(&error);
                    if told.try_another {
                        self.members.broken(&self.link);
                    }
                    return Err(asked(told.error, self.told));
                }
                Err(_) if self.was_asked => {
                    let why = format!("silent for {:?} though asked", self.silence * 2);
                    return Err(self.lost(&why));
                }
                Err(_) => {
                    (self.patience, self.was_asked) = (Instant::now() + self.silence, true);
                    if let Err(error) = self.stream.request_progress().await {
                        return Err(self.lost(&error.to_string()));
                    }
                }
            }
        }
    }

    fn lost(&self, why: &str) -> StoreError {
        self.members.broken(&self.link);
        StoreError::Unavailable(format!("a watch at {}: {why}", self.members.url(&self.link)))
    }

    fn cancelled(&self, response: &WatchResponse) -> Option<StoreError> {
        if response.compact_revision() > 0 {
            return Some(StoreError::Compacted { asked: self.told });
        }
        let reason = response.cancel_reason();
        response.canceled().then(|| match reason {
            _ if reason.contains("permission denied") => StoreError::Refused(reason.to_owned()),
            _ => StoreError::Unavailable(format!("the watch was cancelled: {reason}")),
        })
    }

    /// What a response tells, if it is news.
    fn event(&mut self, response: &WatchResponse) -> Option<WatchEvent> {
        let changes: Vec<Change> = response.events().iter().filter_map(|e| self.change(e)).collect();
        // The header's revision is the store's at the time of sending, which may be
        // ahead of the changes: only the changes say how far they go.
        let newest = response
            .events()
            .iter()
            .filter_map(|e| e.kv().map(|kv| kv.mod_revision()))
            .max();
        if let Some(revision) = newest {
            self.told = self.told.max(revision);
            return Some(WatchEvent::Changes {
                revision: self.told,
                changes,
            });
        }
        let revision = response.header().map_or(0, |h| h.revision());
        if response.created() || !self.link.progress_in_order || revision <= self.told {
            return None;
        }
        self.told = revision;
        Some(WatchEvent::Progress { revision })
    }

    fn change(&self, event: &etcd_client::Event) -> Option<Change> {
        let kv = event.kv()?;
        Some(match event.event_type() {
            EventType::Put => Change::Put(super::key_value(&self.key_prefix, kv)?),
            EventType::Delete => Change::Deleted {
                key: super::own_key(&self.key_prefix, kv.key())?,
                mod_revision: kv.mod_revision(),
            },
        })
    }
}

#[async_trait]
impl Watch for EtcdWatch {
    async fn next(&mut self) -> Result<WatchEvent, StoreError> {
        loop {
            if let Some(error) = &self.ended {
                return Err(error.clone());
            }
            match self.response().await {
                Ok(response) => {
                    self.ended = self.cancelled(&response);
                    if let Some(event) = self.event(&response) {
                        return Ok(event);
                    }
                }
                Err(error) => self.ended = Some(error),
            }
        }
    }
}
