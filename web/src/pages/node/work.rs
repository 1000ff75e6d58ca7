//! What belongs to the node and what it does.

use std::sync::Arc;

use leptos::prelude::*;
use shared::{
    api::work::{NodeWork, WORK_MAX},
    id::JobPath,
    time::Time,
};

use super::NodeWords;
use crate::{
    locale::count,
    parts::{
        state::StateBadge,
        when::{Ago, Elapsed},
    },
    words::say,
};

#[component]
pub fn JobLink(job: JobPath) -> impl IntoView {
    view! { <a href=format!("/jobs/{}/{}", job.namespace, job.name)>{job.to_string()}</a> }
}

#[component]
pub fn Running(work: Signal<Arc<NodeWork>>) -> impl IntoView {
    let w = say::<NodeWords>();
    let runs = Memo::new(move |_| work.with(|w| (w.runs_count, w.runs.clone())));
    let all = Memo::new(move |_| work.with(|w| format!("/runs?node={}", w.node.id)));
    view! {
        <section class="card">
            <header>
                <h2>{move || fill!(w.running, n = count(runs.get().0.into()))}</h2>
                <a href=all>{w.all_runs}</a>
            </header>
            {move || {
                let (_, runs) = runs.get();
                if runs.is_empty() {
                    return view! { <p class="body muted">{w.running_none}</p> }.into_any();
                }
                let shown = runs.len();
                let rows = runs.into_iter().map(|run| view! {
                    <tr>
                        <td><a href=format!("/runs/{}", run.id)><StateBadge state=run.state /></a></td>
                        <td><JobLink job=run.job /></td>
                        <td class="number">{run.started_at.map(|since| view! { <Elapsed since /> })}</td>
                    </tr>
                });
                view! {
                    <table>
                        <thead><tr><th>{say::<crate::pages::nodes::NodesWords>().state}</th><th>{w.job}</th><th class="number">{w.since}</th></tr></thead>
                        <tbody>{rows.collect_view()}</tbody>
                    </table>
                    <OnlyFirst shown />
                }
                .into_any()
            }}
        </section>
    }
}

#[component]
pub fn Slots(work: Signal<Arc<NodeWork>>) -> impl IntoView {
    let w = say::<NodeWords>();
    let slots = Memo::new(move |_| work.with(|w| (w.slots_count, w.slots.clone())));
    view! {
        <section class="card">
            <header><h2>{move || fill!(w.slots, n = count(slots.get().0.into()))}</h2></header>
            {move || {
                let (_, slots) = slots.get();
                if slots.is_empty() {
                    return view! { <p class="body muted">{w.slots_none}</p> }.into_any();
                }
                let shown = slots.len();
                let rows = slots.into_iter().map(|slot| view! {
                    <tr>
                        <td><JobLink job=slot.job /></td>
                        <td class="number">
                            {(slot.of > 1).then(|| fill!(w.slot_of, slot = slot.slot + 1, of = slot.of))}
                        </td>
                        <td class="number"><Next at=slot.next /></td>
                    </tr>
                });
                view! {
                    <table>
                        <thead><tr><th>{w.job}</th><th class="number">{w.slot}</th><th class="number">{w.next}</th></tr></thead>
                        <tbody>{rows.collect_view()}</tbody>
                    </table>
                    <OnlyFirst shown />
                }
                .into_any()
            }}
        </section>
    }
}

#[component]
pub fn Everywhere(work: Signal<Arc<NodeWork>>) -> impl IntoView {
    let w = say::<NodeWords>();
    let jobs = Memo::new(move |_| work.with(|w| (w.everywhere_count, w.everywhere.clone())));
    view! {
        <section class="card">
            <header><h2>{move || fill!(w.everywhere, n = count(jobs.get().0.into()))}</h2></header>
            {move || {
                let (_, jobs) = jobs.get();
                if jobs.is_empty() {
                    return view! { <p class="body muted">{w.everywhere_none}</p> }.into_any();
                }
                let shown = jobs.len();
                let rows = jobs.into_iter().map(|job| view! {
                    <tr><td><JobLink job=job.job /></td><td class="number"><Next at=job.next /></td></tr>
                });
                view! {
                    <table>
                        <thead><tr><th>{w.job}</th><th class="number">{w.next}</th></tr></thead>
                        <tbody>{rows.collect_view()}</tbody>
                    </table>
                    <OnlyFirst shown />
                }
                .into_any()
            }}
        </section>
    }
}

#[component]
fn Next(at: Option<Time>) -> impl IntoView {
    match at {
        Some(at) => view! { <Ago at /> }.into_any(),
        None => view! { <span class="muted">{say::<NodeWords>().none}</span> }.into_any(),
    }
}

#[component]
fn OnlyFirst(shown: usize) -> impl IntoView {
    (shown >= WORK_MAX).then(|| {
        let text = fill!(say::<NodeWords>().only_first, n = count(shown as u64));
        view! { <p class="body muted">{text}</p> }
    })
}
