//! From what is due to what starts: every fire is claimed (of exclusive slots), then
//! written to the spool, then given to the runner, in the second before it is due.
//!
//! Which guarantee covers which crash of the agent:
//! - before the claim is in the store: nothing has happened; the next look decides anew.
//! - the claim is in the store, the spool does not have it: the cursor is then ahead of
//!   what the spool remembers, under an assignment that still stands. Nothing of it can
//!   have started, as nothing starts without its record: it is decided now
//!   ([`Standing::Unspooled`]). A disk that is full is the same, without a crash. If the assignment does not stand, the leader took the slot
//!   from a dead node and settles what that had claimed.
//! - the spool has it, it has not started: `runner::recover`, once the assignment is seen
//!   to stand.
//! - it has started: `runner::recover` finds the process.
//!
//! An answer that never came is treated like a crash: the cursor is read before anything
//! is claimed again. A claim that was sent under an earlier registration and arrives late
//! is refused: it compares the node's own key.

mod batch;
mod standing;

use std::{sync::Arc, time::Duration};

use futures::{StreamExt, stream};
use shared::{
    Revision,
    assign::{Cursor, RunOrder},
    fire::{Decision, GRACE},
    host::Host,
    id::{Fire, NodeId, Owner, RunId},
    keys,
    report::Range,
    run::{Cause, Reason, State},
    store::{DynStore, KeyValue, Outcome, StoreError},
    time::Time,
};
use tokio::sync::mpsc;

use batch::Claim;
pub use batch::SLOTS_MAX;
use standing::{Standing, standing};

use crate::{
    identity::{Fence, Registration},
    inbox::SlotKey,
    parts::{OwnedAssignment, Spool, SpoolWrite, SpooledRun},
    runner::{Event, Recorder, run_of},
    ticker::CursorView,
    unreported::Unreported,
};

/// How many cursors are read at once.
const READS: usize = 32;
/// When a slot is looked at again that could not be claimed: the assignment or the cursor
/// is not what this agent thought; or the store did not answer.
const AGAIN_STALE: Duration = Duration::from_millis(100);
const AGAIN_DOWN: Duration = Duration::from_millis(500);
/// So many instants of a slot of which nobody remembers what became are recorded as lost.
const FORGOTTEN_MAX: usize = 100;

/// A slot that is due, as the ticker knows it.
#[derive(Clone)]
pub struct Candidate {
    pub key: SlotKey,
    pub owned: Arc<OwnedAssignment>,
    pub timetable: Arc<shared::fire::Timetable>,
    pub last: Time,
    pub cursor: CursorView,
    pub is_remembered: bool,
}

impl Candidate {
    fn looked(&self) -> Looked {
        Looked::Decided {
            key: self.key,
            last: self.last,
            cursor: self.cursor,
        }
    }
}

/// What came of looking at a slot. Of several the last one counts; what one has decided
/// stays decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looked {
    /// Everything up to `last` is decided.
    Decided {
        key: SlotKey,
        last: Time,
        cursor: CursorView,
    },
    /// Look again at `at`.
    Again {
        key: SlotKey,
        at: Time,
        cursor: CursorView,
    },
}

/// Claims what is due and hands it on.
#[derive(Clone)]
pub struct Claims {
    pub node: NodeId,
    pub store: DynStore,
    pub spool: Arc<Unreported>,
    pub host: Host,
    pub fence: Fence,
    pub recorder: Recorder,
    pub events: mpsc::Sender<Event>,
    /// How long before its start a fire is claimed and recorded.
    pub lead: Duration,
}

impl Claims {
    /// Looks at every-node jobs: nobody else can fire this node's fires, so that the spool
    /// alone decides.
    pub async fn look_every(&self, due: Vec<Candidate>) -> Vec<Looked> {
        let now = self.host.now();
        let decided = due.iter().map(|c| c.timetable.due(c.last, now, self.lead));
        let decided: Vec<Decided> = due
            .iter()
            .zip(decided)
            .map(|(c, d)| Decided::new(c, self.explain(c, d, now)))
            .collect();
        let looked = decided.iter().map(|d| d.looked(CursorView::Unread)).collect();
        match self.hand_on(decided, None).await {
            true => looked,
            false => due.iter().map(|c| self.again_unread(c.key, AGAIN_DOWN)).collect(),
        }
    }

    /// Names the spool where it was what made a fire miss its time.
    fn explain(&self, candidate: &Candidate, decisions: Vec<Decision>, now: Time) -> Vec<Decision> {
        let misfire = candidate.owned.assignment.spec.misfire.run;
        let outages = self.recorder.outages();
        outages.explain(decisions, &candidate.timetable, misfire, now)
    }

