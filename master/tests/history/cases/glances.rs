//! Runs at a glance, what masters tell each other, and who asked for what.

use std::collections::BTreeMap;

use master::history::{Expire, Glimpse, Runs, Told};
use shared::{
    history::{Asked, RunQuery, StatisticsQuery, Step, SumBy},
    report::Run,
    run::{Cause, Reason, State},
    time::Time,
};

use crate::{
    databases::Database,
    sample::{at, chunk, in_state, job, run},
};

pub async fn glimpses_are_of_the_newest(db: &Database) {
    let mut all: Vec<Run> = (0..200).map(|n| run(n % 4, n as i64)).collect();
    all[199] = in_state(&all[199], State::Running);
    all[198].reason = Some(Reason::ExitCode { exit_code: 3 });
    all[197].retry_at = Some(at(900));
    db.history.record(&all, &[]).await.unwrap();

    let recent = db.history.recent(&[job(3), job(9), job(1)], 20).await.unwrap();
    assert_eq!(recent.len(), 40);
    let of = |n: u64| recent.iter().filter(move |run| run.job == job(n));
    let newest: Vec<Glimpse> = all
        .iter()
        .rev()
        .filter(|run| run.job == job(1))
        .take(20)
        .map(Glimpse::from)
        .collect();
    assert_eq!(
        of(1).cloned().collect::<Vec<_>>(),
        newest,
        "all that is told of them"
    );
    assert_eq!(of(3).next().unwrap().state, State::Running);
    assert!(db.history.recent(&[], 20).await.unwrap().is_empty());
    // More jobs than one statement asks about.
    let many: Vec<_> = (0..300).map(job).collect();
    assert_eq!(db.history.recent(&many, 2).await.unwrap().len(), 8);

    let open = db.history.open(10).await.unwrap();
    assert_eq!(open, [Glimpse::from(&all[199])]);

    let within = Runs {
        query: RunQuery {
            since: Some(at(10)),
            until: Some(at(190)),
            ..RunQuery::default()
        },
        jobs: Some(vec![job(0), job(2)]),
        limit: 50,
    };
    let found = db.history.glimpses(&within).await.unwrap();
    let secs: Vec<i64> = found
        .iter()
        .map(|run| run.scheduled_at.as_secs() - at(0).as_secs())
        .collect();
    let expected: Vec<i64> = (0..50).map(|n| 188 - n * 2).collect();
    assert_eq!(secs, expected, "newest first");
    let none = Runs {
        jobs: Some(Vec::new()),
        ..within
    };
    assert!(db.history.glimpses(&none).await.unwrap().is_empty());
}

pub async fn causes_select(db: &Database) {
    let caused = |n: u64, cause: Cause, state: State| Run {
        cause,
        ..in_state(&run(1, n as i64), state)
    };
    let runs: Vec<Run> = (0..90)
        .map(|n| match n % 3 {
            0 => caused(n, Cause::Schedule, State::Succeeded),
            1 => caused(n, Cause::Manual, State::Failed),
            _ => caused(n, Cause::Retry, State::Succeeded),
        })
        .collect();
    db.history.record(&runs, &[]).await.unwrap();
    let count = async |cause: &str, state: &str| {
        let query = RunQuery {
            cause: Some(cause.to_owned()),
            state: Some(state.to_owned()),
            limit: Some(1000),
            ..RunQuery::default()
        };
        let page = db.history.runs(&query).await.unwrap();
        let order = |two: &[shared::history::RunView]| two[0].scheduled_at > two[1].scheduled_at;
        assert!(page.items.windows(2).all(order));
        page.items.len()
    };
    assert_eq!(count("manual", "").await, 30);
    assert_eq!(count("manual,retry", "").await, 60);
    assert_eq!(count("manual,retry", "failed").await, 30);
    assert_eq!(count("retry,schedule", "succeeded,failed").await, 60);
    assert_eq!(count("lost", "").await, 0);
}

pub async fn what_was_asked_is_told_with_the_run(db: &Database) {
    let manual = Run {
        cause: Cause::Manual,
        ..run(1, 0)
    };
    let asked = Asked {
        by: "eve".to_owned(),
        at: at(0),
        env: BTreeMap::from([("MODE".to_owned(), "full \u{1f600} \"'".to_owned())]),
        node: None,
    };
    // Before the run itself is there, and again.
    for _ in 0..2 {
        db.history
            .note_asked(&[manual.id, run(1, 60).id], &asked)
            .await
            .unwrap();
        db.history
            .record(std::slice::from_ref(&manual), &[])
            .await
            .unwrap();
    }
    let found = db.history.run(manual.id).await.unwrap().unwrap();
    assert_eq!(found.asked, Some(asked));
    // It goes with the run.
    let all = Expire::Job {
        job: job(1),
        before: Time::MAX,
        keep: 0,
        spared: Time::MAX,
    };
    db.history.expire(&all).await.unwrap();
    db.history
        .record(std::slice::from_ref(&manual), &[])
        .await
        .unwrap();
    assert_eq!(db.history.run(manual.id).await.unwrap().unwrap().asked, None);
}

