//! Two people changed one job: both changes side by side, and ways on that lose nothing.

use std::sync::Arc;

use shared::{
    api::{Changed, ErrorCode, JobView},
    file::value::Value,
    id::JobPath,
};

use super::{
    model::{
        diff, document,
        merge::{self, Clash},
        tree, yaml,
    },
    save::{DiffView, Saving},
    state::{Editing, editing, file_of},
    words::EditorWords,
};
use crate::{
    api::{self, Answer},
    locale::sentences::said,
    parts::{dialog::Dialog, state::Tone, when::At},
    prelude::*,
    remote::{Asking, remote},
    words::say,
};

/// The job as it is on the server now; none if it was deleted.
#[derive(Clone, PartialEq)]
pub struct Conflict(pub Option<Arc<JobView>>);

#[component]
pub fn ConflictDialog(saving: Saving) -> impl IntoView {
    let w = say::<EditorWords>();
    let editing = editing();
    let open = RwSignal::new(false);
    // Only what differs is set: a signal tells also of what is as it was.
    Effect::new(move |_| {
        let is_there = saving.conflict.with(Option::is_some);
        if is_there != open.get_untracked() {
            open.set(is_there);
        }
    });
    Effect::new(move |_| {
        if !open.get() && saving.conflict.with_untracked(Option::is_some) {
            saving.conflict.set(None);
        }
    });
    let title = Signal::derive(move || {
        let name = editing.address().map(|path| path.to_string()).unwrap_or_default();
        saving.conflict.with(|conflict| match conflict {
            Some(Conflict(None)) => fill!(w.conflict_gone, name = name),
            _ => fill!(w.conflict, name = name),
        })
    });
    view! {
        <div class="wide-dialog">
            <Dialog open title>
                {move || saving.conflict.get().map(|conflict| match conflict.0 {
                    Some(theirs) => view! { <Both saving theirs open /> }.into_any(),
                    None => view! { <Gone saving open /> }.into_any(),
                })}
            </Dialog>
        </div>
    }
}

/// It was deleted.
#[component]
fn Gone(saving: Saving, open: RwSignal<bool>) -> impl IntoView {
    let w = say::<EditorWords>();
    view! {
        <p>{w.gone_about}</p>
        <footer>
            <button type="button" on:click=move |_| open.set(false)>{w.cancel}</button>
            <button type="button" class="primary" on:click=move |_| { open.set(false); saving.overwrite(None) }>{w.make_anew}</button>
        </footer>
    }
}

/// It was changed: what they did, what you did, and what both did to the same.
#[component]
fn Both(saving: Saving, theirs: Arc<JobView>, open: RwSignal<bool>) -> impl IntoView {
    let w = say::<EditorWords>();
    let editing = editing();
    let base = editing.base.get_untracked();
    let Some((base, mine)) = base.zip(editing.parsed.get_untracked().ok()) else {
        // What is typed cannot be read: it stays, and is joined once it can.
        return view! { <p>{w.mend_first}</p> }.into_any();
    };
    let by = said(&theirs.updated.by);
    let (old, now, my) = (file_of(&base.spec), file_of(&theirs.spec), file_of(&mine));
    let trees = [&base.spec, &mine, &theirs.spec].map(shared::job::short);
    let merged = merge::merge(&trees[0], &trees[1], &trees[2]);
    let clashes: Vec<(Clash, RwSignal<bool>)> = merged
        .clashes
        .into_iter()
        .map(|clash| (clash, RwSignal::new(true)))
        .collect();
    let join = {
        let (clashes, theirs, mine) = (clashes.clone(), theirs.clone(), trees[1].clone());
        move |_| {
            let mut tree = merged.tree.clone();
            for (clash, _) in clashes.iter().filter(|(_, is_mine)| !is_mine.get_untracked()) {
                merge::take_theirs(&mut tree, clash);
            }
            join(editing, theirs.clone(), &mine, &tree);
            open.set(false);
            saving.tell(w.joined);
        }
    };
    let take = {
        let theirs = theirs.clone();
        move |_| {
            let (text, base) = (editing.text.get_untracked(), editing.base.get_untracked());
            editing.rebase(Some(theirs.clone()));
            editing.reset();
            open.set(false);
            saving.tell_undo(
                w.dropped,
                Arc::new(move || {
                    editing.rebase(base.clone());
                    editing.type_text(text.clone());
                }),
            );
        }
    };
    let at = theirs.updated.at;
    let over = theirs.clone();
    view! {
        <p>{fill!(w.conflict_by, by = by)}" "<At at /></p>
        <div class="sides">
            <section><h3>{fill!(w.they_changed, by = by)}</h3><DiffView lines=diff::hunks(&old, &now) /></section>
            <section><h3>{w.you_changed}</h3><DiffView lines=diff::hunks(&old, &my) /></section>
        </div>
        {(!clashes.is_empty()).then(|| view! {
            <h3>{w.clashes}</h3>
            <div class="clashes">{clashes.into_iter().enumerate().map(|(i, (clash, is_mine))| view! { <ClashRow i clash is_mine /> }).collect_view()}</div>
        })}
        <footer>
            <button type="button" class="plain" on:click=move |_| open.set(false)>{w.cancel}</button>
            <button type="button" on:click=take>{w.take_theirs}</button>
            <button type="button" on:click=move |_| { open.set(false); saving.overwrite(Some(over.clone())) }>{w.overwrite}</button>
            <button type="button" class="primary" on:click=join>{w.join}</button>
        </footer>
    }
    .into_any()
}

