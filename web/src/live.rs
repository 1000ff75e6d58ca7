//! What changes, as it changes: the server's events, as signals that say "look again".

use std::{sync::Arc, time::Duration};

use leptos::prelude::*;
use shared::{
    api::{BASE, Changed, paths},
    history::RunView,
    time::Time,
};
use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::{EventSource, MessageEvent};

use crate::clock;

/// Whether the server's events reach this page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    /// The first time.
    Connecting,
    Connected,
    /// What is shown is as old as this.
    Lost {
        since: Time,
    },
}

/// The server's events. One stream a page, however many look at it.
#[derive(Clone, Copy)]
pub struct Live {
    pub connection: RwSignal<Connection>,
    /// The run that was recorded last. Every one is told, so follow it with an effect.
    pub run: RwSignal<Option<Arc<RunView>>>,
    /// One counter for each kind of thing, that moves when such things changed.
    jobs: RwSignal<u64>,
    nodes: RwSignal<u64>,
    groups: RwSignal<u64>,
    slots: RwSignal<u64>,
    masters: RwSignal<u64>,
    runs: RwSignal<u64>,
    tokens: RwSignal<u64>,
    calendars: RwSignal<u64>,
}

/// How long a browser that gave the stream up for good waits before it opens a new one.
const AGAIN: Duration = Duration::from_secs(2);

/// Makes the events a context; [`Live::open`] begins.
pub fn provide() -> Live {
    let live = Live {
        connection: RwSignal::new(Connection::Connecting),
        run: RwSignal::new(None),
        jobs: RwSignal::new(0),
        nodes: RwSignal::new(0),
        groups: RwSignal::new(0),
        slots: RwSignal::new(0),
        masters: RwSignal::new(0),
        runs: RwSignal::new(0),
        tokens: RwSignal::new(0),
        calendars: RwSignal::new(0),
    };
    provide_context(live);
    live
}

pub fn live() -> Live {
    expect_context()
}

impl Live {
    /// Makes the running effect run again when a thing of such a kind has changed.
    pub fn track(&self, kind: Changed) {
        self.counter(kind).track();
    }

    fn counter(&self, kind: Changed) -> RwSignal<u64> {
        match kind {
            Changed::Jobs => self.jobs,
            Changed::Nodes => self.nodes,
            Changed::Groups => self.groups,
            Changed::Slots => self.slots,
            Changed::Masters => self.masters,
            Changed::Tokens => self.tokens,
            Changed::Calendars => self.calendars,
            Changed::Runs | Changed::All => self.runs,
        }
    }

    fn changed(&self, kind: Changed) {
        if kind == Changed::All {
            for each in [
                self.jobs,
                self.nodes,
                self.groups,
                self.slots,
                self.masters,
                self.runs,
                self.tokens,
                self.calendars,
            ] {
                each.update(|n| *n += 1);
            }
        } else {
            self.counter(kind).update(|n| *n += 1);
        }
    }

    /// Opens the stream. The browser opens it again by itself after an interruption, but not
    /// after an answer that is none (a proxy's 502, an ended session): that is ours to do.
    pub fn open(self) {
        let Ok(source) = EventSource::new(&format!("{BASE}{}", paths::EVENTS)) else {
            return;
        };
        on(&source, "open", move |_| {
            let was = self.connection.get_untracked();
            self.connection.set(Connection::Connected);
            if matches!(was, Connection::Lost { .. }) {
                self.changed(Changed::All);
            }
        });
        on(&source, "run", move |event| {
            if let Some(run) = read::<RunView>(&event) {
                self.run.set(Some(Arc::new(run)));
                self.changed(Changed::Runs);
            }
        });
        on(&source, "changed", move |event| {
            if let Some(kind) = read::<Changed>(&event) {
                self.changed(kind);
            }
        });
        let stream = source.clone();
        on(&source, "error", move |_| {
            if !matches!(self.connection.get_untracked(), Connection::Lost { .. }) {
                self.connection.set(Connection::Lost { since: clock::now() });
            }
            if stream.ready_state() == EventSource::CLOSED {
                set_timeout(move || self.open(), AGAIN);
            }
        });
    }
}

/// The closures live as long as the page: there is one stream at a time, and it is seldom
/// opened anew.
fn on(source: &EventSource, name: &str, mut react: impl FnMut(MessageEvent) + 'static) {
    let react = Closure::<dyn FnMut(web_sys::Event)>::new(move |event: web_sys::Event| {
        react(event.unchecked_into());
    });
    let _ = source.add_event_listener_with_callback(name, react.as_ref().unchecked_ref());
    react.forget();
}

fn read<T: serde::de::DeserializeOwned>(event: &MessageEvent) -> Option<T> {
    shared::file::value::of_json(&event.data().as_string()?).ok()
}
