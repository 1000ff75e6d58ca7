//! Bringing the schema up to date, one master at a time.

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, Statement};
use sea_orm_migration::MigratorTrait;

use super::{ConnectError, SqlHistory};
use crate::history::migrations::Migrations;

/// "gnomon" and the schema's lock: any number that nobody else uses.
const LOCK: i64 = 0x676e_6f6d_6f6e_0001;

pub(super) async fn migrate(history: &SqlHistory) -> Result<(), ConnectError> {
    let database = history.name.clone();
    let failed = |cause: String| ConnectError::Migration {
        database: database.clone(),
        cause,
    };
    let wait = history.patience.migration;
    match tokio::time::timeout(wait, run(history)).await {
        Ok(Ok(None)) => Ok(()),
        Ok(Ok(Some(found))) => Err(ConnectError::Newer {
            database: database.clone(),
            found,
            known: names().last().cloned().unwrap_or_default(),
            version: env!("CARGO_PKG_VERSION"),
        }),
        Ok(Err(e)) => Err(failed(cause(&e))),
        Err(_) => Err(failed(format!("it took longer than {wait:?}"))),
    }
}

fn cause(error: &DbErr) -> String {
    let text = error.to_string();
    if text.contains("denied") {
        format!("{text}. Make gnomon's user the owner of the database, or let it create tables there")
    } else {
        text
    }
}

/// The name of a migration that this version does not know, if there is one.
async fn run(history: &SqlHistory) -> Result<Option<String>, DbErr> {
    // One transaction for the lock and all of it. MySQL commits with each statement, but
    // the transaction holds the connection and so the lock.
    let transaction = history.begin().await.map_err(into_db)?;
    lock(&transaction, history.patience.migration.as_secs()).await?;
    let done = up(&transaction).await;
    if transaction.get_database_backend() == DbBackend::MySql {
        execute(&transaction, "SELECT RELEASE_LOCK(CONCAT('gnomon.', DATABASE()))").await?;
    }
    match done {
        Ok(None) => transaction.commit().await.map(|()| None),
        other => {
            transaction.rollback().await?;
            other
        }
    }
}

async fn up(transaction: &DatabaseTransaction) -> Result<Option<String>, DbErr> {
    let known = names();
    let applied = Migrations::get_migration_models(transaction).await?;
    let unknown = applied
        .into_iter()
        .map(|m| m.version)
        .filter(|name| !known.contains(name))
        .max();
    if unknown.is_none() {
        Migrations::up(transaction, None).await?;
    }
    Ok(unknown)
}

async fn lock(transaction: &DatabaseTransaction, wait_secs: u64) -> Result<(), DbErr> {
    match transaction.get_database_backend() {
        DbBackend::Postgres => {
            execute(transaction, "SET LOCAL statement_timeout = 0").await?;
            execute(transaction, "SET LOCAL lock_timeout = 0").await?;
            execute(transaction, &format!("SELECT pg_advisory_xact_lock({LOCK})")).await
        }
        DbBackend::MySql => {
            let sql = format!("SELECT GET_LOCK(CONCAT('gnomon.', DATABASE()), {wait_secs})");
            execute(transaction, &sql).await
        }
        // BEGIN IMMEDIATE is the lock.
        _ => Ok(()),
    }
}

async fn execute(transaction: &DatabaseTransaction, sql: &str) -> Result<(), DbErr> {
    let statement = Statement::from_string(transaction.get_database_backend(), sql);
    transaction.query_all_raw(statement).await.map(drop)
}

fn names() -> Vec<String> {
    Migrations::migrations()
        .iter()
        .map(|m| m.name().to_owned())
        .collect()
}

fn into_db(failure: super::Failure) -> DbErr {
    use super::Failure::{Broken, Invalid, Refused, Unavailable, Undone};
    match failure {
        Undone(e) | Unavailable(e) | Refused(e) => e,
        Broken(what) | Invalid(what) => DbErr::Custom(what),
    }
}
