//! For the board: what masters tell each other, who asked for a run, and runs by cause.

use sea_orm_migration::{
    MigrationName, MigrationTrait, SchemaManager, async_trait, sea_orm::DbErr, sea_query::ColumnDef,
};

use super::m0001_history::{Dialect, index};

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0002_board"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let on = Dialect(manager.get_database_backend());
        index(manager, "runs", "runs_by_cause", &["cause", "scheduled_at", "id"]).await?;
        let mut news = on.table("news");
        news.col(
            ColumnDef::new("id")
                .big_integer()
                .not_null()
                .auto_increment()
                .primary_key(),
        );
        // Which master's; JSON, or nothing for "look at everything again".
        news.col(on.ascii("source", 32)).col(on.long_text("runs").null());
        manager.create_table(news).await?;
        let mut asked = on.table("asked");
        asked
            .col(on.ascii("run", 26).primary_key())
            .col(on.long_text("asked"));
        manager.create_table(asked).await
    }
}
