//! Waiting for a condition, never for a time.

use std::{
    thread,
    time::{Duration, Instant},
};

/// The usual deadline for something that takes a second or two on an idle machine. CI's two
/// cores are not idle: what is late there is not wrong.
pub const SOON: Duration = Duration::from_secs(60);

/// Waits until `found` gives a value, looking again often; panics with `what` after `deadline`.
#[track_caller]
pub fn eventually<T>(what: &str, deadline: Duration, found: impl FnMut() -> Option<T>) -> T {
    match eventually_or(deadline, found) {
        Some(value) => value,
        None => panic!("waited {deadline:?} in vain for: {what}"),
    }
}

/// The same, giving nothing after `deadline`: for callers that can say more.
pub fn eventually_or<T>(deadline: Duration, mut found: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    let mut pause = Duration::from_millis(5);
    loop {
        if let Some(value) = found() {
            return Some(value);
        }
        if start.elapsed() > deadline {
            return None;
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(100));
    }
}

/// Looks for as long as `span` lasts, and panics as soon as `holds` is false.
pub fn throughout(what: &str, span: Duration, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while start.elapsed() < span {
        assert!(
            holds(),
            "did not last for {span:?}: {what} (ended after {:?})",
            start.elapsed()
        );
        thread::sleep(Duration::from_millis(100));
    }
}

/// The machine's clock, in milliseconds since the epoch.
pub fn now_ms() -> i64 {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    since.as_millis() as i64
}

/// Waits until the machine's clock shows `at_ms`.
pub fn until_ms(at_ms: i64) {
    while let Ok(left @ 1..) = u64::try_from(at_ms - now_ms()) {
        thread::sleep(Duration::from_millis(left.min(1000)));
    }
}
