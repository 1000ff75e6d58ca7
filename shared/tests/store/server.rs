//! Real etcd servers on free loopback ports: started, frozen, killed, started again.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use shared::store::{
    DynStore,
    etcd::{Etcd, EtcdConfig},
};
use tempfile::TempDir;

use super::eventually;

/// An installed etcd.
#[derive(Clone)]
pub struct Release {
    etcd: PathBuf,
    etcdctl: PathBuf,
}

impl Release {
    /// The first of the places that holds an etcd of this version.
    fn find(version: &str, places: Vec<Option<PathBuf>>) -> Release {
        for etcd in places.into_iter().flatten() {
            let Ok(output) = Command::new(&etcd).arg("--version").output() else {
                continue;
            };
            if String::from_utf8_lossy(&output.stdout).contains(&format!("etcd Version: {version}.")) {
                return Release {
                    etcdctl: etcd.with_file_name("etcdctl"),
                    etcd,
                };
            }
        }
        panic!("etcd {version} is missing: run `deploy/setup test`, which installs it");
    }

    /// Debian's.
    pub fn etcd_34() -> Release {
        let in_path = std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
        let mut places = vec![std::env::var_os("GNOMON_ETCD_34").map(PathBuf::from)];
        places.extend(in_path.into_iter().flatten().map(|dir| Some(dir.join("etcd"))));
        places.push(Some("/usr/bin/etcd".into()));
        Release::find("3.4", places)
    }

    /// The one that `deploy/setup` installs.
    pub fn etcd_35() -> Release {
        let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
        let cache = std::env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(home);
        Release::find(
            "3.5",
            vec![
                std::env::var_os("GNOMON_ETCD_35").map(PathBuf::from),
                cache.map(|dir| dir.join("gnomon/etcd-3.5/bin/etcd")),
            ],
        )
    }
}

/// One member. Ends with the test, whatever happens.
pub struct Server {
    release: Release,
    dir: TempDir,
    name: String,
    pub url: String,
    peer_url: String,
    args: Vec<String>,
    child: Option<Child>,
}

impl Server {
    fn prepare(release: &Release, name: &str, scheme: &str) -> Server {
        Server {
            release: release.clone(),
            dir: tempfile::Builder::new()
                .prefix("gnomon-etcd")
                .tempdir()
                .expect("a directory"),
            name: name.into(),
            url: format!("{scheme}://127.0.0.1:{}", free_port()),
            peer_url: format!("http://127.0.0.1:{}", free_port()),
            args: vec![],
            child: None,
        }
    }

    /// A single server, running.
    pub async fn start(release: &Release) -> Server {
        Server::start_with(release, &[]).await
    }

    /// A single server with further options, running.
    pub async fn start_with(release: &Release, args: &[&str]) -> Server {
        let mut server = Server::prepare(release, "single", "http");
        server.args = vec!["--initial-cluster".into(), format!("single={}", server.peer_url)];
        server.args.extend(args.iter().map(|arg| arg.to_string()));
        server.run();
        server.wait().await;
        server
    }

    /// A single server behind TLS that asks clients for a certificate too.
    pub async fn start_tls(release: &Release, certs: &Path) -> Server {
        let mut server = Server::prepare(release, "single", "https");
        server.args = vec!["--initial-cluster".into(), format!("single={}", server.peer_url)];
        for (flag, file) in [
            ("--cert-file", "server.pem"),
            ("--key-file", "server.key"),
            ("--trusted-ca-file", "ca.pem"),
        ] {
            server
                .args
                .extend([flag.into(), certs.join(file).display().to_string()]);
        }
        server.args.push("--client-cert-auth".into());
        server.run();
        server
    }

    /// Three members, running.
    pub async fn start_cluster(release: &Release) -> Vec<Server> {
        let mut servers: Vec<Server> = ["a", "b", "c"]
            .iter()
            .map(|name| Server::prepare(release, name, "http"))
            .collect();
        let peers: Vec<String> = servers
            .iter()
            .map(|s| format!("{}={}", s.name, s.peer_url))
            .collect();
        for server in &mut servers {
            server.args = vec!["--initial-cluster".into(), peers.join(",")];
            server.run();
        }
        for server in &servers {
            server.wait().await;
        }
        servers
    }

    /// Starts the process; its data is what it left behind.
    pub fn run(&mut self) {
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.dir.path().join("log"));
        let log = log.expect("a log file");
        let child = Command::new(&self.release.etcd)
            .args(["--name", &self.name, "--data-dir"])
            .arg(self.dir.path().join("data"))
            .args([
                "--listen-client-urls",
                &self.url,
                "--advertise-client-urls",
                &self.url,
            ])
            .args([
                "--listen-peer-urls",
                &self.peer_url,
                "--initial-advertise-peer-urls",
                &self.peer_url,
            ])
            .args(["--heartbeat-interval", "50", "--election-timeout", "500"])
            .args(&self.args)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log file"))
            .stderr(log)
            .spawn()
            .expect("etcd starts");
        self.child = Some(child);
    }

    /// Waits until it answers.
    pub async fn wait(&self) {
        let store = self.store();
        eventually(|| store.snapshot("ready")).await;
    }

    fn signal(&self, signal: Signal) {
        let child = self.child.as_ref().expect("a running server");
        kill(Pid::from_raw(child.id() as i32), signal).expect("the server can be signalled");
    }

    /// kill -9.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("the server can be killed");
            child.wait().expect("the server ends");
        }
    }

    /// It stands still, its connections stay open.
    pub fn freeze(&self) {
        self.signal(Signal::SIGSTOP);
    }

    pub fn thaw(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// A client of this member alone.
    pub fn store(&self) -> DynStore {
        store_at(&[&self.url])
    }

    pub fn etcdctl(&self, args: &[&str]) -> String {
        let output = Command::new(&self.release.etcdctl)
            .env("ETCDCTL_API", "3")
            .args(["--endpoints", &self.url])
            .args(args)
            .output()
            .expect("etcdctl runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "etcdctl {args:?}: {stderr}");
        String::from_utf8(output.stdout).expect("etcdctl prints text")
    }

    /// Puts the data back to what a snapshot holds, while the server is down.
    pub fn restore(&mut self, snapshot: &Path) {
        assert!(self.child.is_none());
        let data = self.dir.path().join("data");
        fs::remove_dir_all(&data).expect("old data");
        let (snapshot, data) = (snapshot.display().to_string(), data.display().to_string());
        let peers = format!("{}={}", self.name, self.peer_url);
        self.etcdctl(&[
            "snapshot",
            "restore",
            &snapshot,
            "--data-dir",
            &data,
            "--name",
            &self.name,
            "--initial-cluster",
            &peers,
            "--initial-advertise-peer-urls",
            &self.peer_url,
        ]);
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A client with the default timeouts.
pub fn store_at(urls: &[&str]) -> DynStore {
    std::sync::Arc::new(Etcd::connect(config(urls)).expect("a configuration"))
}

pub fn config(urls: &[&str]) -> EtcdConfig {
    EtcdConfig {
        endpoints: urls.iter().map(|u| u.to_string()).collect(),
        watch_silence: Duration::from_secs(2),
        ..EtcdConfig::default()
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}
