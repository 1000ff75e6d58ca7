//! What the node is, and its name here.

use shared::{
    api::{IntentPatch, NodeView, overview::CLOCK_OFF_MS},
    id::NodeId,
};

use super::NodeWords;
use crate::{
    locale::count,
    pages::nodes::{Carried, ClockOffset, NodeBadge, actions::wish, load},
    parts::{
        toast::toaster,
        when::{Ago, At},
    },
    prelude::*,
    words::say,
};

#[component]
pub fn Facts(node: Memo<NodeView>, running: Memo<u32>) -> impl IntoView {
    let w = say::<NodeWords>();
    let id = node.with_untracked(|node| node.id.clone());
    let state = Memo::new(move |_| node.with(|node| node.state));
    // Each report changes the facts; what is typed as an alias stays.
    let alias = Memo::new(move |_| node.with(|node| node.intent.alias.clone().unwrap_or_default()));
    view! {
        <section class="card" aria-label=w.facts>
            <header><h2>{w.facts}</h2>{move || view! { <NodeBadge state=state.get() /> }}</header>
            <dl class="facts body">
                {move || view! { <Reported node=node.get() running=running.get() /> }}
                <dt><label for="alias">{w.alias}</label></dt>
                <dd>{move || view! { <AliasForm id=id.clone() alias=alias.get() /> }}</dd>
            </dl>
        </section>
    }
}

/// What the node tells of itself.
#[component]
fn Reported(node: NodeView, running: u32) -> impl IntoView {
    let w = say::<NodeWords>();
    let is_off = node.clock_offset_ms.is_some_and(|ms| ms.abs() > CLOCK_OFF_MS);
    let (agent, health) = (node.node.clone(), node.health.clone());
    view! {
        <dt>{w.id}</dt><dd class="mono">{node.id.to_string()}</dd>
        {agent.map(|agent| view! {
            <dt>{w.version}</dt><dd>{agent.version}</dd>
            {agent.address.map(|address| view! { <dt>{w.address}</dt><dd class="mono">{address}</dd> })}
            <dt>{w.started}</dt><dd><At at=agent.started_at /></dd>
        })}
        <dt>{w.capacity}</dt><dd><Carried node=node.clone() running /></dd>
        {health.map(|health| view! {
            <dt>{w.load}</dt><dd class="number">{load(health.load_milli)}</dd>
            <dt title=w.spooled_about>{w.spooled}</dt><dd class="number">{count(health.spooled)}</dd>
        })}
        {node.clock_offset_ms.map(|offset| view! {
            <dt>{w.clock}</dt>
            <dd>
                <ClockOffset offset_ms=Some(offset) />
                {is_off.then(|| view! { <p class="muted">{w.clock_off}</p> })}
            </dd>
        })}
        {node.last_seen.map(|at| view! { <dt>{w.seen}</dt><dd><Ago at /></dd> })}
    }
}

#[component]
fn AliasForm(id: NodeId, alias: String) -> impl IntoView {
    let w = say::<NodeWords>();
    let toaster = toaster();
    let input = NodeRef::<html::Input>::new();
    let save = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if let Some(input) = input.get() {
            let wanted = IntentPatch {
                alias: Some(input.value().trim().to_owned()),
                ..IntentPatch::default()
            };
            wish(toaster, id.clone(), wanted, w.alias_set.into(), None);
        }
    };
    view! {
        <form class="row inline-form" on:submit=save>
            <input id="alias" node_ref=input value=alias placeholder=w.alias_about maxlength="128" autocomplete="off" />
            <button type="submit">{w.save}</button>
        </form>
    }
}
