//! One suite for both spools; what only a disk can do, and survive, for the one on it.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    io::{BufRead, BufReader},
    path::Path,
    sync::Arc,
    time::Duration,
};

use agent::{
    parts::{Spool, SpoolError, SpoolWrite, Spooled, Unsent},
    spool::{Disk, Limits, Memory, Metrics, OpenError},
};
use shared::{id::JobId, report::Chunk, run::State, time::Time};
use tokio::time::Instant;

mod records;
use records::{chunk, put, put_chunk, run_id, spooled};

/// A spool that can be closed and opened again.
enum Kind {
    Memory(Memory),
    Disk(tempfile::TempDir, Limits),
}

impl Kind {
    fn both(limits: Limits) -> [Kind; 2] {
        [
            Kind::Memory(Memory::new(limits)),
            Kind::Disk(tempfile::tempdir().unwrap(), limits),
        ]
    }

    /// As a new agent finds it.
    fn open(&self) -> Open {
        match self {
            Kind::Memory(memory) => Open::Memory(memory.clone()),
            Kind::Disk(dir, limits) => Open::Disk(Disk::open(&dir.path().join("spool"), *limits).unwrap()),
        }
    }
}

enum Open {
    Memory(Memory),
    Disk(Disk),
}

impl Open {
    fn spool(&self) -> &dyn Spool {
        match self {
            Open::Memory(memory) => memory,
            Open::Disk(disk) => disk,
        }
    }

    async fn commit(&self, writes: Vec<SpoolWrite>) {
        self.spool().commit(writes).await.unwrap();
    }

    async fn load(&self) -> Spooled {
        self.spool().load().await.unwrap()
    }

    async fn unsent(&self) -> Unsent {
        self.spool().unsent(100, 100).await.unwrap()
    }

    fn metrics(&self) -> Metrics {
        match self {
            Open::Memory(memory) => memory.metrics(),
            Open::Disk(disk) => disk.metrics(),
        }
    }
}

fn ids(unsent: &Unsent) -> Vec<(u64, State)> {
    let n = |time: Time| (time.as_millis() - run_id(0).time().as_millis()) as u64;
    unsent
        .runs
        .iter()
        .map(|run| (n(run.id.time()), run.state))
        .collect()
}

fn seqs(unsent: &Unsent) -> Vec<u64> {
    unsent.chunks.iter().map(|chunk| chunk.seq).collect()
}

#[tokio::test]
async fn runs_stay_until_their_end_is_acknowledged() {
    for kind in Kind::both(Limits::default()) {
        let spool = kind.open();
        spool
            .commit(vec![put(2, State::Pending), put(1, State::Pending)])
            .await;
        assert_eq!(
            ids(&spool.unsent().await),
            [(2, State::Pending), (1, State::Pending)],
            "as they came"
        );

        // A run that changes before it is sent keeps its place.
        spool.commit(vec![put(2, State::Running)]).await;
        let sent = spool.unsent().await;
        assert_eq!(ids(&sent), [(2, State::Running), (1, State::Pending)]);
        assert_eq!(sent.total, 2);

        // One that changes after it was sent is to be sent again.
        spool.commit(vec![put(1, State::Succeeded)]).await;
        spool.commit(vec![SpoolWrite::AckRuns(sent.runs.clone())]).await;
        let spool = {
            drop(spool);
            kind.open()
        };
        let sent = spool.unsent().await;
        assert_eq!(ids(&sent), [(1, State::Succeeded)]);
        assert_eq!(spool.load().await.runs.len(), 2);

        spool.commit(vec![SpoolWrite::AckRuns(sent.runs)]).await;
        assert_eq!(spool.unsent().await.total, 0);
        let left = spool.load().await.runs;
        assert_eq!(left.len(), 1, "its end is acknowledged, and it is forgotten");
        let (left, expected) = (
            serde_json::to_value(&left[0]),
            serde_json::to_value(spooled(2, State::Running)),
        );
        assert_eq!(left.unwrap(), expected.unwrap());

        // An acknowledgement that comes twice, or of what is not known, does nothing.
        spool
            .commit(vec![SpoolWrite::AckRuns(vec![spooled(1, State::Succeeded).run])])
            .await;
        assert_eq!(spool.load().await.runs.len(), 1);
    }
}

