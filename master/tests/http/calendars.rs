//! Calendars, and the jobs that name them.

use std::time::Duration;

use axum::http::Method;
use expect_test::expect;
use serde_json::{Value, json};
use shared::{
    api::{JobView, NextFires, Page, Preview, Whereabouts, Why, calendars::CalendarView},
    run::Reason,
    time::Time,
};

use crate::api::{Answer, Api, NOW};

/// It is Saturday noon, UTC.
fn weekdays() -> Value {
    json!({"weekly": [{"days": ["mon-fri"], "from": "08:00", "to": "17:00"}]})
}

fn job(calendars: Value) -> Value {
    json!({"name": "a", "run": {"shell": "true"}, "schedule": "30 * * * *", "calendars": calendars})
}

async fn put_if(api: &Api, condition: (&'static str, &str), calendar: Value) -> Answer {
    api.send(
        api.call(Method::PUT, "/calendars/holidays")
            .header(condition.0, condition.1)
            .json(calendar),
    )
    .await
}

#[tokio::test]
async fn calendars_are_kept_like_jobs() {
    let api = Api::start().await;
    let dates = |dates: &[&str]| json!({"timezone": "Europe/Berlin", "dates": dates});
    let made = put_if(&api, ("if-none-match", "*"), dates(&["2026-01-31", "12-25"])).await;
    assert_eq!(made.status, 201);
    assert_eq!(made.headers["etag"], format!("\"{}\"", made.value["revision"]));
    let made: CalendarView = made.read();
    assert!(made.covers && made.jobs == 0 && made.used_by.is_empty());
    assert_eq!(made.changes_at, Some("2026-01-31T23:00:00Z".parse().unwrap()));
    put_if(&api, ("if-none-match", "*"), dates(&["12-25"]))
        .await
        .fails(409, "conflict");
    // The same again writes nothing.
    let revision = made.revision.to_string();
    let same = put_if(&api, ("if-match", &revision), dates(&["12-25", "2026-01-31"])).await;
    assert_eq!((same.status, same.read::<CalendarView>()), (200, made.clone()));
    let changed = put_if(&api, ("if-match", &revision), dates(&["12-25"])).await;
    assert_eq!(changed.status, 200);
    let changed: CalendarView = changed.read();
    assert!(changed.revision > made.revision && !changed.covers);
    put_if(&api, ("if-match", &revision), dates(&["12-26"]))
        .await
        .fails(412, "stale");

    api.put("/calendars/office", weekdays()).await;
    let all: Page<CalendarView> = api.get("/calendars").await.read();
    let names: Vec<&str> = all.items.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["holidays", "office"]);
    assert_eq!(all.items[0], changed);
    assert_eq!(
        api.get("/calendars/holidays").await.read::<CalendarView>(),
        changed
    );
    let page: Page<CalendarView> = api.get("/calendars?limit=1").await.read();
    assert_eq!(page.next.as_deref(), Some("holidays"));
    let page: Page<CalendarView> = api.get("/calendars?limit=1&cursor=holidays").await.read();
    assert_eq!((page.items[0].name.as_str(), page.next), ("office", None));

    for (wrong, why) in [
        (json!({"date": ["12-25"]}), "unknown field `date`"),
        (json!({"dates": ["2026-02-30"]}), "no such day"),
        (json!({}), "covers nothing"),
        (json!({"weekly": [{"days": "mo"}]}), "day of the week"),
    ] {
        let answer = api.put("/calendars/x", wrong).await;
        let text = answer.text();
        answer.fails(422, "invalid");
        assert!(text.contains(why), "{text}");
    }
    api.put("/calendars/-x", weekdays()).await.fails(422, "invalid");
    assert_eq!(api.delete("/calendars/office").await.status, 204);
    api.delete("/calendars/office").await.fails(404, "not_found");
    api.get("/calendars/office").await.fails(404, "not_found");
}

