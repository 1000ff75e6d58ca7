//! What pages are made of.

pub mod page;
pub mod prose;
pub mod icon;
pub mod state;
pub mod reason;
pub mod job_state;
pub mod ticks;
pub mod axis;
pub mod when;
pub mod feedback;
pub mod field;
pub mod dialog;
pub mod confirm;
pub mod toast;
pub mod menu;
pub mod rows;
pub mod window_rows;
pub mod search;
pub mod kept;
pub mod language;
mod words;

pub use words::PartWords;
