//! All nodes: who is there, what they carry, whose clock is off.

pub mod actions;
pub mod list;
mod words;

use std::sync::Arc;

use shared::api::{Changed, NodeState, NodeView, overview::CLOCK_OFF_MS};

use crate::{
    address::in_url,
    api,
    locale::{ago, count, exact, fixed, millis, zone},
    parts::{
        feedback::{Empty, shown},
        icon::{Glyph, Icon},
        menu::Menu,
        page::Page,
        rows::Rows,
        search::SearchBox,
        state::{Badge, Tone},
    },
    prelude::*,
    remote::{Asking, remote},
    words::say,
};
use actions::NodeActions;
use list::{Filter, matching, name};
pub use words::NodesWords;

#[component]
pub fn Nodes() -> impl IntoView {
    let w = say::<NodesWords>();
    let nodes = remote(
        &[Changed::Nodes, Changed::Slots],
        || (),
        |()| Asking::of(api::nodes::nodes()),
    );
    view! {
        <Page title=w.title>
            {shown(nodes, move |nodes| view! { <Fleet nodes /> })}
        </Page>
    }
}

#[component]
fn Fleet(nodes: Signal<Arc<Vec<NodeView>>>) -> impl IntoView {
    let w = say::<NodesWords>();
    let filter = in_url::<Filter>();
    let q = Memo::new(move |_| filter.with(|filter| filter.q.clone()));
    let found = Memo::new(move |_| nodes.with(|all| Arc::new(filter.with(|f| matching(all, f)))));
    let is_none = Memo::new(move |_| nodes.with(|all| all.is_empty()));
    let is_none_found = Memo::new(move |_| found.with(|found| found.is_empty()));
    move || {
        if is_none.get() {
            return view! {
                <Empty title=w.none>
                    <p>{w.none_about}</p>
                    <p><code>"gnomon agent --etcd http://…:2379 --data-dir /var/lib/gnomon"</code></p>
                </Empty>
            }
            .into_any();
        }
        view! {
            <div class="toolbar">
                <SearchBox value=q set=move |q| filter.update(|filter| filter.q = q) placeholder=w.search />
                <StateChips nodes filter />
                <span class="muted number">
                    {move || fill!(w.n_of, n = count(found.with(|f| f.len()) as u64), all = count(nodes.with(|n| n.len()) as u64))}
                </span>
            </div>
            <div class="card nodes" role="table" aria-label=w.title>
                <div class="nodes-row nodes-head" role="row">
                    <span role="columnheader">{w.state}</span>
                    <span role="columnheader">{w.node}</span>
                    <span role="columnheader" class="wide">{w.labels}</span>
                    <span role="columnheader">{w.running}</span>
                    <span role="columnheader" class="number" title=w.slots_about>{w.slots}</span>
                    <span role="columnheader" class="number wide" title=w.load_about>{w.load}</span>
                    <span role="columnheader" class="number wide" title=w.clock_about>{w.clock}</span>
                    <span role="columnheader" class="wide">{w.version}</span>
                    <span role="columnheader"></span>
                </div>
                <Rows rows=found.into() row_height=52 key=|node: &NodeView| node.id.clone() role="rowgroup"
                    row=move |_, first| view! { <NodeRow first nodes /> } />
                <Show when=move || is_none_found.get()>
                    <Empty title=w.none_found><p>{w.none_found_about}</p></Empty>
                </Show>
            </div>
        }
        .into_any()
    }
}

/// A chip for each state that a node is in.
#[component]
fn StateChips(nodes: Signal<Arc<Vec<NodeView>>>, filter: RwSignal<Filter>) -> impl IntoView {
    [
        NodeState::Ready,
        NodeState::Cordoned,
        NodeState::Draining,
        NodeState::Down,
    ]
    .map(|state| {
        let n = Memo::new(move |_| nodes.with(|all| all.iter().filter(|n| n.state == state).count()));
        let is_on = move || filter.with(|filter| filter.state == Some(state));
        let turn =
            move |_| filter.update(|filter| filter.state = (filter.state != Some(state)).then_some(state));
        view! {
            <Show when=move || { n.get() > 0 || is_on() }>
                <button type="button" class="chip" aria-pressed=move || is_on().to_string() on:click=turn>
                    <Icon glyph=glyph(state) />{state_name(state)} " " {move || count(n.get() as u64)}
                </button>
            </Show>
        }
    })
    .collect_view()
}

