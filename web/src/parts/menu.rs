//! A button that opens a short list of things to do.

use leptos::{ev, html, prelude::*};
use wasm_bindgen::JsCast;

/// The children are buttons or links; a click on one closes the menu, as do Escape and a
/// click elsewhere.
#[component]
pub fn Menu(
    /// What the button shows.
    #[prop(into)]
    button: ViewFn,
    /// What a screen reader says of it: with the words that the button shows, if it shows any.
    #[prop(into)]
    label: Signal<String>,
    children: ChildrenFn,
) -> impl IntoView {
    let open = RwSignal::new(false);
    let element = NodeRef::<html::Div>::new();
    let elsewhere = window_event_listener(ev::mousedown, move |event| {
        let inside = element
            .get_untracked()
            .zip(event.target())
            .is_some_and(|(element, target)| {
                target
                    .dyn_ref::<web_sys::Node>()
                    .is_some_and(|node| element.contains(Some(node)))
            });
        if !inside {
            open.try_set(false);
        }
    });
    on_cleanup(move || elsewhere.remove());
    let children = StoredValue::new(children);
    view! {
        <div class="menu" node_ref=element
            on:keydown=move |event| if event.key() == "Escape" { open.set(false) }>
            <button type="button" class="plain" aria-haspopup="true" aria-label=label
                aria-expanded=move || open.get().to_string()
                on:click=move |_| open.update(|o| *o = !*o)>
                {button.run()}
            </button>
            <Show when=move || open.get()>
                <div class="menu-items" on:click=move |_| open.set(false)>
                    {children.with_value(|children| children())}
                </div>
            </Show>
        </div>
    }
}