#[tokio::test]
async fn output_is_sent_in_order_and_dropped_when_told() {
    for kind in Kind::both(Limits::default()) {
        let spool = kind.open();
        let data: Vec<u8> = (0..=255).collect();
        spool
            .commit((0..6).map(|seq| put_chunk(1, seq, &data)).collect())
            .await;
        spool.commit(vec![put_chunk(2, 0, b"other")]).await;
        assert_eq!(seqs(&spool.unsent().await), [0, 1, 2, 3, 4, 5, 0]);
        assert_eq!(
            spool.spool().unsent(0, 2).await.unwrap().chunks,
            [chunk(1, 0, &data), chunk(1, 1, &data)]
        );

        let drop_middle = SpoolWrite::DropChunks {
            run: run_id(1),
            from: 2,
            until: 4,
        };
        spool
            .commit(vec![drop_middle, SpoolWrite::AckChunks(vec![(run_id(1), 0)])])
            .await;
        let spool = {
            drop(spool);
            kind.open()
        };
        assert_eq!(seqs(&spool.unsent().await), [1, 4, 5, 0]);
        assert_eq!(spool.unsent().await.chunks[1], chunk(1, 4, &data));
        assert_eq!(spool.unsent().await.total, 4);
        spool
            .commit(vec![SpoolWrite::AckChunks(vec![(run_id(1), 5), (run_id(2), 9)])])
            .await;
        assert_eq!(spool.unsent().await.total, 0);
        assert_eq!(spool.metrics().output_bytes, 0);
    }
}

