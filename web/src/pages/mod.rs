//! The pages, a folder or file each, with its words beside it.

pub mod login;
pub mod overview;
pub mod jobs;
pub mod job;
pub mod editor;
pub mod runs;
pub mod run;
pub mod timeline;
pub mod nodes;
pub mod node;
pub mod groups;
pub mod calendars;
pub mod settings;
pub mod not_found;
