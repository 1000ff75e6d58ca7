//! The first schema. Instants are milliseconds of UTC; ids and words are text, so that
//! people can read the tables, compared byte by byte, so that `a` is never `A`.

use sea_orm_migration::{
    MigrationName, MigrationTrait, SchemaManager, async_trait,
    sea_orm::{DbBackend, DbErr},
    sea_query::{ColumnDef, Index, Table, TableCreateStatement},
};

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0001_history"
    }
}

/// An index a query: `known` and retention; pages of a job, a namespace, a node, a state,
/// all; attempts; what has not ended; attempts to come.
const RUNS_INDEXES: [(&str, &[&str]); 9] = [
    ("runs_by_job", &["job_id", "scheduled_at", "id"]),
    ("runs_by_path", &["namespace", "name", "scheduled_at", "id"]),
    ("runs_by_namespace", &["namespace", "scheduled_at", "id"]),
    ("runs_by_node", &["node", "scheduled_at", "id"]),
    ("runs_by_state", &["state", "scheduled_at", "id"]),
    ("runs_by_time", &["scheduled_at", "id"]),
    ("runs_by_first", &["first"]),
    ("runs_by_open", &["open_node", "scheduled_at"]),
    ("runs_by_retry", &["retry_at"]),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    // Every step can be taken again: MySQL commits each by itself, and may be killed in
    // between.
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let on = Dialect(manager.get_database_backend());
        manager.create_table(on.runs()).await?;
        for (name, columns) in RUNS_INDEXES {
            index(manager, "runs", name, columns).await?;
        }
        manager.create_table(on.outputs()).await?;
        manager.create_table(on.statistics()).await?;
        index(manager, "statistics", "statistics_by_time", &["step", "at"]).await?;
        index(
            manager,
            "statistics",
            "statistics_by_path",
            &["namespace", "name", "step", "at"],
        )
        .await?;
        manager.create_table(on.tallies()).await
    }
}

pub async fn index(
    manager: &SchemaManager<'_>,
    table: &str,
    name: &'static str,
    columns: &[&'static str],
) -> Result<(), DbErr> {
    if manager.has_index(table, name).await? {
        return Ok(());
    }
    let mut index = Index::create();
    index.name(name).table(table.to_owned());
    for column in columns {
        index.col(*column);
    }
    manager.create_index(index).await
}

pub struct Dialect(pub DbBackend);

impl Dialect {
    fn runs(&self) -> TableCreateStatement {
        let mut table = self.table("runs");
        table.col(self.ascii("id", 26).primary_key());
        table.col(self.ascii("first", 26)).col(self.ascii("job_id", 26));
        table
            .col(self.words("namespace", 64))
            .col(self.words("name", 128));
        table.col(number("revision")).col(number("scheduled_at"));
        table.col(number("slot").null());
        table.col(self.words("node", 64));
        table
            .col(number("attempt"))
            .col(self.ascii("cause", 16))
            .col(self.ascii("state", 16));
        // The node until the run has ended: a short index of what is going on.
        table.col(self.words("open_node", 64).null());
        // JSON, as reports have it.
        table.col(self.long_text("reason").null());
        for name in ["started_at", "finished_at", "exit_code", "signal", "retry_at"] {
            table.col(number(name).null());
        }
        for name in ["cpu_ms", "memory_max_bytes", "output_bytes", "output_dropped"] {
            table.col(number(name));
        }
        for name in ["gap_from", "gap_until", "range_until", "range_count"] {
            table.col(number(name).null());
        }
        table
    }

    fn outputs(&self) -> TableCreateStatement {
        let mut table = self.table("outputs");
        table.col(self.ascii("run", 26)).col(number("seq"));
        table.col(self.ascii("stream", 8)).col(number("at"));
        // MySQL's BLOB ends at 65,535 bytes, one short of the largest piece.
        table.col(
            ColumnDef::new("data")
                .custom(self.choose("bytea", "mediumblob", "blob"))
                .not_null(),
        );
        table.primary_key(Index::create().name("outputs_key").col("run").col("seq"));
        table
    }

    fn statistics(&self) -> TableCreateStatement {
        let mut table = self.table("statistics");
        table
            .col(self.ascii("job_id", 26))
            .col(self.ascii("step", 8))
            .col(number("at"));
        table
            .col(self.words("namespace", 64))
            .col(self.words("name", 128));
        for name in [
            "succeeded",
            "failed",
            "timed_out",
            "killed",
            "skipped",
            "missed",
            "rejected",
            "lost",
        ] {
            table.col(number(name));
        }
        // For people who ask with SQL; the console's numbers come from the histograms.
        for name in ["duration_p50_ms", "duration_p95_ms", "late_p50_ms", "late_p95_ms"] {
            table.col(number(name).null());
        }
        table.col(self.long_text("duration")).col(self.long_text("late"));
        table.primary_key(
            Index::create()
                .name("statistics_key")
                .col("job_id")
                .col("step")
                .col("at"),
        );
        table
    }

    fn tallies(&self) -> TableCreateStatement {
        let mut table = self.table("tallies");
        table.col(
            ColumnDef::new("id")
                .big_integer()
                .not_null()
                .auto_increment()
                .primary_key(),
        );
        table.col(self.long_text("sums"));
        table
    }

    pub fn table(&self, name: &'static str) -> TableCreateStatement {
        let mut table = Table::create();
        table.table(name).if_not_exists();
        if self.0 == DbBackend::MySql {
            table
                .engine("InnoDB")
                .character_set("utf8mb4")
                .collate("utf8mb4_bin");
        }
        table
    }

    /// Text of ASCII letters: ids and the words of our own enums.
    pub fn ascii(&self, name: &'static str, length: u32) -> ColumnDef {
        self.text(name, length, "character set ascii collate ascii_bin")
    }

    /// Names that people give.
    pub fn words(&self, name: &'static str, length: u32) -> ColumnDef {
        self.text(name, length, "character set utf8mb4 collate utf8mb4_bin")
    }

    fn text(&self, name: &'static str, length: u32, mysql: &str) -> ColumnDef {
        // PostgreSQL compares by the database's locale unless told not to, which is slow
        // and may put ids in another order.
        let kind = match self.0 {
            DbBackend::Postgres => format!("varchar({length}) collate \"C\""),
            DbBackend::MySql => format!("varchar({length}) {mysql}"),
            _ => "text".to_owned(),
        };
        ColumnDef::new(name).custom(kind).not_null().take()
    }

    pub fn long_text(&self, name: &'static str) -> ColumnDef {
        ColumnDef::new(name)
            .custom(self.choose("text", "mediumtext", "text"))
            .not_null()
            .take()
    }

    fn choose(&self, postgres: &'static str, mysql: &'static str, sqlite: &'static str) -> &'static str {
        match self.0 {
            DbBackend::Postgres => postgres,
            DbBackend::MySql => mysql,
            _ => sqlite,
        }
    }
}

pub fn number(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().not_null().take()
}
