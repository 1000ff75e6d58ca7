//! Taking a backup, into an empty instance or, when forced, into one that has jobs.
//!
//! The keys are read and checked whole before any is written; then the history follows as
//! it is read. Whatever breaks off, restoring the same again is right: a key is put as it
//! was, cursors only move forward, and the history knows each run by its id.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    Json,
    extract::{Request, State},
};
use futures::TryStreamExt;
use serde::{Deserialize, de::DeserializeOwned};
use shared::{
    api::{Restored, paths},
    assign::{Cursor, Owed},
    calendar::Calendar,
    history::RunQuery,
    job::Job,
    keys,
    node::Intent,
    report::Run,
    run::{self, Reason},
    store::{Compare, Outcome, TXN_BYTES_MAX, TXN_OPS_MAX, Txn, Write},
    target::NodeSet,
    time::Time,
};
use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, duplex},
    time::timeout,
};
use tokio_util::io::StreamReader;

use super::{
    App,
    backup::{FORMAT, Key, LASTING, Line},
    extract::Params,
    failure::{Answer, Failure},
};
use crate::{
    auth::{Caller, Token, User},
    history::dump::{self, DumpError, Dumped},
};

/// A line that is longer is no line of a backup.
const LINE_BYTES_MAX: u64 = 4 << 20;
/// How long the answer waits for this master to see what was written.
const SEEN_TIMEOUT: Duration = Duration::from_secs(2);
/// What the keys of a backup may hold in all; they are in memory while they are checked.
const KEYS_BYTES_MAX: usize = 256 << 20;

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RestoreQuery {
    /// Also into an instance that has jobs: those of the backup replace them.
    pub force: bool,
}

/// Take a backup, as `GET /backup` gives it.
#[utoipa::path(post, path = paths::RESTORE, tag = "backup", params(RestoreQuery),
    request_body(content = String, content_type = "application/x-ndjson"),
    responses((status = 200, body = Restored), Failure))]
pub async fn post(
    State(app): State<App>,
    caller: Caller,
    Params(query): Params<RestoreQuery>,
    request: Request,
) -> Answer<Json<Restored>> {
    if !query.force {
        check_empty(&app).await?;
    }
    let body = request
        .into_body()
        .into_data_stream()
        .map_err(std::io::Error::other);
    let mut reader = BufReader::new(StreamReader::new(body));
    let keys = read_keys(&mut reader).await?;
    let count = write_keys(&app, &caller, keys, query.force).await?;
    let dumped = read_history(&app, reader).await.map_err(|f| {
        let message = format!(
            "jobs and users are restored, the history is not, or not all of it: {}",
            f.error.message
        );
        let mut f = f.hint("restore again with force: what is there already stays");
        f.error.message = message;
        f
    })?;
    app.board.reload.notify_one();
    tracing::info!(
        by = caller.name(),
        keys = count,
        runs = dumped.runs,
        "a backup was restored"
    );
    Ok(Json(Restored {
        keys: count,
        runs: dumped.runs,
        chunks: dumped.chunks,
    }))
}

async fn check_empty(app: &App) -> Answer<()> {
    for prefix in [keys::JOBS, keys::GROUPS, keys::CALENDARS, keys::CURSOR] {
        let found = app.store.snapshot(prefix).await?.kvs.len();
        if found > 0 {
            let what = prefix.trim_end_matches('/');
            return Err(Failure::conflict(format!(
                "this instance is not empty: it has {found} keys of `{what}`"
            ))
            .hint("restore into a fresh instance, or force it"));
        }
    }
    let one = RunQuery {
        limit: Some(1),
        ..RunQuery::default()
    };
    if !app.history.runs(&one).await?.items.is_empty() {
        return Err(Failure::conflict("this instance is not empty: it has a history")
            .hint("restore into a fresh instance, or force it"));
    }
    Ok(())
}

