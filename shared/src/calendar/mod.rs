//! Calendars: named stretches of time that jobs keep out of, or keep to.
//!
//! A [`Calendar`] is what a person writes: days, ranges and weekly windows in a zone. A
//! [`Coverage`] is the same made ready to be asked whether it covers an instant, and for how
//! long that stays so. [`Blackouts`] are all calendars of one job together. Nothing in here
//! knows a clock.
//!
//! What the local clock shows decides: an hour that comes twice is covered twice, a day may
//! have 23 or 25 hours, and a local time that is jumped over covers nothing. Ranges between
//! instants with an offset do not look at the clock.

mod text;
mod spec;
mod file;
mod coverage;
mod horizon;
mod blackout;
// The console reads none.
#[cfg(not(target_family = "wasm"))]
pub mod ical;

pub use blackout::{Blackouts, Calendars, Inlined, InlinedCalendar, Verdict, inlined};
pub use coverage::{Coverage, Stretch};
pub use file::{Named, parse, parse_yaml, to_yaml};
pub use horizon::{Distance, Horizon};
pub use spec::{CALENDAR_BYTES_MAX, Calendar, Day, ENTRIES_MAX, Moment, Range, Weekly};
pub use text::Weekdays;
