//! A dialog above the page: the browser's own, which keeps the focus inside and closes with
//! Escape.

use wasm_bindgen::JsCast;
use web_sys::{Element, Event, HtmlDialogElement, MouseEvent};

use super::{
    PartWords,
    icon::{Glyph, Icon},
};
use crate::{prelude::*, words::say};

/// Whether a dialog about `asked` is open: while there is something to ask, until either is
/// over.
pub fn opened_by<T: Send + Sync + 'static>(asked: RwSignal<Option<T>>) -> RwSignal<bool> {
    let open = RwSignal::new(false);
    // Only what differs is set: a signal tells also of what is as it was.
    Effect::new(move |_| {
        let is_asked = asked.with(Option::is_some);
        if is_asked != open.get_untracked() {
            open.set(is_asked);
        }
    });
    Effect::new(move |_| {
        if !open.get() && asked.with_untracked(Option::is_some) {
            asked.set(None);
        }
    });
    open
}

/// A button that closes the dialog in which it stands.
#[component]
pub fn Cancel() -> impl IntoView {
    let close = move |event: MouseEvent| {
        let dialog = event_target::<Element>(&event).closest("dialog").ok().flatten();
        if let Some(dialog) = dialog.and_then(|found| found.dyn_into::<HtmlDialogElement>().ok()) {
            dialog.close();
        }
    };
    view! { <button type="button" on:click=close>{say::<PartWords>().cancel}</button> }
}

/// Its children are made anew each time it opens.
#[component]
pub fn Dialog(
    open: RwSignal<bool>,
    #[prop(into)] title: Signal<String>,
    children: ChildrenFn,
) -> impl IntoView {
    let element = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        let Some(element) = element.get() else { return };
        match (open.get(), element.open()) {
            (true, false) => drop(element.show_modal()),
            (false, true) => element.close(),
            _ => {}
        }
    });
    let children = StoredValue::new(children);
    let w = say::<PartWords>();
    // What was typed into a form is not lost to a click beside it.
    let is_typed = StoredValue::new(false);
    let typed = move |event: Event| {
        let field = event
            .target()
            .and_then(|target| target.dyn_into::<Element>().ok());
        if field.is_some_and(|field| matches!(field.closest("form"), Ok(Some(_)))) {
            is_typed.set_value(true);
        }
    };
    view! {
        <dialog node_ref=element on:close=move |_| { is_typed.set_value(false); open.set(false) }
            on:input=typed
            aria-label=title
            // A click beside the dialog is one on its backdrop: on the element itself.
            on:mousedown=move |event| {
                let is_beside = event.target().zip(element.get_untracked()).is_some_and(|(target, dialog)| {
                    js_sys::Object::is(target.as_ref(), dialog.as_ref())
                });
                if is_beside && !is_typed.get_value() { open.set(false) }
            }>
            <Show when=move || open.get()>
                <div class="dialog">
                    <header>
                        <h2>{title}</h2>
                        <button type="button" class="plain" aria-label=w.close
                            on:click=move |_| open.set(false)>
                            <Icon glyph=Glyph::Close />
                        </button>
                    </header>
                    {children.with_value(|children| children())}
                </div>
            </Show>
        </dialog>
    }
}
