use leptos::prelude::*;

use crate::parts::page::Page;

#[component]
pub fn RunPage() -> impl IntoView {
    view! { <Page title="RunPage"><p></p></Page> }
}
