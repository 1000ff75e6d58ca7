//! What the console's pages are made of: the overview, the timeline, a job's history, a
//! node's work, orders for many jobs, and what an instance says of itself.

use std::time::Duration;

use axum::http::Method;
use serde_json::json;
use shared::{
    api::{
        Page,
        board::{JobState, Known},
        overview::{About, LoginHint, NodeTrouble, Overview, ShownBy},
        timeline::{JobHistory, Timeline},
        work::{BulkResult, NodeWork},
    },
    history::RunView,
    report::{Run, Stream},
    run::State,
};
use tokio::time::{sleep, timeout};

use crate::{
    api::{Api, Events, NOW, call, chunk, run_of},
    board::board_until,
};
use master::history::History;

fn ago(secs: u64) -> shared::time::Time {
    NOW - Duration::from_secs(secs)
}

/// Asks until the answer is as wanted.
async fn until<T: serde::de::DeserializeOwned + shared::file::value::Read + std::fmt::Debug>(
    api: &Api,
    path: &str,
    wanted: impl Fn(&T) -> bool,
) -> T {
    let mut last = None;
    let ask = async {
        loop {
            let answer = api.get(path).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            let value: T = answer.read();
            if wanted(&value) {
                return value;
            }
            last = Some(value);
            sleep(Duration::from_millis(50)).await;
        }
    };
    match timeout(Duration::from_secs(60), ask).await {
        Ok(value) => value,
        Err(_) => panic!("{path} stays {last:#?}"),
    }
}

#[tokio::test]
async fn the_overview_tells_what_needs_attention() {
    let api = Api::start().await;
    let (n1, n2) = (api.node("n1").await, api.node("n2").await);
    let job = api
        .job(json!({"name": "a", "schedule": "*/30 * * * *", "run": {"shell": "true"}}))
        .await;
    let good = api
        .job(
            json!({"name": "b", "target": {"place": {"shards": 2}}, "schedule": "15 13 * * *", "run": {"shell": "true"}}),
        )
        .await;
    let lost = json!({"name": "c", "target": {"nodes": ["n9"]}, "run": {"shell": "true"}});
    api.job(lost).await;
    api.node_dies(&n2).await;
    let runs = vec![
        run_of(&job, ago(7200), &n1, State::Succeeded),
        run_of(&job, ago(3600), &n1, State::Failed),
        run_of(&good, ago(60), &n1, State::Running),
    ];
    api.app.intake.settle(runs.clone()).await.unwrap();
    let overview: Overview = until(&api, "/overview?past_hours=6&coming_hours=2", |o: &Overview| {
        o.history == Known::Current
                && o.running.len() == 1
                && !o.day.past.is_empty()
                // What has no node is planned now and then.
                && o.attention.jobs_count == 2
    })
    .await;
    let troubled: Vec<(&str, JobState)> = overview
        .attention
        .jobs
        .iter()
        .map(|job| (job.job.name.as_str(), job.state))
        .collect();
    assert_eq!(troubled, [("c", JobState::Unplaced), ("a", JobState::Failing)]);
    assert_eq!(overview.attention.jobs_count, 2);
    let nodes: Vec<_> = overview
        .attention
        .nodes
        .iter()
        .map(|n| (n.node.as_str(), n.why))
        .collect();
    assert_eq!(nodes, [("n2", NodeTrouble::Down)]);
    assert!(overview.attention.no_leader && overview.attention.parts.is_empty());
    let running = &overview.running[0];
    assert_eq!((running.id, overview.running_count), (runs[2].id, 1));
    let ends: Vec<_> = overview
        .day
        .past
        .iter()
        .map(|bucket| (bucket.at, bucket.outcomes.succeeded, bucket.outcomes.failed))
        .collect();
    assert_eq!(ends, [(ago(7200), 1, 0), (ago(3600), 0, 1)]);
    // Half past twelve, one, a quarter past with its two slots, half past, two.
    let coming: Vec<_> = overview
        .day
        .coming
        .iter()
        .map(|bucket| ((bucket.at.as_secs() - NOW.as_secs()) / 60, bucket.runs))
        .collect();
    assert_eq!(coming, [(30, 1), (60, 1), (75, 2), (90, 1), (120, 1)]);
    assert!(!overview.day.estimated);
    let glances: Vec<_> = overview
        .nodes
        .iter()
        .map(|n| (n.id.as_str(), n.running))
        .collect();
    assert_eq!(glances, [("n1", 1), ("n2", 0)]);

    for query in [
        "past_hours=49",
        "coming_hours=100",
        "step_minutes=7",
        "step_minutes=0",
    ] {
        let answer = api.get(&format!("/overview?{query}")).await;
        assert!(
            answer
                .fails(422, "invalid")
                .contains(query.split('=').next().unwrap())
        );
    }
    // Without a database it says so, and all that it knows.
    api.history.set_down(true);
    let overview: Overview = until(&api, "/overview", |o: &Overview| {
        !o.attention.parts.is_empty() && o.day.past_error.is_some()
    })
    .await;
    assert_eq!(overview.attention.parts[0].kind, "memory");
    assert_eq!(overview.attention.jobs_count, 2);
}

