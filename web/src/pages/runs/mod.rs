pub mod news;
use leptos::prelude::*;

use crate::parts::page::Page;

#[component]
pub fn Runs() -> impl IntoView {
    view! { <Page title="Runs"><p></p></Page> }
}
