use leptos::prelude::*;

use crate::parts::page::Page;

#[component]
pub fn Nodes() -> impl IntoView {
    view! { <Page title="Nodes"><p></p></Page> }
}
