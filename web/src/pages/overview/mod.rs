use leptos::prelude::*;

use crate::parts::page::Page;

#[component]
pub fn Overview() -> impl IntoView {
    view! { <Page title="Overview"><p></p></Page> }
}
