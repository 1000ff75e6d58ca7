//! The console's own files: anybody may load them, for they hold nothing but the program
//! that then logs in. They are part of the binary, compressed beforehand.

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use shared::api::BASE;

use crate::auth::sha256;

/// One file in every form that it is sent in.
#[derive(Debug)]
pub struct File {
    /// Its path from the root, without the slash before it.
    pub path: &'static str,
    pub plain: &'static [u8],
    pub brotli: &'static [u8],
    pub gzip: &'static [u8],
}

/// The console that this binary carries; by default none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Console {
    files: &'static [File],
}

/// The page that every view of the console starts from.
const PAGE: &str = "index.html";
/// What stands here is named by its content, so it never changes.
const HASHED: &str = "assets/";
/// What answers in its own right, whoever asks.
const TAKEN: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// Scripts and styles come from here alone, none from within the page, and no other site
/// may show it in a frame.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; \
    frame-ancestors 'none'";

const ABSENT: &str = "This gnomon was built without its console.

In a clone, `make console` makes it, and building again takes it in; `make run` and
`make release` do both. The API is at /api/v1, described by /api/v1/openapi.json, and the
command line needs no console: gnomon --help
";

/// What a path means to the console.
#[derive(Clone, Copy, Debug)]
enum Wanted {
    File(&'static File),
    /// The page, at whatever path a view has.
    Page,
}

impl Console {
    /// Of these files; of none, it says how to build it.
    pub fn of(files: &'static [File]) -> Console {
        Console { files }
    }

    /// Whether the console answers this request, for which no credential is needed then.
    pub fn takes(&self, method: &Method, path: &str, headers: &HeaderMap) -> bool {
        self.wanted(method, path, headers).is_some()
    }

    /// The answer, if the console has one.
    pub fn answer(&self, method: &Method, path: &str, headers: &HeaderMap) -> Option<Response> {
        let response = match self.wanted(method, path, headers)? {
            Wanted::File(file) => send(file, method, headers),
            Wanted::Page => match self.file(PAGE) {
                Some(page) => send(page, method, headers),
                None => (StatusCode::NOT_FOUND, ABSENT).into_response(),
            },
        };
        Some(response)
    }

    fn wanted(&self, method: &Method, path: &str, headers: &HeaderMap) -> Option<Wanted> {
        if !matches!(*method, Method::GET | Method::HEAD) {
            return None;
        }
        if path == "/" {
            return Some(Wanted::Page);
        }
        if let Some(file) = self.file(path.strip_prefix('/')?) {
            return Some(Wanted::File(file));
        }
        (is_view(path) && accepts_html(headers)).then_some(Wanted::Page)
    }

    fn file(&self, path: &str) -> Option<&'static File> {
        self.files.iter().find(|file| file.path == path)
    }
}

/// Whether a path may be one of the console's views, which only the console knows. Their own
/// names have no dots; those of jobs and nodes, which stand below them, have.
fn is_view(path: &str) -> bool {
    let root = BASE.rsplit_once('/').map_or(BASE, |(root, _)| root);
    let is_api = path
        .strip_prefix(root)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let (first, _) = path[1..].split_once('/').unwrap_or((&path[1..], ""));
    let is_file = first.contains('.') || path[1..].starts_with(HASHED);
    !is_api && !TAKEN.contains(&path) && !first.is_empty() && !is_file
}

/// Whether a person's browser asks for something to look at. Programs that asked for
/// nothing of the kind get the API's errors.
fn accepts_html(headers: &HeaderMap) -> bool {
    let accept = headers.get_all(header::ACCEPT).iter();
    let mut accept = accept.filter_map(|v| v.to_str().ok());
    accept.any(|value| value.to_ascii_lowercase().contains("text/html"))
}

fn send(file: &'static File, method: &Method, headers: &HeaderMap) -> Response {
    let is_hashed = file.path.starts_with(HASHED);
    let (encoding, content) = encoded(file, headers);
    // Each form has a tag of its own: it differs in every byte.
    let identity = if is_hashed {
        file.path.to_owned()
    } else {
        sha256(&String::from_utf8_lossy(file.plain))
    };
    let etag = format!(
        "\"{identity}{}\"",
        encoding.map_or(String::new(), |e| format!("-{e}"))
    );

    let mut response = Response::new(Body::empty());
    let kept = if is_hashed {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let out = response.headers_mut();
    let mut set = |name, value: &'static str| out.insert(name, HeaderValue::from_static(value));
    set(header::CACHE_CONTROL, kept);
    set(header::CONTENT_SECURITY_POLICY, POLICY);
    set(header::VARY, "accept-encoding");
    set(
        header::CONTENT_TYPE,
        media_type(file.path).unwrap_or("application/octet-stream"),
    );
    if let Ok(etag) = HeaderValue::try_from(&etag) {
        out.insert(header::ETAG, etag);
    }
    if is_known(&etag, headers) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    if let Some(encoding) = encoding {
        out.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    out.insert(header::CONTENT_LENGTH, HeaderValue::from(content.len()));
    if *method == Method::GET {
        *response.body_mut() = Body::from(Bytes::from_static(content));
    }
    response
}

/// The smallest form that the client takes.
fn encoded(file: &'static File, headers: &HeaderMap) -> (Option<&'static str>, &'static [u8]) {
    if accepts_encoding("br", headers) {
        (Some("br"), file.brotli)
    } else if accepts_encoding("gzip", headers) {
        (Some("gzip"), file.gzip)
    } else {
        (None, file.plain)
    }
}

/// RFC 9110, 12.5.3. `*` is not heeded: who does not name a coding gets none.
fn accepts_encoding(coding: &str, headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter();
    let mut items = values.filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(','));
    items.any(|item| {
        let (name, weight) = item.split_once(';').unwrap_or((item, ""));
        let weight = weight.trim().strip_prefix("q=").unwrap_or("1");
        name.trim().eq_ignore_ascii_case(coding) && weight.parse::<f32>().is_ok_and(|q| q > 0.0)
    })
}

/// Whether the client has this form already (RFC 9110, 13.1.2: compared weakly).
fn is_known(etag: &str, headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::IF_NONE_MATCH).iter();
    let mut tags = values
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(','))
        .map(str::trim);
    tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

/// Of what the page loads.
fn media_type(path: &str) -> Option<&'static str> {
    let (_, extension) = path.rsplit('/').next()?.rsplit_once('.')?;
    Some(match extension {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "txt" => "text/plain; charset=utf-8",
        _ => return None,
    })
}
