//! What a run wrote.

use std::collections::HashMap;

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use shared::{
    api::{OutputView, Page, paths},
    history::RunView,
    id::RunId,
    report::{Chunk, Stream},
};

use super::{
    App,
    extract::{Params, Part},
    failure::{Answer, Failure},
    runs::find,
};

/// Pieces of output are up to 64 KiB and may be a line each: a page is bounded by its bytes.
const PIECES_DEFAULT: u32 = 64;
const PIECES_MAX: u32 = 10_000;
const PAGE_BYTES_MAX: usize = 4 << 20;
/// How many are read at once for a stream.
pub const PIECES_READ: u32 = 32;
/// And for a page.
const PIECES_AT_ONCE: u32 = 256;

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OutputQuery {
    /// `json` (pages of pieces, the default), `text` (the bytes as the process wrote them) or
    /// `ndjson` (a line for each piece, with its bytes: a `Chunk`).
    pub format: Option<Format>,
    /// Of `text` and `ndjson`: only this stream; all, in the order in which they were read,
    /// unless given.
    pub stream: Option<Stream>,
    /// Pieces from this number on.
    pub from: Option<u64>,
    /// Where the page before ended, as its `next` says.
    pub cursor: Option<String>,
    /// Of `json`: the last pieces before this number; for the end of the output a number
    /// that is larger than any.
    pub before: Option<u64>,
    /// How many pieces at most; 64 unless given, 10,000 at most. A page also ends at 4 MiB.
    pub limit: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    Json,
    Text,
    Ndjson,
}

/// A run's output: what is kept of it.
#[utoipa::path(get, path = paths::RUN_OUTPUT, tag = "runs", params(("id" = RunId, Path), OutputQuery),
    responses((status = 200, content((Page<OutputView> = "application/json"), (String = "text/plain"))), Failure))]
pub async fn get(
    State(app): State<App>,
    Part(id): Part<RunId>,
    Params(query): Params<OutputQuery>,
) -> Answer<Response> {
    let from = match &query.cursor {
        Some(cursor) => cursor
            .parse()
            .map_err(|_| Failure::invalid("the cursor is not from this list").field("cursor"))?,
        None => query.from.unwrap_or(0),
    };
    let run = find(&app, id).await?;
    match query.format {
        Some(Format::Text) => return Ok(text(app, &run, from, query.stream)),
        Some(Format::Ndjson) => return Ok(lines(app, &run, from, query.stream)),
        Some(Format::Json) | None => {}
    }
    let limit = query.limit.unwrap_or(PIECES_DEFAULT).clamp(1, PIECES_MAX);
    let (pieces, next) = match query.before {
        None => forwards(&app, id, from, limit as usize).await?,
        Some(before) => (backwards(&app, id, before, limit as usize).await?, None),
    };
    let mut joiner = Joiner::default();
    let mut items: Vec<OutputView> = pieces.iter().map(|piece| joiner.view(piece)).collect();
    joiner.finish(&mut items);
    Ok(Json(Page { items, next }).into_response())
}

/// Pieces from a number on, and where the next page begins if there is one.
async fn forwards(app: &App, id: RunId, from: u64, limit: usize) -> Answer<(Vec<Chunk>, Option<String>)> {
    let (mut pieces, mut bytes, mut next) = (Vec::new(), 0, from);
    loop {
        let some = app.history.output(id, next, PIECES_AT_ONCE).await?;
        let is_last = some.len() < PIECES_AT_ONCE as usize;
        for piece in some {
            if pieces.len() >= limit || bytes > PAGE_BYTES_MAX {
                return Ok((pieces, Some(piece.seq.to_string())));
            }
            (bytes, next) = (bytes + piece.data.len(), piece.seq + 1);
            pieces.push(piece);
        }
        if is_last {
            return Ok((pieces, None));
        }
    }
}

/// The last pieces before a number, in order.
async fn backwards(app: &App, id: RunId, before: u64, limit: usize) -> Answer<Vec<Chunk>> {
    let (mut pieces, mut bytes, mut before) = (Vec::new(), 0, before);
    'reading: loop {
        let some = app.history.output_before(id, before, PIECES_AT_ONCE).await?;
        let is_last = some.len() < PIECES_AT_ONCE as usize;
        for piece in some.into_iter().rev() {
            if pieces.len() >= limit || bytes > PAGE_BYTES_MAX {
                break 'reading;
            }
            (bytes, before) = (bytes + piece.data.len(), piece.seq);
            pieces.push(piece);
        }
        if is_last {
            break;
        }
    }
    pieces.reverse();
    Ok(pieces)
}

/// The bytes themselves.
fn text(app: App, run: &RunView, from: u64, only: Option<Stream>) -> Response {
    // Names hold no quotes; a browser saves it, and never shows it as a page.
    let file = format!(
        "attachment; filename=\"{}-{}-{}.txt\"",
        run.job.namespace, run.job.name, run.id
    );
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    let body = each(app, run.id, from, only, bytes_of);
    let mut response = ([(header::CONTENT_TYPE, kind)], body).into_response();
    if let Ok(file) = HeaderValue::try_from(file) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, file);
    }
    response
}

