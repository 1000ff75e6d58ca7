//! Gnomon's own processes.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::{Cli, Ledger, Port, Process, Scratch, cli::text, etcd::http_get, eventually, wait::SOON};

/// The binary that the tests are about: `GNOMON_BIN`, else the one beside the tests' own.
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("GNOMON_BIN") {
        return path.into();
    }
    let me = std::env::current_exe().unwrap();
    // target/debug/deps/cluster-0123 and target/debug/measure.
    let found = me
        .ancestors()
        .skip(1)
        .take(2)
        .map(|dir| dir.join("gnomon"))
        .find(|p| p.is_file());
    found.unwrap_or_else(|| {
        panic!(
            "there is no gnomon beside {}: cargo build -p gnomon (make test does it)",
            me.display()
        )
    })
}

/// `gnomon` with none of the caller's settings, and `home` for its config.
pub fn command(home: &Path) -> Command {
    command_of(&binary(), home)
}

/// The same for another copy of the binary.
pub fn command_of(binary: &Path, home: &Path) -> Command {
    clean(Command::new(binary), home)
}

/// `gnomon` in a mount namespace of its own, in which `set_up` (a line of shell) has been run
/// before. Needs no rights where user namespaces are allowed.
pub fn within_namespace(home: &Path, set_up: &str) -> Command {
    let mut c = Command::new("unshare");
    if !nix::unistd::geteuid().is_root() {
        c.arg("--map-root-user");
    }
    c.args([
        "--mount",
        "bash",
        "-c",
        &format!("{set_up} && exec \"$@\""),
        "bash",
    ])
    .arg(binary());
    clean(c, home)
}

fn clean(mut c: Command, home: &Path) -> Command {
    for (key, _) in std::env::vars_os() {
        if key.to_string_lossy().starts_with("GNOMON_") && key != "GNOMON_CI_MARK" {
            c.env_remove(key);
        }
    }
    c.env("HOME", home)
        .env("XDG_CONFIG_HOME", home.join("config"))
        .env("XDG_DATA_HOME", home.join("data"));
    c.env("RUST_BACKTRACE", "1").env("NO_COLOR", "1");
    c
}

/// A whole instance in one process.
pub struct Standalone {
    pub process: Process,
    pub cli: Cli,
    pub port: Port,
    pub scratch: Scratch,
}

impl Standalone {
    /// A new instance, ready.
    pub fn start() -> Standalone {
        Standalone::start_with(&[])
    }

    pub fn start_with(args: &[&str]) -> Standalone {
        let mut new = Standalone::prepare(args);
        new.start_again();
        new
    }

    /// Everything but the start.
    pub fn prepare(args: &[&str]) -> Standalone {
        let scratch = Scratch::new("standalone");
        let port = Port::free();
        let (home, data, listen) = (scratch.path().to_owned(), scratch.join("data"), port.to_string());
        let args: Vec<String> = args.iter().map(|&a| a.to_owned()).collect();
        let build = move || {
            let mut c = command(&home);
            c.arg("standalone")
                .arg("--data-dir")
                .arg(&data)
                .args(["--listen", &listen])
                .args(&args);
            c
        };
        let process = Process::new("gnomon standalone", scratch.join("log"), build);
        let cli = Cli::at_home(scratch.path().to_owned());
        Standalone {
            process,
            cli,
            port,
            scratch,
        }
    }

    /// Starts it on the data that it has, and waits until it is ready.
    pub fn start_again(&mut self) {
        self.process.start();
        self.wait_ready(SOON);
    }

    /// Waits until the command line works and the machine's own node takes work.
    pub fn wait_ready(&mut self, deadline: Duration) {
        let cli = self.cli.clone();
        self.process.ready(deadline, || {
            let done = cli.run(&["node", "ls", "-o", "json"]);
            let nodes: serde_json::Value = serde_json::from_str(&done.stdout).unwrap_or_default();
            nodes
                .as_array()
                .is_some_and(|nodes| nodes.iter().any(|n| text(n, "state") == "ready"))
        });
    }

