//! What is deleted, and what stays.

use master::history::{Expire, Expired};
use shared::{report::Run, run::State, time::Time};

use super::{all, all_of};
use crate::{
    databases::Database,
    sample::{at, chunk, in_state, job, run},
};

pub async fn retention_by_age_and_count(db: &Database) {
    let mut runs: Vec<Run> = (0..20).map(|n| run(1, n)).collect();
    runs[2] = in_state(&runs[2], State::Running);
    let others: Vec<Run> = (0..5).map(|n| run(2, n)).collect();
    let chunks: Vec<_> = runs
        .iter()
        .chain(&others)
        .map(|run| chunk(run, 0, b"x"))
        .collect();
    db.history
        .record(&[runs.clone(), others.clone()].concat(), &chunks)
        .await
        .unwrap();

    let expired = db
        .history
        .expire(&Expire::Job {
            job: job(1),
            before: at(5),
            keep: 100,
            spared: Time::MAX,
        })
        .await
        .unwrap();
    assert_eq!(expired, Expired { rows: 4, more: false });
    let left = |db: &Database| all_of(db.history.clone(), 1);
    let expected: Vec<i64> = [vec![2], (5..20).collect()].concat();
    assert_eq!(left(db).await, expected);

    // The newest three, and what has not ended.
    let expired = db
        .history
        .expire(&Expire::Job {
            job: job(1),
            before: at(0),
            keep: 3,
            spared: Time::MAX,
        })
        .await
        .unwrap();
    assert_eq!(
        expired,
        Expired {
            rows: 12,
            more: false
        }
    );
    assert_eq!(left(db).await, [2, 17, 18, 19]);
    assert_eq!(all_of(db.history.clone(), 2).await, [0, 1, 2, 3, 4]);
    for (run, kept) in [
        (&runs[0], 0),
        (&runs[10], 0),
        (&runs[2], 1),
        (&runs[19], 1),
        (&others[0], 1),
    ] {
        assert_eq!(
            db.history.output(run.id, 0, 9).await.unwrap().len(),
            kept,
            "{}",
            run.scheduled_at
        );
    }
    let nothing = Expire::Job {
        job: job(1),
        before: at(0),
        keep: 3,
        spared: Time::MAX,
    };
    assert_eq!(db.history.expire(&nothing).await.unwrap(), Expired::default());

    // What was due lately is spared, and what is to be tried again is not forgotten.
    let more: Vec<Run> = (0..6).map(|n| run(3, n)).collect();
    let again = Run {
        state: State::Failed,
        retry_at: Some(at(500)),
        ..more[1].clone()
    };
    db.history.record(&more, &[]).await.unwrap();
    db.history
        .record(
            &[Run {
                id: again.first.attempt(2),
                attempt: 2,
                ..again
            }],
            &[],
        )
        .await
        .unwrap();
    let spared = Expire::Job {
        job: job(3),
        before: at(0),
        keep: 1,
        spared: at(3),
    };
    assert_eq!(
        db.history.expire(&spared).await.unwrap(),
        Expired { rows: 3, more: false }
    );
    assert_eq!(all_of(db.history.clone(), 3).await, [1, 3, 4, 5]);
    let spared = Expire::Job {
        job: job(3),
        before: at(0),
        keep: 1,
        spared: at(501),
    };
    assert_eq!(db.history.expire(&spared).await.unwrap().rows, 3);
    assert_eq!(db.history.newest(job(3), 0).await.unwrap(), Some(at(5)));
    assert_eq!(db.history.newest(job(3), 1).await.unwrap(), None);
    db.history.tidy().await.unwrap();
}

pub async fn retention_of_everything(db: &Database) {
    let mut runs: Vec<Run> = (0..1200).map(|n| run(n % 3, n as i64)).collect();
    runs[0] = in_state(&runs[0], State::Queued);
    runs[1199] = in_state(&runs[1199], State::Running);
    for some in runs.chunks(500) {
        db.history.record(some, &[]).await.unwrap();
    }
    let orphan = run(9, 0);
    db.history
        .record(&[], &[chunk(&orphan, 0, b"x"), chunk(&runs[1150], 0, b"y")])
        .await
        .unwrap();

    let what = Expire::All {
        before: at(100),
        keep: 150,
        spared: Time::MAX,
    };
    let mut deleted = Vec::new();
    loop {
        let expired = db.history.expire(&what).await.unwrap();
        deleted.push(expired.rows);
        if !expired.more {
            break;
        }
    }
    assert_eq!(deleted.iter().sum::<u64>(), 1050);
    assert!(deleted.iter().all(|rows| *rows <= 500), "{deleted:?}");
    assert_eq!(all(db).await.len(), 150);

    let gone = db
        .history
        .expire(&Expire::Orphans { before: at(-1) })
        .await
        .unwrap();
    assert_eq!(gone.rows, 0);
    let gone = db
        .history
        .expire(&Expire::Orphans { before: at(3600) })
        .await
        .unwrap();
    assert_eq!(gone.rows, 1);
    assert_eq!(db.history.output(orphan.id, 0, 9).await.unwrap().len(), 0);
    assert_eq!(db.history.output(runs[1150].id, 0, 9).await.unwrap().len(), 1);
}
