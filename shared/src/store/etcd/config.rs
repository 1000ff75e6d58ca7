//! What an etcd is reached with, and what of it can be wrong before anything is sent.

use std::{fmt, fs, io, path::PathBuf, time::Duration};

use etcd_client::{Certificate, ConnectOptions, Identity, TlsOptions};

/// Where the authorities stand that a system trusts: Debian, Fedora, SUSE, Alpine.
const SYSTEM_AUTHORITIES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];
/// etcd hangs up on clients that ping more often than every five seconds.
const PING_EVERY: Duration = Duration::from_secs(6);
const PING_TIMEOUT: Duration = Duration::from_secs(3);

/// How to reach an etcd cluster.
#[derive(Clone)]
pub struct EtcdConfig {
    /// URLs of the members, `http://host:2379` or `https://…`.
    pub endpoints: Vec<String>,
    /// What all keys start with; ends with a slash (one is added).
    pub prefix: String,
    /// Name and password, if etcd asks for them.
    pub user: Option<(String, String)>,
    /// Files for `https` endpoints.
    pub tls: EtcdTls,
    /// How long a member may take to be connected to and to say that it is well.
    pub connect_timeout: Duration,
    /// How long a call may take in all. Reads and renewals try another member after
    /// two fifths of it, so that a lease of twice this time outlives a frozen member.
    pub call_timeout: Duration,
    /// How long a watch may be silent before it is asked whether it still lives; it has
    /// as long again to answer.
    pub watch_silence: Duration,
}

/// PEM files for `https` endpoints.
#[derive(Clone, Debug, Default)]
pub struct EtcdTls {
    /// The authority that the members' certificates come from; the system's if none.
    pub ca: Option<PathBuf>,
    /// This client's certificate and key, if the members ask for one: both or neither.
    pub cert: Option<PathBuf>,
    pub key: Option<PathBuf>,
    /// The name that the members' certificates carry, if not the URL's.
    pub server_name: Option<String>,
}

// Written by hand: a password never reaches a log.
impl fmt::Debug for EtcdConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EtcdConfig")
            .field("endpoints", &self.endpoints)
            .field("prefix", &self.prefix)
            .field("user", &self.user.as_ref().map(|(name, _)| name))
            .field("tls", &self.tls)
            .field("connect_timeout", &self.connect_timeout)
            .field("call_timeout", &self.call_timeout)
            .field("watch_silence", &self.watch_silence)
            .finish()
    }
}

impl Default for EtcdConfig {
    fn default() -> EtcdConfig {
        EtcdConfig {
            endpoints: vec!["http://127.0.0.1:2379".into()],
            prefix: "/gnomon/".into(),
            user: None,
            tls: EtcdTls::default(),
            connect_timeout: Duration::from_secs(2),
            call_timeout: Duration::from_secs(5),
            watch_silence: Duration::from_secs(5),
        }
    }
}

/// What is wrong with an [`EtcdConfig`].
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("no etcd endpoint is given; write one as http://127.0.0.1:2379")]
    NoEndpoint,
    #[error("`{0}` is not an etcd endpoint; write it as http://127.0.0.1:2379")]
    Endpoint(String),
    #[error("a client certificate needs its key, and a key its certificate")]
    HalfIdentity,
    #[error("TLS files are given, but the endpoint {0} is not https")]
    TlsWithoutHttps(String),
    #[error("no certificate authority is given for etcd, and the system has none")]
    NoAuthority,
    #[error("cannot read {}", path.display())]
    Read { path: PathBuf, source: io::Error },
}

impl EtcdConfig {
    /// How long a call that may be repeated waits for one member.
    pub(super) fn attempt_timeout(&self) -> Duration {
        self.call_timeout * 2 / 5
    }

    /// The prefix with its one slash at the end.
    pub(super) fn key_prefix(&self) -> String {
        format!("{}/", self.prefix.trim_end_matches('/'))
    }

