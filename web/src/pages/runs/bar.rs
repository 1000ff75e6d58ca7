//! What decides which runs are shown.

use shared::{
    run::{Cause, State},
    time::Time,
};

use super::{
    filter::{CAUSES, Filter, When, toggle},
    words::RunsWords,
};
use crate::{
    api,
    board::board,
    clock, locale,
    parts::{
        icon::{Glyph, Icon},
        menu::Menu,
        reason::cause_name,
        search::SearchBox,
        state,
    },
    prelude::*,
    remote::{Asking, remote},
    words::say,
};

#[component]
pub fn Bar(wish: RwSignal<Filter>) -> impl IntoView {
    let w = say::<RunsWords>();
    let q = Memo::new(move |_| wish.with(|wish| wish.q.clone()));
    let job = Memo::new(move |_| wish.with(|wish| wish.job.clone()));
    view! {
        <div class="toolbar runs-filters" role="search">
            <SearchBox value=q set=move |q| wish.update(|wish| wish.q = q) placeholder=w.search />
            {move || job.get().map(|job| view! {
                <button type="button" class="chip runs-job" aria-pressed="true" title=w.drop_job
                    on:click=move |_| wish.update(|wish| wish.job = None)>
                    {fill!(w.job_only, job = job)} <Icon glyph=Glyph::Close />
                </button>
            })}
            <Namespaces wish />
            <Nodes wish />
            <Causes wish />
            <Times wish />
            {move || wish.with(Filter::is_set).then(|| view! {
                <button type="button" class="plain" on:click=move |_| wish.set(Filter::default())>
                    <Icon glyph=Glyph::Close />{w.clear_filters}
                </button>
            })}
        </div>
        <States wish />
    }
}

#[component]
fn Namespaces(wish: RwSignal<Filter>) -> impl IntoView {
    let w = say::<RunsWords>();
    let jobs = board();
    let all = Memo::new(move |_| {
        let mut names: Vec<String> = jobs
            .data()
            .map(|table| {
                table
                    .rows
                    .iter()
                    .map(|row| row.job.namespace.to_string())
                    .collect()
            })
            .unwrap_or_default();
        names.dedup();
        names
    });
    let wanted = Memo::new(move |_| wish.with(|wish| wish.namespace.clone()));
    view! {
        <select aria-label=w.namespace class:is-set=move || !wanted.with(String::is_empty)
            on:change=move |event| wish.update(|wish| wish.namespace = event_target_value(&event))>
            <option value="" selected=move || wanted.with(String::is_empty)>{w.every_namespace}</option>
            {move || options(all.get(), wanted.get())}
        </select>
    }
}

#[component]
fn Nodes(wish: RwSignal<Filter>) -> impl IntoView {
    let w = say::<RunsWords>();
    let nodes = remote(
        &[shared::api::Changed::Nodes],
        || (),
        |()| Asking::of(api::nodes::nodes()),
    );
    let all = Memo::new(move |_| {
        let known = nodes.data();
        known
            .map(|all| all.iter().map(|n| n.id.to_string()).collect::<Vec<_>>())
            .unwrap_or_default()
    });
    let wanted =
        Memo::new(move |_| wish.with(|wish| wish.node.as_ref().map(ToString::to_string).unwrap_or_default()));
    view! {
        <select aria-label=w.node class:is-set=move || !wanted.with(String::is_empty)
            on:change=move |event| wish.update(|wish| wish.node = event_target_value(&event).parse().ok())>
            <option value="" selected=move || wanted.with(String::is_empty)>{w.every_node}</option>
            {move || options(all.get(), wanted.get())}
        </select>
    }
}

/// With the wanted one even if it is no more.
fn options(mut all: Vec<String>, wanted: String) -> impl IntoView {
    if !wanted.is_empty() && !all.contains(&wanted) {
        all.push(wanted.clone());
    }
    all.into_iter()
        .map(|name| {
            let (selected, text) = (name == wanted, name.clone());
            view! { <option value=name selected=selected>{text}</option> }
        })
        .collect_view()
}

#[component]
fn Causes(wish: RwSignal<Filter>) -> impl IntoView {
    let w = say::<RunsWords>();
    let wanted = Memo::new(move |_| wish.with(|wish| wish.causes.clone()));
    let shown = move || match wanted.get().as_slice() {
        [] => w.every_cause.to_owned(),
        [one] => cause_name(*one).to_owned(),
        several => fill!(w.several, n = several.len()),
    };
    let item = move |cause: Cause| {
        view! {
            <button type="button"
                aria-pressed=move || wanted.with(|all| all.contains(&cause)).to_string()
                on:click=move |_| wish.update(|wish| toggle(&mut wish.causes, cause))>
                <span class="runs-check">
                    {move || wanted.with(|all| all.contains(&cause)).then(|| view! { <Icon glyph=Glyph::Check /> })}
                </span>
                {cause_name(cause)}
            </button>
        }
    };
    let label = Signal::derive(move || format!("{}: {}", w.cause, shown()));
    view! {
        <div class="runs-causes" class:is-set=move || !wanted.with(Vec::is_empty)>
            <Menu label button=move || view! { <span>{shown}</span> <Icon glyph=Glyph::Down /> }>
                {CAUSES.map(item).collect_view()}
            </Menu>
        </div>
    }
}

