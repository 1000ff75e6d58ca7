//! The contract, which every history keeps.

mod record;
mod questions;
mod output;
mod retention;
mod statistics;
mod dumps;
mod glances;
mod nodes;

pub use dumps::*;
pub use glances::*;
pub use nodes::*;
pub use output::*;
pub use questions::*;
pub use record::*;
pub use retention::*;
pub use statistics::*;

use std::sync::Arc;

use master::history::History;
use shared::report::Run;

use crate::{
    databases::Database,
    sample::{NOON, job},
};

pub async fn all(db: &Database) -> Vec<Run> {
    db.history.runs_after(None, 100_000).await.unwrap()
}

/// The seconds after noon of a job's runs.
pub async fn all_of(history: Arc<dyn History>, n: u64) -> Vec<i64> {
    let runs = history.runs_after(None, 100_000).await.unwrap();
    let runs = runs.iter().filter(|run| run.job == job(n));
    let mut secs: Vec<i64> = runs
        .map(|run| run.scheduled_at.as_secs() - NOON.as_secs())
        .collect();
    secs.sort_unstable();
    secs
}
