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
    tokio::time::sleep(Duration::from_secs(1)).await;
    let refused = stage.try_master("m1", Database::Memory).await.err().unwrap();
    assert!(matches!(refused, StartError::SameId { .. }), "{refused}");
}

/// The store may keep a lost lease's key for longer than anybody waits, after an election
/// of its own for example.
#[tokio::test(start_paused = true)]
async fn a_master_takes_its_own_key_over() {
    let stage = Stage::new();
    let master = stage.master("m1").await;
    let key = shared::keys::master(&master.core.id);
    let before = stage.kvs(&key).await.remove(0);
    stage.until("it leads", || async { master.leads() }).await;
    master.client.lose_replies();
    stage
        .until("it has lost its lease", || async { !master.leads() })
        .await;
    master.client.heal();
    let anew = || async {
        let kvs = stage.kvs(&key).await;
        kvs.len() == 1 && kvs[0].lease != before.lease
    };
    let took = stage.until("it is registered anew", anew).await;
    assert!(took < Duration::from_secs(8), "{took:?}");
    assert!(stage.kvs(&key).await[0].create_revision == before.create_revision);
    stage.until("it leads again", || async { master.leads() }).await;
}
