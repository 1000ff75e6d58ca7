//! Addresses: where a run is, and what a page shows, so that a link shows the same.

use std::time::Duration;

use shared::id::RunId;

use crate::{api::Query, prelude::*, router::router};

/// Where a run's page is.
pub fn of_run(id: RunId) -> String {
    format!("/runs/{id}")
}

/// A wish that has a form in the URL.
pub trait InUrl: Clone + PartialEq + Send + Sync + 'static {
    /// Reads it, given what a name of the query stands for. What makes no sense is left out.
    fn read(get: &dyn Fn(&str) -> Option<String>) -> Self;
    fn written(&self) -> Query;
}

/// While somebody types, the URL waits.
const SETTLED: Duration = Duration::from_millis(250);

/// The wish of the URL, followed both ways for as long as the page is there.
pub fn in_url<W: InUrl>() -> RwSignal<W> {
    let query = router().query;
    let read = move || query.with(|q| W::read(&|name| q.get(name)));
    let wish = RwSignal::new(untrack(read));
    // What was last written there: hearing of it again is no news, and must not undo what
    // was typed meanwhile.
    let written = StoredValue::new(wish.get_untracked());
    Effect::new(move |before: Option<()>| {
        let told = read();
        if before.is_some() && written.with_value(|w| *w != told) {
            written.set_value(told.clone());
            wish.set(told);
        }
    });
    let (navigate, path) = (router(), router().path);
    let home = path.get_untracked();
    let waiting = StoredValue::new(None::<TimeoutHandle>);
    let stop = move || {
        if let Some(handle) = waiting.try_update_value(Option::take).flatten() {
            handle.clear();
        }
    };
    Effect::new(move |_| {
        let new = wish.get();
        stop();
        if written.with_value(|w| *w == new) {
            return;
        }
        let home = home.clone();
        let write = move || {
            if path.try_get_untracked().as_ref() != Some(&home) {
                return;
            }
            written.set_value(new.clone());
            navigate.replace(&new.written().after(&home));
        };
        waiting.set_value(set_timeout_with_handle(write, SETTLED).ok());
    });
    on_cleanup(stop);
    wish
}
