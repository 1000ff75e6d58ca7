//! Gnomon's agent: fires what its node owns, on time, from its own clock.
//!
//! In reading order: who the agent is, what it owns, when that is due, how a fire is
//! claimed, how a run is started and watched, what it reports. [`run`] puts the real
//! parts together.

pub mod config;
pub mod parts;
pub mod identity;
pub mod inbox;
pub mod orders;
pub mod ticker;
pub mod firing;
pub mod claim;
pub mod runner;
pub mod launcher;
pub mod policy;
pub mod spool;
pub mod unreported;
pub mod outage;
pub mod outbox;
pub mod link;
mod client;
mod agent;
mod start;
pub mod pretend;

pub use agent::{Agent, AgentParts};
pub use config::{AgentConfig, LocalConfig, Settings};
pub use start::{run, run_with, start};
