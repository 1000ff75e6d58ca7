//! The HTTP API: one for the console, the CLI, the agents and anyone else. Any master
//! serves it: what is asked is answered from mirrors and the history, what is written goes
//! into the store by compare-and-swap.

pub mod failure;
mod limits;
mod guard;
mod extract;
mod query;
mod app;
mod login;
mod tokens;
mod kept;
mod board;
mod planned;
mod overview;
mod timeline;
mod jobs;
mod job_history;
mod job_bulk;
mod job_write;
mod apply;
mod job_run;
mod job_where;
mod job_why;
mod job_next;
mod preview;
mod runs;
mod output;
mod output_live;
mod events;
mod nodes;
mod node_work;
mod groups;
mod calendars;
mod naming;
mod status;
mod about;
mod compress;
mod statistics;
mod findings;
mod backup;
mod restore;
mod reports;
mod health;
mod metrics;
mod console;
mod openapi;
mod serve;

use axum::{
    Router,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, Method},
    middleware,
    response::{IntoResponse, Response},
};
use shared::api::BASE;
use utoipa_axum::{router::OpenApiRouter, routes};

pub use app::{App, Config, Parts};
pub use console::{Console, File};
pub use serve::{Listen, ServeError, Server, Tls};

use failure::Failure;

/// Why slots have no node, by job.
pub type Reasons = std::collections::BTreeMap<shared::id::JobId, Vec<String>>;

/// Every call, with its description.
fn calls() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(openapi::head())
        .nest(BASE, api())
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(metrics::metrics))
}

fn api() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(login::login))
        .routes(routes!(login::logout))
        .routes(routes!(login::hint))
        .routes(routes!(login::whoami))
        .routes(routes!(login::password))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::revoke))
        .routes(routes!(board::get))
        .routes(routes!(overview::get))
        .routes(routes!(timeline::get))
        .routes(routes!(job_bulk::bulk))
        .routes(routes!(jobs::list))
        .routes(routes!(jobs::get, job_write::put, job_write::delete))
        .routes(routes!(job_write::pause))
        .routes(routes!(job_write::resume))
        .routes(routes!(apply::apply))
        .routes(routes!(job_run::run))
        .routes(routes!(job_where::get))
        .routes(routes!(job_why::get))
        .routes(routes!(job_history::get))
        .routes(routes!(job_next::get))
        .routes(routes!(preview::preview))
        .routes(routes!(runs::list))
        .routes(routes!(runs::get))
        .routes(routes!(runs::kill))
        .routes(routes!(output::get))
        .routes(routes!(output_live::get))
        .routes(routes!(events::get))
        .routes(routes!(nodes::list))
        .routes(routes!(nodes::get, nodes::remove))
        .routes(routes!(node_work::get))
        .routes(routes!(nodes::intend))
        .routes(routes!(groups::list))
        .routes(routes!(groups::get, groups::put, groups::delete))
        .routes(routes!(calendars::list))
        .routes(routes!(calendars::get, calendars::put, calendars::delete))
        .routes(routes!(status::get))
        .routes(routes!(about::get))
        .routes(routes!(statistics::get))
        .routes(routes!(findings::get))
        .routes(routes!(backup::get))
        .routes(routes!(restore::post))
        .routes(routes!(reports::post))
        .routes(routes!(openapi::get))
}

/// The description of every call, made from the code.
pub fn description() -> utoipa::openapi::OpenApi {
    let mut document = calls().into_openapi();
    openapi::complete(&mut document);
    document
}

/// The whole API with its bounds and its door.
pub fn router(app: App) -> Router {
    let (router, document) = calls().split_for_parts();
    let unqueried = query::Unqueried::of(&document);
    guarded(
        router.route_layer(middleware::from_fn_with_state(unqueried, query::refuse)),
        app,
    )
}

/// What no call answers is the console's, or nothing.
async fn nothing_else(
    State(app): State<App>,
    method: Method,
    uri: axum::http::Uri,
    headers: HeaderMap,
) -> Response {
    let console = app.config.console.answer(&method, uri.path(), &headers);
    console.unwrap_or_else(|| {
        Failure::not_found(format!("there is no {method} {}", uri.path()))
            .hint("see /api/v1/openapi.json")
            .into_response()
    })
}

/// Puts routes behind the bounds and the door.
pub fn guarded(router: Router<App>, app: App) -> Router {
    router
        .fallback(nothing_else)
        .method_not_allowed_fallback(async |method: Method, uri: axum::http::Uri| {
            Failure::unreadable(format!("{} does not take {method}", uri.path()))
                .status(axum::http::StatusCode::METHOD_NOT_ALLOWED)
                .hint("see /api/v1/openapi.json")
        })
        // Each body is read with a bound of its own.
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn(compress::compress))
        .layer(middleware::from_fn_with_state(app.clone(), guard::guard))
        .layer(middleware::from_fn_with_state(app.clone(), limits::bounded))
        .layer(middleware::from_fn_with_state(app.clone(), limits::headers))
        .with_state(app)
}
