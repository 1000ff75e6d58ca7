//! The contract.

use master::history::{Expire, Expired, HistoryError, dump};
use shared::{
    history::{Outcomes, RunQuery, RunView, Statistic, StatisticsQuery, Step, SumBy},
    id::RunId,
    report::{CHUNK_BYTES_MAX, Gap, OutputSize, Range, Run, Stream, Usage},
    run::{Cause, Reason, State},
    time::Time,
    units::Span,
};

use crate::{
    databases::Database,
    sample::{NOON, at, chunk, in_state, job, run},
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

pub async fn pages_are_newest_first_and_stable(db: &Database) {
    // Two runs at each instant: the id decides.
    let runs: Vec<Run> = (0..100).map(|n| run(n % 2, (n / 2) as i64)).collect();
    db.history.record(&runs, &[]).await.unwrap();
    let mut expected: Vec<(Time, RunId)> = runs.iter().map(|run| (run.scheduled_at, run.id)).collect();
    expected.sort_unstable();
    expected.reverse();

    let mut seen = Vec::new();
    let mut query = RunQuery {
        limit: Some(7),
        ..RunQuery::default()
    };
    loop {
        let page = db.history.runs(&query).await.unwrap();
        assert!(page.items.len() <= 7);
        seen.extend(page.items.iter().map(|run| (run.scheduled_at, run.id)));
        let Some(next) = page.next else { break };
        query.cursor = Some(next);
        // What is recorded meanwhile, newer than all or where pages have been, moves nothing.
        let newer = run(3, 1000 + seen.len() as i64);
        db.history.record(&[newer], &[]).await.unwrap();
    }
    assert_eq!(seen, expected);

    let all = db.history.runs(&RunQuery::default()).await.unwrap();
    assert_eq!((all.items.len(), all.next.is_some()), (100, true));
    assert_eq!(all.items[0].job.to_string(), "ops/job-3");
    let exact = RunQuery {
        limit: Some(50),
        job: Some("ops/job-1".parse().unwrap()),
        ..RunQuery::default()
    };
    let exact = db.history.runs(&exact).await.unwrap();
    assert_eq!((exact.items.len(), exact.next), (50, None));
}

pub async fn filters_select(db: &Database) {
    let mut runs: Vec<Run> = (0..40).map(|n| run(n % 4, n as i64)).collect();
    for (n, run) in runs.iter_mut().enumerate() {
        run.state = [State::Succeeded, State::Failed, State::TimedOut, State::Running][n / 4 % 4];
        run.node = format!("node-{}", n % 3).parse().unwrap();
        if n % 5 == 0 {
            run.path = "other/Job-1".parse().unwrap();
        }
    }
    let retry = Run {
        id: runs[1].first.attempt(2),
        attempt: 2,
        ..runs[1].clone()
    };
    runs.push(retry);
    db.history.record(&runs, &[]).await.unwrap();

    let query = RunQuery::default;
    let queries = [
        (query(), "all"),
        (
            RunQuery {
                job: Some("ops/job-1".parse().unwrap()),
                ..query()
            },
            "job",
        ),
        (
            RunQuery {
                job: Some("other/Job-1".parse().unwrap()),
                ..query()
            },
            "job in capitals",
        ),
        (
            RunQuery {
                namespace: Some("other".into()),
                ..query()
            },
            "namespace",
        ),
        (
            RunQuery {
                node: Some("node-2".parse().unwrap()),
                ..query()
            },
            "node",
        ),
        (
            RunQuery {
                state: Some("failed".into()),
                ..query()
            },
            "state",
        ),
        (
            RunQuery {
                state: Some("failed, running,failed".into()),
                limit: Some(9),
                ..query()
            },
            "states",
        ),
        (
            RunQuery {
                state: Some("failed,lost".into()),
                node: Some("node-1".parse().unwrap()),
                ..query()
            },
            "node, states",
        ),
        (
            RunQuery {
                since: Some(at(10)),
                until: Some(at(20)),
                ..query()
            },
            "times",
        ),
        (
            RunQuery {
                first: Some(runs[1].first),
                ..query()
            },
            "attempts",
        ),
        (
            RunQuery {
                job: Some("ops/none".parse().unwrap()),
                ..query()
            },
            "nothing",
        ),
    ];
    for (query, name) in queries {
        let states: Vec<State> = query
            .state
            .iter()
            .flat_map(|s| s.split(','))
            .map(|s| s.trim().parse().unwrap())
            .collect();
        let matches = |run: &&Run| {
            query.job.as_ref().is_none_or(|job| *job == run.path)
                && query
                    .namespace
                    .as_deref()
                    .is_none_or(|namespace| namespace == run.path.namespace.as_str())
                && query.node.as_ref().is_none_or(|node| *node == run.node)
                && (states.is_empty() || states.contains(&run.state))
                && query.since.is_none_or(|since| run.scheduled_at >= since)
                && query.until.is_none_or(|until| run.scheduled_at < until)
                && query.first.is_none_or(|first| run.first == first)
        };
        let mut expected: Vec<(Time, RunId)> = runs
            .iter()
            .filter(matches)
            .map(|run| (run.scheduled_at, run.id))
            .collect();
        expected.sort_unstable();
        expected.reverse();
        let limit = query.limit.unwrap_or(100) as usize;
        let page = db.history.runs(&query).await.unwrap();
        let found: Vec<(Time, RunId)> = page.items.iter().map(|run| (run.scheduled_at, run.id)).collect();
        assert_eq!(found, expected[..expected.len().min(limit)], "{name}");
        assert_eq!(page.next.is_some(), expected.len() > limit, "{name}");
    }
}

pub async fn wrong_questions_are_refused(db: &Database) {
    let query = RunQuery::default;
    let queries = [
        (
            RunQuery {
                cursor: Some("x".into()),
                ..query()
            },
            "cursor",
        ),
        (
            RunQuery {
                cursor: Some("12.".into()),
                ..query()
            },
            "cursor",
        ),
        (
            RunQuery {
                state: Some("done".into()),
                ..query()
            },
            "not a run's state",
        ),
        (
            RunQuery {
                namespace: Some("a b".into()),
                ..query()
            },
            "namespace",
        ),
    ];
    for (query, expected) in queries {
        match db.history.runs(&query).await {
            Err(HistoryError::Invalid(why)) => assert!(why.contains(expected), "{why}"),
            other => panic!("{query:?}: {other:?}"),
        }
    }
    let none = RunQuery {
        limit: Some(0),
        ..query()
    };
    assert_eq!(db.history.runs(&none).await.unwrap().items, vec![]);
}

pub async fn output_is_kept_in_order(db: &Database) {
    let (mine, other) = (run(1, 0), run(2, 0));
    let bytes: Vec<u8> = (0..CHUNK_BYTES_MAX).map(|n| (n * 7 + n / 256) as u8).collect();
    let mut chunks: Vec<_> = (0..64)
        .map(|seq| chunk(&mine, seq, format!("line {seq}\n").as_bytes()))
        .collect();
    chunks[5] = chunk(&mine, 5, &bytes);
    chunks[6] = chunk(&mine, 6, b"");
    chunks[7].stream = Stream::Stderr;
    chunks[8].stream = Stream::Note;
    let mut mixed = chunks.clone();
    mixed.reverse();
    mixed.push(chunk(&other, 0, b"theirs"));
    // Output may come before its run is known, and again.
    db.history.record(&[], &mixed).await.unwrap();
    db.history
        .record(&[mine.clone(), other.clone()], &mixed)
        .await
        .unwrap();
    let changed = chunk(&mine, 3, b"what came first stays");
    db.history.record(&[], &[changed]).await.unwrap();

    assert_eq!(db.history.output(mine.id, 0, 1000).await.unwrap(), chunks);
    assert_eq!(db.history.output(mine.id, 60, 2).await.unwrap(), chunks[60..62]);
    assert_eq!(db.history.output(mine.id, 64, 2).await.unwrap(), vec![]);
    assert_eq!(db.history.output(other.id, 0, 9).await.unwrap().len(), 1);
}

pub async fn the_middle_of_output_is_deleted(db: &Database) {
    let running = in_state(&run(1, 0), State::Running);
    let chunks: Vec<_> = (0..10).map(|seq| chunk(&running, seq, &[seq as u8])).collect();
    db.history
        .record(std::slice::from_ref(&running), &chunks[..8])
        .await
        .unwrap();
    let mut done = run(1, 0);
    done.output = OutputSize {
        bytes: 10,
        dropped: 4,
        gap: Some(Gap { from: 3, until: 7 }),
    };
    db.history
        .record(std::slice::from_ref(&done), &chunks[8..])
        .await
        .unwrap();
    let seqs = async || -> Vec<u64> {
        let output = db.history.output(done.id, 0, 100).await.unwrap();
        output.iter().map(|chunk| chunk.seq).collect()
    };
    assert_eq!(seqs().await, [0, 1, 2, 7, 8, 9]);
    // A piece of the middle that comes late is not kept.
    db.history.record(&[], &chunks).await.unwrap();
    assert_eq!(seqs().await, [0, 1, 2, 7, 8, 9]);
    db.history
        .record(std::slice::from_ref(&done), &chunks)
        .await
        .unwrap();
    assert_eq!(seqs().await, [0, 1, 2, 7, 8, 9]);
}

pub async fn a_batch_is_all_or_none(db: &Database) {
    let (good, mut bad) = (run(1, 0), chunk(&run(1, 0), 0, b"x"));
    bad.data = "not base64!".into();
    let refused = db
        .history
        .record(std::slice::from_ref(&good), &[bad.clone()])
        .await;
    assert!(matches!(refused, Err(HistoryError::Invalid(_))), "{refused:?}");
    let mut large = chunk(&good, 0, &vec![0; CHUNK_BYTES_MAX + 1]);
    let refused = db
        .history
        .record(std::slice::from_ref(&good), std::slice::from_ref(&large))
        .await;
    assert!(matches!(refused, Err(HistoryError::Invalid(_))), "{refused:?}");
    large.seq = u64::MAX;
    large.data.clear();
    let refused = db.history.record(std::slice::from_ref(&good), &[large]).await;
    assert!(matches!(refused, Err(HistoryError::Invalid(_))), "{refused:?}");
    assert_eq!(db.history.run(good.id).await.unwrap(), None);
}

pub async fn unfinished_and_known(db: &Database) {
    let states = [
        State::Pending,
        State::Queued,
        State::Running,
        State::Succeeded,
        State::Lost,
    ];
    let mut runs: Vec<Run> = states
        .iter()
        .enumerate()
        .map(|(n, state)| in_state(&run(1, n as i64), *state))
        .collect();
    runs.push(Run {
        node: "node-2".parse().unwrap(),
        ..in_state(&run(2, 0), State::Running)
    });
    let range = Some(Range {
        until: at(300),
        count: 100,
    });
    runs.push(Run {
        range,
        ..in_state(&run(1, 100), State::Missed)
    });
    db.history.record(&runs, &[]).await.unwrap();

    let node = "node-1".parse().unwrap();
    assert_eq!(db.history.unfinished(&node).await.unwrap(), runs[..3]);
    db.history.record(&[run(1, 2)], &[]).await.unwrap();
    assert_eq!(db.history.unfinished(&node).await.unwrap(), runs[..2]);
    let going_on = db.history.going_on(10).await.unwrap();
    assert_eq!(
        going_on.iter().map(|run| run.id).collect::<Vec<_>>(),
        [runs[5].id]
    );

    let known = async |slot, from, until| db.history.known(job(1), slot, at(from), at(until)).await.unwrap();
    assert_eq!(known(0, 0, 4).await, [at(0), at(1), at(2), at(3), at(4)]);
    assert_eq!(known(0, 1, 2).await, [at(1), at(2)]);
    assert_eq!(known(0, 50, 150).await, [at(100)]);
    assert_eq!(known(0, 200, 400).await, [at(300)]);
    assert_eq!(known(1, 0, 400).await, []);
    assert_eq!(db.history.newest(job(1), 0).await.unwrap(), Some(at(300)));
}

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

pub async fn statistics_count_each_run_once(db: &Database) {
    // Job 1 runs each minute for three hours from noon, job 2 fails each hour.
    let minutes: Vec<Run> = (0..180).map(|n| run(1, n * 60)).collect();
    let hours: Vec<Run> = (0..3)
        .map(|n| Run {
            state: State::Failed,
            ..run(2, n * 3600)
        })
        .collect();
    let range = Some(Range {
        until: at(7000),
        count: 60,
    });
    let missed = Run {
        range,
        ..in_state(&run(3, 3601), State::Missed)
    };
    for _ in 0..2 {
        let running: Vec<Run> = minutes.iter().map(|run| in_state(run, State::Running)).collect();
        db.history.record(&running, &[]).await.unwrap();
        db.history.record(&minutes, &[]).await.unwrap();
        db.history.record(&hours, &[]).await.unwrap();
        db.history
            .record(std::slice::from_ref(&missed), &[])
            .await
            .unwrap();
        while db.history.fold().await.unwrap() {}
    }
    let ask = async |query| db.history.statistics(&query).await.unwrap();
    let by_hour = ask(StatisticsQuery::default()).await;
    let outcomes = |succeeded, failed, missed| Outcomes {
        succeeded,
        failed,
        missed,
        ..Outcomes::default()
    };
    let expected = [
        (at(0), outcomes(60, 1, 0)),
        (at(3600), outcomes(60, 1, 60)),
        (at(7200), outcomes(60, 1, 0)),
    ];
    assert_eq!(
        by_hour
            .iter()
            .map(|s| (s.at.unwrap(), s.outcomes))
            .collect::<Vec<_>>(),
        expected
    );

    let query = StatisticsQuery {
        by: SumBy::Job,
        step: Step::Day,
        ..StatisticsQuery::default()
    };
    let by_job = ask(query.clone()).await;
    assert_eq!(by_job.len(), 3);
    let Statistic {
        job: path,
        job_id,
        outcomes: sum,
        duration,
        late,
        at: None,
    } = &by_job[0]
    else {
        panic!("{by_job:?}")
    };
    assert_eq!(
        (path.clone().unwrap().to_string(), job_id.unwrap()),
        ("ops/job-1".into(), job(1))
    );
    assert_eq!(*sum, outcomes(180, 0, 0));
    assert!(
        (2000..2140).contains(&duration.p50_ms.unwrap()) && duration.p95_ms == duration.p50_ms,
        "{duration:?}"
    );
    assert_eq!(late.p95_ms, Some(5));
    assert_eq!(by_job[2].outcomes, outcomes(0, 0, 60));
    assert_eq!(by_job[2].duration.p50_ms, None);

    let hour = StatisticsQuery {
        since: Some(at(4000)),
        until: Some(at(7200)),
        job: Some("ops/job-2".parse().unwrap()),
        ..StatisticsQuery::default()
    };
    assert_eq!(
        ask(hour).await.iter().map(|s| s.outcomes).collect::<Vec<_>>(),
        [outcomes(0, 1, 0)]
    );
    let elsewhere = StatisticsQuery {
        namespace: Some("elsewhere".into()),
        ..query.clone()
    };
    assert_eq!(ask(elsewhere).await, vec![]);
    let here = StatisticsQuery {
        namespace: Some("ops".into()),
        ..query
    };
    assert_eq!(ask(here).await.len(), 3);
}

pub async fn statistics_outlive_runs(db: &Database) {
    let runs: Vec<Run> = (0..30).map(|n| run(1, n)).collect();
    db.history.record(&runs, &[]).await.unwrap();
    db.history
        .expire(&Expire::Job {
            job: job(1),
            before: at(0),
            keep: 2,
            spared: Time::MAX,
        })
        .await
        .unwrap();
    db.history.record(&[run(1, 40)], &[]).await.unwrap();
    while db.history.fold().await.unwrap() {}
    let count = async |step| {
        let query = StatisticsQuery {
            step,
            ..StatisticsQuery::default()
        };
        db.history
            .statistics(&query)
            .await
            .unwrap()
            .iter()
            .map(|s| s.outcomes.succeeded)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (count(Step::Hour).await, count(Step::Day).await),
        (vec![31], vec![31])
    );
    let what = Expire::Statistics {
        hours_before: at(3600),
        days_before: at(-86_400),
    };
    assert_eq!(
        db.history.expire(&what).await.unwrap(),
        Expired { rows: 1, more: false }
    );
    assert_eq!(
        (count(Step::Hour).await, count(Step::Day).await),
        (vec![], vec![31])
    );
}

pub async fn statistics_of_many_jobs(db: &Database) {
    let runs: Vec<Run> = (0..700).map(|n| run(n, 0)).collect();
    db.history.record(&runs[..500], &[]).await.unwrap();
    db.history.record(&runs[500..], &[]).await.unwrap();
    while db.history.fold().await.unwrap() {}
    let query = StatisticsQuery {
        by: SumBy::Job,
        ..StatisticsQuery::default()
    };
    assert_eq!(db.history.statistics(&query).await.unwrap().len(), 700);
    let what = Expire::Statistics {
        hours_before: at(3600),
        days_before: at(86_400),
    };
    let mut rows = 0;
    loop {
        let expired = db.history.expire(&what).await.unwrap();
        rows += expired.rows;
        if !expired.more {
            break;
        }
    }
    assert_eq!(rows, 1400);
    assert!(db.history.sums_after(None, 10).await.unwrap().is_empty());
}

pub async fn dumps_carry_all(db: &Database) {
    let mut runs: Vec<Run> = (0..1100).map(|n| run(n % 5, n as i64)).collect();
    runs[3] = in_state(&runs[3], State::Running);
    for run in &mut runs[..150] {
        run.output.bytes = 3;
    }
    let chunks: Vec<_> = runs[..150].iter().map(|run| chunk(run, 0, b"out")).collect();
    for some in runs.chunks(500) {
        db.history.record(some, &[]).await.unwrap();
    }
    for some in chunks.chunks(64) {
        db.history.record(&[], some).await.unwrap();
    }
    let mut file = Vec::new();
    let dumped = dump::export(db.history.as_ref(), &mut file).await.unwrap();
    assert_eq!((dumped.runs, dumped.chunks, dumped.sums), (1100, 150, 10));

    // What was written while it was running, or came back after it ended, is no obstacle.
    let copy = db.another("copy").await;
    copy.history.record(&runs[..10], &[]).await.unwrap();
    for _ in 0..2 {
        assert_eq!(
            dump::import(copy.history.as_ref(), file.as_slice())
                .await
                .unwrap(),
            dumped
        );
    }
    let mut again = Vec::new();
    dump::export(db.history.as_ref(), &mut again).await.unwrap();
    assert_eq!(file, again, "a dump changes nothing");
    assert_eq!(all(&copy).await, all(db).await);
    let output = copy.history.output(runs[149].id, 0, 9).await.unwrap();
    assert_eq!(output, chunks[149..]);

    let fresh = db.another("fresh").await;
    dump::import(fresh.history.as_ref(), file.as_slice())
        .await
        .unwrap();
    let query = StatisticsQuery {
        by: SumBy::Job,
        ..StatisticsQuery::default()
    };
    assert_eq!(
        fresh.history.statistics(&query).await.unwrap(),
        db.history.statistics(&query).await.unwrap()
    );

    let broken = [&file[..file.len() / 2], b"\n"].concat();
    let error = dump::import(fresh.history.as_ref(), broken.as_slice())
        .await
        .unwrap_err();
    assert!(error.to_string().starts_with("line "), "{error}");
}

async fn all(db: &Database) -> Vec<Run> {
    db.history.runs_after(None, 100_000).await.unwrap()
}

/// The seconds after noon of a job's runs.
async fn all_of(history: std::sync::Arc<dyn master::history::History>, n: u64) -> Vec<i64> {
    let runs = history.runs_after(None, 100_000).await.unwrap();
    let runs = runs.iter().filter(|run| run.job == job(n));
    let mut secs: Vec<i64> = runs
        .map(|run| run.scheduled_at.as_secs() - NOON.as_secs())
        .collect();
    secs.sort_unstable();
    secs
}
