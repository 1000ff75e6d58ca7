//! Connecting: one pool, or two for SQLite, with an end to every wait.

use std::{
    fs::OpenOptions,
    hash::{BuildHasher, RandomState},
    io::ErrorKind,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::Arc,
    time::Duration,
};

use sea_orm::{
    ConnectOptions, Database, DatabaseConnection, DbBackend, DbErr, RuntimeErr,
    sqlx::{
        self, AssertSqlSafe, Connection, Executor, MySqlConnection, PgConnection,
        pool::PoolOptions,
        sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
    },
};

use super::{Patience, SqlHistory};

/// Why a database cannot be used. The texts never hold the password.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error(
        "the database URL {0}; write sqlite:PATH, postgres://USER:PASSWORD@HOST/NAME or mysql://USER:PASSWORD@HOST/NAME"
    )]
    Url(String),
    #[error("cannot connect to the database {database}: {cause}. Is it running, and can this host reach it?")]
    Unreachable { database: String, cause: String },
    #[error(
        "the database {database} refused the login: {cause}. Check user, password and the database's name in the URL"
    )]
    Login { database: String, cause: String },
    #[error(
        "the database {database} was last used by a newer gnomon: it has {found}, and this version ({version}) knows its \
         schema up to {known}. Run the newer version, or restore a backup from before the upgrade into an empty database"
    )]
    Newer {
        database: String,
        found: String,
        known: String,
        version: &'static str,
    },
    #[error("cannot bring the schema of {database} up to date: {cause}")]
    Migration { database: String, cause: String },
}

/// Connections to a server. Intake is one writer; the rest read.
const CONNECTIONS_MAX: u32 = 12;
const SQLITE_READERS_MAX: u32 = 4;

pub(super) async fn open(url: &str, patience: Patience) -> Result<SqlHistory, ConnectError> {
    let place = Place::parse(url)?;
    let error = |e: DbErr| place.error(&e);
    let (writes, reads) = match place.backend {
        DbBackend::Sqlite => {
            place.make_file()?;
            let writes = pool(&place, patience, 1).await.map_err(error)?;
            // Each connection to a database in memory would be a database of its own.
            let shared = place.is_in_memory();
            let reads = if shared {
                writes.clone()
            } else {
                pool(&place, patience, SQLITE_READERS_MAX).await.map_err(error)?
            };
            (writes, reads)
        }
        _ => {
            knock(&place, patience).await.map_err(error)?;
            let pool = pool(&place, patience, CONNECTIONS_MAX).await.map_err(error)?;
            (pool.clone(), pool)
        }
    };
    Ok(SqlHistory {
        writes,
        reads,
        patience,
        name: place.shown,
        source: source(),
    })
}

/// A word that no other history has: the hasher's keys are random.
fn source() -> Arc<str> {
    let word = || RandomState::new().hash_one("gnomon");
    format!("{:016x}", word()).into()
}

/// One connection, to hear at once what is wrong: a pool tries again until its patience is
/// at its end, and then says only that.
async fn knock(place: &Place, patience: Patience) -> Result<(), DbErr> {
    let knock = async {
        match place.backend {
            DbBackend::Postgres => PgConnection::connect(&place.url).await?.close().await,
            _ => MySqlConnection::connect(&place.url).await?.close().await,
        }
    };
    let answer = tokio::time::timeout(patience.call, knock)
        .await
        .unwrap_or(Err(sqlx::Error::PoolTimedOut));
    answer.map_err(|e| DbErr::Conn(RuntimeErr::SqlxError(e.into())))
}

async fn pool(place: &Place, patience: Patience, connections_max: u32) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(&place.url);
    options
        .max_connections(connections_max)
        .acquire_timeout(patience.call)
        .idle_timeout(Duration::from_secs(600))
        .test_before_acquire_if_idle_for(Duration::from_secs(10))
        .sqlx_logging(false)
        .record_stmt_in_spans(false);
    if place.is_in_memory() {
        // Its last connection is the database.
        options.idle_timeout(None).max_lifetime(None);
    }
    let wait = patience.call;
    let statement_ms = patience.housekeeping.max(patience.call).as_millis();
    options.map_sqlx_sqlite_opts(sqlite);
    options.map_sqlx_postgres_opts(move |options| {
        // What is given up here ends there, too; a master that is frozen in the middle of
        // a transaction does not hold its locks for ever.
        options.application_name("gnomon").options([
            ("statement_timeout", statement_ms.to_string()),
            ("lock_timeout", wait.as_millis().to_string()),
            ("idle_in_transaction_session_timeout", statement_ms.to_string()),
        ])
    });
    options.map_sqlx_postgres_pool_opts(hang_up);
    options.map_sqlx_mysql_pool_opts(move |pool| {
        let wait_secs = wait.as_secs().max(1);
        hang_up(pool).after_connect(move |connection, _| {
            Box::pin(async move {
                // Without gap locks, masters that record the same batch wait instead of
                // undoing each other.
                connection
                    .execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
                    .await?;
                let wait = format!("SET SESSION innodb_lock_wait_timeout = {wait_secs}");
                connection.execute(AssertSqlSafe(wait)).await?;
                Ok(())
            })
        })
    });
    Database::connect(options).await
}

/// A connection that does not answer when it is given back is dropped: sqlx would wait for
/// it without an end, and hold its place in the pool.
fn hang_up<D: sqlx::Database>(pool: PoolOptions<D>) -> PoolOptions<D> {
    pool.after_release(|connection, _| {
        Box::pin(async move {
            match tokio::time::timeout(Duration::from_secs(2), connection.ping()).await {
                Ok(done) => done.map(|()| true),
                Err(_) => Err(sqlx::Error::PoolTimedOut),
            }
        })
    })
}

