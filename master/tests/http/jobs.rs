//! Making, changing and deleting jobs, with nothing lost to somebody else's change.

use std::time::Duration;

use axum::http::{Method, header};
use serde_json::{Value, json};
use shared::{
    api::{JobView, NextFires, Page, Preview},
    keys,
    store::Write,
    time::Time,
};

use crate::api::{Answer, Api, NOW};

fn spec(name: &str) -> Value {
    json!({"name": name, "run": {"shell": "true"}, "schedule": "0 3 * * *"})
}

async fn put_if(api: &Api, path: &str, header: (&str, &str), spec: Value) -> Answer {
    api.send(api.call(Method::PUT, path).header(header.0, header.1).json(spec))
        .await
}

#[tokio::test]
async fn a_job_is_made_changed_and_deleted() {
    let api = Api::start().await;
    let made = put_if(&api, "/jobs/default/a", ("if-none-match", "*"), spec("a")).await;
    assert_eq!(made.status, 201);
    let job: JobView = made.read();
    assert_eq!(made.headers[header::ETAG], format!("\"{}\"", job.revision));
    assert_eq!((job.since, job.created.by.as_str()), (NOW, "admin (token tests)"));
    assert_eq!(job.next, Some("2026-02-01T03:00:00Z".parse().unwrap()));
    assert_eq!(api.get("/jobs/default/a").await.read::<JobView>(), job);
    assert!(
        put_if(&api, "/jobs/default/a", ("if-none-match", "*"), spec("a"))
            .await
            .fails(409, "conflict")
            .contains("job default/a exists already")
    );

    api.wall.set(NOW + Duration::from_secs(60));
    let mut changed = spec("a");
    changed["description"] = json!("nightly");
    let revision = job.revision.to_string();
    let saved = put_if(&api, "/jobs/default/a", ("if-match", &revision), changed.clone()).await;
    assert_eq!(saved.status, 200);
    let saved: JobView = saved.read();
    assert_eq!(
        (saved.id, saved.since),
        (job.id, NOW),
        "another description does not change the schedule"
    );
    // Whoever read the old one loses nothing of the new one.
    let stale = put_if(&api, "/jobs/default/a", ("if-match", &revision), spec("a")).await;
    assert!(
        stale
            .fails(412, "stale")
            .contains(&format!("it is at revision {}, not {revision}", saved.revision))
    );
    assert_eq!(api.get("/jobs/default/a").await.read::<JobView>(), saved);

    api.send(
        api.call(Method::DELETE, "/jobs/default/a")
            .header("if-match", &revision),
    )
    .await
    .fails(412, "stale");
    assert_eq!(api.delete("/jobs/default/a").await.status, 204);
    api.get("/jobs/default/a").await.fails(404, "not_found");
    api.delete("/jobs/default/a").await.fails(404, "not_found");
    api.send(
        api.call(Method::DELETE, "/jobs/default/a")
            .header("if-match", &revision),
    )
    .await
    .fails(412, "stale");
    put_if(&api, "/jobs/default/a", ("if-match", &revision), spec("a"))
        .await
        .fails(412, "stale");
    put_if(&api, "/jobs/default/a", ("if-match", "*"), spec("a"))
        .await
        .fails(404, "not_found");
    put_if(&api, "/jobs/default/a", ("if-match", "latest"), spec("a"))
        .await
        .fails(400, "invalid");
}

#[tokio::test]
async fn a_rename_keeps_the_id_and_takes_no_other_name() {
    let api = Api::start().await;
    let (a, b) = (api.job(spec("a")).await, api.job(spec("b")).await);
    let renamed: JobView = api.put("/jobs/default/a", spec("c")).await.read();
    assert_eq!(
        (renamed.id, renamed.spec.path().to_string().as_str()),
        (a.id, "default/c")
    );
    api.get("/jobs/default/a").await.fails(404, "not_found");
    assert!(
        api.put("/jobs/default/c", spec("b"))
            .await
            .fails(409, "conflict")
            .contains("already a job default/b")
    );
    assert_eq!(api.get("/jobs/default/b").await.read::<JobView>(), b);
    // Nothing is there to be renamed.
    assert!(
        api.put("/jobs/default/x", spec("y"))
            .await
            .fails(422, "invalid")
            .starts_with("name: ")
    );
}

