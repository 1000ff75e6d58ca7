//! What the job is, as facts and as its file.

use std::sync::Arc;

use shared::{
    api::JobView,
    job::{Action, Author, Isolation, JobSpec, MisfireRun, OnLost, OverlapPolicy, file::to_yaml},
};

use super::words::JobWords;
use crate::{
    browser,
    locale::{brief, count, sentences::said},
    parts::{
        icon::{Glyph, Icon},
        toast::toaster,
        when::At,
    },
    prelude::*,
    words::say,
};

#[component]
pub fn Facts(view: Signal<Arc<JobView>>) -> impl IntoView {
    let w = say::<JobWords>();
    move || {
        let job = view.get();
        let spec = &job.spec;
        let fact = |name: &'static str, value: String| view! { <dt>{name}</dt><dd>{value}</dd> };
        let (kind, action) = action(spec);
        let timeout = spec
            .run
            .timeout
            .map_or_else(|| w.no_timeout.to_owned(), |span| brief(span.get()));
        view! {
            <dl class="facts">
                <dt>{w.what}</dt><dd>{kind}<code class="job-action">{action}</code></dd>
                {fact(w.user, spec.run.user.clone().unwrap_or_else(|| w.agents_user.to_owned()))}
                {spec.run.dir.clone().map(|dir| fact(w.directory, dir))}
                {fact(w.timeout, timeout)}
                {fact(w.overlap, overlap(spec))}
                {fact(w.misfire, misfire(spec))}
                {fact(w.retry, retry(spec))}
                {fact(w.lost, match spec.on_lost { OnLost::Fail => w.lost_fail, OnLost::Retry => w.lost_retry }.to_owned())}
                {fact(w.isolation, match spec.isolation { Isolation::Finish => w.isolation_finish, Isolation::Kill => w.isolation_kill }.to_owned())}
                {fact(w.keep, fill!(w.keep_some, n = count(spec.keep.runs.into()), span = brief(spec.keep.span.get())))}
                <dt>{w.created}</dt><dd>{author(&job.created)}</dd>
                <dt>{w.updated}</dt><dd>{author(&job.updated)}</dd>
                <dt>{w.since}</dt><dd><At at=job.since /></dd>
                {fact(w.revision, job.revision.to_string())}
                <dt>{w.id}</dt><dd><code>{job.id.to_string()}</code></dd>
            </dl>
        }
    }
}

fn author(author: &Author) -> impl IntoView + use<> {
    let w = say::<JobWords>();
    view! { <At at=author.at />" "<span class="muted">{fill!(w.by, who = said(&author.by))}</span> }
}

fn action(spec: &JobSpec) -> (&'static str, String) {
    let w = say::<JobWords>();
    match &spec.run.action {
        Action::Shell(script) => (w.shell, script.trim().to_owned()),
        Action::Exec(argv) => (w.program, argv.join(" ")),
        Action::Http(request) => (w.http, format!("{} {}", request.method, request.url)),
    }
}

fn overlap(spec: &JobSpec) -> String {
    let w = say::<JobWords>();
    let overlap = spec.overlap;
    match overlap.policy {
        OverlapPolicy::Skip => fill!(w.overlap_skip, n = overlap.limit),
        OverlapPolicy::Queue => fill!(w.overlap_queue, n = overlap.limit, queue = overlap.queue),
        OverlapPolicy::Replace => fill!(w.overlap_replace, n = overlap.limit),
        OverlapPolicy::Allow => fill!(w.overlap_allow, n = overlap.limit),
    }
}

fn misfire(spec: &JobSpec) -> String {
    let w = say::<JobWords>();
    let within = brief(spec.misfire.within.get());
    match spec.misfire.run {
        MisfireRun::Once => fill!(w.misfire_once, within = within),
        MisfireRun::All => fill!(w.misfire_all, within = within),
        MisfireRun::None => w.misfire_none.to_owned(),
    }
}

fn retry(spec: &JobSpec) -> String {
    let w = say::<JobWords>();
    let retry = spec.retry;
    if retry.attempts <= 1 {
        return w.retry_none.to_owned();
    }
    let said = if retry.elsewhere {
        w.retry_elsewhere
    } else {
        w.retry_some
    };
    let (backoff, max) = (brief(retry.backoff.get()), brief(retry.max.get()));
    fill!(said, n = retry.attempts, backoff = backoff, max = max)
}

/// The job file, to be read and copied.
#[component]
pub fn JobFile(view: Signal<Arc<JobView>>) -> impl IntoView {
    let w = say::<JobWords>();
    let toaster = toaster();
    let text = Memo::new(move |_| view.with(|view| to_yaml(&view.spec)));
    view! {
        <section class="card job-file">
            <header>
                <h2>{w.file}</h2>
                <button type="button" on:click=move |_| { browser::copy(&text.get_untracked()); toaster.done(w.copied); }>
                    <Icon glyph=Glyph::Copy />{w.copy}
                </button>
            </header>
            <pre tabindex="0">{text}</pre>
        </section>
    }
}
