//! What a database's error means for who asked.

use sea_orm::{DbErr, RuntimeErr, sqlx};

use super::HistoryError;

#[derive(Debug)]
pub enum Failure {
    /// Another transaction was in the way; nothing was written: try again at once.
    Undone(DbErr),
    Unavailable(DbErr),
    Refused(DbErr),
    /// What is stored cannot be read.
    Broken(String),
    /// What was asked, or was to be written, was wrong, and will be.
    Invalid(String),
}

impl From<HistoryError> for Failure {
    fn from(error: HistoryError) -> Failure {
        match error {
            HistoryError::Invalid(why) => Failure::Invalid(why),
            error => Failure::Broken(error.to_string()),
        }
    }
}

impl From<DbErr> for Failure {
    fn from(error: DbErr) -> Failure {
        let meaning = match &error {
            DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => Meaning::Unavailable,
            DbErr::Exec(RuntimeErr::SqlxError(e)) | DbErr::Query(RuntimeErr::SqlxError(e)) => of_sqlx(e),
            _ => Meaning::Refused,
        };
        match meaning {
            Meaning::Undone => Failure::Undone(error),
            Meaning::Unavailable => Failure::Unavailable(error),
            Meaning::Refused => Failure::Refused(error),
            Meaning::Invalid => Failure::Invalid(error.to_string()),
        }
    }
}

impl From<Failure> for HistoryError {
    fn from(failure: Failure) -> HistoryError {
        match failure {
            Failure::Undone(e) | Failure::Unavailable(e) => HistoryError::Unavailable(e.to_string()),
            Failure::Refused(e) => HistoryError::Refused(e.to_string()),
            Failure::Broken(what) => HistoryError::Refused(what),
            Failure::Invalid(why) => HistoryError::Invalid(why),
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Meaning {
    Undone,
    Unavailable,
    Refused,
    /// The database takes no such value. Its sender sets that aside instead of keeping all
    /// that comes after it waiting.
    Invalid,
}

fn of_sqlx(error: &sqlx::Error) -> Meaning {
    use sqlx::Error as E;
    match error {
        E::Database(e) if e.is_unique_violation() => Meaning::Undone,
        E::Database(e) => {
            let code = e.code().unwrap_or_default();
            match e.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
                Some(e) => of_mysql(e.number()),
                None if e.try_downcast_ref::<sqlx::postgres::PgDatabaseError>().is_some() => {
                    of_postgres(&code)
                }
                None => of_sqlite(&code),
            }
        }
        E::Io(_)
        | E::Tls(_)
        | E::Protocol(_)
        | E::PoolTimedOut
        | E::PoolClosed
        | E::WorkerCrashed
        | E::BeginFailed => Meaning::Unavailable,
        _ => Meaning::Refused,
    }
}

/// By SQLSTATE; PostgreSQL's manual, appendix A.
fn of_postgres(code: &str) -> Meaning {
    match code {
        // serialization_failure, deadlock_detected
        "40001" | "40P01" => Meaning::Undone,
        // lock_not_available; a standby after a failover; cached plans after a migration
        "55P03" | "25006" | "0A000" => Meaning::Unavailable,
        // Connections; resources, a full disk among them; an operator, a shutdown or the
        // statement's timeout; the system.
        _ if ["08", "53", "57", "58"]
            .iter()
            .any(|class| code.starts_with(class)) =>
        {
            Meaning::Unavailable
        }
        // A value that its column does not take; a row that is too large for an index.
        _ if ["22", "54"].iter().any(|class| code.starts_with(class)) => Meaning::Invalid,
        _ => Meaning::Refused,
    }
}

/// By error number; MariaDB's and MySQL's lists of error codes.
fn of_mysql(number: u16) -> Meaning {
    match number {
        // deadlock, lock wait timeout
        1213 | 1205 => Meaning::Undone,
        // Disk full, table full; too many connections, shutdown, killed, interrupted; read
        // only; statement timeouts; connection lost.
        1021
        | 1114
        | 1040
        | 1053
        | 1927
        | 1317
        | 1290
        | 1792
        | 1836
        | 1969
        | 3024
        | 1152
        | 1154..=1161
        | 1203
        | 1129 => Meaning::Unavailable,
        // More than max_allowed_packet; out of range, not of its type, not in its character
        // set, too long; not JSON.
        1153 | 1264 | 1292 | 1366 | 1406 | 3140 => Meaning::Invalid,
        _ => Meaning::Refused,
    }
}

/// By extended result code; <https://sqlite.org/rescode.html>.
fn of_sqlite(code: &str) -> Meaning {
    match code.parse::<u32>().unwrap_or_default() & 0xff {
        // Another process writes: BUSY, LOCKED.
        5 | 6 => Meaning::Undone,
        // READONLY, IOERR, FULL, CANTOPEN, PROTOCOL
        8 | 10 | 13 | 14 | 15 => Meaning::Unavailable,
        // TOOBIG, MISMATCH
        18 | 20 => Meaning::Invalid,
        _ => Meaning::Refused,
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::{ConnectionTrait, Database};

    use super::*;

    #[tokio::test]
    async fn a_full_disk_means_later_and_a_large_value_never() {
        let db = Database::connect("sqlite::memory:").await.unwrap();
        db.execute_unprepared("CREATE TABLE t (x); PRAGMA max_page_count = 4")
            .await
            .unwrap();
        let full = db
            .execute_unprepared("INSERT INTO t VALUES (zeroblob(100000))")
            .await
            .unwrap_err();
        assert!(full.to_string().contains("full"), "{full}");
        assert!(matches!(
            HistoryError::from(Failure::from(full)),
            HistoryError::Unavailable(_)
        ));
        let large = db
            .execute_unprepared("SELECT zeroblob(2000000000)")
            .await
            .unwrap_err();
        assert!(matches!(
            HistoryError::from(Failure::from(large)),
            HistoryError::Invalid(_)
        ));
        let wrong = db.execute_unprepared("SELECT * FROM nowhere").await.unwrap_err();
        assert!(matches!(
            HistoryError::from(Failure::from(wrong)),
            HistoryError::Refused(_)
        ));
    }
}
