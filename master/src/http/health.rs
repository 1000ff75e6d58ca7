//! Whether this master is alive, and whether it can serve: for supervisors and balancers,
//! without a credential, and so without a word more than that.

use axum::{extract::State, http::StatusCode};
use shared::Revision;

use super::{App, status};

/// This process answers.
#[utoipa::path(get, path = "/healthz", tag = "health", security(()), responses((status = 200, body = String)))]
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// This master has read the store, and the store and the database answer; of a standalone
/// instance, its own node has registered too.
#[utoipa::path(get, path = "/readyz", tag = "health", security(()),
    responses((status = 200, body = String), (status = 503, body = String)))]
pub async fn readyz(State(app): State<App>) -> (StatusCode, String) {
    let (store, database) = tokio::join!(status::store(&app), status::database(&app));
    let has_read = app.accounts.is_ready()
        && app.view.jobs.snapshot().is_ready()
        && app.view.nodes.snapshot().is_ready();
    let mut parts = vec![
        ("store", store.ok),
        ("database", database.ok),
        ("mirrors", has_read),
    ];
    if let Some(after) = app.config.node_after {
        parts.push(("node", has_node(&app, after)));
    }
    let word = |ok: bool| if ok { "ok" } else { "not ready" };
    let lines: String = parts
        .iter()
        .map(|(name, ok)| format!("{name}: {}\n", word(*ok)))
        .collect();
    let all = parts.iter().all(|(_, ok)| *ok);
    (
        if all {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        },
        lines,
    )
}

/// Whether a node has registered since, and what was there before has not merely not
/// expired yet.
fn has_node(app: &App, after: Revision) -> bool {
    let nodes = app.view.nodes.snapshot();
    nodes.iter().any(|(_, node)| node.mod_revision > after)
}
