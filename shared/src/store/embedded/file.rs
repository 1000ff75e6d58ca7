//! The embedded store's file: what it holds, how it is opened, how a batch is written.
//!
//! What do we store? Three redb tables: `keys` (24 bytes of create revision, mod
//! revision and lease, then the value), `leases` (id to milliseconds of its ttl) and
//! `meta` (the format's version, the revision, the last lease's id). Each batch is one
//! redb transaction with one fsync: after a crash the file holds all of it or nothing.
//! The past (what watches read) is not stored: whoever watches lives in this process.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use redb::{Database, DatabaseError, ReadableDatabase, ReadableTable, StorageError, TableDefinition};
use tokio::time::Instant;

use super::state::{Delta, LeaseChange, State, Stored};

const KEYS: TableDefinition<&str, &[u8]> = TableDefinition::new("keys");
const LEASES: TableDefinition<i64, u64> = TableDefinition::new("leases");
const META: TableDefinition<&str, i64> = TableDefinition::new("meta");
const FORMAT: i64 = 1;
/// All values are in memory anyway: redb's own copies may be few.
const CACHE_BYTES: usize = 8 << 20;

/// Why a store's file could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the store {} is in use by another process", .0.display())]
    InUse(PathBuf),
    #[error("the store {} was written by a newer gnomon (format {found}; this one knows {FORMAT}): use that version", .path.display())]
    Newer { path: PathBuf, found: i64 },
    #[error("the store {} is damaged ({why}): restore it from a backup", .path.display())]
    Damaged { path: PathBuf, why: String },
    #[error("cannot open the store {}", .path.display())]
    Io { path: PathBuf, source: io::Error },
}

pub(super) struct File {
    path: PathBuf,
    /// None after a failed write: redb wants to be opened again then.
    db: Option<Database>,
}

impl File {
    /// Opens or makes the file (readable by its owner only) and loads what it holds.
    pub fn open(path: &Path) -> Result<(File, State), OpenError> {
        if !fs::metadata(path).is_ok_and(|m| m.len() > 0) {
            make(path).map_err(|source| OpenError::Io {
                path: path.to_path_buf(),
                source,
            })?;
        }
        let (db, state) = open_existing(path)?;
        remove_unfinished(path);
        Ok((
            File {
                path: path.to_path_buf(),
                db: Some(db),
            },
            state,
        ))
    }

    /// Opens the file again after a failed write, and reads what it really holds. Never
    /// makes one: a file that was taken away is no empty store.
    pub fn reopen(&mut self) -> Result<State, OpenError> {
        self.db = None;
        let (db, state) = open_existing(&self.path)?;
        self.db = Some(db);
        Ok(state)
    }

    pub fn is_open(&self) -> bool {
        self.db.is_some()
    }

    /// Makes a batch durable. After an error nobody knows whether it is.
    pub fn write(&mut self, delta: &Delta) -> Result<(), redb::Error> {
        let result = match &self.db {
            Some(db) => write(db, delta),
            None => Err(redb::Error::PreviousIo),
        };
        if result.is_err() {
            self.db = None;
        }
        result
    }
}

fn open_existing(path: &Path) -> Result<(Database, State), OpenError> {
    let io = |source| OpenError::Io {
        path: path.to_path_buf(),
        source,
    };
    let file = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .map_err(io)?;
    let db = database(file).map_err(|e| match e {
        DatabaseError::DatabaseAlreadyOpen => OpenError::InUse(path.to_path_buf()),
        e => damage(path, e.into()),
    })?;
    let state = load(&db).map_err(|e| damage(path, e))?;
    let state = state.map_err(|found| OpenError::Newer {
        path: path.to_path_buf(),
        found,
    })?;
    Ok((db, state))
}

fn database(file: fs::File) -> Result<Database, DatabaseError> {
    Database::builder().set_cache_size(CACHE_BYTES).create_file(file)
}

/// Makes an empty store beside the path, whole, and only then gives it its name: if the
/// process dies here, nothing half made stands where the store is looked for.
fn make(path: &Path) -> io::Result<()> {
    static MADE: AtomicU64 = AtomicU64::new(0);
    let folder = folder(path);
    fs::create_dir_all(folder)?;
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    let new = folder.join(format!("{}{}.{number}", unfinished(path), std::process::id()));
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let made = options.open(&new).and_then(|file| {
        let db = database(file).map_err(io::Error::other)?;
        drop(load(&db).map_err(io::Error::other)?);
        drop(db);
        give_name(&new, path)
    });
    let _ = fs::remove_file(&new);
    // Else a power cut could take the name away, whatever has been written since.
    made.and_then(|()| fs::File::open(folder)?.sync_all())
}

