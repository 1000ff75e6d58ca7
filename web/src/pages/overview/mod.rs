//! The first page: what needs attention, then the day, what runs now, and the nodes.

mod attention;
mod day;
mod glances;
mod running;
mod strip;
mod words;

use std::sync::Arc;

use shared::api::{
    Changed,
    board::Known,
    overview::{Overview as View, OverviewQuery, StateCount},
};

use crate::{
    api,
    locale::count,
    parts::{
        feedback::{Empty, shown},
        icon::{Glyph, Icon},
        job_state,
        page::Page,
    },
    prelude::*,
    remote::remote,
    words::say,
};
use attention::AttentionCard;
use day::DayCard;
use glances::NodesCard;
use running::RunningCard;
use words::OverviewWords;

#[component]
pub fn Overview() -> impl IntoView {
    let w = say::<OverviewWords>();
    let kinds = &[
        Changed::Runs,
        Changed::Jobs,
        Changed::Nodes,
        Changed::Slots,
        Changed::Masters,
    ];
    let overview = remote(kinds, OverviewQuery::default, api::overview::overview);
    let new =
        move || view! { <a class="button primary" href="/new"><Icon glyph=Glyph::Plus />{w.job_new}</a> };
    view! {
        <Page title=w.title actions=new>
            {shown(overview, |overview| view! { <Parts overview /> })}
        </Page>
    }
}

#[component]
fn Parts(overview: Signal<Arc<View>>) -> impl IntoView {
    let w = say::<OverviewWords>();
    // Each part is drawn anew only when its own facts change.
    let attention = Memo::new(move |_| overview.with(|o| o.attention.clone()));
    let jobs = Memo::new(move |_| overview.with(|o| o.jobs.clone()));
    let day = Memo::new(move |_| overview.with(|o| (o.day.clone(), o.now)));
    let running = Memo::new(move |_| overview.with(|o| (o.running.clone(), o.running_count, o.queued_count)));
    let nodes = Memo::new(move |_| overview.with(|o| o.nodes.clone()));
    let is_reading = Memo::new(move |_| overview.with(|o| o.history == Known::Reading));
    view! {
        <div class="stack">
            <Show when=move || is_reading.get()><p class="stale">{w.reading}</p></Show>
            {move || {
                let jobs = jobs.get();
                if jobs.is_empty() {
                    view! { <div class="card"><Empty title=w.jobs_none><p>{w.jobs_none_about}</p></Empty></div> }.into_any()
                } else {
                    view! { <JobCounts jobs /> }.into_any()
                }
            }}
            {move || view! { <AttentionCard attention=attention.get() /> }}
            {move || { let (day, now) = day.get(); view! { <DayCard day now /> } }}
            <div class="columns overview-columns">
                {move || {
                    let (runs, running, queued) = running.get();
                    view! { <RunningCard runs running queued /> }
                }}
                {move || view! { <NodesCard nodes=nodes.get() /> }}
            </div>
        </div>
    }
}

/// How many jobs are in each state, each a way to them.
#[component]
fn JobCounts(jobs: Vec<StateCount>) -> impl IntoView {
    let w = say::<OverviewWords>();
    let counts = jobs.into_iter().map(|StateCount { state, count: n }| {
        view! {
            <a class="count" href=format!("/jobs?state={}", state.as_str()) data-tone=job_state::tone(state).as_str()>
                <strong class="number">{count(n.into())}</strong>
                <span><Icon glyph=job_state::glyph(state) />{job_state::name(state)}</span>
            </a>
        }
    });
    view! { <section class="counts" aria-label=w.jobs>{counts.collect_view()}</section> }
}
