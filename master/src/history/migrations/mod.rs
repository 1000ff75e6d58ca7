//! The schema's versions, oldest first. One that has been released is never changed.

mod m0001_history;
mod m0002_board;
mod m0003_nodes;

use sea_orm_migration::{MigrationTrait, MigratorTrait, async_trait};

pub struct Migrations;

#[async_trait::async_trait]
impl MigratorTrait for Migrations {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_history::Migration),
            Box::new(m0002_board::Migration),
            Box::new(m0003_nodes::Migration),
        ]
    }
}
