//! What a job does: a shell script, a program, or an HTTP request.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    file::value::Read,
    units::{Size, Span},
};

/// What is carried out, as whom, where and within which limits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, rename = "http")]
pub struct HttpRequest {
    #[serde(default = "get")]
    pub method: String,
    pub url: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

fn get() -> String {
    "GET".to_owned()
}

pub const GRACE_DEFAULT: Span = Span::from_secs(10);
pub const OUTPUT_DEFAULT: Size = Size::bytes(10 << 20);
const OUTPUT_MAX: Size = Size::bytes(1 << 30);
/// The longest argument or variable that Linux passes to a program, in bytes
/// (`MAX_ARG_STRLEN` less its NUL). The script of a shell is an argument.
const ARGUMENT_BYTES_MAX: usize = (128 << 10) - 1;

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
#[derive(Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, rename = "run")]
struct RunFile {
    #[serde(skip_serializing_if = "Option::is_none")]
    shell: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exec: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http: Option<HttpRequest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dir: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    env: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stdin: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
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
        if matches!(action, Action::Http(_)) {
            let given = [
                ("user", f.user.is_some()),
                ("group", f.group.is_some()),
                ("dir", f.dir.is_some()),
                ("env", !f.env.is_empty()),
                ("stdin", f.stdin.is_some()),
            ];
            if let Some((field, _)) = given.into_iter().find(|(_, is_given)| *is_given) {
                return Err(format!(
                    "run.{field}: it goes with `shell` and `exec` only, an HTTP request has none; leave it out"
                ));
            }
        }
        if let Some(user) = &f.user {
            check_account(user)
                .map_err(|e| format!("run.user: {e}; leave it out for the agent's own user"))?;
        }
        if let Some(group) = &f.group {
            check_account(group)
                .map_err(|e| format!("run.group: {e}; leave it out for the user's own group"))?;
        }
        check_env(&f.env)?;
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
    if script.len() > ARGUMENT_BYTES_MAX {
        return Err(
            "run.shell: the script is longer than 128KiB, the most that Linux passes to a program; put it in a file on the nodes"
                .into(),
        );
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
    if argv.iter().any(|arg| arg.len() > ARGUMENT_BYTES_MAX) {
        return Err(
            "run.exec: an argument is longer than 128KiB, the most that Linux passes to a program; put it in a file on the nodes"
                .into(),
        );
    }
    Ok(Action::Exec(argv))
}

/// A user's or group's name or number.
fn check_account(name: &str) -> Result<(), &'static str> {
    match name {
        "" => Err("it is empty"),
        _ if name.contains('\0') => Err("it holds a NUL character"),
        _ => Ok(()),
    }
}

fn check_env(env: &BTreeMap<String, String>) -> Result<(), String> {
    for (key, value) in env {
        if key.is_empty() || key.contains(['=', '\0']) {
            return Err(format!(
                "run.env: `{key}` is not a name for an environment variable"
            ));
        }
        if value.contains('\0') {
            return Err(format!("run.env: the value of `{key}` holds a NUL character"));
        }
        // Linux counts `KEY=VALUE`.
        if key.len() + 1 + value.len() > ARGUMENT_BYTES_MAX {
            return Err(format!(
                "run.env: `{key}` and its value are longer than 128KiB, the most that Linux passes to a program; put it in a file on the nodes"
            ));
        }
    }
    Ok(())
}

fn check_http(request: HttpRequest) -> Result<Action, String> {
    check_url(&request.url).map_err(|e| format!("run.http.url: {e}"))?;
    if request.method.is_empty() || !request.method.chars().all(|c| c.is_ascii_uppercase()) {
        return Err(format!(
            "run.http.method: `{}` is not a method such as GET or POST",
            request.method
        ));
    }
    for (name, value) in &request.headers {
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        if name.is_empty() || !name.chars().all(is_allowed) {
            return Err(format!(
                "run.http.headers: `{name}` is not a name for a header; write one such as Content-Type"
            ));
        }
        if value.chars().any(|c| c.is_ascii_control() && c != '\t') {
            return Err(format!(
                "run.http.headers: the value of `{name}` holds a line break or another control character"
            ));
        }
    }
    Ok(Action::Http(request))
}

/// What no request can be sent to. Whether the host exists is found out when it is sent.
fn check_url(url: &str) -> Result<(), String> {
    let Some(rest) = url.strip_prefix("http://").or(url.strip_prefix("https://")) else {
        return Err(format!("`{url}` does not start with http:// or https://"));
    };
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let place = authority.rsplit('@').next().unwrap_or_default();
    let (host, port) = match place.rsplit_once(':') {
        // The colons of an IPv6 address stand in brackets.
        Some((host, port)) if !port.contains(']') => (host, port),
        _ => (place, ""),
    };
    if host.is_empty() || host.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(format!(
            "`{url}` names no host; write one such as https://example.com/path"
        ));
    }
    if !port.is_empty() && port.parse::<u16>().is_err() {
        return Err(format!("`{port}` is not a port of a host"));
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn refusal(run: Value) -> Option<String> {
        serde_json::from_value::<RunSpec>(run)
            .err()
            .map(|e| e.to_string())
    }

    #[test]
    fn what_linux_cannot_start_is_refused() {
        let (fits, long) = ("x".repeat(131_071), "x".repeat(131_072));
        for (run, field) in [
            (json!({"shell": long}), "run.shell"),
            (json!({"exec": ["a", long]}), "run.exec"),
            (json!({"shell": "x", "env": {"A": fits}}), "run.env"),
        ] {
            let said = refusal(run).unwrap();
            assert!(
                said.starts_with(field) && said.contains("128KiB") && said.contains("in a file"),
                "{said}"
            );
        }
        assert_eq!(refusal(json!({"shell": fits})), None);
        assert_eq!(refusal(json!({"exec": ["a", fits]})), None);
        assert_eq!(
            refusal(json!({"shell": "x", "env": {"A": fits[2..].to_owned()}})),
            None
        );
    }

    #[test]
    fn requests_that_cannot_be_sent_are_refused() {
        let http = |url: &str, name: &str, value: &str| {
            refusal(json!({"http": {"url": url, "headers": {name: value}}}))
        };
        for url in [
            "http://a",
            "https://user:pw@a.example:8080/b?c",
            "http://[::1]/",
            "http://[::1]:80",
        ] {
            assert_eq!(http(url, "X-A", "b\tc é"), None, "{url}");
        }
        for url in [
            "http://",
            "https:///a",
            "http://:80/",
            "http://user@",
            "http://a b/",
            "http://a:x/",
            "http://a:99999/",
        ] {
            let said = http(url, "A", "b").unwrap();
            assert!(said.starts_with("run.http.url: "), "{url}: {said}");
        }
        for (name, value) in [
            ("Bad Header", "a"),
            ("", "a"),
            ("ü", "a"),
            ("A", "b\nc"),
            ("A", "b\0"),
        ] {
            let said = http("http://a", name, value).unwrap();
            assert!(said.starts_with("run.http.headers: "), "{name:?}: {said}");
        }
    }

    #[test]
    fn what_would_be_ignored_is_refused() {
        for (field, value) in [
            ("user", json!("a")),
            ("group", json!("a")),
            ("dir", json!("/")),
            ("env", json!({"A": "b"})),
            ("stdin", json!("a")),
        ] {
            let said = refusal(json!({"http": {"url": "http://a"}, field: value})).unwrap();
            assert!(
                said.starts_with(&format!("run.{field}: ")) && said.contains("leave it out"),
                "{said}"
            );
        }
    }

    #[test]
    fn an_account_has_a_name() {
        for field in ["user", "group"] {
            for name in ["", "a\0b"] {
                let said = refusal(json!({"shell": "x", field: name})).unwrap();
                assert!(said.starts_with(&format!("run.{field}: ")), "{said}");
            }
            assert_eq!(refusal(json!({"shell": "x", field: "www-data"})), None);
        }
    }
}
