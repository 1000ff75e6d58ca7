//! Masters without their API: election, planning, settlement, and who is in the way.

mod stage;
mod leaders;
mod planning;
mod settlement;
mod starting;
