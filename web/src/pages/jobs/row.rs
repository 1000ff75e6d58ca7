//! A job as a row. It stays while its job changes: only what is different is drawn anew.

use std::sync::Arc;

use shared::{
    api::board::{BoardJob, LastRun},
    job::{Trigger, When},
    schedule::{Dst, Lang},
};

use super::{Looking, words::JobsWords};
use crate::{
    actions::{ActionWords, jobs::job_actions},
    address,
    board::Row,
    clock,
    locale::{self, Language, exact, language, millis},
    parts::{
        icon::{Glyph, Icon},
        job_state::{self, JobStateBadge},
        menu::Menu,
        state,
        ticks::Ticks,
    },
    prelude::*,
    words::say,
};

#[component]
pub fn JobRow(first: Arc<Row>, place: Signal<usize>, looking: Looking) -> impl IntoView {
    let w = say::<JobsWords>();
    let id = first.job.id;
    let (table, selection, shown) = (looking.table, looking.selection, looking.shown);
    let row = Memo::of_arc(move |before| {
        let found = table.with(|table| table.get(id).cloned());
        found.or_else(|| before.cloned()).unwrap_or_else(|| first.clone())
    });
    let is_chosen = Memo::new(move |_| selection.has(id));
    let path = Memo::new(move |_| row.with(|row| row.path()));
    let state = Memo::new(move |_| row.with(|row| (row.job.state, row.job.trouble.clone())));
    let pick = move |event: leptos::ev::MouseEvent| {
        let on = !is_chosen.get_untracked();
        let with_shift = event.shift_key();
        shown.with_untracked(|shown| selection.clicked(id, on, with_shift, &shown.rows));
    };
    view! {
        <div class="jobs-row" role="row" aria-rowindex=move || (place.get() + 2).to_string()
            class:is-chosen=is_chosen data-job=move || path.with(ToString::to_string)>
            <div role="cell" class="is-check">
                <label>
                    <input type="checkbox" prop:checked=is_chosen
                        aria-label=move || path.with(|path| fill!(w.select, job = path)) on:click=pick />
                </label>
            </div>
            <div role="cell" class="is-state" title=move || state.with(|(state, trouble)| {
                trouble.as_ref().map(job_state::trouble_text).unwrap_or_else(|| job_state::about(*state).into())
            })>
                {move || view! { <JobStateBadge state=state.with(|(state, _)| *state) /> }}
            </div>
            <div role="cell" class="is-name">
                {move || row.with(|row| view! {
                    <a href=row.link() title=about(&row.job)>
                        <span class="muted">{format!("{}/", row.job.namespace)}</span>
                        <span class="jobs-name">{row.job.name.to_string()}</span>
                    </a>
                })}
            </div>
            <div role="cell" class="is-schedule">
                {move || row.with(|row| {
                    let (short, long) = schedule(&row.job);
                    view! { <span title=long>{short}</span> }
                })}
            </div>
            <div role="cell" class="is-next">{move || row.with(|row| next(&row.job))}</div>
            <div role="cell" class="is-last">{move || row.with(|row| last(row.job.last.as_ref()))}</div>
            <div role="cell" class="is-ticks">
                {move || row.with(|row| view! { <Ticks outcomes=row.job.ticks.0.iter().map(|tick| tick.state).collect() /> })}
            </div>
            <div role="cell" class="is-success number">
                {move || row.with(|row| match row.job.success_percent {
                    Some(n) => format!("{n} %"),
                    None => "–".into(),
                })}
            </div>
            <div role="cell" class="is-usual number">
                {move || row.with(|row| row.job.usual_ms.map_or_else(|| "–".into(), millis))}
            </div>
            <div role="cell" class="is-running number">{move || row.with(|row| running(row))}</div>
            <div role="cell" class="is-menu"><RowMenu row /></div>
        </div>
    }
}

/// What stands on hover of a name: what the job is for, and its labels.
fn about(job: &BoardJob) -> String {
    let mut lines = vec![job.path().to_string()];
    if !job.description.is_empty() {
        lines.push(job.description.clone());
    }
    let labels: Vec<String> = job.labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
    if !labels.is_empty() {
        lines.push(labels.join(", "));
    }
    lines.join("\n")
}

