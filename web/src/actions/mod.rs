//! What can be done from several pages: each tells what it touches, asks where it cannot be
//! taken back, and says how it went.

pub mod jobs;
pub mod run_now;
mod words;

pub use words::ActionWords;
