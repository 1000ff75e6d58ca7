//! A run's state: a picture, a colour and a word, never the colour alone.

use shared::run::State;

use super::{
    PartWords,
    icon::{Glyph, Icon},
};
use crate::{prelude::*, words::say};

/// What a state means to who looks at it: one colour for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Good,
    Bad,
    Warning,
    Busy,
    Quiet,
}

impl Tone {
    pub const ALL: [Tone; 5] = [Tone::Good, Tone::Bad, Tone::Warning, Tone::Busy, Tone::Quiet];

    /// As in `data-tone`, which the style sheet colours.
    pub fn as_str(self) -> &'static str {
        match self {
            Tone::Good => "good",
            Tone::Bad => "bad",
            Tone::Warning => "warning",
            Tone::Busy => "busy",
            Tone::Quiet => "quiet",
        }
    }
}

pub fn tone(state: State) -> Tone {
    match state {
        State::Succeeded => Tone::Good,
        State::Failed | State::TimedOut | State::Rejected => Tone::Bad,
        State::Missed | State::Lost | State::Killed => Tone::Warning,
        State::Running => Tone::Busy,
        State::Pending | State::Queued | State::Skipped => Tone::Quiet,
    }
}

pub fn glyph(state: State) -> Glyph {
    match state {
        State::Pending => Glyph::Clock,
        State::Queued => Glyph::Hourglass,
        State::Running => Glyph::Play,
        State::Succeeded => Glyph::Check,
        State::Failed => Glyph::Cross,
        State::TimedOut => Glyph::Hourglass,
        State::Killed => Glyph::Stop,
        State::Skipped => Glyph::Skip,
        State::Missed => Glyph::Warning,
        State::Rejected => Glyph::Forbidden,
        State::Lost => Glyph::Question,
    }
}

/// The state's word in the viewer's language.
pub fn name(state: State) -> &'static str {
    let w = say::<PartWords>();
    match state {
        State::Pending => w.pending,
        State::Queued => w.queued,
        State::Running => w.running,
        State::Succeeded => w.succeeded,
        State::Failed => w.failed,
        State::TimedOut => w.timed_out,
        State::Killed => w.killed,
        State::Skipped => w.skipped,
        State::Missed => w.missed,
        State::Rejected => w.rejected,
        State::Lost => w.lost,
    }
}

/// The state as a badge.
#[component]
pub fn StateBadge(state: State) -> impl IntoView {
    view! { <Badge tone=tone(state) glyph=glyph(state) text=name(state) /> }
}

/// Any fact as a badge.
#[component]
pub fn Badge(tone: Tone, glyph: Glyph, #[prop(into)] text: String) -> impl IntoView {
    view! {
        <span class="badge" data-tone=tone.as_str()><Icon glyph />{text}</span>
    }
}
