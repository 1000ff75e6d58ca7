//! The spool in one file.
//!
//! One thread writes, a batch of commits with one sync of the disk. After a crash the
//! file holds all of a commit or nothing of it.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use redb::{Database, DatabaseError, ReadableDatabase, ReadableTable};
use shared::{
    id::{JobId, RunId},
    report::Run,
    time::Time,
};

use super::{
    Limits, Metrics,
    index::{Change, Index, Piece},
    tables::{
        ASSIGNMENTS, CURSORS, META, NEXT_CHUNK, PIECE_INDEX, PIECES, RUNS, Tables, UNSENT, decode,
        decode_piece,
    },
    writer::Writer,
};
use crate::parts::{Spool, SpoolError, SpoolWrite, Spooled, Unsent};

const FORMAT: u64 = 1;
/// redb's own default is a gibibyte; an agent is to be small.
const CACHE_BYTES: usize = 16 << 20;
/// A file of this many times what it holds is made small when it is opened.
const SLACK_FACTOR: u64 = 4;
const SLACK_BYTES_MIN: u64 = 64 << 20;

/// Why a spool's file could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the spool {} is in use by another process: is another agent running with this data directory?", .0.display())]
    InUse(PathBuf),
    #[error("the spool {} was written by a newer gnomon (format {found}; this one knows {FORMAT}): use that version", .path.display())]
    Newer { path: PathBuf, found: u64 },
    #[error("the spool {} is damaged ({why}): move it away to start with an empty one; what it held is lost", .path.display())]
    Damaged { path: PathBuf, why: String },
    #[error("the disk of the spool {} is full", .0.display())]
    DiskFull(PathBuf),
    #[error("cannot open the spool {}", .path.display())]
    Io { path: PathBuf, source: io::Error },
}

/// A spool in a file.
pub struct Disk {
    store: Arc<Store>,
    writer: Writer,
}

/// What the writing thread and those who read share.
pub(super) struct Store {
    open: Opener,
    limits: Limits,
    /// None after a failed write: redb wants to be opened again then.
    db: Mutex<Option<Arc<Database>>>,
    index: Mutex<Index>,
}

type Opener = Box<dyn Fn() -> Result<Database, OpenError> + Send + Sync>;

impl Disk {
    /// Opens or makes the file, readable by its owner only.
    pub fn open(path: &Path, limits: Limits) -> Result<Disk, OpenError> {
        let path = path.to_path_buf();
        Disk::open_with(limits, Box::new(move || open_file(&path)))
    }

    fn open_with(limits: Limits, open: Opener) -> Result<Disk, OpenError> {
        let db = open()?;
        let index = restore(&db, limits).map_err(|e| classify(Path::new("spool"), e))?;
        let store = Store {
            open,
            limits,
            db: Mutex::new(Some(Arc::new(db))),
            index: Mutex::new(index),
        };
        let store = Arc::new(store);
        let writer = Writer::start(store.clone()).map_err(|source| OpenError::Io {
            path: PathBuf::from("spool"),
            source,
        })?;
        Ok(Disk { store, writer })
    }

    pub fn metrics(&self) -> Metrics {
        self.store.index().metrics()
    }

    async fn read<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Store, &Database) -> Result<T, redb::Error> + Send + 'static,
    ) -> Result<T, SpoolError> {
        let store = self.store.clone();
        let task = tokio::task::spawn_blocking(move || {
            let db = store.db().clone();
            let db = db.ok_or_else(|| SpoolError::Failed("its file is being opened again".into()))?;
            f(&store, &db).map_err(|e| spool_error(&e))
        });
        task.await
            .unwrap_or_else(|e| Err(SpoolError::Failed(format!("its reader stopped: {e}"))))
    }
}

#[async_trait]
impl Spool for Disk {
    async fn commit(&self, writes: Vec<SpoolWrite>) -> Result<(), SpoolError> {
        if writes.is_empty() {
            return Ok(());
        }
        self.writer.commit(writes).await
    }

    async fn load(&self) -> Result<Spooled, SpoolError> {
        self.read(|_, db| read_all(db)).await
    }

