//! One request and its answer.

use std::{
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

use js_sys::Object;
use serde::Serialize;
use shared::{
    Revision,
    api::{ApiError, BASE, CSRF_HEADER, ErrorBody, ErrorCode},
    file::value::{self, Located, Read, Value, ValueError},
};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Headers, RequestInit, Response};

use crate::{browser::window, clock, locale::sentences::said, session};

/// Why a call gave nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The server says no, and why.
    Refused(ApiError),
    /// No answer came, or none that Gnomon would give.
    Unreachable(String),
}

impl Failure {
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Failure::Refused(e) => Some(e.code),
            Failure::Unreachable(_) => None,
        }
    }

    /// What is wrong, in the viewer's language.
    pub fn message(&self) -> String {
        said(self.original())
    }

    /// The same as the server or the browser says it.
    pub fn original(&self) -> &str {
        match self {
            Failure::Refused(e) => &e.message,
            Failure::Unreachable(why) => why,
        }
    }

    /// What to do, if the server says.
    pub fn hint(&self) -> Option<String> {
        match self {
            Failure::Refused(e) => e.hint.as_deref().map(said),
            Failure::Unreachable(_) => None,
        }
    }

    /// Whether the same question may be answered in a moment.
    pub fn may_pass(&self) -> bool {
        use ErrorCode::{Internal, TooMany, Unavailable};
        match self.code() {
            Some(code) => matches!(code, Internal | TooMany | Unavailable),
            None => true,
        }
    }

    /// The session has ended: log in again.
    pub fn is_logged_out(&self) -> bool {
        self.code() == Some(ErrorCode::Unauthenticated)
    }
}

/// What the browser throws says itself why.
impl From<JsValue> for Failure {
    fn from(thrown: JsValue) -> Failure {
        Failure::Unreachable(thrown.unchecked_into::<Object>().to_string().into())
    }
}

/// A question to the server, asked when it is awaited. What the types decide is little: all
/// else stands in the binary once, and the future of each type is one and the same.
pub struct Call<T> {
    /// Its method and path.
    asked: String,
    answer: Pin<Box<dyn Future<Output = Result<Located, Failure>>>>,
    of: PhantomData<fn() -> T>,
}

pub(super) fn call<B: Serialize, T>(
    method: &'static str,
    path: &str,
    body: Option<&B>,
    revision: Option<Revision>,
) -> Call<T> {
    let body = body.map(value::of).transpose();
    Call {
        asked: format!("{method} {path}"),
        answer: Box::pin(exchange(method, path.to_owned(), body, revision)),
        of: PhantomData,
    }
}

impl<T: Read> Future for Call<T> {
    type Output = Result<T, Failure>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = self.answer.as_mut().poll(context);
        answer.map(|answer| value::to(answer?).map_err(|e| unreadable(&self.asked, &e)))
    }
}

impl<T> Call<T> {
    /// The same question; its answer is read by `read`.
    pub fn read_by<R>(
        self,
        read: fn(Located) -> Result<R, ValueError>,
    ) -> impl Future<Output = Result<R, Failure>> {
        answered(self.asked, self.answer, read)
    }
}

async fn answered<R>(
    asked: String,
    answer: Pin<Box<dyn Future<Output = Result<Located, Failure>>>>,
    read: fn(Located) -> Result<R, ValueError>,
) -> Result<R, Failure> {
    read(answer.await?).map_err(|e| unreadable(&asked, &e))
}

fn unreadable(asked: &str, why: &dyn std::fmt::Display) -> Failure {
    Failure::Unreachable(format!("the answer to {asked} cannot be read: {why}"))
}

