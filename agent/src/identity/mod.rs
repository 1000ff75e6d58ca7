//! Who the agent is: a node id and a token in the data directory, one process at a time.

mod host;
mod register;

use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use shared::{host::Host, id::NodeId, time::Time};

pub use host::{capacity_default, host_name, labels};
pub use register::{Fence, RegisterError, Registered, Registration, announce_leaving, keep_registered};

/// Who an agent is. Two agents with the same id are told apart by the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub id: NodeId,
    /// A secret: who has it is this agent.
    pub token: String,
    /// When this node was first started. Every-node jobs made since then are its own from
    /// their beginning, also if it hears of them late.
    pub since: Time,
}

impl Identity {
    /// What others may know of the token: SHA-256, in hex.
    pub fn token_sha256(&self) -> String {
        Sha256::digest(self.token.as_bytes())
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect()
    }
}

/// What do we store? `identity.json` in the data directory: the node id and the token.
/// It is made at the first start and then never changes: a host that is renamed stays
/// the same node.
#[derive(Serialize, Deserialize)]
struct IdentityFile {
    node: NodeId,
    token: String,
    since: Time,
}

/// A data directory in use by this process. Dropping it lets the next one in.
#[derive(Debug)]
pub struct DataDir {
    pub path: PathBuf,
    _lock: Flock<File>,
}

#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    #[error(
        "the data directory {path} is in use by another agent (its lock is held); stop that one or give another --data-dir"
    )]
    InUse { path: PathBuf },
    #[error("the data directory {path} cannot be used")]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{path} is not an agent's identity: {reason}; restore it, or remove it to start as a new node")]
    Broken { path: PathBuf, reason: String },
    #[error("{0}; give one with --name")]
    Name(String),
    #[error(
        "this data directory belongs to node `{stored}`, not `{given}`; leave out --name, or give another --data-dir"
    )]
    OtherName { stored: NodeId, given: NodeId },
}

impl DataDir {
    /// Makes the directory if need be (only the owner may look inside) and locks it. The
    /// lock is the process': it ends with it, however it ends.
    pub fn open(path: impl Into<PathBuf>) -> Result<DataDir, IdentityError> {
        let path = path.into();
        let io = |source| IdentityError::Io {
            path: path.clone(),
            source,
        };
        fs::create_dir_all(&path).map_err(io)?;
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        fs::set_permissions(&path, mode).map_err(io)?;
        let options = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .clone();
        let file = options.open(path.join("lock")).map_err(io)?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => Ok(DataDir { path, _lock: lock }),
            Err((_, nix::errno::Errno::EWOULDBLOCK)) => Err(IdentityError::InUse { path }),
            Err((_, errno)) => Err(io(errno.into())),
        }
    }

    /// The identity kept here; made at the first start from the name given, or the
    /// host's.
    pub fn identity(&self, name: Option<&str>, host: &Host) -> Result<Identity, IdentityError> {
        let given = name
            .map(|n| n.parse::<NodeId>().map_err(IdentityError::Name))
            .transpose()?;
        let path = self.path.join("identity.json");
        let identity = match read(&path)? {
            Some(identity) => identity,
            None => {
                let id = match &given {
                    Some(id) => id.clone(),
                    None => host_name().parse().map_err(IdentityError::Name)?,
                };
                let identity = Identity {
                    id,
                    token: host.token() + &host.token(),
                    since: host.now(),
                };
                self.write(&path, &identity)?;
                identity
            }
        };
        match given {
            Some(given) if given != identity.id => Err(IdentityError::OtherName {
                stored: identity.id,
                given,
            }),
            _ => Ok(identity),
        }
    }

    /// Whole or not at all: a crash leaves the old file, or none.
    fn write(&self, path: &Path, identity: &Identity) -> Result<(), IdentityError> {
        let file = IdentityFile {
            node: identity.id.clone(),
            token: identity.token.clone(),
            since: identity.since,
        };
        let io = |source| IdentityError::Io {
            path: path.to_path_buf(),
            source,
        };
        let text = serde_json::to_vec_pretty(&file).map_err(|e| io(e.into()))?;
        let new = path.with_extension("new");
        let mut options = OpenOptions::new();
        let mut out = options
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&new)
            .map_err(io)?;
        out.write_all(&text).and_then(|()| out.sync_all()).map_err(io)?;
        fs::rename(&new, path).map_err(io)?;
        File::open(&self.path).and_then(|dir| dir.sync_all()).map_err(io)
    }
}

fn read(path: &Path) -> Result<Option<Identity>, IdentityError> {
    let mut text = String::new();
    match File::open(path).and_then(|mut f| f.read_to_string(&mut text)) {
        Ok(_) => {}
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(IdentityError::Io {
                path: path.to_path_buf(),
                source,
            });
        }
    }
    match serde_json::from_str::<IdentityFile>(&text) {
        Ok(file) => Ok(Some(Identity {
            id: file.node,
            token: file.token,
            since: file.since,
        })),
        Err(e) => Err(IdentityError::Broken {
            path: path.to_path_buf(),
            reason: e.to_string(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_stays_and_is_used_by_one_process() {
        let dir = tempfile::tempdir().unwrap();
        let host = Host::system();
        let data = DataDir::open(dir.path()).unwrap();
        let first = data.identity(Some("db1"), &host).unwrap();
        assert_eq!(first.id.as_str(), "db1");
        assert_eq!(first.token.len(), 64);
        assert_eq!(data.identity(None, &host).unwrap(), first);

        let other = data.identity(Some("db2"), &host).unwrap_err();
        assert!(other.to_string().contains("belongs to node `db1`"), "{other}");
        let again = DataDir::open(dir.path()).unwrap_err();
        assert!(again.to_string().contains("in use by another agent"), "{again}");
        drop(data);
        assert_eq!(
            DataDir::open(dir.path()).unwrap().identity(None, &host).unwrap(),
            first
        );
    }

    #[test]
    fn a_broken_identity_is_told_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("identity.json"), "{\"node\":").unwrap();
        let error = DataDir::open(dir.path())
            .unwrap()
            .identity(Some("a"), &Host::system())
            .unwrap_err();
        assert!(
            error.to_string().contains("is not an agent's identity"),
            "{error}"
        );
        assert_eq!(fs::read(dir.path().join("identity.json")).unwrap(), b"{\"node\":");
    }
}