    async fn unsent(&self, runs: usize, chunks: usize) -> Result<Unsent, SpoolError> {
        let (ids, places, total, set_aside) = {
            let index = self.store.index();
            let (ids, places, total) = index.unsent(runs, chunks);
            (ids, places, total, index.set_aside())
        };
        if ids.is_empty() && places.is_empty() {
            return Ok(Unsent {
                total,
                set_aside,
                ..Unsent::default()
            });
        }
        let read = self.read(move |_, db| read_unsent(db, &ids, &places)).await?;
        Ok(Unsent {
            total,
            set_aside,
            ..read
        })
    }

    async fn next_chunk(&self, run: RunId) -> Result<u64, SpoolError> {
        Ok(self.store.index().next_chunk(run))
    }
}

impl Store {
    pub fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn db(&self) -> MutexGuard<'_, Option<Arc<Database>>> {
        self.db.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn is_open(&self) -> bool {
        self.db().is_some()
    }

    /// Makes changes durable, all or none. After an error nobody knows whether they are;
    /// the file must be opened again, and what it holds then is the truth.
    pub fn write(&self, changes: &[Change]) -> Result<(), SpoolError> {
        let db = self.db().clone();
        let Some(db) = db else {
            return Err(SpoolError::Failed("its file is closed".into()));
        };
        write(&db, changes).map_err(|e| {
            *self.db() = None;
            spool_error(&e)
        })
    }

    /// Opens the file again after a failed write and reads what it really holds.
    pub fn reopen(&self) -> Result<(), SpoolError> {
        let failed = |e: OpenError| match e {
            OpenError::DiskFull(_) => SpoolError::DiskFull,
            e => SpoolError::Failed(e.to_string()),
        };
        let db = (self.open)().map_err(failed)?;
        let mut index = restore(&db, self.limits).map_err(|e| spool_error(&e))?;
        let mut current = self.index();
        index.keep_counts(&current.metrics());
        *current = index;
        *self.db() = Some(Arc::new(db));
        Ok(())
    }
}

fn open_file(path: &Path) -> Result<Database, OpenError> {
    let io = |source: io::Error| classify(path, source.into());
    let dir = path.parent().filter(|d| !d.as_os_str().is_empty());
    if let Some(dir) = dir {
        fs::create_dir_all(dir).map_err(io)?;
    }
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).map_err(io)?;
    let length = file.metadata().map_err(io)?.len();
    let mut db = Database::builder()
        .set_cache_size(CACHE_BYTES)
        .create_file(file)
        .map_err(|e| match e {
            DatabaseError::DatabaseAlreadyOpen => OpenError::InUse(path.to_path_buf()),
            e => classify(path, e.into()),
        })?;
    // The name of a new file must survive a power cut, as what is in it does.
    if let Some(dir) = dir {
        fs::File::open(dir).and_then(|d| d.sync_all()).map_err(io)?;
    }
    let format = prepare(&db).map_err(|e| classify(path, e))?;
    if format > FORMAT {
        return Err(OpenError::Newer {
            path: path.to_path_buf(),
            found: format,
        });
    }
    shrink(&mut db, length);
    Ok(db)
}

/// Makes the tables of a new file, so that reading never meets a missing one.
fn prepare(db: &Database) -> Result<u64, redb::Error> {
    let txn = db.begin_write()?;
    let format = {
        let mut meta = txn.open_table(META)?;
        let format = meta.get("format")?.map(|v| v.value());
        if format.is_none() {
            meta.insert("format", FORMAT)?;
        }
        format.unwrap_or(FORMAT)
    };
    if format > FORMAT {
        txn.abort()?;
        return Ok(format);
    }
    drop(Tables::open(&txn)?);
    txn.commit()?;
    Ok(format)
}

/// Gives back to the file system what a long absence of the masters left behind.
fn shrink(db: &mut Database, length: u64) {
    let used = db.begin_write().map_err(redb::Error::from).and_then(|txn| {
        let stats = txn.stats()?;
        txn.abort()?;
        Ok(stats.stored_bytes())
    });
    if let Ok(used) = used
        && length > SLACK_BYTES_MIN
        && length / SLACK_FACTOR > used
        && let Err(error) = db.compact()
    {
        tracing::warn!(%error, "the spool's file could not be made smaller");
    }
}

