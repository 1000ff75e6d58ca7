//! Who may start beside whom.

use std::time::Duration;

use master::core::{Database, StartError};

use crate::stage::{Stage, TTL};

#[tokio::test(start_paused = true)]
async fn sqlite_is_for_one_master() {
    let stage = Stage::new();
    let first = stage.try_master("m1", Database::Sqlite).await.unwrap();
    for database in [Database::Sqlite, Database::Postgres] {
        let refused = stage.try_master("m2", database).await.err().unwrap();
        assert!(matches!(refused, StartError::Sqlite { .. }), "{refused}");
        let text = refused.to_string();
        assert!(
            text.contains("m1") && text.contains("SQLite") && text.contains("PostgreSQL"),
            "{text}"
        );
    }
    assert!(first.leads());
    first.stop().await;
    let _second = stage.try_master("m2", Database::Postgres).await.unwrap();
    assert!(stage.try_master("m3", Database::Sqlite).await.is_err());
    assert!(stage.try_master("m4", Database::Postgres).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_master_with_sqlite_that_was_killed_starts_again() {
    let stage = Stage::new();
    let first = stage.try_master("m1", Database::Sqlite).await.unwrap();
    first.client.cut();
    let start = tokio::time::Instant::now();
    let again = stage.try_master("m1-again", Database::Sqlite).await.unwrap();
    assert!(
        start.elapsed() <= TTL + Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );
    stage.until("it leads", || async { again.leads() }).await;
}

#[tokio::test(start_paused = true)]
async fn of_two_with_sqlite_that_start_together_one_stays() {
    let stage = Stage::new();
    let (a, b) = tokio::join!(
        stage.try_master("m1", Database::Sqlite),
        stage.try_master("m2", Database::Sqlite)
    );
    assert_eq!([a.is_ok(), b.is_ok()].iter().filter(|ok| **ok).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn two_masters_of_one_id_are_refused() {
    let stage = Stage::new();
    let _first = stage.master("m1").await;
    let refused = stage.try_master("m1", Database::Memory).await.err().unwrap();
    assert!(matches!(refused, StartError::SameId { .. }), "{refused}");
}
