//! Jobs: what, when and where. A [`JobSpec`] that exists is valid.

mod spec;
mod action;
mod trigger;
mod record;
mod short;
pub mod file;

pub use action::{Action, GRACE_DEFAULT, HttpRequest, OUTPUT_DEFAULT, RunSpec};
pub use record::{Author, Job};
pub use short::short;
pub use spec::{
    Balance, Isolation, JobSpec, Keep, Misfire, MisfireRun, OnLost, Overlap, OverlapPolicy, Retry,
};
pub use trigger::{Compiled, Trigger, When};
