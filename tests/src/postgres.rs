//! A real PostgreSQL server of one's own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use nix::sys::signal::Signal;

use crate::{
    Port, Process, Scratch,
    process::{not_as_root, program},
    wait::SOON,
};

/// A server with an empty database `gnomon`, owned by the user `gnomon`, without a password.
pub struct Postgres {
    process: Process,
    port: Port,
    bin: PathBuf,
    /// Held, not read: the server's data.
    _scratch: Scratch,
}

impl Postgres {
    pub fn start() -> Postgres {
        let scratch = Scratch::new("postgres");
        let bin = bin();
        let data = scratch.dir("data");
        let socket = scratch.dir("socket");
        init(&bin, &data, &socket);

        let port = Port::free();
        let number = port.number().to_string();
        let server = bin.join("postgres");
        let command = move || {
            let mut c = Command::new(&server);
            c.arg("-D")
                .arg(&data)
                .args(["-p", &number, "-c", "listen_addresses=127.0.0.1", "-k"])
                .arg(&socket);
            c.args([
                "-c",
                "fsync=off",
                "-c",
                "max_connections=100",
                "-c",
                "log_min_messages=warning",
            ]);
            not_as_root(&mut c, &USERS, &[]);
            c
        };
        let process = Process::new("postgres", scratch.join("log"), command).ending_with(Signal::SIGQUIT);
        let mut server = Postgres {
            process,
            port,
            bin,
            _scratch: scratch,
        };
        server.restart();
        server.sql("postgres", "CREATE DATABASE gnomon");
        server
    }

    /// `postgres://gnomon@127.0.0.1:PORT/gnomon`
    pub fn url(&self) -> String {
        format!("postgres://gnomon@{}/gnomon", self.port)
    }

    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Ends it at once, as a crash would; its own processes go with it.
    pub fn kill(&mut self) {
        self.process.signal(Signal::SIGQUIT);
        self.process.ended(SOON);
    }

    /// Starts it, and waits until it answers.
    pub fn restart(&mut self) {
        self.process.start();
        let (bin, port) = (self.bin.join("pg_isready"), self.port.number().to_string());
        self.process.ready(SOON, || {
            let asked = Command::new(&bin)
                .args(["-q", "-h", "127.0.0.1", "-p", &port])
                .status();
            asked.is_ok_and(|s| s.success())
        });
    }

    /// Runs SQL; gives the rows, a line each, with `|` between columns.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        let out = Command::new(self.bin.join("psql"))
            .args([
                "-X",
                "-q",
                "-A",
                "-t",
                "-v",
                "ON_ERROR_STOP=1",
                "-h",
                "127.0.0.1",
                "-U",
                "gnomon",
            ])
            .args(["-p", &self.port.number().to_string(), "-d", database, "-c", sql])
            .output()
            .unwrap();
        assert!(
            out.status.success(),
            "psql: {sql}: {}",
            String::from_utf8_lossy(&out.stderr)
        );
        String::from_utf8(out.stdout).unwrap()
    }
}

const USERS: [&str; 2] = ["postgres", "nobody"];

fn init(bin: &Path, data: &Path, socket: &Path) {
    let mut c = Command::new(bin.join("initdb"));
    c.args([
        "-U",
        "gnomon",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C",
        "--no-sync",
        "-D",
    ])
    .arg(data);
    not_as_root(&mut c, &USERS, &[data, socket]);
    let out = c.output().unwrap();
    assert!(
        out.status.success(),
        "initdb: {}",
        String::from_utf8_lossy(&out.stderr)
    );
}

/// The folder of the newest server on this machine. Debian keeps them outside PATH.
fn bin() -> PathBuf {
    let version = |p: &PathBuf| p.file_name().and_then(|n| n.to_str()?.parse::<u32>().ok());
    let newest = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|e| e.path())
        .filter(|p| p.join("bin/initdb").is_file())
        .max_by_key(version);
    match newest {
        Some(dir) => dir.join("bin"),
        None => program(&["initdb"], "postgresql").parent().unwrap().to_owned(),
    }
}