#[tokio::test]
async fn the_timeline_shows_runs_and_what_is_planned() {
    let api = Api::start().await;
    let (n1, n2) = (api.node("n1").await, api.node("n2").await);
    let a = api
        .job(json!({"name": "a", "schedule": "*/10 * * * *", "run": {"shell": "true"}}))
        .await;
    let b = api
        .job(json!({"name": "b", "namespace": "ops", "run": {"shell": "true"}}))
        .await;
    api.assign(&a, 0, &n1).await;
    let long = Run {
        started_at: Some(ago(5000)),
        finished_at: Some(ago(3000)),
        ..run_of(&b, ago(5000), &n2, State::Succeeded)
    };
    let runs = vec![
        long.clone(),
        run_of(&a, ago(1800), &n1, State::Succeeded),
        run_of(&a, ago(1799), &n1, State::Failed),
        run_of(&b, ago(1795), &n2, State::Succeeded),
        run_of(&a, ago(600), &n1, State::Running),
    ];
    api.app.intake.settle(runs.clone()).await.unwrap();
    board_until(&api, "/board", |board| {
        board.history == Known::Current && board.jobs.iter().any(|job| job.running == 1)
    })
    .await;
    let window = format!("from={}&to={}", ago(3600), NOW + Duration::from_secs(1801));
    let path = format!("/timeline?{window}&points=500");
    let timeline: Timeline = until(&api, &path, |t: &Timeline| t.planned.len() == 3).await;
    let lanes: Vec<&str> = timeline.lanes.iter().map(|lane| lane.name.as_str()).collect();
    assert_eq!(lanes, ["n1", "n2"]);
    let bars: Vec<_> = timeline
        .bars
        .iter()
        .map(|bar| {
            (
                bar.lane,
                (bar.from.as_secs() - NOW.as_secs()),
                bar.state,
                bar.count,
            )
        })
        .collect();
    // Two that ten seconds cannot tell apart are one bar, of the worse state; one that
    // began before the window and reaches into it is there.
    let expected = [
        (0, -1800, State::Failed, 2),
        (0, -600, State::Running, 1),
        (1, -5000, State::Succeeded, 1),
        (1, -1795, State::Succeeded, 1),
    ];
    assert_eq!(bars, expected);
    assert_eq!(timeline.bars[0].run, runs[2].id);
    assert_eq!(timeline.bars[1].to, None);
    assert!(timeline.runs_since.is_none() && !timeline.more_planned && !timeline.more_lanes);
    let planned: Vec<_> = timeline
        .planned
        .iter()
        .map(|p| (p.lane, p.at.as_secs() - NOW.as_secs(), p.count))
        .collect();
    assert_eq!(planned, [(0, 600, 1), (0, 1200, 1), (0, 1800, 1)][..]);

    let by_job: Timeline = api
        .get(&format!("/timeline?{window}&by=job&points=4000"))
        .await
        .read();
    let lanes: Vec<&str> = by_job.lanes.iter().map(|lane| lane.name.as_str()).collect();
    assert_eq!(lanes, ["default/a", "ops/b"]);
    assert!(by_job.bars.len() >= 4);
    let only: Timeline = api.get(&format!("/timeline?{window}&q=OPS")).await.read();
    assert!(only.bars.iter().all(|bar| bar.job.to_string() == "ops/b") && only.bars.len() == 2);
    assert!(only.planned.is_empty());
    for wrong in [
        format!("from={NOW}&to={}", ago(5)),
        format!("from={}&to={NOW}", ago(40 * 86_400)),
    ] {
        api.get(&format!("/timeline?{wrong}")).await.fails(422, "invalid");
    }
}