/// The pieces, a line each.
fn lines(app: App, run: &RunView, from: u64, only: Option<Stream>) -> Response {
    let line = |piece: &Chunk| {
        let mut line = serde_json::to_vec(piece).unwrap_or_default();
        line.push(b'\n');
        line
    };
    let kind = HeaderValue::from_static("application/x-ndjson");
    let body = each(app, run.id, from, only, line);
    ([(header::CONTENT_TYPE, kind)], body).into_response()
}

/// What is said of each piece, read as it is sent: a gigabyte never stands in memory.
fn each(
    app: App,
    id: RunId,
    from: u64,
    only: Option<Stream>,
    say: impl Fn(&Chunk) -> Vec<u8> + Copy + Send + 'static,
) -> Body {
    let pages = futures::stream::try_unfold(Some(from), move |from| {
        let app = app.clone();
        async move {
            let Some(from) = from else {
                return Ok::<_, std::io::Error>(None);
            };
            let pieces = app
                .history
                .output(id, from, PIECES_READ)
                .await
                .map_err(std::io::Error::other)?;
            let next = pieces
                .last()
                .filter(|_| pieces.len() as u32 == PIECES_READ)
                .map(|last| last.seq + 1);
            let wanted = pieces.iter().filter(|p| only.is_none_or(|only| p.stream == only));
            let bytes: Vec<u8> = wanted.flat_map(say).collect();
            Ok(Some((bytes, next)))
        }
    });
    Body::from_stream(pages)
}

/// A piece's bytes. One that is not base64 is shown as it is: it tells more than nothing.
pub fn bytes_of(piece: &Chunk) -> Vec<u8> {
    STANDARD
        .decode(&piece.data)
        .unwrap_or_else(|_| piece.data.clone().into_bytes())
}

/// Makes text of pieces: a character that two of them share stands in the later one.
#[derive(Default)]
pub struct Joiner(HashMap<StreamKey, (Vec<u8>, Chunk)>);

type StreamKey = &'static str;

impl Joiner {
    pub fn view(&mut self, piece: &Chunk) -> OutputView {
        let key = key(piece.stream);
        let mut bytes = self.0.remove(key).map(|(rest, _)| rest).unwrap_or_default();
        bytes.extend(bytes_of(piece));
        let rest = bytes.split_off(bytes.len() - unfinished(&bytes));
        if !rest.is_empty() {
            self.0.insert(
                key,
                (
                    rest,
                    Chunk {
                        data: String::new(),
                        ..piece.clone()
                    },
                ),
            );
        }
        view(piece, &bytes)
    }

    /// What is left of characters that never ended goes where it was read.
    pub fn finish(self, items: &mut [OutputView]) {
        for (rest, piece) in self.0.into_values() {
            if let Some(item) = items.iter_mut().find(|item| item.seq == piece.seq) {
                item.text.push_str(&String::from_utf8_lossy(&rest));
            }
        }
    }
}

fn key(stream: Stream) -> StreamKey {
    match stream {
        Stream::Stdout => "stdout",
        Stream::Stderr => "stderr",
        Stream::Note => "note",
    }
}

fn view(piece: &Chunk, bytes: &[u8]) -> OutputView {
    let text = String::from_utf8_lossy(bytes).into_owned();
    OutputView {
        seq: piece.seq,
        stream: piece.stream,
        at: piece.at,
        text,
    }
}

/// How many bytes at the end begin a character that does not end there.
fn unfinished(bytes: &[u8]) -> usize {
    let tail = &bytes[bytes.len().saturating_sub(3)..];
    match std::str::from_utf8(tail).map_err(|e| (e.valid_up_to(), e.error_len())) {
        Ok(_) => 0,
        Err((valid, None)) => tail.len() - valid,
        // The tail may begin inside a character: look from the first that begins in it.
        Err((_, Some(_))) => {
            let start = tail.iter().position(|b| *b & 0xc0 != 0x80).unwrap_or(tail.len());
            match std::str::from_utf8(&tail[start..]).map_err(|e| (e.valid_up_to(), e.error_len())) {
                Err((valid, None)) => tail.len() - start - valid,
                _ => 0,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::time::Time;

    fn piece(seq: u64, bytes: &[u8]) -> Chunk {
        let run = "01HV5TQ4WM0000000000000001".parse().unwrap();
        Chunk {
            run,
            seq,
            stream: Stream::Stdout,
            at: Time::EPOCH,
            data: STANDARD.encode(bytes),
        }
    }

    #[test]
    fn characters_cut_in_two_are_whole_again() {
        for text in ["plain", "日本語", "a€b", "😀😀", "é"] {
            for cut in 0..=text.len() {
                let (a, b) = text.as_bytes().split_at(cut);
                let mut joiner = Joiner::default();
                let mut items = vec![joiner.view(&piece(0, a)), joiner.view(&piece(1, b))];
                joiner.finish(&mut items);
                assert_eq!(
                    format!("{}{}", items[0].text, items[1].text),
                    text,
                    "cut at {cut}"
                );
            }
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced_and_never_held_back() {
        let mut joiner = Joiner::default();
        let mut items = vec![
            joiner.view(&piece(0, b"a\xff\xfeb")),
            joiner.view(&piece(1, b"c\xe6\x97")),
        ];
        joiner.finish(&mut items);
        assert_eq!(items[0].text, "a\u{fffd}\u{fffd}b");
        assert_eq!(items[1].text, "c\u{fffd}");
    }
}
