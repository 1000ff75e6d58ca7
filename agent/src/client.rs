//! HTTP clients, for reports to masters and for jobs that are requests.

use std::{path::Path, time::Duration};

use anyhow::Context;
use reqwest::{Certificate, Client, ClientBuilder};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Builds a client that trusts the system's certificate authorities, or only those of
/// `ca_file` (PEM). `set_up` may be called twice.
pub(crate) fn build(
    ca_file: Option<&Path>,
    set_up: impl Fn(ClientBuilder) -> ClientBuilder,
) -> anyhow::Result<Client> {
    // An error means that another part of this process has installed one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let begin = || set_up(Client::builder().connect_timeout(CONNECT_TIMEOUT));
    if let Some(path) = ca_file {
        let pem =
            std::fs::read(path).with_context(|| format!("cannot read the CA file {}", path.display()))?;
        let certificates = Certificate::from_pem_bundle(&pem)
            .ok()
            .filter(|all| !all.is_empty())
            .with_context(|| format!("the CA file {} holds no certificate in PEM form", path.display()))?;
        return begin()
            .tls_certs_only(certificates)
            .build()
            .context("cannot make an HTTP client");
    }
    match begin().build() {
        Ok(client) => Ok(client),
        Err(error) => {
            // A host without CA certificates can still speak plain HTTP; what is HTTPS
            // fails when it is asked for, with the reason.
            tracing::warn!(%error, "no system CA certificates: requests over HTTPS will fail; install ca-certificates");
            begin()
                .tls_certs_only([])
                .build()
                .context("cannot make an HTTP client")
        }
    }
}

/// An error and what caused it, in one line, without the URL: it may hold secrets.
pub(crate) fn describe(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}
