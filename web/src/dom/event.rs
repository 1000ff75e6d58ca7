//! Events, with the type of each by its name.

use std::marker::PhantomData;

pub use leptos::ev;
use wasm_bindgen::JsCast;
use web_sys::Event;

use super::value::{Handle, Value};

/// A handler of an element's events of this kind.
pub fn on<E, F>(_event: E, handler: F) -> Value
where
    E: ev::EventDescriptor + 'static,
    E::EventType: JsCast,
    F: FnMut(E::EventType) + 'static,
{
    Value::Handler(Box::new(Handler {
        handler,
        of: PhantomData::<E>,
    }))
}

struct Handler<E, F> {
    handler: F,
    of: PhantomData<E>,
}

impl<E, F> Handle for Handler<E, F>
where
    E: ev::EventDescriptor,
    E::EventType: JsCast,
    F: FnMut(E::EventType),
{
    fn handle(&mut self, event: Event) {
        (self.handler)(event.unchecked_into());
    }
}