/// WAL: readers and the writer do not wait for each other. `FULL`: what an agent was told
/// is recorded, and so has deleted, survives a power cut; batches make it cheap.
fn sqlite(options: SqliteConnectOptions) -> SqliteConnectOptions {
    options
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(5))
        .pragma("journal_size_limit", "67108864")
        .pragma("cache_size", "-16384")
        .pragma("temp_store", "memory")
}

/// Where a database is.
struct Place {
    backend: DbBackend,
    url: String,
    /// The URL without the password.
    shown: String,
    password: Option<String>,
}

impl Place {
    fn parse(url: &str) -> Result<Place, ConnectError> {
        let (scheme, rest) = url
            .split_once(':')
            .ok_or_else(|| ConnectError::Url("has no scheme".to_owned()))?;
        let (backend, scheme) = match scheme {
            "sqlite" => (DbBackend::Sqlite, "sqlite"),
            "postgres" | "postgresql" => (DbBackend::Postgres, "postgres"),
            "mysql" | "mariadb" => (DbBackend::MySql, "mysql"),
            _ => {
                return Err(ConnectError::Url(format!(
                    "has the scheme `{scheme}`, which is none of gnomon's"
                )));
            }
        };
        let url = format!("{scheme}:{rest}");
        if backend == DbBackend::Sqlite {
            return Ok(Place {
                backend,
                shown: url.clone(),
                url,
                password: None,
            });
        }
        let authority = rest
            .strip_prefix("//")
            .ok_or_else(|| ConnectError::Url("has no //HOST".to_owned()))?;
        // A password with an unescaped `/` or `@` is wrong, and still not shown.
        let login = authority
            .split('?')
            .next()
            .and_then(|a| a.rsplit_once('@'))
            .map(|(login, _)| login);
        let password = login
            .and_then(|login| login.split_once(':'))
            .map(|(_, password)| password);
        let shown = match password.filter(|p| !p.is_empty()) {
            Some(password) => url.replacen(&format!(":{password}@"), ":***@", 1),
            None => url.clone(),
        };
        // Options such as `?password=` or a key's passphrase are not shown either.
        let shown = shown.split('?').next().unwrap_or_default().to_owned();
        Ok(Place {
            backend,
            url,
            shown,
            password: password.map(str::to_owned),
        })
    }

    fn is_in_memory(&self) -> bool {
        self.backend == DbBackend::Sqlite
            && (self.url.contains(":memory:") || self.url.contains("mode=memory"))
    }

    /// Makes SQLite's file if it is not there, for its owner alone: jobs' output may hold
    /// secrets. SQLite gives its other files the same mode.
    fn make_file(&self) -> Result<(), ConnectError> {
        if self.is_in_memory() {
            return Ok(());
        }
        let path = self.url.strip_prefix("sqlite:").unwrap_or_default();
        let path = path.strip_prefix("//").unwrap_or(path);
        let path = Path::new(path.split('?').next().unwrap_or_default());
        if path.as_os_str().is_empty() {
            return Err(ConnectError::Url("names no file".to_owned()));
        }
        let unreachable = |cause: String| ConnectError::Unreachable {
            database: self.shown.clone(),
            cause,
        };
        match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => {
                return Err(unreachable(format!("there is no folder {}", folder.display())));
            }
            _ => {}
        }
        let made = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path);
        match made {
            Ok(_) => Ok(()),
            Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(()),
            Err(e) => Err(unreachable(e.to_string())),
        }
    }

    fn error(&self, error: &DbErr) -> ConnectError {
        let (login, mut cause) = describe(error);
        if let Some(password) = self.password.as_deref().filter(|p| p.len() > 2) {
            cause = cause.replace(password, "***");
        }
        let database = self.shown.clone();
        if login {
            ConnectError::Login { database, cause }
        } else {
            ConnectError::Unreachable { database, cause }
        }
    }
}

/// Whether the login was refused, and the innermost cause.
fn describe(error: &DbErr) -> (bool, String) {
    use sqlx::Error;
    let (DbErr::Conn(RuntimeErr::SqlxError(e))
    | DbErr::Exec(RuntimeErr::SqlxError(e))
    | DbErr::Query(RuntimeErr::SqlxError(e))) = error
    else {
        return (false, error.to_string());
    };
    match e.as_ref() {
        Error::Database(e) => {
            let code = e.code().unwrap_or_default();
            // PostgreSQL: class 28, and 3D000 (no such database). MySQL: 1044, 1045, 1049.
            let number = e
                .try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>()
                .map(|e| e.number());
            let login = code.starts_with("28") && number.is_none()
                || code == "3D000"
                || matches!(number, Some(1044 | 1045 | 1049 | 1698));
            (login, e.message().to_owned())
        }
        Error::PoolTimedOut => (false, "it does not answer".to_owned()),
        other => (false, other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_never_shown() {
        for (url, shown) in [
            ("postgres://me:s3cret@db/gnomon", "postgres://me:***@db/gnomon"),
            (
                "postgresql://me:p@ss:w/rd@db/gnomon",
                "postgres://me:***@db/gnomon",
            ),
            (
                "mariadb://me:p@ss@db:3306/gnomon?ssl-mode=REQUIRED",
                "mysql://me:***@db:3306/gnomon",
            ),
            ("mysql://me@db/gnomon", "mysql://me@db/gnomon"),
            (
                "sqlite:/var/lib/gnomon/history.db",
                "sqlite:/var/lib/gnomon/history.db",
            ),
        ] {
            assert_eq!(Place::parse(url).map(|p| p.shown).unwrap(), shown);
        }
        for url in ["", "gnomon", "oracle://db", "postgres:db"] {
            assert!(matches!(Place::parse(url), Err(ConnectError::Url(_))), "{url}");
        }
    }
}
