use leptos::prelude::*;

use crate::parts::page::Page;

#[component]
pub fn Groups() -> impl IntoView {
    view! { <Page title="Groups"><p></p></Page> }
}
