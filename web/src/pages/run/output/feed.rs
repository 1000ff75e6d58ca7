//! Where the output comes from: as it comes while the run goes on, page by page once it has
//! ended. Both go on from the piece that is next, whatever was lost on the way.

use std::time::Duration;

use leptos::{prelude::*, task::spawn_local};
use shared::{
    api::{BASE, OutputView, paths},
    id::RunId,
    time::Time,
};
use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::{EventSource, MessageEvent};

use super::viewer::Viewer;
use crate::{
    api::{self, Failure, Query, path},
    clock,
};

/// How it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedState {
    Loading,
    Live,
    Lost {
        since: Time,
    },
    /// The server is there, its database is not.
    Trouble(String),
    Failed(Failure),
    /// All of it is here.
    Complete,
}

/// Copies are the same.
#[derive(Clone, Copy)]
pub struct Feed {
    id: RunId,
    viewer: Viewer,
    pub state: RwSignal<FeedState>,
    source: StoredValue<Option<Source>, LocalStorage>,
    is_paging: StoredValue<bool>,
    /// Told when the server says that the run has ended.
    ended: Callback<()>,
}

/// An open stream; it is closed when it is dropped.
struct Source {
    stream: EventSource,
    /// They live as long as the stream.
    _hears: Vec<Closure<dyn FnMut(MessageEvent)>>,
}

impl Drop for Source {
    fn drop(&mut self) {
        self.stream.close();
    }
}

const AGAIN: Duration = Duration::from_secs(1);

impl Feed {
    pub fn new(id: RunId, viewer: Viewer, ended: Callback<()>) -> Feed {
        let feed = Feed {
            id,
            viewer,
            state: RwSignal::new(FeedState::Loading),
            source: StoredValue::new_local(None),
            is_paging: StoredValue::new(false),
            ended,
        };
        on_cleanup(move || {
            feed.source.try_update_value(Option::take);
        });
        feed
    }

    /// What comes is shown as it comes, until the run has ended.
    pub fn follow(self) {
        let Some(false) = self.source.try_with_value(Option::is_some) else {
            return;
        };
        let query = Query::default().with("from", self.viewer.next_seq());
        let address = query.after(&format!("{BASE}{}", path(paths::RUN_OUTPUT_LIVE, &[&self.id])));
        let Ok(stream) = EventSource::new(&address) else {
            return;
        };
        let hears = vec![
            hear(&stream, "open", move |_| self.is_heard()),
            hear(&stream, "output", move |event| {
                if let Some(piece) = read::<OutputView>(&event) {
                    self.viewer.update(|log| log.push(&piece));
                    self.is_heard();
                }
            }),
            hear(&stream, "trouble", move |event| {
                let why = read::<String>(&event).unwrap_or_default();
                self.state.set(FeedState::Trouble(why));
            }),
            hear(&stream, "end", move |_| {
                self.close();
                self.is_whole();
                self.ended.run(());
            }),
            hear(&stream, "error", move |_| {
                if !matches!(self.state.get_untracked(), FeedState::Lost { .. }) {
                    self.state.set(FeedState::Lost { since: clock::now() });
                }
                self.close();
                set_timeout(
                    move || {
                        // Unless the run's end was seen otherwise meanwhile.
                        if let Some(FeedState::Lost { .. }) = self.state.try_get_untracked() {
                            self.follow();
                        }
                    },
                    AGAIN,
                );
            }),
        ];
        self.source.set_value(Some(Source {
            stream,
            _hears: hears,
        }));
    }

    fn is_heard(self) {
        if self.state.get_untracked() != FeedState::Live {
            self.state.set(FeedState::Live);
        }
    }

    fn is_whole(self) {
        self.viewer.update(|log| log.finish(clock::now()));
        self.state.set(FeedState::Complete);
    }

    /// Not from inside of the stream's own closures, which it drops.
    fn close(self) {
        set_timeout(
            move || {
                self.source.try_update_value(Option::take);
            },
            Duration::ZERO,
        );
        self.source.try_with_value(|source| {
            if let Some(source) = source {
                source.stream.close();
            }
        });
    }

    /// What is kept of a run that has ended, from where it stopped.
    pub fn load(self) {
        if self.is_paging.get_value() {
            return;
        }
        self.is_paging.set_value(true);
        if self.state.get_untracked() != FeedState::Complete {
            self.state.set(FeedState::Loading);
        }
        spawn_local(async move {
            let end = loop {
                let page = api::runs::output(self.id, self.viewer.next_seq()).await;
                if self.state.try_get_untracked().is_none() {
                    return;
                }
                match page {
                    Err(failure) => break Err(failure),
                    Ok(page) => {
                        self.viewer
                            .update(|log| page.items.iter().for_each(|piece| log.push(piece)));
                        if page.next.is_none() || page.items.is_empty() {
                            break Ok(());
                        }
                    }
                }
            };
            self.is_paging.try_update_value(|p| *p = false);
            match end {
                Ok(()) => self.is_whole(),
                Err(failure) => self.state.set(FeedState::Failed(failure)),
            }
        });
    }
}

fn hear(
    stream: &EventSource,
    name: &str,
    react: impl FnMut(MessageEvent) + 'static,
) -> Closure<dyn FnMut(MessageEvent)> {
    let react = Closure::<dyn FnMut(MessageEvent)>::new(react);
    let _ = stream.add_event_listener_with_callback(name, react.as_ref().unchecked_ref());
    react
}

fn read<T: serde::de::DeserializeOwned>(event: &MessageEvent) -> Option<T> {
    shared::file::value::of_json(&event.data().as_string()?).ok()
}
