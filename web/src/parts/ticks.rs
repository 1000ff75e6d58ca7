//! The last outcomes of a job as ticks: its pulse. A failure is taller, so that it is told
//! without its colour.

use shared::run::State;

use super::{
    PartWords,
    state::{Tone, name, tone},
};
use crate::{prelude::*, words::say};

/// Oldest first.
#[component]
pub fn Ticks(outcomes: Vec<State>, #[prop(default = 20)] of: usize) -> impl IntoView {
    let label = label(&outcomes);
    let from = of.saturating_sub(outcomes.len());
    let paths = paths(&outcomes, from)
        .map(|(tone, path)| view! { <path d=path data-tone=tone.as_str() /> })
        .collect_view();
    view! {
        <svg class="ticks" role="img" aria-label=label.clone() width=(of * STEP).to_string() height=HEIGHT.to_string()>
            <title>{label.clone()}</title>
            {paths}
        </svg>
    }
}

const STEP: usize = 5;
const HEIGHT: usize = 16;

/// One outline for all ticks of a tone: a list of jobs has hundreds of them.
fn paths(outcomes: &[State], from: usize) -> impl Iterator<Item = (Tone, String)> {
    let path = |of: Tone| {
        let ticks = outcomes
            .iter()
            .enumerate()
            .filter(move |(_, state)| tone(**state) == of);
        let height = if matches!(of, Tone::Good | Tone::Quiet) {
            9
        } else {
            HEIGHT
        };
        let path: String = ticks
            .map(|(i, _)| format!("M{} {}h3v{height}h-3z", (from + i) * STEP, HEIGHT - height))
            .collect();
        (of, path)
    };
    Tone::ALL
        .map(path)
        .into_iter()
        .filter(|(_, path)| !path.is_empty())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_of_a_tone_are_one_outline() {
        let outcomes = [State::Succeeded, State::Failed, State::Succeeded];
        let all: Vec<_> = paths(&outcomes, 17).collect();
        let good = "M85 7h3v9h-3zM95 7h3v9h-3z".to_owned();
        assert_eq!(
            all,
            [(Tone::Good, good), (Tone::Bad, "M90 0h3v16h-3z".to_owned())]
        );
        assert_eq!(paths(&[], 20).count(), 0);
    }
}
