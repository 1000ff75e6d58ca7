//! Saving: first what would change, then the write, then what the server says to it.

use std::sync::Arc;

use shared::{
    api::{ErrorCode, JobView},
    job::JobSpec,
};
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use super::{
    conflict::{Conflict, ConflictDialog},
    guard,
    model::{
        Path,
        check::{self, Problem},
        diff::{self, Kind, Line},
    },
    state::{Editing, file_of, id_of},
    words::EditorWords,
};
use crate::{
    api,
    browser::{document, shows_dialog},
    parts::{
        confirm::Act,
        dialog::Dialog,
        toast::{Toaster, toaster},
    },
    prelude::*,
    router::router,
    words::say,
};

/// How a job is saved, and what came of it.
#[derive(Clone, Copy)]
pub struct Saving {
    editing: Editing,
    toaster: Toaster,
    pub is_busy: RwSignal<bool>,
    /// The difference is shown.
    reviewing: RwSignal<bool>,
    pub conflict: RwSignal<Option<Conflict>>,
    place: StoredValue<String>,
    leave: Callback<String>,
}

pub fn saving(editing: Editing, place: String) -> Saving {
    let navigate = router();
    let leave = Callback::new(move |href: String| {
        navigate.go(&href);
    });
    let saving = Saving {
        editing,
        toaster: toaster(),
        is_busy: RwSignal::new(false),
        reviewing: RwSignal::new(false),
        conflict: RwSignal::new(None),
        place: StoredValue::new(place),
        leave,
    };
    on_window(ev::keydown, move |event| {
        let is_save = (event.ctrl_key() || event.meta_key())
            && !event.alt_key()
            && event.key().eq_ignore_ascii_case("s");
        if is_save {
            event.prevent_default();
            if !shows_dialog() {
                saving.save();
            }
        }
    });
    saving
}

impl Saving {
    /// The button, or Ctrl-S: of a job that exists it shows the difference first, and saves
    /// when asked again.
    pub fn save(self) {
        let editing = self.editing;
        editing.tried.set(true);
        if self.is_busy.get_untracked() || self.conflict.with_untracked(Option::is_some) {
            return;
        }
        let spec = match editing.parsed.get_untracked() {
            Ok(spec) if editing.problems.with_untracked(|p| p.is_empty()) => spec,
            _ => {
                self.toaster.wrong(say::<EditorWords>().mend_first);
                self.show_problem();
                return;
            }
        };
        let base = editing.base.get_untracked();
        match base {
            Some(base) if base.spec == *spec => self.toaster.done(say::<EditorWords>().nothing_to_save),
            Some(_) if !self.reviewing.get_untracked() => self.reviewing.set(true),
            _ => self.write(spec),
        }
    }

    /// Goes to the first field that is wrong, or to the file.
    pub fn show_problem(self) {
        let editing = self.editing;
        let problems = editing.problems.get_untracked();
        let refused = editing.refused.get_untracked();
        let first = refused
            .iter()
            .chain(problems.iter())
            .find_map(|problem| field_of(&problem.at));
        let element = match first {
            Some(field) if editing.unreadable.with_untracked(Option::is_none) => Some(field),
            _ => document().get_element_by_id("file"),
        };
        let Some(element) = element.and_then(|e| e.dyn_into::<HtmlElement>().ok()) else {
            return;
        };
        // What is closed around it opens.
        let mut around = element.closest("details").ok().flatten();
        while let Some(details) = around {
            let _ = details.set_attribute("open", "");
            around = details
                .parent_element()
                .and_then(|above| above.closest("details").ok().flatten());
        }
        let _ = element.focus();
    }

