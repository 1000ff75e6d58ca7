//! Why a job did or did not run at an instant.

use std::time::Duration;

use expect_test::{Expect, expect};
use master::history::History;
use serde_json::json;
use shared::{
    api::{JobView, Why},
    report::{Range, Run},
    run::{Cause, Reason, State},
    time::Time,
    units::Span,
};

use crate::api::{Api, NOW, run_of};

async fn hourly(api: &Api) -> JobView {
    api.wall.set(NOW - Duration::from_secs(86_400));
    let job = api
        .job(json!({"name": "a", "run": {"shell": "true"}, "schedule": "0 * * * *"}))
        .await;
    api.wall.set(NOW + Duration::from_secs(90));
    job
}

async fn check(api: &Api, at: &str, expected: Expect) {
    let answer = api.get(&format!("/jobs/default/a/why?at={at}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let why: Why = answer.read();
    // A job's id is random, and so are its runs'.
    let text = why.runs.iter().fold(why.answer.join("\n"), |text, run| {
        text.replace(&run.id.to_string(), "RUN")
    });
    expected.assert_eq(&text);
}

#[tokio::test]
async fn instants_that_were_not_due_or_do_not_count() {
    let api = Api::start().await;
    hourly(&api).await;
    check(
        &api,
        "2026-01-31T11:30:00Z",
        expect![[r#"
        The job was not due at 2026-01-31T11:30:00.000Z: none of its triggers says so.
        The instants around it are 2026-01-31T11:00:00.000Z and 2026-01-31T12:00:00.000Z."#]],
    )
    .await;
    check(&api, "2026-01-30T11:00:00Z", expect!["That instant does not count: the job was made 2026-01-30T12:00:00.000Z by admin (token tests), and instants up to then never count."]).await;
    check(
        &api,
        "2026-01-31T13:00:00Z",
        expect![[r#"
        It is still to come, in 58m30s.
        Slot 0 has no node: no node is alive."#]],
    )
    .await;
    api.post("/jobs/default/a/pause", json!({})).await;
    check(&api, "2026-01-31T13:00:00Z", expect!["The job is paused, since 2026-01-31T12:01:30.000Z by admin (token tests); nothing of it is due until it is resumed."]).await;
    api.wall.set(NOW + Duration::from_secs(7200));
    api.post("/jobs/default/a/resume", json!({})).await;
    check(&api, "2026-01-31T13:00:00Z", expect!["That instant does not count: its schedule was changed or it was resumed 2026-01-31T14:00:00.000Z by admin (token tests), and instants up to then never count."]).await;
    api.job(json!({"name": "manual", "run": {"shell": "true"}})).await;
    let answer: Why = api
        .get("/jobs/default/manual/why?at=2026-01-31T13:00:00Z")
        .await
        .read();
    assert_eq!(
        answer.answer,
        ["The job has no trigger: it runs only when someone says so."]
    );
    api.get("/jobs/default/a/why").await.fails(422, "invalid");
    api.get("/jobs/default/a/why?at=yesterday")
        .await
        .fails(422, "invalid");
    api.get("/jobs/default/x/why?at=2026-01-31T13:00:00Z")
        .await
        .fails(404, "not_found");
}

#[tokio::test]
async fn what_is_recorded_is_told() {
    let api = Api::start().await;
    let job = hourly(&api).await;
    let node = api.node("n1").await;
    api.assign(&job, 0, &node).await;
    let hour = |h: u64| NOW - Duration::from_secs(3600 * h);
    let run = |h: u64, state: State, reason: Option<Reason>| Run {
        reason,
        ..run_of(&job, hour(h), &node, state)
    };
    let failed = run(2, State::Failed, Some(Reason::ExitCode { exit_code: 3 }));
    let again = Run {
        id: failed.id.attempt(2),
        attempt: 2,
        cause: Cause::Retry,
        retry_at: None,
        ..run(2, State::Succeeded, None)
    };
    let failed = Run {
        retry_at: Some(hour(2) + Duration::from_secs(10)),
        ..failed
    };
    let missed = Run {
        started_at: None,
        range: Some(Range {
            until: hour(5),
            count: 5,
        }),
        ..run(
            9,
            State::Missed,
            Some(Reason::TooLate {
                late: Span::from_secs(9000),
                within: Span::from_secs(3600),
            }),
        )
    };
    let skipped = Run {
        started_at: None,
        ..run(
            1,
            State::Skipped,
            Some(Reason::Overlap {
                running: 1,
                queued: 0,
            }),
        )
    };
    let runs = [
        run(3, State::Succeeded, None),
        failed,
        again,
        missed,
        skipped,
        run(0, State::Running, None),
    ];
    api.history.record(&runs, &[]).await.unwrap();
    check(
        &api,
        "2026-01-31T09:00:00Z",
        expect![
            "On node n1 it succeeded; started 2026-01-31T09:00:00.003Z, 3ms late, took 1s500ms. Run RUN."
        ],
    )
    .await;
    check(&api, "2026-01-31T10:00:00Z", expect![[r#"
        On node n1 it ended failed (exited with code 3); started 2026-01-31T10:00:00.003Z, 3ms late, took 1s500ms; the next attempt is due 2026-01-31T10:00:10.000Z.
        On node n1 (attempt 2) it succeeded; started 2026-01-31T10:00:00.003Z, took 1s500ms; the attempt before it failed. Run RUN."#]]).await;
    check(&api, "2026-01-31T06:00:00Z", expect!["On node n1 it ended missed (could not be started in time: 2h30m late, and the job allows 1h), recorded as one with 5 instants from 2026-01-31T03:00:00.000Z to 2026-01-31T07:00:00.000Z. Run RUN."]).await;
    check(
        &api,
        "2026-01-31T11:00:00Z",
        expect!["On node n1 it ended skipped (1 of the job's runs still going on, 0 waiting). Run RUN."],
    )
    .await;
    check(
        &api,
        "2026-01-31T12:00:00Z",
        expect!["On node n1 it is running; started 2026-01-31T12:00:00.003Z, 3ms late. Run RUN."],
    )
    .await;
}

#[tokio::test]
async fn what_is_not_recorded_is_explained_by_the_cursor() {
    let api = Api::start().await;
    let job = hourly(&api).await;
    check(&api, "2026-01-31T12:00:00Z", expect![[r#"
        It was due at 2026-01-31T12:00:00.000Z, and nothing is recorded of it.
        Slot 0 has no node, and nobody has claimed it: no node is alive. It will be caught up, or recorded as superseded by a later one, within 1h; after that as missed."#]]).await;
    let node = api.node("n1").await;
    api.assign(&job, 0, &node).await;
    check(&api, "2026-01-31T12:00:00Z", expect![[r#"
        It was due at 2026-01-31T12:00:00.000Z, and nothing is recorded of it.
        Slot 0: its node n1 has not claimed it yet. It will be caught up, or recorded as superseded by a later one, within 1h; after that as missed."#]]).await;
    api.claim(job.id, NOW, &node).await;
    check(&api, "2026-01-31T12:00:00Z", expect![[r#"
        It was due at 2026-01-31T12:00:00.000Z, and nothing is recorded of it.
        Slot 0: node n1 has claimed it (run 01KG9YS7G00000000000000007) and not reported it yet; if the node is gone, it ends `lost` once that is certain."#]]).await;
    check(&api, "2026-01-31T11:00:00Z", expect![[r#"
        It was due at 2026-01-31T11:00:00.000Z, and nothing is recorded of it.
        Slot 0: claims have gone on to 2026-01-31T12:00:00.000Z (node n1); what became of this one is not reported yet, or its history was cleared away."#]]).await;
    api.node_dies(&node).await;
    check(
        &api,
        "2026-01-31T13:00:00Z",
        expect![[r#"
        It is still to come, in 58m30s.
        Slot 0 belongs to node n1, but its node is down."#]],
    )
    .await;
    api.history.set_down(true);
    check(&api, "2026-01-31T12:00:00Z", expect![[r#"
        It was due at 2026-01-31T12:00:00.000Z.
        Slot 0: node n1 has claimed it (run 01KG9YS7G00000000000000007) and not reported it yet; if the node is gone, it ends `lost` once that is certain.
        The database does not answer: what ran is known once it does."#]]).await;
}

#[tokio::test]
async fn a_minute_stands_for_the_first_fire_in_it() {
    let api = Api::start().await;
    api.wall.set(NOW - Duration::from_secs(86_400));
    api.job(json!({"name": "a", "run": {"shell": "true"}, "schedule": "20 0 * * * *"}))
        .await;
    api.wall.set(NOW);
    let why: Why = api
        .get("/jobs/default/a/why?at=2026-01-31T11:00:00Z")
        .await
        .read();
    assert_eq!(why.at, "2026-01-31T11:00:20Z".parse::<Time>().unwrap());
    assert!(
        why.answer[0]
            .contains("The nearest fire to 2026-01-31T11:00:00.000Z is that of 2026-01-31T11:00:20.000Z")
    );
}

#[tokio::test]
async fn a_wide_jobs_slots_are_all_looked_for() {
    const SLOTS: u32 = 300;
    let api = Api::start().await;
    api.wall.set(NOW - Duration::from_secs(86_400));
    let wide = json!({
        "name": "a", "run": {"shell": "true"}, "schedule": "0 * * * *", "target": {"place": {"shards": SLOTS}},
    });
    let job = api.job(wide).await;
    let node = api.node("n1").await;
    api.wall.set(NOW + Duration::from_secs(90));
    let run = |slot: u32, hours: u64| {
        let at = NOW - Duration::from_secs(3600 * hours);
        let fire = shared::id::Fire {
            job: job.id,
            at,
            owner: shared::id::Owner::Slot(slot),
        };
        let id = shared::id::RunId::of(&fire);
        Run {
            id,
            first: id,
            slot: Some(slot),
            ..run_of(&job, at, &node, State::Succeeded)
        }
    };
    // At one instant all ran. Slot 7 missed it and those around it, as one, and others ran in
    // the meantime.
    let mut runs: Vec<Run> = (0..SLOTS).map(|slot| run(slot, 1)).collect();
    for hours in [2, 3, 4] {
        runs.extend((0..SLOTS).filter(|slot| *slot != 7).map(|slot| run(slot, hours)));
    }
    runs.push(Run {
        state: State::Missed,
        started_at: None,
        range: Some(Range {
            until: NOW - Duration::from_secs(2 * 3600),
            count: 3,
        }),
        ..run(7, 4)
    });
    api.history.record(&runs, &[]).await.unwrap();
    for (hours, others) in [(1, 300), (2, 299), (3, 299), (4, 299)] {
        let at = NOW - Duration::from_secs(3600 * hours);
        let why: Why = api.get(&format!("/jobs/default/a/why?at={at}")).await.read();
        let said = |what: &str| why.answer.iter().filter(|said| said.contains(what)).count();
        assert_eq!((why.runs.len(), why.answer.len()), (300, 300), "{hours}");
        assert_eq!(said("it succeeded"), others, "{hours}");
        assert_eq!(
            said("Slot 7 on node n1 it ended missed, recorded as one with 3"),
            300 - others
        );
    }
}

#[tokio::test]
async fn no_report_is_promised_of_a_node_that_may_not_have_been_there() {
    let api = Api::start().await;
    api.wall.set(NOW - Duration::from_secs(86_400));
    let every =
        json!({"name": "a", "run": {"shell": "true"}, "schedule": "0 * * * *", "target": {"place": "every"}});
    api.job(every).await;
    api.wall.set(NOW + Duration::from_secs(90));
    check(&api, "2026-01-31T12:00:00Z", expect![[r#"
        It was due at 2026-01-31T12:00:00.000Z, and nothing is recorded of it.
        No node that takes new work matches it now.
        An instant is a node's only if it matched, took new work and was up then, which is not recorded: there may be nothing to come. A node that ran it and cannot reach a master keeps its reports."#]]).await;
    api.node("n1").await;
    let node = api.node("n2").await;
    let cordon = json!({"cordoned": true});
    let cordoned = api
        .call(axum::http::Method::PATCH, &format!("/nodes/{node}/intent"))
        .json(cordon);
    assert_eq!(api.send(cordoned).await.status, 200);
    check(&api, "2026-01-31T12:00:00Z", expect![[r#"
        It was due at 2026-01-31T12:00:00.000Z, and nothing is recorded of it.
        The nodes that match and take new work now are n1.
        Nodes that match and take no new work now: n2.
        An instant is a node's only if it matched, took new work and was up then, which is not recorded: there may be nothing to come. A node that ran it and cannot reach a master keeps its reports."#]]).await;
}
