use leptos::prelude::*;

use crate::parts::page::Page;

#[component]
pub fn Timeline() -> impl IntoView {
    view! { <Page title="Timeline"><p></p></Page> }
}
