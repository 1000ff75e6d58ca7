//! The nodes at a glance: a tile each.

use shared::api::overview::{CLOCK_OFF_MS, NodeGlance};

use super::words::OverviewWords;
use crate::{
    locale::count,
    pages::nodes::{glyph, state_name, tone},
    parts::icon::{Glyph, Icon},
    prelude::*,
    words::say,
};

#[component]
pub fn NodesCard(nodes: Vec<NodeGlance>) -> impl IntoView {
    let w = say::<OverviewWords>();
    let n = count(nodes.len() as u64);
    let is_none = nodes.is_empty();
    let tiles = nodes.into_iter().map(|node| view! { <Tile node /> });
    view! {
        <section class="card" aria-label=w.nodes>
            <header><h2>{w.nodes}</h2><a href="/nodes" class="number">{n}</a></header>
            {is_none.then(|| view! { <p class="body muted">{w.nodes_none}</p> })}
            <ul class="glances">{tiles.collect_view()}</ul>
        </section>
    }
}

#[component]
fn Tile(node: NodeGlance) -> impl IntoView {
    let w = say::<OverviewWords>();
    let capacity = node.capacity.map_or_else(|| "–".into(), |c| c.to_string());
    let about = fill!(
        w.node_about,
        name = node.name,
        state = state_name(node.state),
        running = node.running,
        capacity = capacity,
        slots = node.slots
    );
    let is_off = node.clock_offset_ms.is_some_and(|ms| ms.abs() > CLOCK_OFF_MS);
    let glyph = if is_off { Glyph::Clock } else { glyph(node.state) };
    let tone = if is_off {
        "warning"
    } else {
        tone(node.state).as_str()
    };
    view! {
        <li>
            <a href=format!("/nodes/{}", node.id) title=about.clone() data-tone=tone>
                <Icon glyph /><span class="glance-name">{node.name}</span>
                <span class="number muted">{node.running} "/" {capacity}</span>
            </a>
        </li>
    }
}
