//! What changes, as it changes: runs as this master records them, and what to look at
//! again of everything else.

use std::{collections::BTreeSet, convert::Infallible, time::Duration};

use axum::{
    extract::State,
    response::sse::{Event, KeepAlive, Sse},
};
use futures::Stream;
use serde::Deserialize;
use shared::api::{Changed, paths};
use tokio::{
    sync::{OwnedSemaphorePermit, broadcast, mpsc},
    time::{Instant, interval, sleep_until},
};
use tokio_stream::wrappers::ReceiverStream;

use super::{
    App,
    extract::Params,
    failure::{Answer, Failure},
    guard::Proof,
    output_live::{HEARTBEAT, full},
};
use crate::intake::Live;

/// Events that wait for a slow reader; beyond, it is told to look at everything again.
const AHEAD: usize = 256;
/// Changes of one kind within so long are told once.
const GATHER: Duration = Duration::from_millis(200);

/// How often a reader is told that other masters may record runs too.
const OTHERS: Duration = Duration::from_secs(1);

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventsQuery {
    /// `false`: no `run` events; that runs were recorded is told as a change, a few times a
    /// second at most. For who shows many jobs at once.
    pub runs: Option<bool>,
}

/// Server-sent events: `run` (a `RunView`) for each run that this master records, and
/// `changed` (a `Changed`) for what is to be looked at again. The first is `changed` with
/// `all`: what happened before the connection is not told. The stream ends with the
/// credential.
#[utoipa::path(get, path = paths::EVENTS, tag = "events", params(EventsQuery),
    responses((status = 200, content((String = "text/event-stream"))), Failure))]
pub async fn get(
    State(app): State<App>,
    proof: Proof,
    Params(query): Params<EventsQuery>,
) -> Answer<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    let seat = app.gates.streams.enter().ok_or_else(full)?;
    let (events, receiver) = mpsc::channel(AHEAD);
    let news = app.intake.subscribe();
    tokio::spawn(async move {
        tokio::select! {
            () = proof.ended(&app) => {}
            () = follow(app.clone(), news, query.runs != Some(false), events, seat) => {}
        }
    });
    Ok(Sse::new(ReceiverStream::new(receiver)).keep_alive(KeepAlive::new().interval(HEARTBEAT)))
}

type Events = mpsc::Sender<Result<Event, Infallible>>;

async fn follow(
    app: App,
    mut news: broadcast::Receiver<Live>,
    tells_runs: bool,
    events: Events,
    seat: OwnedSemaphorePermit,
) {
    let _seat = seat;
    let view = app.view.clone();
    let tokens = app.accounts.follow_tokens();
    let (mut foreign, mut known) = (app.board.foreign.subscribe(), app.board.known.subscribe());
    let mut others = interval(OTHERS);
    let mut changed: BTreeSet<Changed> = BTreeSet::new();
    let mut tell_at = Instant::now();
    if !send(&events, "changed", &Changed::All) {
        return;
    }
    loop {
        let what = tokio::select! {
            () = events.closed() => return,
            () = app.closing.cancelled() => return,
            () = sleep_until(tell_at), if !changed.is_empty() => {
                for what in std::mem::take(&mut changed) {
                    if !send(&events, "changed", &what) { return }
                }
                continue;
            }
            live = news.recv() => match live {
                Ok(Live::Run(_)) if !tells_runs => Changed::Runs,
                Ok(Live::Run(run)) => {
                    if !send(&events, "run", &*run) { return }
                    continue;
                }
                Ok(Live::Output(_)) => continue,
                Err(broadcast::error::RecvError::Lagged(_)) => Changed::All,
                Err(broadcast::error::RecvError::Closed) => return,
            },
            Ok(()) = foreign.changed() => Changed::Runs,
            // In case the history does not tell.
            _ = others.tick() => match view.masters.snapshot().len() {
                0 | 1 => continue,
                _ => Changed::Runs,
            },
            // The history answers again, or does not: what is shown of runs is new or old.
            Ok(()) = known.changed() => Changed::Runs,
            () = tokens.changed() => Changed::Tokens,
            () = view.jobs.changed() => Changed::Jobs,
            () = view.groups.changed() => Changed::Groups,
            () = view.calendars.changed() => Changed::Calendars,
            () = view.nodes.changed() => Changed::Nodes,
            () = view.intent.changed() => Changed::Nodes,
            () = view.assign.changed() => Changed::Slots,
            () = view.masters.changed() => Changed::Masters,
            () = view.leader.changed() => Changed::Masters,
        };
        if changed.is_empty() {
            tell_at = Instant::now() + GATHER;
        }
        changed.insert(what);
    }
}

/// Whether the reader is still there and keeps up; one that does not is let go, and its
/// next connection begins with a look at everything.
fn send<T: serde::Serialize>(events: &Events, name: &str, data: &T) -> bool {
    match Event::default().event(name).json_data(data) {
        Ok(event) => events.try_send(Ok(event)).is_ok(),
        Err(_) => true,
    }
}
