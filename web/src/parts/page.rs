//! A page's head: its name, where it stands, and what can be done here.

use crate::{browser::document, prelude::*};

/// Sets the window's title as well.
#[component]
pub fn Page(
    #[prop(into)] title: Signal<String>,
    /// Above the title: what this is a part of.
    #[prop(optional, into)]
    above: Option<ViewFn>,
    /// Beside the title.
    #[prop(optional, into)]
    actions: Option<ViewFn>,
    children: Children,
) -> impl IntoView {
    Effect::new(move |_| document().set_title(&format!("{} · Gnomon", title.get())));
    view! {
        <header class="page-head">
            <div>
                {above.map(|above| view! { <p class="above">{move || above.run()}</p> })}
                <h1>{title}</h1>
            </div>
            {actions.map(|actions| view! { <div class="actions">{move || actions.run()}</div> })}
        </header>
        {children()}
    }
}
