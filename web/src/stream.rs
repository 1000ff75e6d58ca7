//! A stream of server-sent events.

use shared::{
    api::BASE,
    file::value::{Read, of_json},
};
use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::{EventSource, MessageEvent};

/// An open stream; it is closed when it is dropped, which its own reactions must not do.
pub struct Stream {
    source: EventSource,
    /// They live as long as the stream.
    hears: Vec<Closure<dyn FnMut(MessageEvent)>>,
}

impl Stream {
    /// Opens a path of the API. A browser takes six connections to a server from all of its
    /// tabs together, so a page that nobody sees must not hold one.
    pub fn open(path: &str) -> Option<Stream> {
        let source = EventSource::new(&format!("{BASE}{path}")).ok()?;
        Some(Stream {
            source,
            hears: Vec::new(),
        })
    }

    pub fn hear(&mut self, name: &str, react: impl FnMut(MessageEvent) + 'static) {
        let react = Closure::<dyn FnMut(MessageEvent)>::new(react);
        let function = react.as_ref().unchecked_ref();
        let _ = self.source.add_event_listener_with_callback(name, function);
        self.hears.push(react);
    }

    /// Ends it, from its own reactions as well.
    pub fn end(&self) {
        self.source.close();
    }

    /// Whether the browser has given it up: it goes on by itself after an interruption, but
    /// not after an answer that is none (a proxy's 502, an ended session).
    pub fn is_over(&self) -> bool {
        self.source.ready_state() == EventSource::CLOSED
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.source.close();
    }
}

/// What an event carries.
pub fn read<T: Read>(event: &MessageEvent) -> Option<T> {
    of_json(&event.data().as_string()?).ok()
}
