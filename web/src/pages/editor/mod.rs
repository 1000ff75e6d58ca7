//! The job editor.

pub mod model;

use leptos::prelude::*;

use crate::parts::page::Page;

#[component]
pub fn Editor() -> impl IntoView {
    view! { <Page title="Editor"><p></p></Page> }
}
