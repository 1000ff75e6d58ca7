//! A thing that people name and keep (a group, a calendar): its card with what can be done to
//! it, and what its form says when somebody else was quicker.

use std::{future::Future, pin::Pin, sync::Arc};

use shared::{Revision, api::ErrorCode};

use super::{
    PartWords,
    confirm::{self, Question},
    icon::{Glyph, Icon},
    toast::toaster,
};
use crate::{
    api::{Answer, Failure},
    prelude::*,
    words::say,
};

/// How it is deleted.
#[derive(Clone)]
pub struct Deletion {
    /// The question, and what it touches.
    pub title: String,
    pub text: String,
    pub what: Vec<String>,
    /// What is said when it is done.
    pub done: String,
    pub call: Arc<dyn Fn() -> Deleting + Send + Sync>,
}

type Deleting = Pin<Box<dyn Future<Output = Answer<()>>>>;

#[component]
pub fn KeptCard(
    name: String,
    edit: Callback<()>,
    edit_verb: &'static str,
    deletion: Deletion,
    delete_verb: &'static str,
    children: Children,
) -> impl IntoView {
    let (toaster, asker) = (toaster(), confirm::asker());
    let delete = move |_| {
        let Deletion {
            title,
            text,
            what,
            done,
            call,
        } = deletion.clone();
        let act = move || {
            let (answer, done) = (call(), done.clone());
            spawn_local(async move {
                match answer.await {
                    Ok(()) => toaster.done(done),
                    Err(failure) => toaster.failed(&failure),
                }
            });
        };
        let question = Question {
            title,
            text,
            what,
            verb: delete_verb.into(),
            is_dangerous: true,
            act: Arc::new(act),
        };
        confirm::ask(asker, question);
    };
    let edit_label = format!("{edit_verb}: {name}");
    let delete_label = format!("{delete_verb}: {name}");
    view! {
        <section class="card" aria-label=name.clone()>
            <header>
                <h2>{name.clone()}</h2>
                <div class="actions">
                    <button type="button" id=format!("edit-{name}") class="plain" aria-label=edit_label.clone() title=edit_label
                        on:click=move |_| edit.run(())>
                        <Icon glyph=Glyph::Edit />
                    </button>
                    <button type="button" class="plain" aria-label=delete_label.clone() title=delete_label on:click=delete>
                        <Icon glyph=Glyph::Trash />
                    </button>
                </div>
            </header>
            <div class="body stack">{children()}</div>
        </section>
    }
}

/// Which state of a thing its form is about, and what others made of it meanwhile. Copies are
/// the same.
pub struct Edited<T> {
    /// None of a new one.
    revision: RwSignal<Option<Revision>>,
    theirs: RwSignal<Option<Theirs<T>>>,
}

/// What it is now; nothing if it is gone.
type Theirs<T> = Option<(Revision, T)>;

impl<T> Clone for Edited<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Edited<T> {}

impl<T: Clone + Send + Sync + 'static> Edited<T> {
    pub fn new(revision: Option<Revision>) -> Edited<T> {
        Edited {
            revision: RwSignal::new(revision),
            theirs: RwSignal::new(None),
        }
    }

    /// Whether a write was refused because the thing is no longer as it was read.
    pub fn is_overtaken(self, failure: &Failure) -> bool {
        match failure.code() {
            Some(ErrorCode::Stale) => true,
            // It was deleted, and somebody else made it anew.
            Some(ErrorCode::Conflict) => self.theirs.with_untracked(Option::is_some),
            _ => false,
        }
    }

    /// The one that a write takes the place of.
    pub fn revision(self) -> Option<Revision> {
        self.revision.get_untracked()
    }

    /// Somebody else was quicker.
    pub fn overtaken(self, theirs: Option<(Revision, T)>) {
        self.theirs.set(Some(theirs));
    }

    /// Says so, with what it is now and a button that saves what is typed all the same.
    pub fn meanwhile(self, show: fn(T) -> AnyView, save: Callback<()>) -> impl IntoView {
        move || {
            let w = say::<PartWords>();
            let theirs = self.theirs.get()?;
            let mine_instead = move |_| {
                let now = self.theirs.get_untracked().flatten();
                self.revision.set(now.map(|(revision, _)| revision));
                save.run(());
            };
            let (said, verb) = match theirs {
                Some(_) => (w.meanwhile, w.mine_instead),
                None => (w.meanwhile_gone, w.mine_again),
            };
            Some(view! {
                <div class="failed" role="alert">
                    <Icon glyph=Glyph::Warning />
                    <div class="stack"><p>{said}</p>{theirs.map(|(_, theirs)| show(theirs))}</div>
                    <button type="button" on:click=mine_instead>{verb}</button>
                </div>
            })
        }
    }
}
