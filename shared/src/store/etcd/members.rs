//! The cluster's members, one connection each, and which of them is asked.
//!
//! etcd-client can balance over several endpoints itself, but keeps on asking one that
//! is frozen. Here each member has a client of its own, and one member is asked until
//! it fails; then its connection is thrown away and the next one's turn comes.
//! A connection counts only when the member has said that it is well and has a leader:
//! so what is sent afterwards was not sent to a dead one.

use std::{
    error::Error as _,
    io,
    sync::{
        Mutex as SyncMutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use etcd_client::{Client, ConnectOptions, Error};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

use crate::store::{Revision, StoreError};

/// How long a member that could not be reached is asked last.
const SHUNNED_FOR: Duration = Duration::from_secs(1);
/// The most bytes of one answer; etcd itself has no bound, tonic's is 4 MiB.
pub(super) const ANSWER_BYTES_MAX: usize = 256 << 20;

/// A connection to a member that was well when it was made.
#[derive(Clone)]
pub(super) struct Link {
    pub client: Client,
    /// Whether the member tells progress only after what it is the progress of
    /// (etcd 3.4.25, 3.5.8 and later).
    pub progress_in_order: bool,
    member: usize,
    number: u64,
}

pub(super) struct Members {
    members: Vec<Member>,
    current: AtomicUsize,
    links: AtomicU64,
    options: ConnectOptions,
    connect_timeout: Duration,
}

struct Member {
    url: String,
    link: Mutex<Option<Link>>,
    shunned_until: SyncMutex<Option<Instant>>,
}

impl Members {
    pub fn new(
        urls: Vec<String>,
        options: ConnectOptions,
        connect_timeout: Duration,
        first: usize,
    ) -> Members {
        let member = |url| Member {
            url,
            link: Mutex::default(),
            shunned_until: SyncMutex::default(),
        };
        let current = AtomicUsize::new(first % urls.len());
        let members = urls.into_iter().map(member).collect();
        Members {
            members,
            current,
            links: AtomicU64::new(0),
            options,
            connect_timeout,
        }
    }

    /// A connection to the current member, or else to the next that is well.
    pub async fn link(&self) -> Result<Link, StoreError> {
        let mut troubles = Vec::new();
        for index in self.in_turn() {
            let member = &self.members[index];
            match timeout(self.connect_timeout, self.connected(index)).await {
                Ok(Ok(link)) => {
                    self.current.store(index, Ordering::Release);
                    return Ok(link);
                }
                // Wrong credentials are wrong everywhere.
                Ok(Err(StoreError::Refused(why))) => return Err(StoreError::Refused(why)),
                Ok(Err(error)) => troubles.push(format!("{}: {error}", member.url)),
                Err(_) => troubles.push(format!("{}: silent for {:?}", member.url, self.connect_timeout)),
            }
            member.shun();
        }
        Err(StoreError::Unavailable(troubles.join("; ")))
    }

    /// Throws a connection away; the next member's turn comes.
    pub fn broken(&self, link: &Link) {
        let member = &self.members[link.member];
        // Whoever holds the lock is connecting anew already.
        if let Ok(mut held) = member.link.try_lock()
            && held.as_ref().is_some_and(|l| l.number == link.number)
        {
            *held = None;
            member.shun();
        }
        let next = (link.member + 1) % self.members.len();
        let _ = self
            .current
            .compare_exchange(link.member, next, Ordering::AcqRel, Ordering::Acquire);
    }

    pub fn url(&self, link: &Link) -> &str {
        &self.members[link.member].url
    }

    /// The current member first, those that failed a moment ago last.
    fn in_turn(&self) -> Vec<usize> {
        let (current, count) = (self.current.load(Ordering::Acquire), self.members.len());
        let mut turn: Vec<usize> = (0..count).map(|i| (current + i) % count).collect();
        let now = Instant::now();
        turn.sort_by_key(|i| self.members[*i].is_shunned(now));
        turn
    }

    async fn connected(&self, index: usize) -> Result<Link, StoreError> {
        let member = &self.members[index];
        let mut held = member.link.lock().await;
        if let Some(link) = &*held {
            return Ok(link.clone());
        }
        let mut client = Client::connect([&member.url], Some(self.options.clone()))
            .await
            .map_err(|e| told(&e).error)?;
        let status = client.status().await.map_err(|e| told(&e).error)?;
        if status.leader() == 0 {
            return Err(StoreError::Unavailable("it has no leader".into()));
        }
        let number = self.links.fetch_add(1, Ordering::Relaxed);
        let progress_in_order = tells_progress_in_order(status.version());
        let link = Link {
            client,
            progress_in_order,
            member: index,
            number,
        };
        tracing::debug!(etcd.endpoint = %member.url, etcd.version = status.version(), "connected");
        *held = Some(link.clone());
        Ok(link)
    }
}

impl Member {
    fn shun(&self) {
        *self.shunned_until.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Instant::now() + SHUNNED_FOR);
    }

    fn is_shunned(&self, now: Instant) -> bool {
        self.shunned_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some_and(|until| now < until)
    }
}

/// Earlier ones may tell the progress of a revision before that revision's changes
/// (etcd issue 15220).
fn tells_progress_in_order(version: &str) -> bool {
    let mut parts = version
        .split(['.', '-'])
        .map(|part| part.parse::<u32>().unwrap_or(0));
    let version = (
        parts.next().unwrap_or(0),
        parts.next().unwrap_or(0),
        parts.next().unwrap_or(0),
    );
    match version {
        (3, 4, patch) => patch >= 25,
        (3, 5, patch) => patch >= 8,
        newer => newer > (3, 5, 0),
    }
}

/// What an error of etcd-client says.
pub(super) struct Told {
    pub error: StoreError,
    /// The request was certainly not carried out: asking again is safe.
    pub not_done: bool,
    /// Another member may answer better.
    pub try_another: bool,
}

impl Told {
    fn refused(why: impl Into<String>) -> Told {
        Told {
            error: StoreError::Refused(why.into()),
            not_done: true,
            try_another: false,
        }
    }
}

/// Reads an error. Whatever is not known to be harmless counts as "nobody knows".
pub(super) fn told(error: &Error) -> Told {
    match error {
        Error::GRpcStatus(status) => told_by_status(status.code() as i32, status.message(), error),
        Error::LeaseKeepAliveError(_) => final_answer(StoreError::LeaseGone),
        Error::InvalidArgs(why) => Told::refused(why.clone()),
        Error::InvalidUri(why) => Told::refused(why.to_string()),
        Error::InvalidMetadataValue(why) => Told::refused(why.to_string()),
        other => unknown(other.to_string()),
    }
}

fn told_by_status(code: i32, message: &str, error: &Error) -> Told {
    // The codes of gRPC, and etcd's messages (api/v3rpc/rpctypes/error.go).
    const INVALID_ARGUMENT: i32 = 3;
    const PERMISSION_DENIED: i32 = 7;
    const RESOURCE_EXHAUSTED: i32 = 8;
    const FAILED_PRECONDITION: i32 = 9;
    const OUT_OF_RANGE: i32 = 11;
    const UNAUTHENTICATED: i32 = 16;
    let not_done = |why: &str| Told {
        error: StoreError::Unavailable(why.into()),
        not_done: true,
        try_another: true,
    };
    match code {
        _ if message.contains("requested lease not found") => final_answer(StoreError::LeaseGone),
        _ if message.contains("has been compacted") => final_answer(StoreError::Compacted { asked: 0 }),
        _ if message.contains("too many requests") => not_done(message),
        _ if message.contains("no leader") => not_done(message),
        // A token that is over: the next connection gets a new one.
        _ if message.contains("auth store is old") || code == UNAUTHENTICATED => not_done(message),
        INVALID_ARGUMENT | PERMISSION_DENIED | RESOURCE_EXHAUSTED | FAILED_PRECONDITION | OUT_OF_RANGE => {
            Told::refused(message.trim_start_matches("etcdserver: "))
        }
        _ if was_never_sent(error) => not_done(&root_cause(error)),
        _ => unknown(root_cause(error)),
    }
}

fn final_answer(error: StoreError) -> Told {
    Told {
        error,
        not_done: true,
        try_another: false,
    }
}

fn unknown(why: String) -> Told {
    Told {
        error: StoreError::Unavailable(why),
        not_done: false,
        try_another: true,
    }
}

/// Whether the connection could not even be made.
fn was_never_sent(error: &Error) -> bool {
    use io::ErrorKind::{AddrNotAvailable, ConnectionRefused, HostUnreachable, NetworkUnreachable};
    causes(error).any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|e| {
            matches!(
                e.kind(),
                ConnectionRefused | HostUnreachable | NetworkUnreachable | AddrNotAvailable
            )
        })
    })
}

/// What a transport error is at bottom: "connection refused", not "transport error".
fn root_cause(error: &Error) -> String {
    let Error::GRpcStatus(status) = error else {
        return error.to_string();
    };
    match causes(error).last() {
        Some(cause) => format!("{}: {cause}", status.message()),
        None => status.message().to_owned(),
    }
}

fn causes(error: &Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    let first = match error {
        Error::GRpcStatus(status) => status.source(),
        Error::TransportError(error) => Some(error as &(dyn std::error::Error + 'static)),
        _ => None,
    };
    std::iter::successors(first, |&cause| cause.source())
}

/// The same error, for a watch or a list that asked for a revision.
pub(super) fn asked(error: StoreError, revision: Revision) -> StoreError {
    match error {
        StoreError::Compacted { .. } => StoreError::Compacted { asked: revision },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_that_tell_progress_in_order() {
        for (version, in_order) in [
            ("3.4.23", false),
            ("3.4.25", true),
            ("3.5.1", false),
            ("3.5.8", true),
            ("3.5.21-rc.0", true),
            ("3.6.0", true),
            ("4.0.0", true),
            ("3.3.27", false),
            ("", false),
        ] {
            assert_eq!(tells_progress_in_order(version), in_order, "{version}");
        }
    }
}
