//! Gnomon's agent: fires what its node owns, on time, from its own clock.

pub mod config;
pub mod parts;
pub mod identity;
pub mod inbox;
pub mod ticker;
pub mod unreported;
pub mod runner;
pub mod claim;
pub mod firing;
pub mod orders;
pub mod launcher;
pub mod policy;
pub mod spool;
pub mod outbox;
pub mod link;
mod client;
pub mod agent;
pub mod pretend;

pub use agent::{Agent, AgentParts};
pub use config::{AgentConfig, LocalConfig, Settings};
