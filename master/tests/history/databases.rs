//! A fresh history for each test: in memory, in a file, or in a database of its own on a
//! server that the tests running at the same time share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use master::history::{History, MemoryHistory, SqlHistory};

use crate::{MariaDb, Postgres, Scratch};

/// A history, and what keeps it alive.
pub struct Database {
    pub history: Arc<dyn History>,
    /// None for the memory's.
    pub url: Option<String>,
    _keep: Vec<Box<dyn Send + Sync>>,
}

impl Database {
    /// Another, empty one of the same kind.
    pub async fn another(&self, name: &str) -> Database {
        match self.url.as_deref() {
            None => memory(name).await,
            Some(url) if url.starts_with("sqlite") => sqlite(name).await,
            Some(url) if url.starts_with("postgres") => postgres(name).await,
            Some(_) => mariadb(name).await,
        }
    }

    async fn sql(url: String, keep: Vec<Box<dyn Send + Sync>>) -> Database {
        let history = Arc::new(SqlHistory::connect(&url).await.unwrap());
        Database {
            history,
            url: Some(url),
            _keep: keep,
        }
    }
}

pub async fn memory(_: &str) -> Database {
    Database {
        history: Arc::new(MemoryHistory::new()),
        url: None,
        _keep: Vec::new(),
    }
}

pub async fn sqlite(_: &str) -> Database {
    let scratch = Scratch::new("history");
    let url = format!("sqlite:{}", scratch.join("history.db").display());
    Database::sql(url, vec![Box::new(scratch)]).await
}

pub async fn postgres(name: &str) -> Database {
    let (url, server) = postgres_url(name);
    Database::sql(url, vec![Box::new(server)]).await
}

pub async fn mariadb(name: &str) -> Database {
    let (url, server) = mariadb_url(name);
    Database::sql(url, vec![Box::new(server)]).await
}

/// An empty database.
pub fn postgres_url(name: &str) -> (String, Arc<Mutex<Postgres>>) {
    static SHARED: Shared<Postgres> = Shared::new();
    let server = SHARED.get(Postgres::start);
    let name = unique(name);
    lock(&server).sql("postgres", &format!("CREATE DATABASE {name}"));
    let url = in_database(&lock(&server).url(), &name);
    (url, server)
}

/// An empty database.
pub fn mariadb_url(name: &str) -> (String, Arc<Mutex<MariaDb>>) {
    static SHARED: Shared<MariaDb> = Shared::new();
    let server = SHARED.get(MariaDb::start);
    let name = unique(name);
    lock(&server).admin(&format!(
        "CREATE DATABASE {name}; GRANT ALL ON {name}.* TO gnomon@'%'"
    ));
    let url = in_database(&lock(&server).url(), &name);
    (url, server)
}

fn in_database(url: &str, name: &str) -> String {
    let (server, _) = url.rsplit_once('/').unwrap();
    format!("{server}/{name}")
}

pub fn lock<T>(server: &Mutex<T>) -> MutexGuard<'_, T> {
    server.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unique(name: &str) -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!(
        "{}_{}",
        &name[..name.len().min(40)],
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}

/// A server that lives while a test has it: a static itself would never be dropped, and the
/// server would outlive the tests.
struct Shared<T>(Mutex<Weak<Mutex<T>>>);

impl<T> Shared<T> {
    const fn new() -> Shared<T> {
        Shared(Mutex::new(Weak::new()))
    }

    fn get(&self, start: impl FnOnce() -> T) -> Arc<Mutex<T>> {
        let mut shared = lock(&self.0);
        if let Some(server) = shared.upgrade() {
            return server;
        }
        let server = Arc::new(Mutex::new(start()));
        *shared = Arc::downgrade(&server);
        server
    }
}
