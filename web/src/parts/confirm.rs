//! Asks before something is done that cannot be taken back, naming what it touches.

use std::sync::Arc;

use super::{
    PartWords,
    dialog::{Dialog, opened_by},
};
use crate::{prelude::*, words::say};

/// What to ask.
#[derive(Clone)]
pub struct Question {
    /// `Delete 3 jobs?`
    pub title: String,
    /// What happens then, if the title does not tell.
    pub text: String,
    /// What is touched, by name.
    pub what: Vec<String>,
    /// What the button says: the verb, never "OK".
    pub verb: String,
    pub is_dangerous: bool,
    pub act: Act,
}

/// What is done later, if somebody wishes so. No `Callback`: that ends with the view in whose event
/// it was made, and a menu is gone before its question is answered.
pub type Act = Arc<dyn Fn() + Send + Sync>;

#[derive(Clone, Copy)]
struct Asked(RwSignal<Option<Question>>);

pub fn provide() {
    provide_context(Asked(RwSignal::new(None)));
}

/// Asks, and acts if the answer is yes. Call it from an event.
pub fn ask(asker: Asker, question: Question) {
    asker.0.0.set(Some(question));
}

/// Taken while the view is made, for use in its events.
#[derive(Clone, Copy)]
pub struct Asker(Asked);

pub fn asker() -> Asker {
    Asker(expect_context())
}

/// The one dialog for all of them; the shell has it.
#[component]
pub fn ConfirmDialog() -> impl IntoView {
    let Asked(asked) = expect_context();
    let open = opened_by(asked);
    let title =
        Signal::derive(move || asked.with(|q| q.as_ref().map(|q| q.title.clone()).unwrap_or_default()));
    view! {
        <Dialog open title>
            {move || asked.get().map(|question| view! { <Asking question open /> })}
        </Dialog>
    }
}

#[component]
fn Asking(question: Question, open: RwSignal<bool>) -> impl IntoView {
    let w = say::<PartWords>();
    let Question {
        text,
        what,
        verb,
        is_dangerous,
        act,
        ..
    } = question;
    let names = what.into_iter().map(|name| view! { <li>{name}</li> });
    view! {
        {(!text.is_empty()).then(|| view! { <p>{text}</p> })}
        // All of them, also for who scrolls by keys.
        <ul class="touched" tabindex="0" aria-label=w.touched>{names.collect_view()}</ul>
        <footer>
            <button type="button" on:click=move |_| open.set(false)>{w.cancel}</button>
            <button type="button" class=if is_dangerous { "danger" } else { "primary" } autofocus
                on:click=move |_| { open.set(false); act(); }>
                {verb}
            </button>
        </footer>
    }
}