#[tokio::test]
async fn a_jobs_history_is_points() {
    let api = Api::start().await;
    let node = api.node("n1").await;
    let job = api.job(json!({"name": "a", "run": {"shell": "true"}})).await;
    let runs: Vec<Run> = (0..30)
        .map(|n| {
            let state = if n % 3 == 0 {
                State::Failed
            } else {
                State::Succeeded
            };
            run_of(&job, ago(n * 60), &node, state)
        })
        .collect();
    api.history.record(&runs, &[]).await.unwrap();
    let history: JobHistory = api.get("/jobs/default/a/history?points=20").await.read();
    assert_eq!((history.points.len(), history.more), (20, true));
    assert_eq!(
        (history.points[19].run, history.points[0].at),
        (runs[0].id, ago(19 * 60))
    );
    assert_eq!(
        (history.points[19].took_ms, history.points[19].late_ms),
        (Some(1500), Some(3))
    );
    assert_eq!((history.usual_ms, history.p95_ms), (Some(1500), Some(1500)));
    assert_eq!(history.success_percent, Some(65));
    let all: JobHistory = api.get("/jobs/default/a/history").await.read();
    assert_eq!((all.points.len(), all.more), (30, false));
    api.get("/jobs/default/none/history")
        .await
        .fails(404, "not_found");
}

#[tokio::test]
async fn a_node_tells_its_work() {
    let api = Api::start().await;
    let n1 = api.node("n1").await;
    let job = api
        .job(json!({"name": "a", "target": {"place": {"shards": 3}}, "schedule": "0 13 * * *", "run": {"shell": "true"}}))
        .await;
    let everywhere = json!({"name": "b", "target": {"place": "every"}, "schedule": "0 14 * * *", "run": {"shell": "true"}});
    api.job(everywhere).await;
    let elsewhere =
        json!({"name": "c", "target": {"place": "every", "labels": "os=plan9"}, "run": {"shell": "true"}});
    api.job(elsewhere).await;
    api.assign(&job, 0, &n1).await;
    api.assign(&job, 2, &n1).await;
    api.claim(job.id, ago(5), &n1).await;
    let run = run_of(&job, ago(5), &n1, State::Running);
    api.app.intake.settle(vec![run.clone()]).await.unwrap();
    let work: NodeWork = until(&api, "/nodes/n1/work", |w: &NodeWork| w.everywhere_count == 1).await;
    let slots: Vec<_> = work.slots.iter().map(|s| (s.slot, s.of, s.claimed)).collect();
    assert_eq!(slots, [(0, 3, Some(ago(5))), (2, 3, None)]);
    assert_eq!(work.slots[0].next, Some(NOW + Duration::from_secs(3600)));
    assert_eq!(work.everywhere[0].job.name.as_str(), "b");
    assert_eq!((work.runs[0].id, work.runs_count), (run.id, 1));
    assert_eq!(work.drain, None);
    let draining = api
        .call(Method::PATCH, "/nodes/n1/intent")
        .json(json!({"draining": true}));
    assert_eq!(api.send(draining).await.status, 200);
    let work: NodeWork = api.get("/nodes/n1/work").await.read();
    let drain = work.drain.unwrap();
    assert_eq!(
        (drain.slots_left, drain.runs_left, drain.is_done()),
        (2, 1, false)
    );
    api.get("/nodes/n7/work").await.fails(404, "not_found");
}