#[tokio::test]
async fn jobs_name_calendars_that_exist_and_those_are_not_removed() {
    let api = Api::start().await;
    api.put("/calendars/holidays", json!({"dates": ["12-25"]})).await;
    let wrong = api
        .put("/jobs/default/a", job(json!({"exclude": ["holidy"]})))
        .await;
    expect![[r#"{"error":{"code":"invalid","field":"calendars.exclude","hint":"did you mean `holidays`?","message":"job default/a: there is no calendar `holidy`"}}"#]]
        .assert_eq(&wrong.value.to_string());
    wrong.fails(422, "invalid");
    let jobs = json!({"jobs": [job(json!({"only": ["working-days"]}))]});
    let wrong = api.post("/apply", jobs).await;
    assert_eq!(wrong.value["error"]["field"], "jobs[0].calendars.only");
    assert!(wrong.fails(422, "invalid").contains("no calendar `working-days`"));
    api.get("/jobs/default/a").await.fails(404, "not_found");
    let both = json!({"exclude": ["holidays"], "only": ["holidays"]});
    let wrong = api.put("/jobs/default/a", job(both)).await;
    assert!(wrong.fails(422, "invalid").contains("never run"));

    let made = api.job(job(json!({"exclude": ["holidays"]}))).await;
    let view: CalendarView = api.get("/calendars/holidays").await.read();
    assert_eq!((view.jobs, view.used_by), (1, vec![made.spec.path()]));
    let refused = api.delete("/calendars/holidays").await.fails(409, "conflict");
    assert!(refused.contains("named by 1 job: default/a"), "{refused}");
    api.delete("/jobs/default/a").await;
    assert_eq!(api.delete("/calendars/holidays").await.status, 204);
}

#[tokio::test]
async fn what_comes_to_be_named_is_not_deleted_meanwhile() {
    let api = Api::start().await;
    let other = api.beside().await;
    let spec = |name: &str, more: Value| {
        let mut spec = json!({"name": name, "run": {"shell": "true"}, "schedule": "0 * * * *"});
        spec.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        spec
    };
    for (n, (kind, body, more)) in [
        (
            "calendars",
            json!({"dates": ["2026-02-01"]}),
            json!({"calendars": {"exclude": ["x"]}}),
        ),
        (
            "groups",
            json!({"nodes": ["n1"]}),
            json!({"target": {"groups": ["x"]}}),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let (path, prefix) = (format!("/{kind}/x"), format!("{kind}/"));
        assert_eq!(api.put(&path, body.clone()).await.status, 201);
        // It is deleted while a job comes to name it, in each way in which jobs are written.
        let name = format!("a{n}");
        let job = format!("/jobs/default/{name}");
        let held = api.hold.next(&prefix);
        let named = other.put(&job, spec(&name, more.clone()));
        let (deleted, named) = tokio::join!(api.delete(&path), held.meanwhile(named));
        assert_eq!(named.status, 201, "{}", named.text());
        assert!(deleted.fails(409, "conflict").contains("is named by"));
        assert_eq!(api.put(&job, spec(&name, json!({}))).await.status, 200);
        let held = api.hold.next(&prefix);
        let apply = json!({"jobs": [spec(&name, more.clone())]});
        let (deleted, named) = tokio::join!(api.delete(&path), held.meanwhile(other.post("/apply", apply)));
        assert_eq!(named.status, 200, "{}", named.text());
        assert!(deleted.fails(409, "conflict").contains("is named by"));

        // The job no longer names it, and would again while it is deleted.
        assert_eq!(other.put(&job, spec(&name, json!({}))).await.status, 200);
        let held = other.hold.next("jobs/");
        let (named, deleted) = tokio::join!(
            other.put(&job, spec(&name, more.clone())),
            held.meanwhile(api.delete(&path))
        );
        assert_eq!(deleted.status, 204, "{}", deleted.text());
        // Jobs may name groups that are not there: they match no node.
        if kind == "calendars" {
            assert!(named.fails(422, "invalid").contains("there is no calendar `x`"));
        } else {
            assert_eq!(named.status, 200);
        }
        assert_eq!(api.put(&job, spec(&name, json!({}))).await.status, 200);

        // What is only changed meanwhile may be named.
        assert_eq!(api.put(&path, body.clone()).await.status, 201);
        let changed = match kind {
            "calendars" => json!({"dates": ["2026-02-02"]}),
            _ => json!({"nodes": ["n2"]}),
        };
        let held = other.hold.next("jobs/");
        let (named, changed) = tokio::join!(
            other.put(&job, spec(&name, more.clone())),
            held.meanwhile(api.put(&path, changed))
        );
        assert_eq!((named.status, changed.status), (200, 200), "{}", named.text());
    }
}

#[tokio::test]
async fn many_jobs_that_name_much_are_applied() {
    let api = Api::start().await;
    for n in 0..120 {
        let dates = json!({"dates": ["2026-02-01"]});
        assert_eq!(api.put(&format!("/calendars/c{n}"), dates).await.status, 201);
    }
    let jobs: Vec<Value> = (0..120)
        .map(|n| {
            let calendars = json!({"exclude": [format!("c{n}"), format!("c{}", (n + 1) % 120)]});
            json!({"name": format!("a{n}"), "run": {"shell": "true"}, "calendars": calendars})
        })
        .collect();
    let answer = api.post("/apply", json!({"jobs": jobs})).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.value.as_array().unwrap().len(), 120);
}

#[tokio::test]
async fn what_is_to_come_says_what_is_suppressed() {
    let api = Api::start().await;
    api.put(
        "/calendars/noon",
        json!({"weekly": [{"from": "12:00", "to": "14:00"}]}),
    )
    .await;
    api.put("/calendars/office", weekdays()).await;
    let view = api.job(job(json!({"exclude": ["noon"]}))).await;
    let at = |text: &str| -> Time { format!("2026-01-31T{text}:00Z").parse().unwrap() };
    assert_eq!(view.next, Some(at("14:30")));
    let next: NextFires = api.get("/jobs/default/a/next?count=3").await.read();
    let noon = || {
        Some(Reason::Blackout {
            calendar: "noon".into(),
        })
    };
    let fires: Vec<_> = next.fires.into_iter().map(|f| (f.at, f.suppressed)).collect();
    assert_eq!(
        fires,
        [(at("12:30"), noon()), (at("13:30"), noon()), (at("14:30"), None)]
    );
    let why: Why = api
        .get("/jobs/default/a/why?at=2026-01-31T12:30:00Z")
        .await
        .read();
    expect!["It is due 2026-01-31T12:30:00.000Z, in 30m, and will be skipped: it is within the blackout `noon`, as the calendar is now."]
        .assert_eq(&why.answer.join("\n"));
    let ask = json!({"trigger": {"cron": "30 * * * *"}, "calendars": {"exclude": ["noon"]}, "count": 3});
    let preview: Preview = api.post("/schedule/preview", ask).await.read();
    let rows: Vec<_> = preview
        .listing
        .rows
        .into_iter()
        .map(|r| (r.at, r.suppressed))
        .collect();
    assert_eq!(
        rows,
        [(at("12:30"), noon()), (at("13:30"), noon()), (at("14:30"), None)]
    );
    let places: Whereabouts = api.get("/jobs/default/a/where").await.read();
    expect![[r#"[{"changes_at":"2026-01-31T14:00:00.000Z","covers":true,"exists":true,"name":"noon","use":"exclude"}]"#]]
        .assert_eq(&json!(places.calendars).to_string());

    // An edited calendar counts at once; the job keeps its revision and its time.
    api.put(
        "/calendars/noon",
        json!({"weekly": [{"from": "12:00", "to": "13:00"}]}),
    )
    .await;
    let edited: JobView = api.get("/jobs/default/a").await.read();
    assert_eq!((edited.revision, edited.since), (view.revision, view.since));
    assert_eq!(edited.next, Some(at("13:30")));

    // Naming other calendars does not begin the job's time anew either.
    api.wall.set(NOW + Duration::from_secs(60));
    let only = api.put("/jobs/default/a", job(json!({"only": ["office"]}))).await;
    let only: JobView = only.read();
    assert_eq!(only.since, view.since);
    assert_eq!(only.next, Some("2026-02-02T08:30:00Z".parse().unwrap()));
    let why: Why = api
        .get("/jobs/default/a/why?at=2026-01-31T12:30:00Z")
        .await
        .read();
    assert!(
        why.answer[0].contains("it is outside the calendar `office`"),
        "{:?}",
        why.answer
    );
}

#[tokio::test]
async fn a_backup_brings_calendars_along() {
    let from = Api::start().await;
    from.put("/calendars/holidays", json!({"dates": ["12-25"]})).await;
    from.job(job(json!({"exclude": ["holidays"]}))).await;
    let backup = from.get("/backup").await.text().into_bytes();
    let to = Api::start().await;
    let call = to
        .call(Method::POST, "/restore")
        .header("content-type", "application/x-ndjson")
        .raw(backup.clone());
    assert_eq!(to.send(call).await.status, 200);
    let kept: CalendarView = to.get("/calendars/holidays").await.read();
    assert_eq!((kept.calendar.entries(), kept.jobs), (1, 1));
    // One that has calendars is not empty.
    to.delete("/jobs/default/a").await;
    let call = to
        .call(Method::POST, "/restore")
        .header("content-type", "application/x-ndjson")
        .raw(backup);
    assert!(to.send(call).await.fails(409, "conflict").contains("calendars"));
}
