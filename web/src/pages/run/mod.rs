//! One run: when, where and why, its attempts, and its output as it comes.

mod actions;
mod attempts;
mod facts;
pub mod output;
mod words;

use shared::id::RunId;

use super::runs::news::{News, on_news};
use crate::{
    api,
    locale::duration,
    parts::{
        feedback::{Empty, shown},
        page::Page,
        reason::reason_text,
        state::{StateBadge, tone},
        when::Elapsed,
    },
    prelude::*,
    remote::remote,
    router::page_values,
    words::say,
};
use actions::RunActions;
use attempts::Attempts;
use facts::{Facts, RunIdShown};
use output::{Output, OutputFacts};
use words::RunWords;

/// Another run at the same page is another view.
#[component]
pub fn RunPage() -> impl IntoView {
    let values = page_values();
    let id = Memo::new(move |_| values.get("id").unwrap_or_default());
    move || match id.get().parse::<RunId>() {
        Ok(id) => view! { <OneRun id /> }.into_any(),
        Err(_) => {
            let w = say::<RunWords>();
            view! {
                <Page title=w.run>
                    <Empty title=w.no_such><p>{fill!(w.no_such_about, id = id.get())}</p></Empty>
                </Page>
            }
            .into_any()
        }
    }
}

#[component]
fn OneRun(id: RunId) -> impl IntoView {
    let w = say::<RunWords>();
    let run = remote(&[], move || id, api::runs::find);
    on_news(move |news| match news {
        News::Run(new) if new.id == id => run.refresh(),
        News::Run(_) => {}
        News::Unknown => {
            if run.data_untracked().is_none_or(|run| !run.state.is_end()) {
                run.refresh();
            }
        }
    });
    let job = Memo::new(move |_| run.data().map(|run| run.job.clone()));
    let title = Signal::derive(move || {
        job.get()
            .map_or_else(|| w.run.to_owned(), |job| job.name.to_string())
    });
    let ended = Callback::new(move |()| run.refresh());
    view! {
        <Page title
            above=move || view! {
                <a href="/runs">{w.runs}</a>
                {move || job.get().map(|job| {
                    let href = format!("/jobs/{}/{}", job.namespace, job.name);
                    view! { " › " <a href=href>{job.to_string()}</a> " › " <RunIdShown id=id.to_string() /> }
                })}
            }
            actions=move || view! { <RunActions run /> }>
            {shown(run, move |run| {
                let facts = Memo::new(move |_| OutputFacts::of(&run.get()));
                let name = run.with_untracked(|run| output::file_name(&run.job.to_string(), run.scheduled_at));
                view! {
                    <div class="stack">
                        <div class="run-head card">
                            <Outcome run />
                            <Facts run />
                        </div>
                        <Attempts run />
                        <Output id name facts ended />
                    </div>
                }
            })}
        </Page>
    }
}

/// How it ended, or how long it has been going on, in one line.
#[component]
fn Outcome(run: Signal<std::sync::Arc<shared::history::RunView>>) -> impl IntoView {
    let shown = Memo::new(move |_| {
        let run = run.get();
        (run.state, reason_text(&run), run.started_at, run.finished_at)
    });
    move || {
        let (state, reason, started, finished) = shown.get();
        let took = match (started, finished) {
            (Some(from), Some(to)) => {
                view! { <span class="number">{duration(to.since(from))}</span> }.into_any()
            }
            (Some(from), None) if !state.is_end() => view! { <Elapsed since=from /> }.into_any(),
            _ => ().into_any(),
        };
        view! {
            <p class="run-outcome" data-tone=tone(state).as_str()>
                <StateBadge state />
                {took}
                {(!reason.is_empty()).then(|| view! { <span class="run-reason">{reason}</span> })}
            </p>
        }
    }
}
