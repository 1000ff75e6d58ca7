//! A watch on the embedded store: a position in its history, nothing more. A watcher
//! has no queue of its own, so a slow one costs nothing and blocks nobody; when the
//! history forgets its position it ends with `Compacted`.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::time::{Instant, sleep_until};

use super::{Core, state::Seen};
use crate::store::{Revision, StoreError, Watch, WatchEvent};

/// Changes in one event, about.
const CHANGES_MAX: usize = 1_000;
/// How long a watch may know of a newer revision, without changes for it, untold.
const PROGRESS_AFTER: Duration = Duration::from_secs(1);

pub(super) struct EmbeddedWatch {
    core: Arc<Core>,
    prefix: String,
    /// All changes up to here have been told.
    position: Revision,
    told: Revision,
    progress_at: Option<Instant>,
    epoch: u64,
}

impl EmbeddedWatch {
    pub fn new(core: Arc<Core>, prefix: &str, after: Revision) -> Result<EmbeddedWatch, StoreError> {
        let epoch = core.epoch();
        if let Seen::Forgotten = core.lock().look(prefix, after, 1) {
            return Err(StoreError::Compacted { asked: after });
        }
        let prefix = prefix.to_owned();
        Ok(EmbeddedWatch {
            core,
            prefix,
            position: after,
            told: after,
            progress_at: None,
            epoch,
        })
    }

    /// What can be told now.
    fn look(&mut self) -> Result<Option<WatchEvent>, StoreError> {
        if self.core.epoch() != self.epoch {
            return Err(StoreError::Unavailable(
                "the store was closed or opened anew".into(),
            ));
        }
        let seen = self.core.current().look(&self.prefix, self.position, CHANGES_MAX);
        match seen {
            Seen::Forgotten => Err(StoreError::Compacted { asked: self.position }),
            Seen::Changes(revision, changes) => {
                (self.position, self.told, self.progress_at) = (revision, revision, None);
                Ok(Some(WatchEvent::Changes { revision, changes }))
            }
            Seen::Nothing(revision) => {
                self.position = revision;
                Ok(self.progress())
            }
        }
    }

    fn progress(&mut self) -> Option<WatchEvent> {
        if self.position == self.told {
            return None;
        }
        let now = Instant::now();
        if now < *self.progress_at.get_or_insert(now + PROGRESS_AFTER) {
            return None;
        }
        (self.told, self.progress_at) = (self.position, None);
        Some(WatchEvent::Progress { revision: self.told })
    }
}

#[async_trait]
impl Watch for EmbeddedWatch {
    async fn next(&mut self) -> Result<WatchEvent, StoreError> {
        let core = self.core.clone();
        loop {
            // Registered before looking, so that no change falls between the two.
            let changed = core.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if let Some(event) = self.look()? {
                return Ok(event);
            }
            let until = [self.progress_at, core.wake_at()].into_iter().flatten().min();
            tokio::select! {
                biased;
                () = &mut changed => {}
                () = sleep_until(until.unwrap_or_else(Instant::now)), if until.is_some() => {}
            }
        }
    }
}
