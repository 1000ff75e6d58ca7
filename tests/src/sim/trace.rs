//! Everything that happens, a line each, with the virtual time; and what must not have.

use std::{
    fmt,
    fmt::Write,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// Clones write into the same trace.
#[derive(Clone)]
pub struct Trace(Arc<Inner>);

struct Inner {
    begin: Instant,
    text: Mutex<String>,
    broken: Mutex<Vec<String>>,
    /// Also to stderr, at once: for a simulation that does not come to its end.
    is_live: bool,
}

impl Trace {
    pub fn new(begin: Instant) -> Trace {
        let is_live = std::env::var_os("GNOMON_SIM_LIVE").is_some();
        Trace(Arc::new(Inner {
            begin,
            text: Mutex::default(),
            broken: Mutex::default(),
            is_live,
        }))
    }

    /// How long the simulation has gone on.
    pub fn elapsed(&self) -> Duration {
        self.0.begin.elapsed()
    }

    /// When it began.
    pub fn begin(&self) -> Instant {
        self.0.begin
    }

    /// A line.
    pub fn tell(&self, who: &str, what: fmt::Arguments) {
        let ms = self.elapsed().as_millis();
        if self.0.is_live {
            eprintln!("{:4}.{:03} {who} {what}", ms / 1000, ms % 1000);
        }
        let mut text = self.0.text.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = writeln!(text, "{:4}.{:03} {who} {what}", ms / 1000, ms % 1000);
    }

    /// A guarantee does not hold.
    pub fn broken(&self, what: String) {
        self.tell("!!", format_args!("{what}"));
        self.0
            .broken
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(what);
    }

    /// All lines, and what is broken. Leaves nothing.
    pub fn take(&self) -> (String, Vec<String>) {
        let take = |m: &Mutex<String>| std::mem::take(&mut *m.lock().unwrap_or_else(PoisonError::into_inner));
        let broken = std::mem::take(&mut *self.0.broken.lock().unwrap_or_else(PoisonError::into_inner));
        (take(&self.0.text), broken)
    }
}