#[tokio::test]
async fn many_jobs_are_ordered_at_once() {
    let api = Api::start().await;
    let n1 = api.node("n1").await;
    let mut paths = Vec::new();
    for i in 0..20 {
        let job = api
            .job(json!({"name": format!("job-{i}"), "run": {"shell": "true"}}))
            .await;
        api.assign(&job, 0, &n1).await;
        paths.push(job.spec.path().to_string());
    }
    paths.push("default/none".to_owned());
    let bulk = async |action: &str, jobs: &[String]| {
        let answer = api
            .post("/jobs/bulk", json!({"action": action, "jobs": jobs}))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.read::<BulkResult>()
    };
    let paused = bulk("pause", &paths).await;
    assert_eq!((paused.done, paused.failed), (20, 1));
    let order: Vec<String> = paused.jobs.iter().map(|item| item.job.to_string()).collect();
    assert_eq!(order, paths, "in the order in which they were asked for");
    assert!(
        paused.jobs[..20]
            .iter()
            .all(|item| item.revision.is_some() && item.error.is_none())
    );
    let error = paused.jobs[20].error.as_ref().unwrap();
    assert_eq!(error.message, "there is no job default/none");
    let page: Page<shared::api::JobView> = api.get("/jobs?paused=true").await.read();
    assert_eq!(page.items.len(), 20);
    assert_eq!(bulk("resume", &paths[..3]).await.done, 3);
    let ordered = bulk("run", &paths[..5]).await;
    assert_eq!(
        ordered
            .jobs
            .iter()
            .map(|item| item.runs.len())
            .collect::<Vec<_>>(),
        [1; 5]
    );
    let run: RunView = api
        .get(&format!("/runs/{}", ordered.jobs[0].runs[0].id))
        .await
        .read();
    assert_eq!(run.job.to_string(), paths[0]);
    assert_eq!(bulk("delete", &paths[..20]).await.done, 20);
    let page: Page<shared::api::JobView> = api.get("/jobs").await.read();
    assert!(page.items.is_empty());

    let twice = json!({"action": "pause", "jobs": ["default/a", "default/a"]});
    assert!(
        api.post("/jobs/bulk", twice)
            .await
            .fails(422, "invalid")
            .contains("twice")
    );
    let many: Vec<String> = (0..1001).map(|i| format!("default/job-{i}")).collect();
    let many = json!({"action": "pause", "jobs": many});
    api.post("/jobs/bulk", many).await.fails(413, "too_large");
    api.post("/jobs/bulk", json!({"action": "burn", "jobs": []}))
        .await
        .fails(422, "invalid");
}

#[tokio::test]
async fn runs_are_found_by_cause_and_by_a_part_of_a_name() {
    let api = Api::start().await;
    let n1 = api.node("n1").await;
    let mut all = Vec::new();
    for i in 0..25_u64 {
        let job = api
            .job(json!({"name": format!("backup-{i}"), "run": {"shell": "true"}}))
            .await;
        let manual = Run {
            cause: shared::run::Cause::Manual,
            ..run_of(&job, ago(i * 10), &n1, State::Failed)
        };
        all.push(manual);
        all.push(run_of(&job, ago(i * 10 + 5), &n1, State::Succeeded));
    }
    let other = api.job(json!({"name": "other", "run": {"shell": "true"}})).await;
    all.push(run_of(&other, ago(1), &n1, State::Succeeded));
    api.history.record(&all, &[]).await.unwrap();
    let count = async |query: &str| {
        let mut path = format!("/runs?limit=7&{query}");
        let mut runs: Vec<RunView> = Vec::new();
        loop {
            let page: Page<RunView> = api.get(&path).await.read();
            runs.extend(page.items);
            match page.next {
                Some(next) => path = format!("/runs?limit=7&{query}&cursor={next}"),
                None => break,
            }
        }
        let sorted = runs
            .windows(2)
            .all(|two| (two[0].scheduled_at, two[0].id) > (two[1].scheduled_at, two[1].id));
        assert!(sorted, "{query}");
        runs.len()
    };
    assert_eq!(count("cause=manual").await, 25);
    assert_eq!(count("cause=manual,schedule").await, 51);
    assert_eq!(count("cause=manual&state=failed,killed").await, 25);
    assert_eq!(count("cause=retry").await, 0);
    assert_eq!(count("q=BACKUP").await, 50, "of many jobs");
    assert_eq!(count("q=backup-1").await, 22, "of a few");
    assert_eq!(count("q=ther").await, 1);
    assert_eq!(count("q=nothing").await, 0);
    assert_eq!(count("q=backup-1&cause=manual&node=n1").await, 11);
    let wrong = api.get("/runs?cause=accident").await.fails(422, "invalid");
    assert!(wrong.contains("catch_up"), "{wrong}");
}

