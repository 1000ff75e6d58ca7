//! Sums over runs.

use master::history::{Expire, Expired};
use shared::{
    history::{Outcomes, Statistic, StatisticsQuery, Step, SumBy},
    report::{Range, Run},
    run::State,
    time::Time,
};

use crate::{
    databases::Database,
    sample::{at, in_state, job, run},
};

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
        Expired { rows: 2, more: false }
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
    assert_eq!(rows, 1401, "and one for all jobs together");
    assert!(db.history.sums_after(None, 10).await.unwrap().is_empty());
}
