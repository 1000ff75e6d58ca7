//! Gnomon's master: an API server; one of them leads and plans.

pub mod auth;
pub mod http;
pub mod intake;
pub mod history;
pub mod view;
pub mod leader;
pub mod absence;
pub mod planner;
pub mod lost;
pub mod core;