#[tokio::test]
async fn wrong_specs_say_where() {
    let api = Api::start().await;
    let cases = [
        (json!({"name": "a"}), 422, "missing field `run`"),
        (
            json!({"name": "a", "run": {"shel": "true"}}),
            422,
            "unknown field `shel`",
        ),
        (
            json!({"name": "a", "run": {"shell": "true", "timeout": 5}}),
            422,
            "run.timeout: ",
        ),
        (
            json!({"name": "a", "run": {"shell": "true", "timeout": "5"}}),
            422,
            "it has no unit",
        ),
        (
            json!({"name": "a", "run": {"shell": "true"}, "schedule": "61 * * * *"}),
            422,
            "minute",
        ),
        (
            json!({"name": "a", "run": {"shell": "true"}, "schedule": "0 0 30 2 *"}),
            422,
            "never fires",
        ),
        (
            json!({"name": "a", "run": {"shell": "true"}, "triggers": [{"at": "2020-01-01T00:00:00Z"}]}),
            422,
            "over",
        ),
        (
            json!({"name": "a", "run": {"shell": "true"}, "target": {"labels": "=x"}}),
            422,
            "selector",
        ),
        (json!([]), 422, ""),
    ];
    for (spec, status, expected) in cases {
        let text = api
            .put("/jobs/default/a", spec.clone())
            .await
            .fails(status, "invalid");
        assert!(text.contains(expected), "{spec}: {text}");
    }
    api.put("/jobs/default/a%20b", spec("a"))
        .await
        .fails(422, "invalid");
    api.get("/jobs/default/a").await.fails(404, "not_found");
    let huge = json!({"name": "a", "run": {"shell": "true", "stdin": "x".repeat(1_300_000)}});
    api.put("/jobs/default/a", huge).await.fails(413, "too_large");
}

#[tokio::test]
async fn pausing_and_resuming_move_since() {
    let api = Api::start().await;
    api.job(spec("a")).await;
    api.wall.set(NOW + Duration::from_secs(60));
    let paused: JobView = api.post("/jobs/default/a/pause", json!({})).await.read();
    assert_eq!((paused.spec.paused, paused.next), (true, None));
    let again: JobView = api.post("/jobs/default/a/pause", json!({})).await.read();
    assert_eq!(again.revision, paused.revision, "nothing changed");
    let later = NOW + Duration::from_secs(3600);
    api.wall.set(later);
    let resumed: JobView = api
        .send(api.call(Method::POST, "/jobs/default/a/resume"))
        .await
        .read();
    assert_eq!((resumed.spec.paused, resumed.since), (false, later));
    api.post("/jobs/default/b/pause", json!({}))
        .await
        .fails(404, "not_found");
}

#[tokio::test]
async fn lists_page_and_filter() {
    let api = Api::start().await;
    for i in 0..25 {
        let mut spec = spec(&format!("job{i:02}"));
        spec["namespace"] = json!(if i % 2 == 0 { "even" } else { "odd" });
        spec["labels"] = json!({"third": (i % 3).to_string()});
        spec["paused"] = json!(i == 7);
        api.job(spec).await;
    }
    let mut names = Vec::new();
    let mut path = "/jobs?limit=10".to_owned();
    loop {
        let page: Page<JobView> = api.get(&path).await.read();
        assert!(page.items.len() <= 10);
        names.extend(page.items.iter().map(|job| job.spec.path().to_string()));
        let Some(next) = page.next else { break };
        path = format!("/jobs?limit=10&cursor={}", next.replace('/', "%2F"));
    }
    assert_eq!(names.len(), 25);
    assert!(names.is_sorted() && names[0] == "even/job00" && names[24] == "odd/job23");

    let count = async |query: &str| {
        api.get(&format!("/jobs?{query}"))
            .await
            .read::<Page<JobView>>()
            .items
            .len()
    };
    assert_eq!(count("namespace=even").await, 13);
    assert_eq!(count("labels=third%3D1").await, 8);
    assert_eq!(count("labels=third%3D1&namespace=even").await, 4);
    assert_eq!(count("q=JOB1").await, 10);
    assert_eq!(count("paused=true").await, 1);
    assert_eq!(count("limit=0").await, 1);
    api.get("/jobs?labels=%3D").await.fails(422, "invalid");
}

#[tokio::test]
async fn a_job_that_cannot_be_read_is_told_and_deleted() {
    let api = Api::start().await;
    let key = keys::job(&"default/bad".parse().unwrap());
    api.write(Write::Put {
        key,
        value: b"{\"half".to_vec(),
        lease: None,
    })
    .await;
    assert!(
        api.get("/jobs/default/bad")
            .await
            .fails(409, "conflict")
            .contains("cannot be read")
    );
    let status = api.get("/status").await;
    assert!(
        status.value["broken"][0]
            .as_str()
            .unwrap()
            .starts_with("jobs/default/bad: ")
    );
    assert_eq!(api.delete("/jobs/default/bad").await.status, 204);
}