fn restore(db: &Database, limits: Limits) -> Result<Index, redb::Error> {
    prepare(db)?;
    let txn = db.begin_read()?;
    let unsent = txn.open_table(UNSENT)?;
    let next_chunk = txn.open_table(NEXT_CHUNK)?;
    let mut index = Index::new(limits);
    for row in txn.open_table(RUNS)?.iter()? {
        let (id, record) = row?;
        let (id, record) = (id.value(), record.value());
        // One that this version cannot read stays where it is and harms no other.
        let Ok(Reported { run }) = decode::<Reported>(record, "a run").inspect_err(|e| unreadable(id, e))
        else {
            continue;
        };
        let order = unsent.get(id)?.map(|v| v.value());
        let next = next_chunk.get(id)?.map_or(0, |v| v.value());
        index.restore_run(&run, record.len(), order, next);
    }
    for row in txn.open_table(PIECE_INDEX)?.iter()? {
        let (order, piece) = row?;
        let (run, seq, bytes) = piece.value();
        index.restore_piece(
            order.value(),
            Piece {
                run: RunId::from_u128(run),
                seq,
                bytes,
            },
        );
    }
    Ok(index)
}

/// Only the report: the rest of the record is the agent's own.
#[derive(serde::Deserialize)]
struct Reported {
    run: Run,
}

fn unreadable(id: u128, error: &redb::Error) {
    tracing::error!(run.id = %RunId::from_u128(id), %error, "a run in the spool is not readable; it is left out");
}

fn read_all(db: &Database) -> Result<Spooled, redb::Error> {
    let txn = db.begin_read()?;
    let mut all = Spooled::default();
    for row in txn.open_table(RUNS)?.iter()? {
        let (id, record) = row?;
        match decode(record.value(), "a run") {
            Ok(run) => all.runs.push(run),
            Err(error) => unreadable(id.value(), &error),
        }
    }
    for row in txn.open_table(CURSORS)?.iter()? {
        let (key, at) = row?;
        let (job, slot) = key.value();
        all.cursors
            .push((JobId::from_u128(job), slot, Time::from_millis(at.value())));
    }
    if let Some(row) = txn.open_table(ASSIGNMENTS)?.get(0)? {
        // The store has them, too.
        let read = decode(row.value(), "the assignments");
        let read = read.inspect_err(
            |error| tracing::error!(%error, "the spool's copy of the assignments is not readable"),
        );
        all.assignments = read.unwrap_or_default();
    }
    Ok(all)
}

fn read_unsent(db: &Database, ids: &[RunId], places: &[u64]) -> Result<Unsent, redb::Error> {
    let txn = db.begin_read()?;
    let (runs, pieces) = (txn.open_table(RUNS)?, txn.open_table(PIECES)?);
    let piece_index = txn.open_table(PIECE_INDEX)?;
    let mut unsent = Unsent::default();
    // The index may be ahead of the file by a batch: what is not there yet comes next time.
    for id in ids {
        if let Some(row) = runs.get(id.to_u128())? {
            unsent.runs.push(decode::<Reported>(row.value(), "a run")?.run);
        }
    }
    for place in places {
        if let (Some(piece), Some(row)) = (piece_index.get(place)?, pieces.get(place)?) {
            let (run, seq, _) = piece.value();
            unsent
                .chunks
                .push(decode_piece(RunId::from_u128(run), seq, row.value())?);
        }
    }
    Ok(unsent)
}

fn write(db: &Database, changes: &[Change]) -> Result<(), redb::Error> {
    let txn = db.begin_write()?;
    {
        let mut tables = Tables::open(&txn)?;
        changes.iter().try_for_each(|change| tables.apply(change))?;
    }
    txn.commit()?;
    Ok(())
}

fn is_full(error: &redb::Error) -> bool {
    let full = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];
    matches!(error, redb::Error::Io(e) if full.contains(&e.kind()))
}

fn spool_error(error: &redb::Error) -> SpoolError {
    if is_full(error) {
        SpoolError::DiskFull
    } else {
        SpoolError::Failed(error.to_string())
    }
}

fn classify(path: &Path, error: redb::Error) -> OpenError {
    let path = path.to_path_buf();
    match error {
        e if is_full(&e) => OpenError::DiskFull(path),
        redb::Error::Io(source) if source.kind() != io::ErrorKind::InvalidData => {
            OpenError::Io { path, source }
        }
        e => OpenError::Damaged {
            path,
            why: e.to_string(),
        },
    }
}

#[cfg(test)]
mod tests;
