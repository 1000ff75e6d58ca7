//! A handler of an element's events.

use std::{borrow::Cow, cell::RefCell, rc::Rc};

use leptos::reactive::owner::Owner;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Event, EventTarget};

use super::value::Handle;

type Handler = Box<dyn Handle>;

/// Listens until it is dropped.
pub struct Listener {
    target: EventTarget,
    event: Cow<'static, str>,
    /// Empty while it runs.
    handler: Rc<RefCell<Option<Handler>>>,
    closure: Closure<dyn Fn(Event)>,
}

impl Listener {
    pub fn new(target: &EventTarget, event: Cow<'static, str>, handler: Handler) -> Listener {
        let handler = Rc::new(RefCell::new(Some(handler)));
        let owner = Owner::current();
        let called = handler.clone();
        let closure = Closure::<dyn Fn(Event)>::new(move |event| {
            // What it does may lead to the same event again, or to another handler.
            let Some(mut handle) = called.take() else { return };
            match &owner {
                Some(owner) => owner.with(|| handle.handle(event)),
                None => handle.handle(event),
            }
            called.borrow_mut().get_or_insert(handle);
        });
        let _ = target.add_event_listener_with_callback(&event, closure.as_ref().unchecked_ref());
        Listener {
            target: target.clone(),
            event,
            handler,
            closure,
        }
    }

    pub fn replace(&mut self, handler: Handler) {
        self.handler.replace(Some(handler));
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let closure = self.closure.as_ref().unchecked_ref();
        let _ = self
            .target
            .remove_event_listener_with_callback(&self.event, closure);
    }
}