fn folder(path: &Path) -> &Path {
    path.parent()
        .filter(|d| !d.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// How the names of unfinished stores begin.
fn unfinished(path: &Path) -> String {
    format!(".{}.new.", path.file_name().unwrap_or_default().to_string_lossy())
}

/// Removes what processes left behind that died while they made this store. One that
/// still makes it finds, when it is done, that another was quicker.
fn remove_unfinished(path: &Path) {
    let Ok(entries) = fs::read_dir(folder(path)) else {
        return;
    };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(&unfinished(path)) {
            // What cannot be removed harms nobody.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Never over a store that somebody else has made meanwhile.
fn give_name(new: &Path, path: &Path) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|m| m.len() == 0) {
        fs::remove_file(path)?;
    }
    match fs::hard_link(new, path) {
        Err(_) if path.exists() => Ok(()),
        // File systems without hard links.
        Err(_) => fs::rename(new, path),
        Ok(()) => Ok(()),
    }
}

fn damage(path: &Path, error: redb::Error) -> OpenError {
    let path = path.to_path_buf();
    match error {
        redb::Error::Io(source) if source.kind() != io::ErrorKind::InvalidData => {
            OpenError::Io { path, source }
        }
        other => OpenError::Damaged {
            path,
            why: other.to_string(),
        },
    }
}

/// What the file holds; `Err` within is a format from the future.
fn load(db: &Database) -> Result<Result<State, i64>, redb::Error> {
    // Makes the tables of a new file, so that reading never meets a missing one.
    let txn = db.begin_write()?;
    let format = {
        let mut meta = txn.open_table(META)?;
        txn.open_table(KEYS)?;
        txn.open_table(LEASES)?;
        let format = meta.get("format")?.map(|v| v.value());
        if format.is_none() {
            meta.insert("format", FORMAT)?;
        }
        format.unwrap_or(FORMAT)
    };
    if format > FORMAT {
        txn.abort()?;
        return Ok(Err(format));
    }
    txn.commit()?;

    let txn = db.begin_read()?;
    let meta = txn.open_table(META)?;
    let number = |name: &str| -> Result<i64, redb::Error> { Ok(meta.get(name)?.map_or(0, |v| v.value())) };
    let mut keys = Vec::new();
    for row in txn.open_table(KEYS)?.iter()? {
        let (key, bytes) = row?;
        let stored = decode(bytes.value())
            .ok_or_else(|| StorageError::Corrupted(format!("the value of {}", key.value())))?;
        keys.push((key.value().to_owned(), stored));
    }
    let mut leases = Vec::new();
    for row in txn.open_table(LEASES)?.iter()? {
        let (id, ttl) = row?;
        leases.push((id.value(), Duration::from_millis(ttl.value())));
    }
    Ok(Ok(State::restored(
        number("revision")?,
        number("last_lease")?,
        keys,
        leases,
        Instant::now(),
    )))
}

fn write(db: &Database, delta: &Delta) -> Result<(), redb::Error> {
    let txn = db.begin_write()?;
    {
        let mut meta = txn.open_table(META)?;
        let mut keys = txn.open_table(KEYS)?;
        let mut leases = txn.open_table(LEASES)?;
        for commit in &delta.commits {
            for (key, stored) in commit.changes.iter() {
                match stored {
                    Some(stored) => keys.insert(&**key, encode(stored).as_slice())?,
                    None => keys.remove(&**key)?,
                };
            }
            meta.insert("revision", commit.revision)?;
        }
        for (id, change) in &delta.leases {
            match change {
                LeaseChange::Granted { ttl, .. } => leases.insert(id, ttl.as_millis() as u64)?,
                LeaseChange::Ended => leases.remove(id)?,
            };
        }
        meta.insert("last_lease", delta.last_lease)?;
    }
    txn.commit()?;
    Ok(())
}

fn encode(stored: &Stored) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(24 + stored.value.len());
    for number in [stored.create_revision, stored.mod_revision, stored.lease] {
        bytes.extend_from_slice(&number.to_be_bytes());
    }
    bytes.extend_from_slice(&stored.value);
    bytes
}

fn decode(bytes: &[u8]) -> Option<Stored> {
    let number = |at: usize| Some(i64::from_be_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    Some(Stored {
        create_revision: number(0)?,
        mod_revision: number(8)?,
        lease: number(16)?,
        value: bytes.get(24..)?.to_vec(),
    })
}
