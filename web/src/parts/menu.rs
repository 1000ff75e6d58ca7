//! A button that opens a short list of things to do.

use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Element, Event, EventTarget, HtmlElement, Node, NodeList};

use crate::{browser, locale::fixed};

use crate::prelude::*;

/// Between the button and its items, and between them and the window's edges.
const GAP: f64 = 4.0;
const EDGE: f64 = 8.0;

/// The children are buttons or links; a click on one closes the menu, as do Escape, a click
/// elsewhere, a scroll, and the focus when it leaves. The arrow keys go from one to the next.
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
    let menu = NodeRef::<html::Div>::new();
    let opener = NodeRef::<html::Button>::new();
    let children = StoredValue::new(children);
    let focus_back = move || {
        if let Some(opener) = opener.get_untracked() {
            let _ = opener.focus();
        }
    };
    let typed = move |event: ev::KeyboardEvent| match event.key().as_str() {
        "Escape" if open.get_untracked() => {
            // Not the dialog around it as well.
            event.prevent_default();
            focus_back();
            open.set(false);
        }
        key @ ("ArrowDown" | "ArrowUp" | "Home" | "End") => {
            event.prevent_default();
            event.stop_propagation();
            match open.get_untracked() {
                true => focus_next(menu, key),
                false => open.set(true),
            }
        }
        _ => {}
    };
    let left = move |event: ev::FocusEvent| {
        let to = event.related_target();
        if to.is_some_and(|to| !contains(menu, &to)) {
            open.set(false);
        }
    };
    view! {
        <div class="menu" node_ref=menu on:keydown=typed on:focusout=left>
            <button type="button" class="plain" node_ref=opener aria-haspopup="true" aria-label=label
                aria-expanded=move || open.get().to_string()
                on:click=move |_| open.update(|o| *o = !*o)>
                {button.run()}
            </button>
            <Show when=move || open.get()>
                // What the click opens gives the focus back to where it was: to the button.
                <Items open menu opener chosen=move || { focus_back(); open.set(false) }>
                    {children.with_value(|children| children())}
                </Items>
            </Show>
        </div>
    }
}

/// The items, above all else on the page: nothing that scrolls around the button cuts them.
#[component]
fn Items(
    open: RwSignal<bool>,
    menu: NodeRef<html::Div>,
    opener: NodeRef<html::Button>,
    /// Called after a click on one.
    chosen: impl Fn() + 'static,
    children: Children,
) -> impl IntoView {
    let items = NodeRef::<html::Div>::new();
    Effect::new(move |_| {
        if let (Some(items), Some(opener)) = (items.get(), opener.get_untracked()) {
            show(&items, &opener);
            focus_next(menu, "Home");
        }
    });
    let close = move || {
        open.try_set(false);
    };
    on_window(ev::mousedown, move |event| {
        if event.target().is_none_or(|target| !contains(menu, &target)) {
            close();
        }
    });
    on_window(ev::resize, move |_| close());
    on_scroll(move |event| {
        // Its own, if it is higher than the window, moves nothing under it.
        let own = items.get_untracked();
        let is_own = own
            .zip(event.target())
            .is_some_and(|(items, target)| js_sys::Object::is(items.as_ref(), target.as_ref()));
        if !is_own {
            close();
        }
    });
    view! { <div class="menu-items" popover="manual" node_ref=items on:click=move |_| chosen()>{children()}</div> }
}

/// Calls back at a scroll of anything, until the view is gone: it does not bubble, so it is
/// caught on its way down.
fn on_scroll(act: impl Fn(Event) + 'static) {
    let listener = Closure::<dyn Fn(Event)>::new(act);
    let window = browser::window();
    let _ =
        window.add_event_listener_with_callback_and_bool("scroll", listener.as_ref().unchecked_ref(), true);
    let listener = StoredValue::new(listener);
    on_cleanup(move || {
        listener.try_with_value(|listener| {
            let listener = listener.as_ref().unchecked_ref();
            let _ = browser::window().remove_event_listener_with_callback_and_bool("scroll", listener, true);
        });
    });
}

fn contains(menu: NodeRef<html::Div>, target: &EventTarget) -> bool {
    menu.get_untracked()
        .is_some_and(|menu| menu.contains(target.dyn_ref::<Node>()))
}

