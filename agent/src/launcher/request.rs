//! Runs that are HTTP requests.

use std::sync::Arc;

use reqwest::{
    Method, Response, StatusCode, Url,
    header::{CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_LOCATION, CONTENT_TYPE, LOCATION},
    redirect,
};
use shared::{
    id::RunId,
    job::HttpRequest,
    report::{Stream, Usage},
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    client,
    parts::{Exit, ProcessEvent, StartError},
    policy::Policy,
};

const REDIRECTS_MAX: usize = 10;

/// Sends requests.
pub struct Requests {
    client: reqwest::Client,
    policy: Arc<Policy>,
}

/// A request, checked and ready to be sent.
pub struct Prepared(reqwest::Request);

impl Requests {
    pub fn new(policy: Arc<Policy>) -> anyhow::Result<Requests> {
        let client = client::build(None, |builder| {
            builder
                .user_agent(concat!("gnomon/", env!("CARGO_PKG_VERSION")))
                // Followed here: what a job tells one server is not for others.
                .redirect(redirect::Policy::none())
        })?;
        Ok(Requests { client, policy })
    }

    pub fn prepare(&self, request: &HttpRequest) -> Result<Prepared, StartError> {
        let method: Method = request
            .method
            .parse()
            .map_err(|_| StartError::Failed(format!("`{}` is no HTTP method", request.method)))?;
        let mut builder = self.client.request(method, &request.url);
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        if let Some(body) = &request.body {
            builder = builder.body(body.clone());
        }
        builder
            .build()
            .map(Prepared)
            .map_err(|e| StartError::Failed(client::describe(e)))
    }

    /// Sends it and brings the answer to `events`. It takes as long as it takes: the runner
    /// has it given up.
    pub async fn send(
        &self,
        run: RunId,
        Prepared(request): Prepared,
        cancel: CancellationToken,
        events: mpsc::Sender<ProcessEvent>,
    ) {
        let exit = tokio::select! {
            exit = self.exchange(run, request, &events) => exit,
            () = cancel.cancelled() => Exit::Http("the request was given up".into()),
        };
        let _ = events
            .send(ProcessEvent::Ended {
                run,
                exit,
                usage: Usage::default(),
            })
            .await;
    }

    async fn exchange(
        &self,
        run: RunId,
        request: reqwest::Request,
        events: &mpsc::Sender<ProcessEvent>,
    ) -> Exit {
        let mut response = match self.answer(request).await {
            Ok(response) => response,
            Err(error) => return Exit::Http(error),
        };
        let status = i32::from(response.status().as_u16());
        loop {
            match response.chunk().await {
                Ok(Some(data)) => {
                    let data = data.to_vec();
                    let _ = events
                        .send(ProcessEvent::Output {
                            run,
                            stream: Stream::Stdout,
                            data,
                        })
                        .await;
                }
                Ok(None) => return Exit::Code(status),
                Err(error) => return Exit::Http(client::describe(error)),
            }
        }
    }

    /// The answer at the end of all redirects.
    async fn answer(&self, request: reqwest::Request) -> Result<Response, String> {
        let mut next = Some(request);
        for _ in 0..=REDIRECTS_MAX {
            let Some(request) = next.take() else { break };
            let sent = request.try_clone();
            let response = self.client.execute(request).await.map_err(client::describe)?;
            let Some((request, url)) = sent.zip(target(&response)) else {
                return Ok(response);
            };
            // A server that is allowed must not lead to one that is not.
            self.policy
                .check_url(&url)
                .map_err(|rule| format!("redirected to where the host's policy forbids: {rule}"))?;
            next = Some(redirected(request, response.status(), url));
        }
        Err(format!("more than {REDIRECTS_MAX} redirects"))
    }
}

/// Where an answer leads to.
fn target(response: &Response) -> Option<Url> {
    let is_redirect = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let location = response.headers().get(LOCATION).filter(|_| is_redirect)?;
    response.url().join(location.to_str().ok()?).ok()
}

/// The request as it goes on to another place: as fetch does it
/// (<https://fetch.spec.whatwg.org/#http-redirect-fetch>), but that nothing of the job's own
/// headers leaves the server that they were for.
fn redirected(mut request: reqwest::Request, status: StatusCode, url: Url) -> reqwest::Request {
    let becomes_get = match status {
        StatusCode::SEE_OTHER => ![Method::GET, Method::HEAD].contains(request.method()),
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => request.method() == Method::POST,
        _ => false,
    };
    if url.origin() != request.url().origin() {
        // What says how to read the body stays with it.
        let body_type = request.headers_mut().remove(CONTENT_TYPE);
        request.headers_mut().clear();
        body_type.map(|body_type| request.headers_mut().insert(CONTENT_TYPE, body_type));
    }
    if becomes_get {
        *request.method_mut() = Method::GET;
        *request.body_mut() = None;
        for name in [
            CONTENT_ENCODING,
            CONTENT_LANGUAGE,
            CONTENT_LENGTH,
            CONTENT_LOCATION,
            CONTENT_TYPE,
        ] {
            request.headers_mut().remove(name);
        }
    }
    *request.url_mut() = url;
    request
}
