//! Instants and lengths of time on the screen.

use shared::time::Time;

use crate::{
    clock,
    locale::{self, ago, duration, exact, short_time},
    prelude::*,
};

/// An instant in the viewer's zone; the exact one, with its zone, on hover.
#[component]
pub fn At(at: Time) -> impl IntoView {
    let zone = locale::zone();
    let shown = short_time(at, clock::now(), zone);
    view! { <time datetime=at.to_string() title=exact(at, zone)>{shown}</time> }
}

/// How long ago or ahead, as time goes by; the exact instant on hover.
#[component]
pub fn Ago(at: Time) -> impl IntoView {
    let now = clock::ticking();
    view! {
        <time datetime=at.to_string() title=exact(at, locale::zone())>{move || ago(at, now.get())}</time>
    }
}

/// How long something has been going on.
#[component]
pub fn Elapsed(since: Time) -> impl IntoView {
    let now = clock::ticking();
    view! {
        <span class="number" title=exact(since, locale::zone())>{move || duration(now.get().since(since))}</span>
    }
}