/// The schedule in words: short, and whole.
fn schedule(job: &BoardJob) -> (String, String) {
    let w = say::<JobsWords>();
    let lang = match language() {
        Language::En => Lang::En,
        Language::Zh => Lang::Zh,
    };
    let said: Vec<String> = job
        .triggers
        .iter()
        .map(|trigger| in_words(job, trigger, lang))
        .collect();
    match said.as_slice() {
        [] => (w.manual.into(), w.manual.into()),
        [one] => (one.clone(), one.clone()),
        [first, rest @ ..] => (
            format!("{first}; {}", fill!(w.more_triggers, n = rest.len())),
            said.join("\n"),
        ),
    }
}

fn in_words(job: &BoardJob, trigger: &Trigger, lang: Lang) -> String {
    match trigger.compile(job.id.seed()) {
        Ok(compiled) => compiled.schedule.describe(lang),
        // A newer master may know more than this page does.
        Err(_) => match &trigger.when {
            When::Cron {
                expression,
                dst: Dst::Tick | Dst::Skip,
                ..
            } => expression.clone(),
            When::Every { interval, .. } => interval.to_string(),
            When::At { instants } => instants
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", "),
        },
    }
}

fn next(job: &BoardJob) -> AnyView {
    let w = say::<JobsWords>();
    match job.next {
        Some(at) => {
            let now = clock::ticking();
            view! {
                <time datetime=at.to_string() title=exact(at, locale::zone())>{move || locale::ago(at, now.get())}</time>
            }
            .into_any()
        }
        None => {
            let why = if job.triggers.is_empty() {
                w.manual
            } else {
                w.never
            };
            view! { <span class="muted" title=why>"–"<span class="visually-hidden">{why}</span></span> }
                .into_any()
        }
    }
}

fn last(run: Option<&LastRun>) -> AnyView {
    let w = say::<JobsWords>();
    let Some(run) = run else {
        return view! { <span class="muted">"–"<span class="visually-hidden">{w.none}</span></span> }
            .into_any();
    };
    let at = run.finished_at.or(run.started_at).unwrap_or(run.at);
    let now = clock::ticking();
    let title = format!("{} · {}", state::name(run.state), exact(at, locale::zone()));
    view! {
        <a class="jobs-last" href=address::of_run(run.id) title=title data-tone=state::tone(run.state).as_str()>
            <Icon glyph=state::glyph(run.state) />
            <span class="visually-hidden">{state::name(run.state)}</span>
            <span>{move || locale::ago(at, now.get())}</span>
        </a>
    }
    .into_any()
}

fn running(row: &Row) -> AnyView {
    let w = say::<JobsWords>();
    let (running, queued) = (row.job.running, row.job.queued);
    if running + queued == 0 {
        return view! { <span class="muted">"–"</span> }.into_any();
    }
    let query = crate::api::Query::default()
        .with("job", row.path())
        .with("state", "running,queued");
    let waiting = (queued > 0).then(|| fill!(w.waiting, n = queued));
    let title = waiting.clone();
    view! {
        <a href=query.after("/runs") title=title class="jobs-running">
            {(running > 0).then_some(running)}
            {waiting.map(|said| view! { <span class="muted">{format!("+{queued}")}<span class="visually-hidden">{said}</span></span> })}
        </a>
    }
    .into_any()
}

/// What can be done to one job.
#[component]
fn RowMenu(row: Memo<Arc<Row>>) -> impl IntoView {
    let w = say::<JobsWords>();
    let words = say::<ActionWords>();
    let actions = job_actions();
    let path = move || row.with_untracked(|row| row.path());
    let label = row.with_untracked(|row| fill!(w.actions_of, job = row.path()));
    let is_paused = Memo::new(move |_| row.with(|row| row.job.paused));
    view! {
        <Menu button=move || view! { <Icon glyph=Glyph::More /> } label>
            <button type="button" on:click=move |_| actions.run(path())><Icon glyph=Glyph::Play />{words.run_now}</button>
            {move || if is_paused.get() {
                view! {
                    <button type="button" on:click=move |_| actions.resume(path())><Icon glyph=Glyph::Refresh />{words.resume}</button>
                }.into_any()
            } else {
                view! {
                    <button type="button" on:click=move |_| actions.pause(path())><Icon glyph=Glyph::Pause />{words.pause}</button>
                }.into_any()
            }}
            <a href=move || format!("{}/edit", row.with(|row| row.link()))><Icon glyph=Glyph::Edit />{words.edit}</a>
            <a href=move || crate::api::Query::default().with("from", row.with(|row| row.path())).after("/new")>
                <Icon glyph=Glyph::Copy />{words.duplicate}
            </a>
            <button type="button" class="is-dangerous" on:click=move |_| actions.delete(path(), None)>
                <Icon glyph=Glyph::Trash />{words.delete}
            </button>
        </Menu>
    }
}
