//! Whether what is shown is of now.

use super::words::ShellWords;
use crate::{
    clock,
    live::{Connection, live},
    locale::ago,
    prelude::*,
    words::say,
};

#[component]
pub fn ConnectionBadge() -> impl IntoView {
    let w = say::<ShellWords>();
    let connection = live().connection;
    let now = clock::ticking();
    // The whole page shows it, so that nobody takes old facts for new ones.
    Effect::new(move |_| {
        let is_lost = matches!(connection.get(), Connection::Lost { .. });
        if let Some(root) = crate::browser::document().document_element() {
            let _ = root.toggle_attribute_with_force("data-stale", is_lost);
        }
    });
    view! {
        <p class="connection" role="status" data-state=move || match connection.get() {
            Connection::Connecting => "connecting",
            Connection::Connected => "live",
            Connection::Lost { .. } => "lost",
        }>
            {move || match connection.get() {
                Connection::Connecting => view! { <span>{w.connecting}</span> }.into_any(),
                Connection::Connected => view! { <span title=w.live_about>{w.live}</span> }.into_any(),
                Connection::Lost { since } => view! {
                    <strong>{w.lost}</strong>
                    <small>{move || fill!(w.lost_about, ago = ago(since, now.get()))}</small>
                }
                .into_any(),
            }}
        </p>
    }
}
