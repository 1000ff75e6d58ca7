//! The bounds of the HTTP server, each with a default, a metric and an answer at the limit.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures::FutureExt;
use shared::api::{BASE, paths};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout},
};

use super::{App, failure::Failure};

/// The largest body of a call that has no bound of its own.
pub const BODY_BYTES_MAX: usize = 2 << 20;
/// The largest body of `apply`.
pub const APPLY_BYTES_MAX: usize = 10 << 20;
/// The largest batch of reports, and how many are read at once: 64 pieces of output of
/// 64 KiB in base64, and 500 reports.
pub const REPORTS_BYTES_MAX: usize = 12 << 20;
pub const REPORTS_MAX: usize = 32;
/// How long a batch waits to be read before its agent is told to come back.
const REPORTS_WAIT: Duration = Duration::from_secs(5);
/// The largest login: nobody has shown a credential yet.
pub const LOGIN_BYTES_MAX: usize = 16 << 10;
/// How many large bodies (of `apply`) are read at once.
pub const LARGE_MAX: usize = 8;
/// How many requests are worked on at once, agents' reports apart.
pub const REQUESTS_MAX: usize = 512;
/// How many answers are streams that stay open (live output, events).
pub const STREAMS_MAX: usize = 512;
/// How many connections are open.
pub const CONNECTIONS_MAX: usize = 4096;
/// How long a call may take until its answer begins.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// A restore reads a whole instance.
pub const RESTORE_TIMEOUT: Duration = Duration::from_secs(3600);
/// How long a client may take to send its headers, a connection that is kept open for the
/// next request included.
pub const HEADERS_TIMEOUT: Duration = Duration::from_secs(60);

/// The seats behind those bounds.
pub struct Gates {
    pub requests: Gate,
    pub reports: Gate,
    pub large: Gate,
    pub streams: Gate,
    pub connections: Gate,
}

/// So many seats. Clones share them.
#[derive(Clone)]
pub struct Gate {
    seats: Arc<Semaphore>,
    max: usize,
    turned_away: Arc<AtomicUsize>,
}

impl Gate {
    pub fn new(max: usize) -> Gate {
        Gate {
            seats: Arc::new(Semaphore::new(max)),
            max,
            turned_away: Arc::default(),
        }
    }

    /// A seat, for as long as it is held; none when all are taken.
    pub fn enter(&self) -> Option<OwnedSemaphorePermit> {
        let seat = self.seats.clone().try_acquire_owned().ok();
        if seat.is_none() {
            self.turned_away.fetch_add(1, Ordering::Relaxed);
        }
        seat
    }

    /// Waits so long for a seat.
    pub async fn wait(&self, time: Duration) -> Option<OwnedSemaphorePermit> {
        match timeout(time, self.seats.clone().acquire_owned()).await {
            Ok(Ok(seat)) => Some(seat),
            _ => {
                self.turned_away.fetch_add(1, Ordering::Relaxed);
                None
            }
        }
    }

    pub fn taken(&self) -> usize {
        self.max - self.seats.available_permits()
    }

    pub fn max(&self) -> usize {
        self.max
    }

    pub fn turned_away(&self) -> usize {
        self.turned_away.load(Ordering::Relaxed)
    }
}

impl Default for Gates {
    fn default() -> Gates {
        Gates {
            requests: Gate::new(REQUESTS_MAX),
            reports: Gate::new(REPORTS_MAX),
            large: Gate::new(LARGE_MAX),
            streams: Gate::new(STREAMS_MAX),
            connections: Gate::new(CONNECTIONS_MAX),
        }
    }
}

/// Holds a request to the bounds: a seat, a time, and no panic beyond it.
pub async fn bounded(State(app): State<App>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let method = request.method().clone();
    let began = Instant::now();
    let seat = match path.strip_prefix(BASE) {
        Some(paths::REPORTS) => app.gates.reports.wait(REPORTS_WAIT).await,
        _ => app.gates.requests.enter(),
    };
    // Health must answer when everything else is full.
    let is_health = matches!(path.as_str(), "/healthz" | "/readyz");
    if seat.is_none() && !is_health {
        let failure = Failure::too_many(
            "this master is working on as many requests as it takes",
            Duration::from_secs(1),
        );
        return failure.into_response();
    }
    let time = match path.strip_prefix(BASE) {
        Some(paths::RESTORE) => RESTORE_TIMEOUT,
        _ => app.config.request_timeout,
    };
    let answer = timeout(time, AssertUnwindSafe(next.run(request)).catch_unwind()).await;
    let response = match answer {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => {
            let what = panic.downcast_ref::<&str>().map(|s| s.to_string());
            let what = what
                .or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_default();
            Failure::internal(&format_args!("{method} {path} panicked: {what}")).into_response()
        }
        Err(_) => {
            tracing::warn!(%method, path, ?time, "a request took too long");
            let failure = Failure::unavailable(format!("this took longer than {}s", time.as_secs()));
            failure
                .hint("the store or the database may be slow; try again")
                .into_response()
        }
    };
    app.counts.answered(response.status());
    tracing::debug!(%method, path, status = response.status().as_u16(), ms = began.elapsed().as_millis() as u64, "answered");
    response
}

/// What every answer tells a browser.
pub async fn headers(State(app): State<App>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(header::REFERRER_POLICY, "no-referrer");
    set(
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    );
    set(header::CACHE_CONTROL, "no-store");
    set(
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    );
    set(
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    );
    if app.config.is_tls {
        set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    response
}