#[tokio::test]
async fn pieces_are_numbered_on_after_they_were_sent() {
    for kind in Kind::both(Limits::default()) {
        let spool = kind.open();
        spool
            .commit(vec![
                put(1, State::Running),
                put_chunk(1, 0, b"a"),
                put_chunk(1, 1, b"b"),
            ])
            .await;
        spool
            .commit(vec![SpoolWrite::AckChunks(vec![(run_id(1), 1)])])
            .await;
        let spool = {
            drop(spool);
            kind.open()
        };
        assert_eq!(spool.spool().next_chunk(run_id(1)).await.unwrap(), 2);
        assert_eq!(spool.spool().next_chunk(run_id(2)).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn cursors_and_assignments_come_back() {
    for kind in Kind::both(Limits::default()) {
        let spool = kind.open();
        let (a, b) = (JobId::from_u128(1), JobId::from_u128(2));
        let cursor = |job, slot, ms| SpoolWrite::PutCursor {
            job,
            slot,
            at: Time::from_millis(ms),
        };
        spool
            .commit(vec![
                cursor(a, None, 1),
                cursor(a, Some(0), 2),
                cursor(b, Some(3), 3),
            ])
            .await;
        spool
            .commit(vec![
                cursor(a, None, 4),
                SpoolWrite::DeleteCursor {
                    job: b,
                    slot: Some(3),
                },
            ])
            .await;
        let spec = spooled(1, State::Pending).order.spec;
        let owned = agent::parts::OwnedAssignment {
            key: "assign/x".into(),
            assignment: shared::assign::Assignment {
                job: a,
                revision: 1,
                spec,
                since: Time::EPOCH,
                slot: Some(0),
                groups: Default::default(),
                calendars: Default::default(),
            },
            create_revision: 1,
            mod_revision: 2,
        };
        spool
            .commit(vec![SpoolWrite::PutAssignments(vec![
                owned.clone(),
                owned.clone(),
            ])])
            .await;
        spool
            .commit(vec![SpoolWrite::PutAssignments(vec![owned.clone()])])
            .await;
        let spool = {
            drop(spool);
            kind.open()
        };
        let all = spool.load().await;
        let expected = [
            (a, None, Time::from_millis(4)),
            (a, Some(0), Time::from_millis(2)),
        ];
        assert_eq!(all.cursors, expected);
        assert_eq!(all.assignments, [owned]);
    }
}

#[tokio::test]
async fn at_the_limit_the_oldest_output_goes_first() {
    let limits = Limits {
        output_bytes_max: 10_000,
        ..Limits::default()
    };
    for kind in Kind::both(limits) {
        let spool = kind.open();
        spool.commit(vec![put(1, State::Running)]).await;
        for seq in 0..30 {
            spool.commit(vec![put_chunk(1, seq, &[7; 1000])]).await;
        }
        let left = seqs(&spool.unsent().await);
        assert_eq!(
            left,
            (30 - left.len() as u64..30).collect::<Vec<_>>(),
            "the newest stay"
        );
        let metrics = spool.metrics();
        assert!((8_000..=10_000).contains(&metrics.output_bytes), "{metrics:?}");
        assert_eq!(metrics.evicted_pieces, 30 - left.len() as u64);
        assert!(metrics.evicted_bytes >= 1000 * metrics.evicted_pieces);
        assert_eq!(
            ids(&spool.unsent().await),
            [(1, State::Running)],
            "a record never goes"
        );
    }
    let limits = Limits {
        pieces_max: 5,
        ..Limits::default()
    };
    for kind in Kind::both(limits) {
        let spool = kind.open();
        spool
            .commit((0..9).map(|seq| put_chunk(1, seq, b"x")).collect())
            .await;
        assert_eq!(seqs(&spool.unsent().await), [4, 5, 6, 7, 8]);
    }
}

#[tokio::test]
async fn without_room_new_runs_are_refused_and_old_ones_end() {
    let limits = Limits {
        runs_bytes_max: 6_000,
        ..Limits::default()
    };
    for kind in Kind::both(limits) {
        let spool = kind.open();
        let mut count = 0;
        let error = loop {
            match spool
                .spool()
                .commit(vec![put(count, State::Pending), put_chunk(count, 0, b"x")])
                .await
            {
                Ok(()) => count += 1,
                Err(error) => break error,
            }
        };
        assert!(
            matches!(&error, SpoolError::Failed(why) if why.contains("6000")),
            "{error}"
        );
        assert!((3..20).contains(&count));
        assert_eq!(spool.metrics().refused_runs, 1);
        assert_eq!(spool.metrics().pieces, count, "all of a commit or nothing");
        let spool = {
            drop(spool);
            kind.open()
        };
        spool.commit(vec![put(0, State::Succeeded)]).await;
        let ended = spooled(0, State::Succeeded).run;
        spool.commit(vec![SpoolWrite::AckRuns(vec![ended])]).await;
        spool.commit(vec![put(count, State::Pending)]).await;
    }
}

#[tokio::test]
async fn commits_at_once_share_a_sync() {
    let dir = tempfile::tempdir().unwrap();
    let spool = Arc::new(Disk::open(&dir.path().join("spool"), Limits::default()).unwrap());
    let begin = Instant::now();
    let mut all = tokio::task::JoinSet::new();
    for n in 0..2_000 {
        let spool = spool.clone();
        all.spawn(async move { spool.commit(vec![put(n, State::Pending)]).await });
    }
    while let Some(result) = all.join_next().await {
        result.unwrap().unwrap();
    }
    assert_eq!(spool.load().await.unwrap().runs.len(), 2_000);
    // With a sync for each this takes far longer on any disk that keeps its word.
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
    assert_eq!(spool.metrics().runs_unsent, 2_000);
}

#[tokio::test]
async fn a_file_has_one_owner_and_is_checked() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("deep/spool");
    let first = Disk::open(&path, Limits::default()).unwrap();
    assert!(matches!(
        Disk::open(&path, Limits::default()),
        Err(OpenError::InUse(_))
    ));
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&path).unwrap());
    assert_eq!(mode & 0o777, 0o600);
    drop(first);
    drop(Disk::open(&path, Limits::default()).unwrap());
    std::fs::write(&path, b"this is no spool").unwrap();
    assert!(matches!(
        Disk::open(&path, Limits::default()),
        Err(OpenError::Damaged { .. })
    ));
}

/// What the two hold, told apart by nothing.
async fn contents(spool: &dyn Spool) -> String {
    let all = spool.load().await.unwrap();
    let unsent = spool.unsent(1000, 1000).await.unwrap();
    format!("{all:?} {unsent:?}")
}

