//! The way to any master: over HTTP, to the one that worked last, or the next.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use reqwest::{Client, StatusCode, header::RETRY_AFTER};
use shared::{
    api::{self, ErrorBody},
    report::{Ack, Batch},
};
use tokio::time::{Instant, sleep_until};

use crate::{
    client,
    parts::{Link, LinkError},
};

/// For a whole request: a master writes a batch into its database before it answers.
const SEND_TIMEOUT: Duration = Duration::from_secs(15);
/// The longest that a master can make an agent wait.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);
/// The most that is read of an answer.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// How to reach the masters.
pub struct HttpLinkConfig {
    /// The masters' URLs as they are known now.
    pub masters: Arc<dyn Fn() -> Vec<String> + Send + Sync>,
    /// Where the last known ones are kept, for a start while the store is away.
    pub remembered: Option<PathBuf>,
    /// The agent's credential.
    pub token: String,
    /// Trust these certificate authorities (PEM) instead of the system's.
    pub ca_file: Option<PathBuf>,
}

/// Sends reports to whichever master answers.
pub struct HttpLink {
    config: HttpLinkConfig,
    client: Client,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The master that worked last.
    current: Option<String>,
    remembered: Vec<String>,
    /// A master said: not before.
    not_before: Option<Instant>,
}

impl HttpLink {
    /// An error if the CA file or the file of remembered masters cannot be read.
    pub fn new(config: HttpLinkConfig) -> anyhow::Result<HttpLink> {
        // A proxy that the environment names is meant for the world outside.
        let client = client::build(config.ca_file.as_deref(), |b| {
            b.no_proxy()
                .timeout(SEND_TIMEOUT)
                .redirect(reqwest::redirect::Policy::none())
        })?;
        let remembered = config
            .remembered
            .as_deref()
            .map(read_remembered)
            .unwrap_or_default();
        let state = State {
            remembered,
            ..State::default()
        };
        Ok(HttpLink {
            config,
            client,
            state: Mutex::new(state),
        })
    }

    /// The masters to try, the one that worked last first.
    fn candidates(&self) -> Vec<String> {
        let mut known = (self.config.masters)();
        known.retain(|url| url.starts_with("http://") || url.starts_with("https://"));
        let mut state = self.lock();
        if known.is_empty() {
            known.clone_from(&state.remembered);
        } else if known != state.remembered {
            state.remembered.clone_from(&known);
            if let Some(path) = &self.config.remembered
                && let Err(error) = write_remembered(path, &known)
            {
                tracing::warn!(%error, path = %path.display(), "the masters' URLs cannot be kept");
            }
        }
        if let Some(at) = state
            .current
            .as_ref()
            .and_then(|current| known.iter().position(|url| url == current))
        {
            known.rotate_left(at);
        }
        known
    }

    async fn send_to(&self, master: &str, batch: &Batch) -> Result<Ack, LinkError> {
        let url = format!(
            "{}{}{}",
            master.trim_end_matches('/'),
            api::BASE,
            api::paths::REPORTS
        );
        let unreachable = |e| LinkError::Unreachable(format!("{master}: {}", client::describe(e)));
        let request = self.client.post(url).bearer_auth(&self.config.token).json(batch);
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let retry_after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
        let body = read_bounded(response).await.map_err(unreachable)?;
        if status.is_success() {
            return serde_json::from_slice(&body)
                .map_err(|e| LinkError::Unreachable(format!("{master}: its answer is not a master's: {e}")));
        }
        let message = match serde_json::from_slice::<ErrorBody>(&body) {
            Ok(body) => body.error.message,
            Err(_) => format!("it answers {status}"),
        };
        let message = format!("{master}: {message}");
        match status {
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                let wait = retry_after.map(|secs| Duration::from_secs(secs).min(RETRY_AFTER_MAX));
                self.lock().not_before = wait.map(|wait| Instant::now() + wait);
                Err(LinkError::Later(message))
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(LinkError::Refused(message)),
            StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY => {
                Err(LinkError::Invalid(message))
            }
            _ => Err(LinkError::Unreachable(message)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Link for HttpLink {
    async fn send(&self, batch: &Batch) -> Result<Ack, LinkError> {
        let not_before = self.lock().not_before.take();
        if let Some(at) = not_before {
            sleep_until(at).await;
        }
        let mut worst = LinkError::Unreachable("no master is known yet".into());
        for master in self.candidates() {
            match self.send_to(&master, batch).await {
                Ok(ack) => {
                    let mut state = self.lock();
                    (state.current, state.not_before) = (Some(master), None);
                    return Ok(ack);
                }
                // A refusal says more than a master that is not there, and the next
                // master may know of a credential that this one has not seen yet.
                Err(error) if severity(&error) >= severity(&worst) => worst = error,
                Err(_) => {}
            }
        }
        Err(worst)
    }
}

fn severity(error: &LinkError) -> u8 {
    match error {
        LinkError::Unreachable(_) => 0,
        LinkError::Later(_) => 1,
        LinkError::Refused(_) => 2,
        LinkError::Invalid(_) => 3,
    }
}

async fn read_bounded(mut response: reqwest::Response) -> Result<Vec<u8>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(bytes) = response.chunk().await? {
        let room = ANSWER_BYTES_MAX - body.len();
        body.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if body.len() == ANSWER_BYTES_MAX {
            break;
        }
    }
    Ok(body)
}

/// A file that is missing or damaged is none: the store tells them again.
fn read_remembered(path: &Path) -> Vec<String> {
    fs::read(path)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default()
}

/// Whole or not at all: a name changes hands at once.
fn write_remembered(path: &Path, masters: &[String]) -> io::Result<()> {
    let draft = path.with_extension("new");
    fs::write(&draft, serde_json::to_vec(masters)?)?;
    fs::rename(draft, path)
}