    fn write(self, spec: Arc<JobSpec>) {
        let editing = self.editing;
        let base = editing.base.get_untracked();
        let address = base.as_ref().map_or_else(|| spec.path(), |job| job.spec.path());
        let revision = base.as_ref().map(|job| job.revision);
        self.is_busy.set(true);
        spawn_local(async move {
            let answer = api::jobs::save(&address, &spec, revision).await;
            self.is_busy.set(false);
            self.reviewing.set(false);
            match answer {
                Ok(view) => self.is_saved(view),
                Err(failure) if failure.code() == Some(ErrorCode::Stale) => self.is_stale().await,
                // Deleted meanwhile: there is nothing left to replace.
                Err(failure) if failure.code() == Some(ErrorCode::NotFound) && revision.is_some() => {
                    self.is_stale().await
                }
                Err(failure) => {
                    let field = match &failure {
                        api::Failure::Refused(error)
                            if revision.is_none()
                                && error.code == ErrorCode::Conflict
                                && error.field.is_none() =>
                        {
                            Some("name")
                        }
                        api::Failure::Refused(error) => error.field.as_deref(),
                        api::Failure::Unreachable(_) => None,
                    };
                    editing.refused.set(Some(Problem {
                        at: check::place_of_refusal(field, failure.original()),
                        message: failure.original().to_owned(),
                    }));
                    self.toaster.failed(&failure);
                    self.show_problem();
                }
            }
        });
    }

    fn is_saved(self, view: JobView) {
        let w = say::<EditorWords>();
        let path = view.spec.path();
        let text = if self.editing.base.with_untracked(Option::is_some) {
            w.saved
        } else {
            w.created
        };
        self.toaster.done(fill!(text, name = path));
        // Nothing is left to be kept.
        self.editing.rebase(Some(Arc::new(view)));
        self.editing.reset();
        self.place.with_value(|place| guard::forget(place));
        self.leave.run(format!("/jobs/{}/{}", path.namespace, path.name));
    }

    /// Somebody was faster.
    async fn is_stale(self) {
        let Some(path) = self.editing.address() else {
            return;
        };
        match api::jobs::job(path).await {
            Ok(theirs) => self.conflict.set(Some(Conflict(Some(Arc::new(theirs))))),
            Err(failure) if failure.code() == Some(ErrorCode::NotFound) => {
                self.conflict.set(Some(Conflict(None)))
            }
            Err(failure) => self.toaster.failed(&failure),
        }
    }

    /// Writes over what they did.
    pub fn overwrite(self, theirs: Option<Arc<JobView>>) {
        self.editing.rebase(theirs);
        if let Ok(spec) = self.editing.parsed.get_untracked() {
            self.write(spec);
        }
    }

    pub fn tell(self, text: &str) {
        self.toaster.done(text);
    }

    pub fn tell_undo(self, text: &str, undo: Act) {
        self.toaster.done_undo(text, undo);
    }
}

/// The field of a place: its own, or that of what it lies in.
fn field_of(at: &Path) -> Option<web_sys::Element> {
    let mut at = at.clone();
    while !at.0.is_empty() {
        let found = document().get_element_by_id(&id_of(&at));
        // A part that is no control of its own may begin with one.
        if found.is_some() {
            return found;
        }
        at.0.pop();
    }
    None
}

#[component]
pub fn SaveDialogs(saving: Saving) -> impl IntoView {
    let w = say::<EditorWords>();
    let editing = saving.editing;
    let lines = move || {
        let old = editing
            .base
            .get_untracked()
            .map(|job| file_of(&job.spec))
            .unwrap_or_default();
        let new = editing
            .parsed
            .get_untracked()
            .map(|spec| file_of(&spec))
            .unwrap_or_default();
        diff::hunks(&old, &new)
    };
    view! {
        <Dialog open=saving.reviewing title=w.review>
            <DiffView lines=lines() />
            <footer>
                <button type="button" on:click=move |_| saving.reviewing.set(false)>{w.cancel}</button>
                <button type="button" class="primary" autofocus disabled=saving.is_busy on:click=move |_| saving.save()>{w.save}</button>
            </footer>
        </Dialog>
        <ConflictDialog saving />
    }
}

/// Lines that differ, and a few around them.
#[component]
pub fn DiffView(lines: Vec<Line>) -> impl IntoView {
    let w = say::<EditorWords>();
    let lines = lines.into_iter().map(|line| {
        let kind = match line.kind {
            Kind::Same => "same",
            Kind::Removed => "removed",
            Kind::Added => "added",
            Kind::Skipped => "skipped",
        };
        let text = match line.kind {
            Kind::Skipped => fill!(w.lines_skipped, n = line.text),
            kind => format!("{} {}", kind.sign(), line.text),
        };
        view! { <div data-line=kind>{text}</div> }
    });
    view! { <pre class="diff" tabindex="0">{lines.collect_view()}</pre> }
}
