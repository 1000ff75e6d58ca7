//! The HTTP API in process: its router over a store and a history in memory.

#![allow(clippy::unwrap_used, reason = "tests")]

mod api;
mod hold;
mod doors;
mod findings;
mod bounds;
mod sessions;
mod jobs;
mod apply;
mod orders;
mod output;
mod board;
mod pages;
mod why;
mod fleet;
mod calendars;
mod backup;
mod console;
mod listener;
