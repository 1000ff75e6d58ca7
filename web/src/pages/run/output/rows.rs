//! The lines in sight.

use shared::{report::Stream, time::Time};

use super::{
    layout::SHOWN_CHARS,
    line::Kind,
    pieces::{Mark, Piece, pieces},
    style::Style,
    viewer::{RowKey, Viewer},
    words::OutputWords,
};
use crate::{
    locale::{self, clock_time, exact, size},
    prelude::*,
    router::router,
    words::say,
};

/// What stands beside a line's text, in characters: its number and its mark, and its time.
const BESIDE: u32 = 12;
const TIME: u32 = 13;

#[component]
pub fn Rows(viewer: Viewer, linked: Memo<Option<u64>>, dropped: Signal<u64>) -> impl IntoView {
    let w = say::<OutputWords>();
    let ruler = NodeRef::<html::Span>::new();
    let measure = move || {
        let (Some(ruler), Some(element)) = (ruler.try_get_untracked(), viewer.element.try_get_untracked())
        else {
            return;
        };
        let character = ruler.get_bounding_client_rect().width() / 100.0;
        if character > 0.0 {
            let all = (f64::from(element.client_width()) / character) as u32;
            let beside = BESIDE + if viewer.has_times.get_untracked() { TIME } else { 0 };
            let columns = all.saturating_sub(beside).max(20);
            if columns != viewer.columns.get_untracked() {
                viewer.columns.set(columns);
            }
        }
        viewer.look();
    };
    Effect::new(move |_| {
        ruler.track();
        viewer.element.track();
        viewer.has_times.track();
        viewer.shape.track();
        measure();
    });
    on_window(ev::resize, move |_| measure());

    let sight = Memo::new(move |_| viewer.in_sight());
    let navigate = router();
    let go = Callback::new(move |line: u64| {
        navigate.replace(&format!("#L{}", line + 1));
    });
    view! {
        <div class="output-lines" node_ref=viewer.element on:scroll=move |_| viewer.look()
            class:is-wrapped=viewer.is_wrapped class:has-times=viewer.has_times
            tabindex="0" role="region" aria-label=w.output>
            <span class="ruler" node_ref=ruler aria-hidden="true">{"0".repeat(100)}</span>
            <div class="rows-all" style:height=move || format!("{}px", viewer.height() as u64)>
                <div class="output-seen" style:transform=move || format!("translateY({}px)", sight.get().0 as u64)>
                    <For each=move || sight.get().1 key=|key| *key
                        children=move |key| view! { <Row viewer key linked dropped go /> } />
                </div>
            </div>
        </div>
    }
}

#[component]
fn Row(
    viewer: Viewer,
    key: RowKey,
    linked: Memo<Option<u64>>,
    dropped: Signal<u64>,
    go: Callback<u64>,
) -> impl IntoView {
    let (number, _, _, is_whole) = key;
    let w = say::<OutputWords>();
    let line = viewer.with_log(|log| log.line(number).cloned())?;
    if line.kind == Kind::Cut {
        let text = move || match dropped.get() {
            0 => w.cut_unknown.to_owned(),
            bytes => fill!(w.cut, size = size(bytes)),
        };
        return Some(view! { <p class="line-cut">{text}</p> }.into_any());
    }
    let finds = viewer.finds_of(number);
    let current = untrack(move || viewer.current_find()).filter(|find| find.line == number);
    let chars = if is_whole { usize::MAX } else { SHOWN_CHARS };
    let (pieces, rest) = pieces(&line, &finds, current, chars);
    let is_linked = move || linked.get() == Some(number);
    let all = line.text.len() as u64;
    let link = format!("#L{}", number + 1);
    let told = fill!(w.line, n = number + 1);
    Some(
        view! {
            <div class="line" data-line=number + 1 data-stream=super::bar::wire_name(line.stream)
                class:is-linked=is_linked class:is-long={line.kind == Kind::Long}>
                <a class="line-number" href=link aria-label=told tabindex="-1"
                    on:click=move |event| {
                        event.prevent_default();
                        event.stop_propagation();
                        go.run(number);
                    }>
                    {number + 1}
                </a>
                <StreamMark stream=line.stream />
                <Written at=line.at />
                <code class="line-text">
                    {pieces.into_iter().map(piece).collect_view()}
                    {(rest > 0).then(|| view! {
                        <button type="button" class="line-more" on:click=move |_| viewer.show_whole(number)>
                            {fill!(w.show_all, size = size(all))}
                        </button>
                    })}
                </code>
            </div>
        }
        .into_any(),
    )
}

/// Which stream it is of, for the eye and for the ear.
#[component]
fn StreamMark(stream: Stream) -> impl IntoView {
    let w = say::<OutputWords>();
    let (sign, word) = match stream {
        Stream::Stdout => return view! { <span class="line-mark"></span> }.into_any(),
        Stream::Stderr => ("E", w.stderr),
        Stream::Note => ("G", w.note),
    };
    view! {
        <span class="line-mark" title=word>
            <span aria-hidden="true">{sign}</span><span class="visually-hidden">{word}</span>
        </span>
    }
    .into_any()
}

#[component]
fn Written(at: Time) -> impl IntoView {
    let zone = locale::zone();
    let millis = at.as_millis().rem_euclid(1000);
    let shown = format!("{}.{millis:03}", clock_time(at, zone));
    view! { <time class="line-time" datetime=at.to_string() title=exact(at, zone)>{shown}</time> }
}

fn piece(piece: Piece) -> AnyView {
    let Piece { text, style, mark } = piece;
    let is_plain = style == Style::default();
    match mark {
        Mark::None if is_plain => text.into_any(),
        Mark::None => dressed(text, style),
        mark => view! {
            <mark class:is-current={mark == Mark::Current}>
                {if is_plain { text.into_any() } else { dressed(text, style) }}
            </mark>
        }
        .into_any(),
    }
}

fn dressed(text: String, style: Style) -> AnyView {
    let (colour, background) = style.colours();
    view! {
        <span class=style.classes() style:color=colour style:background-color=background>{text}</span>
    }
    .into_any()
}