async fn next_line(reader: &mut (impl AsyncBufRead + Unpin), text: &mut Vec<u8>) -> Answer<bool> {
    text.clear();
    let mut limited = reader.take(LINE_BYTES_MAX);
    let read = limited
        .read_until(b'\n', text)
        .await
        .map_err(|e| Failure::unreadable(format!("the backup ended early: {e}")))?;
    if read as u64 == LINE_BYTES_MAX {
        return Err(Failure::too_large(
            "a line of the backup is longer than 4MiB: this is not a backup",
        ));
    }
    Ok(read > 0)
}

/// Reads the head and all keys, checked.
async fn read_keys(reader: &mut (impl AsyncBufRead + Unpin)) -> Answer<Vec<Key>> {
    let (mut text, mut number, mut bytes) = (Vec::new(), 0u64, 0);
    let mut all: Vec<Key> = Vec::new();
    while next_line(reader, &mut text).await? {
        number += 1;
        let wrong =
            |why: &dyn std::fmt::Display| Failure::invalid(format!("line {number} of the backup: {why}"));
        let line: Line = serde_json::from_slice(&text).map_err(|e| wrong(&e))?;
        match line {
            Line::Gnomon(head) if number == 1 && head.format == FORMAT => {}
            Line::Gnomon(head) if number == 1 => {
                return Err(wrong(&format_args!(
                    "format {} (of version {}) is not one that this version reads",
                    head.format, head.version
                )));
            }
            Line::Key(key) if number > 1 => {
                bytes += key.key.len() + key.value.get().len();
                if bytes > KEYS_BYTES_MAX {
                    return Err(Failure::too_large("the backup's keys hold more than 256MiB"));
                }
                check(&key).map_err(|why| wrong(&why))?;
                all.push(key);
            }
            Line::Keys(count) if number > 1 && count == all.len() as u64 => return Ok(all),
            _ => return Err(wrong(&"it does not belong here: the backup is damaged")),
        }
    }
    Err(
        Failure::unreadable("the backup ends before its end: it is not whole")
            .hint("nothing was changed; take another backup"),
    )
}

/// A key of a lasting kind, with a value that this version can read.
fn check(key: &Key) -> Result<(), String> {
    fn reads<T: DeserializeOwned>(key: &Key) -> Result<(), String> {
        serde_json::from_str::<T>(key.value.get())
            .map(drop)
            .map_err(|e| format!("{}: {e}", key.key))
    }
    let prefix = LASTING.iter().find(|prefix| key.key.starts_with(**prefix));
    match prefix.copied() {
        Some(keys::JOBS) => reads::<Job>(key),
        Some(keys::GROUPS) => reads::<NodeSet>(key),
        Some(keys::CALENDARS) => reads::<Calendar>(key),
        Some(keys::INTENT) => reads::<Intent>(key),
        Some(keys::CURSOR) => reads::<Cursor>(key),
        Some(keys::USERS) => reads::<User>(key),
        Some(keys::TOKENS) => reads::<Token>(key),
        Some(keys::OWED) => reads::<Owed>(key),
        _ => Err(format!("`{}` is not a key of a backup", key.key)),
    }
}

async fn write_keys(app: &App, caller: &Caller, keys: Vec<Key>, force: bool) -> Answer<u64> {
    let own = match caller {
        Caller::Token { token, .. } => Some(keys::token(token)),
        _ => None,
    };
    let cursors = app.store.snapshot(keys::CURSOR).await?;
    let cursors: BTreeMap<String, (i64, Vec<u8>)> = cursors
        .kvs
        .into_iter()
        .map(|kv| (kv.key, (kv.mod_revision, kv.value)))
        .collect();
    let mut count = 0;
    let mut txn = Txn::default();
    let mut bytes = 0;
    for Key { key, value } in keys {
        // Whoever restores is not locked out by a token of the same name.
        if own.as_ref() == Some(&key) {
            continue;
        }
        let value = value.get().as_bytes().to_vec();
        // A cursor of this instance that is further on has claimed what would fire again.
        if key.starts_with(keys::CURSOR) {
            let here = cursors.get(&key);
            if here.is_some_and(|(_, here)| !is_later(&value, here)) {
                continue;
            }
            txn.compares.push(Compare::ModRevision(
                key.clone(),
                here.map_or(0, |(revision, _)| *revision),
            ));
        } else if !force
            && ![keys::USERS, keys::TOKENS]
                .iter()
                .any(|accounts| key.starts_with(accounts))
        {
            txn.compares.push(Compare::ModRevision(key.clone(), 0));
        }
        bytes += key.len() + value.len();
        if !txn.writes.is_empty() && (txn.writes.len() == TXN_OPS_MAX || bytes > TXN_BYTES_MAX) {
            let compare = txn
                .compares
                .pop_if(|c| matches!(c, Compare::ModRevision(k, _) if *k == key));
            bytes = key.len() + value.len();
            commit(app, std::mem::take(&mut txn)).await?;
            txn.compares.extend(compare);
        }
        txn.writes.push(Write::Put {
            key,
            value,
            lease: None,
        });
        count += 1;
    }
    if !txn.writes.is_empty() {
        commit(app, txn).await?;
    }
    // Whoever restored looks next; the mirrors of kinds that were not last hear it later.
    let _ = timeout(SEEN_TIMEOUT, app.view.jobs.refresh()).await;
    Ok(count)
}