    /// Looks at slots of exclusive jobs, at most [`SLOTS_MAX`]: what is due is claimed in
    /// one transaction.
    pub async fn look_exclusive(&self, due: Vec<Candidate>) -> Vec<Looked> {
        let Some(registration) = self.fence.registration() else {
            return due.iter().map(|c| self.again(c, AGAIN_DOWN)).collect();
        };
        let mut looked = Vec::new();
        let mut known = Vec::new();
        for (candidate, read) in self.read_cursors(due).await {
            match read {
                Ok(None) => known.push(candidate),
                Ok(Some(kv)) => {
                    let settled = self
                        .settle(candidate, kv.as_ref(), &registration, &mut looked)
                        .await;
                    // Whatever becomes of the claim that follows: this is decided.
                    looked.extend(settled.as_ref().map(Candidate::looked));
                    known.extend(settled);
                }
                Err(_) => looked.push(self.again(&candidate, AGAIN_DOWN)),
            }
        }
        let now = self.host.now();
        let mut claims = Vec::new();
        for candidate in known {
            let decisions = candidate.timetable.due(candidate.last, now, self.lead);
            let decisions = self.explain(&candidate, decisions, now);
            let CursorView::Read(revision) = candidate.cursor else {
                continue;
            };
            match Claim::new(
                &candidate,
                decisions,
                &self.node,
                revision,
                self.spool.earliest(candidate.key),
            ) {
                Some(claim) => claims.push(claim),
                None => looked.push(candidate.looked()),
            }
        }
        looked.extend(self.claim(claims, &registration).await);
        looked
    }

    /// Reads the cursors that are not known. `Ok(None)`: it is.
    async fn read_cursors(
        &self,
        due: Vec<Candidate>,
    ) -> Vec<(Candidate, Result<Option<Option<KeyValue>>, StoreError>)> {
        let read = due.into_iter().map(|candidate| async move {
            let (job, slot) = (candidate.key.job, candidate.key.slot.unwrap_or_default());
            let read = match candidate.cursor {
                CursorView::Read(_) => Ok(None),
                CursorView::Unread => self.store.get(&keys::cursor(job, slot)).await.map(Some),
            };
            (candidate, read)
        });
        stream::iter(read).buffered(READS).collect().await
    }

    /// Makes of a cursor just read where the slot's fires go on. What was claimed and
    /// never reached the spool is decided first, without another claim.
    async fn settle(
        &self,
        mut candidate: Candidate,
        kv: Option<&KeyValue>,
        registration: &Registration,
        looked: &mut Vec<Looked>,
    ) -> Option<Candidate> {
        candidate.cursor = CursorView::Read(kv.map_or(0, |kv| kv.mod_revision));
        match standing(&candidate, kv, &self.node) {
            Ok(Standing::At(last)) => {
                candidate.last = last;
                self.remember(candidate, looked).await
            }
            Ok(Standing::Unspooled { until }) => {
                let now = self.host.now();
                let decisions = candidate
                    .timetable
                    .due_until(candidate.last, now, self.lead, until);
                let decided = Decided::new(&candidate, self.explain(&candidate, decisions, now));
                let is_all = decided.last >= until;
                let last = decided.last;
                if !decided.decisions.is_empty()
                    && !self.hand_on(vec![decided], Some(registration.epoch)).await
                {
                    looked.push(self.again_unread(candidate.key, AGAIN_DOWN));
                    return None;
                }
                candidate.last = last;
                if is_all {
                    return Some(candidate);
                }
                // More than one look takes; or a clock that has stepped back.
                let at = self.host.now() + AGAIN_STALE;
                looked.push(Looked::Decided {
                    key: candidate.key,
                    last: candidate.last,
                    cursor: CursorView::Unread,
                });
                looked.push(Looked::Again {
                    key: candidate.key,
                    at,
                    cursor: CursorView::Unread,
                });
                None
            }
            Ok(Standing::Forgotten { since, until }) => {
                self.forgotten(&candidate, since, until).await;
                candidate.last = until;
                self.remember(candidate, looked).await
            }
            Err(reason) => {
                tracing::error!(job.id = %candidate.key.job, %reason, "the slot's cursor cannot be read");
                looked.push(self.again(&candidate, 20 * AGAIN_DOWN));
                None
            }
        }
    }

    /// From now on the spool tells what of this slot it holds. Before the first claim: a
    /// cursor that is ahead of the spool then means one thing only.
    async fn remember(&self, mut candidate: Candidate, looked: &mut Vec<Looked>) -> Option<Candidate> {
        if candidate.is_remembered {
            return Some(candidate);
        }
        let SlotKey { job, slot } = candidate.key;
        let write = SpoolWrite::PutCursor {
            job,
            slot,
            at: candidate.last,
        };
        match self.spool.commit(vec![write]).await {
            Ok(()) => {
                candidate.is_remembered = true;
                Some(candidate)
            }
            Err(error) => {
                self.recorder.block(self.host.now(), &error);
                looked.push(self.again_unread(candidate.key, AGAIN_DOWN));
                None
            }
        }
    }

