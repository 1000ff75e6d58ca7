//! What a batch does to what is there.

use shared::{
    history::{Outcomes, RunView, StatisticsQuery},
    id::RunId,
    report::{Gap, OutputSize, Range, Run, Usage},
    run::{Cause, Reason, State},
    units::Span,
};

use super::all;
use crate::{
    databases::Database,
    sample::{NOON, at, in_state, run},
};

pub async fn what_is_recorded_is_read_back(db: &Database) {
    let plain = run(1, 0);
    let mut full = run(2, 1);
    full.path = "团队/备份-ß_.x".parse().unwrap();
    full.node = "узел".parse().unwrap();
    full.slot = Some(u32::MAX);
    full.attempt = 100;
    full.id = full.first.attempt(100);
    full.cause = Cause::Retry;
    full.state = State::Failed;
    full.reason = Some(Reason::CannotStart {
        error: "no \0 in 🕑 'names'; \"DROP\" \\ %s $1 ?".into(),
    });
    full.exit_code = Some(i32::MIN);
    full.signal = Some(64);
    full.retry_at = Some(at(60));
    full.usage = Usage {
        cpu_ms: u64::MAX >> 1,
        memory_max_bytes: 1 << 50,
    };
    full.output = OutputSize {
        bytes: 1 << 40,
        dropped: 1 << 39,
        gap: Some(Gap { from: 3, until: 9 }),
    };
    let mut range = run(3, 2);
    range.slot = None;
    range.state = State::Missed;
    range.reason = Some(Reason::TooLate {
        late: Span::from_secs(5),
        within: Span::ZERO,
    });
    range.range = Some(Range {
        until: at(900),
        count: 899,
    });

    let runs = [plain, full, range];
    let mut changed = db.history.record(&runs, &[]).await.unwrap();
    changed.sort_unstable();
    let mut ids = runs.clone().map(|run| run.id);
    ids.sort_unstable();
    assert_eq!(changed, ids);
    for run in &runs {
        assert_eq!(
            db.history.run(run.id).await.unwrap(),
            Some(RunView::from(run.clone()))
        );
    }
    assert_eq!(db.history.run(RunId::new(NOON, 1)).await.unwrap(), None);
    let mut stored = db.history.runs_after(None, 10).await.unwrap();
    stored.sort_by_key(|run| run.scheduled_at);
    assert_eq!(stored, runs);
    db.history.ping().await.unwrap();
}

pub async fn recording_again_changes_nothing(db: &Database) {
    let runs: Vec<Run> = (0..500).map(|n| run(n % 7, n as i64)).collect();
    assert_eq!(db.history.record(&runs, &[]).await.unwrap().len(), 500);
    assert_eq!(db.history.record(&runs, &[]).await.unwrap(), vec![]);
    let running = in_state(&run(8, 0), State::Running);
    assert_eq!(
        db.history
            .record(std::slice::from_ref(&running), &[])
            .await
            .unwrap(),
        vec![running.id]
    );
    assert_eq!(
        db.history
            .record(std::slice::from_ref(&running), &[])
            .await
            .unwrap(),
        vec![]
    );
    assert_eq!(all(db).await.len(), 501);
    assert_eq!(db.history.record(&[], &[]).await.unwrap(), vec![]);
}

pub async fn states_only_move_forward(db: &Database) {
    let mut n = 0;
    let mut pairs = Vec::new();
    for old in State::ALL {
        for new in State::ALL {
            let run = run(1, n);
            n += 1;
            pairs.push((
                in_state(&run, old),
                Run {
                    revision: 8,
                    ..in_state(&run, new)
                },
            ));
        }
    }
    let (old, new): (Vec<Run>, Vec<Run>) = pairs.iter().cloned().unzip();
    db.history.record(&old, &[]).await.unwrap();
    db.history.record(&new, &[]).await.unwrap();
    for (old, new) in pairs {
        let expected = if new.state.replaces(old.state) {
            new.clone()
        } else {
            old.clone()
        };
        let stored = db.history.run(old.id).await.unwrap().unwrap();
        assert_eq!(
            stored,
            RunView::from(expected),
            "{} then {}",
            old.state,
            new.state
        );
    }
}

pub async fn a_late_report_replaces_lost(db: &Database) {
    let done = run(1, 0);
    let lost = Run {
        reason: Some(Reason::NodeGone),
        ..in_state(&done, State::Lost)
    };
    db.history
        .record(&[in_state(&done, State::Running)], &[])
        .await
        .unwrap();
    db.history.record(std::slice::from_ref(&lost), &[]).await.unwrap();
    assert_eq!(db.history.run(done.id).await.unwrap().unwrap().state, State::Lost);
    assert_eq!(
        db.history.record(std::slice::from_ref(&done), &[]).await.unwrap(),
        vec![done.id]
    );
    assert_eq!(
        db.history.record(std::slice::from_ref(&lost), &[]).await.unwrap(),
        vec![]
    );
    assert_eq!(
        db.history.run(done.id).await.unwrap(),
        Some(RunView::from(done.clone()))
    );
    while db.history.fold().await.unwrap() {}
    let sums = db.history.statistics(&StatisticsQuery::default()).await.unwrap();
    assert_eq!(sums.len(), 1);
    assert_eq!(
        sums[0].outcomes,
        Outcomes {
            succeeded: 1,
            ..Outcomes::default()
        }
    );
}

pub async fn a_batch_may_hold_a_run_twice(db: &Database) {
    let done = run(1, 0);
    let running = in_state(&done, State::Running);
    let changed = db
        .history
        .record(&[running.clone(), done.clone(), running], &[])
        .await
        .unwrap();
    assert_eq!(changed, vec![done.id]);
    assert_eq!(
        db.history.run(done.id).await.unwrap().unwrap().state,
        State::Succeeded
    );
}
