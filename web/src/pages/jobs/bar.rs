//! What stands above the table: what to show, and what to do with what is chosen.

use shared::api::{board::JobState, work::BulkAction};

use super::{Looking, words::JobsWords};
use crate::{
    actions::{ActionWords, jobs::job_actions},
    locale::count,
    parts::{
        icon::{Glyph, Icon},
        job_state,
        search::SearchBox,
    },
    prelude::*,
    words::say,
};

/// How many labels are offered while one types.
const LABELS_OFFERED_MAX: usize = 200;

/// Search, namespace, labels and node.
#[component]
pub fn Filters(looking: Looking) -> impl IntoView {
    let w = say::<JobsWords>();
    let Looking {
        wish, table, fleet, ..
    } = looking;
    let q = Memo::new(move |_| wish.with(|wish| wish.filter.q.clone()));
    let namespaces = Memo::new(move |_| {
        table.with(|table| {
            let mut names: Vec<&str> = table.rows.iter().map(|row| row.job.namespace.as_str()).collect();
            names.sort_unstable();
            let same = names.chunk_by(|a, b| a == b);
            same.map(|all| (all[0].to_owned(), all.len())).collect::<Vec<_>>()
        })
    });
    let labels = Memo::new(move |_| {
        let mut all: Vec<String> = Vec::new();
        table.with(|table| {
            for (key, value) in table.rows.iter().flat_map(|row| &row.job.labels) {
                if all.len() == LABELS_OFFERED_MAX {
                    break;
                }
                let label = format!("{key}={value}");
                if let Err(i) = all.binary_search(&label) {
                    all.insert(i, label);
                }
            }
        });
        all
    });
    let nodes = Memo::new(move |_| {
        let known = fleet.data();
        known
            .map(|fleet| fleet.nodes.keys().map(ToString::to_string).collect::<Vec<_>>())
            .unwrap_or_default()
    });
    let is_label_wrong = Memo::new(move |_| wish.with(|wish| wish.filter.selector().is_err()));
    view! {
        <div class="toolbar jobs-filters" role="search">
            <SearchBox value=q set=move |q| wish.update(|wish| wish.filter.q = q) placeholder=w.search />
            <select aria-label=w.namespace prop:value=move || { namespaces.track(); wish.with(|wish| wish.filter.namespace.clone()) }
                class:is-set=move || wish.with(|wish| !wish.filter.namespace.is_empty())
                on:change=move |event| wish.update(|wish| wish.filter.namespace = event_target_value(&event))>
                <option value="">{w.every_namespace}</option>
                {move || options(namespaces.get().into_iter().map(|(name, n)| (format!("{name} ({})", count(n as u64)), name)),
                    wish.with_untracked(|wish| wish.filter.namespace.clone()))}
            </select>
            <div class="jobs-labels">
                <input type="text" list="jobs-labels" aria-label=w.label placeholder=w.label_example autocomplete="off" spellcheck="false"
                    class:is-set=move || wish.with(|wish| !wish.filter.labels.is_empty())
                    prop:value=move || wish.with(|wish| wish.filter.labels.clone())
                    aria-invalid=move || is_label_wrong.get().to_string()
                    title=move || if is_label_wrong.get() { w.label_wrong } else { w.label_example }
                    on:input=move |event| wish.update(|wish| wish.filter.labels = event_target_value(&event)) />
                <datalist id="jobs-labels">
                    {move || labels.get().into_iter().map(|label| view! { <option value=label></option> }).collect_view()}
                </datalist>
            </div>
            <select aria-label=w.node prop:value=move || { nodes.track(); wish.with(|wish| wish.filter.node.clone()) }
                class:is-set=move || wish.with(|wish| !wish.filter.node.is_empty())
                on:change=move |event| wish.update(|wish| wish.filter.node = event_target_value(&event))>
                <option value="">{w.every_node}</option>
                {move || options(nodes.get().into_iter().map(|id| (id.clone(), id)),
                    wish.with_untracked(|wish| wish.filter.node.clone()))}
            </select>
            {move || wish.with(|wish| wish.filter.is_set()).then(|| view! {
                <button type="button" class="plain" on:click=move |_| wish.update(super::wish::Wish::clear)>
                    <Icon glyph=Glyph::Close />{w.clear_filters}
                </button>
            })}
        </div>
    }
}

