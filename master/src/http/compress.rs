//! Long answers are sent compressed to who takes them so: the board of ten thousand jobs is
//! a few megabytes of text that repeats itself.

use std::io::Write;

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::Request,
    http::{HeaderMap, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use flate2::{Compression, write::GzEncoder};

use super::failure::Failure;

/// Shorter ones are not worth it.
const BYTES_MIN: u64 = 4 << 10;
/// Longer ones are streams, which are sent as they come.
const BYTES_MAX: u64 = 64 << 20;
/// Fast: on loopback and in a browser the last few percent are not worth the time.
const LEVEL: u32 = 1;

/// Compresses JSON whose length is known.
pub async fn compress(request: Request, next: Next) -> Response {
    let takes = takes_gzip(request.headers());
    let response = next.run(request).await;
    if !takes || !is_worth_it(&response) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, BYTES_MAX as usize).await else {
        return Failure::internal(&"an answer could not be read back").into_response();
    };
    let packed = tokio::task::spawn_blocking(move || packed(&bytes)).await;
    let Ok(Ok(packed)) = packed else {
        return Failure::internal(&"an answer could not be compressed").into_response();
    };
    let headers = &mut parts.headers;
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
    Response::from_parts(parts, Body::from(packed))
}

fn packed(bytes: &Bytes) -> std::io::Result<Vec<u8>> {
    let to = Vec::with_capacity(bytes.len() / 6);
    let mut encoder = GzEncoder::new(to, Compression::new(LEVEL));
    encoder.write_all(bytes)?;
    encoder.finish()
}

fn is_worth_it(response: &Response) -> bool {
    let is_json = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    let length = response.body().size_hint().exact().unwrap_or(0);
    is_json
        && !response.headers().contains_key(header::CONTENT_ENCODING)
        && (BYTES_MIN..=BYTES_MAX).contains(&length)
}

/// Whether `accept-encoding` names gzip, and not with a weight of nothing.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter();
    let mut codings = values.filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(','));
    codings.any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let is_gzip = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let weight = parts.find_map(|p| p.strip_prefix("q=")?.parse::<f32>().ok());
        is_gzip && weight.is_none_or(|q| q > 0.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_sent_to_who_takes_it() {
        for (value, expected) in [
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("deflate, br", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
            assert_eq!(takes_gzip(&headers), expected, "{value}");
        }
    }
}
