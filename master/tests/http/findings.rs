//! What is late or missing, and how much is kept: as the API and the metrics tell it.

use std::time::Duration;

use serde_json::json;
use shared::{history::Findings, run::State};

use crate::api::{Api, NOW, run_of};

#[tokio::test]
async fn a_due_instant_of_which_nothing_is_recorded_is_found_at_any_master() {
    let api = Api::start().await;
    let spec = |name: &str| json!({"name": name, "run": {"shell": "true"}, "schedule": "0 * * * *"});
    let known = api.job(spec("known")).await;
    api.job(spec("missing")).await;
    let node = api.node("n1").await;
    let hour = NOW + Duration::from_secs(3600);
    let mut run = run_of(&known, hour, &node, State::Succeeded);
    run.slot = Some(0);
    master::history::History::record(&*api.history, &[run], &[])
        .await
        .unwrap();
    api.wall.set(hour + Duration::from_secs(1800));

    let found: Findings = api.get("/findings").await.read();
    assert_eq!(found.at, Some(hour + Duration::from_secs(1800)));
    assert_eq!(found.late, []);
    let overdue: Vec<_> = found
        .overdue
        .iter()
        .map(|o| (o.job.to_string(), o.slot, o.at))
        .collect();
    assert_eq!(overdue, [("default/missing".to_owned(), 0, hour)]);

    let text = api.get("//metrics").await.text();
    for line in [
        "gnomon_late 0",
        "gnomon_overdue 0",
        "gnomon_limit_max{limit=\"history_runs\"} 10000000",
        "gnomon_limit_max{limit=\"history_days\"} 400",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}
