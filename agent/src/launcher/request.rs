//! Runs that are HTTP requests.

use std::sync::Arc;

use reqwest::{Method, redirect};
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
}

/// A request, checked and ready to be sent.
pub struct Prepared(reqwest::Request);

impl Requests {
    pub fn new(policy: Arc<Policy>) -> anyhow::Result<Requests> {
        let client = client::build(None, |builder| {
            let policy = policy.clone();
            builder
                .user_agent(concat!("gnomon/", env!("CARGO_PKG_VERSION")))
                .redirect(redirect::Policy::custom(move |attempt| {
                    if attempt.previous().len() > REDIRECTS_MAX {
                        return attempt.error(format!("more than {REDIRECTS_MAX} redirects"));
                    }
                    // A server that is allowed must not lead to one that is not.
                    match policy.check_url(attempt.url()) {
                        Ok(()) => attempt.follow(),
                        Err(rule) => {
                            attempt.error(format!("redirected to where the host's policy forbids: {rule}"))
                        }
                    }
                }))
        })?;
        Ok(Requests { client })
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
        let mut response = match self.client.execute(request).await {
            Ok(response) => response,
            Err(error) => return Exit::Http(client::describe(error)),
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
}
