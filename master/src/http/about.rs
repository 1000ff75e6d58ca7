//! `GET /about`: versions, parts, masters.

use axum::{Json, extract::State};
use shared::{
    api::{
        overview::{About, MasterView},
        paths,
    },
    id::MasterId,
    keys,
    schedule::tzdb_version,
};

use super::{App, failure::Failure, status};

/// What this instance is made of: versions, store, database, masters and who leads.
#[utoipa::path(get, path = paths::ABOUT, tag = "status", responses((status = 200, body = About), Failure))]
pub async fn get(State(app): State<App>) -> Json<About> {
    let (store, database) = tokio::join!(status::store(&app), status::database(&app));
    let leader = app.view.leader.snapshot();
    let leader = leader.get(keys::LEADER);
    let masters = app.view.masters.snapshot();
    let masters = masters.iter().filter_map(|(key, entry)| {
        let id = keys::name_in::<MasterId>(keys::MASTERS, key)?;
        Some(MasterView {
            url: entry.value.url.clone(),
            version: entry.value.version.clone(),
            started_at: entry.value.started_at,
            leads: leader == Some(&id),
            id,
        })
    });
    Json(About {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        tzdb: tzdb_version().to_owned(),
        store,
        database,
        master: app.config.id.clone(),
        masters: masters.collect(),
        started_at: app.started_at,
        now: app.host.now(),
    })
}
