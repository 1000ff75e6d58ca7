//! Whether this master is alive, and whether it can serve: for supervisors and balancers,
//! without a credential, and so without a word more than that.

use axum::{extract::State, http::StatusCode};

use super::{App, status};

/// This process answers.
#[utoipa::path(get, path = "/healthz", tag = "health", security(()), responses((status = 200, body = String)))]
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// This master has read the store, and the store and the database answer.
#[utoipa::path(get, path = "/readyz", tag = "health", security(()),
    responses((status = 200, body = String), (status = 503, body = String)))]
pub async fn readyz(State(app): State<App>) -> (StatusCode, String) {
    let (store, database) = tokio::join!(status::store(&app), status::database(&app));
    let has_read = app.accounts.is_ready()
        && app.view.jobs.snapshot().is_ready()
        && app.view.nodes.snapshot().is_ready();
    let parts = [
        ("store", store.ok),
        ("database", database.ok),
        ("mirrors", has_read),
    ];
    let lines = parts.map(|(name, ok)| format!("{name}: {}\n", if ok { "ok" } else { "not ready" }));
    let all = parts.iter().all(|(_, ok)| *ok);
    (
        if all {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        },
        lines.concat(),
    )
}
