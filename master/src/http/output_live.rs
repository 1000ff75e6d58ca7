//! A run's output as it comes.
//!
//! What is sent is always what the history has: news from this master's intake, and a look
//! now and then for what another master took, only say when to look.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::State,
    http::HeaderMap,
    response::sse::{Event, KeepAlive, Sse},
};
use futures::Stream;
use serde::Deserialize;
use shared::{
    api::{OutputView, paths},
    history::RunView,
    id::RunId,
};
use tokio::{
    sync::{OwnedSemaphorePermit, broadcast, mpsc},
    time::{Instant, timeout},
};
use tokio_stream::wrappers::ReceiverStream;

use super::{
    App,
    extract::{Params, Part},
    failure::{Answer, Failure},
    guard::Proof,
    output::{Joiner, PIECES_READ, bytes_of},
    runs::find,
};
use crate::{history::HistoryError, intake::Live};

/// How often the history is looked at without news.
const LOOK: Duration = Duration::from_millis(500);
/// While the database does not answer.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// How long after a run's end pieces of it may still come that are not all here.
const LINGER: Duration = Duration::from_secs(3);
pub const HEARTBEAT: Duration = Duration::from_secs(15);
/// Events that wait for a slow reader; it is not read ahead of that.
const AHEAD: usize = 16;

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LiveQuery {
    /// Pieces from this number on; the header `Last-Event-ID` says the same, less one.
    pub from: Option<u64>,
}

/// Server-sent events: `output` (an `OutputView`; its id is the piece's number) for each
/// piece, those that are there first, then `end` (a `RunView`) once the run has ended. The
/// stream ends with the credential.
#[utoipa::path(get, path = paths::RUN_OUTPUT_LIVE, tag = "runs",
    params(("id" = RunId, Path), ("Last-Event-ID" = Option<u64>, Header), LiveQuery),
    responses((status = 200, content((String = "text/event-stream"))), Failure))]
pub async fn get(
    State(app): State<App>,
    proof: Proof,
    Part(id): Part<RunId>,
    Params(query): Params<LiveQuery>,
    headers: HeaderMap,
) -> Answer<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    let from = match headers
        .get("last-event-id")
        .map(|v| v.to_str().unwrap_or_default())
    {
        Some(text) => text
            .parse::<u64>()
            .map_err(|_| Failure::unreadable("`Last-Event-ID` is not a piece's number"))?
            .saturating_add(1),
        None => query.from.unwrap_or(0),
    };
    find(&app, id).await?;
    let seat = app.gates.streams.enter().ok_or_else(full)?;
    let (events, receiver) = mpsc::channel(AHEAD);
    let news = app.intake.subscribe();
    tokio::spawn(async move {
        tokio::select! {
            () = proof.ended(&app) => {}
            () = follow(app.clone(), id, from, news, events, seat) => {}
        }
    });
    Ok(Sse::new(ReceiverStream::new(receiver)).keep_alive(KeepAlive::new().interval(HEARTBEAT)))
}

pub fn full() -> Failure {
    Failure::too_many(
        "this master keeps as many streams open as it may",
        Duration::from_secs(5),
    )
    .hint("close some, or ask another master")
}

type Events = mpsc::Sender<Result<Event, Infallible>>;

/// Where a reader is.
struct Reading {
    app: App,
    id: RunId,
    next: u64,
    /// Bytes read so far, if from the beginning.
    bytes: Option<u64>,
    joiner: Joiner,
    events: Events,
}

/// The reader has gone.
struct Gone;

/// Sends until the run has ended or the reader has gone.
async fn follow(
    app: App,
    id: RunId,
    from: u64,
    mut news: broadcast::Receiver<Live>,
    events: Events,
    seat: OwnedSemaphorePermit,
) {
    let _seat = seat;
    let (gone, closing) = (events.clone(), app.closing.clone());
    let bytes = (from == 0).then_some(0);
    let mut reading = Reading {
        app,
        id,
        next: from,
        bytes,
        joiner: Joiner::default(),
        events,
    };
    let mut ended_at: Option<Instant> = None;
    loop {
        let wait = match reading.look(&mut ended_at).await {
            Err(Gone) | Ok(Look::Done) => return,
            Ok(Look::More) => LOOK,
            Ok(Look::Trouble) => LOOK_AGAIN,
        };
        tokio::select! {
            () = gone.closed() => return,
            () = closing.cancelled() => return,
            _ = timeout(wait, of_run(&mut news, id)) => {}
        }
    }
}

enum Look {
    More,
    Done,
    Trouble,
}

impl Reading {
    /// Sends what is new; says whether that was all there will be.
    async fn look(&mut self, ended_at: &mut Option<Instant>) -> Result<Look, Gone> {
        // The state first: what was there when the run had ended is read after it.
        let run = match self.app.history.run(self.id).await {
            Ok(Some(run)) => run,
            // Its history has been cleared away meanwhile.
            Ok(None) => return Ok(Look::Done),
            Err(e) => return self.trouble(&e).await,
        };
        if let Err(e) = self.send_new().await? {
            return self.trouble(&e).await;
        }
        // A run that was lost may yet be found to go on.
        if !run.state.is_end() {
            *ended_at = None;
            return Ok(Look::More);
        }
        let since = *ended_at.get_or_insert_with(Instant::now);
        let is_whole = self
            .bytes
            .is_some_and(|bytes| bytes >= run.output.bytes.saturating_sub(run.output.dropped));
        if !is_whole && since.elapsed() < LINGER {
            return Ok(Look::More);
        }
        self.end(run).await?;
        Ok(Look::Done)
    }

    async fn send_new(&mut self) -> Result<Result<(), HistoryError>, Gone> {
        loop {
            let pieces = match self.app.history.output(self.id, self.next, PIECES_READ).await {
                Ok(pieces) => pieces,
                Err(e) => return Ok(Err(e)),
            };
            let is_last = (pieces.len() as u32) < PIECES_READ;
            for piece in pieces {
                if piece.stream != shared::report::Stream::Note
                    && let Some(bytes) = &mut self.bytes
                {
                    *bytes += bytes_of(&piece).len() as u64;
                }
                self.next = piece.seq + 1;
                let view: OutputView = self.joiner.view(&piece);
                self.send("output", Some(piece.seq), &view).await?;
            }
            if is_last {
                return Ok(Ok(()));
            }
        }
    }

    async fn end(&self, run: RunView) -> Result<(), Gone> {
        self.send("end", None, &run).await
    }

    async fn trouble(&self, e: &HistoryError) -> Result<Look, Gone> {
        self.send("trouble", None, &e.to_string()).await?;
        Ok(Look::Trouble)
    }

    async fn send<T: serde::Serialize>(&self, name: &str, id: Option<u64>, data: &T) -> Result<(), Gone> {
        let Ok(event) = Event::default().event(name).json_data(data) else {
            return Ok(());
        };
        let event = match id {
            Some(id) => event.id(id.to_string()),
            None => event,
        };
        self.events.send(Ok(event)).await.map_err(|_| Gone)
    }
}

/// Returns at news of this run; also when news were missed.
async fn of_run(news: &mut broadcast::Receiver<Live>, id: RunId) {
    loop {
        match news.recv().await {
            Ok(Live::Run(run)) if run.id == id => return,
            Ok(Live::Output(run)) if run == id => return,
            Ok(_) => {}
            Err(broadcast::error::RecvError::Lagged(_)) => return,
            Err(broadcast::error::RecvError::Closed) => return std::future::pending().await,
        }
    }
}