pub async fn output_is_read_from_its_end(db: &Database) {
    let run = run(1, 0);
    let pieces: Vec<_> = (0..40).map(|seq| chunk(&run, seq, b"x")).collect();
    db.history
        .record(std::slice::from_ref(&run), &pieces)
        .await
        .unwrap();
    let seqs = async |before: u64, limit: u32| {
        let found = db.history.output_before(run.id, before, limit).await.unwrap();
        found.iter().map(|piece| piece.seq).collect::<Vec<_>>()
    };
    assert_eq!(seqs(u64::MAX, 3).await, [37, 38, 39]);
    assert_eq!(seqs(2, 10).await, [0, 1]);
    assert_eq!(seqs(0, 10).await, [0_u64; 0]);
}

pub async fn all_jobs_are_summed_by_five_minutes(db: &Database) {
    let runs: Vec<Run> = (0..900)
        .map(|n| {
            let state = if n % 9 == 0 {
                State::Failed
            } else {
                State::Succeeded
            };
            in_state(&run(n % 7, n as i64), state)
        })
        .collect();
    for some in runs.chunks(300) {
        db.history.record(some, &[]).await.unwrap();
        db.history.record(some, &[]).await.unwrap();
    }
    while db.history.fold().await.unwrap() {}
    let query = StatisticsQuery {
        step: Step::Minutes,
        ..StatisticsQuery::default()
    };
    let sums = db.history.statistics(&query).await.unwrap();
    let sums: Vec<_> = sums
        .iter()
        .map(|sum| {
            let secs = sum.at.unwrap().as_secs() - at(0).as_secs();
            (secs, sum.outcomes.succeeded + sum.outcomes.failed)
        })
        .collect();
    assert_eq!(sums, [(0, 300), (300, 300), (600, 300)]);
    let by_job = StatisticsQuery {
        by: SumBy::Job,
        ..query
    };
    let error = db.history.statistics(&by_job).await.unwrap_err().to_string();
    assert!(error.contains("ask for hours"), "{error}");
    // They are no job's.
    let hours = StatisticsQuery {
        by: SumBy::Job,
        ..StatisticsQuery::default()
    };
    assert_eq!(db.history.statistics(&hours).await.unwrap().len(), 7);
}

/// Two masters on one database: each hears what the other records, once, and not itself.
pub async fn masters_tell_each_other(url: &str) {
    let connect = async || master::history::SqlHistory::connect(url).await.unwrap();
    use master::history::History;
    let (one, other) = (connect().await, connect().await);
    let begin = one.newest_news().await.unwrap();
    one.record(&[run(1, 0), run(2, 0)], &[]).await.unwrap();
    one.record(&[run(1, 0)], &[]).await.unwrap();
    other.record(&[run(3, 0)], &[]).await.unwrap();
    one.load(&[run(4, 0)], &[], &[]).await.unwrap();
    let heard = other.news(begin, 10).await.unwrap();
    let whats: Vec<Told> = heard.iter().map(|news| news.what.clone()).collect();
    let told = |runs: &[Run]| Told::Runs(runs.iter().map(Glimpse::from).collect());
    let mut first = vec![run(1, 0), run(2, 0)];
    first.sort_by_key(|run| run.id);
    assert_eq!(
        whats,
        [told(&first), Told::Own, Told::All],
        "what changed nothing is no news"
    );
    assert!(heard.windows(2).all(|two| two[0].id < two[1].id));
    let own = one.news(begin, 10).await.unwrap();
    assert_eq!(own[0].what, Told::Own);
    assert_eq!(own[1].what, told(&[run(3, 0)]));
    let last = heard.last().unwrap().id;
    assert_eq!(one.newest_news().await.unwrap(), last);
    assert!(other.news(last, 10).await.unwrap().is_empty());
    // What is too old to be of use is forgotten.
    for n in 0..600 {
        one.record(&[run(1, n + 1)], &[]).await.unwrap();
    }
    while one.fold().await.unwrap() {}
    let kept = other.news(begin, 10_000).await.unwrap();
    // Ids may have gaps.
    assert!((400..=500).contains(&kept.len()), "{}", kept.len());
    one.close().await;
    other.close().await;
}
