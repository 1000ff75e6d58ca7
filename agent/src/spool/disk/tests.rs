//! A disk that fills up, or breaks, in the middle of anything.

use std::sync::atomic::{AtomicU64, Ordering};

use redb::StorageBackend;
use shared::{
    assign::RunOrder,
    job::{Action, JobSpec, RunSpec},
    run::Cause,
};

use super::*;
use crate::parts::SpooledRun;

/// A file in memory with so much room on its disk, which outlives being opened.
#[derive(Clone, Debug, Default)]
struct FullDisk {
    bytes: Arc<Mutex<Vec<u8>>>,
    room: Arc<AtomicU64>,
}

impl FullDisk {
    fn full() -> io::Error {
        io::Error::from_raw_os_error(libc::ENOSPC)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.bytes.lock().unwrap()
    }
}

impl StorageBackend for FullDisk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.lock().len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let at = offset as usize;
        out.copy_from_slice(&self.lock()[at..at + out.len()]);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        // A sparse file grows without taking room.
        self.lock().resize(len as usize, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let left = self.room.load(Ordering::SeqCst);
        if (data.len() as u64) > left {
            return Err(FullDisk::full());
        }
        self.room.fetch_sub(data.len() as u64, Ordering::SeqCst);
        let at = offset as usize;
        self.lock()[at..at + data.len()].copy_from_slice(data);
        Ok(())
    }
}

fn open(disk: &FullDisk) -> Result<Disk, OpenError> {
    let disk = disk.clone();
    let make = move || {
        let db = Database::builder().create_with_backend(disk.clone());
        db.map_err(|e| classify(Path::new("test"), e.into()))
    };
    Disk::open_with(Limits::default(), Box::new(make))
}

fn put(n: u64) -> SpoolWrite {
    let order = RunOrder {
        job: JobId::from_u128(1),
        revision: 1,
        spec: JobSpec::new(
            "job".parse().unwrap(),
            RunSpec::new(Action::Shell("x".repeat(2000))),
        ),
        first: RunId::from_u128(n.into()),
        attempt: 1,
        scheduled_at: Time::EPOCH,
        not_before: Time::EPOCH,
        slot: None,
        cause: Cause::Schedule,
        env: [].into(),
    };
    let run = order.pending(RunId::from_u128(n.into()), &"node".parse().unwrap());
    SpoolWrite::PutRun(Box::new(SpooledRun {
        run,
        order,
        claim: None,
        process: None,
        epoch: None,
    }))
}

/// Waits out the time for which a broken file is left alone.
async fn commit_soon(spool: &Disk, n: u64) {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(10);
    while let Err(error) = spool.commit(vec![put(n)]).await {
        assert!(tokio::time::Instant::now() < deadline, "{error}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_full_disk_is_said_and_harms_nothing() {
    let disk = FullDisk::default();
    disk.room.store(u64::MAX / 2, Ordering::SeqCst);
    let spool = open(&disk).unwrap();
    let mut acknowledged = Vec::new();
    let mut n = 0;
    // The disk fills up at many different places within a commit.
    for room in (0..60_000).step_by(700) {
        disk.room.store(room, Ordering::SeqCst);
        let error = loop {
            match spool.commit(vec![put(2 * n), put(2 * n + 1)]).await {
                Ok(()) => acknowledged.push(n),
                Err(error) => break error,
            }
            n += 1;
        };
        assert!(matches!(error, SpoolError::DiskFull), "{error}");
        n += 1;
        disk.room.store(u64::MAX / 2, Ordering::SeqCst);
        commit_soon(&spool, 1_000_000 + room).await;
    }
    drop(spool);
    let spool = open(&disk).unwrap();
    let runs = spool.load().await.unwrap().runs;
    let has = |n: u64| runs.iter().any(|s| s.run.id == RunId::from_u128(n.into()));
    for n in acknowledged {
        assert!(has(2 * n) && has(2 * n + 1), "commit {n} was acknowledged");
    }
    for n in 0..n {
        assert_eq!(has(2 * n), has(2 * n + 1), "commit {n}: all or nothing");
    }
    assert_eq!(spool.metrics().runs, runs.len() as u64);
}

#[tokio::test]
async fn while_the_disk_is_full_it_says_so_at_once() {
    let disk = FullDisk::default();
    disk.room.store(u64::MAX / 2, Ordering::SeqCst);
    let spool = open(&disk).unwrap();
    commit_soon(&spool, 1).await;
    disk.room.store(0, Ordering::SeqCst);
    for _ in 0..3 {
        assert!(matches!(
            spool.commit(vec![put(2)]).await,
            Err(SpoolError::DiskFull)
        ));
    }
    disk.room.store(u64::MAX / 2, Ordering::SeqCst);
    commit_soon(&spool, 3).await;
    let ids: Vec<u128> = spool
        .load()
        .await
        .unwrap()
        .runs
        .iter()
        .map(|s| s.run.id.to_u128())
        .collect();
    assert_eq!(ids, [1, 3]);
}

#[tokio::test]
async fn a_record_that_cannot_be_read_harms_no_other() {
    let disk = FullDisk::default();
    disk.room.store(u64::MAX / 2, Ordering::SeqCst);
    let spool = open(&disk).unwrap();
    spool.commit(vec![put(1), put(2), put(3)]).await.unwrap();
    let db = spool.store.db().clone().unwrap();
    let txn = db.begin_write().unwrap();
    {
        let mut runs = txn.open_table(RUNS).unwrap();
        let whole = runs.get(2).unwrap().unwrap().value().to_vec();
        // One of which only the report can be read, and one that is nothing at all.
        let text = String::from_utf8(whole)
            .unwrap()
            .replace("\"order\"", "\"unknown\"");
        runs.insert(2, text.as_bytes()).unwrap();
        runs.insert(3, b"nonsense".as_slice()).unwrap();
        txn.open_table(ASSIGNMENTS)
            .unwrap()
            .insert(0, b"[5]".as_slice())
            .unwrap();
    }
    txn.commit().unwrap();
    drop((db, spool));
    let spool = open(&disk).unwrap();
    let numbers = |runs: Vec<RunId>| runs.into_iter().map(RunId::to_u128).collect::<Vec<_>>();
    let all = spool.load().await.unwrap();
    assert_eq!(numbers(all.runs.iter().map(|s| s.run.id).collect()), [1]);
    assert!(all.assignments.is_empty());
    let unsent = spool.unsent(10, 10).await.unwrap();
    assert_eq!(
        numbers(unsent.runs.iter().map(|r| r.id).collect()),
        [1, 2],
        "what can be told is told"
    );
    spool
        .commit(vec![SpoolWrite::AckRuns(unsent.runs)])
        .await
        .unwrap();
    spool.commit(vec![put(3)]).await.unwrap();
    assert_eq!(spool.load().await.unwrap().runs.len(), 2);
}
