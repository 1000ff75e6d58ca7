//! The filter in the URL, followed both ways.

use std::time::Duration;

use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*};
use leptos_router::{
    NavigateOptions,
    hooks::{use_location, use_navigate, use_query_map},
};

use super::filter::Filter;

/// While somebody types, the URL waits.
const SETTLED: Duration = Duration::from_millis(250);

pub fn wish() -> RwSignal<Filter> {
    let query = use_query_map();
    let read = move || query.with(|q| Filter::read(|name| q.get(name)));
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
    let (navigate, path) = (use_navigate(), use_location().pathname);
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
        let (navigate, home) = (navigate.clone(), home.clone());
        let write = move || {
            if path.try_get_untracked().as_ref() != Some(&home) {
                return;
            }
            written.set_value(new.clone());
            let options = NavigateOptions {
                replace: true,
                scroll: false,
                ..NavigateOptions::default()
            };
            navigate(&new.written().after(&home), options);
        };
        waiting.set_value(set_timeout_with_handle(write, SETTLED).ok());
    });
    on_cleanup(stop);
    wish
}
