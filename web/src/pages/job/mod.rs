//! One job: how it is, what to do with it, when it runs next, how its runs went, where it
//! belongs, and what became of any instant.

mod words;
mod standing;
mod plot;
mod chart;
mod next;
mod runs;
mod place;
mod ledger;
mod facts;

use std::sync::Arc;

use shared::{
    api::{Changed, ErrorCode, JobView},
    id::JobPath,
    job::When,
    schedule::Zone,
    time::Time,
};

use crate::{
    actions::{
        ActionWords,
        jobs::{After, job_actions},
    },
    api::{Query, jobs, path},
    clock, locale,
    pages::{
        not_found::NotFound,
        runs::news::{News, on_news},
    },
    parts::{
        feedback::{Empty, shown},
        icon::{Glyph, Icon},
        job_state::{self, JobStateBadge},
        menu::Menu,
        page::Page,
        prose::prose,
    },
    prelude::*,
    remote::{Remote, remote},
    router::{page_values, router},
    words::say,
};
use chart::Chart;
use facts::{Facts, JobFile};
use ledger::Ledger;
use next::NextRuns;
use place::Where;
use runs::RecentRuns;
use standing::Reasons;
use words::JobWords;

const POINTS: u32 = 200;
const RECENT: u32 = 12;
const NEXT: u32 = 8;

#[component]
pub fn JobPage() -> impl IntoView {
    let values = page_values();
    let job = Memo::new(move |_| {
        let part = |name| values.get(name).unwrap_or_default();
        let path = format!("{}/{}", part("namespace"), part("name"));
        path.parse::<JobPath>().ok()
    });
    // Another job is another page.
    move || match job.get() {
        Some(job) => view! { <Job job /> }.into_any(),
        None => view! { <NotFound /> }.into_any(),
    }
}

#[component]
fn Job(job: JobPath) -> impl IntoView {
    let w = say::<JobWords>();
    let name = job.name.to_string();
    let namespace = job.namespace.to_string();
    let path = StoredValue::new(job.clone());
    let key = move || path.get_value();
    let here = remote(&[Changed::Jobs, Changed::Slots], key, jobs::job);
    let is_gone = Memo::new(move |_| {
        here.fact()
            .failure()
            .is_some_and(|f| f.code() == Some(ErrorCode::NotFound))
    });
    let above = move || {
        let namespace = namespace.clone();
        let href = Query::default().with("namespace", &namespace).after("/jobs");
        view! { <a href=href>{namespace}</a> }
    };
    let actions = move || {
        view! { {move || (!is_gone.get()).then(|| view! { <Actions job=path.get_value() here /> })} }
    };
    view! {
        <Page title=name above=above actions=actions>
            {move || match is_gone.get() {
                true => {
                    let href = Query::default().with("job", path.get_value()).after("/runs");
                    view! {
                        <div class="card"><Empty title=w.gone>
                            <p>{w.gone_about}</p>
                            <p class="row job-gone"><a class="button" href="/jobs">{w.to_jobs}</a><a class="button" href=href>{w.its_runs}</a></p>
                        </Empty></div>
                    }
                    .into_any()
                }
                false => shown(here, move |view| view! { <Facets job=path.get_value() view /> }).into_any(),
            }}
        </Page>
    }
}

/// What can be done with the job.
#[component]
fn Actions(job: JobPath, here: Remote<JobView>) -> impl IntoView {
    let w = say::<JobWords>();
    let words = say::<ActionWords>();
    let actions = job_actions();
    let navigate = router();
    let after: StoredValue<After> = StoredValue::new(Arc::new(move || navigate.go("/jobs")));
    let is_paused = Memo::new(move |_| here.data().is_some_and(|view| view.spec.paused));
    let edit = path("/jobs/{}/{}/edit", &[&job.namespace, &job.name]);
    let duplicate = Query::default().with("from", &job).after("/new");
    let job = StoredValue::new(job);
    view! {
        <button type="button" class="primary" on:click=move |_| actions.run(job.get_value())>
            <Icon glyph=Glyph::Play />{words.run_now}
        </button>
        {move || match is_paused.get() {
            true => view! {
                <button type="button" on:click=move |_| actions.resume(job.get_value())><Icon glyph=Glyph::Refresh />{words.resume}</button>
            }.into_any(),
            false => view! {
                <button type="button" on:click=move |_| actions.pause(job.get_value())><Icon glyph=Glyph::Pause />{words.pause}</button>
            }.into_any(),
        }}
        <a class="button" href=edit><Icon glyph=Glyph::Edit />{words.edit}</a>
        <Menu button=move || view! { <Icon glyph=Glyph::More /> } label=w.more>
            <a href=duplicate.clone()><Icon glyph=Glyph::Copy />{words.duplicate}</a>
            <button type="button" class="is-dangerous" on:click=move |_| actions.delete(job.get_value(), Some(after.get_value()))>
                <Icon glyph=Glyph::Trash />{words.delete}
            </button>
        </Menu>
    }
}

/// The instant that the ledger is open at; it stands in the URL.
fn instant() -> RwSignal<Option<Time>> {
    let query = router().query;
    let read = move || query.with(|query| query.get("at").and_then(|at| at.parse::<Time>().ok()));
    let at = RwSignal::new(untrack(read));
    let navigate = router();
    let home = router().path.get_untracked();
    Effect::new(move |before: Option<Option<Time>>| {
        let now = at.get();
        if before.is_some_and(|before| before != now) {
            navigate.replace(&Query::default().with_some("at", now).after(&home));
        }
        now
    });
    at
}