    /// The endpoints as URLs with a scheme.
    pub(super) fn urls(&self) -> Result<Vec<String>, ConfigError> {
        let scheme = if self.tls.is_given() { "https" } else { "http" };
        let url = |endpoint: &String| {
            let endpoint = endpoint.trim().trim_end_matches('/');
            let url = match endpoint.split_once("://") {
                Some(("http" | "https", host)) if !host.is_empty() => endpoint.to_owned(),
                None if !endpoint.is_empty() && !endpoint.ends_with(':') => format!("{scheme}://{endpoint}"),
                _ => return Err(ConfigError::Endpoint(endpoint.to_owned())),
            };
            if url.contains(char::is_whitespace) || url.contains(',') {
                return Err(ConfigError::Endpoint(url));
            }
            if self.tls.is_given() && url.starts_with("http://") {
                return Err(ConfigError::TlsWithoutHttps(url));
            }
            Ok(url)
        };
        let urls = self.endpoints.iter().map(url).collect::<Result<Vec<_>, _>>()?;
        if urls.is_empty() {
            Err(ConfigError::NoEndpoint)
        } else {
            Ok(urls)
        }
    }

    pub(super) fn options(&self, urls: &[String]) -> Result<ConnectOptions, ConfigError> {
        let mut options = ConnectOptions::new()
            .with_keep_alive(PING_EVERY, PING_TIMEOUT)
            .with_keep_alive_while_idle(false)
            .with_connect_timeout(self.connect_timeout)
            .with_require_leader(true)
            .with_auto_token_refresh(true);
        if let Some((name, password)) = &self.user {
            options = options.with_user(name, password);
        }
        if urls.iter().any(|url| url.starts_with("https://")) {
            options = options.with_tls(self.tls.options()?);
        }
        Ok(options)
    }
}

impl EtcdTls {
    fn is_given(&self) -> bool {
        self.ca.is_some() || self.cert.is_some() || self.key.is_some()
    }

    fn options(&self) -> Result<TlsOptions, ConfigError> {
        let authorities = match &self.ca {
            Some(path) => read(path)?,
            None => SYSTEM_AUTHORITIES
                .iter()
                .find_map(|path| fs::read(path).ok())
                .ok_or(ConfigError::NoAuthority)?,
        };
        let mut options = TlsOptions::new().ca_certificate(Certificate::from_pem(authorities));
        options = match (&self.cert, &self.key) {
            (Some(cert), Some(key)) => options.identity(Identity::from_pem(read(cert)?, read(key)?)),
            (None, None) => options,
            _ => return Err(ConfigError::HalfIdentity),
        };
        if let Some(name) = &self.server_name {
            options = options.domain_name(name);
        }
        Ok(options)
    }
}

fn read(path: &PathBuf) -> Result<Vec<u8>, ConfigError> {
    fs::read(path).map_err(|source| ConfigError::Read {
        path: path.clone(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(endpoints: &[&str], tls: EtcdTls) -> Result<Vec<String>, String> {
        let endpoints = endpoints.iter().map(|e| e.to_string()).collect();
        let config = EtcdConfig {
            endpoints,
            tls,
            ..EtcdConfig::default()
        };
        config.urls().map_err(|e| e.to_string())
    }

    #[test]
    fn endpoints_as_people_write_them() {
        let none = EtcdTls::default;
        let tls = || EtcdTls {
            ca: Some("ca.pem".into()),
            ..EtcdTls::default()
        };
        assert_eq!(
            urls(&["db1:2379", " http://db2:2379/ "], none()).unwrap(),
            ["http://db1:2379", "http://db2:2379"]
        );
        assert_eq!(urls(&["db1:2379"], tls()).unwrap(), ["https://db1:2379"]);
        for (endpoints, tls, why) in [
            (&[][..], none(), "no etcd endpoint is given"),
            (&[""], none(), "`` is not an etcd endpoint"),
            (&["http://"], none(), "is not an etcd endpoint"),
            (&["ftp://db1"], none(), "`ftp://db1` is not an etcd endpoint"),
            (&["a:1,b:1"], none(), "`http://a:1,b:1` is not an etcd endpoint"),
            (&["http://db1:2379"], tls(), "is not https"),
        ] {
            let error = urls(endpoints, tls).unwrap_err();
            assert!(error.contains(why), "{endpoints:?}: {error}");
        }
    }

    #[test]
    fn a_password_is_not_printed() {
        let config = EtcdConfig {
            user: Some(("agent".into(), "secret".into())),
            ..EtcdConfig::default()
        };
        let printed = format!("{config:?}");
        assert!(
            printed.contains("agent") && !printed.contains("secret"),
            "{printed}"
        );
    }

    #[test]
    fn one_slash_ends_the_prefix() {
        for prefix in ["/gnomon", "/gnomon/", "/gnomon//"] {
            let config = EtcdConfig {
                prefix: prefix.into(),
                ..EtcdConfig::default()
            };
            assert_eq!(config.key_prefix(), "/gnomon/");
        }
    }
}
