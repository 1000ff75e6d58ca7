//! Gnomon's nouns and decisions, in the order of the flow.

// What `derive` writes names this crate, within it as well.
extern crate self as shared;

pub mod time;
pub mod units;
mod shown;
pub mod id;
pub mod file;
pub mod schedule;
pub mod calendar;
pub mod target;
pub mod job;
pub mod node;
pub mod assign;
pub mod plan;
pub mod fire;
pub mod run;
pub mod report;
pub mod history;
pub mod api;
pub mod keys;
#[cfg(feature = "store")]
pub mod host;
#[cfg(feature = "store")]
pub mod store;

/// A store revision: it grows by one with each committed transaction that writes. A key's
/// mod revision is zero when the key does not exist.
pub type Revision = i64;
