//! A real MariaDB server of one's own.

use std::{path::Path, process::Command};

use crate::{
    Port, Process, Scratch,
    process::{not_as_root, program},
    wait::SOON,
};

/// A server with an empty database `gnomon` and a user `gnomon` with the password `gnomon`.
pub struct MariaDb {
    process: Process,
    port: Port,
    scratch: Scratch,
}

const USERS: [&str; 2] = ["mysql", "nobody"];
const PACKAGE: &str = "mariadb-server";

impl MariaDb {
    pub fn start() -> MariaDb {
        let scratch = Scratch::new("mariadb");
        let data = scratch.dir("data");
        let run = scratch.dir("run");
        init(&data, &run);

        let port = Port::free();
        let number = port.number().to_string();
        let server = program(&["mariadbd", "mysqld"], PACKAGE);
        let command = move || {
            let mut c = Command::new(&server);
            c.arg("--no-defaults")
                .arg(format!("--datadir={}", data.display()));
            c.arg(format!("--socket={}", run.join("sock").display()));
            c.arg(format!("--pid-file={}", run.join("pid").display()));
            c.args(["--bind-address=127.0.0.1", &format!("--port={number}")]);
            c.args([
                "--innodb-flush-log-at-trx-commit=2",
                "--innodb-buffer-pool-size=32M",
                "--skip-log-bin",
            ]);
            not_as_root(&mut c, &USERS, &[]);
            c
        };
        let process = Process::new("mariadb", scratch.join("log"), command);
        let mut server = MariaDb {
            process,
            port,
            scratch,
        };
        server.restart();
        server.admin("CREATE DATABASE gnomon CHARACTER SET utf8mb4");
        server.admin("CREATE USER gnomon@'%' IDENTIFIED BY 'gnomon'");
        server.admin("GRANT ALL ON gnomon.* TO gnomon@'%'");
        server
    }

    /// `mysql://gnomon:gnomon@127.0.0.1:PORT/gnomon`
    pub fn url(&self) -> String {
        format!("mysql://gnomon:gnomon@{}/gnomon", self.port)
    }

    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Starts it, and waits until it answers.
    pub fn restart(&mut self) {
        self.process.start();
        let socket = self.socket();
        let admin = program(&["mariadb-admin", "mysqladmin"], PACKAGE);
        self.process.ready(SOON, || {
            let asked = Command::new(&admin)
                .args(["--no-defaults", "-uroot", &socket, "--silent", "ping"])
                .output();
            asked.is_ok_and(|o| o.status.success())
        });
    }

    /// Runs SQL as the server's root; gives the rows, a line each, with tabs between columns.
    pub fn admin(&self, sql: &str) -> String {
        let out = Command::new(program(&["mariadb", "mysql"], PACKAGE))
            .args([
                "--no-defaults",
                "-uroot",
                &self.socket(),
                "--batch",
                "--skip-column-names",
                "-e",
                sql,
            ])
            .output()
            .unwrap();
        assert!(
            out.status.success(),
            "mariadb: {sql}: {}",
            String::from_utf8_lossy(&out.stderr)
        );
        String::from_utf8(out.stdout).unwrap()
    }

    fn socket(&self) -> String {
        format!("--socket={}", self.scratch.join("run/sock").display())
    }
}

fn init(data: &Path, run: &Path) {
    let mut c = Command::new(program(&["mariadb-install-db", "mysql_install_db"], PACKAGE));
    c.args([
        "--no-defaults",
        "--auth-root-authentication-method=normal",
        "--skip-test-db",
    ]);
    c.arg(format!("--datadir={}", data.display()));
    not_as_root(&mut c, &USERS, &[data, run]);
    let out = c.output().unwrap();
    let said = || [out.stdout.clone(), out.stderr.clone()].map(|s| String::from_utf8_lossy(&s).into_owned());
    assert!(out.status.success(), "mariadb-install-db: {:?}", said());
}
