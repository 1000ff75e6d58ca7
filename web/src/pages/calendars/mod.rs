use leptos::prelude::*;

use crate::parts::page::Page;

#[component]
pub fn Calendars() -> impl IntoView {
    view! { <Page title="Calendars"><p></p></Page> }
}
