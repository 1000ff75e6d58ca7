//! One node: what it is, what it owns, what runs there, how far it is emptied.

mod facts;
mod labels;
mod work;
mod words;

use std::sync::Arc;

use shared::{
    api::{
        Changed, NodeView,
        work::{Drain, NodeWork},
    },
    id::NodeId,
};

use super::nodes::{NodesWords, actions::NodeActions, list::name};
use crate::{
    api,
    parts::{
        feedback::{Empty, shown},
        page::Page,
    },
    prelude::*,
    remote::remote,
    router::page_values,
    words::say,
};
use facts::Facts;
use labels::LabelsCard;
use words::NodeWords;
use work::{Everywhere, Running, Slots};

#[component]
pub fn NodePage() -> impl IntoView {
    let values = page_values();
    let id = Memo::new(move |_| values.get("node")?.parse::<NodeId>().ok());
    let missing = say::<NodeWords>().missing;
    move || match id.get() {
        Some(id) => view! { <OneNode id /> }.into_any(),
        None => view! { <Empty title=missing /> }.into_any(),
    }
}

#[component]
fn OneNode(id: NodeId) -> impl IntoView {
    let w = say::<NodesWords>();
    let kinds = &[Changed::Nodes, Changed::Slots, Changed::Runs, Changed::Jobs];
    let asked = id.clone();
    let work = remote(kinds, move || asked.clone(), api::nodes::node_work);
    let node = Memo::new(move |_| work.data().map(|work| work.node.clone()));
    let title = Signal::derive(move || node.get().as_ref().map_or(id.to_string(), |n| name(n).to_owned()));
    let actions = move || node.get().map(|node| view! { <NodeActions node /> });
    view! {
        <Page title above=move || view! { <a href="/nodes">{w.title}</a> } actions>
            {shown(work, |work| view! { <Parts work /> })}
        </Page>
    }
}

#[component]
fn Parts(work: Signal<Arc<NodeWork>>) -> impl IntoView {
    let node: Memo<NodeView> = Memo::new(move |_| work.with(|w| w.node.clone()));
    let drain = Memo::new(move |_| work.with(|w| (w.drain, w.orders)));
    let running = Memo::new(move |_| work.with(|w| w.runs_count));
    let most = StoredValue::new(0_u32);
    view! {
        {move || {
            let (drain, orders) = drain.get();
            drain.map(|drain| {
                most.update_value(|m| *m = (*m).max(drain.slots_left + drain.runs_left));
                view! { <DrainBanner drain orders most=most.get_value() /> }
            })
        }}
        <div class="stack">
            <div class="columns">
                <Facts node running />
                <LabelsCard node />
            </div>
            <Running work />
            <div class="columns">
                <Slots work />
                <Everywhere work />
            </div>
        </div>
    }
}

/// How far it is emptied, since this page began to look.
#[component]
fn DrainBanner(drain: Drain, orders: u32, most: u32) -> impl IntoView {
    let w = say::<NodeWords>();
    let left = drain.slots_left + drain.runs_left;
    let text = if drain.is_done() {
        w.drained.to_owned()
    } else {
        fill!(w.draining, slots = drain.slots_left, runs = drain.runs_left)
    };
    view! {
        <div class="node-banner" role="status">
            <span>
                {text.clone()}
                {(drain.stuck > 0).then(|| format!(" {}", fill!(w.stuck, n = drain.stuck)))}
                {(orders > 0).then(|| format!(" {}", fill!(w.orders, n = orders)))}
            </span>
            <progress max=most.max(1).to_string() value=most.saturating_sub(left).to_string() aria-label=text></progress>
        </div>
    }
}
