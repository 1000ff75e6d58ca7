//! The form: the file's keys as fields, by what a person asks: what, when, where, and what if.

mod basics;
mod work;
mod when;
mod trigger;
mod zone;
mod place;
mod failing;

use super::{state::editing, words::EditorWords};
use crate::{prelude::*, words::say};
use basics::Basics;
use failing::{Failing, Keeping};
use place::Where;
use when::When;
use work::Work;

#[component]
pub fn Form() -> impl IntoView {
    let w = say::<EditorWords>();
    let editing = editing();
    let is_unreadable = move || editing.unreadable.with(Option::is_some);
    view! {
        <form class="editor-form" aria-label=w.form on:submit=|event| event.prevent_default()>
            {move || is_unreadable().then(|| view! {
                <div class="notice" data-tone="warning" role="alert">
                    <p><strong>{w.unreadable}</strong></p>
                    <p>{w.unreadable_about}</p>
                    <button type="button" on:click=move |_| editing.write_anew()>{w.write_anew}</button>
                </div>
            })}
            <fieldset disabled=is_unreadable>
                <Basics />
                <Work />
                <When />
                <Where />
                <Failing />
                <Keeping />
            </fieldset>
        </form>
    }
}

/// A part of the form.
#[component]
fn Section(
    #[prop(into)] title: String,
    /// What it says, while it is closed.
    #[prop(optional, into)]
    summary: Signal<String>,
    /// Most jobs leave it as it is.
    #[prop(optional)]
    is_closed: bool,
    children: Children,
) -> impl IntoView {
    view! {
        <details class="card section" open=!is_closed>
            <summary><h2>{title}</h2><span class="muted">{summary}</span></summary>
            <div class="body">{children()}</div>
        </details>
    }
}
