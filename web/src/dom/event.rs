//! Events, with the type of each by its name.

use std::marker::PhantomData;

pub use leptos::ev;
use wasm_bindgen::JsCast;
use web_sys::Event;

use super::{
    listener::Listener,
    value::{Handle, Value},
};
use crate::{browser::window, reactive::StoredValue};

/// A handler of an element's events of this kind.
pub fn on<E, F>(_event: E, handler: F) -> Value
where
    E: ev::EventDescriptor + 'static,
    E::EventType: JsCast,
    F: FnMut(E::EventType) + 'static,
{
    let of = PhantomData::<E>;
    Value::Handler(Box::new(Handler { handler, of }))
}

/// Handles the window's events of this kind, for as long as what asks for it lives.
pub fn on_window<E, F>(event: E, handler: F)
where
    E: ev::EventDescriptor + 'static,
    E::EventType: JsCast,
    F: FnMut(E::EventType) + 'static,
{
    let of = PhantomData::<E>;
    let handler = Box::new(Handler { handler, of });
    StoredValue::new(Listener::new(&window(), event.name(), handler));
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
