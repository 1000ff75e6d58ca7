//! The job editor: a form and the job file side by side, each changing the other.
//!
//! `model` decides, `state` holds; `form`, `file_pane`, `next` and `seats` show; `save`, `conflict` and
//! `guard` see to it that nothing is lost.

mod model;
mod state;
mod fields;
mod form;
mod file_pane;
mod next;
mod seats;
mod save;
mod conflict;
mod guard;
mod words;

use std::sync::Arc;

use shared::{api::JobView, id::JobPath, schedule::Zone, value};

use crate::{
    api::{self, Failure},
    locale,
    parts::{
        feedback::{Failed, Loading},
        icon::{Glyph, Icon},
        page::Page,
    },
    prelude::*,
    router::{page_values, router},
    words::say,
};
use conflict::ChangedElsewhere;
use file_pane::FilePane;
use form::Form;
use model::{Op, Path, tree, yaml};
use save::{SaveDialogs, Saving};
use state::{Base, Editing, file_of};
use words::EditorWords;

/// What the address asks for.
#[derive(Clone, Debug, PartialEq)]
enum Asked {
    Edit(JobPath),
    New,
    CopyOf(JobPath),
    /// An address that names no job.
    Nonsense(String),
}

impl Asked {
    /// What unsaved changes are kept under.
    fn place(&self) -> String {
        match self {
            Asked::Edit(path) => path.to_string(),
            Asked::CopyOf(path) => format!("copy {path}"),
            Asked::New | Asked::Nonsense(_) => "new".into(),
        }
    }
}

#[component]
pub fn Editor() -> impl IntoView {
    let (values, query) = (page_values(), router().query);
    let asked = Memo::new(move |_| {
        let path = |text: String| text.parse::<JobPath>();
        match (
            values.get("namespace"),
            values.get("name"),
            query.get().get("from"),
        ) {
            (Some(namespace), Some(name), _) => {
                path(format!("{namespace}/{name}")).map_or_else(Asked::Nonsense, Asked::Edit)
            }
            (_, _, Some(from)) => path(from).map_or_else(Asked::Nonsense, Asked::CopyOf),
            _ => Asked::New,
        }
    });
    move || view! { <Opened asked=asked.get() /> }
}

/// Reads the job that is to be edited, once: what happens to it later is a conflict.
#[component]
fn Opened(asked: Asked) -> impl IntoView {
    let found = RwSignal::new(None::<Result<Option<Arc<JobView>>, Failure>>);
    let wanted = asked.clone();
    let read = move || {
        found.set(None);
        match wanted.clone() {
            Asked::Edit(path) | Asked::CopyOf(path) => spawn_local(async move {
                let answer = api::jobs::job(path).await;
                found.try_set(Some(answer.map(|job| Some(Arc::new(job)))));
            }),
            Asked::New => found.set(Some(Ok(None))),
            Asked::Nonsense(why) => found.set(Some(Err(Failure::Unreachable(why)))),
        }
    };
    read();
    move || match found.get() {
        None => view! { <Page title=title(&asked)><Loading /></Page> }.into_any(),
        Some(Err(failure)) => {
            let read = read.clone();
            view! { <Page title=title(&asked)><Failed failure retry=read /></Page> }.into_any()
        }
        Some(Ok(job)) => view! { <Desk asked=asked.clone() job /> }.into_any(),
    }
}

fn title(asked: &Asked) -> String {
    let w = say::<EditorWords>();
    match asked {
        Asked::Edit(path) => fill!(w.edit, name = path.name),
        _ => w.new.to_owned(),
    }
}

