//! The API, as the CLI speaks it.

use std::{path::PathBuf, time::Duration};

use futures::{Stream, StreamExt};
use reqwest::{Method, Response, StatusCode, header};
use serde::{Serialize, de::DeserializeOwned};
use shared::api::{BASE, CSRF_HEADER, ErrorBody, Login, Page, SESSION_COOKIE, WhoAmI, paths};

use crate::{
    context,
    error::{CliError, Kind, Result},
    sse,
};

/// One server, one credential.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    url: String,
    credential: Credential,
}

/// What the client shows to the server.
#[derive(Clone)]
enum Credential {
    None,
    Token(String),
    /// A session that began with a password: its cookie, and the token that writes need.
    Session {
        cookie: String,
        csrf: String,
    },
}

/// Where to find the server: what the user said, before the context file is asked.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Server {
    /// The server's address, such as http://127.0.0.1:7070
    #[arg(long, env = "GNOMON_URL", global = true, help_heading = "Server")]
    pub url: Option<String>,
    /// An API token
    #[arg(
        long,
        env = "GNOMON_TOKEN",
        hide_env_values = true,
        global = true,
        help_heading = "Server"
    )]
    pub token: Option<String>,
    /// A file with the certificate authority to trust besides the system's
    #[arg(long, env = "GNOMON_CA", global = true, help_heading = "Server")]
    pub ca: Option<PathBuf>,
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const CALL_TIMEOUT: Duration = Duration::from_secs(60);

impl Client {
    /// A client with the credential of flags, environment or context file.
    pub fn new(server: &Server) -> Result<Client> {
        let stored = if server.url.is_some() && server.token.is_some() {
            None
        } else {
            context::load()?
        };
        let url = server.url.clone().or_else(|| stored.as_ref().map(|c| c.url.clone())).ok_or_else(|| {
            CliError::usage("no server is known").hint(
                "start one with `gnomon standalone`, log in with `gnomon login --url URL`, or give --url and --token",
            )
        })?;
        let url = url.trim_end_matches('/').to_owned();
        // A stored token goes to the server that it is for, never to another.
        let token = server.token.clone().or_else(|| {
            stored
                .as_ref()
                .filter(|c| c.url.trim_end_matches('/') == url)
                .map(|c| c.token.clone())
        });
        let ca = server.ca.clone().or_else(|| stored.and_then(|c| c.ca));
        Client::with(url, token, ca)
    }

    /// A client for exactly this server.
    pub fn with(url: String, token: Option<String>, ca: Option<PathBuf>) -> Result<Client> {
        if !(url.starts_with("http://") || url.starts_with("https://")) {
            return Err(CliError::usage(format!(
                "`{url}` is not an address such as http://127.0.0.1:7070"
            )));
        }
        let mut http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .no_proxy();
        if let Some(ca) = ca {
            let read = |e: &dyn std::fmt::Display| CliError::usage(format!("--ca {}: {e}", ca.display()));
            let pem = std::fs::read(&ca).map_err(|e| read(&e))?;
            for certificate in reqwest::Certificate::from_pem_bundle(&pem).map_err(|e| read(&e))? {
                http = http.add_root_certificate(certificate);
            }
        }
        let http = http
            .build()
            .map_err(|e| CliError::failed(format!("starting an HTTP client: {e}")))?;
        let credential = token.map_or(Credential::None, Credential::Token);
        Ok(Client {
            http,
            url,
            credential,
        })
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// A client with the session that a password opens.
    pub async fn login(&self, login: &Login) -> Result<Client> {
        let answer = self
            .answer(
                self.request(Method::POST, paths::LOGIN)
                    .timeout(CALL_TIMEOUT)
                    .json(login),
            )
            .await?;
        let cookie = answer
            .headers()
            .get_all(header::SET_COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok()?.split(';').next())
            .find(|cookie| cookie.starts_with(SESSION_COOKIE))
            .map(str::to_owned);
        let who: Option<WhoAmI> = answer.json().await.ok();
        match (cookie, who.and_then(|who| who.csrf)) {
            (Some(cookie), Some(csrf)) => Ok(Client {
                credential: Credential::Session { cookie, csrf },
                ..self.clone()
            }),
            _ => Err(foreign(&self.url, StatusCode::OK)),
        }
    }

    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        self.json(self.request(Method::GET, path)).await
    }