#[tokio::test]
async fn a_renamed_job_keeps_its_past() {
    let api = Api::start().await;
    let n1 = api.node("n1").await;
    let spec = |name: &str| json!({"name": name, "run": {"shell": "true"}, "schedule": "0 * * * *"});
    api.wall.set(ago(600));
    let job = api.job(spec("rn")).await;
    api.wall.set(NOW);
    let before = run_of(&job, ago(120), &n1, State::Succeeded);
    assert_eq!(api.put("/jobs/default/rn", spec("rn2")).await.status, 200);
    let after = Run {
        path: "default/rn2".parse().unwrap(),
        ..run_of(&job, ago(60), &n1, State::Failed)
    };
    api.history
        .record(&[before.clone(), after.clone()], &[])
        .await
        .unwrap();

    let runs = async |query: &str| {
        let page: Page<RunView> = api.get(&format!("/runs?{query}")).await.read();
        page.items.iter().map(|run| run.id).collect::<Vec<_>>()
    };
    assert_eq!(runs("job=default/rn2").await, [after.id, before.id]);
    assert_eq!(runs(&format!("job_id={}", job.id)).await, [after.id, before.id]);
    assert_eq!(runs("q=rn2").await, [after.id, before.id]);
    assert_eq!(runs("q=rn2&job=default/rn2&state=succeeded").await, [before.id]);
    // By the name of old, what was recorded under it.
    assert_eq!(runs("job=default/rn").await, [before.id]);
    let sums = api.get("/statistics?job=default/rn2&by=job").await;
    assert_eq!(
        (
            &sums.value[0]["outcomes"]["succeeded"],
            &sums.value[0]["outcomes"]["failed"]
        ),
        (&json!(1), &json!(1)),
        "{}",
        sums.text()
    );
    let at = before.scheduled_at;
    let why: shared::api::Why = api.get(&format!("/jobs/default/rn2/why?at={at}")).await.read();
    assert!(why.answer[0].contains("it succeeded"), "{:?}", why.answer);

    // Another job of the old name is another job, and what is deleted is found by its name.
    let other = api.job(spec("rn")).await;
    assert_eq!(runs("job=default/rn").await, []);
    assert_eq!(
        runs(&format!("job=default/rn&job_id={}", job.id)).await,
        [before.id]
    );
    assert_ne!(other.id, job.id);
    api.delete("/jobs/default/rn2").await;
    assert_eq!(runs("job=default/rn2").await, [after.id]);
}

#[tokio::test]
async fn a_run_tells_what_was_asked_for() {
    let api = Api::start().await;
    let n1 = api.node("n1").await;
    let job = api.job(json!({"name": "a", "run": {"shell": "true"}})).await;
    api.assign(&job, 0, &n1).await;
    let ask = json!({"env": {"MODE": "full"}, "node": "n1"});
    let ordered = api.post("/jobs/default/a/run", ask).await;
    assert_eq!(ordered.status, 201, "{}", ordered.text());
    let id = ordered.value["runs"][0]["id"].as_str().unwrap().to_owned();
    let run: RunView = api.get(&format!("/runs/{id}")).await.read();
    let asked = run.asked.unwrap();
    assert_eq!(
        (asked.env["MODE"].as_str(), asked.node, asked.at),
        ("full", Some(n1), NOW)
    );
    assert!(asked.by.contains("tests"), "{}", asked.by);
    // The same again is the same request.
    let again = json!({"env": asked.env, "node": "n1"});
    assert_eq!(api.post("/jobs/default/a/run", again).await.status, 201);
}

