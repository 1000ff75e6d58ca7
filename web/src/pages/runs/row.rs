//! A run as a row.

use shared::{history::RunView, run::Cause};

use super::{
    list::{Among, Row},
    words::RunsWords,
};
use crate::{
    api::path,
    clock,
    locale::{self, clock_time, count, duration, exact, short_time},
    parts::{
        reason::{cause_name, reason_text},
        state::StateBadge,
        when::{At, Elapsed},
    },
    prelude::*,
    words::say,
};

#[component]
pub fn RunRow(row: Row, place: Signal<usize>) -> impl IntoView {
    let w = say::<RunsWords>();
    let Row { run, among, is_new } = row;
    let among = match among {
        Among::Alone => "alone",
        Among::Last => "last",
        Among::Middle => "middle",
        Among::First => "first",
    };
    let href = format!("/runs/{}", run.id);
    let zone = locale::zone();
    let label = fill!(
        w.open_run,
        job = run.job,
        at = short_time(run.scheduled_at, clock::now(), zone)
    );
    let reason = reason_text(&run);
    let (namespace, name) = (format!("{}/", run.job.namespace), run.job.name.to_string());
    view! {
        <div class="runs-row" role="row" aria-rowindex=move || (place.get() + 2).to_string()
            class:is-new=is_new data-among=among data-run=run.id.to_string()>
            <div role="cell" class="is-state"><StateBadge state=run.state /></div>
            <div role="cell" class="is-name">
                <a href=href aria-label=label title=run.job.to_string()>
                    <span class="muted">{namespace}</span><span class="runs-name">{name}</span>
                </a>
            </div>
            <div role="cell" class="is-scheduled number">
                <At at=run.scheduled_at />
                {run.range.map(|range| view! {
                    " " <small class="muted" title=exact(range.until, zone)>{fill!(w.times, n = count(range.count))}</small>
                })}
            </div>
            <div role="cell" class="is-started number">{started(&run)}</div>
            <div role="cell" class="is-duration number">{took(&run)}</div>
            <div role="cell" class="is-place">
                <a href=path("/nodes/{}", &[&run.node])>{run.node.to_string()}</a>
                {run.slot.filter(|slot| *slot > 0).map(|slot| view! { <small class="muted">" · " {fill!(w.slot, n = slot)}</small> })}
            </div>
            <div role="cell" class="is-attempt number" title=fill!(w.attempt_of, n = run.attempt)>
                {if run.attempt > 1 || among != "alone" { run.attempt.to_string() } else { "–".into() }}
            </div>
            <div role="cell" class="is-cause">{cause_name(run.cause)}</div>
            <div role="cell" class="is-reason" title=reason.clone()>{reason.clone()}</div>
        </div>
    }
}

/// When it started, and how late that was.
fn started(run: &RunView) -> AnyView {
    let w = say::<RunsWords>();
    let Some(at) = run.started_at else {
        return view! { <span class="muted">"–"</span> }.into_any();
    };
    let zone = locale::zone();
    let late = at.since(run.scheduled_at);
    // Later attempts are late by design.
    let is_late = run.cause == Cause::Schedule && late.as_secs() >= 5;
    view! {
        <time datetime=at.to_string() title=exact(at, zone)>{clock_time(at, zone)}</time>
        " " <small class="runs-late" class:is-late=is_late>{fill!(w.late, n = duration(late))}</small>
    }
    .into_any()
}

fn took(run: &RunView) -> AnyView {
    match (run.started_at, run.finished_at) {
        (Some(from), Some(to)) => duration(to.since(from)).into_any(),
        (Some(from), None) if !run.state.is_end() => view! { <Elapsed since=from /> }.into_any(),
        _ => view! { <span class="muted">"–"</span> }.into_any(),
    }
}
