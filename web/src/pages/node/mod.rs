use leptos::prelude::*;

use crate::parts::page::Page;

#[component]
pub fn NodePage() -> impl IntoView {
    view! { <Page title="NodePage"><p></p></Page> }
}
