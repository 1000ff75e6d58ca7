//! Real etcd servers: Debian's, and 3.5.

use std::{
    io::{Read, Write},
    net::TcpStream,
    path::PathBuf,
    process::Command,
    time::Duration,
};

use crate::{Port, Process, Scratch, process::program, wait::SOON};

/// Which etcd to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EtcdVersion {
    /// `etcd` in PATH: 3.4 on Debian 12, 3.5 on Debian 13.
    System,
    /// 3.5, which `deploy/setup test` puts into the user's cache.
    V3_5,
}

impl EtcdVersion {
    /// The server program, or its companion (`etcdctl`).
    pub fn program(self, name: &str) -> PathBuf {
        match self {
            EtcdVersion::System => program(
                &[name],
                if name == "etcd" {
                    "etcd-server"
                } else {
                    "etcd-client"
                },
            ),
            EtcdVersion::V3_5 => {
                let cache = std::env::var_os("XDG_CACHE_HOME")
                    .map(PathBuf::from)
                    .unwrap_or_else(|| {
                        PathBuf::from(std::env::var_os("HOME").expect("HOME is set")).join(".cache")
                    });
                let path = cache.join("gnomon/etcd-3.5/bin").join(name);
                assert!(
                    path.is_file(),
                    "{} is missing: run deploy/setup test",
                    path.display()
                );
                path
            }
        }
    }
}

/// One member, alone or of a cluster.
pub struct Etcd {
    process: Process,
    client: Port,
    version: EtcdVersion,
    scratch: Scratch,
    /// Held, not read: the port that other members call.
    _peer: Port,
}

impl Etcd {
    /// A single server, answering.
    pub fn start() -> Etcd {
        Etcd::start_version(EtcdVersion::System)
    }

    pub fn start_version(version: EtcdVersion) -> Etcd {
        EtcdCluster::start_version(version, 1).members.remove(0)
    }

    /// Its client URL.
    pub fn url(&self) -> String {
        self.client.url()
    }

    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Whether it was started and not killed since; it may be frozen.
    pub fn is_running(&self) -> bool {
        self.process.is_started()
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again with the data that it had, and waits until it answers.
    pub fn restart(&mut self) {
        self.process.start();
        self.answers();
    }

    /// Waits until it serves reads, which needs a quorum.
    pub fn answers(&mut self) {
        let client = self.client.number();
        self.process.ready(SOON, || {
            http_get(client, "/health").is_some_and(|b| b.contains("\"true\""))
        });
    }

    /// Runs etcdctl against this member; gives what it prints.
    pub fn ctl(&self, args: &[&str]) -> String {
        let out = Command::new(self.version.program("etcdctl"))
            .env("ETCDCTL_API", "3")
            .arg("--endpoints")
            .arg(self.url())
            .args(args)
            .output()
            .unwrap();
        assert!(
            out.status.success(),
            "etcdctl {args:?}: {}",
            String::from_utf8_lossy(&out.stderr)
        );
        String::from_utf8(out.stdout).unwrap()
    }

    /// The key's value, if there is one.
    pub fn get(&self, key: &str) -> Option<String> {
        let out = self.ctl(&["get", "--print-value-only", key]);
        (!out.is_empty()).then(|| out.trim_end_matches('\n').to_owned())
    }

    /// Where its data is, for tests that damage it.
    pub fn data_dir(&self) -> PathBuf {
        self.scratch.join("data")
    }
}

/// Members that know each other.
pub struct EtcdCluster {
    pub members: Vec<Etcd>,
}

impl EtcdCluster {
    /// Three members, answering.
    pub fn start(size: usize) -> EtcdCluster {
        EtcdCluster::start_version(EtcdVersion::System, size)
    }

    pub fn start_version(version: EtcdVersion, size: usize) -> EtcdCluster {
        let ports: Vec<_> = (0..size).map(|_| (Port::free(), Port::free())).collect();
        let cluster = ports
            .iter()
            .enumerate()
            .map(|(i, (_, peer))| format!("m{i}={}", peer.url()))
            .collect::<Vec<_>>()
            .join(",");
        let mut members: Vec<_> = ports
            .into_iter()
            .enumerate()
            .map(|(i, (client, peer))| member(version, i, client, peer, &cluster))
            .collect();
        for m in &mut members {
            m.process.start();
        }
        for m in &mut members {
            m.answers();
        }
        EtcdCluster { members }
    }

    /// All client URLs, with commas between them, as `--etcd` takes them.
    pub fn urls(&self) -> String {
        self.members.iter().map(Etcd::url).collect::<Vec<_>>().join(",")
    }
}

fn member(version: EtcdVersion, i: usize, client: Port, peer: Port, cluster: &str) -> Etcd {
    let scratch = Scratch::new("etcd");
    let program = version.program("etcd");
    let (data, cluster) = (scratch.join("data"), cluster.to_owned());
    let (client_url, peer_url) = (client.url(), peer.url());
    let command = move || {
        let mut c = Command::new(&program);
        // Etcd takes its flags from the environment too: none of ours is meant for it.
        for (key, _) in std::env::vars_os() {
            if key.to_string_lossy().starts_with("ETCD_") {
                c.env_remove(key);
            }
        }
        c.args(["--name", &format!("m{i}"), "--data-dir"]).arg(&data);
        c.args([
            "--listen-client-urls",
            &client_url,
            "--advertise-client-urls",
            &client_url,
        ]);
        c.args([
            "--listen-peer-urls",
            &peer_url,
            "--initial-advertise-peer-urls",
            &peer_url,
        ]);
        c.args(["--initial-cluster", &cluster, "--initial-cluster-state", "new"]);
        c.args(["--log-level", "warn", "--logger", "zap"]);
        if version == EtcdVersion::V3_5 {
            // What a killed process has written is in the kernel's hands: only a machine that
            // loses power needs the sync. (Debian 12's 3.4 cannot leave it out.)
            c.arg("--unsafe-no-fsync");
        }
        c
    };
    let process = Process::new(&format!("etcd m{i}"), scratch.join("log"), command);
    Etcd {
        process,
        client,
        version,
        scratch,
        _peer: peer,
    }
}

/// The body of what `GET path` gives on a loopback port, if anything answers within a second.
pub fn http_get(port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n").ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.lines().next()?.contains(" 200").then(|| body.to_owned())
}
