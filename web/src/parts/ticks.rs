//! The last outcomes of a job as ticks: its pulse. A failure is taller, so that it is told
//! without its colour.

use leptos::prelude::*;
use shared::run::State;

use super::{
    PartWords,
    state::{Tone, name, tone},
};
use crate::words::say;

/// Oldest first.
#[component]
pub fn Ticks(outcomes: Vec<State>, #[prop(default = 20)] of: usize) -> impl IntoView {
    const STEP: usize = 5;
    let label = label(&outcomes);
    let from = of.saturating_sub(outcomes.len());
    let bars = outcomes.into_iter().enumerate().map(move |(i, state)| {
        let tone = tone(state);
        let height = if matches!(tone, Tone::Good | Tone::Quiet) {
            9
        } else {
            16
        };
        view! {
            <rect x=((from + i) * STEP).to_string() y=(16 - height).to_string()
                width="3" height=height.to_string() rx="1" data-tone=tone.as_str() />
        }
    });
    view! {
        <svg class="ticks" role="img" aria-label=label.clone() width=(of * STEP).to_string() height="16">
            <title>{label.clone()}</title>
            {bars.collect_view()}
        </svg>
    }
}

/// `18 succeeded, 2 failed`
fn label(outcomes: &[State]) -> String {
    if outcomes.is_empty() {
        return say::<PartWords>().no_runs.into();
    }
    let told = State::ALL.into_iter().filter_map(|state| {
        let n = outcomes.iter().filter(|o| **o == state).count();
        (n > 0).then(|| format!("{n} {}", name(state)))
    });
    told.collect::<Vec<_>>().join(", ")
}
