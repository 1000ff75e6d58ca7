//! The newest runs.

use std::sync::Arc;

use leptos::prelude::*;
use shared::{api::Page, history::RunView, run::State};

use super::words::JobWords;
use crate::{
    locale::{count, duration},
    parts::{
        feedback::Empty,
        reason::{cause_name, reason_text},
        state::StateBadge,
        when::{At, Elapsed},
    },
    words::say,
};

#[component]
pub fn RecentRuns(runs: Signal<Arc<Page<RunView>>>) -> impl IntoView {
    let w = say::<JobWords>();
    move || {
        let runs = runs.get();
        if runs.items.is_empty() {
            return view! { <Empty title=w.no_history><p>{w.no_history_about}</p></Empty> }.into_any();
        }
        let rows = runs.items.iter().map(line).collect_view();
        view! {
            <table class="job-runs">
                <thead>
                    <tr>
                        <th>{w.state}</th><th>{w.scheduled}</th><th class="number">{w.duration}</th>
                        <th>{w.node}</th><th>{w.cause}</th><th>{w.reason}</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        }
        .into_any()
    }
}

pub fn line(run: &RunView) -> impl IntoView + use<> {
    let w = say::<JobWords>();
    let mut place = String::new();
    if let Some(slot) = run.slot {
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
    let instants = run
        .range
        .map(|range| fill!(w.instants, n = count(range.count.into())));
    view! {
        <tr>
            <td><a href=format!("/runs/{}", run.id)><StateBadge state=run.state /></a></td>
            <td class="nowrap"><a class="job-when" href=format!("/runs/{}", run.id)><At at=run.scheduled_at /></a>
                {instants.map(|said| view! { <small class="muted">" · "{said}</small> })}</td>
            <td class="number">{took}</td>
            <td class="nowrap">
                <a href=crate::api::path("/nodes/{}", &[&run.node])>{run.node.to_string()}</a>
                <span class="muted">{place}</span>
            </td>
            <td class="muted nowrap">{cause_name(run.cause)}</td>
            <td class="job-reason" title=title>{reason}</td>
        </tr>
    }
}
