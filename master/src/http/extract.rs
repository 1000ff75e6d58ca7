//! Reading requests: what cannot be read is refused in words, with the field.

use std::str::FromStr;

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use futures::StreamExt;
use serde::de::DeserializeOwned;
use shared::{Revision, id::JobPath};

use super::{
    failure::{Answer, Failure},
    limits::BODY_BYTES_MAX,
};

/// A JSON body of at most [`BODY_BYTES_MAX`] bytes.
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Answer<JsonBody<T>> {
        json(request, BODY_BYTES_MAX, false).await.map(JsonBody)
    }
}

/// A JSON body that may be left out.
pub struct MaybeJson<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for MaybeJson<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Answer<MaybeJson<T>> {
        json(request, BODY_BYTES_MAX, true).await.map(MaybeJson)
    }
}

/// Reads a JSON body. `may_be_empty` reads nothing at all as `{}`.
pub async fn json<T: DeserializeOwned>(request: Request, bytes_max: usize, may_be_empty: bool) -> Answer<T> {
    let is_json = is_json(request.headers());
    let bytes = bytes(request, bytes_max).await?;
    if bytes.is_empty() && may_be_empty {
        return parse(b"{}");
    }
    // A browser sends any other kind across sites without asking.
    if !is_json {
        return Err(Failure::unreadable("the body is not said to be JSON")
            .status(StatusCode::UNSUPPORTED_MEDIA_TYPE)
            .hint("send it with `content-type: application/json`"));
    }
    parse(&bytes)
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Answer<T> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|e| {
        let field = e.path().to_string();
        let e = e.into_inner();
        let failure = if e.is_data() {
            // The field says where; a place in the body beside it would be taken for one in
            // the field's own text.
            let place = format!(" at line {} column {}", e.line(), e.column());
            let message = e.to_string();
            Failure::invalid(message.strip_suffix(&place).unwrap_or(&message))
        } else {
            Failure::unreadable(format!("the body is not JSON: {e}"))
        };
        if field == "." {
            failure
        } else {
            failure.field(field)
        }
    })?;
    reader
        .end()
        .map_err(|e| Failure::unreadable(format!("the body is not JSON: {e}")))?;
    Ok(value)
}

/// How much of a body that is too large is still read, so that who sends it hears why.
const POLITE_BYTES_MAX: usize = 64 << 20;

/// Reads a whole body of at most so many bytes.
pub async fn bytes(request: Request, bytes_max: usize) -> Answer<Bytes> {
    let declared = request.headers().get(header::CONTENT_LENGTH);
    let declared = declared
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.parse::<usize>().ok())
        .unwrap_or(0);
    let waits = request.headers().contains_key(header::EXPECT);
    let body = request.into_body();
    // Whoever asks before sending is told before sending.
    if declared > POLITE_BYTES_MAX || (declared > bytes_max && waits) {
        return Err(too_large(bytes_max));
    }
    collect(body, bytes_max, declared.min(bytes_max)).await
}

async fn collect(body: Body, bytes_max: usize, expected: usize) -> Answer<Bytes> {
    let mut stream = body.into_data_stream();
    let mut all = Vec::with_capacity(expected.min(1 << 20));
    let mut seen = 0;
    while let Some(piece) = stream.next().await {
        let piece = piece.map_err(|e| Failure::unreadable(format!("the body ended early: {e}")))?;
        seen += piece.len();
        if seen > POLITE_BYTES_MAX {
            break;
        }
        if seen <= bytes_max {
            all.extend_from_slice(&piece);
        } else {
            all = Vec::new();
        }
    }
    if seen > bytes_max {
        Err(too_large(bytes_max))
    } else {
        Ok(all.into())
    }
}

fn too_large(bytes_max: usize) -> Failure {
    let limit = match bytes_max {
        b if b >= 1 << 20 => format!("{}MiB", b >> 20),
        b => format!("{}KiB", b >> 10),
    };
    Failure::too_large(format!(
        "the body is larger than {limit}, the most this call takes"
    ))
    .hint("send it in several parts")
}

/// The query string.
pub struct Params<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Answer<Params<T>> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(params)) => Ok(Params(params)),
            Err(e) => Err(Failure::invalid(
                e.body_text()
                    .replace("Failed to deserialize query string: ", "the query: "),
            )),
        }
    }
}

/// One `{}` part of the path.
pub struct Part<T>(pub T);

