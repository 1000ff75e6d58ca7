//! Which nodes match, which would be chosen, and why the others not.

use std::sync::Arc;

use shared::{
    api::{Changed, GroupView, NodeView, Whereabouts},
    plan::{Outlook, Refusal},
    target::NoMatch,
};

use super::{
    model::outlook::{self, Choice},
    state::editing,
    words::EditorWords,
};
use crate::{
    api,
    locale::count,
    parts::{
        icon::Glyph,
        state::{Badge, Tone},
    },
    prelude::*,
    remote::{Asking, Remote, remote},
    words::say,
};

const SHOWN_MAX: usize = 50;

/// The fleet, as all of the editor sees it.
#[derive(Clone, Copy)]
pub struct Fleet {
    nodes: Remote<Vec<NodeView>>,
    groups: Remote<Vec<GroupView>>,
    whereabouts: Remote<Option<Whereabouts>>,
}

pub fn provide() {
    let editing = editing();
    let job = move || editing.base.with(|base| base.as_ref().map(|job| job.spec.path()));
    provide_context(Fleet {
        nodes: remote(&[Changed::Nodes], || (), |()| Asking::of(api::nodes::nodes())),
        groups: remote(&[Changed::Groups], || (), |()| Asking::of(api::groups::groups())),
        whereabouts: remote(&[Changed::Slots], job, |job| {
            Asking::of(async move {
                match job {
                    Some(job) => Ok(api::jobs::whereabouts(job).await.ok()),
                    None => Ok(None),
                }
            })
        }),
    });
}

/// The names of the nodes and groups there are.
pub fn known_nodes() -> (Signal<Vec<String>>, Signal<Vec<String>>) {
    let fleet = expect_context::<Fleet>();
    let nodes = Signal::derive(move || {
        let nodes = fleet.nodes.data();
        nodes
            .map(|all| all.iter().map(|n| n.id.to_string()).collect())
            .unwrap_or_default()
    });
    let groups = Signal::derive(move || {
        let groups = fleet.groups.data();
        groups
            .map(|all| all.iter().map(|g| g.name.to_string()).collect())
            .unwrap_or_default()
    });
    (nodes, groups)
}

#[component]
pub fn Seats() -> impl IntoView {
    let w = say::<EditorWords>();
    let editing = editing();
    let fleet = expect_context::<Fleet>();
    // Of the file only the target takes part, and how a job wants to be isolated.
    let spec = Memo::new(move |_| {
        let target = editing.tree.with(outlook::spec_of);
        target.map(|mut target| {
            if let Ok(spec) = editing.parsed.get() {
                target.isolation = spec.isolation;
            }
            Arc::new(target)
        })
    });
    let seats = Memo::new(move |_| {
        let (spec, nodes) = (spec.get()?, fleet.nodes.data()?);
        let groups = fleet.groups.data().unwrap_or_default();
        let whereabouts = fleet.whereabouts.data();
        let slots = whereabouts
            .iter()
            .filter_map(|w| w.as_ref().as_ref())
            .flat_map(|w| &w.slots);
        let slots: Vec<_> = slots.cloned().collect();
        let job = editing.base.with(|base| base.as_ref().map(|job| job.id));
        Some(outlook::seats(&nodes, &groups, job, &spec, &slots))
    });
    view! {
        <section class="seats" aria-live="polite">
            {move || match (seats.get(), spec.with(Option::is_some)) {
                (_, false) => view! { <p class="muted">{w.target_wrong}</p> }.into_any(),
                (None, true) => ().into_any(),
                (Some(seats), true) if seats.nodes.is_empty() => view! { <p class="muted">{w.no_nodes}</p> }.into_any(),
                (Some(seats), true) => table(seats).into_any(),
            }}
        </section>
    }
}

