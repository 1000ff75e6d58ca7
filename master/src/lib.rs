//! Gnomon's master: an API server; one of them leads and plans.

pub mod config;
pub mod view;
pub mod leader;
pub mod absence;
pub mod planner;
pub mod lost;
pub mod core;
pub mod last_words;
pub mod intake;
pub mod history;
pub mod housekeeping;
pub mod auth;
pub mod http;
pub mod serve;

pub use serve::{MasterError, MasterParts, Running, run, start};
