//! What belongs to the node and what it does.

use std::sync::Arc;

use shared::{
    api::work::{NodeJob, NodeSlot, NodeWork, WORK_MAX},
    history::RunView,
    id::JobPath,
    time::Time,
};

use super::NodeWords;
use crate::{
    address,
    browser::lowered,
    locale::count,
    pages::nodes::NodesWords,
    parts::{
        search::SearchBox,
        state::StateBadge,
        when::{Ago, Elapsed},
    },
    prelude::*,
    words::say,
};

#[component]
pub fn JobLink(job: JobPath) -> impl IntoView {
    view! { <a href=format!("/jobs/{}/{}", job.namespace, job.name)>{job.to_string()}</a> }
}

#[component]
pub fn Running(work: Signal<Arc<NodeWork>>) -> impl IntoView {
    let w = say::<NodeWords>();
    let runs = Memo::new(move |_| work.with(|w| w.runs.clone()));
    let all = move || {
        let href = work.with(|w| format!("/runs?node={}", w.node.id));
        view! { <a href=href>{w.all_runs}</a> }
    };
    let row = |run: RunView| {
        view! {
            <tr>
                <td><a href=address::of_run(run.id)><StateBadge state=run.state /></a></td>
                <td><JobLink job=run.job /></td>
                <td class="number">{run.started_at.map(|since| view! { <Elapsed since /> })}</td>
            </tr>
        }
        .into_any()
    };
    let columns = vec![
        (say::<NodesWords>().state, false),
        (w.job, false),
        (w.since, true),
    ];
    let title = move || fill!(w.running, n = count(work.with(|w| w.runs_count).into()));
    view! {
        <Listed title=Signal::derive(title) beside=all columns items=runs job=|run: &RunView| &run.job row none=w.running_none />
    }
}

#[component]
pub fn Slots(work: Signal<Arc<NodeWork>>) -> impl IntoView {
    let w = say::<NodeWords>();
    let slots = Memo::new(move |_| work.with(|w| w.slots.clone()));
    let row = move |slot: NodeSlot| {
        let which = (slot.of > 1).then(|| fill!(w.slot_of, slot = slot.slot + 1, of = slot.of));
        view! {
            <tr>
                <td><JobLink job=slot.job /></td>
                <td class="number">{which}</td>
                <td class="number"><Next at=slot.next /></td>
            </tr>
        }
        .into_any()
    };
    let columns = vec![(w.job, false), (w.slot, true), (w.next, true)];
    let title = move || fill!(w.slots, n = count(work.with(|w| w.slots_count).into()));
    view! {
        <Listed title=Signal::derive(title) columns items=slots job=|slot: &NodeSlot| &slot.job row none=w.slots_none />
    }
}

#[component]
pub fn Everywhere(work: Signal<Arc<NodeWork>>) -> impl IntoView {
    let w = say::<NodeWords>();
    let jobs = Memo::new(move |_| work.with(|w| w.everywhere.clone()));
    let row = |job: NodeJob| {
        view! {
            <tr><td><JobLink job=job.job /></td><td class="number"><Next at=job.next /></td></tr>
        }
        .into_any()
    };
    let columns = vec![(w.job, false), (w.next, true)];
    let title = move || fill!(w.everywhere, n = count(work.with(|w| w.everywhere_count).into()));
    view! {
        <Listed title=Signal::derive(title) columns items=jobs job=|job: &NodeJob| &job.job row none=w.everywhere_none />
    }
}

/// More than these are worth a search.
const SEARCHED: usize = 12;

/// A card with a table that scrolls, or with what is said where there is nothing.
#[component]
fn Listed<T: Clone + PartialEq + Send + Sync + 'static>(
    title: Signal<String>,
    /// Beside the title.
    #[prop(optional, into)]
    beside: Option<ViewFn>,
    /// Each column's name, and whether it holds numbers.
    columns: Vec<(&'static str, bool)>,
    items: Memo<Vec<T>>,
    /// By whose name an item is found.
    job: fn(&T) -> &JobPath,
    row: impl Fn(T) -> AnyView + Copy + Send + Sync + 'static,
    none: &'static str,
) -> impl IntoView {
    let w = say::<NodeWords>();
    let q = RwSignal::new(String::new());
    let n = Memo::new(move |_| items.with(Vec::len));
    let is_searched = Memo::new(move |_| n.get() > SEARCHED || !q.with(String::is_empty));
    let found = Memo::new(move |_| {
        let q = lowered(&q.get());
        let is_found = |item: &&T| lowered(&job(item).to_string()).contains(q.trim());
        items.with(|items| items.iter().filter(is_found).cloned().collect::<Vec<T>>())
    });
    let table = move || {
        let head = |(name, is_number): (&'static str, bool)| view! { <th class:number=is_number>{name}</th> };
        let heads = columns.clone().into_iter().map(head).collect_view();
        view! {
            <div class="node-table" tabindex="0">
                <table>
                    <thead><tr>{heads}</tr></thead>
                    <tbody>{move || found.get().into_iter().map(row).collect_view()}</tbody>
                </table>
            </div>
            <Show when=move || found.with(Vec::is_empty)><p class="body muted">{w.none_found}</p></Show>
        }
    };
    let is_none = Memo::new(move |_| n.get() == 0);
    view! {
        <section class="card">
            <header>
                <h2>{title}</h2>
                <Show when=move || is_searched.get()>
                    <SearchBox value=q set=move |typed| q.set(typed) placeholder=w.search />
                </Show>
                {beside.map(|beside| move || beside.run())}
            </header>
            {move || match is_none.get() {
                true => view! { <p class="body muted">{none}</p> }.into_any(),
                false => table().into_any(),
            }}
            <Show when=move || { n.get() >= WORK_MAX }>
                <p class="body muted">{fill!(w.only_first, n = count(WORK_MAX as u64))}</p>
            </Show>
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
