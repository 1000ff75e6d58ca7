//! Where the job runs and why: its slots, and what each node is to it.

use std::{collections::BTreeSet, sync::Arc};

use shared::{
    api::{
        JobView, SlotView, Standing, Whereabouts,
        calendars::{CalendarStanding, CalendarUse},
    },
    target::{Balance, Place, Target},
};

use super::words::JobWords;
use crate::{
    clock,
    locale::{self, ago, count, exact, sentences},
    parts::{
        icon::{Glyph, Icon},
        when::Ago,
    },
    prelude::*,
    words::say,
};

/// So many nodes and slots are shown before one asks for all.
const FIRST: usize = 8;

#[component]
pub fn Where(places: Signal<Arc<Whereabouts>>, view: Signal<Arc<JobView>>) -> impl IntoView {
    let w = say::<JobWords>();
    let all_slots = RwSignal::new(false);
    let all_nodes = RwSignal::new(false);
    let place = Memo::new(move |_| view.with(|view| view.spec.target.place));
    move || {
        let places = places.get();
        let said = match place.get() {
            Place::Every => w.place_every.to_owned(),
            Place::One => w.place_one.to_owned(),
            Place::Count(n) => fill!(w.place_count, n = n),
            Place::Shards(n) => fill!(w.place_shards, n = n),
        };
        let asked = view.with(|view| terms(&view.spec.target));
        // Who runs it first, then who could, then who cannot.
        let mut nodes: Vec<&Standing> = places.nodes.iter().collect();
        let owns = |node: &Standing| {
            places
                .slots
                .iter()
                .any(|slot| slot.node.as_ref() == Some(&node.node))
        };
        nodes.sort_by_key(|node| (!owns(node), !node.matches));
        let (n_slots, n_nodes) = (places.slots.len(), nodes.len());
        let most = |all: RwSignal<bool>| if all.get() { usize::MAX } else { FIRST };
        view! {
            <p>{said}</p>
            {(!asked.is_empty()).then(|| view! {
                <ul class="row job-terms">{asked.into_iter().map(|term| view! { <li><code>{term}</code></li> }).collect_view()}</ul>
            })}
            {(n_slots > 0).then(|| view! {
                <h3>{w.slots}</h3>
                <ul class="job-places">{places.slots.iter().take(most(all_slots)).map(|slot| one_slot(slot, n_slots)).collect_view()}</ul>
                {more(all_slots, n_slots)}
            })}
            <h3>{w.nodes}</h3>
            {(n_nodes == 0).then(|| view! { <p class="muted">{w.no_nodes}</p> })}
            <ul class="job-places">{nodes.into_iter().take(most(all_nodes)).map(one_node).collect_view()}</ul>
            {more(all_nodes, n_nodes)}
            {(!places.calendars.is_empty()).then(|| view! {
                <h3>{w.calendars}</h3>
                <ul class="job-places">{places.calendars.iter().map(one_calendar).collect_view()}</ul>
            })}
        }
    }
}

/// Which nodes the job asks for, in the words of its file.
fn terms(target: &Target) -> Vec<String> {
    let mut terms = Vec::new();
    let mut add = |key: &str, value: String| {
        if !value.is_empty() {
            terms.push(format!("{key}: {value}"));
        }
    };
    add("nodes", list(&target.on.nodes));
    add("groups", list(&target.on.groups));
    add("labels", target.on.labels.to_string());
    add("exclude nodes", list(&target.on.exclude.nodes));
    add("exclude groups", list(&target.on.exclude.groups));
    add("exclude labels", target.on.exclude.labels.to_string());
    add("prefer", target.prefer.to_string());
    add(
        "balance",
        match target.balance {
            Balance::Spread => "",
            Balance::LeastLoaded => "least_loaded",
            Balance::Rotate => "rotate",
        }
        .to_owned(),
    );
    terms
}

fn list<T: ToString>(names: &BTreeSet<T>) -> String {
    names
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

fn more(all: RwSignal<bool>, n: usize) -> impl IntoView {
    let w = say::<JobWords>();
    (n > FIRST && !all.get()).then(|| {
        view! { <button type="button" class="plain" on:click=move |_| all.set(true)>{fill!(w.more_nodes, n = count(n as u64))}</button> }
    })
}

fn node_link(id: &shared::id::NodeId) -> impl IntoView + use<> {
    view! { <a href=crate::api::path("/nodes/{}", &[id])>{id.to_string()}</a> }
}

fn one_slot(slot: &SlotView, of: usize) -> impl IntoView + use<> {
    let w = say::<JobWords>();
    let name = (of > 1).then(|| view! { <span class="muted">{fill!(w.slot_n, n = slot.slot)}</span> });
    let claimed = slot.claimed.map(|at| {
        let now = clock::ticking();
        view! {
            <span class="muted" title=exact(at, locale::zone())>{move || fill!(w.claimed, ago = ago(at, now.get()))}</span>
        }
    });
    let node = match &slot.node {
        Some(id) => node_link(id).into_any(),
        None => view! { <strong class="job-bad">{w.no_node}</strong> }.into_any(),
    };
    view! {
        <li>
            {name} {node} {claimed}
            {slot.why.as_ref().map(|why| view! { <p class="job-mark"><Icon glyph=Glyph::Warning />{sentences::said(why)}</p> })}
        </li>
    }
}

fn one_node(node: &Standing) -> impl IntoView + use<> {
    let w = say::<JobWords>();
    let (glyph, tone, said) = match node.matches {
        true => (Glyph::Check, "good", w.matches),
        false => (Glyph::Cross, "quiet", w.matches_not),
    };
    view! {
        <li>
            <span class="job-match" data-tone=tone title=said><Icon glyph /><span class="visually-hidden">{said}</span></span>
            {node_link(&node.node)}
            <span class="muted">{sentences::said(&node.why)}</span>
        </li>
    }
}

fn one_calendar(calendar: &CalendarStanding) -> impl IntoView + use<> {
    let w = say::<JobWords>();
    let use_said = match calendar.used {
        CalendarUse::Exclude => fill!(w.cal_exclude, name = calendar.name),
        CalendarUse::Only => fill!(w.cal_only, name = calendar.name),
    };
    let standing = match (calendar.exists, calendar.covers) {
        (false, _) => w.cal_missing,
        (true, true) => w.cal_covers,
        (true, false) => w.cal_covers_not,
    };
    view! {
        <li>
            <a href="/calendars">{use_said}</a>
            <span class="muted">{standing}</span>
            {calendar.changes_at.map(|at| view! { <span class="muted">"→ "<Ago at=at /></span> })}
        </li>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::job::standing::tests::view;

    #[test]
    fn what_a_job_asks_for_is_told_as_its_file_has_it() {
        let target = serde_json::json!({"target": {
            "place": 2, "labels": "role=db,!canary", "exclude": {"nodes": ["b", "a"]}, "balance": "least_loaded",
        }});
        assert_eq!(
            terms(&view(target).spec.target),
            [
                "labels: role=db,!canary",
                "exclude nodes: a, b",
                "balance: least_loaded"
            ]
        );
        assert!(terms(&Target::default()).is_empty());
    }
}
