//! How this instance is.

use std::time::Duration;

use axum::{Json, extract::State};
use shared::{
    api::{Part, Status, paths},
    id::MasterId,
    keys,
    schedule::tzdb_version,
    store::mirror::MirrorState,
};
use tokio::time::timeout;

use super::{App, failure::Failure, nodes};

/// How long a part may take to say that it is there.
const PING_TIMEOUT: Duration = Duration::from_secs(3);
/// How many unreadable values are told.
const BROKEN_MAX: usize = 100;

/// How this instance is: its masters, its parts, its counts.
#[utoipa::path(get, path = paths::STATUS, tag = "status", responses((status = 200, body = Status), Failure))]
pub async fn get(State(app): State<App>) -> Json<Status> {
    let (store, database) = tokio::join!(store(&app), database(&app));
    let masters = app.view.masters.snapshot();
    let alive = app.view.nodes.snapshot().len();
    let known = nodes::known(&app).map_or(alive, |known| known.len());
    Json(Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        master: app.config.id.clone(),
        leader: app.view.leader.snapshot().get(keys::LEADER).cloned(),
        masters: masters
            .iter()
            .filter_map(|(key, _)| keys::name_in::<MasterId>(keys::MASTERS, key))
            .collect(),
        store,
        database,
        nodes: known as u32,
        nodes_down: known.saturating_sub(alive) as u32,
        jobs: app.view.jobs.snapshot().len() as u32,
        broken: broken(&app),
        tzdb: tzdb_version().to_owned(),
        now: app.host.now(),
    })
}

/// Whether the store answers.
pub async fn store(app: &App) -> Part {
    let asked = timeout(PING_TIMEOUT, app.store.get(keys::LEADER)).await;
    part(
        &app.config.store_kind,
        asked.map(|r| r.map(drop).map_err(|e| e.to_string())),
    )
}

/// Whether the database answers.
pub async fn database(app: &App) -> Part {
    let asked = timeout(PING_TIMEOUT, app.history.ping()).await;
    part(
        &app.config.database_kind,
        asked.map(|r| r.map_err(|e| e.to_string())),
    )
}

fn part(kind: &str, asked: Result<Result<(), String>, tokio::time::error::Elapsed>) -> Part {
    let error = match asked {
        Ok(Ok(())) => None,
        Ok(Err(e)) => Some(e),
        Err(_) => Some(format!("no answer within {}s", PING_TIMEOUT.as_secs())),
    };
    Part {
        kind: kind.to_owned(),
        ok: error.is_none(),
        error,
    }
}

/// Values in the store that cannot be read.
pub fn broken(app: &App) -> Vec<String> {
    fn of<T>(state: &MirrorState<T>) -> Vec<String> {
        state
            .broken()
            .iter()
            .map(|(key, broken)| format!("{key}: {}", broken.reason))
            .collect()
    }
    let view = &app.view;
    let mut all = of(&view.jobs.snapshot());
    all.extend(of(&view.groups.snapshot()));
    all.extend(of(&view.calendars.snapshot()));
    all.extend(of(&view.nodes.snapshot()));
    all.extend(of(&view.intent.snapshot()));
    all.extend(of(&view.assign.snapshot()));
    all.extend(of(&view.cursor.snapshot()));
    all.extend(of(&view.orders.snapshot()));
    all.extend(of(&view.owed.snapshot()));
    all.extend(app.accounts.broken());
    all.truncate(BROKEN_MAX);
    all
}
