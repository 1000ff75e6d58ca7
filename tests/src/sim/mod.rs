//! A whole cluster in one thread on virtual time: the production loops of agents and
//! masters on a store in memory, with pretended processes, clocks that are off and step,
//! and faults drawn from a seed. The same seed gives the same trace, byte for byte.
//!
//! What is pretended is what lies outside the loops: time, randomness, the network, the
//! disk, the database and the hosts' processes. Nothing in here decides anything for the
//! loops, and the checks ([`check`]) rest on what the pretended processes really did and on
//! the schedule worked out anew, not on what the loops say of themselves.

pub mod chance;
pub mod trace;
pub mod wire;
pub mod post;
pub mod jobs;
pub mod starter;
pub mod agents;
pub mod masters;
pub mod faults;
pub mod world;
pub mod check;
pub mod sabotage;

pub use sabotage::Sabotage;
pub use world::{Outcome, Plot, play};
