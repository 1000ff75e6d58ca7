//! What one can do about the output.

use leptos::ev::KeyboardEvent;
use shared::{
    api::{BASE, paths},
    id::RunId,
    report::Stream,
    schedule::Zone,
    time::Time,
};

use super::{viewer::Viewer, words::OutputWords};
use crate::{
    api::{Query, path},
    clock,
    locale::{self, count},
    parts::{
        icon::{Glyph, Icon},
        search::SearchBox,
    },
    prelude::*,
    words::say,
};

#[component]
pub fn Bar(viewer: Viewer, id: RunId, name: String) -> impl IntoView {
    let w = say::<OutputWords>();
    let zone = locale::zone_name(clock::now(), locale::zone());
    let download = move || {
        let format = Query::default().with("format", "text");
        let query = format.with_some("stream", viewer.only.get().map(wire_name));
        query.after(&format!("{BASE}{}", path(paths::RUN_OUTPUT, &[&id])))
    };
    view! {
        <header class="output-bar">
            <h2>{w.output}</h2>
            <Finder viewer />
            <div class="output-streams" role="group" aria-label=w.streams>
                <Choice viewer stream=None text=w.both about=w.both_about />
                <Choice viewer stream=Some(Stream::Stdout) text="stdout" about=w.stdout />
                <Choice viewer stream=Some(Stream::Stderr) text="stderr" about=w.stderr />
            </div>
            <div class="output-tools">
                <button type="button" class="plain" title=w.follow_about
                    aria-pressed=move || viewer.is_followed.get().to_string()
                    on:click=move |_| {
                        viewer.is_followed.update(|f| *f = !*f);
                        if viewer.is_followed.get_untracked() { viewer.scroll_to_end() }
                    }>
                    <Icon glyph=Glyph::Follow /><span>{w.follow}</span>
                </button>
                <Toggle on=viewer.is_wrapped glyph=Glyph::Wrap text=w.wrap about=w.wrap_about.to_owned() />
                <Toggle on=viewer.has_times glyph=Glyph::Clock text=w.times about=fill!(w.times_about, zone = zone) />
                <a class="button plain" href=download download=name title=w.download_about rel="external">
                    <Icon glyph=Glyph::Download /><span>{w.download}</span>
                </a>
            </div>
        </header>
    }
}

#[component]
fn Toggle(on: RwSignal<bool>, glyph: Glyph, text: &'static str, about: String) -> impl IntoView {
    view! {
        <button type="button" class="plain" title=about aria-pressed=move || on.get().to_string()
            on:click=move |_| on.update(|on| *on = !*on)>
            <Icon glyph /><span>{text}</span>
        </button>
    }
}

#[component]
fn Choice(viewer: Viewer, stream: Option<Stream>, text: &'static str, about: &'static str) -> impl IntoView {
    view! {
        <button type="button" title=about aria-pressed=move || (viewer.only.get() == stream).to_string()
            on:click=move |_| viewer.only.set(stream)>
            {text}
        </button>
    }
}

/// The search, how much it found, and the way from one find to the next.
#[component]
fn Finder(viewer: Viewer) -> impl IntoView {
    let w = say::<OutputWords>();
    let is_searching = Memo::new(move |_| viewer.query.with(|q| !q.is_empty()));
    let keys = move |event: KeyboardEvent| {
        if event.key() == "Enter" {
            event.prevent_default();
            viewer.step(if event.shift_key() { -1 } else { 1 });
        }
    };
    let told = move || {
        let (n, is_more) = viewer.found();
        let at = viewer.current.get().map_or(0, |at| at as u64 + 1);
        match n {
            0 => w.not_found.to_owned(),
            n => {
                let text = if is_more { w.found_more } else { w.found };
                fill!(text, n = count(at), all = count(n as u64))
            }
        }
    };
    view! {
        <div class="finder" on:keydown=keys>
            <SearchBox value=viewer.query set=move |query| viewer.query.set(query) placeholder=w.search />
            <button type="button" class="plain finder-exact" title=w.exact aria-label=w.exact
                aria-pressed=move || viewer.is_exact.get().to_string()
                on:click=move |_| viewer.is_exact.update(|e| *e = !*e)>
                "Aa"
            </button>
            <span class="finder-told number" role="status">{move || is_searching.get().then(told)}</span>
            <Show when=move || is_searching.get()>
                <button type="button" class="plain" aria-label=w.previous title=w.previous
                    on:click=move |_| viewer.step(-1)><Icon glyph=Glyph::Up /></button>
                <button type="button" class="plain" aria-label=w.next title=w.next
                    on:click=move |_| viewer.step(1)><Icon glyph=Glyph::Down /></button>
            </Show>
        </div>
    }
}

/// As the API says it.
pub fn wire_name(stream: Stream) -> &'static str {
    match stream {
        Stream::Stdout => "stdout",
        Stream::Stderr => "stderr",
        Stream::Note => "note",
    }
}

/// What the file is called: `ops-backup-db-2026-11-21T02-30-00Z.log`.
pub fn file_name(job: &str, scheduled_at: Time) -> String {
    let (date, time) = locale::date_and_time(scheduled_at, Zone::utc());
    format!("{}-{date}T{}Z.log", job.replace('/', "-"), time.replace(':', "-"))
}
