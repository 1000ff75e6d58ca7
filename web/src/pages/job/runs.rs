//! The newest runs.

use std::sync::Arc;

use shared::{
    api::{JobView, Page},
    history::RunView,
    run::{Cause, State},
};

use super::words::JobWords;
use crate::{
    address,
    locale::{count, duration},
    parts::{
        feedback::Empty,
        reason::{cause_name, reason_text},
        state::StateBadge,
        when::{At, Elapsed},
    },
    prelude::*,
    words::say,
};

#[component]
pub fn RecentRuns(runs: Signal<Arc<Page<RunView>>>, view: Signal<Arc<JobView>>) -> impl IntoView {
    let w = say::<JobWords>();
    move || {
        let runs = runs.get();
        if runs.items.is_empty() {
            return view! { <Empty title=w.no_history><p>{w.no_history_about}</p></Empty> }.into_any();
        }
        let has_slots = view.with(|view| has_slots(view));
        let rows = runs.items.iter().map(|run| line(run, has_slots));
        let rows = rows.collect_view();
        view! {
            <table class="job-runs">
                <thead>
                    <tr>
                        <th>{w.state}</th><th>{w.scheduled}</th><th class="number">{w.duration}</th>
                        <th>{w.node}</th><th>{w.reason}</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        }
        .into_any()
    }
}

/// Whether it is worth saying which slot a run was of.
pub fn has_slots(view: &JobView) -> bool {
    view.spec.target.place.slots().is_some_and(|n| n > 1)
}

pub fn line(run: &RunView, has_slots: bool) -> impl IntoView + use<> {
    let w = say::<JobWords>();
    let mut place = String::new();
    if let Some(slot) = run.slot.filter(|_| has_slots) {
        place.push_str(&format!(" · {}", fill!(w.slot, n = slot)));
    }
    if run.attempt > 1 {
        place.push_str(&format!(" · {}", fill!(w.attempt, n = run.attempt)));
    }
    let took = match (run.state, run.started_at, run.finished_at) {
        (State::Running, Some(started), _) => view! { <Elapsed since=started /> }.into_any(),
        (_, Some(started), Some(finished)) => duration(finished.since(started)).into_any(),
        _ => view! { <span class="muted">"–"</span> }.into_any(),
    };
    let reason = reason_text(run);
    let title = reason.clone();
    let cause = (run.cause != Cause::Schedule).then(|| cause_name(run.cause));
    let instants = run.range.map(|range| fill!(w.instants, n = count(range.count)));
    view! {
        <tr>
            <td><a href=address::of_run(run.id)><StateBadge state=run.state /></a></td>
            <td class="nowrap"><a class="job-when" href=address::of_run(run.id)><At at=run.scheduled_at /></a>
                {cause.map(|said| view! { <small class="muted">" · "{said}</small> })}
                {instants.map(|said| view! { <small class="muted">" · "{said}</small> })}</td>
            <td class="number">{took}</td>
            <td class="nowrap">
                <a href=crate::api::path("/nodes/{}", &[&run.node])>{run.node.to_string()}</a>
                <span class="muted">{place}</span>
            </td>
            <td class="job-reason" title=title>{reason}</td>
        </tr>
    }
}
