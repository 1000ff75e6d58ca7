//! Nodes or jobs as lanes, runs as bars over time, planned ones as outlines.

mod lanes;
mod view;
mod window;
mod words;

use shared::api::{Changed, timeline::LaneBy};

use crate::{
    address::in_url,
    api,
    browser::shows_dialog,
    clock,
    locale::{date_time, in_a_row, zone, zone_name},
    palette::keys::is_typing,
    parts::{
        feedback::shown,
        icon::{Glyph, Icon},
        page::Page,
        search::SearchBox,
    },
    prelude::*,
    remote::remote,
    words::say,
};
use lanes::Lanes;
use view::View;
use window::Window;
use words::TimelineWords;

const MINUTE_MS: i64 = 60_000;

#[component]
pub fn Timeline() -> impl IntoView {
    let w = say::<TimelineWords>();
    let view = in_url::<View>();
    let now = clock::ticking();
    let query = Memo::new(move |_| view.with(|view| view.asked(now.get())));
    let timeline = remote(
        &[Changed::Runs, Changed::Jobs, Changed::Nodes],
        move || query.get(),
        api::timeline::timeline,
    );
    on_window(ev::keydown, move |event| {
        if !is_typing(&event) && !shows_dialog() && !event.ctrl_key() && !event.meta_key() && !event.alt_key()
        {
            match event.key().as_str() {
                "ArrowLeft" => look(view, |window| window.moved(-0.25, clock::now())),
                "ArrowRight" => look(view, |window| window.moved(0.25, clock::now())),
                "+" | "=" => look(view, |window| window.zoomed(0.5, 0.5)),
                "-" => look(view, |window| window.zoomed(2.0, 0.5)),
                "n" => look(view, |window| Window { to: None, ..window }),
                _ => return,
            }
            event.prevent_default();
        }
    });
    view! {
        <Page title=w.title>
            <Toolbar view />
            {shown(timeline, move |timeline| view! { <Lanes timeline view /> })}
            <p class="muted timeline-help">{in_a_row([w.about, w.help])}</p>
        </Page>
    }
}

/// Looks at another stretch of time.
fn look(view: RwSignal<View>, at: impl Fn(Window) -> Window) {
    view.update(|view| view.window = at(view.window));
}

#[component]
fn Toolbar(view: RwSignal<View>) -> impl IntoView {
    let w = say::<TimelineWords>();
    let spans = [
        (w.span_15m, 15 * MINUTE_MS),
        (w.span_1h, 60 * MINUTE_MS),
        (w.span_6h, 360 * MINUTE_MS),
        (w.span_1d, 1_440 * MINUTE_MS),
        (w.span_7d, 7 * 1_440 * MINUTE_MS),
    ];
    let window = Memo::new(move |_| view.with(|view| view.window));
    let by = Memo::new(move |_| view.with(|view| view.by));
    let q = Memo::new(move |_| view.with(|view| view.q.clone()));
    let shown = move || {
        let (from, to) = window.get().bounds(clock::ticking().get());
        let zone = zone();
        format!(
            "{} – {} · {}",
            date_time(from, zone),
            date_time(to, zone),
            zone_name(to, zone)
        )
    };
    let button = move |label: &'static str, glyph, act: fn(Window) -> Window| {
        view! {
            <button type="button" class="plain" aria-label=label title=label on:click=move |_| look(view, act)>
                <Icon glyph />
            </button>
        }
    };
    view! {
        <div class="toolbar">
            <div class="segments" role="group" aria-label=w.lanes>
                {[(LaneBy::Node, w.by_node), (LaneBy::Job, w.by_job)]
                    .map(|(wanted, name)| view! {
                        <button type="button" aria-pressed=move || (by.get() == wanted).to_string()
                            on:click=move |_| view.update(|view| view.by = wanted)>
                            {name}
                        </button>
                    })
                    .collect_view()}
            </div>
            <div class="segments" role="group" aria-label=w.window>
                {spans
                    .map(|(name, span_ms)| view! {
                        <button type="button" aria-pressed=move || (window.get().span_ms == span_ms).to_string()
                            on:click=move |_| look(view, |window| Window { span_ms, ..window })>
                            {name}
                        </button>
                    })
                    .collect_view()}
            </div>
            <div class="row">
                {button(w.earlier, Glyph::Left, |w| w.moved(-0.5, clock::now()))}
                {button(w.later, Glyph::Right, |w| w.moved(0.5, clock::now()))}
                {button(w.zoom_in, Glyph::Plus, |w| w.zoomed(0.5, 0.5))}
                {button(w.zoom_out, Glyph::Minus, |w| w.zoomed(2.0, 0.5))}
                <button type="button" title=w.follow_about aria-pressed=move || window.get().to.is_none().to_string()
                    on:click=move |_| look(view, |window| Window { to: None, ..window })>
                    {w.follow}
                </button>
            </div>
            <SearchBox value=q set=move |q| view.update(|view| view.q = q) placeholder=w.search />
            <span class="muted number timeline-bounds">{shown}</span>
        </div>
    }
}
