//! The loop that looks at what is due: it follows what this node owns, asks the ticker,
//! and has claims made. It waits for no claim and no disk: each look is a task.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use shared::{
    calendar::Blackouts,
    fire::Timetable,
    id::NodeId,
    target::{Labels, NodeSet},
    time::Time,
};
use tokio::{sync::watch, task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    claim::{Candidate, Claims, Looked, SLOTS_MAX},
    inbox::{Owned, SlotKey},
    parts::{OwnedAssignment, Spool, SpoolWrite},
    runner::Event,
    ticker::{CursorView, From, Ticker},
};

/// The longest sleep: a clock that steps is seen within it.
const LOOK: Duration = Duration::from_secs(1);
/// What is due so soon after is claimed along.
const ALONG: Duration = Duration::from_millis(50);
/// How long a slot is left alone that has too many fires waiting.
const CROWDED_AGAIN: Duration = Duration::from_millis(500);
/// How many looks go on at once.
const LOOKS_MAX: usize = 8;

/// The loop's state.
pub struct Firing {
    claims: Claims,
    owned: watch::Receiver<Arc<Owned>>,
    ticker: Ticker,
    labels: Labels,
    /// Slots with so many fires waiting that no more are claimed for now.
    crowded: watch::Receiver<Arc<BTreeSet<SlotKey>>>,
    /// Of the spool's cursors those whose assignments have not been seen yet.
    cursors: HashMap<SlotKey, Time>,
    /// This node has been there since: an every-node job that was made since then is its
    /// own from its beginning, even if it was down or cut off then.
    begin: Time,
    /// What the runner was told is paused.
    paused: BTreeSet<SlotKey>,
    /// Assignments up to this revision had been seen when the loop last looked.
    seen: i64,
    looks: JoinSet<Vec<Looked>>,
}

impl Firing {
    pub fn new(
        claims: Claims,
        owned: watch::Receiver<Arc<Owned>>,
        crowded: watch::Receiver<Arc<BTreeSet<SlotKey>>>,
        begin: Time,
        cursors: Vec<(shared::id::JobId, Option<u32>, Time)>,
    ) -> Firing {
        let cursors = cursors
            .into_iter()
            .map(|(job, slot, at)| (SlotKey { job, slot }, at))
            .collect();
        Firing {
            claims,
            owned,
            ticker: Ticker::default(),
            labels: Labels::new(),
            crowded,
            cursors,
            begin,
            paused: BTreeSet::new(),
            seen: 0,
            looks: JoinSet::new(),
        }
    }

    /// Fires until `cancel`; returns once nothing is being claimed any more.
    pub async fn run(mut self, slots: watch::Sender<usize>, cancel: CancellationToken) {
        let mut fence = self.claims.fence.clone();
        let mut is_fenced_for_good = false;
        self.owned.mark_changed();
        loop {
            let is_registered = fence.epoch().is_some();
            if !self.claims.recorder.is_blocked() {
                self.look(is_registered);
            }
            let wait = self.wait(is_registered);
            tokio::select! {
                // In order, so that a simulation replays.
                biased;
                () = cancel.cancelled() => break,
                Ok(()) = self.owned.changed() => {
                    self.follow().await;
                    slots.send_replace(self.ticker.len());
                }
                is_changed = fence.changed(), if !is_fenced_for_good => is_fenced_for_good = !is_changed,
                Some(looked) = self.looks.join_next() => self.take(looked),
                () = sleep(wait) => {}
            }
        }
        while self.looks.join_next().await.is_some() {}
    }

    /// How long nothing is due. While as many looks go on as may, one of them ends first.
    fn wait(&self, is_registered: bool) -> Duration {
        let next = self.ticker.next_look(is_registered);
        match next {
            _ if self.looks.len() >= LOOKS_MAX || self.claims.recorder.is_blocked() => LOOK,
            Some(at) => (at - self.claims.lead).since(self.claims.host.now()).min(LOOK),
            None => LOOK,
        }
    }

    /// Has looked at what is due by the time that claims are made ahead.
    fn look(&mut self, is_registered: bool) {
        let lead = self.claims.lead;
        let horizon = self.claims.host.now() + lead;
        // Nothing due: no need to wake for what follows right after either.
        if self.ticker.next_look(is_registered).is_none_or(|at| at > horizon) {
            return;
        }
        while self.looks.len() < LOOKS_MAX {
            let due = self.ticker.due(horizon + ALONG, is_registered, SLOTS_MAX);
            if due.is_empty() {
                return;
            }
            let crowded = self.crowded.borrow().clone();
            let (waiting, due): (Vec<_>, Vec<_>) = due.into_iter().partition(|key| crowded.contains(key));
            for key in waiting {
                let cursor = self
                    .ticker
                    .get(key)
                    .map_or(CursorView::Unread, |entry| entry.cursor);
                self.ticker
                    .look_again(key, horizon + ALONG + CROWDED_AGAIN, cursor);
            }
            let due = due.into_iter().filter_map(|key| self.candidate(key));
            let (every, exclusive): (Vec<_>, Vec<_>) = due.partition(|c| c.key.slot.is_none());
            let claims = Claims {
                lead: lead + ALONG,
                ..self.claims.clone()
            };
            if !every.is_empty() {
                let claims = claims.clone();
                self.looks.spawn(async move { claims.look_every(every).await });
            }
            if !exclusive.is_empty() {
                self.looks
                    .spawn(async move { claims.look_exclusive(exclusive).await });
            }
        }
    }

