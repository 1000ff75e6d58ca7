//! What the editor knows and decides, as functions of values: it runs and is tested without
//! a browser.
//!
//! The file's text is the truth. `tree` is what it says, as plain values: the form shows
//! these, field by field, by their `Path`. A change in the form is an `Op`, that is applied to the
//! values and, by `patch`, to the text.

pub mod tree;
pub mod patch;
pub mod document;
pub mod check;
pub mod diff;
pub mod merge;
pub mod paint;
pub mod upcoming;
pub mod outlook;
#[cfg(test)]
mod samples;

pub use shared::file::write as yaml;
pub use tree::{Op, Path};
