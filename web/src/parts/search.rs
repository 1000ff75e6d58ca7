//! A box to search in as one types.

use super::{
    PartWords,
    icon::{Glyph, Icon},
};
use crate::{prelude::*, words::say};

/// `/` on the keyboard goes to it.
#[component]
pub fn SearchBox(
    #[prop(into)] value: Signal<String>,
    #[prop(into)] set: Callback<String>,
    #[prop(into)] placeholder: String,
    #[prop(optional)] element: NodeRef<html::Input>,
) -> impl IntoView {
    let w = say::<PartWords>();
    view! {
        <div class="search">
            <Icon glyph=Glyph::Search />
            <input type="search" node_ref=element aria-label=placeholder.clone() placeholder=placeholder
                autocomplete="off" spellcheck="false" prop:value=value
                on:input=move |event| set.run(event_target_value(&event)) />
            <Show when=move || !value.with(String::is_empty)>
                <button type="button" class="plain" aria-label=w.clear on:click=move |_| set.run(String::new())>
                    <Icon glyph=Glyph::Close />
                </button>
            </Show>
        </div>
    }
}
