//! What a master is told, and the name it gives itself.

use std::{fs, time::Duration};

use shared::{host::Host, id::MasterId, store::etcd::EtcdConfig};

use crate::{
    housekeeping::Bounds,
    http::{Console, Listen},
};

/// How long a master's lease lasts: a leader that dies is followed by another within it.
pub const LEASE_TTL_DEFAULT: Duration = Duration::from_secs(10);

/// A master of a fleet.
#[derive(Clone, Debug)]
pub struct MasterConfig {
    pub etcd: EtcdConfig,
    /// `postgres://…`, `mysql://…`, or `sqlite:…` for the only master there is.
    pub database_url: String,
    pub listen: Listen,
    /// Where agents and people reach the API; made of `listen` and the host's name if none.
    pub url: Option<String>,
    /// Differs between masters; made of the host's name if none.
    pub id: Option<MasterId>,
    /// Whole seconds, at least two.
    pub lease_ttl: Duration,
    /// What housekeeping keeps at most.
    pub bounds: Bounds,
    /// The console that this binary carries; none by default.
    pub console: Console,
}

impl MasterConfig {
    /// With every default.
    pub fn new(etcd: EtcdConfig, database_url: impl Into<String>, listen: Listen) -> MasterConfig {
        MasterConfig {
            etcd,
            database_url: database_url.into(),
            listen,
            url: None,
            id: None,
            lease_ttl: LEASE_TTL_DEFAULT,
            bounds: Bounds::default(),
            console: Console::default(),
        }
    }
}

/// An id for this start: the host's name, and what tells two masters on it apart. A
/// master that is started again need not wait for its former lease to end.
pub fn new_id(host: &Host) -> MasterId {
    let name: String = host_name()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))
        .take(40)
        .collect();
    let name = name.trim_start_matches(['-', '.']);
    let mark = host.random.next_u64() as u32;
    format!("{name}-{mark:08x}")
        .parse()
        .or_else(|_| format!("master-{mark:08x}").parse())
        .expect("letters, digits and hyphens are an id")
}

/// The URL that others reach a listener on this host by.
pub fn url_of(listen: &Listen, port: u16) -> String {
    let scheme = if listen.tls.is_some() { "https" } else { "http" };
    let ip = listen.address.ip();
    match (ip.is_unspecified(), ip.is_ipv6()) {
        (true, _) => format!("{scheme}://{}:{port}", host_name()),
        (false, true) => format!("{scheme}://[{ip}]:{port}"),
        (false, false) => format!("{scheme}://{ip}:{port}"),
    }
}

fn host_name() -> String {
    let found = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match found.trim() {
        "" => "localhost".to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_those_that_others_reach() {
        let listen = |address: &str| Listen {
            address: address.parse().unwrap(),
            tls: None,
        };
        assert_eq!(url_of(&listen("127.0.0.1:0"), 7070), "http://127.0.0.1:7070");
        assert_eq!(url_of(&listen("[::1]:0"), 7070), "http://[::1]:7070");
        let any = url_of(&listen("0.0.0.0:0"), 7070);
        assert!(any.ends_with(":7070") && !any.contains("0.0.0.0"), "{any}");
    }

    #[test]
    fn ids_differ() {
        let host = Host::system();
        assert_ne!(new_id(&host), new_id(&host));
    }
}