/// Options of (text, value); with the wanted one even if it is no more.
fn options(all: impl Iterator<Item = (String, String)>, wanted: String) -> impl IntoView {
    let mut all: Vec<_> = all.collect();
    if !wanted.is_empty() && all.iter().all(|(_, value)| *value != wanted) {
        all.push((wanted.clone(), wanted.clone()));
    }
    all.into_iter()
        .map(|(text, value)| {
            let selected = value == wanted;
            view! { <option value=value selected=selected>{text}</option> }
        })
        .collect_view()
}

/// The states that there are, each with how many jobs are so; one click shows these alone.
#[component]
pub fn States(looking: Looking) -> impl IntoView {
    let w = say::<JobsWords>();
    let Looking { wish, shown, .. } = looking;
    let wanted = Memo::new(move |_| wish.with(|wish| wish.filter.states.clone()));
    let chip = move |state: JobState| {
        let n = Memo::new(move |_| shown.with(|shown| shown.count(state)));
        let is_wanted = Memo::new(move |_| wanted.with(|wanted| wanted.contains(&state)));
        let is_there = Memo::new(move |_| n.get() > 0 || is_wanted.get());
        move || {
            is_there.get().then(|| view! {
            <button type="button" class="chip" aria-pressed=move || is_wanted.get().to_string() title=job_state::about(state)
                on:click=move |_| wish.update(|wish| toggle(&mut wish.filter.states, state))>
                <span class="jobs-dot" data-tone=job_state::tone(state).as_str()><Icon glyph=job_state::glyph(state) /></span>
                {job_state::name(state)}
                <span class="number">{move || count(n.get() as u64)}</span>
            </button>
        })
        }
    };
    let all = Memo::new(move |_| shown.with(|shown| shown.of_any_state()));
    view! {
        <div class="row jobs-states" role="group" aria-label=w.states>
            <button type="button" class="chip" aria-pressed=move || wanted.with(Vec::is_empty).to_string()
                on:click=move |_| wish.update(|wish| wish.filter.states.clear())>
                {w.all}<span class="number">{move || count(all.get() as u64)}</span>
            </button>
            {JobState::ALL.map(chip).collect_view()}
        </div>
    }
}

fn toggle(states: &mut Vec<JobState>, state: JobState) {
    match states.iter().position(|s| *s == state) {
        Some(i) => drop(states.remove(i)),
        None => states.push(state),
    }
}

/// What to do with the chosen jobs; there while some are.
#[component]
pub fn Selected(looking: Looking) -> impl IntoView {
    let w = say::<JobsWords>();
    let words = say::<ActionWords>();
    let actions = job_actions();
    let Looking {
        selection,
        table,
        shown,
        ..
    } = looking;
    let progress = RwSignal::new(None::<(usize, usize)>);
    Effect::new(move |_| table.with(|table| selection.keep(table)));
    let order = move |action: BulkAction| {
        let chosen = table.with_untracked(|table| selection.paths(table));
        let after = Callback::new(move |()| selection.clear());
        actions.many(action, chosen, progress, after);
    };
    let is_there = Memo::new(move |_| selection.count() > 0);
    let hidden = Memo::new(move |_| {
        let all = selection.count();
        let seen = shown.with(|shown| selection.count_of(&shown.rows));
        all.saturating_sub(seen)
    });
    let is_busy = move || progress.with(Option::is_some);
    let button = move |action, glyph, text, class| {
        view! {
            <button type="button" class=class disabled=is_busy on:click=move |_| order(action)><Icon glyph />{text}</button>
        }
    };
    move || {
        is_there.get().then(|| view! {
        <div class="jobs-selected" role="region" aria-label=w.actions>
            <p role="status">
                {move || match progress.get() {
                    Some((done, all)) => fill!(w.working, done = count(done as u64), all = count(all as u64)),
                    None => fill!(w.selected, n = count(selection.count() as u64)),
                }}
                {move || (hidden.get() > 0).then(|| view! {
                    <small class="muted">{fill!(w.hidden, n = count(hidden.get() as u64))}</small>
                })}
            </p>
            {button(BulkAction::Run, Glyph::Play, words.run, "")}
            {button(BulkAction::Pause, Glyph::Pause, words.pause, "")}
            {button(BulkAction::Resume, Glyph::Refresh, words.resume, "")}
            {button(BulkAction::Delete, Glyph::Trash, words.delete, "is-dangerous")}
            <button type="button" class="plain" on:click=move |_| selection.clear()><Icon glyph=Glyph::Close />{w.clear_selection}</button>
        </div>
    })
    }
}
