//! Where the output comes from: as it comes while the run goes on, page by page once it has
//! ended. Both go on from the piece that is next, whatever was lost on the way.

use std::time::Duration;

use shared::{
    api::{OutputView, paths},
    id::RunId,
    time::Time,
};

use super::viewer::Viewer;
use crate::{
    api::{self, Failure, Query, path},
    clock,
    live::live,
    prelude::*,
    stream::{Stream, read},
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
    stream: StoredValue<Option<Stream>>,
    /// Whether the run goes on, as far as is known here.
    is_following: StoredValue<bool>,
    is_seen: RwSignal<bool>,
    is_paging: StoredValue<bool>,
    /// Told when the server says that the run has ended.
    ended: Callback<()>,
}

const AGAIN: Duration = Duration::from_secs(1);

impl Feed {
    pub fn new(id: RunId, viewer: Viewer, ended: Callback<()>) -> Feed {
        let feed = Feed {
            id,
            viewer,
            state: RwSignal::new(FeedState::Loading),
            stream: StoredValue::new(None),
            is_following: StoredValue::new(false),
            is_seen: live().is_seen,
            is_paging: StoredValue::new(false),
            ended,
        };
        on_cleanup(move || {
            feed.stream.try_update_value(Option::take);
        });
        Effect::new(move |before: Option<()>| match feed.is_seen.get() {
            true if before.is_some() && feed.is_following.get_value() => feed.open(),
            true => {}
            false => drop(feed.stream.try_update_value(Option::take)),
        });
        feed
    }

    /// What comes is shown as it comes, until the run has ended.
    pub fn follow(self) {
        self.is_following.try_set_value(true);
        self.open();
    }

    fn open(self) {
        let Some(false) = self.stream.try_with_value(Option::is_some) else {
            return;
        };
        if !self.is_seen.get_untracked() {
            return;
        }
        let query = Query::default().with("from", self.viewer.next_seq());
        let address = query.after(&path(paths::RUN_OUTPUT_LIVE, &[&self.id]));
        let Some(mut stream) = Stream::open(&address) else {
            return;
        };
        stream.hear("open", move |_| self.is_heard());
        stream.hear("output", move |event| {
            if let Some(piece) = read::<OutputView>(&event) {
                self.viewer.update(|log| log.push(&piece));
                self.is_heard();
            }
        });
        stream.hear("trouble", move |event| {
            let why = read::<String>(&event).unwrap_or_default();
            self.state.set(FeedState::Trouble(why));
        });
        stream.hear("end", move |_| {
            self.close();
            self.is_whole();
            self.ended.run(());
        });
        stream.hear("error", move |_| {
            if !matches!(self.state.get_untracked(), FeedState::Lost { .. }) {
                self.state.set(FeedState::Lost { since: clock::now() });
            }
            self.close();
            set_timeout(
                move || {
                    // Unless the run's end was seen otherwise meanwhile.
                    if let Some(FeedState::Lost { .. }) = self.state.try_get_untracked() {
                        self.open();
                    }
                },
                AGAIN,
            );
        });
        self.stream.set_value(Some(stream));
    }

    fn is_heard(self) {
        if self.state.get_untracked() != FeedState::Live {
            self.state.set(FeedState::Live);
        }
    }

    fn is_whole(self) {
        self.is_following.try_set_value(false);
        self.viewer.update(|log| log.finish(clock::now()));
        self.state.set(FeedState::Complete);
    }

    /// Not from inside of the stream's own closures, which it drops.
    fn close(self) {
        set_timeout(
            move || {
                self.stream.try_update_value(Option::take);
            },
            Duration::ZERO,
        );
        self.stream.try_with_value(|stream| {
            if let Some(stream) = stream {
                stream.end();
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
