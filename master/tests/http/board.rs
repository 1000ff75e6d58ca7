//! The board: every job at a glance, and what changed since.

use std::{io::Read, time::Duration};

use axum::http::Method;
use serde_json::json;
use shared::{
    api::{
        JobView,
        board::{Board, BoardJob, JobState, Known, Trouble},
        ticks::letter,
    },
    report::Run,
    run::{Reason, State},
};
use tokio::time::{sleep, timeout};

use crate::api::{Api, NOW, run_of};

/// Looks at the board until it is as wanted.
pub async fn board_until(api: &Api, path: &str, wanted: impl Fn(&Board) -> bool) -> Board {
    let mut last = None;
    let look = async {
        loop {
            let answer = api.get(path).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            let board: Board = answer.read();
            if wanted(&board) {
                return board;
            }
            last = Some(board);
            sleep(Duration::from_millis(20)).await;
        }
    };
    match timeout(Duration::from_secs(60), look).await {
        Ok(board) => board,
        Err(_) => panic!("the board stays {last:#?}"),
    }
}

fn row<'a>(board: &'a Board, name: &str) -> &'a BoardJob {
    let found = board.jobs.iter().find(|job| job.name.as_str() == name);
    found.unwrap_or_else(|| panic!("no {name} on {board:#?}"))
}

fn letters(job: &BoardJob) -> String {
    job.ticks.0.iter().map(|tick| letter(tick.state)).collect()
}

fn failed(job: &JobView, secs: u64) -> Run {
    let mut run = run_of(
        job,
        NOW - Duration::from_secs(secs),
        &"n1".parse().unwrap(),
        State::Failed,
    );
    run.reason = Some(Reason::ExitCode { exit_code: 3 });
    run
}

#[tokio::test]
async fn a_row_tells_how_a_job_is() {
    let api = Api::start().await;
    let node = api.node("n1").await;
    let spec = json!({"name": "a", "namespace": "ops", "schedule": "*/5 * * * *", "labels": {"team": "dba"},
                      "run": {"shell": "true"}});
    let job = api.job(spec).await;
    api.job(json!({"name": "b", "paused": true, "schedule": "0 2 * * *", "run": {"shell": "true"}}))
        .await;
    api.assign(&job, 0, &node).await;
    // Two that were recorded before anybody looked, as a master finds them that starts.
    let runs = [
        failed(&job, 1200),
        run_of(&job, NOW - Duration::from_secs(900), &node, State::Succeeded),
    ];
    api.app.intake.settle(runs.to_vec()).await.unwrap();
    let board = board_until(&api, "/board", |board| {
        board.history == Known::Current && board.jobs.iter().any(|job| job.ticks.0.len() == 2)
    })
    .await;
    assert!(board.whole && board.gone.is_empty());
    let names: Vec<&str> = board.jobs.iter().map(|job| job.name.as_str()).collect();
    assert_eq!(names, ["b", "a"], "by namespace, then name");
    let a = row(&board, "a");
    assert_eq!((a.id, a.revision), (job.id, job.revision));
    assert_eq!(
        (letters(a).as_str(), a.success_percent, a.usual_ms),
        ("fs", Some(50), Some(1500))
    );
    assert_eq!((a.state, a.trouble.clone()), (JobState::Ok, None));
    assert_eq!(a.next, Some(NOW + Duration::from_secs(300)));
    assert_eq!(a.last.as_ref().unwrap().id, runs[1].id);
    assert_eq!(a.nodes, std::slice::from_ref(&node));
    assert_eq!((a.triggers.len(), a.labels["team"].as_str()), (1, "dba"));
    let b = row(&board, "b");
    assert_eq!((b.state, b.next, b.last.clone()), (JobState::Paused, None, None));

    // A run goes on, and fails.
    let mut run = run_of(&job, NOW, &node, State::Running);
    api.app.intake.settle(vec![run.clone()]).await.unwrap();
    let since = format!("/board?since={}", board.version);
    let changed = board_until(&api, &since, |board| {
        board.jobs.iter().any(|job| job.running == 1)
    })
    .await;
    assert!(
        !changed.whole && changed.jobs.len() == 1,
        "only what changed: {changed:#?}"
    );
    assert_eq!(row(&changed, "a").state, JobState::Running);
    run = Run {
        scheduled_at: NOW,
        ..failed(&job, 0)
    };
    api.app.intake.settle(vec![run.clone()]).await.unwrap();
    let since = format!("/board?since={}", changed.version);
    let changed = board_until(&api, &since, |board| {
        board.jobs.iter().any(|job| job.state == JobState::Failing)
    })
    .await;
    let a = row(&changed, "a");
    assert_eq!(
        (letters(a).as_str(), a.running, a.success_percent),
        ("fsf", 0, Some(33))
    );
    let trouble = a.trouble.clone().unwrap();
    assert_eq!(trouble.to_string(), "failed on n1: exited with code 3");
    assert!(matches!(trouble, Trouble::Run { run: id, .. } if id == run.id));

    // Nothing more happens: nothing is said, and 304 to who asks so.
    let since = format!("/board?since={}", changed.version);
    let same: Board = api.get(&since).await.read();
    assert!(!same.whole && same.jobs.is_empty(), "{same:#?}");
    let answer = api.get("/board").await;
    let tag = answer.headers["etag"].to_str().unwrap().to_owned();
    assert_eq!(tag, format!("W/\"{}\"", same.version));
    let again = api
        .send(api.call(Method::GET, "/board").header("if-none-match", &tag))
        .await;
    assert_eq!((again.status, again.bytes.len()), (304, 0));
}

