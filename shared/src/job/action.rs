//! What a job does: a shell script, a program, or an HTTP request.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::units::{Size, Span};

/// What is carried out, as whom, where and within which limits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RunFile", into = "RunFile")]
pub struct RunSpec {
    pub action: Action,
    /// Whom the process runs as: a user's name or number; the agent's own user if none.
    pub user: Option<String>,
    /// The primary group, if not the user's own.
    pub group: Option<String>,
    /// The working directory: the user's home if none.
    pub dir: Option<String>,
    pub env: BTreeMap<String, String>,
    /// What the process reads; nothing if none.
    pub stdin: Option<String>,
    /// How long a run may take before it is stopped; no limit if none.
    pub timeout: Option<Span>,
    /// Between TERM and KILL.
    pub grace: Span,
    /// How much output is kept of a run: head and tail; the middle is counted.
    pub output: Size,
    /// Exit codes (of HTTP: statuses) that mean success.
    pub success: Vec<i32>,
}

/// The work itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// A script for `/bin/sh -c`.
    Shell(String),
    /// A program and its arguments, without a shell.
    Exec(Vec<String>),
    Http(HttpRequest),
}

/// A request that the agent sends. Redirects are followed, up to ten.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, rename = "http")]
pub struct HttpRequest {
    #[serde(default = "get")]
    pub method: String,
    pub url: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

fn get() -> String {
    "GET".to_owned()
}

pub const GRACE_DEFAULT: Span = Span::from_secs(10);
pub const OUTPUT_DEFAULT: Size = Size::bytes(10 << 20);
const OUTPUT_MAX: Size = Size::bytes(1 << 30);
const SCRIPT_BYTES_MAX: usize = 1 << 20;

impl RunSpec {
    /// A run of this action with every default.
    pub fn new(action: Action) -> RunSpec {
        RunSpec {
            action,
            user: None,
            group: None,
            dir: None,
            env: BTreeMap::new(),
            stdin: None,
            timeout: None,
            grace: GRACE_DEFAULT,
            output: OUTPUT_DEFAULT,
            success: Vec::new(),
        }
    }

    /// Whether this exit code (HTTP: status) means success.
    pub fn succeeded(&self, code: i32) -> bool {
        match (&self.action, self.success.is_empty()) {
            (_, false) => self.success.contains(&code),
            (Action::Http(_), true) => (200..300).contains(&code),
            (_, true) => code == 0,
        }
    }
}

/// `run:` as it stands in the job file.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, rename = "run")]
struct RunFile {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shell: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    exec: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    http: Option<HttpRequest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dir: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    env: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stdin: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timeout: Option<Span>,
    #[serde(default = "grace_default")]
    grace: Span,
    #[serde(default = "output_default")]
    output: Size,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    success: Vec<i32>,
}

fn grace_default() -> Span {
    GRACE_DEFAULT
}

fn output_default() -> Size {
    OUTPUT_DEFAULT
}

impl TryFrom<RunFile> for RunSpec {
    type Error = String;

    fn try_from(f: RunFile) -> Result<RunSpec, String> {
        let action = match (f.shell, f.exec, f.http) {
            (Some(script), None, None) => check_shell(script)?,
            (None, Some(argv), None) => check_exec(argv)?,
            (None, None, Some(request)) => check_http(request)?,
            (None, None, None) => {
                return Err("run: nothing to run; give one of `shell`, `exec` or `http`".into());
            }
            _ => return Err("run: give only one of `shell`, `exec` and `http`".into()),
        };
        if f.timeout.is_some_and(Span::is_zero) {
            return Err("run.timeout: 0s would end every run at once; leave it out for no limit".into());
        }
        if f.output > OUTPUT_MAX {
            return Err(format!("run.output: {} is more than {OUTPUT_MAX}", f.output));
        }
        if let Some(key) = f.env.keys().find(|k| k.is_empty() || k.contains(['=', '\0'])) {
            return Err(format!(
                "run.env: `{key}` is not a name for an environment variable"
            ));
        }
        if let Some((key, _)) = f.env.iter().find(|(_, v)| v.contains('\0')) {
            return Err(format!("run.env: the value of `{key}` holds a NUL character"));
        }
        if f.dir
            .as_deref()
            .is_some_and(|d| !d.starts_with('/') || d.contains('\0'))
        {
            return Err("run.dir: give an absolute path".into());
        }
        Ok(RunSpec {
            action,
            user: f.user,
            group: f.group,
            dir: f.dir,
            env: f.env,
            stdin: f.stdin,
            timeout: f.timeout,
            grace: f.grace,
            output: f.output,
            success: f.success,
        })
    }
}

fn check_shell(script: String) -> Result<Action, String> {
    if script.trim().is_empty() {
        return Err("run.shell: the script is empty".into());
    }
    if script.contains('\0') {
        return Err("run.shell: the script holds a NUL character".into());
    }
    if script.len() > SCRIPT_BYTES_MAX {
        return Err("run.shell: the script is longer than 1MiB; put it in a file on the nodes".into());
    }
    Ok(Action::Shell(script))
}

fn check_exec(argv: Vec<String>) -> Result<Action, String> {
    if argv.first().is_none_or(|program| program.is_empty()) {
        return Err("run.exec: the program is missing; write a list such as [/usr/bin/true]".into());
    }
    if argv.iter().any(|arg| arg.contains('\0')) {
        return Err("run.exec: an argument holds a NUL character".into());
    }
    Ok(Action::Exec(argv))
}

fn check_http(request: HttpRequest) -> Result<Action, String> {
    if !(request.url.starts_with("http://") || request.url.starts_with("https://")) {
        return Err(format!(
            "run.http.url: `{}` does not start with http:// or https://",
            request.url
        ));
    }
    if request.method.is_empty() || !request.method.chars().all(|c| c.is_ascii_uppercase()) {
        return Err(format!(
            "run.http.method: `{}` is not a method such as GET or POST",
            request.method
        ));
    }
    Ok(Action::Http(request))
}

impl From<RunSpec> for RunFile {
    fn from(r: RunSpec) -> RunFile {
        let (mut shell, mut exec, mut http) = (None, None, None);
        match r.action {
            Action::Shell(script) => shell = Some(script),
            Action::Exec(argv) => exec = Some(argv),
            Action::Http(request) => http = Some(request),
        }
        RunFile {
            shell,
            exec,
            http,
            user: r.user,
            group: r.group,
            dir: r.dir,
            env: r.env,
            stdin: r.stdin,
            timeout: r.timeout,
            grace: r.grace,
            output: r.output,
            success: r.success,
        }
    }
}

#[cfg(feature = "openapi")]
crate::api::schema::written_as!(RunSpec, RunFile);
