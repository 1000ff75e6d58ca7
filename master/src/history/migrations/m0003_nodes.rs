//! What each node's agent last said: every master shows it, also after a restart.

use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait, sea_orm::DbErr};

use super::m0001_history::{Dialect, number};

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0003_nodes"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let on = Dialect(manager.get_database_backend());
        let mut nodes = on.table("nodes");
        nodes.col(on.words("node", 64).primary_key());
        nodes.col(on.ascii("boot", 64));
        // JSON, as agents send it.
        nodes.col(on.long_text("health").null());
        nodes.col(number("clock_offset_ms")).col(number("at"));
        manager.create_table(nodes).await
    }
}