/// Moves the focus among the items, around their ends.
fn focus_next(menu: NodeRef<html::Div>, key: &str) {
    let Some(menu) = menu.get_untracked() else { return };
    let Ok(items) = menu.query_selector_all(".menu-items > :is(a, button):not(:disabled)") else {
        return;
    };
    let focused = browser::document().active_element();
    let at = focused.and_then(|focused| place_in(&items, &focused));
    let Some(next) = next(key, at, items.length()) else {
        return;
    };
    if let Some(item) = items
        .get(next)
        .and_then(|item| item.dyn_into::<HtmlElement>().ok())
    {
        let _ = item.focus();
    }
}

fn place_in(items: &NodeList, focused: &Element) -> Option<u32> {
    (0..items.length()).find(|i| {
        items
            .get(*i)
            .is_some_and(|item| js_sys::Object::is(&item, focused))
    })
}

/// Which of `count` items a key goes to from the one at `at`.
fn next(key: &str, at: Option<u32>, count: u32) -> Option<u32> {
    let last = count.checked_sub(1)?;
    Some(match (key, at) {
        ("End", _) | ("ArrowUp", None | Some(0)) => last,
        ("ArrowUp", Some(at)) => at - 1,
        ("ArrowDown", Some(at)) if at < last => at + 1,
        _ => 0,
    })
}

fn show(items: &HtmlElement, opener: &HtmlElement) {
    let _ = items.show_popover();
    let (button, list) = (
        opener.get_bounding_client_rect(),
        items.get_bounding_client_rect(),
    );
    let Some(page) = browser::document().document_element() else {
        return;
    };
    let across = Line {
        start: button.left(),
        end: button.right(),
        room: f64::from(page.client_width()),
    };
    let down = Line {
        start: button.top(),
        end: button.bottom(),
        room: f64::from(page.client_height()),
    };
    let style = items.style();
    let _ = style.set_property("left", &(fixed(across.beside(list.width()), 1) + "px"));
    let _ = style.set_property("top", &(fixed(down.after(list.height()), 1) + "px"));
}

/// The button along one axis of the window, in pixels.
#[derive(Clone, Copy)]
struct Line {
    start: f64,
    end: f64,
    room: f64,
}

impl Line {
    /// Where items of a length begin that end with the button; with its start, if there is
    /// room only there.
    fn beside(self, length: f64) -> f64 {
        let with_end = self.end - length;
        let wanted = if with_end < EDGE { self.start } else { with_end };
        self.inside(wanted, length)
    }

    /// Where items of a length begin that follow the button; before it, if there is room
    /// only there.
    fn after(self, length: f64) -> f64 {
        let (after, before) = (self.end + GAP, self.start - GAP - length);
        let fits_after = after + length <= self.room - EDGE;
        let wanted = if fits_after || before < EDGE {
            after
        } else {
            before
        };
        self.inside(wanted, length)
    }

    fn inside(self, start: f64, length: f64) -> f64 {
        start.min(self.room - EDGE - length).max(EDGE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_stand_where_there_is_room() {
        let line = |start, end| Line {
            start,
            end,
            room: 800.0,
        };
        assert_eq!(line(100.0, 130.0).after(200.0), 134.0);
        assert_eq!(line(700.0, 730.0).after(200.0), 496.0, "above");
        assert_eq!(
            line(300.0, 330.0).after(600.0),
            192.0,
            "neither: as far down as is seen"
        );
        assert_eq!(line(300.0, 330.0).after(900.0), EDGE, "higher than the window");
        assert_eq!(line(700.0, 730.0).beside(200.0), 530.0);
        assert_eq!(line(20.0, 150.0).beside(200.0), 20.0);
        assert_eq!(line(790.0, 820.0).beside(200.0), 592.0, "half out of sight");
    }

    #[test]
    fn arrows_go_around() {
        assert_eq!(
            [
                next("ArrowDown", Some(0), 3),
                next("ArrowDown", Some(2), 3),
                next("ArrowDown", None, 3)
            ],
            [Some(1), Some(0), Some(0)]
        );
        assert_eq!(
            [next("ArrowUp", Some(2), 3), next("ArrowUp", None, 3)],
            [Some(1), Some(2)]
        );
        assert_eq!(
            [next("Home", Some(2), 3), next("End", None, 3)],
            [Some(0), Some(2)]
        );
        assert_eq!(next("End", None, 0), None);
    }
}
