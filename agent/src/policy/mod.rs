//! What this host allows, in a file that only its administrator writes. It is checked
//! here, whatever a master says; a refusal is a run that ended `rejected`, with the rule.
//!
//! A rule that is not written restricts nothing. Without a file, therefore, an agent that
//! runs as root runs jobs as whichever user they name, and those that name none as root;
//! one that runs as another user runs them all as that user.

mod pattern;

use std::{
    fs,
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

use nix::unistd::{Gid, Group, Uid, User};
use reqwest::Url;
use serde::Deserialize;
use shared::{job::Action, units::Span};

use crate::parts::Launch;
use pattern::{PathPattern, UrlPattern, glob};

/// Where the policy is looked for unless the agent is told.
pub const PATH_DEFAULT: &str = "/etc/gnomon/policy.toml";
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Variables that make a program load or run something else than itself.
const ENV_THAT_LOADS: [&str; 9] = [
    "LD_*",
    "BASH_ENV",
    "ENV",
    "PYTHON*",
    "PERL5*",
    "RUBY*",
    "NODE_OPTIONS",
    "GCONV_PATH",
    "JAVA_TOOL_OPTIONS",
];

/// What this host allows.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Whether anything may run as root (user 0 or group 0).
    #[serde(default)]
    allow_root: Option<bool>,
    #[serde(default)]
    users: Names,
    #[serde(default)]
    groups: Names,
    #[serde(default)]
    commands: Commands,
    #[serde(default)]
    dirs: Paths,
    #[serde(default)]
    http: Http,
    #[serde(default)]
    limits: Limits,
}

