//! What stands around each page: the way to the others, the connection, who is logged in.

mod connection;
mod words;

use std::time::Duration;

use crate::{
    actions::run_now::RunDialog,
    browser::focus_if_lost,
    palette::{PaletteButton, PaletteDialog},
    parts::{
        confirm::ConfirmDialog,
        icon::{Glyph, Icon},
        toast::Toasts,
    },
    prelude::*,
    router::router,
    words::say,
};
use connection::ConnectionBadge;
use words::ShellWords;

/// A place that the navigation leads to.
struct Place {
    href: &'static str,
    glyph: Glyph,
    name: &'static str,
    /// Whether it stands in the bar at the bottom of a narrow screen.
    is_main: bool,
}

fn places() -> [Place; 8] {
    let w = say::<ShellWords>();
    let place = |href, glyph, name, is_main| Place {
        href,
        glyph,
        name,
        is_main,
    };
    [
        place("/", Glyph::Overview, w.overview, true),
        place("/jobs", Glyph::Jobs, w.jobs, true),
        place("/runs", Glyph::Runs, w.runs, true),
        place("/timeline", Glyph::Timeline, w.timeline, false),
        place("/nodes", Glyph::Nodes, w.nodes, true),
        place("/groups", Glyph::Groups, w.groups, false),
        place("/calendars", Glyph::Calendar, w.calendars, false),
        place("/settings", Glyph::Settings, w.settings, false),
    ]
}

#[component]
pub fn Shell(children: Children) -> impl IntoView {
    let w = say::<ShellWords>();
    let is_open = RwSignal::new(false);
    let pages: Vec<_> = places().into_iter().map(|p| (p.href, p.glyph, p.name)).collect();
    let path = router().path;
    // Going somewhere closes the sheet of a narrow screen, and takes the keyboard along.
    Effect::new(move |before: Option<()>| {
        path.track();
        is_open.set(false);
        if before.is_some() {
            set_timeout(|| focus_if_lost("#page"), Duration::ZERO);
        }
    });
    view! {
        <a class="skip" href="#page">{w.skip}</a>
        <div class="shell" class:is-open=is_open>
            <nav class="places" aria-label=w.navigation>
                <a class="brand" href="/"><Icon glyph=Glyph::Gnomon /><span>"Gnomon"</span></a>
                <PaletteButton />
                <ul>
                    {places()
                        .map(|place| view! {
                            <li class:is-main=place.is_main>
                                <a href=place.href aria-current=move || path.with(|path| is_at(place.href, path).then_some("page"))>
                                    <Icon glyph=place.glyph />
                                    <span>{place.name}</span>
                                </a>
                            </li>
                        })
                        .collect_view()}
                    <li class="more">
                        <button type="button" aria-expanded=move || is_open.get().to_string()
                            on:click=move |_| is_open.update(|o| *o = !*o)>
                            <Icon glyph=Glyph::Menu /><span>{w.more}</span>
                        </button>
                    </li>
                </ul>
                <ConnectionBadge />
            </nav>
            <main id="page" tabindex="-1">{children()}</main>
        </div>
        <PaletteDialog pages />
        <ConfirmDialog />
        <RunDialog />
        <Toasts />
    }
}

/// Whether the page of this path is below that place.
fn is_at(place: &str, path: &str) -> bool {
    path.strip_prefix(place)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::is_at;

    #[test]
    fn a_place_is_where_its_pages_are() {
        assert!(is_at("/jobs", "/jobs") && is_at("/jobs", "/jobs/default/a"));
        assert!(
            is_at("/", "/") && !is_at("/", "/jobs"),
            "the overview has no pages below it"
        );
        assert!(!is_at("/jobs", "/jobsite") && !is_at("/runs", "/jobs"));
    }
}
