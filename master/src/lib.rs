//! Gnomon's master: an API server; one of them leads and plans.

pub mod history;