    pub fn ledger(&self) -> Ledger {
        Ledger::new(self.scratch.join("ledger"))
    }
}

/// One master process.
pub struct Master {
    pub process: Process,
    pub port: Port,
    pub scratch: Scratch,
}

impl Master {
    /// Started, not yet waited for.
    pub fn start(etcd: &str, database: &str) -> Master {
        Master::start_with(etcd, database, &[])
    }

    pub fn start_with(etcd: &str, database: &str, args: &[&str]) -> Master {
        let mut new = Master::prepare(etcd, database, args);
        new.process.start();
        new
    }

    pub fn prepare(etcd: &str, database: &str, args: &[&str]) -> Master {
        let scratch = Scratch::new("master");
        let port = Port::free();
        let mut fixed: Vec<String> = [
            "master",
            "--etcd",
            etcd,
            "--database-url",
            database,
            "--listen",
            &port.to_string(),
        ]
        .map(str::to_owned)
        .to_vec();
        fixed.extend([
            "--data-dir".to_owned(),
            scratch.join("data").display().to_string(),
        ]);
        fixed.extend(args.iter().map(|&a| a.to_owned()));
        let home = scratch.path().to_owned();
        let build = move || {
            let mut c = command(&home);
            c.args(&fixed);
            c
        };
        let process = Process::new(&format!("gnomon master {port}"), scratch.join("log"), build);
        Master {
            process,
            port,
            scratch,
        }
    }

    pub fn url(&self) -> String {
        self.port.url()
    }

    pub fn wait_ready(&mut self) {
        let port = self.port.number();
        self.process.ready(SOON, || http_get(port, "/readyz").is_some());
    }
}

/// One agent process.
pub struct Agent {
    pub name: String,
    pub process: Process,
    pub scratch: Scratch,
}

impl Agent {
    /// Started, not yet waited for.
    pub fn start(name: &str, etcd: &str) -> Agent {
        Agent::start_with(name, etcd, &[])
    }

    pub fn start_with(name: &str, etcd: &str, args: &[&str]) -> Agent {
        let mut new = Agent::prepare(name, etcd, args);
        new.process.start();
        new
    }

    pub fn prepare(name: &str, etcd: &str, args: &[&str]) -> Agent {
        let scratch = Scratch::new(name);
        Agent::prepare_in(scratch, name, etcd, args)
    }

    /// In a scratch folder that the caller has already put something into.
    pub fn prepare_in(scratch: Scratch, name: &str, etcd: &str, args: &[&str]) -> Agent {
        let data = scratch.join("data").display().to_string();
        let mut fixed: Vec<String> = ["agent", "--etcd", etcd, "--data-dir", &data, "--name", name]
            .map(str::to_owned)
            .to_vec();
        fixed.extend(args.iter().map(|&a| a.to_owned()));
        let home = scratch.path().to_owned();
        let build = move || {
            let mut c = command(&home);
            c.args(&fixed);
            c
        };
        let process = Process::new(&format!("gnomon agent {name}"), scratch.join("log"), build);
        Agent {
            name: name.to_owned(),
            process,
            scratch,
        }
    }

    /// Waits until the masters see it.
    pub fn wait_up(&self, cli: &Cli) {
        eventually(&format!("node {} to be up", self.name), SOON, || {
            let done = cli.run(&["node", "ls", "-o", "json"]);
            let nodes: serde_json::Value = serde_json::from_str(&done.stdout).ok()?;
            nodes
                .as_array()?
                .iter()
                .any(|n| is_up(n, &self.name))
                .then_some(())
        });
    }
}

/// Whether this is a node of this name that can be given work.
fn is_up(view: &serde_json::Value, name: &str) -> bool {
    let named = text(view, "id") == name || text(&view["node"], "name") == name;
    named && text(view, "state") == "ready"
}
