use leptos::prelude::*;

use crate::parts::page::Page;

#[component]
pub fn Settings() -> impl IntoView {
    view! { <Page title="Settings"><p></p></Page> }
}