#[tokio::test]
async fn output_is_paged_from_its_end_and_saved_under_a_name() {
    let api = Api::start().await;
    let n1 = api.node("n1").await;
    let job = api.job(json!({"name": "a", "run": {"shell": "true"}})).await;
    let run = run_of(&job, NOW, &n1, State::Succeeded);
    let lines: Vec<_> = (0..1000)
        .map(|seq| {
            let stream = if seq % 10 == 0 {
                Stream::Stderr
            } else {
                Stream::Stdout
            };
            chunk(run.id, seq, stream, format!("line {seq}\n").as_bytes())
        })
        .collect();
    api.history
        .record(std::slice::from_ref(&run), &lines)
        .await
        .unwrap();
    let page = async |query: &str| {
        let page: Page<shared::api::OutputView> =
            api.get(&format!("/runs/{}/output?{query}", run.id)).await.read();
        let seqs: Vec<u64> = page.items.iter().map(|item| item.seq).collect();
        assert!(
            seqs.windows(2).all(|two| two[0] + 1 == two[1]),
            "{query}: {seqs:?}"
        );
        (seqs.first().copied(), seqs.last().copied(), page.next)
    };
    assert_eq!(
        page("limit=700").await,
        (Some(0), Some(699), Some("700".to_owned()))
    );
    assert_eq!(page("limit=700&cursor=700").await, (Some(700), Some(999), None));
    assert_eq!(
        page("before=18446744073709551615&limit=300").await,
        (Some(700), Some(999), None)
    );
    assert_eq!(page("before=700&limit=10000").await, (Some(0), Some(699), None));
    let text = api.get(&format!("/runs/{}/output?format=text", run.id)).await;
    let saved = format!("attachment; filename=\"default-a-{}.txt\"", run.id);
    assert_eq!(text.headers["content-disposition"], saved);
    assert!(text.text().starts_with("line 0\nline 1\n") && text.text().ends_with("line 999\n"));
}

#[tokio::test]
async fn an_instance_tells_of_itself_and_of_its_first_login() {
    let api = Api::start().await;
    let hint = api.send(call(Method::GET, "/login/hint")).await;
    let hint: LoginHint = hint.read();
    assert_eq!(
        (hint.first_user.as_deref(), hint.shown_by),
        (Some("admin"), ShownBy::Standalone)
    );
    let session = api.login().await;
    let change = json!({"current": api.password, "new": "another password"});
    api.wall.set(NOW + Duration::from_secs(5));
    let changed = api
        .send(session.over(Method::POST, "/password").json(change))
        .await;
    assert_eq!(changed.status, 204, "{}", changed.text());
    let known = async || {
        let hint: LoginHint = api.send(call(Method::GET, "/login/hint")).await.read();
        hint.first_user
    };
    timeout(Duration::from_secs(60), async {
        while known().await.is_some() {
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("a changed password is not the first one");
    let about: About = api.get("/about").await.read();
    assert_eq!(
        (about.version.as_str(), about.started_at),
        (env!("CARGO_PKG_VERSION"), NOW)
    );
    assert!(about.store.ok && about.database.ok && !about.tzdb.is_empty());
}

#[tokio::test]
async fn changes_are_told_from_the_connection_on() {
    let api = Api::start().await;
    let n1 = api.node("n1").await;
    let job = api.job(json!({"name": "a", "run": {"shell": "true"}})).await;
    let mut events = Events::of(api.open(api.call(Method::GET, "/events?runs=false")).await);
    let first = events.next().await.unwrap();
    assert_eq!((first.name.as_str(), first.data), ("changed", json!("all")));
    let mut hear = async |wanted: &str| {
        loop {
            let event = events.next().await.unwrap();
            assert_eq!(event.name, "changed", "runs were not asked for");
            if event.data == wanted {
                return;
            }
        }
    };
    let run = run_of(&job, NOW, &n1, State::Succeeded);
    api.app.intake.settle(vec![run]).await.unwrap();
    hear("runs").await;
    assert_eq!(api.post("/tokens", json!({"name": "new"})).await.status, 201);
    hear("tokens").await;
    api.job(json!({"name": "b", "run": {"shell": "true"}})).await;
    hear("jobs").await;
    api.get("/events?runs=perhaps").await.fails(422, "invalid");
}
