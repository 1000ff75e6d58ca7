use leptos::prelude::*;

use crate::parts::page::Page;

#[component]
pub fn Jobs() -> impl IntoView {
    view! { <Page title="Jobs"><p></p></Page> }
}