fn table(seats: outlook::Seats) -> impl IntoView {
    let w = say::<EditorWords>();
    let all = seats.nodes.len();
    let verdict = match (seats.able, seats.choice, seats.slots) {
        (0, _, _) => w.nobody.to_owned(),
        (able, _, Some(n)) if is_short(&seats, n, able) => fill!(w.too_few, n = n, able = able),
        (_, Choice::Each, _) => w.choice_each.to_owned(),
        (_, Choice::Known, _) => w.choice_known.to_owned(),
        (_, Choice::OnSaving, _) => w.choice_on_saving.to_owned(),
        (_, Choice::Turns, _) => w.choice_turns.to_owned(),
    };
    let is_bad = seats.able == 0 || seats.slots.is_some_and(|n| is_short(&seats, n, seats.able));
    let choice = seats.choice;
    let is_one = seats.slots == Some(1);
    let more = all.saturating_sub(SHOWN_MAX);
    let rows: Vec<_> = seats
        .nodes
        .into_iter()
        .take(SHOWN_MAX)
        .map(|node| row(node, choice, is_one))
        .collect();
    view! {
        <p class="verdict" class:is-bad=is_bad>
            <strong>{fill!(w.who_can, n = count(seats.able as u64), all = count(all as u64))}</strong>" "{verdict}
        </p>
        <table>
            <thead><tr><th>{w.node}</th><th>{w.stands}</th></tr></thead>
            <tbody>{rows}</tbody>
        </table>
        {(more > 0).then(|| view! { <p class="muted">{fill!(w.more_nodes, n = more)}</p> })}
    }
}

/// A number of distinct nodes that there are not.
fn is_short(seats: &outlook::Seats, n: u32, able: usize) -> bool {
    let placed: usize = seats.nodes.iter().map(|node| node.gets.len()).sum();
    able > 0 && (n as usize) > able && placed < n as usize
}

fn row(node: Outlook, choice: Choice, is_one: bool) -> impl IntoView {
    let w = say::<EditorWords>();
    let stands = match &node.refusal {
        None => w.matches.to_owned(),
        Some(refusal) => why(refusal),
    };
    let is_able = node.refusal.is_none();
    let runs = match choice {
        Choice::Each => is_able.then(|| (Tone::Good, w.gets_it.to_owned())),
        Choice::OnSaving | Choice::Turns => None,
        Choice::Known => match (node.has.is_empty(), node.gets.is_empty()) {
            (_, false) if !is_one => {
                let slots = node
                    .gets
                    .iter()
                    .map(u32::to_string)
                    .collect::<Vec<_>>()
                    .join(", ");
                Some((Tone::Good, fill!(w.gets_slots, slots = slots)))
            }
            (false, false) => Some((Tone::Good, w.keeps_it.to_owned())),
            (true, false) => Some((Tone::Good, w.gets_it.to_owned())),
            (false, true) => Some((Tone::Warning, w.loses_it.to_owned())),
            (true, true) => None,
        },
    };
    view! {
        <tr class:is-out=!is_able>
            <td><code>{node.node.to_string()}</code></td>
            <td>
                <span class="row">
                    {runs.map(|(tone, text)| {
                        let glyph = if tone == Tone::Good { Glyph::Check } else { Glyph::Warning };
                        view! { <Badge tone glyph text /> }
                    })}
                    <span class:muted=!is_able>{stands}</span>
                    {(node.preferred && is_able).then(|| view! { <span class="chip">{w.preferred}</span> })}
                </span>
            </td>
        </tr>
    }
}

fn why(refusal: &Refusal) -> String {
    let w = say::<EditorWords>();
    match refusal {
        Refusal::NoMatch(NoMatch::NotNamed) => w.not_named.to_owned(),
        Refusal::NoMatch(NoMatch::Labels { labels }) => fill!(w.labels_differ, labels = labels),
        Refusal::NoMatch(NoMatch::Excluded) => w.excluded.to_owned(),
        Refusal::Draining => w.draining.to_owned(),
        Refusal::Leaving => w.leaving.to_owned(),
        Refusal::Cordoned => w.cordoned.to_owned(),
        Refusal::Down => w.down.to_owned(),
    }
}
