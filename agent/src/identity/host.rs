//! What the agent finds out about its host: a name, labels, how much it can take.

use shared::target::Labels;

/// How many runs at once for each processor, and at least.
///
/// Most jobs wait: for a database, a network, a disk. A host that takes only as many as
/// it has processors would make them queue while it idles; one without a limit would
/// fall over when everything is due at midnight.
const RUNS_PER_CPU: u32 = 16;
const RUNS_MIN: u32 = 64;

/// How many runs at once this host takes unless told otherwise.
pub fn capacity_default() -> u32 {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    (u32::try_from(cpus)
        .unwrap_or(u32::MAX)
        .saturating_mul(RUNS_PER_CPU))
    .max(RUNS_MIN)
}

/// The host's name without its domain, as a node id can hold it.
pub fn host_name() -> String {
    let name = nix::unistd::gethostname()
        .map(|n| n.to_string_lossy().into_owned())
        .unwrap_or_default();
    name.split('.').next().unwrap_or_default().to_owned()
}

/// Where clouds and orchestrators tell the zone.
const ZONE_VARIABLES: [&str; 4] = ["GNOMON_ZONE", "ZONE", "AVAILABILITY_ZONE", "TOPOLOGY_ZONE"];

/// The labels found on this host, with the given ones laid over them.
pub fn labels(given: &Labels) -> Labels {
    let zone = ZONE_VARIABLES
        .iter()
        .find_map(|name| std::env::var(name).ok())
        .filter(|z| !z.is_empty());
    found(&host_name(), zone, given)
}

fn found(host: &str, zone: Option<String>, given: &Labels) -> Labels {
    let mut labels = Labels::from([
        ("os".to_owned(), std::env::consts::OS.to_owned()),
        ("arch".to_owned(), std::env::consts::ARCH.to_owned()),
    ]);
    if !host.is_empty() {
        labels.insert("hostname".to_owned(), host.to_owned());
    }
    labels.extend(zone.map(|zone| ("zone".to_owned(), zone)));
    labels.extend(given.clone());
    labels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_labels_win() {
        let given = Labels::from([("zone".into(), "b".into()), ("role".into(), "db".into())]);
        let labels = found("db1", Some("a".into()), &given);
        assert_eq!(labels["zone"], "b");
        assert_eq!(labels["role"], "db");
        assert_eq!(labels["hostname"], "db1");
        assert_eq!(labels["os"], "linux");
    }
}
