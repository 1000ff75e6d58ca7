//! What each node's agent last said, known to every master. An agent reports to one of them;
//! the others, and those that start later, hear of it from a table of the history that all
//! write to and read now and then.
//!
//! What is heard here counts here at once. A database that is down or slow changes nothing
//! but what the others know, and nobody waits for it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use shared::{id::NodeId, report::Health, time::Time};
use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::history::{History, HistoryError, NODES_MAX, Seen};

/// How often masters tell each other: as often as agents say how they are.
const TELL: Duration = Duration::from_secs(10);
/// The same where no other master listens. Only a restart will want to know then, and a
/// machine with nothing to do is to leave its disk alone.
const TELL_ALONE: Duration = Duration::from_secs(300);
/// How long a master that stops waits for the database.
const LAST_WITHIN: Duration = Duration::from_secs(2);

/// What nodes last said. The task that tells the others ends with it.
pub struct LastWords {
    shared: Arc<Shared>,
    telling: CancellationToken,
    _end: DropGuard,
}

struct Shared {
    history: Arc<dyn History>,
    words: Mutex<Words>,
    /// One exchange at a time: of two, the one that read later could end first.
    turn: tokio::sync::Mutex<()>,
    /// Do not wait for the next turn.
    hurry: Notify,
}

#[derive(Default)]
struct Words {
    /// Heard here, and not in the table yet.
    heard: BTreeMap<NodeId, Seen>,
    /// The table, as it was last read.
    read: BTreeMap<NodeId, Seen>,
    /// To be deleted from the table.
    forgotten: BTreeSet<NodeId>,
}

impl LastWords {
    /// Starts telling and hearing, as a task of the current tokio runtime.
    pub fn spawn(history: Arc<dyn History>) -> LastWords {
        let shared = Arc::new(Shared {
            history,
            words: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            hurry: Notify::new(),
        });
        let telling = CancellationToken::new();
        let (working, until) = (shared.clone(), telling.clone());
        tokio::spawn(async move { until.run_until_cancelled(working.keep_telling()).await });
        LastWords {
            shared,
            _end: telling.clone().drop_guard(),
            telling,
        }
    }

    /// Takes what an agent said just now, `sent_at` by its own clock.
    pub fn hear(&self, node: NodeId, boot: String, sent_at: Time, health: Option<Health>, now: Time) {
        let mut words = self.shared.words();
        let last = words.of(&node);
        // Most batches do not say how the agent is; until it ends it is as it said before.
        let before = || last.filter(|seen| seen.boot == boot)?.health.clone();
        let seen = Seen {
            health: health.or_else(before),
            boot,
            clock_offset_ms: sent_at.as_millis().saturating_sub(now.as_millis()),
            // What comes after a word is later, also if the clock of who heard that was ahead.
            at: last.map_or(now, |last| now.max(last.at)),
        };
        words.hear(node, seen);
    }

    /// A node's last word.
    pub fn of(&self, node: &NodeId) -> Option<Seen> {
        self.shared.words().of(node).cloned()
    }

    /// Forgets a node here at once, and soon in the table.
    pub fn forget(&self, node: NodeId) {
        self.shared.words().forget(node);
        self.shared.hurry.notify_one();
    }

    /// Tells the other masters what was heard here, and hears what they have told: what is
    /// done unasked now and then.
    ///
    /// # Errors
    /// The database's. What was not told yet will be.
    pub async fn exchange(&self) -> Result<(), HistoryError> {
        self.shared.exchange().await
    }

    /// Tells what was not told yet, if the database takes it now, and nothing more from then
    /// on.
    pub async fn close(&self) {
        self.telling.cancel();
        match timeout(LAST_WITHIN, self.shared.tell()).await {
            Ok(Ok(())) => {}
            _ => tracing::debug!("the database did not take what nodes last said"),
        }
    }
}

impl Shared {
    fn words(&self) -> MutexGuard<'_, Words> {
        self.words.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn keep_telling(&self) {
        let pace = if self.history.is_local() { TELL_ALONE } else { TELL };
        let mut is_down = false;
        loop {
            let was_down = is_down;
            let done = self.exchange().await;
            is_down = done.is_err();
            match done {
                // Said once.
                Err(error) if !was_down => {
                    tracing::warn!(%error, "what nodes last said stays with the master that they said it to");
                }
                Ok(()) if was_down => tracing::info!("what nodes last said is known to every master again"),
                _ => {}
            }
            tokio::select! {
                biased;
                () = self.hurry.notified() => {}
                () = sleep(if is_down { TELL } else { pace }) => {}
            }
        }
    }

    async fn exchange(&self) -> Result<(), HistoryError> {
        let _turn = self.turn.lock().await;
        self.tell().await?;
        let table = self.history.seen(NODES_MAX).await?;
        self.words().replace(table);
        Ok(())
    }

    async fn tell(&self) -> Result<(), HistoryError> {
        let (forgotten, heard) = {
            let words = self.words();
            (words.forgotten.clone(), words.heard.clone())
        };
        if !forgotten.is_empty() {
            self.history.forget_seen(&forgotten).await?;
            self.words().forgotten.retain(|node| !forgotten.contains(node));
        }
        if !heard.is_empty() {
            self.history.note_seen(&heard).await?;
            self.words().told(heard);
        }
        Ok(())
    }
}

impl Words {
    fn of(&self, node: &NodeId) -> Option<&Seen> {
        let (read, heard) = (self.read.get(node), self.heard.get(node));
        // Of two at one instant, the one that was heard here.
        read.into_iter().chain(heard).max_by_key(|seen| seen.at)
    }

    fn hear(&mut self, node: NodeId, seen: Seen) {
        let heard = &mut self.heard;
        if heard.len() >= NODES_MAX as usize && !heard.contains_key(&node) {
            let oldest = heard.iter().min_by_key(|(_, seen)| seen.at);
            let oldest = oldest.map(|(node, _)| node.clone());
            oldest.and_then(|oldest| heard.remove(&oldest));
        }
        heard.insert(node, seen);
    }

    fn forget(&mut self, node: NodeId) {
        self.heard.remove(&node);
        self.read.remove(&node);
        self.forgotten.insert(node);
    }

    /// These are in the table now. What was heard meanwhile is told the next time.
    fn told(&mut self, told: BTreeMap<NodeId, Seen>) {
        for (node, seen) in told {
            if self.heard.get(&node) != Some(&seen) {
                continue;
            }
            self.heard.remove(&node);
            // Another master may have heard later, and it was read.
            if self.read.get(&node).is_none_or(|read| read.at <= seen.at) {
                self.read.insert(node, seen);
            }
        }
    }

    fn replace(&mut self, mut table: BTreeMap<NodeId, Seen>) {
        table.retain(|node, _| !self.forgotten.contains(node));
        self.read = table;
    }
}