    fn candidate(&self, key: SlotKey) -> Option<Candidate> {
        let entry = self.ticker.get(key)?;
        Some(Candidate {
            key,
            owned: entry.owned.clone(),
            timetable: entry.timetable.clone(),
            last: entry.last,
            cursor: entry.cursor,
            is_remembered: entry.is_remembered,
        })
    }

    fn take(&mut self, looked: Result<Vec<Looked>, tokio::task::JoinError>) {
        let looked = looked.unwrap_or_else(|error| {
            tracing::error!(%error, "a look at what is due failed: a bug");
            Vec::new()
        });
        for looked in looked {
            match looked {
                Looked::Decided { key, last, cursor } => self.ticker.looked(key, last, cursor),
                // Slots come up a lead before the time that they stand at.
                Looked::Again { key, at, cursor } => {
                    self.ticker.look_again(key, at + self.claims.lead + ALONG, cursor);
                }
            }
        }
    }

    /// Follows what this node owns now.
    async fn follow(&mut self) {
        let owned = self.owned.borrow_and_update().clone();
        let paused = owned.paused();
        if paused != self.paused {
            self.paused.clone_from(&paused);
            // The runner is gone only when the agent is.
            let _ = self.claims.events.send(Event::Paused(paused)).await;
        }
        let (before, now) = (
            std::mem::replace(&mut self.labels, owned.labels.clone()),
            self.claims.host.now(),
        );
        let fires_here = |key: &SlotKey| key.slot.is_some() || owned.fires_every;
        let is_own = |key: &SlotKey| fires_here(key) && owned.assignments.contains_key(key);
        let mut gone: Vec<SlotKey> = self.ticker.keys().filter(|key| !is_own(key)).collect();
        gone.sort();
        let mut writes: Vec<SpoolWrite> = Vec::new();
        for key in gone {
            self.ticker.remove(key);
            writes.push(SpoolWrite::DeleteCursor {
                job: key.job,
                slot: key.slot,
            });
        }
        for (key, assignment) in owned.assignments.iter().filter(|(key, _)| fires_here(key)) {
            let is_relabelled = key.slot.is_none() && before != owned.labels;
            let known = self.ticker.get(*key).map(|entry| &entry.owned);
            if !is_relabelled && known.is_some_and(|known| Arc::ptr_eq(known, assignment)) {
                continue;
            }
            let is_new = known.is_none();
            let Some(timetable) = self.timetable(assignment, &owned.labels) else {
                continue;
            };
            let from = self.from(*key, assignment, now);
            self.ticker.set(*key, assignment.clone(), timetable, from);
            if is_new && key.slot.is_none() && !from.is_remembered {
                writes.push(SpoolWrite::PutCursor {
                    job: key.job,
                    slot: None,
                    at: from.last,
                });
            }
        }
        self.seen = owned.revision;
        if !writes.is_empty()
            && let Err(error) = self.claims.spool.commit(writes).await
        {
            tracing::warn!(%error, "the spool does not take where jobs go on");
            self.claims.recorder.block(now, &error);
        }
    }

    /// Where the fires of a slot that was not this node's a moment ago go on.
    fn from(&mut self, key: SlotKey, owned: &OwnedAssignment, now: Time) -> From {
        let since = owned.assignment.since;
        match (self.cursors.remove(&key), key.slot) {
            (Some(at), _) => From {
                last: at.max(since),
                is_remembered: true,
            },
            // The slot's cursor in the store tells.
            (None, Some(_)) => From {
                last: since,
                is_remembered: false,
            },
            // A job that is new: from its beginning, though this node hears of it late.
            (None, None) if owned.create_revision > self.seen => From {
                last: since.max(self.begin),
                is_remembered: false,
            },
            // A job that was there before it was this node's: from now on.
            (None, None) => From {
                last: since.max(now),
                is_remembered: false,
            },
        }
    }

    fn timetable(&self, owned: &OwnedAssignment, labels: &Labels) -> Option<Arc<Timetable>> {
        let (node, assignment): (&NodeId, _) = (&self.claims.node, &owned.assignment);
        let is_in = |set: &NodeSet| set.check(node, labels, &assignment.groups).is_ok();
        match Timetable::matching(assignment.job, &assignment.spec, is_in) {
            Ok(timetable) => {
                let blackouts = Blackouts::of(&assignment.spec.calendars, &assignment.calendars);
                Some(Arc::new(timetable.under(blackouts)))
            }
            Err(error) => {
                // A spec is checked when it is saved, by a version that knows more.
                tracing::error!(job.id = %assignment.job, %error, "the job's schedule cannot be read");
                None
            }
        }
    }
}