#[component]
fn Facets(job: JobPath, view: Signal<Arc<JobView>>) -> impl IntoView {
    let w = say::<JobWords>();
    let path = StoredValue::new(job);
    let key = move || path.get_value();
    let history = remote(&[], key, |job| jobs::history(job, POINTS));
    let runs = remote(&[], key, |job| jobs::runs(job, RECENT));
    // Runs of other jobs are no news here, and a fleet has hundreds a second.
    on_news(move |news| {
        let id = view.with_untracked(|view| view.id);
        if !matches!(news, News::Run(run) if run.job_id != id) {
            history.fact().refresh_soon();
            runs.fact().refresh_soon();
        }
    });
    let places = remote(
        &[
            Changed::Slots,
            Changed::Nodes,
            Changed::Groups,
            Changed::Calendars,
        ],
        key,
        jobs::whereabouts,
    );
    let next = remote(
        &[Changed::Calendars],
        move || (path.get_value(), next_key(view)),
        |(job, _)| jobs::next(job, NEXT, Some(locale::zone().name().to_owned())),
    );
    // Only cron expressions are read in a zone; the rest is shown in the viewer's.
    let zones = Memo::new(move |_| {
        view.with(|view| {
            let zones = view
                .spec
                .triggers
                .iter()
                .filter_map(|trigger| match &trigger.when {
                    When::Cron { timezone, .. } => Some(*timezone),
                    _ => None,
                });
            zones.collect::<Vec<Zone>>()
        })
    });
    let zone = Memo::new(move |_| {
        let first = zones.with(|zones| zones.first().copied());
        first.unwrap_or_else(locale::zone)
    });
    let at = instant();
    let all = Query::default().with("job", path.get_value()).after("/runs");
    view! {
        <Head view history runs />
        <div class="job-page">
            <div class="stack">
                <section class="card">
                    <header><h2>{w.history}</h2></header>
                    <div class="body">{shown(history, move |history| view! { <Chart history at /> })}</div>
                </section>
                <section class="card">
                    <header><h2>{w.runs}</h2><a href=all>{w.all_runs}</a></header>
                    <div class="job-scroll">{shown(runs, move |runs| view! { <RecentRuns runs view /> })}</div>
                </section>
                <section class="card" id="ledger">
                    <header><h2>{w.ledger}</h2></header>
                    <div class="body stack"><Ledger job=path.get_value() view zone next=Signal::derive(move || next.data()) at /></div>
                </section>
                <JobFile view />
            </div>
            <div class="stack">
                <section class="card">
                    <header><h2>{w.next}</h2></header>
                    <div class="body">{shown(next, move |next| view! { <NextRuns next zones zone at /> })}</div>
                </section>
                <section class="card">
                    <header><h2>{w.place}</h2></header>
                    <div class="body job-where">{shown(places, move |places| view! { <Where places view /> })}</div>
                </section>
                <section class="card">
                    <header><h2>{w.facts}</h2></header>
                    <div class="body"><Facts view /></div>
                </section>
            </div>
        </div>
    }
}

/// What the next runs depend on: the job as it is, and the one that is due next, so that
/// they are asked for again when one has passed.
fn next_key(view: Signal<Arc<JobView>>) -> (shared::Revision, Option<Time>) {
    let now = clock::ticking();
    let (revision, next) = view.with(|view| (view.revision, view.next));
    // Only a passing instant makes a new key, not each second.
    let passed = next.filter(|next| now.get() >= *next);
    (revision, passed)
}

/// State, description and labels.
#[component]
fn Head(
    view: Signal<Arc<JobView>>,
    history: Remote<shared::api::timeline::JobHistory>,
    runs: Remote<shared::api::Page<shared::history::RunView>>,
) -> impl IntoView {
    let w = say::<JobWords>();
    let judged = Memo::new(move |_| {
        let history = history.data()?;
        let recent = runs.data();
        let recent = recent.iter().flat_map(|page| &page.items);
        let reasons: Reasons = recent
            .filter_map(|run| Some((run.id, run.reason_detail.clone()?)))
            .collect();
        view.with(|view| Some(standing::standing(view, &history, &reasons, clock::now())))
    });
    let labels = move || {
        view.with(|view| {
            let labels = view.spec.labels.iter().map(|(key, value)| {
                let term = if value.is_empty() {
                    key.clone()
                } else {
                    format!("{key}={value}")
                };
                let href = Query::default().with("label", &term).after("/jobs");
                view! { <a class="chip" href=href title=term.clone()><Icon glyph=Glyph::Tag /><span>{term.clone()}</span></a> }
            });
            labels.collect_view()
        })
    };
    view! {
        <div class="job-head">
            <div class="row">
                {move || judged.get().map(|(state, trouble)| view! {
                    <span title=job_state::about(state)><JobStateBadge state /></span>
                    {trouble.map(|trouble| view! { <span class="job-trouble">{prose(&job_state::trouble_text(&trouble))}</span> })}
                })}
                <span class="row job-labels" role="group" aria-label=w.labels>{labels}</span>
            </div>
            {move || view.with(|view| (!view.spec.description.is_empty()).then(|| view! {
                <p class="job-about">{view.spec.description.clone()}</p>
            }))}
        </div>
    }
}