/// Spans that are offered, as the URL has them.
const SPANS: [&str; 5] = ["15m", "1h", "1d", "7d", "30d"];

#[component]
fn Times(wish: RwSignal<Filter>) -> impl IntoView {
    let w = say::<RunsWords>();
    let is_between = RwSignal::new(false);
    let window = Memo::new(move |_| wish.with(|wish| (wish.since, wish.until)));
    let chosen = Memo::new(move |_| match window.get() {
        (Some(When::At(_)), _) | (_, Some(_)) => "between".to_owned(),
        _ if is_between.get() => "between".to_owned(),
        (Some(ago), None) => ago.to_string(),
        (None, None) => String::new(),
    });
    let choose = move |value: String| {
        is_between.set(value == "between");
        let now = clock::now();
        wish.update(|wish| {
            if value == "between" {
                wish.since = Some(When::At(wish.since.unwrap_or(day()).at(now)));
            } else {
                (wish.since, wish.until) = (When::read(&value), None);
            }
        });
    };
    let named = move || {
        let names = [w.last_15m, w.last_1h, w.last_1d, w.last_7d, w.last_30d];
        let mut all: Vec<(String, String)> = vec![(String::new(), w.any_time.into())];
        all.extend(
            SPANS
                .iter()
                .zip(names)
                .map(|(span, name)| ((*span).to_owned(), name.to_owned())),
        );
        let here = chosen.get();
        if here != "between" && all.iter().all(|(value, _)| *value != here) {
            all.push((here.clone(), fill!(w.last_other, span = here)));
        }
        all.push(("between".into(), w.between.into()));
        all.into_iter()
            .map(|(value, name)| {
                let selected = value == here;
                view! { <option value=value selected=selected>{name}</option> }
            })
            .collect_view()
    };
    view! {
        <select aria-label=w.time class:is-set=move || !chosen.with(String::is_empty)
            on:change=move |event| choose(event_target_value(&event))>
            {named}
        </select>
        {move || (chosen.get() == "between").then(|| view! { <Between wish /> })}
    }
}

fn day() -> When {
    When::read("1d").unwrap_or(When::At(Time::EPOCH))
}

/// Two instants in the viewer's zone.
#[component]
fn Between(wish: RwSignal<Filter>) -> impl IntoView {
    let w = say::<RunsWords>();
    let zone = locale::zone();
    let name = locale::zone_name(clock::now(), zone);
    let since = move || {
        wish.with(|wish| {
            wish.since
                .map(|since| local(since.at(clock::now())))
                .unwrap_or_default()
        })
    };
    let until = move || wish.with(|wish| wish.until.map(local).unwrap_or_default());
    view! {
        <input type="datetime-local" class="runs-instant" aria-label=fill!(w.from, zone = name) title=name.clone()
            step="60" prop:value=since
            on:change=move |event| wish.update(|wish| wish.since = instant(&event_target_value(&event)).map(When::At)) />
        <span class="muted" aria-hidden="true">"–"</span>
        <input type="datetime-local" class="runs-instant" aria-label=fill!(w.until, zone = name) title=name.clone()
            step="60" prop:value=until
            on:change=move |event| wish.update(|wish| wish.until = instant(&event_target_value(&event))) />
    }
}

/// As such an input has it: the viewer's local time, to the minute.
fn local(at: Time) -> String {
    let (date, _) = locale::date_and_time(at, locale::zone());
    format!("{date}T{}", locale::minute(at, locale::zone()))
}

fn instant(text: &str) -> Option<Time> {
    let local: jiff::civil::DateTime = text.parse().ok()?;
    Some(locale::zone().instant(local))
}

/// The states as chips: none pressed shows all.
#[component]
fn States(wish: RwSignal<Filter>) -> impl IntoView {
    let w = say::<RunsWords>();
    let wanted = Memo::new(move |_| wish.with(|wish| wish.states.clone()));
    let chip = move |each: State| {
        let is_wanted = Memo::new(move |_| wanted.with(|all| all.contains(&each)));
        view! {
            <button type="button" class="chip" data-state=each.as_str() aria-pressed=move || is_wanted.get().to_string()
                on:click=move |_| wish.update(|wish| toggle(&mut wish.states, each))>
                <span class="runs-dot" data-tone=state::tone(each).as_str()><Icon glyph=state::glyph(each) /></span>
                {state::name(each)}
            </button>
        }
    };
    view! {
        <div class="row runs-states" role="group" aria-label=w.states>
            <button type="button" class="chip" aria-pressed=move || wanted.with(Vec::is_empty).to_string()
                on:click=move |_| wish.update(|wish| wish.states.clear())>
                {w.any_state}
            </button>
            {State::ALL.map(chip).collect_view()}
        </div>
    }
}
