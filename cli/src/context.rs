//! Which server to talk to, and as whom: flags, else the environment, else the context
//! file in the user's config directory.

use std::{
    fs,
    io::Write,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::PathBuf,
};

use serde::{Deserialize, Serialize};

use crate::error::{CliError, Doing, Result};

/// What do we store? The server that this user talks to when nothing else is said.
/// Readable by its owner only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Context {
    pub url: String,
    pub token: String,
    /// A file with the certificate authority to trust besides the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
}

/// `$XDG_CONFIG_HOME/gnomon/context.json`, or below `~/.config`.
pub fn path() -> Result<PathBuf> {
    let base = std::env::var_os("XDG_CONFIG_HOME")
        .filter(|v| !v.is_empty())
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config")))
        .ok_or_else(|| {
            CliError::usage("neither XDG_CONFIG_HOME nor HOME is set").hint("give --url and --token")
        })?;
    Ok(base.join("gnomon").join("context.json"))
}

/// The stored context, if there is one.
pub fn load() -> Result<Option<Context>> {
    let path = path()?;
    match fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|e| {
            CliError::failed(format!("{}: {e}", path.display())).hint("remove the file, or log in again")
        }),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(CliError::failed(format!("{}: {e}", path.display()))),
    }
}

/// Stores the context, whole or not at all.
pub fn save(context: &Context) -> Result<PathBuf> {
    let path = path()?;
    let dir = path.parent().unwrap_or(&path);
    fs::create_dir_all(dir).doing(format!("making {}", dir.display()))?;
    let new = path.with_extension("json.new");
    let what = format!("writing {}", path.display());
    let text = serde_json::to_vec_pretty(context).doing(&what)?;
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)
        .doing(&what)?;
    file.set_permissions(fs::Permissions::from_mode(0o600))
        .doing(&what)?;
    file.write_all(&text)
        .and_then(|()| file.sync_all())
        .doing(&what)?;
    fs::rename(&new, &path).doing(&what)?;
    Ok(path)
}
