use leptos::prelude::*;

use crate::parts::page::Page;

#[component]
pub fn JobPage() -> impl IntoView {
    view! { <Page title="JobPage"><p></p></Page> }
}
