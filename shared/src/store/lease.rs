//! One kept lease: granted, renewed, and with a deadline that its owner can trust.
//!
//! The deadline is counted from when the last renewal that succeeded was *sent*, on the
//! monotonic clock: the store counts from when it arrived, which is later. So the owner
//! stops before the store lets anybody else begin, whatever the network did in between.
//! A lease that is lost stays lost: a renewal that succeeds after the deadline changes
//! nothing any more. The owner grants a new one when it has tidied up.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::Notify,
    task::AbortHandle,
    time::{Instant, sleep_until, timeout_at},
};

use super::{DynStore, LeaseId, StoreError};

/// A lease that is renewed until it is dropped, revoked or lost. Dropping it only stops
/// the renewals: its keys stay until the store's time is over.
pub struct KeptLease {
    id: LeaseId,
    ttl: Duration,
    store: DynStore,
    hold: Arc<Hold>,
    keeper: AbortHandle,
}

struct Hold {
    deadline: Mutex<Instant>,
    gone: AtomicBool,
    changed: Notify,
}

impl KeptLease {
    /// Grants a lease (whole seconds, at least one) and begins to renew it, three times
    /// within its ttl.
    pub async fn grant(store: DynStore, ttl: Duration) -> Result<KeptLease, StoreError> {
        let ttl = Duration::from_secs(super::lease_secs(ttl)?);
        let sent = Instant::now();
        let id = store.grant(ttl).await?;
        let hold = Arc::new(Hold {
            deadline: Mutex::new(sent + ttl),
            gone: AtomicBool::new(false),
            changed: Notify::new(),
        });
        let keeper = tokio::spawn(keep(store.clone(), id, ttl, hold.clone())).abort_handle();
        Ok(KeptLease {
            id,
            ttl,
            store,
            hold,
            keeper,
        })
    }

    /// The lease's number, to attach keys to.
    pub fn id(&self) -> LeaseId {
        self.id
    }

    /// How long it lasts without a renewal.
    pub fn ttl(&self) -> Duration {
        self.ttl
    }

    /// Until when it is certainly held. Only ever moves forward, and stands still once
    /// the lease is lost.
    pub fn deadline(&self) -> Instant {
        self.hold.deadline()
    }

    /// Whether it is certainly still held, now.
    pub fn is_valid(&self) -> bool {
        self.hold.is_valid()
    }

    /// Returns once the lease is lost: past its deadline, or gone in the store.
    pub async fn lost(&self) {
        self.hold.lost().await;
    }

    /// Gives the lease up: its keys are deleted now. It counts as lost at once, whether
    /// the store answers or not. A lease that is gone already is no error.
    pub async fn revoke(&self) -> Result<(), StoreError> {
        self.keeper.abort();
        self.hold.lose();
        match self.store.revoke(self.id).await {
            Err(StoreError::LeaseGone) => Ok(()),
            other => other,
        }
    }
}

impl Drop for KeptLease {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

impl Hold {
    fn deadline(&self) -> Instant {
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_valid(&self) -> bool {
        !self.gone.load(Ordering::Acquire) && Instant::now() < self.deadline()
    }

    /// Moves the deadline after a renewal, unless it has passed already.
    fn renewed(&self, deadline: Instant) -> bool {
        let mut held = self.deadline.lock().unwrap_or_else(PoisonError::into_inner);
        if self.gone.load(Ordering::Acquire) || Instant::now() >= *held {
            return false;
        }
        *held = deadline.max(*held);
        true
    }

    fn lose(&self) {
        self.gone.store(true, Ordering::Release);
        self.changed.notify_waiters();
    }

    async fn lost(&self) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if !self.is_valid() {
                return;
            }
            // The deadline only moves forward: waking at an old one costs another look.
            tokio::select! {
                biased;
                () = &mut changed => {}
                () = sleep_until(self.deadline()) => {}
            }
        }
    }
}

/// Renews every third of the ttl; after a failure soon again, until the deadline.
async fn keep(store: DynStore, id: LeaseId, ttl: Duration, hold: Arc<Hold>) {
    let mut next = Instant::now() + ttl / 3;
    while hold.is_valid() {
        sleep_until(next.min(hold.deadline())).await;
        let sent = Instant::now();
        match timeout_at(hold.deadline(), store.keep_alive(id)).await {
            Ok(Ok(())) => {
                if !hold.renewed(sent + ttl) {
                    break;
                }
                next = sent + ttl / 3;
            }
            Ok(Err(StoreError::LeaseGone)) => {
                tracing::warn!(lease.id = id, "the lease is gone");
                break;
            }
            Ok(Err(error)) => {
                tracing::warn!(lease.id = id, %error, "the lease could not be renewed; trying again");
                next = Instant::now() + (ttl / 20).min(Duration::from_secs(1));
            }
            Err(_) => break,
        }
    }
    hold.lose();
}