/// Something that both changed: one of the two is chosen.
#[component]
fn ClashRow(i: usize, clash: Clash, is_mine: RwSignal<bool>) -> impl IntoView {
    let w = say::<EditorWords>();
    let told = |value: &Option<Value>| match value {
        None => w.nothing.to_owned(),
        Some(value @ (Value::Map(_) | Value::List(_))) => yaml::entry("x", value, 0)
            .join("\n")
            .trim_start_matches("x:")
            .trim()
            .to_owned(),
        Some(value) => tree::scalar(value),
    };
    let name = format!("clash-{i}");
    let side = |label: &'static str, value: String, mine: bool| {
        view! {
            <label>
                <input type="radio" name=name.clone() prop:checked=move || is_mine.get() == mine on:change=move |_| is_mine.set(mine) />
                <span><small class="muted">{label}</small><code>{value}</code></span>
            </label>
        }
    };
    let (mine, theirs) = (told(&clash.mine), told(&clash.theirs));
    view! {
        <div class="clash" role="radiogroup" aria-label=clash.at.to_string()>
            <code>{clash.at.to_string()}</code>
            {side(w.mine, mine, true)}
            {side(w.theirs, theirs, false)}
        </div>
    }
}

/// Puts what both did into the file that is being edited, which keeps its comments.
fn join(editing: Editing, theirs: Arc<JobView>, mine: &Value, merged: &Value) {
    let text = editing.text.get_untracked();
    let said = editing.tree.get_untracked();
    let changed = document::change(&text, &said, tree::between(mine, merged));
    let wanted = shared::file::value::to(merged.clone()).ok();
    let is_as_meant = document::spec(&changed.text).ok() == wanted;
    editing.rebase(Some(theirs));
    editing.type_text(if is_as_meant {
        changed.text
    } else {
        yaml::write(merged)
    });
}

/// The job as it is now. Nothing of one that was never saved.
async fn found(path: Option<JobPath>) -> Answer<Option<Conflict>> {
    let Some(path) = path else { return Ok(None) };
    match api::jobs::job(path).await {
        Ok(job) => Ok(Some(Conflict(Some(Arc::new(job))))),
        Err(failure) if failure.code() == Some(ErrorCode::NotFound) => Ok(Some(Conflict(None))),
        Err(failure) => Err(failure),
    }
}

/// Says at once when somebody else saves the job that is open here.
#[component]
pub fn ChangedElsewhere(saving: Saving) -> impl IntoView {
    let w = say::<EditorWords>();
    let editing = editing();
    let path = move || editing.base.with(|base| base.as_ref().map(|job| job.spec.path()));
    let now = remote(&[Changed::Jobs], path, |path| Asking::of(found(path)));
    let other = Memo::new(move |_| {
        let found = now.data().and_then(|now| (*now).clone())?;
        let mine = editing
            .base
            .with(|base| base.as_ref().map(|job| (job.id, job.revision)))?;
        match &found.0 {
            // An answer from before our own last write tells nothing.
            Some(theirs) => {
                (theirs.id == mine.0 && theirs.revision > mine.1 && !saving.is_busy.get()).then_some(found)
            }
            None => (!saving.is_busy.get()).then_some(found),
        }
    });
    view! {
        {move || other.get().map(|found| {
            let text = match &found.0 {
                Some(theirs) => fill!(w.changed_elsewhere, by = said(&theirs.updated.by)),
                None => w.gone_elsewhere.to_owned(),
            };
            let look = found.clone();
            view! {
                <div class="notice" data-tone=Tone::Warning.as_str() role="alert">
                    <p>{text}</p>
                    <button type="button" on:click=move |_| saving.conflict.set(Some(look.clone()))>{w.look}</button>
                </div>
            }
        })}
    }
}