fn any_write(n: u64, seq: u64, kind: u8) -> SpoolWrite {
    let states = [State::Pending, State::Running, State::Succeeded];
    let state = states[seq as usize % 3];
    match kind {
        0..=2 => put(n, state),
        3 => SpoolWrite::AckRuns(vec![spooled(n, state).run]),
        4..=6 => put_chunk(n, seq, &vec![kind; 100 * seq as usize]),
        7 => SpoolWrite::AckChunks(vec![(run_id(n), seq)]),
        8 => SpoolWrite::DropChunks {
            run: run_id(n),
            from: seq / 2,
            until: seq,
        },
        _ => SpoolWrite::PutCursor {
            job: JobId::from_u128(n.into()),
            slot: None,
            at: Time::from_millis(seq as i64),
        },
    }
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..proptest::test_runner::Config::with_cases(24) })]
    /// Whatever is done to them, the spool on disk and the one in memory hold the same,
    /// also when the file was closed meanwhile.
    #[test]
    fn both_spools_are_one(
        commits in proptest::collection::vec(proptest::collection::vec((0..5u64, 0..9u64, 0..10u8), 1..6), 1..30),
    ) {
        let limits = Limits { output_bytes_max: 4_000, pieces_max: 12, ..Limits::default() };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let [memory, disk] = Kind::both(limits);
            for writes in commits {
                let (memory, disk) = (memory.open(), disk.open());
                let writes: Vec<_> = writes.into_iter().map(|(n, seq, kind)| any_write(n, seq, kind)).collect();
                memory.commit(writes.clone()).await;
                disk.commit(writes).await;
                assert_eq!(contents(memory.spool()).await, contents(disk.spool()).await);
                for n in 0..5 {
                    let next = memory.spool().next_chunk(run_id(n)).await.unwrap();
                    assert_eq!(disk.spool().next_chunk(run_id(n)).await.unwrap(), next, "run {n}");
                }
            }
        });
    }
}

/// Kills a process that commits at any moment, many times, and looks whether what it was
/// told is there, all of each commit.
#[tokio::test]
async fn what_was_acknowledged_survives_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("spool");
    let mut acknowledged = 0;
    for round in 0..8u64 {
        let last = commit_until_killed(&path, acknowledged, 40 + round * 23);
        assert!(last > acknowledged, "round {round}: it has committed something");
        acknowledged = last;
        let spool = Disk::open(&path, Limits::default()).unwrap();
        let runs = spool.load().await.unwrap().runs;
        let unsent = spool.unsent(10_000_000, 10_000_000).await.unwrap();
        let have: Vec<u64> = runs.iter().map(|s| s.run.revision as u64).collect();
        // One more may have been written and not been told.
        assert!(
            (acknowledged..=acknowledged + CONCURRENT).contains(&(have.len() as u64)),
            "{} of {acknowledged}",
            have.len()
        );
        assert_eq!(
            (unsent.runs.len(), unsent.chunks.len()),
            (runs.len(), runs.len() * 2),
            "no half of a commit"
        );
        acknowledged = have.len() as u64;
    }
}

const CONCURRENT: u64 = 1;

/// Returns the last commit that was acknowledged.
fn commit_until_killed(path: &Path, from: u64, after_ms: u64) -> u64 {
    #[allow(
        clippy::disallowed_methods,
        reason = "what is killed needs a process of its own"
    )]
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "inner_commits",
            "--ignored",
            "--nocapture",
            "--test-threads=1",
        ])
        .env("INNER_SPOOL", path)
        .env("INNER_FROM", from.to_string())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    let told = |line: &str| {
        line.strip_prefix("committed ")
            .and_then(|n| n.parse::<u64>().ok())
    };
    let mut last = lines.by_ref().find_map(|line| told(&line)).expect("it commits");
    let pid = nix::unistd::Pid::from_raw(child.id() as i32);
    let killer = std::thread::spawn(move || {
        let (_tx, rx) = std::sync::mpsc::channel::<()>();
        let _ = rx.recv_timeout(Duration::from_millis(after_ms));
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
    });
    for line in lines {
        last = told(&line).unwrap_or(last);
    }
    killer.join().unwrap();
    child.wait().unwrap();
    last
}

#[tokio::test]
#[ignore = "the process that what_was_acknowledged_survives_kill_9 kills"]
async fn inner_commits() {
    let spool = Disk::open(
        Path::new(&std::env::var("INNER_SPOOL").unwrap()),
        Limits::default(),
    )
    .unwrap();
    let from: u64 = std::env::var("INNER_FROM").unwrap().parse().unwrap();
    for n in from.. {
        let mut run = spooled(n, State::Pending);
        run.run.revision = n as i64;
        let chunks = [0, 1].map(|seq| {
            SpoolWrite::PutChunk(Chunk {
                seq,
                ..chunk(n, seq, &[3; 3000])
            })
        });
        let mut writes = vec![SpoolWrite::PutRun(Box::new(run))];
        writes.extend(chunks);
        spool.commit(writes).await.unwrap();
        println!("committed {}", n + 1);
    }
}
