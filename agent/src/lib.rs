//! Gnomon's agent: fires what its node owns, on time, from its own clock.

pub mod parts;
