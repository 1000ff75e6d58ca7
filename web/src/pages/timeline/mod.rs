//! Nodes or jobs as lanes, runs as bars over time, planned ones as outlines.

mod lanes;
mod view;
mod window;
mod words;

use leptos::{ev, prelude::*};
use shared::api::{Changed, timeline::LaneBy};

use crate::{
    api, clock,
    locale::{date_time, in_a_row, zone},
    parts::{
        feedback::shown,
        icon::{Glyph, Icon},
        page::Page,
        search::SearchBox,
    },
    remote::remote,
    words::say,
};
use lanes::Lanes;
use view::ViewState;
use window::Window;
use words::TimelineWords;

const MINUTE_MS: i64 = 60_000;

#[component]
pub fn Timeline() -> impl IntoView {
    let w = say::<TimelineWords>();
    let view = ViewState::of_url();
    let now = clock::ticking();
    let query = Memo::new(move |_| view.query(now.get()));
    let timeline = remote(
        &[Changed::Runs, Changed::Jobs, Changed::Nodes],
        move || query.get(),
        api::timeline::timeline,
    );
    let keys = window_event_listener(ev::keydown, move |event| {
        if !is_typing(&event) && !event.ctrl_key() && !event.meta_key() && !event.alt_key() {
            match event.key().as_str() {
                "ArrowLeft" => view.shift(-0.25),
                "ArrowRight" => view.shift(0.25),
                "+" | "=" => view.zoom(0.5, 0.5),
                "-" => view.zoom(2.0, 0.5),
                "n" => view.follow(),
                _ => return,
            }
            event.prevent_default();
        }
    });
    on_cleanup(move || keys.remove());
    view! {
        <Page title=w.title>
            <Toolbar view />
            {shown(timeline, move |timeline| view! { <Lanes timeline view /> })}
            <p class="muted timeline-help">{in_a_row([w.about, w.help])}</p>
        </Page>
    }
}

/// Keys belong to the field that has the focus.
fn is_typing(event: &ev::KeyboardEvent) -> bool {
    use wasm_bindgen::JsCast;
    let element = event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    element.is_some_and(|e| matches!(e.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT"))
}

#[component]
fn Toolbar(view: ViewState) -> impl IntoView {
    let w = say::<TimelineWords>();
    let spans = [
        (w.span_15m, 15 * MINUTE_MS),
        (w.span_1h, 60 * MINUTE_MS),
        (w.span_6h, 360 * MINUTE_MS),
        (w.span_1d, 1_440 * MINUTE_MS),
        (w.span_7d, 7 * 1_440 * MINUTE_MS),
    ];
    let shown = move || {
        let (from, to) = view.window.get().bounds(clock::ticking().get());
        let zone = zone();
        format!("{} – {}", date_time(from, &zone), date_time(to, &zone))
    };
    let button = move |label: &'static str, glyph, act: fn(ViewState)| {
        view! {
            <button type="button" class="plain" aria-label=label title=label on:click=move |_| act(view)>
                <Icon glyph />
            </button>
        }
    };
    view! {
        <div class="toolbar">
            <div class="segments" role="group" aria-label=w.lanes>
                {[(LaneBy::Node, w.by_node), (LaneBy::Job, w.by_job)]
                    .map(|(by, name)| view! {
                        <button type="button" aria-pressed=move || (view.by.get() == by).to_string()
                            on:click=move |_| view.by.set(by)>
                            {name}
                        </button>
                    })
                    .collect_view()}
            </div>
            <div class="segments" role="group" aria-label=w.window>
                {spans
                    .map(|(name, span_ms)| view! {
                        <button type="button" aria-pressed=move || (view.window.get().span_ms == span_ms).to_string()
                            on:click=move |_| view.window.update(|w| *w = Window { span_ms, ..*w })>
                            {name}
                        </button>
                    })
                    .collect_view()}
            </div>
            <div class="row">
                {button(w.earlier, Glyph::Left, |v| v.shift(-0.5))}
                {button(w.later, Glyph::Right, |v| v.shift(0.5))}
                {button(w.zoom_in, Glyph::Plus, |v| v.zoom(0.5, 0.5))}
                {button(w.zoom_out, Glyph::Minus, |v| v.zoom(2.0, 0.5))}
                <button type="button" title=w.follow_about aria-pressed=move || view.window.get().to.is_none().to_string()
                    on:click=move |_| view.follow()>
                    {w.follow}
                </button>
            </div>
            <SearchBox value=view.text placeholder=w.search />
            <span class="muted number timeline-bounds">{shown}</span>
        </div>
    }
}
