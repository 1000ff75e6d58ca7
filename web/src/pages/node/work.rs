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
    pages::nodes::NodesWords,
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
    let all = move || {
        let href = work.with(|w| format!("/runs?node={}", w.node.id));
        view! { <a href=href>{w.all_runs}</a> }
    };
    let rows = move || {
        let rows = runs.get().1.into_iter().map(|run| {
            view! {
                <tr>
                    <td><a href=format!("/runs/{}", run.id)><StateBadge state=run.state /></a></td>
                    <td><JobLink job=run.job /></td>
                    <td class="number">{run.started_at.map(|since| view! { <Elapsed since /> })}</td>
                </tr>
            }
            .into_any()
        });
        rows.collect::<Vec<_>>()
    };
    let columns = vec![
        (say::<NodesWords>().state, false),
        (w.job, false),
        (w.since, true),
    ];
    let title = move || fill!(w.running, n = count(runs.get().0.into()));
    view! { <Listed title=Signal::derive(title) beside=all columns rows=Callback::from(rows) none=w.running_none /> }
}

#[component]
pub fn Slots(work: Signal<Arc<NodeWork>>) -> impl IntoView {
    let w = say::<NodeWords>();
    let slots = Memo::new(move |_| work.with(|w| (w.slots_count, w.slots.clone())));
    let rows = move || {
        let rows = slots.get().1.into_iter().map(|slot| {
            let which = (slot.of > 1).then(|| fill!(w.slot_of, slot = slot.slot + 1, of = slot.of));
            view! {
                <tr>
                    <td><JobLink job=slot.job /></td>
                    <td class="number">{which}</td>
                    <td class="number"><Next at=slot.next /></td>
                </tr>
            }
            .into_any()
        });
        rows.collect::<Vec<_>>()
    };
    let columns = vec![(w.job, false), (w.slot, true), (w.next, true)];
    let title = move || fill!(w.slots, n = count(slots.get().0.into()));
    view! { <Listed title=Signal::derive(title) columns rows=Callback::from(rows) none=w.slots_none /> }
}

#[component]
pub fn Everywhere(work: Signal<Arc<NodeWork>>) -> impl IntoView {
    let w = say::<NodeWords>();
    let jobs = Memo::new(move |_| work.with(|w| (w.everywhere_count, w.everywhere.clone())));
    let rows = move || {
        let rows = jobs.get().1.into_iter().map(|job| {
            view! {
                <tr><td><JobLink job=job.job /></td><td class="number"><Next at=job.next /></td></tr>
            }
            .into_any()
        });
        rows.collect::<Vec<_>>()
    };
    let columns = vec![(w.job, false), (w.next, true)];
    let title = move || fill!(w.everywhere, n = count(jobs.get().0.into()));
    view! { <Listed title=Signal::derive(title) columns rows=Callback::from(rows) none=w.everywhere_none /> }
}

/// A card with a table, or with what is said where there is nothing.
#[component]
fn Listed(
    title: Signal<String>,
    /// Beside the title.
    #[prop(optional, into)]
    beside: Option<ViewFn>,
    /// Each column's name, and whether it holds numbers.
    columns: Vec<(&'static str, bool)>,
    rows: Callback<(), Vec<AnyView>>,
    none: &'static str,
) -> impl IntoView {
    let w = say::<NodeWords>();
    let heads = move || {
        let head = |(name, is_number): (&'static str, bool)| view! { <th class:number=is_number>{name}</th> };
        columns.clone().into_iter().map(head).collect_view()
    };
    view! {
        <section class="card">
            <header><h2>{title}</h2>{beside.map(|beside| move || beside.run())}</header>
            {move || {
                let rows = rows.run(());
                if rows.is_empty() {
                    return view! { <p class="body muted">{none}</p> }.into_any();
                }
                let is_cut = rows.len() >= WORK_MAX;
                view! {
                    <table>
                        <thead><tr>{heads()}</tr></thead>
                        <tbody>{rows}</tbody>
                    </table>
                    {is_cut.then(|| view! { <p class="body muted">{fill!(w.only_first, n = count(WORK_MAX as u64))}</p> })}
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
