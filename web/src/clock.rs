//! The server's time, told to the second. Ages and elapsed times are counted from it, so
//! that a viewer whose clock is off sees the truth.

use std::{cell::Cell, time::Duration};

use shared::time::Time;

use crate::prelude::*;

thread_local! {
    /// The server's clock less this one, in milliseconds.
    static SKEW_MS: Cell<i64> = const { Cell::new(0) };
}

/// Less than this is the answer's way and the header's whole seconds, not a skew.
const NOTICED_MS: i64 = 2_000;

#[derive(Clone, Copy)]
struct Ticking(RwSignal<Time>);

/// Makes the ticking clock a context.
pub fn provide() {
    let ticking = RwSignal::new(now());
    provide_context(Ticking(ticking));
    set_interval(move || ticking.set(now()), Duration::from_secs(1));
}

/// The time, read once.
pub fn now() -> Time {
    let here = js_sys::Date::now() as i64;
    Time::from_millis(here + SKEW_MS.get())
}

/// The time as a signal that changes each second.
pub fn ticking() -> RwSignal<Time> {
    expect_context::<Ticking>().0
}

/// Learns the server's time from the `date` header of an answer.
pub fn heard(date_header: &str) {
    let there = js_sys::Date::parse(date_header);
    if there.is_finite() {
        let skew = there as i64 + 500 - js_sys::Date::now() as i64;
        SKEW_MS.set(if skew.abs() < NOTICED_MS { 0 } else { skew });
    }
}
