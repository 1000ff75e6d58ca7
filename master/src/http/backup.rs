//! Everything that lasts, as lines of JSON.
//!
//! What stands in a backup? A head; the store's keys of lasting kinds at one revision, then
//! how many they were; the history (`history::dump`); an end with its counts. One without
//! its end is not whole, and a restore says so. Leases' keys, sessions and agents'
//! credentials are not in it: whoever they belong to makes them anew.

use axum::{
    body::Body,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use futures::StreamExt;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use shared::{api::paths, keys, time::Time};
use tokio::{
    io::{AsyncWrite, AsyncWriteExt, DuplexStream, duplex},
    sync::oneshot,
};
use tokio_util::io::ReaderStream;

use super::{App, failure::Failure};
use crate::history::dump::{self, Dumped};

/// What a backup is called that this version writes and reads.
pub const FORMAT: u32 = 1;
/// The kinds of keys that last.
pub const LASTING: [&str; 8] = [
    keys::CALENDARS,
    keys::JOBS,
    keys::GROUPS,
    keys::INTENT,
    keys::CURSOR,
    keys::USERS,
    keys::TOKENS,
    keys::OWED,
];

/// A line that is not one of the history.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    Gnomon(Head),
    Key(Key),
    /// So many keys stood before this line.
    Keys(u64),
    End(Dumped),
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Head {
    pub format: u32,
    pub version: String,
    pub at: Time,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Key {
    pub key: String,
    pub value: Box<RawValue>,
}

/// A backup of this instance, as it is made. It holds the hashes of passwords and tokens:
/// keep it as you keep those.
#[utoipa::path(get, path = paths::BACKUP, tag = "backup",
    responses((status = 200, content((String = "application/x-ndjson"))), Failure))]
pub async fn get(State(app): State<App>) -> Response {
    let (to, from) = duplex(256 << 10);
    let (done, failed) = oneshot::channel();
    tokio::spawn(async move {
        let end = write(&app, to)
            .await
            .inspect_err(|e| tracing::warn!(error = %e, "a backup failed"));
        let _ = done.send(end);
    });
    // A failure breaks the answer off: its reader must not take the half for the whole.
    let end = futures::stream::once(failed).filter_map(async |end| match end {
        Ok(Ok(())) => None,
        Ok(Err(e)) => Some(Err(e)),
        Err(_) => Some(Err(std::io::Error::other("the backup ended early"))),
    });
    let body = Body::from_stream(ReaderStream::new(from).chain(end));
    let kind = HeaderValue::from_static("application/x-ndjson");
    let name = HeaderValue::from_static("attachment; filename=\"gnomon.backup\"");
    (
        [(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)],
        body,
    )
        .into_response()
}

async fn write(app: &App, mut to: DuplexStream) -> std::io::Result<()> {
    let other = |e: &dyn std::fmt::Display| std::io::Error::other(e.to_string());
    let head = Head {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        at: app.host.now(),
    };
    line(&mut to, &Line::Gnomon(head)).await?;
    // One revision for all: a cursor never stands before the job that it belongs to.
    let all = app.store.snapshot("").await.map_err(|e| other(&e))?;
    let mut count = 0;
    for kv in all.kvs {
        if kv.lease != 0 || !LASTING.iter().any(|prefix| kv.key.starts_with(prefix)) {
            continue;
        }
        let text = String::from_utf8(kv.value).map_err(|e| other(&format_args!("{}: {e}", kv.key)))?;
        let value = RawValue::from_string(text).map_err(|e| other(&format_args!("{}: {e}", kv.key)))?;
        line(&mut to, &Line::Key(Key { key: kv.key, value })).await?;
        count += 1;
    }
    line(&mut to, &Line::Keys(count)).await?;
    let dumped = dump::export(&*app.history, &mut to)
        .await
        .map_err(|e| other(&e))?;
    line(&mut to, &Line::End(dumped)).await?;
    to.shutdown().await
}

async fn line(to: &mut (impl AsyncWrite + Unpin), line: &Line) -> std::io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    to.write_all(&text).await
}