/// Names, in which `*` stands for anything.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Names {
    allow: Option<Vec<String>>,
    #[serde(default)]
    deny: Vec<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Paths {
    allow: Option<Vec<PathPattern>>,
    #[serde(default)]
    deny: Vec<PathPattern>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Commands {
    /// Whether `run.shell` may be used; if nothing is said, only where `allow` is absent.
    shell: Option<bool>,
    allow: Option<Vec<PathPattern>>,
    #[serde(default)]
    deny: Vec<PathPattern>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Http {
    allow: Option<Vec<UrlPattern>>,
    #[serde(default)]
    deny: Vec<UrlPattern>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Limits {
    max_concurrent: Option<u32>,
    max_timeout: Option<Span>,
}

/// Why the policy could not be read. The agent must not start then.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    #[error("the policy {} cannot be read: {source}", .path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("the policy {} {why}: only its administrator may write it; set it right with chown and chmod", .path.display())]
    Unsafe { path: PathBuf, why: String },
    #[error("the policy {} is wrong: {why}", .path.display())]
    Wrong { path: PathBuf, why: String },
}

impl Policy {
    /// Reads the given file, which must be there; or else the one at [`PATH_DEFAULT`], if
    /// there is one.
    pub fn load(path: Option<&Path>) -> Result<Policy, PolicyError> {
        let given = path.is_some();
        let path = path.unwrap_or(Path::new(PATH_DEFAULT));
        match read(path) {
            Err(PolicyError::Unreadable { source, .. })
                if !given && source.kind() == io::ErrorKind::NotFound =>
            {
                Ok(Policy::default())
            }
            text => Policy::parse(&text?).map_err(|why| PolicyError::Wrong {
                path: path.to_path_buf(),
                why,
            }),
        }
    }

    /// From the file's text; an error says where and what.
    pub fn parse(text: &str) -> Result<Policy, String> {
        let policy: Policy = toml::from_str(text).map_err(|e| e.to_string())?;
        if policy.limits.max_concurrent == Some(0) {
            return Err("limits.max_concurrent: 0 would allow nothing; leave it out for no limit".into());
        }
        if policy.limits.max_timeout.is_some_and(Span::is_zero) {
            return Err("limits.max_timeout: 0s would allow nothing; leave it out for no limit".into());
        }
        Ok(policy)
    }

    /// How many runs this host allows at once; the agent's capacity is to be no more.
    pub fn max_concurrent(&self) -> Option<u32> {
        self.limits.max_concurrent
    }

    /// How long any run may take.
    pub fn max_timeout(&self) -> Option<Duration> {
        self.limits.max_timeout.map(Span::get)
    }

    /// Whether this may be started; if not, the rule that forbids it. May look up users,
    /// and so wait for the network.
    pub fn check(&self, launch: &Launch) -> Result<(), String> {
        match &launch.action {
            Action::Http(request) => {
                let url = Url::parse(&request.url)
                    .map_err(|e| format!("http: `{}` is not a URL: {e}", request.url))?;
                return self.check_url(&url);
            }
            Action::Shell(_) if !self.allows_shell() => {
                return Err(
                    "commands.shell: scripts for a shell are not allowed on this host; use `exec`".into(),
                );
            }
            Action::Shell(_) => {}
            Action::Exec(argv) => self.check_program(argv.first().map_or("", String::as_str))?,
        }
        self.check_env(launch)?;
        self.check_user(launch.user.as_deref())?;
        self.check_group(launch.group.as_deref())?;
        self.check_dir(launch.dir.as_deref())
    }

    /// Whether a request may go to this address, also as a redirection.
    pub fn check_url(&self, url: &Url) -> Result<(), String> {
        let shown = format!(
            "{}://{}{}",
            url.scheme(),
            url.authority_without_user(),
            url.path()
        );
        if let Some(rule) = self.http.deny.iter().find(|rule| rule.matches(url)) {
            return Err(format!("http.deny: {shown} is `{rule}`"));
        }
        match &self.http.allow {
            Some(allow) if !allow.iter().any(|rule| rule.matches(url)) => {
                Err(format!("http.allow: {shown} is not in the list"))
            }
            _ => Ok(()),
        }
    }

    fn allows_shell(&self) -> bool {
        self.commands.shell.unwrap_or(self.commands.allow.is_none())
    }

    fn check_program(&self, program: &str) -> Result<(), String> {
        let Commands { allow, deny, .. } = &self.commands;
        if allow.is_none() && deny.is_empty() {
            return Ok(());
        }
        if !is_plain(program) {
            return Err(format!(
                "commands: give `{program}` as an absolute path without `..`, so that the host's rules can be applied"
            ));
        }
        // A link to a forbidden program is that program.
        let real = fs::canonicalize(Path::new(program)).ok();
        let real = real.as_deref().and_then(Path::to_str).unwrap_or(program);
        if let Some(rule) = deny
            .iter()
            .find(|rule| rule.matches(program) || rule.matches(real))
        {
            return Err(format!("commands.deny: `{program}` is `{rule}`"));
        }
        if let Some(allow) = allow
            && !allow.iter().any(|rule| rule.matches(program))
        {
            return Err(format!("commands.allow: `{program}` is not in the list"));
        }
        Ok(())
    }

    /// Where only certain programs are allowed, none may be made to load others.
    fn check_env(&self, launch: &Launch) -> Result<(), String> {
        if self.commands.allow.is_none() {
            return Ok(());
        }
        let loads = |name: &str| ENV_THAT_LOADS.iter().any(|pattern| glob(pattern, name));
        match launch.env.iter().find(|(name, _)| loads(name)) {
            Some((name, _)) => Err(format!(
                "commands.allow: the variable `{name}` could make an allowed program load another"
            )),
            None => Ok(()),
        }
    }

    fn check_user(&self, user: Option<&str>) -> Result<(), String> {
        let account = match user {
            None => User::from_uid(Uid::effective()).ok().flatten(),
            Some(user) => User::from_name(user)
                .ok()
                .flatten()
                .or_else(|| User::from_uid(Uid::from_raw(user.parse().ok()?)).ok().flatten()),
        };
        let number = match (&account, user) {
            (Some(account), _) => Some(account.uid.as_raw()),
            (None, Some(user)) => user.parse().ok(),
            (None, None) => Some(Uid::effective().as_raw()),
        };
        if self.allow_root == Some(false) && number == Some(0) {
            return Err("allow_root: nothing may run as root on this host; give another `user`".into());
        }
        let name = account.map(|u| u.name);
        let number = number.map(|n| n.to_string());
        self.users
            .check("users", &[name.as_deref(), number.as_deref(), user])
    }

    fn check_group(&self, group: Option<&str>) -> Result<(), String> {
        let Some(group) = group else { return Ok(()) };
        let known = Group::from_name(group)
            .ok()
            .flatten()
            .or_else(|| Group::from_gid(Gid::from_raw(group.parse().ok()?)).ok().flatten());
        let number = known
            .as_ref()
            .map(|g| g.gid.as_raw())
            .or_else(|| group.parse().ok());
        if self.allow_root == Some(false) && number == Some(0) {
            return Err("allow_root: nothing may run in group 0 on this host".into());
        }
        let name = known.map(|g| g.name);
        let number = number.map(|n| n.to_string());
        self.groups
            .check("groups", &[name.as_deref(), number.as_deref(), Some(group)])
    }

    fn check_dir(&self, dir: Option<&str>) -> Result<(), String> {
        let Paths { allow, deny } = &self.dirs;
        // The user's own home is not the job's choice.
        let Some(dir) = dir else { return Ok(()) };
        if allow.is_none() && deny.is_empty() {
            return Ok(());
        }
        if !is_plain(dir) {
            return Err(format!(
                "dirs: give `{dir}` without `..`, so that the host's rules can be applied"
            ));
        }
        let real = fs::canonicalize(dir).ok();
        let real = real.as_deref().and_then(Path::to_str).unwrap_or(dir);
        if let Some(rule) = deny
            .iter()
            .find(|rule| rule.matches_dir(dir) || rule.matches_dir(real))
        {
            return Err(format!("dirs.deny: `{dir}` is `{rule}`"));
        }
        match allow {
            Some(allow) if !allow.iter().any(|rule| rule.matches_dir(real)) => {
                Err(format!("dirs.allow: `{dir}` is not in the list"))
            }
            _ => Ok(()),
        }
    }
}

impl Names {
    /// `names` are all that one thing is called.
    fn check(&self, list: &str, names: &[Option<&str>]) -> Result<(), String> {
        let names: Vec<&str> = names.iter().flatten().copied().collect();
        let shown = names.first().copied().unwrap_or("");
        let is_in = |patterns: &[String]| patterns.iter().any(|p| names.iter().any(|name| glob(p, name)));
        if is_in(&self.deny) {
            return Err(format!("{list}.deny: `{shown}` is in the list"));
        }
        match &self.allow {
            Some(allow) if !is_in(allow) => Err(format!("{list}.allow: `{shown}` is not in the list")),
            _ => Ok(()),
        }
    }
}

/// The part of a URL that may be shown.
trait Shown {
    fn authority_without_user(&self) -> String;
}

impl Shown for Url {
    fn authority_without_user(&self) -> String {
        let host = self.host_str().unwrap_or("");
        self.port()
            .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }
}

/// Absolute, and meaning what it says.
fn is_plain(path: &str) -> bool {
    path.starts_with('/') && !path.split('/').any(|part| part == ".." || part == ".") && !path.contains("//")
}

fn read(path: &Path) -> Result<String, PolicyError> {
    let unreadable = |source| PolicyError::Unreadable {
        path: path.to_path_buf(),
        source,
    };
    let mut file = fs::File::open(path).map_err(unreadable)?;
    // The file that was opened is the one that is looked at.
    let meta = file.metadata().map_err(unreadable)?;
    check_writers(path, "", &meta)?;
    let real = fs::canonicalize(path).map_err(unreadable)?;
    if let Some(dir) = real.parent() {
        check_writers(
            path,
            "lies in a folder that ",
            &fs::metadata(dir).map_err(unreadable)?,
        )?;
    }
    if meta.len() > FILE_BYTES_MAX {
        return Err(PolicyError::Wrong {
            path: path.to_path_buf(),
            why: "it is larger than 1MiB".into(),
        });
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(unreadable)?;
    Ok(text)
}

fn check_writers(path: &Path, what: &str, meta: &fs::Metadata) -> Result<(), PolicyError> {
    let is_unsafe = |why: &str| PolicyError::Unsafe {
        path: path.to_path_buf(),
        why: format!("{what}{why}"),
    };
    if meta.uid() != 0 && meta.uid() != Uid::effective().as_raw() {
        return Err(is_unsafe(&format!(
            "belongs to user {}, who is neither root nor the agent's",
            meta.uid()
        )));
    }
    // In a sticky folder, such as /tmp, nobody can replace another's file.
    let is_sticky = meta.is_dir() && meta.mode() & 0o1000 != 0;
    if meta.mode() & 0o022 != 0 && !is_sticky {
        return Err(is_unsafe("can be written by its group or by everybody"));
    }
    Ok(())
}