fn is_later(new: &[u8], old: &[u8]) -> bool {
    match (
        serde_json::from_slice::<Cursor>(new),
        serde_json::from_slice::<Cursor>(old),
    ) {
        (Ok(new), Ok(old)) => new.at > old.at,
        (Ok(_), Err(_)) => true,
        _ => false,
    }
}

async fn commit(app: &App, txn: Txn) -> Answer<()> {
    match app.store.txn(txn).await? {
        Outcome::Committed(_) => Ok(()),
        Outcome::Refused(_) => Err(Failure::conflict(
            "someone else changes this instance at the same time; part of the backup is restored",
        )
        .hint("restore again with force")),
    }
}

/// Takes the history up to the backup's end, which must be there.
async fn read_history(app: &App, mut reader: impl AsyncBufRead + Unpin) -> Answer<Dumped> {
    let (mut to, from) = duplex(256 << 10);
    // Lines go on until the one that is not the history's.
    let pass = async move {
        let mut text = Vec::new();
        while next_line(&mut reader, &mut text).await? {
            if text.starts_with(b"{\"end\"") {
                let end = serde_json::from_slice(&text)
                    .map_err(|e| Failure::invalid(format!("the backup's end: {e}")))?;
                return match end {
                    Line::End(end) => Ok(Some(end)),
                    _ => Ok(None),
                };
            }
            if text.starts_with(b"{\"run\"") {
                settle(&mut text, app.host.now())?;
            }
            if to.write_all(&text).await.is_err() {
                // The import has failed and says why.
                return Ok(None);
            }
        }
        Ok::<_, Failure>(None)
    };
    let (end, dumped) = tokio::join!(pass, dump::import(&*app.history, BufReader::new(from)));
    let dumped = dumped.map_err(|e| match e {
        DumpError::History(e) => Failure::from(e),
        DumpError::Line { .. } => Failure::invalid(e.to_string()),
        DumpError::Io(e) => Failure::unreadable(e.to_string()),
    })?;
    match end? {
        Some(end) if end == dumped => Ok(dumped),
        Some(_) => Err(Failure::invalid(
            "the backup's end counts other lines than there are: it is damaged",
        )),
        None => Err(Failure::unreadable(
            "the backup ends before its end: it is not whole",
        )),
    }
}

/// A run that went on when the backup was made has no agent here that knows of it: it is
/// lost, unless its agent comes here and reports how it ended.
fn settle(text: &mut Vec<u8>, now: Time) -> Answer<()> {
    let wrong = |e: serde_json::Error| Failure::invalid(format!("a run of the backup: {e}"));
    let dump::Line::Run(run) = serde_json::from_slice(text).map_err(wrong)? else {
        return Ok(());
    };
    if run.state.is_end() {
        return Ok(());
    }
    let run = Run {
        state: run::State::Lost,
        reason: Some(Reason::NodeGone),
        finished_at: Some(now),
        retry_at: None,
        ..run
    };
    *text = serde_json::to_vec(&dump::Line::Run(run)).map_err(wrong)?;
    text.push(b'\n');
    Ok(())
}
