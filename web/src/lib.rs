//! Gnomon's console: the same HTTP API as everyone else's, for people who look rather
//! than type. It runs in the browser alone, decides nothing that the server does not check,
//! and shows what the leader decides with the leader's own code, from `shared`.
//!
//! In reading order: `app` (contexts and routes), `shell` (what stands around each page),
//! `pages` (one a folder or file), `parts` (what pages are made of), then what they all
//! rest on: `actions` (what can be done from several pages), `board` (every job at a glance,
//! kept here), `remote`, `live` and `stream` (the server's facts, kept fresh), `api` (the calls),
//! `session`, `locale`, `words`, `clock`, `theme`.

#[macro_use]
pub mod words;
pub mod prelude;
pub mod reactive;
pub mod dom;
pub mod router;
pub mod app;
pub mod shell;
pub mod palette;
pub mod pages;
pub mod parts;
pub mod actions;
pub mod board;
pub mod address;
pub mod scroll;
pub mod remote;
pub mod live;
pub mod stream;
pub mod api;
pub mod session;
pub mod locale;
pub mod clock;
pub mod theme;
pub mod browser;