impl<T, S> FromRequestParts<S> for Part<T>
where
    T: FromStr<Err = String> + Send,
    S: Send + Sync,
{
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Answer<Part<T>> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(unreadable_path)?;
        text.parse().map(Part).map_err(Failure::invalid)
    }
}

/// The job that the path names.
pub struct JobPart(pub JobPath);

impl<S: Send + Sync> FromRequestParts<S> for JobPart {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Answer<JobPart> {
        let Path((namespace, name)) = Path::<(String, String)>::from_request_parts(parts, state)
            .await
            .map_err(unreadable_path)?;
        let namespace = namespace
            .parse()
            .map_err(|e: String| Failure::invalid(e).field("namespace"))?;
        let name = name
            .parse()
            .map_err(|e: String| Failure::invalid(e).field("name"))?;
        Ok(JobPart(JobPath { namespace, name }))
    }
}

fn unreadable_path(e: axum::extract::rejection::PathRejection) -> Failure {
    Failure::unreadable(e.body_text())
}

/// What a write asks of the revision that it changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Nothing: whatever is there.
    Any,
    /// `If-Match: <revision>`, with or without quotes.
    Revision(Revision),
    /// `If-Match: *`: there must be one.
    Exists,
    /// `If-None-Match: *`: there must be none.
    Absent,
}

impl<S: Send + Sync> FromRequestParts<S> for Condition {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Answer<Condition> {
        let text = |name| {
            let value = parts
                .headers
                .get(name)
                .map(|v: &axum::http::HeaderValue| v.to_str().unwrap_or("?"));
            value.map(|v| v.trim().trim_start_matches("W/").trim_matches('"').to_owned())
        };
        match (text(header::IF_MATCH), text(header::IF_NONE_MATCH)) {
            (None, None) => Ok(Condition::Any),
            (Some(v), None) if v == "*" => Ok(Condition::Exists),
            (None, Some(v)) if v == "*" => Ok(Condition::Absent),
            (Some(v), None) => match v.parse() {
                Ok(revision) if revision > 0 => Ok(Condition::Revision(revision)),
                _ => Err(Failure::unreadable(format!("`If-Match: {v}` is not a revision"))
                    .hint("send the `revision` as it was read")),
            },
            _ => Err(Failure::unreadable(
                "`If-None-Match` takes only `*`, and not together with `If-Match`",
            )),
        }
    }
}

impl Condition {
    /// Holds the condition against what is there (zero: nothing). `what` names it.
    pub fn check(self, what: &str, found: Revision) -> Answer<()> {
        match self {
            Condition::Absent if found != 0 => Err(exists(what)),
            Condition::Exists if found == 0 => Err(Failure::not_found(format!("there is no {what}"))),
            Condition::Revision(_) if found == 0 => Err(Failure::stale(format!(
                "{what} is gone: it was deleted after you read it"
            ))),
            Condition::Revision(wanted) if wanted != found => Err(changed(what, wanted, found)),
            _ => Ok(()),
        }
    }
}

fn exists(what: &str) -> Failure {
    Failure::conflict(format!("{what} exists already"))
        .hint("take another name, or change it with its revision")
}

fn changed(what: &str, wanted: Revision, found: Revision) -> Failure {
    Failure::stale(format!(
        "{what} has changed since you read it: it is at revision {found}, not {wanted}"
    ))
    .hint("read it again and make your change to what is there now")
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn condition(name: &str, value: &str) -> Answer<Condition> {
        let request = Request::builder().header(name, value).body(()).unwrap();
        Condition::from_request_parts(&mut request.into_parts().0, &()).await
    }

    #[tokio::test]
    async fn conditions_are_read_and_held() {
        assert_eq!(condition("if-match", "\"12\"").await, Ok(Condition::Revision(12)));
        assert_eq!(condition("if-match", "12").await, Ok(Condition::Revision(12)));
        assert_eq!(condition("if-none-match", "*").await, Ok(Condition::Absent));
        assert_eq!(condition("x", "y").await, Ok(Condition::Any));
        assert!(condition("if-match", "twelve").await.is_err());
        for (condition, found, status) in [
            (Condition::Revision(12), 13, 412),
            (Condition::Revision(12), 0, 412),
            (Condition::Absent, 12, 409),
            (Condition::Exists, 0, 404),
        ] {
            assert_eq!(
                condition.check("job a", found).unwrap_err().status,
                status,
                "{condition:?} {found}"
            );
        }
        assert!(
            Condition::Any.check("job a", 0).is_ok() && Condition::Revision(12).check("job a", 12).is_ok()
        );
    }
}
