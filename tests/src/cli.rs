//! The command line, as a person uses it.

use std::{
    ffi::OsStr,
    io::Write,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::Value;

use crate::{gnomon, wait::eventually_or};

/// `gnomon` with a config folder of its own, and perhaps a URL and a token.
#[derive(Clone)]
pub struct Cli {
    config_home: PathBuf,
    url: Option<String>,
    token: Option<String>,
}

/// How a command ended.
#[derive(Debug)]
pub struct Done {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Cli {
    /// With the context in `config_home`.
    pub fn at_home(config_home: PathBuf) -> Cli {
        Cli {
            config_home,
            url: None,
            token: None,
        }
    }

    pub fn with_url(mut self, url: &str) -> Cli {
        self.url = Some(url.to_owned());
        self
    }

    pub fn with_token(mut self, token: &str) -> Cli {
        self.token = Some(token.to_owned());
        self
    }

    /// The command, not started.
    pub fn command<S: AsRef<OsStr>>(&self, args: &[S]) -> Command {
        let mut c = gnomon::command(&self.config_home);
        if let Some(url) = &self.url {
            c.env("GNOMON_URL", url);
        }
        if let Some(token) = &self.token {
            c.env("GNOMON_TOKEN", token);
        }
        c.args(args);
        c
    }

    /// Runs it to its end, whatever that is.
    pub fn run(&self, args: &[&str]) -> Done {
        self.run_with(args, "")
    }

    /// The same, with something on standard input.
    pub fn run_with(&self, args: &[&str], stdin: &str) -> Done {
        let mut child = self
            .command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It may end without reading.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        let out = child.wait_with_output().unwrap();
        Done {
            code: out.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&out.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&out.stderr).into_owned(),
        }
    }

    /// Runs it; it must succeed. Gives what it printed.
    #[track_caller]
    pub fn ok(&self, args: &[&str]) -> String {
        self.run(args).succeeded(args)
    }

    /// Applies a job file; it must succeed.
    #[track_caller]
    pub fn apply(&self, jobs: &str) -> String {
        let args = ["job", "apply", "-f", "-"];
        self.run_with(&args, jobs).succeeded(&args)
    }

    /// Runs it with `-o json`; it must succeed.
    #[track_caller]
    pub fn json(&self, args: &[&str]) -> Value {
        let args = [args, &["-o", "json"]].concat();
        let out = self.ok(&args);
        serde_json::from_str(&out).unwrap_or_else(|e| panic!("gnomon {args:?} printed no JSON ({e}): {out}"))
    }

    /// All runs of the job that history knows, oldest instant first.
    #[track_caller]
    pub fn runs(&self, job: &str) -> Vec<Value> {
        let Value::Array(mut runs) = self.json(&["run", "ls", "--job", job, "--limit", "100000"]) else {
            panic!("run ls prints an array")
        };
        runs.sort_by_key(|r| (text(r, "scheduled_at").to_owned(), text(r, "id").to_owned()));
        runs
    }

    /// Waits until a run of the job satisfies `wanted`, and gives it.
    #[track_caller]
    pub fn run_where(&self, job: &str, deadline: Duration, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut seen = Vec::new();
        eventually_or(deadline, || {
            seen = self.runs(job);
            seen.iter().find(|r| wanted(r)).cloned()
        })
        .unwrap_or_else(|| panic!("no run of {job} is as it should be; history has {seen:#?}"))
    }

    /// Starts it and leaves it running, its output in a pipe.
    pub fn spawn(&self, args: &[&str]) -> Child {
        self.command(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }
}

impl Done {
    #[track_caller]
    fn succeeded(self, args: &[&str]) -> String {
        assert_eq!(self.code, 0, "gnomon {args:?}: {}{}", self.stdout, self.stderr);
        self.stdout
    }

    /// It must have ended with this exit code; gives what it said on standard error.
    #[track_caller]
    pub fn failed(self, code: i32) -> String {
        assert_eq!(
            self.code, code,
            "stdout: {}\nstderr: {}",
            self.stdout, self.stderr
        );
        assert!(!self.stderr.trim().is_empty(), "it failed without a word");
        self.stderr
    }
}

/// A field that is text; empty where it is absent or null.
pub fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}
