//! Runs of the whole fleet, newest first, as they happen.

mod bar;
mod filter;
mod list;
pub mod news;
mod reading;
mod row;
mod words;

use std::time::Duration;

use crate::{
    address::in_url,
    browser::is_wider_than,
    locale::count,
    parts::{
        feedback::{Empty, Failed, Loading},
        icon::{Glyph, Icon},
        page::Page,
        window_rows::WindowRows,
    },
    prelude::*,
    words::say,
};
use bar::Bar;
use filter::Filter;
use reading::{Doing, Reading};
use row::RunRow;
use words::RunsWords;

/// As in the style sheet: columns; in two lines; a card.
fn row_height() -> u32 {
    match () {
        () if is_wider_than(1500) => 42,
        () if is_wider_than(900) => 56,
        () => 92,
    }
}

/// While somebody types, the server is not asked.
const TYPED: Duration = Duration::from_millis(200);

#[component]
pub fn Runs() -> impl IntoView {
    let w = say::<RunsWords>();
    let wish = in_url::<Filter>();
    let reading = Reading::new(settled(wish));
    let is_empty = Memo::new(move |_| reading.rows.with(|rows| rows.is_empty()));
    let is_set = Memo::new(move |_| wish.with(Filter::is_set));
    view! {
        <Page title=w.title>
            <Bar wish />
            {move || match (is_empty.get(), reading.doing.get()) {
                (true, Doing::First) => view! { <Loading lines=12 /> }.into_any(),
                (true, Doing::Failed(failure)) => {
                    view! { <Failed failure retry=move || reading.retry() /> }.into_any()
                }
                (true, _) if is_set.get() => view! {
                    <Empty title=w.none_match>
                        <button type="button" on:click=move |_| wish.set(Filter::default())>{w.clear_filters}</button>
                    </Empty>
                }
                .into_any(),
                (true, _) => view! {
                    <Empty title=w.none>
                        <p>{w.none_about}</p>
                        <p><a href="/jobs">{w.to_jobs}</a></p>
                    </Empty>
                }
                .into_any(),
                (false, _) => ().into_any(),
            }}
            <Show when=move || !is_empty.get()>
                <Table reading />
                <End reading />
            </Show>
        </Page>
    }
}

/// The wish once it is still for a moment.
fn settled(wish: RwSignal<Filter>) -> Signal<Filter> {
    let settled = RwSignal::new(wish.get_untracked());
    let waiting = StoredValue::new(None::<TimeoutHandle>);
    Effect::new(move |_| {
        let new = wish.get();
        if let Some(handle) = waiting.try_update_value(Option::take).flatten() {
            handle.clear();
        }
        let old = settled.get_untracked();
        if new == old {
            return;
        }
        // Clicks are answered at once; what is typed when it is.
        if new.q == old.q {
            settled.set(new);
            return;
        }
        let set = move || {
            settled.try_set(new);
        };
        waiting.set_value(set_timeout_with_handle(set, TYPED).ok());
    });
    settled.into()
}

#[component]
fn Table(reading: Reading) -> impl IntoView {
    let w = say::<RunsWords>();
    let height = RwSignal::new(row_height());
    on_window(ev::resize, move |_| {
        let wanted = row_height();
        if height.try_get_untracked().is_some_and(|h| h != wanted) {
            height.set(wanted);
        }
    });
    let rows = Signal::derive(move || reading.rows.get());
    let all = move || (reading.rows.with(|rows| rows.len()) + 1).to_string();
    /// So close to the end, the next page is asked for.
    const AHEAD: usize = 40;
    let row = move |row, place: Signal<usize>| {
        let here = place.get_untracked();
        if here + AHEAD >= reading.rows.with_untracked(|rows| rows.len()) {
            request_animation_frame(move || reading.read_more());
        }
        view! { <RunRow row place /> }
    };
    let head = |text: &'static str, class: &'static str, about: Option<&'static str>| {
        view! { <div role="columnheader" class=class title=about>{text}</div> }
    };
    view! {
        <div class="runs card" role="table" aria-label=w.title aria-rowcount=all>
            <div class="runs-head" role="rowgroup">
                <div class="runs-row" role="row" aria-rowindex="1">
                    {head(w.state, "is-state", None)}
                    {head(w.job, "is-name", None)}
                    {head(w.scheduled, "is-scheduled", None)}
                    {head(w.started, "is-started", Some(w.started_about))}
                    {head(w.duration, "is-duration number", None)}
                    {head(w.place, "is-place", None)}
                    {head(w.attempt, "is-attempt number", None)}
                    {head(w.cause, "is-cause", None)}
                    {head(w.reason, "is-reason", None)}
                </div>
            </div>
            <div role="rowgroup">
                <WindowRows rows row_height=height
                    key=|row: &list::Row| (row.run.id, row.run.state, row.run.started_at, row.run.finished_at,
                        row.run.reason.len(), row.among)
                    row=row />
            </div>
        </div>
        <Waiting reading />
    }
}

/// New runs that did not slide in, because one reads further down.
#[component]
fn Waiting(reading: Reading) -> impl IntoView {
    let w = say::<RunsWords>();
    view! {
        <div class="runs-waiting" role="status">
            {move || match reading.waiting.get() {
                0 => None,
                n => Some(view! {
                    <button type="button" class="primary" on:click=move |_| reading.show_waiting()>
                        <Icon glyph=Glyph::Up />
                        {if n == 1 { w.waiting_one.to_owned() } else { fill!(w.waiting, n = count(n as u64)) }}
                    </button>
                }),
            }}
        </div>
    }
}

#[component]
fn End(reading: Reading) -> impl IntoView {
    let w = say::<RunsWords>();
    let n = move || count(reading.rows.with(|rows| rows.len()) as u64);
    view! {
        <div class="runs-end">
            {move || match (reading.doing.get(), reading.has_more.get(), reading.is_full.get()) {
                (Doing::Failed(failure), ..) => {
                    view! { <Failed failure retry=move || reading.retry() /> }.into_any()
                }
                (_, _, true) => view! { <p class="muted">{fill!(w.too_many, n = n())}</p> }.into_any(),
                (_, true, _) => view! { <p class="muted" role="status">{w.loading_more}</p> }.into_any(),
                _ if reading.rows.with(|rows| rows.len()) == 1 => {
                    view! { <p class="muted">{w.that_is_all_one}</p> }.into_any()
                }
                _ => view! { <p class="muted">{fill!(w.that_is_all, n = n())}</p> }.into_any(),
            }}
        </div>
    }
}
