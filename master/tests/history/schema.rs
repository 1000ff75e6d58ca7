//! Databases that cannot be used, and what is said of them.

use master::history::{ConnectError, History, HistoryError, SqlHistory};

use crate::{Scratch, databases, port::Port, sample::run};

async fn error(url: &str) -> ConnectError {
    match SqlHistory::connect(url).await {
        Err(e) => e,
        Ok(history) => panic!("connected to {}", history.name()),
    }
}

/// A table of migrations as a later version leaves it.
const NEWER: &str = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m0999_from_the_future', 1)";

fn assert_newer(error: &ConnectError) {
    let text = error.to_string();
    assert!(matches!(error, ConnectError::Newer { .. }), "{text}");
    for part in [
        "m0999_from_the_future",
        env!("CARGO_PKG_VERSION"),
        "Run the newer version",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[tokio::test]
async fn a_newer_sqlite_database_is_refused() {
    let scratch = Scratch::new("newer");
    let url = format!("sqlite:{}", scratch.join("history.db").display());
    SqlHistory::connect(&url).await.unwrap().close().await;
    let db = sea_orm::Database::connect(&url).await.unwrap();
    sea_orm::ConnectionTrait::execute_unprepared(&db, NEWER)
        .await
        .unwrap();
    db.close().await.unwrap();
    assert_newer(&error(&url).await);
}

#[tokio::test]
async fn a_newer_postgres_database_is_refused() {
    let (url, server) = databases::postgres_url("newer");
    SqlHistory::connect(&url).await.unwrap();
    let name = url.rsplit('/').next().unwrap();
    databases::lock(&server).sql(name, NEWER);
    assert_newer(&error(&url).await);
}

#[tokio::test]
async fn a_newer_mariadb_database_is_refused() {
    let (url, server) = databases::mariadb_url("newer");
    SqlHistory::connect(&url).await.unwrap();
    let name = url.rsplit('/').next().unwrap();
    databases::lock(&server).admin(&format!("USE {name}; {NEWER}"));
    assert_newer(&error(&url).await);
}

/// An agent then sets the one report aside; "later" would keep all that follow waiting.
async fn refuses_a_long_value_for_good(url: &str) {
    let history = SqlHistory::connect(url).await.unwrap();
    let error = history.record(&[run(1, 1)], &[]).await.unwrap_err();
    assert!(matches!(error, HistoryError::Invalid(_)), "{error:?}");
}

#[tokio::test]
async fn a_value_that_postgres_does_not_take_is_invalid() {
    let (url, server) = databases::postgres_url("narrow");
    SqlHistory::connect(&url).await.unwrap();
    let name = url.rsplit('/').next().unwrap();
    databases::lock(&server).sql(name, "ALTER TABLE runs ALTER COLUMN cause TYPE varchar(1)");
    refuses_a_long_value_for_good(&url).await;
}

#[tokio::test]
async fn a_value_that_mariadb_does_not_take_is_invalid() {
    let (url, server) = databases::mariadb_url("narrow");
    SqlHistory::connect(&url).await.unwrap();
    let name = url.rsplit('/').next().unwrap();
    databases::lock(&server).admin(&format!("USE {name}; ALTER TABLE runs MODIFY cause varchar(1)"));
    refuses_a_long_value_for_good(&url).await;
}

#[tokio::test]
async fn a_refused_login_does_not_show_the_password() {
    let (url, _server) = databases::mariadb_url("login");
    let error = error(&url.replace("gnomon:gnomon@", "gnomon:hunter2hunter2@")).await;
    let text = format!("{error} {error:?}");
    assert!(matches!(error, ConnectError::Login { .. }), "{text}");
    assert!(text.contains("gnomon:***@127.0.0.1"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}

#[tokio::test]
async fn a_missing_database_is_named() {
    let (postgres, _server) = databases::postgres_url("missing");
    let (mariadb, _other) = databases::mariadb_url("missing");
    for url in [postgres, mariadb] {
        let (server, _) = url.rsplit_once('/').unwrap();
        let error = error(&format!("{server}/nowhere")).await;
        assert!(matches!(error, ConnectError::Login { .. }), "{error}");
        assert!(error.to_string().contains("nowhere"), "{error}");
    }
}

#[tokio::test]
async fn nobody_listening_is_said_at_once() {
    let port = Port::free();
    for scheme in ["postgres", "mysql"] {
        let start = std::time::Instant::now();
        let error = error(&format!("{scheme}://me:secret@{port}/gnomon")).await;
        assert!(matches!(error, ConnectError::Unreachable { .. }), "{error}");
        let text = error.to_string();
        assert!(
            text.contains(&port.to_string()) && !text.contains("secret"),
            "{text}"
        );
        assert!(
            start.elapsed() < std::time::Duration::from_secs(8),
            "{:?}",
            start.elapsed()
        );
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let scratch = Scratch::new("nodb");
    let file = scratch.file("history.db", &"this is not a database\n".repeat(100));
    let error = error(&format!("sqlite:{}", file.display())).await;
    assert!(error.to_string().contains("not a database"), "{error}");
    let missing = scratch.join("no/folder/history.db");
    let error = self::error(&format!("sqlite:{}", missing.display())).await;
    assert!(error.to_string().contains("there is no folder"), "{error}");
}

#[tokio::test]
async fn a_new_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new("mode");
    let file = scratch.join("history.db");
    let history = SqlHistory::connect(&format!("sqlite://{}", file.display()))
        .await
        .unwrap();
    for file in ["history.db", "history.db-wal", "history.db-shm"] {
        let mode = std::fs::metadata(scratch.join(file))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    history.close().await;
}