    /// This node claimed these, and its spool is gone: nobody knows what became of them.
    /// What the history knows better stays as it is there.
    async fn forgotten(&self, candidate: &Candidate, since: Time, until: Time) {
        let before = since - Duration::from_millis(1);
        let instants = candidate
            .timetable
            .instants(before.max(candidate.owned.assignment.since), until);
        let fate = |at| match candidate.timetable.suppressed(at) {
            Some(reason) => (State::Skipped, reason),
            None => (State::Lost, Reason::Vanished),
        };
        let decisions = instants.take(FORGOTTEN_MAX).map(|at| {
            let (state, reason) = fate(at);
            Decision::Record { at, state, reason }
        });
        let decided = Decided::new(candidate, decisions.collect());
        self.recorder.put(decided.runs(&self.node, None, self.host.now()));
    }

    /// Claims a batch; one that is refused is split, so that a stale slot delays no other.
    async fn claim(&self, claims: Vec<Claim>, registration: &Registration) -> Vec<Looked> {
        let mut looked = Vec::new();
        let mut open = vec![claims];
        let mut is_first = true;
        while let Some(mut claims) = open.pop() {
            if claims.is_empty() {
                continue;
            }
            // Past the deadline the slots may belong to others.
            if !registration.lease.is_valid() {
                looked.extend(claims.iter().map(|c| self.again_unread(c.key(), AGAIN_DOWN)));
                continue;
            }
            let txn = match batch::txn(&self.node, registration.epoch, &claims) {
                Ok(txn) => txn,
                Err(error) => {
                    tracing::error!(%error, "a claim cannot be written");
                    looked.extend(claims.iter().map(|c| self.again_unread(c.key(), 20 * AGAIN_DOWN)));
                    continue;
                }
            };
            match self.store.txn(txn).await {
                Ok(Outcome::Committed(revision)) => {
                    looked.extend(self.claimed(claims, revision, registration).await)
                }
                Ok(Outcome::Refused(_)) if is_first && !self.is_registered(registration).await => {
                    looked.extend(claims.iter().map(|c| self.again_unread(c.key(), AGAIN_DOWN)));
                }
                Ok(Outcome::Refused(_)) if claims.len() > 1 => {
                    is_first = false;
                    let half = claims.split_off(claims.len() / 2);
                    open.extend([half, claims]);
                }
                Ok(Outcome::Refused(_)) => {
                    looked.extend(claims.iter().map(|c| self.again_unread(c.key(), AGAIN_STALE)));
                }
                // It may have been carried out, or may yet be: the cursors tell.
                Err(error) => {
                    tracing::warn!(%error, slots = claims.len(), "a claim had no answer");
                    looked.extend(claims.iter().map(|c| self.again_unread(c.key(), AGAIN_DOWN)));
                }
            }
        }
        looked
    }

    /// Whether the node's key is still what this registration made it. If it is not (an
    /// operator removed it, the store was restored), the lease is given up: the agent then
    /// registers anew.
    async fn is_registered(&self, registration: &Registration) -> bool {
        let is_own = match self.store.get(&keys::node(&self.node)).await {
            Ok(kv) => kv.is_some_and(|kv| kv.mod_revision == registration.epoch),
            Err(_) => return true,
        };
        if !is_own {
            tracing::warn!(node.id = %self.node, "this node's registration is gone from the store");
            let _ = registration.lease.revoke().await;
        }
        is_own
    }

    async fn claimed(
        &self,
        claims: Vec<Claim>,
        revision: Revision,
        registration: &Registration,
    ) -> Vec<Looked> {
        let decided: Vec<Decided> = claims.into_iter().map(|c| c.decided).collect();
        let looked = decided
            .iter()
            .map(|d| d.looked(CursorView::Read(revision)))
            .collect();
        let keys: Vec<SlotKey> = decided.iter().map(|d| d.key).collect();
        match self.hand_on(decided, Some(registration.epoch)).await {
            true => looked,
            // Claimed, and not in the spool: the cursor tells, when the disk has room.
            false => keys
                .into_iter()
                .map(|key| self.again_unread(key, AGAIN_DOWN))
                .collect(),
        }
    }