#[tokio::test]
async fn jobs_come_and_go() {
    let api = Api::start().await;
    let job = api.job(json!({"name": "a", "run": {"shell": "true"}})).await;
    let board = board_until(&api, "/board", |board| board.jobs.len() == 1).await;
    // There is no node at all.
    let a = row(&board, "a");
    assert_eq!(a.state, JobState::Unplaced);
    assert!(matches!(&a.trouble, Some(Trouble::Unplaced { why }) if !why.is_empty()));
    api.node("n1").await;
    let since = format!("/board?since={}", board.version);
    let placed = board_until(&api, &since, |board| {
        board.jobs.iter().any(|job| job.state == JobState::New)
    })
    .await;
    assert_eq!(api.delete("/jobs/default/a").await.status, 204);
    let since = format!("/board?since={}", placed.version);
    let gone = board_until(&api, &since, |board| !board.gone.is_empty()).await;
    assert_eq!((gone.gone, gone.jobs.len(), gone.whole), (vec![job.id], 0, false));
    // A version of another master, or of none, is answered with everything.
    for version in ["0.c.1", "nonsense", ""] {
        let whole: Board = api.get(&format!("/board?since={version}")).await.read();
        assert!(whole.whole && whole.jobs.is_empty(), "{version}");
    }
    // Also one that is from the future.
    let future = gone.version.rsplit_once('.').unwrap().0.to_owned() + ".999999";
    let whole: Board = api.get(&format!("/board?since={future}")).await.read();
    assert!(whole.whole);
}

#[tokio::test]
async fn an_instant_of_which_nothing_is_known_is_overdue() {
    let api = Api::start().await;
    let node = api.node("n1").await;
    let job = api
        .job(json!({"name": "a", "schedule": "* * * * *", "run": {"shell": "true"}}))
        .await;
    api.assign(&job, 0, &node).await;
    board_until(&api, "/board", |board| board.history == Known::Current).await;
    let minutes = |n: u64| NOW + Duration::from_secs(n * 60);
    api.app
        .intake
        .settle(vec![run_of(&job, minutes(1), &node, State::Succeeded)])
        .await
        .unwrap();
    let board = board_until(&api, "/board", |board| row(board, "a").state == JobState::Ok).await;
    assert_eq!(row(&board, "a").next, Some(minutes(1)));
    // Two minutes later it is still only late.
    api.wall.set(minutes(3) + Duration::from_secs(30));
    let board = board_until(&api, "/board", |board| row(board, "a").next == Some(minutes(4))).await;
    assert_eq!(row(&board, "a").state, JobState::Ok);
    api.wall.set(minutes(10) + Duration::from_secs(1));
    let board = board_until(&api, "/board", |board| row(board, "a").state == JobState::Overdue).await;
    let Some(Trouble::Overdue { at, slot: None }) = row(&board, "a").trouble else {
        panic!("{board:#?}")
    };
    assert_eq!(at, minutes(8), "the last that should be known");
    api.app
        .intake
        .settle(vec![run_of(&job, minutes(8), &node, State::Succeeded)])
        .await
        .unwrap();
    board_until(&api, "/board", |board| row(board, "a").state == JobState::Ok).await;
}

#[tokio::test]
async fn a_database_that_is_down_makes_the_board_old() {
    let api = Api::start().await;
    api.job(json!({"name": "a", "run": {"shell": "true"}})).await;
    board_until(&api, "/board", |board| board.history == Known::Current).await;
    api.history.set_down(true);
    let board = board_until(&api, "/board", |board| board.history == Known::Old).await;
    assert_eq!(board.jobs.len(), 1);
    api.history.set_down(false);
    board_until(&api, "/board", |board| board.history == Known::Current).await;
}

#[tokio::test]
async fn a_long_answer_is_compressed_for_who_takes_it() {
    let api = Api::start().await;
    for i in 0..40 {
        api.job(json!({"name": format!("job-{i}"), "schedule": "0 2 * * *", "run": {"shell": "true"}}))
            .await;
    }
    board_until(&api, "/board", |board| board.jobs.len() == 40).await;
    let ask = |coding: &str| api.send(api.call(Method::GET, "/board").header("accept-encoding", coding));
    let plain = ask("identity").await;
    assert!(!plain.headers.contains_key("content-encoding"));
    let packed = ask("br, gzip").await;
    assert_eq!(packed.headers["content-encoding"], "gzip");
    assert_eq!(packed.headers["vary"], "accept-encoding");
    assert!(packed.bytes.len() * 4 < plain.bytes.len());
    let mut text = String::new();
    flate2::read::GzDecoder::new(&*packed.bytes)
        .read_to_string(&mut text)
        .unwrap();
    let board: Board = serde_json::from_str(&text).unwrap();
    assert_eq!(board.jobs, plain.read::<Board>().jobs);
    // A short one is not worth it.
    let short = api
        .send(api.call(Method::GET, "/whoami").header("accept-encoding", "gzip"))
        .await;
    assert!(!short.headers.contains_key("content-encoding"));
}
