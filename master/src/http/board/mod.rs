//! `GET /board`: every job at a glance. Each master keeps its own in memory; asking costs
//! what has changed since somebody last asked.

mod follow;
mod rows;
mod runs;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::value::RawValue;
use shared::{
    api::{
        board::{Board as BoardView, BoardQuery, Known},
        judge::OVERDUE_AFTER,
        paths,
    },
    host::Host,
    id::JobId,
    time::Time,
};
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

pub use rows::Row;

use self::{
    follow::Follower,
    rows::{Look, Rows},
    runs::Runs,
};
use super::{
    App,
    extract::Params,
    failure::{Answer, Failure},
};
use crate::{history::History, intake::Intake, view::View};

/// Who asks within so long gets the same board.
const REFRESH_REST: Duration = Duration::from_millis(200);

/// A master's board. Clones are the same.
#[derive(Clone)]
pub struct Board(Arc<Inner>);

pub struct Inner {
    runs: Mutex<Runs>,
    rows: Mutex<(Option<Instant>, Rows)>,
    pub known: watch::Sender<Knowledge>,
    /// Moves when another master's runs came in.
    pub foreign: watch::Sender<u64>,
    /// Reads the whole history again.
    pub reload: Notify,
    /// Which board it is whose versions are counted.
    epoch: String,
}

/// How far the history is known, and since when it is current.
#[derive(Clone, Copy, Debug, Default)]
pub struct Knowledge {
    pub what: Known,
    pub current_since: Time,
}

impl std::ops::Deref for Board {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Board {
    /// Begins to follow the history, until cancelled. Needs a tokio runtime.
    pub fn spawn(
        view: &View,
        history: Arc<dyn History>,
        intake: &Intake,
        host: Host,
        cancel: CancellationToken,
    ) -> Board {
        let board = Board(Arc::new(Inner {
            runs: Mutex::default(),
            rows: Mutex::default(),
            known: watch::Sender::default(),
            foreign: watch::Sender::default(),
            reload: Notify::new(),
            epoch: host.run_id().to_string().split_off(16).to_lowercase(),
        }));
        let follower = Follower {
            board: board.clone(),
            history,
            jobs: view.jobs.clone(),
            host,
            live: intake.subscribe(),
        };
        tokio::spawn(follower.run(cancel));
        board
    }

    fn runs(&self) -> MutexGuard<'_, Runs> {
        self.0.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the board as it is now.
    fn look<T>(&self, app: &App, what: impl FnOnce(&Rows) -> T) -> T {
        let mut rows = self.0.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let (refreshed, rows) = &mut *rows;
        if refreshed.is_none_or(|at| at.elapsed() >= REFRESH_REST) {
            let (now, known) = (app.host.now(), *self.known.borrow());
            let is_sure = known.what == Known::Current && now.since(known.current_since) >= OVERDUE_AFTER;
            rows.refresh(&Look { app, now, is_sure });
            *refreshed = Some(Instant::now());
        }
        what(rows)
    }

    /// Every row, by name.
    pub fn with_rows<T>(&self, app: &App, what: impl FnOnce(Vec<&Row>) -> T) -> T {
        self.look(app, |rows| what(rows.all()))
    }

    /// Runs that have not ended.
    pub fn open(&self) -> Vec<crate::history::Glimpse> {
        self.runs().open().cloned().collect()
    }

    /// When a job is due next.
    pub fn next(&self, app: &App, job: JobId) -> Option<Time> {
        self.look(app, |rows| rows.rows.get(&job)?.job.next)
    }

    pub fn usual_ms(&self, job: JobId) -> Option<u64> {
        self.runs().of(job)?.ticks().usual_ms()
    }

    fn version(&self, rows: &Rows) -> Version<'_> {
        Version {
            epoch: &self.epoch,
            known: self.known.borrow().what,
            count: rows.version,
        }
    }
}

/// A board's version as readers give it back.
struct Version<'a> {
    epoch: &'a str,
    known: Known,
    count: u64,
}

impl fmt::Display for Version<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = match self.known {
            Known::Reading => 'r',
            Known::Current => 'c',
            Known::Old => 'o',
        };
        write!(f, "{}.{known}.{}", self.epoch, self.count)
    }
}

impl Version<'_> {
    /// The count in a version of the same board.
    fn count_in(&self, given: &str) -> Option<u64> {
        let (epoch, rest) = given.split_once('.')?;
        let (_, count) = rest.split_once('.')?;
        count.parse().ok().filter(|_| epoch == self.epoch)
    }
}

/// As `shared::api::board::Board`, of rows that are JSON already.
#[derive(Serialize)]
struct Sent<'a> {
    version: &'a str,
    whole: bool,
    jobs: Vec<&'a RawValue>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    gone: Vec<JobId>,
    history: Known,
    now: Time,
}

/// Every job at a glance: its state and why, its next and last run, its last outcomes, who
/// owns it. With `since`, what changed after that version; with `If-None-Match`, 304 where
/// nothing did.
#[utoipa::path(get, path = paths::BOARD, tag = "jobs", params(BoardQuery, ("If-None-Match" = Option<String>, Header)),
    responses((status = 200, body = BoardView), (status = 304), Failure))]
pub async fn get(
    State(app): State<App>,
    Params(query): Params<BoardQuery>,
    headers: HeaderMap,
) -> Answer<Response> {
    app.jobs()?;
    let made = tokio::task::spawn_blocking(move || answer(&app, &query, &headers));
    made.await.map_err(|e| Failure::internal(&e))?
}

fn answer(app: &App, query: &BoardQuery, headers: &HeaderMap) -> Answer<Response> {
    let board = &app.board;
    board.look(app, |rows| {
        let version = board.version(rows);
        let text = version.to_string();
        let tag = format!("W/\"{text}\"");
        let known = headers.get(header::IF_NONE_MATCH).and_then(|v| v.to_str().ok());
        if known == Some(&tag) {
            return Ok((StatusCode::NOT_MODIFIED, tagged(&tag)).into_response());
        }
        let changed = query.since.as_deref();
        let changed = changed.and_then(|since| rows.since(version.count_in(since)?));
        let (whole, (jobs, gone)) = match changed {
            Some(changed) => (false, changed),
            None => (true, (rows.all(), Vec::new())),
        };
        let sent = Sent {
            version: &text,
            whole,
            jobs: jobs.into_iter().map(|row| &*row.json).collect(),
            gone,
            history: version.known,
            now: app.host.now(),
        };
        let body = serde_json::to_vec(&sent).map_err(|e| Failure::internal(&e))?;
        let json = HeaderValue::from_static("application/json");
        Ok((tagged(&tag), [(header::CONTENT_TYPE, json)], body).into_response())
    })
}

fn tagged(tag: &str) -> HeaderMap {
    let tag = HeaderValue::try_from(tag);
    tag.into_iter().map(|v| (header::ETAG, v)).collect()
}
