//! Events, with the type of each by its name.

pub use leptos::ev;
use wasm_bindgen::JsCast;

use super::value::Value;

/// A handler of an element's events of this kind.
pub fn on<E, F>(_event: E, mut handler: F) -> Value
where
    E: ev::EventDescriptor,
    E::EventType: JsCast,
    F: FnMut(E::EventType) + 'static,
{
    Value::Handler(Box::new(move |event| handler(event.unchecked_into())))
}
