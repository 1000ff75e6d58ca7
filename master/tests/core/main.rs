//! Masters without their API: election, planning, settlement, and who is in the way.

#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod stage;
mod leaders;
mod planning;
mod settlement;
mod starting;
