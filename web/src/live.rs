//! What changes, as it changes: the server's events, as signals that say "look again".

use std::{sync::Arc, time::Duration};

use shared::{
    api::{Changed, paths},
    history::RunView,
    time::Time,
};

use crate::{
    api,
    browser::document,
    clock,
    prelude::*,
    stream::{Stream, read},
};

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
    /// Whether somebody is logged in: nobody else is told anything.
    pub is_wanted: RwSignal<bool>,
    /// Whether this tab is the one that is looked at. One that is not holds no stream.
    pub is_seen: RwSignal<bool>,
    stream: StoredValue<Option<Stream>>,
    /// Whether something may have changed while there was no stream.
    is_behind: StoredValue<bool>,
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

/// Makes the events a context. They come while they are wanted and seen.
pub fn provide() {
    let live = Live {
        connection: RwSignal::new(Connection::Connecting),
        run: RwSignal::new(None),
        is_wanted: RwSignal::new(false),
        is_seen: RwSignal::new(!document().hidden()),
        stream: StoredValue::new(None),
        is_behind: StoredValue::new(false),
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
    // Hiding and showing a tab bubbles up to the window.
    on_window(ev::visibilitychange, move |_| {
        live.is_seen.set(!document().hidden())
    });
    Effect::new(move |_| match live.is_wanted.get() && live.is_seen.get() {
        true => live.open(),
        false => live.close(),
    });
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

    fn open(self) {
        if self.stream.with_value(Option::is_some) {
            return;
        }
        let Some(mut stream) = Stream::open(paths::EVENTS) else {
            return;
        };
        stream.hear("open", move |_| {
            self.connection.set(Connection::Connected);
            if self.is_behind.get_value() {
                self.is_behind.set_value(false);
                self.changed(Changed::All);
            }
        });
        stream.hear("run", move |event| {
            if let Some(run) = read::<RunView>(&event) {
                self.run.set(Some(Arc::new(run)));
                self.changed(Changed::Runs);
            }
        });
        stream.hear("changed", move |event| {
            if let Some(kind) = read::<Changed>(&event) {
                self.changed(kind);
            }
        });
        stream.hear("error", move |_| {
            self.is_behind.set_value(true);
            if !matches!(self.connection.get_untracked(), Connection::Lost { .. }) {
                self.connection.set(Connection::Lost { since: clock::now() });
            }
            if self
                .stream
                .with_value(|s| s.as_ref().is_some_and(Stream::is_over))
            {
                set_timeout(move || self.open_again(), AGAIN);
            }
        });
        self.stream.set_value(Some(stream));
    }

    fn open_again(self) {
        // The stream of a session that has ended ends as well, and does not say why: the answer
        // to this leads to the login then.
        spawn_local(async {
            let _ = api::who_am_i().await;
        });
        if self
            .stream
            .with_value(|s| s.as_ref().is_some_and(Stream::is_over))
        {
            self.stream.set_value(None);
            self.open();
        }
    }

    fn close(self) {
        if self.stream.with_value(Option::is_some) {
            self.stream.set_value(None);
            self.is_behind.set_value(true);
        }
    }
}
