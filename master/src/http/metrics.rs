//! What this master counts, for Prometheus: each bound that it has among it.

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use super::{
    App,
    apply::APPLY_JOBS_MAX,
    calendars::CALENDARS_MAX,
    groups::GROUPS_MAX,
    job_run::ORDERS_PER_NODE_MAX,
    job_write::JOBS_MAX,
    limits::{APPLY_BYTES_MAX, BODY_BYTES_MAX, Gate, LOGIN_BYTES_MAX, REPORTS_BYTES_MAX},
};
use crate::auth::{ATTEMPTS_MAX, HASHES_MAX, TOKENS_MAX};

/// Counted as it happens.
#[derive(Clone, Default)]
pub struct Counts {
    /// Requests without a good credential.
    pub refused: Counter,
    pub logins_failed: Counter,
    pub too_large: Counter,
    answers: Family<Vec<(&'static str, String)>, Counter>,
}

impl Counts {
    pub fn answered(&self, status: StatusCode) {
        if status == StatusCode::PAYLOAD_TOO_LARGE {
            self.too_large.inc();
        }
        self.answers
            .get_or_create(&vec![("status", status.as_u16().to_string())])
            .inc();
    }
}

type Labelled = Family<Vec<(&'static str, String)>, Gauge>;

/// Metrics in the OpenMetrics text format.
#[utoipa::path(get, path = "/metrics", tag = "status", responses((status = 200, body = String), super::Failure))]
pub async fn metrics(State(app): State<App>) -> impl IntoResponse {
    let mut registry = Registry::with_prefix("gnomon");
    let counts = &app.counts;
    registry.register(
        "http_refused",
        "Requests without a good credential",
        counts.refused.clone(),
    );
    registry.register(
        "http_logins_failed",
        "Logins that failed",
        counts.logins_failed.clone(),
    );
    registry.register(
        "http_too_large",
        "Bodies over their limit",
        counts.too_large.clone(),
    );
    registry.register("http_answers", "Answers by status", counts.answers.clone());
    intake(&app, &mut registry);
    facts(&app, &mut registry);
    limits(&app, &mut registry);
    let mut text = String::new();
    // Writing into a string does not fail.
    let _ = encode(&mut text, &registry);
    (
        [(
            header::CONTENT_TYPE,
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        )],
        text,
    )
}

fn intake(app: &App, registry: &mut Registry) {
    let m = &app.intake.metrics;
    registry.register("intake_runs", "Reports recorded", m.runs_recorded.clone());
    registry.register(
        "intake_chunks",
        "Pieces of output recorded",
        m.chunks_recorded.clone(),
    );
    registry.register(
        "intake_later",
        "Batches sent back for later",
        m.batches_later.clone(),
    );
    registry.register(
        "intake_invalid",
        "Batches that no agent sends",
        m.batches_invalid.clone(),
    );
    registry.register(
        "intake_transactions",
        "Transactions of reports",
        m.transactions.clone(),
    );
    registry.register(
        "intake_queued",
        "Batches that wait for the database",
        m.queued.clone(),
    );
}

fn facts(app: &App, registry: &mut Registry) {
    let view = &app.view;
    let is_leader = view.leader.snapshot().get(shared::keys::LEADER) == Some(&app.config.id);
    let stale = view
        .jobs
        .snapshot()
        .stale_since()
        .map_or(0, |since| since.elapsed().as_secs() as i64);
    for (name, help, value) in [
        ("jobs", "Jobs", view.jobs.snapshot().len() as i64),
        ("nodes", "Nodes that live", view.nodes.snapshot().len() as i64),
        (
            "masters",
            "Masters that live",
            view.masters.snapshot().len() as i64,
        ),
        ("assignments", "Assignments", view.assign.snapshot().len() as i64),
        (
            "orders",
            "Orders that wait at nodes",
            view.orders.snapshot().len() as i64,
        ),
        (
            "owed",
            "What the history must still be told",
            view.owed.snapshot().len() as i64,
        ),
        (
            "unplaced",
            "Jobs with slots that no node can take",
            app.unplaced().len() as i64,
        ),
        (
            "late",
            "Runs that go on for much longer than usual, as the leader's last checks found",
            app.findings.borrow().late.len() as i64,
        ),
        (
            "overdue",
            "Due instants of which nothing is recorded, as the leader's last checks found",
            app.findings.borrow().overdue.len() as i64,
        ),
        ("leader", "Whether this master leads", i64::from(is_leader)),
        (
            "broken",
            "Values in the store that cannot be read",
            super::status::broken(app).len() as i64,
        ),
        (
            "store_stale_seconds",
            "For how long the view of the store has been old",
            stale,
        ),
    ] {
        let gauge = Gauge::<i64>::default();
        gauge.set(value);
        registry.register(name, help, gauge);
    }
}

/// Each bound: how much of it is used, what it is, how often it was hit.
fn limits(app: &App, registry: &mut Registry) {
    let (used, max, hits) = (Labelled::default(), Labelled::default(), Labelled::default());
    let set = |family: &Labelled, limit: &str, value: usize| {
        family
            .get_or_create(&vec![("limit", limit.to_owned())])
            .set(value as i64);
    };
    let gate = |limit: &str, gate: &Gate| {
        set(&used, limit, gate.taken());
        set(&max, limit, gate.max());
        set(&hits, limit, gate.turned_away());
    };
    gate("requests", &app.gates.requests);
    gate("reports", &app.gates.reports);
    gate("large", &app.gates.large);
    gate("streams", &app.gates.streams);
    gate("connections", &app.gates.connections);
    let levels = app.accounts.levels();
    for (limit, level, most) in [
        ("tokens", levels.tokens, TOKENS_MAX),
        ("password_hashes", levels.hashes, HASHES_MAX),
        ("login_attempts", levels.attempts, ATTEMPTS_MAX),
        ("jobs", app.view.jobs.snapshot().len(), JOBS_MAX),
        ("groups", app.view.groups.snapshot().len(), GROUPS_MAX),
        ("calendars", app.view.calendars.snapshot().len(), CALENDARS_MAX),
    ] {
        set(&used, limit, level);
        set(&max, limit, most);
    }
    for (limit, most) in [
        ("body_bytes", BODY_BYTES_MAX),
        ("login_bytes", LOGIN_BYTES_MAX),
        ("apply_bytes", APPLY_BYTES_MAX),
        ("report_bytes", REPORTS_BYTES_MAX),
        ("apply_jobs", APPLY_JOBS_MAX),
        ("orders_per_node", ORDERS_PER_NODE_MAX),
    ] {
        set(&max, limit, most);
    }
    let bounds = app.config.bounds;
    for (limit, most) in [
        ("history_runs", usize::try_from(bounds.runs).unwrap_or(usize::MAX)),
        ("history_days", bounds.run_days as usize),
        ("statistics_hours_days", bounds.statistics_hours_days as usize),
        ("statistics_days_days", bounds.statistics_days_days as usize),
    ] {
        set(&max, limit, most);
    }
    set(&used, "sessions", levels.sessions);
    registry.register("limit_used", "How much of a limit is used", used);
    registry.register("limit_max", "What the limit is", max);
    registry.register("limit_hits", "How often a request was turned away at it", hits);
}