    /// Writes decided fires to the spool, then gives them to the runner. What the spool
    /// does not take stays undecided (`false`): none starts unremembered, and what becomes
    /// of those that miss their time the job's misfire rule says once the disk has room.
    async fn hand_on(&self, decided: Vec<Decided>, epoch: Option<Revision>) -> bool {
        let now = self.host.now();
        let mut runs: Vec<SpooledRun> = decided
            .iter()
            .flat_map(|d| d.runs(&self.node, epoch, now))
            .collect();
        let cursors = decided.iter().map(Decided::cursor);
        let writes = runs.iter().map(|run| SpoolWrite::PutRun(Box::new(run.clone())));
        match self.spool.commit(writes.chain(cursors).collect()).await {
            Ok(()) => {
                runs.retain(|run| !run.run.state.is_end());
                // The runner is gone only when the agent is: the next one finds the spool.
                let _ = self.events.send(Event::Due(runs)).await;
                true
            }
            Err(error) => {
                tracing::debug!(%error, fires = runs.len(), "the spool does not take these fires");
                let starts = runs.iter().filter(|run| !run.run.state.is_end());
                let since = starts
                    .map(|run| run.order.not_before)
                    .filter(|at| *at >= now - GRACE);
                self.recorder.block(since.min().unwrap_or(now), &error);
                false
            }
        }
    }

    fn again(&self, candidate: &Candidate, wait: Duration) -> Looked {
        Looked::Again {
            key: candidate.key,
            at: self.host.now() + wait,
            cursor: candidate.cursor,
        }
    }

    fn again_unread(&self, key: SlotKey, wait: Duration) -> Looked {
        Looked::Again {
            key,
            at: self.host.now() + wait,
            cursor: CursorView::Unread,
        }
    }
}

/// A slot's decided instants.
pub struct Decided {
    key: SlotKey,
    owned: Arc<OwnedAssignment>,
    decisions: Vec<Decision>,
    /// The last of them; where the slot stood, if there are none.
    last: Time,
}

impl Decided {
    fn new(candidate: &Candidate, decisions: Vec<Decision>) -> Decided {
        let last = decisions.last().map_or(candidate.last, Decision::until);
        Decided {
            key: candidate.key,
            owned: candidate.owned.clone(),
            decisions,
            last,
        }
    }

    fn looked(&self, cursor: CursorView) -> Looked {
        Looked::Decided {
            key: self.key,
            last: self.last,
            cursor,
        }
    }

    fn cursor(&self) -> SpoolWrite {
        SpoolWrite::PutCursor {
            job: self.key.job,
            slot: self.key.slot,
            at: self.last,
        }
    }

    /// The run of an instant: the same id whoever asks and whenever.
    fn run_id(&self, at: Time, node: &NodeId) -> RunId {
        let owner = match self.key.slot {
            Some(slot) => Owner::Slot(slot),
            None => Owner::Node(node.clone()),
        };
        RunId::of(&Fire {
            job: self.key.job,
            at,
            owner,
        })
    }

    /// The runs, as they stand before any has started.
    fn runs(&self, node: &NodeId, epoch: Option<Revision>, now: Time) -> Vec<SpooledRun> {
        self.decisions
            .iter()
            .map(|decision| self.run(decision, node, epoch, now))
            .collect()
    }

    fn run(&self, decision: &Decision, node: &NodeId, epoch: Option<Revision>, now: Time) -> SpooledRun {
        let (at, start_at, cause) = match decision {
            Decision::Start { at, start_at, cause } => (*at, *start_at, *cause),
            Decision::Record { at, .. } => (*at, *at, Cause::Schedule),
            Decision::Range { from, .. } => (*from, *from, Cause::Schedule),
        };
        let assignment = &self.owned.assignment;
        let order = RunOrder {
            job: assignment.job,
            revision: assignment.revision,
            spec: assignment.spec.clone(),
            first: self.run_id(at, node),
            attempt: 1,
            scheduled_at: at,
            not_before: start_at,
            slot: self.key.slot,
            cause,
            env: Default::default(),
        };
        let mut run = run_of(&order, node, State::Pending);
        if let Decision::Record { state, reason, .. } | Decision::Range { state, reason, .. } = decision {
            (run.state, run.reason, run.finished_at) = (*state, Some(reason.clone()), Some(now));
        }
        if let Decision::Range { until, count, .. } = decision {
            run.range = Some(Range {
                until: *until,
                count: *count,
            });
        }
        let claim = self.key.slot.map(|_| self.owned.create_revision);
        SpooledRun {
            run,
            order,
            claim,
            process: None,
            epoch: claim.and(epoch),
        }
    }

    /// What the slot's cursor says once these are claimed.
    fn store_cursor(&self, node: &NodeId, earliest: Option<Time>) -> Option<Cursor> {
        // Ranges may lie over one another.
        let first = self.decisions.iter().map(Decision::from).min()?;
        let unreported_since = earliest.map_or(first, |earliest| earliest.min(first));
        Some(Cursor {
            at: self.last,
            run: self.run_id(self.last, node),
            node: node.clone(),
            unreported_since,
        })
    }
}