async fn exchange(
    method: &'static str,
    path: String,
    body: Result<Option<Value>, ValueError>,
    revision: Option<Revision>,
) -> Result<Located, Failure> {
    let body = body.map_err(|e| Failure::Unreachable(e.to_string()))?;
    let text = text(&send(method, &path, body, revision).await?).await?;
    // Many writes answer with nothing, which is what `()` reads from `null`.
    let text = if text.is_empty() { "null" } else { &text };
    value::parse(text).map_err(|e| unreadable(&format!("{method} {path}"), &e))
}

/// Reads a text that is no JSON.
pub async fn get_text(path: &str) -> Result<String, Failure> {
    text(&send("GET", path, None, None).await?).await
}

async fn send(
    method: &str,
    path: &str,
    body: Option<Value>,
    revision: Option<Revision>,
) -> Result<Response, Failure> {
    let headers = Headers::new()?;
    headers.set("accept", "application/json")?;
    headers.set(CSRF_HEADER, &session::csrf())?;
    if let Some(revision) = revision {
        headers.set("if-match", &revision.to_string())?;
    }
    if method == "PUT" && revision.is_none() {
        headers.set("if-none-match", "*")?;
    }
    let request = RequestInit::new();
    request.set_method(method);
    if let Some(body) = body {
        headers.set("content-type", "application/json")?;
        request.set_body(&body.to_json().into());
    }
    request.set_headers(&headers);
    let answer = window().fetch_with_str_and_init(&format!("{BASE}{path}"), &request);
    let response: Response = JsFuture::from(answer).await?.unchecked_into();
    if let Some(date) = response.headers().get("date")? {
        clock::heard(&date);
    }
    if response.ok() {
        Ok(response)
    } else {
        Err(refusal(response).await)
    }
}

async fn text(response: &Response) -> Result<String, Failure> {
    let text = JsFuture::from(response.text()?).await?;
    Ok(text.as_string().unwrap_or_default())
}

async fn refusal(response: Response) -> Failure {
    let status = response.status();
    let text = text(&response).await.unwrap_or_default();
    match value::of_json::<ErrorBody>(&text) {
        Ok(body) => {
            // Whatever was asked: the login comes, and what was typed stays where it is kept.
            if body.error.code == ErrorCode::Unauthenticated {
                session::end(session::session());
            }
            Failure::Refused(body.error)
        }
        Err(_) => Failure::Unreachable(format!("the server answers {status}")),
    }
}

/// Fills the `{}` parts of a path of the API, in order, escaped.
pub fn path(template: &str, parts: &[&dyn std::fmt::Display]) -> String {
    let mut parts = parts.iter();
    let mut filled = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        if let Some(part) = parts.next() {
            filled.push_str(&escape(&part.to_string()));
        }
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    filled.push_str(rest);
    filled
}

/// What follows `?`: only what is given.
#[derive(Default)]
pub struct Query(String);

impl Query {
    pub fn with(mut self, name: &str, value: impl std::fmt::Display) -> Query {
        self.0.push(if self.0.is_empty() { '?' } else { '&' });
        self.0.push_str(name);
        self.0.push('=');
        self.0.push_str(&escape(&value.to_string()));
        self
    }

    pub fn with_some(self, name: &str, value: Option<impl std::fmt::Display>) -> Query {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// The path with the query behind it.
    pub fn after(&self, path: &str) -> String {
        format!("{path}{}", self.0)
    }
}

/// Percent-encodes all but the unreserved characters of RFC 3986.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => escaped.push(byte as char),
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_filled_and_escaped() {
        assert_eq!(
            path("/jobs/{namespace}/{name}/run", &[&"ops", &"a b"]),
            "/jobs/ops/a%20b/run"
        );
        assert_eq!(path("/status", &[]), "/status");
    }

    #[test]
    fn queries_hold_what_is_given() {
        let query = Query::default()
            .with("job", "ops/a&b")
            .with_some("node", None::<&str>)
            .with("limit", 3);
        assert_eq!(query.after("/runs"), "/runs?job=ops%2Fa%26b&limit=3");
        assert_eq!(Query::default().after("/runs"), "/runs");
    }
}
