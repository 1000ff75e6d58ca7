//! Gnomon's agent: fires what its node owns, on time, from its own clock.

pub mod parts;
pub mod identity;
pub mod inbox;
pub mod ticker;
pub mod unreported;
pub mod runner;