/// A row stays as long as its node does, so that its menu stays open while the node reports.
#[component]
fn NodeRow(first: NodeView, nodes: Signal<Arc<Vec<NodeView>>>) -> impl IntoView {
    let w = say::<NodesWords>();
    let id = first.id.clone();
    let href = format!("/nodes/{id}");
    let shown_id = id.to_string();
    let node = Memo::new(move |_| {
        let found = nodes.with(|all| all.iter().find(|node| node.id == id).cloned());
        found.unwrap_or_else(|| first.clone())
    });
    let part = move |part: fn(&NodeView) -> AnyView| move || node.with(part);
    let shown = Memo::new(move |_| node.with(|node| name(node).to_owned()));
    let state = Memo::new(move |_| node.with(|node| node.state));
    let wishes = Memo::new(move |_| node.with(|node| (node.state, node.intent.clone())));
    let other_id = shown_id.clone();
    view! {
        <div class="nodes-row" role="row" data-node=shown_id>
            <span role="cell">{move || view! { <NodeBadge state=state.get() /> }}</span>
            <span role="cell" class="nodes-name">
                <a href=href>{shown}</a>
                <small class="muted mono">{move || (shown.get() != other_id).then(|| other_id.clone())}</small>
            </span>
            <span role="cell" class="wide nodes-labels">{part(labels)}</span>
            <span role="cell">{part(|node| view! { <Carried node=node.clone() /> }.into_any())}</span>
            <span role="cell" class="number">{move || count(node.with(|node| node.slots).into())}</span>
            <span role="cell" class="number wide">
                {move || node.with(|node| node.health.as_ref().map(|h| load(h.load_milli)))}
            </span>
            <span role="cell" class="number wide">
                {part(|node| view! { <ClockOffset offset_ms=node.clock_offset_ms /> }.into_any())}
            </span>
            <span role="cell" class="wide muted">
                {move || node.with(|node| node.node.as_ref().map_or_else(|| seen(node), |n| n.version.clone()))}
            </span>
            <span role="cell">
                <Menu button=|| view! { <Icon glyph=Glyph::More /> }
                    label=Signal::derive(move || fill!(w.actions, node = shown.get()))>
                    {move || {
                        wishes.track();
                        view! { <NodeActions node=node.get_untracked() /> }
                    }}
                </Menu>
            </span>
        </div>
    }
}

fn labels(node: &NodeView) -> AnyView {
    let chips = node.labels.iter().map(|(key, value)| {
        let label = format!("{key}={value}");
        view! { <span class="chip" title=label.clone()>{label.clone()}</span> }
    });
    chips.collect_view().into_any()
}

fn seen(node: &NodeView) -> String {
    match node.last_seen {
        Some(at) => ago(at, crate::clock::now()),
        None => say::<NodesWords>().never.into(),
    }
}

/// What runs there, of what it can take.
#[component]
pub fn Carried(
    node: NodeView,
    /// How many runs, where that is known better than by the node's last report.
    #[prop(optional, into)]
    running: Option<u32>,
) -> impl IntoView {
    let reported = node.health.as_ref().map_or(0, |h| h.running);
    let running = running.unwrap_or(reported);
    let capacity = node.node.as_ref().map(|n| n.capacity);
    let text = match capacity {
        Some(capacity) => format!("{running} / {capacity}"),
        None => "–".to_owned(),
    };
    view! {
        <span class="carried">
            {capacity.map(|capacity| view! {
                <meter min="0" max=capacity.to_string() value=running.to_string() aria-label=text.clone()></meter>
            })}
            <span class="number">{text.clone()}</span>
        </span>
    }
}

/// A clock that is off by more than a second is marked.
#[component]
pub fn ClockOffset(offset_ms: Option<i64>) -> impl IntoView {
    let w = say::<NodesWords>();
    offset_ms.map(|offset| {
        let sign = if offset < 0 { "−" } else { "+" };
        let text = format!("{sign}{}", millis(offset.unsigned_abs()));
        let is_off = offset.abs() > CLOCK_OFF_MS;
        view! {
            <span class:clock-off=is_off title=is_off.then(|| fill!(w.clock_off, off = text))>
                {is_off.then(|| view! { <Icon glyph=Glyph::Warning /> })}
                {text.clone()}
            </span>
        }
    })
}

/// The load average: `1.25`.
pub fn load(milli: u32) -> String {
    fixed(f64::from(milli) / 1000.0, 2)
}

#[component]
pub fn NodeBadge(state: NodeState) -> impl IntoView {
    view! { <Badge tone=tone(state) glyph=glyph(state) text=state_name(state) /> }
}

pub fn tone(state: NodeState) -> Tone {
    match state {
        NodeState::Ready => Tone::Good,
        NodeState::Cordoned | NodeState::Draining => Tone::Warning,
        NodeState::Down => Tone::Bad,
    }
}

pub fn glyph(state: NodeState) -> Glyph {
    match state {
        NodeState::Ready => Glyph::Check,
        NodeState::Cordoned => Glyph::Forbidden,
        NodeState::Draining => Glyph::Drain,
        NodeState::Down => Glyph::Cross,
    }
}

pub fn state_name(state: NodeState) -> &'static str {
    let w = say::<NodesWords>();
    match state {
        NodeState::Ready => w.ready,
        NodeState::Cordoned => w.cordoned,
        NodeState::Draining => w.draining,
        NodeState::Down => w.down,
    }
}

/// When it was last heard of, exactly.
pub fn seen_exactly(node: &NodeView) -> Option<String> {
    node.last_seen.map(|at| exact(at, zone()))
}