#[tokio::test]
async fn the_next_fires_are_told() {
    let api = Api::start().await;
    api.job(
        json!({"name": "a", "run": {"shell": "true"}, "triggers": [{"cron": "0 3 * * *", "jitter": "10m"}]}),
    )
    .await;
    let next: NextFires = api.get("/jobs/default/a/next?count=3").await.read();
    let at: Vec<Time> = next.fires.iter().map(|fire| fire.at).collect();
    assert_eq!(
        at,
        [
            "2026-02-01T03:00:00Z",
            "2026-02-02T03:00:00Z",
            "2026-02-03T03:00:00Z"
        ]
        .map(|t| t.parse().unwrap())
    );
    assert!(
        next.fires
            .iter()
            .all(|f| f.start_at >= f.at && f.start_at < f.at + Duration::from_secs(600))
    );
    assert!(next.fires.iter().any(|f| f.start_at > f.at));
    assert_eq!(next.triggers.len(), 1);

    let preview = api
        .post(
            "/schedule/preview",
            json!({"trigger": {"every": "10m"}, "from": "2026-01-01T00:05:00Z", "count": 2}),
        )
        .await;
    let preview: Preview = preview.read();
    assert_eq!(
        preview.instants,
        ["2026-01-01T00:10:00Z", "2026-01-01T00:20:00Z"].map(|t| t.parse().unwrap())
    );
    assert!(!preview.description.is_empty());
    let refused = async |ask| api.post("/schedule/preview", ask).await.fails(422, "invalid");
    refused(json!({"trigger": {"cron": "0 0 30 2 *"}})).await;
    // The column is one of the expression, and no other stands beside it.
    let wrong = refused(json!({"trigger": {"cron": "60 * * * *"}})).await;
    assert!(
        wrong.contains("at column 1") && !wrong.contains("line"),
        "{wrong}"
    );
    let calendars = json!({"trigger": {"every": "10m"}, "calendars": {"exclude": ["nope"]}});
    let wrong = refused(calendars).await;
    assert!(wrong.contains("there is no calendar `nope`"), "{wrong}");
}

/// The night on which Berlin's clocks go forward, seen from Tokyo.
#[tokio::test]
async fn next_and_preview_show_two_zones_and_mark_what_the_clocks_do() {
    let api = Api::start().await;
    let trigger = json!({"cron": "30 2 * * *", "timezone": "Europe/Berlin"});
    let spec = json!({"name": "nightly", "run": {"shell": "true"}, "triggers": [trigger]});
    api.job(spec).await;
    let next = api.get("/jobs/default/nightly/next?from=2027-03-27T12:00:00Z&count=2&also=Asia/Tokyo");
    let next: NextFires = next.await.read();
    let ask = json!({"trigger": trigger, "from": "2027-03-27T12:00:00Z", "count": 2, "also": "Asia/Tokyo"});
    let preview: Preview = api.post("/schedule/preview", ask).await.read();
    assert_eq!(next.listing, preview.listing);
    assert_eq!(
        serde_json::to_value(&preview.listing).unwrap(),
        json!({
            "zone": "Europe/Berlin",
            "also": "Asia/Tokyo",
            "rows": [
                {
                    "at": "2027-03-28T01:00:00.000Z",
                    "local": "2027-03-28T03:00:00+02:00",
                    "also": "2027-03-28T10:00:00+09:00",
                    "mark": {"kind": "moved", "words": "stands for 02:30, which the clocks jump over"},
                },
                {
                    "at": "2027-03-29T00:30:00.000Z",
                    "local": "2027-03-29T02:30:00+02:00",
                    "also": "2027-03-29T09:30:00+09:00",
                },
            ],
            "changes": [{
                "at": "2027-03-28T01:00:00.000Z",
                "zone": "Europe/Berlin",
                "from": "+01:00",
                "to": "+02:00",
                "row": 0,
                "words": "clocks go forward 1 h at 2027-03-28 02:00",
            }],
        })
    );
    let zh = json!({"trigger": trigger, "from": "2027-03-27T12:00:00Z", "lang": "zh"});
    let zh: Preview = api.post("/schedule/preview", zh).await.read();
    assert_eq!(zh.listing.changes[0].words, "时钟在 2027-03-28 02:00 拨快 1 小时");
    let wrong = json!({"trigger": trigger, "also": "Asia/Tokio"});
    let wrong = api.post("/schedule/preview", wrong).await.fails(422, "invalid");
    assert!(wrong.contains("Asia/Tokyo"), "{wrong}");
    let wrong = api.get("/jobs/default/nightly/next?also=Asia/Tokio").await;
    assert!(wrong.fails(422, "invalid").contains("Asia/Tokyo"));
}

/// `H` stands for what the job's id says, if the job is named.
#[tokio::test]
async fn a_preview_for_a_job_spreads_as_that_job_does() {
    let api = Api::start().await;
    let trigger = json!({"cron": "H H * * *"});
    let spec = json!({"name": "spread", "run": {"shell": "true"}, "triggers": [trigger]});
    let job = api.job(spec).await;
    let next: NextFires = api.get("/jobs/default/spread/next").await.read();
    let ask = json!({"trigger": trigger, "job": job.id});
    let preview: Preview = api.post("/schedule/preview", ask).await.read();
    let fires: Vec<_> = next.fires.iter().map(|f| f.at).collect();
    assert_eq!(preview.instants, fires);
}

#[tokio::test]
async fn two_who_change_one_job_at_once_both_get_an_answer() {
    let api = Api::start().await;
    let job = api.job(spec("a")).await;
    let revision = job.revision.to_string();
    let change = |text: &str| {
        let mut spec = spec("a");
        spec["description"] = json!(text);
        put_if(&api, "/jobs/default/a", ("if-match", &revision), spec)
    };
    let (x, y) = tokio::join!(change("x"), change("y"));
    let mut statuses = [x.status, y.status];
    statuses.sort();
    assert_eq!(statuses, [200, 412]);
}
