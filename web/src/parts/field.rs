//! A form's field: its label, its help, and what is wrong with it.

use super::prose::prose;
use crate::prelude::*;

/// The control inside gets the `id`; what is wrong is tied to it for screen readers by the
/// caller's `aria-describedby` of `{id}-error`.
#[component]
pub fn Field(
    #[prop(into)] id: String,
    #[prop(into)] label: String,
    #[prop(optional, into)] hint: Option<String>,
    #[prop(optional, into)] error: Signal<Option<String>>,
    children: Children,
) -> impl IntoView {
    let error_id = format!("{id}-error");
    view! {
        <div class="field" class:is-wrong=move || error.with(Option::is_some)>
            <label for=id>{label}</label>
            {children()}
            {hint.map(|hint| view! { <p class="hint">{prose(&hint)}</p> })}
            <p class="error" id=error_id role="alert">{move || error.get().map(|error| prose(&error))}</p>
        </div>
    }
}
