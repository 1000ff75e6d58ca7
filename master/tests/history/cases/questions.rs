//! Pages, and the questions of the leader.

use master::history::HistoryError;
use shared::{
    history::RunQuery,
    id::RunId,
    report::{Range, Run},
    run::State,
    time::Time,
};

use crate::{
    databases::Database,
    sample::{at, in_state, job, run},
};

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
    // A job by its id, whatever its runs were named, is one walk too.
    let renamed = Run {
        path: "ops/renamed".parse().unwrap(),
        ..run(1, 99)
    };
    db.history.record(&[renamed], &[]).await.unwrap();
    let of_job = RunQuery {
        limit: Some(51),
        job_id: Some(job(1)),
        ..RunQuery::default()
    };
    let of_job = db.history.runs(&of_job).await.unwrap();
    assert_eq!((of_job.items.len(), of_job.next), (51, None));
    assert!(of_job.items.iter().all(|run| run.job_id == job(1)));
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

pub async fn ranges_that_cover_an_instant_are_found(db: &Database) {
    let ranged = |n: u64, slot: u32, from: i64, until: i64| {
        let ranged = run(n, from);
        let id = RunId::new(ranged.scheduled_at, u128::from(n) * 100 + u128::from(slot) + 1);
        Run {
            id,
            first: id,
            slot: Some(slot),
            range: Some(Range {
                until: at(until),
                count: 3,
            }),
            ..ranged
        }
    };
    let mut runs = vec![
        ranged(1, 0, 0, 100),
        ranged(1, 1, 10, 50),
        ranged(1, 2, 10, 49),
        ranged(1, 3, 50, 90),
        ranged(2, 0, 0, 100),
    ];
    // However much is recorded in between.
    runs.extend((1..50).map(|secs| run(1, secs)));
    db.history.record(&runs, &[]).await.unwrap();
    let found = async |limit: u32| {
        let found = db.history.covering(job(1), at(50), limit).await.unwrap();
        found.into_iter().map(|run| run.slot).collect::<Vec<_>>()
    };
    assert_eq!(found(10).await, [Some(1), Some(0)]);
    assert_eq!(found(1).await, [Some(1)]);
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
