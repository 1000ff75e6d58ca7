//! What runs now, each run's time against the usual one.

use leptos::prelude::*;
use shared::api::overview::{RUNNING_MAX, RunningRun};

use super::words::OverviewWords;
use crate::{
    clock,
    locale::{count, millis},
    parts::{
        icon::{Glyph, Icon},
        when::Elapsed,
    },
    words::say,
};

/// How many are listed before the rest are counted.
const LISTED: usize = 12;

#[component]
pub fn RunningCard(runs: Vec<RunningRun>, running: u32, queued: u32) -> impl IntoView {
    let w = say::<OverviewWords>();
    let is_none = runs.is_empty();
    let is_cut = runs.len() > LISTED || running as usize > RUNNING_MAX;
    let rows = runs.into_iter().take(LISTED).map(|run| view! { <RunLine run /> });
    view! {
        <section class="card" aria-label=w.running>
            <header>
                <h2>{w.running}</h2>
                <a href="/runs?state=running,queued" class="number">
                    {fill!(w.running_n, n = count(running.into()), queued = count(queued.into()))}
                </a>
            </header>
            {is_none.then(|| view! { <p class="body muted">{w.running_none}</p> })}
            <ul class="running">{rows.collect_view()}</ul>
            {is_cut.then(|| view! { <p class="body muted">{fill!(w.running_more, n = LISTED)}</p> })}
        </section>
    }
}

#[component]
fn RunLine(run: RunningRun) -> impl IntoView {
    let w = say::<OverviewWords>();
    let now = clock::ticking();
    let (started, usual) = (run.started_at.unwrap_or(run.scheduled_at), run.usual_ms);
    let share = move || {
        let elapsed = now.get().since(started).as_millis() as f64;
        usual.map(|usual| elapsed / usual.max(1) as f64)
    };
    // Twice the usual time is what an operator would want to know of.
    let is_long = Memo::new(move |_| share().is_some_and(|share| share > 2.0));
    let width = move || format!("{:.1}%", share().unwrap_or(0.0).min(1.0) * 100.0);
    view! {
        <li data-tone=move || if is_long.get() { "warning" } else { "busy" }>
            <div class="running-line">
                <a href=format!("/runs/{}", run.id)>{run.job.to_string()}</a>
                <span class="muted">{run.node.to_string()}</span>
                <Elapsed since=started />
            </div>
            <div class="running-bar" aria-hidden="true"><span style:width=width></span></div>
            <small class="muted">
                {match usual {
                    Some(usual) => fill!(w.usual, usual = millis(usual)),
                    None => w.usual_unknown.to_owned(),
                }}
                <Show when=move || is_long.get()>" · " <Icon glyph=Glyph::Warning />{w.longer}</Show>
            </small>
        </li>
    }
}
