//! A run's output as it comes: pieces (`feed`) become lines (`log`, `line`, `escape`, `style`),
//! which are looked through (`find`), laid out (`layout`) and drawn, those in sight alone
//! (`viewer`, `rows`, `pieces`), with what one can do about it above (`bar`).

mod style;
mod escape;
mod line;
mod log;
mod find;
mod layout;
mod pieces;
mod viewer;
mod feed;
mod bar;
mod rows;
mod words;

use shared::{history::RunView, id::RunId, run::State};

use crate::{
    locale::{self, clock_time, count, exact, size},
    parts::{
        feedback::{Failed, Loading},
        icon::{Glyph, Icon},
    },
    prelude::*,
    router::router,
    words::say,
};
use bar::Bar;
pub use bar::file_name;
use feed::{Feed, FeedState};
use rows::Rows;
use viewer::Viewer;
use words::OutputWords;

/// What of the run matters to its output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputFacts {
    pub state: State,
    /// What the process wrote, and what of it is not kept.
    pub bytes: u64,
    pub dropped: u64,
    pub has_started: bool,
}

impl OutputFacts {
    pub fn of(run: &RunView) -> OutputFacts {
        OutputFacts {
            state: run.state,
            bytes: run.output.bytes,
            dropped: run.output.dropped,
            has_started: run.started_at.is_some(),
        }
    }
}

/// `name` is what the file is called when it is downloaded.
#[component]
pub fn Output(
    id: RunId,
    name: String,
    #[prop(into)] facts: Signal<OutputFacts>,
    ended: Callback<()>,
) -> impl IntoView {
    let w = say::<OutputWords>();
    let viewer = Viewer::new();
    let feed = Feed::new(id, viewer, ended);
    let linked = linked_line();
    let is_end = Memo::new(move |_| facts.get().state.is_end());
    viewer
        .is_followed
        .set(!is_end.get_untracked() && linked.get_untracked().is_none());

    // A run that was lost may be found to go on; what an agent still had may come later.
    let bytes = Memo::new(move |_| facts.get().bytes);
    Effect::new(move |_| {
        bytes.track();
        match (is_end.get(), feed.state.get_untracked()) {
            (false, _) => feed.follow(),
            (true, FeedState::Loading | FeedState::Complete) => feed.load(),
            // The stream brings what is left, and says when that was all.
            (true, _) => {}
        }
    });
    // A link to a line: once it is there.
    let is_gone_to = StoredValue::new(false);
    Effect::new(move |_| {
        viewer.shape.track();
        if let Some(line) = linked.get()
            && !is_gone_to.get_value()
            && viewer.with_log(|log| log.numbers().1 > line)
        {
            is_gone_to.set_value(true);
            request_animation_frame(move || viewer.go_to(line));
        }
    });
    let is_empty = Memo::new(move |_| {
        viewer.shape.track();
        viewer.with_log(log::Log::is_empty)
    });
    let is_filtered_out = Memo::new(move |_| !is_empty.get() && viewer.height() == 0.0);
    view! {
        <section class="output card" aria-label=w.output>
            <Bar viewer id name />
            <Notices viewer facts />
            {move || match (feed.state.get(), is_empty.get()) {
                (FeedState::Failed(failure), _) => {
                    view! { <div class="output-note"><Failed failure retry=move || feed.load() /></div> }.into_any()
                }
                (FeedState::Loading, true) => view! { <Loading lines=4 /> }.into_any(),
                (_, true) => {
                    let facts = facts.get();
                    let text = match (is_end.get(), facts.has_started) {
                        (false, _) => w.none_yet,
                        (true, true) => w.none,
                        (true, false) => w.none_ever,
                    };
                    view! { <p class="output-empty">{text}</p> }.into_any()
                }
                (_, false) => ().into_any(),
            }}
            {move || is_filtered_out.get().then(|| view! { <p class="output-empty">{w.filtered_out}</p> })}
            <Rows viewer linked dropped=Signal::derive(move || facts.get().dropped) />
            <Foot viewer feed />
        </section>
    }
}

/// The line that the address names: `#L120` is the 120th.
fn linked_line() -> Memo<Option<u64>> {
    let hash = router().hash;
    Memo::new(move |_| hash.with(|hash| line_of(hash)))
}

fn line_of(hash: &str) -> Option<u64> {
    let number: u64 = hash.trim_start_matches('#').strip_prefix('L')?.parse().ok()?;
    number.checked_sub(1)
}

/// What must be known to read what is shown.
#[component]
fn Notices(viewer: Viewer, facts: Signal<OutputFacts>) -> impl IntoView {
    let w = say::<OutputWords>();
    let told = Memo::new(move |_| {
        viewer.shape.track();
        let facts = facts.get();
        let (first, is_binary) = viewer.with_log(|log| (log.numbers().0, log.looks_binary()));
        let dropped = (facts.dropped > 0)
            .then(|| fill!(w.dropped, size = size(facts.dropped), all = size(facts.bytes)));
        let forgotten = (first > 0).then(|| fill!(w.forgotten, n = count(first)));
        [dropped, forgotten, is_binary.then(|| w.binary.to_owned())]
    });
    move || {
        let told = told.get().into_iter().flatten();
        told.map(|text| view! { <p class="output-note"><Icon glyph=Glyph::Warning />{text}</p> })
            .collect_view()
    }
}

/// How much there is, and whether that is all.
#[component]
fn Foot(viewer: Viewer, feed: Feed) -> impl IntoView {
    let w = say::<OutputWords>();
    let lines = Memo::new(move |_| {
        viewer.shape.track();
        viewer.with_log(|log| log.numbers().1)
    });
    view! {
        <footer class="output-foot" data-state=move || match feed.state.get() {
            FeedState::Live => "live",
            FeedState::Lost { .. } | FeedState::Trouble(_) => "lost",
            _ => "quiet",
        }>
            <span class="number">{move || fill!(w.lines, n = count(lines.get()))}</span>
            <span role="status">{move || match feed.state.get() {
                FeedState::Loading => view! { <span>{w.loading}</span> }.into_any(),
                FeedState::Live => view! { <span class="output-live">{w.live}</span> }.into_any(),
                FeedState::Lost { since } => {
                    let zone = locale::zone();
                    view! { <strong title=exact(since, zone)>{fill!(w.lost, at = clock_time(since, zone))}</strong> }.into_any()
                }
                FeedState::Trouble(why) => view! { <strong>{fill!(w.trouble, why = why)}</strong> }.into_any(),
                FeedState::Complete => view! { <span>{w.complete}</span> }.into_any(),
                FeedState::Failed(_) => ().into_any(),
            }}</span>
        </footer>
    }
}

#[cfg(test)]
mod tests {
    use super::line_of;

    #[test]
    fn addresses_name_lines() {
        assert_eq!(line_of("#L1"), Some(0));
        assert_eq!(line_of("L120"), Some(119));
        for none in ["", "#", "#L", "#L0", "#x", "#L-1", "#L99999999999999999999"] {
            assert_eq!(line_of(none), None, "{none}");
        }
    }
}