    /// All items of a paged list, up to `most`.
    pub async fn pages<T: DeserializeOwned>(&self, path: &str, most: usize) -> Result<Vec<T>> {
        let mut items: Vec<T> = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let join = if path.contains('?') { '&' } else { '?' };
            let page_path = match &cursor {
                Some(cursor) => format!("{path}{join}cursor={}", escape(cursor)),
                None => path.to_owned(),
            };
            let page: Page<T> = self.get(&page_path).await?;
            let is_empty = page.items.is_empty();
            items.extend(page.items);
            cursor = page.next;
            if cursor.is_none() || is_empty || items.len() >= most {
                items.truncate(most);
                return Ok(items);
            }
        }
    }

    pub async fn post<B: Serialize + ?Sized, T: DeserializeOwned>(&self, path: &str, body: &B) -> Result<T> {
        self.json(self.request(Method::POST, path).json(body)).await
    }

    /// A change of a part.
    pub async fn patch<B: Serialize + ?Sized, T: DeserializeOwned>(&self, path: &str, body: &B) -> Result<T> {
        self.json(self.request(Method::PATCH, path).json(body)).await
    }

    /// A write whose answer says nothing but that it was done.
    pub async fn send<B: Serialize + ?Sized>(&self, method: Method, path: &str, body: &B) -> Result<()> {
        self.answer(self.request(method, path).timeout(CALL_TIMEOUT).json(body))
            .await
            .map(drop)
    }

    /// A replacement of what has this revision.
    pub async fn put<B: Serialize + ?Sized, T: DeserializeOwned>(
        &self,
        path: &str,
        revision: shared::Revision,
        body: &B,
    ) -> Result<T> {
        self.json(
            self.request(Method::PUT, path)
                .header(header::IF_MATCH, revision.to_string())
                .json(body),
        )
        .await
    }

    /// Something that must not be there yet.
    pub async fn put_new<B: Serialize + ?Sized, T: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
    ) -> Result<T> {
        self.json(
            self.request(Method::PUT, path)
                .header(header::IF_NONE_MATCH, "*")
                .json(body),
        )
        .await
    }

    pub async fn delete(&self, path: &str) -> Result<()> {
        self.answer(self.request(Method::DELETE, path).timeout(CALL_TIMEOUT))
            .await
            .map(drop)
    }

    /// A body as it comes, however long it takes.
    pub async fn download(&self, path: &str) -> Result<impl Stream<Item = Result<Vec<u8>>> + use<>> {
        let url = self.url.clone();
        let answer = self.answer(self.request(Method::GET, path)).await?;
        Ok(answer
            .bytes_stream()
            .map(move |piece| piece.map(|b| b.to_vec()).map_err(|e| unreachable(&url, &e))))
    }

    /// Sends a file's bytes as they are read.
    pub async fn upload<T: DeserializeOwned>(&self, path: &str, body: reqwest::Body) -> Result<T> {
        let request = self
            .request(Method::POST, path)
            .header(header::CONTENT_TYPE, "application/x-ndjson");
        let answer = self.answer(request.body(body)).await?;
        self.decoded(answer).await
    }

    /// Events as they come. `after` is the last event's id already seen.
    pub async fn events(
        &self,
        path: &str,
        after: Option<&str>,
    ) -> Result<impl Stream<Item = Result<sse::Event>> + use<>> {
        let mut request = self
            .request(Method::GET, path)
            .header(header::ACCEPT, "text/event-stream");
        if let Some(id) = after {
            request = request.header("last-event-id", id);
        }
        let url = self.url.clone();
        let answer = self.answer(request).await?;
        let mut parser = sse::Parser::default();
        Ok(answer.bytes_stream().flat_map(move |piece| {
            let events: Vec<Result<sse::Event>> = match piece {
                Ok(bytes) => parser.push(&bytes).into_iter().map(Ok).collect(),
                Err(e) => vec![Err(unreachable(&url, &e))],
            };
            futures::stream::iter(events)
        }))
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}{BASE}{path}", self.url));
        match &self.credential {
            Credential::None => request,
            Credential::Token(token) => request.bearer_auth(token),
            Credential::Session { cookie, csrf } => {
                request.header(header::COOKIE, cookie).header(CSRF_HEADER, csrf)
            }
        }
    }

    async fn json<T: DeserializeOwned>(&self, request: reqwest::RequestBuilder) -> Result<T> {
        let answer = self.answer(request.timeout(CALL_TIMEOUT)).await?;
        self.decoded(answer).await
    }

    async fn decoded<T: DeserializeOwned>(&self, answer: Response) -> Result<T> {
        answer.json().await.map_err(|e| {
            if e.is_decode() {
                CliError::failed(format!("{} did not answer as Gnomon does: {e}", self.url))
                    .hint("is it a Gnomon server, of the same version?")
            } else {
                unreachable(&self.url, &e)
            }
        })
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<Response> {
        let answer = request.send().await.map_err(|e| unreachable(&self.url, &e))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let body = answer.bytes().await.unwrap_or_default();
        match serde_json::from_slice::<ErrorBody>(&body) {
            Ok(body) => Err(body.error.into()),
            Err(_) => Err(foreign(&self.url, status)),
        }
    }
}

/// An error that is not in Gnomon's form: something else answers at this address.
fn foreign(url: &str, status: StatusCode) -> CliError {
    CliError::failed(format!("{url} answered {status}, not as Gnomon does")).hint("is it a Gnomon server?")
}

fn unreachable(url: &str, e: &reqwest::Error) -> CliError {
    // reqwest's own text says little; the cause does ("connection refused").
    let mut cause: &dyn std::error::Error = e;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let what = if e.is_timeout() {
        "it did not answer in time".to_owned()
    } else {
        cause.to_string()
    };
    CliError::new(Kind::Unreachable, format!("cannot reach {url}: {what}"))
        .hint("is the server running? `gnomon standalone` starts one; --url or GNOMON_URL names another")
}

/// A text as it may stand in a path or a query.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(byte as char);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// A path template of [`shared::api::paths`] with its `{}` parts filled in order.
pub fn fill(template: &str, parts: &[&str]) -> String {
    let mut path = String::new();
    let mut parts = parts.iter();
    for segment in template.split('/').skip(1) {
        path.push('/');
        if segment.starts_with('{') {
            path.push_str(&escape(parts.next().unwrap_or(&"")));
        } else {
            path.push_str(segment);
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_filled_and_escaped() {
        assert_eq!(
            fill("/jobs/{namespace}/{name}/run", &["ops", "备 份"]),
            "/jobs/ops/%E5%A4%87%20%E4%BB%BD/run"
        );
    }
}