/// The editor with its job.
#[component]
fn Desk(asked: Asked, job: Option<Arc<JobView>>) -> impl IntoView {
    let w = say::<EditorWords>();
    let place = asked.place();
    let (base, start) = beginning(&asked, job);
    let kept = guard::recall(&place).filter(|kept| kept.text != start);
    let has_come_back = RwSignal::new(kept.is_some());
    let fresh = base.clone();
    let editing = match kept {
        Some(kept) => {
            let base = kept.base.map(Arc::new);
            let start = base.as_ref().map_or(start, |job| file_of(&job.spec));
            state::provide(base, start, kept.text)
        }
        None => state::provide(base, start.clone(), start),
    };
    seats::provide();
    let saving = save::saving(editing, place.clone());
    guard::watch(editing, place);
    let drop_kept = move |_| {
        if fresh.is_some() {
            editing.rebase(fresh.clone());
        }
        editing.reset();
        has_come_back.set(false);
    };
    // On a narrow screen one of the two is seen.
    let is_file = RwSignal::new(false);
    let above = {
        let asked = asked.clone();
        move || {
            let here = match asked.clone() {
                Asked::Edit(path) => {
                    let href = format!("/jobs/{}/{}", path.namespace, path.name);
                    view! { " / "<a href=href>{path.to_string()}</a> }.into_any()
                }
                Asked::CopyOf(path) => format!(" / {}", fill!(w.copied, name = path)).into_any(),
                Asked::New | Asked::Nonsense(_) => ().into_any(),
            };
            view! { <a href="/jobs">{w.jobs}</a>{here} }
        }
    };
    let duplicate = match &asked {
        Asked::Edit(path) => Some(format!("/new?from={}%2F{}", path.namespace, path.name)),
        _ => None,
    };
    let actions = move || {
        duplicate
            .clone()
            .map(|href| view! { <a href=href class="button"><Icon glyph=Glyph::Copy />{w.duplicate}</a> })
    };
    let back = match &asked {
        Asked::Edit(path) | Asked::CopyOf(path) => format!("/jobs/{}/{}", path.namespace, path.name),
        _ => "/jobs".to_owned(),
    };
    view! {
        <Page title=title(&asked) above actions>
            {move || (has_come_back.get() && editing.is_dirty.get()).then(|| {
                let drop_kept = drop_kept.clone();
                view! {
                    <div class="notice" data-tone="busy" role="status">
                        <p>{w.came_back}</p>
                        <button type="button" on:click=drop_kept>{w.drop}</button>
                    </div>
                }
            })}
            <ChangedElsewhere saving />
            <div class="tabs panes-tabs" role="tablist" aria-label=w.panes>
                <button type="button" role="tab" aria-selected=move || (!is_file.get()).to_string() on:click=move |_| is_file.set(false)>{w.form}</button>
                <button type="button" role="tab" aria-selected=move || is_file.get().to_string() on:click=move |_| is_file.set(true)>{w.file}</button>
            </div>
            <div class="panes" class:shows-file=is_file>
                <Form />
                <FilePane />
            </div>
            <Bar editing saving back is_file />
            <SaveDialogs saving />
        </Page>
    }
}

/// How things stand, and the way out.
#[component]
fn Bar(editing: Editing, saving: Saving, back: String, is_file: RwSignal<bool>) -> impl IntoView {
    let w = say::<EditorWords>();
    let wrong = move || {
        let told = editing.problems.with(|problems| problems.len());
        let is_wrong = editing.parsed.with(Result::is_err) || editing.refused.with(Option::is_some);
        told.max(usize::from(is_wrong))
    };
    let show = move |_| {
        editing.tried.set(true);
        is_file.set(editing.unreadable.with_untracked(Option::is_some));
        saving.show_problem();
    };
    let is_new = move || editing.base.with(Option::is_none);
    view! {
        <div class="editor-bar">
            <p role="status">
                {move || if editing.is_dirty.get() { w.changed } else { w.unchanged }}
            </p>
            {move || match (wrong(), editing.is_dirty.get() || editing.tried.get()) {
                (0, _) | (_, false) => ().into_any(),
                (n, true) => view! {
                    <button type="button" class="plain problems" on:click=show>
                        <Icon glyph=Glyph::Warning />
                        {if n == 1 { w.one_problem.to_owned() } else { fill!(w.problems, n = n) }}
                    </button>
                }.into_any(),
            }}
            <span class="grow"></span>
            <a href=back class="button">{w.cancel}</a>
            <button type="button" class="primary" title=w.save_hint disabled=saving.is_busy on:click=move |_| saving.save()>
                {move || if is_new() { w.create } else { w.save }}
            </button>
        </div>
    }
}

/// What the editor begins with.
fn beginning(asked: &Asked, job: Option<Arc<JobView>>) -> (Base, String) {
    match (asked, job) {
        (Asked::Edit(_), Some(job)) => {
            let text = file_of(&job.spec);
            (Some(job), text)
        }
        (_, Some(other)) => {
            let mut copy = shared::job::short(&other.spec);
            let name = format!("{}-copy", other.spec.name);
            tree::apply(&mut copy, &Op::set(Path::of("name"), name));
            (None, yaml::write(&copy))
        }
        (_, None) => {
            let mut trigger = value!({"cron": "30 2 * * *"});
            if locale::zone() != Zone::utc() {
                trigger.insert("timezone", locale::zone().name());
            }
            let tree = value!({"name": "", "run": {"shell": ""}, "triggers": [trigger]});
            (None, yaml::write(&tree))
        }
    }
}
