//! The list as it is read and kept up: the first page, further ones as one scrolls, and news
//! as they come.

use std::{sync::Arc, time::Duration};

use shared::history::{RunQuery, RunView};

use super::{
    filter::Filter,
    list::{List, Row},
    news::{News, on_news},
};
use crate::{
    api::{self, Failure},
    browser, clock,
    prelude::*,
    remote::AGAIN,
};

/// How many runs come with a call.
const PAGE: u32 = 100;
/// News within so long are shown together: a fleet may start a hundred runs a second.
const GATHER: Duration = Duration::from_millis(150);
/// So close to the top, in pixels, new runs slide in.
const TOP: f64 = 120.0;

/// What is going on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doing {
    /// The first page, with nothing to show yet.
    First,
    More,
    Nothing,
    Failed(Failure),
}

/// Copies are the same.
#[derive(Clone, Copy)]
pub struct Reading {
    filter: Signal<Filter>,
    list: StoredValue<List>,
    /// Whether the first page is in the list: without it there is nothing to go on from.
    is_begun: StoredValue<bool>,
    pub rows: RwSignal<Arc<Vec<Row>>>,
    pub waiting: RwSignal<usize>,
    pub doing: RwSignal<Doing>,
    /// Whether there is another page, and whether there are more than are kept.
    pub has_more: RwSignal<bool>,
    pub is_full: RwSignal<bool>,
    /// Answers to an older question are dropped.
    turn: StoredValue<u64>,
    /// Recorded, not shown yet.
    news: StoredValue<Vec<Arc<RunView>>>,
    is_gathering: StoredValue<bool>,
    must_look: StoredValue<bool>,
}

impl Reading {
    /// Reads anew when the filter changes.
    pub fn new(filter: Signal<Filter>) -> Reading {
        let reading = Reading {
            filter,
            list: StoredValue::new(List::default()),
            is_begun: StoredValue::new(false),
            rows: RwSignal::new(Arc::default()),
            waiting: RwSignal::new(0),
            doing: RwSignal::new(Doing::First),
            has_more: RwSignal::new(false),
            is_full: RwSignal::new(false),
            turn: StoredValue::new(0),
            news: StoredValue::new(Vec::new()),
            is_gathering: StoredValue::new(false),
            must_look: StoredValue::new(false),
        };
        Effect::new(move |_| {
            filter.track();
            reading.read_first();
        });
        on_news(move |news| reading.hear(news));
        reading
    }

    fn read(
        self,
        cursor: Option<String>,
        take: impl FnOnce(&mut List, shared::api::Page<RunView>) + 'static,
    ) {
        let turn = self.turn.get_value();
        let query = RunQuery {
            limit: Some(PAGE),
            cursor,
            ..self.filter.get_untracked().asked(clock::now())
        };
        spawn_local(async move {
            let answer = api::runs::list(&query).await;
            if self.turn.try_get_value() != Some(turn) {
                return;
            }
            match answer {
                Ok(page) => {
                    self.list.update_value(|list| take(list, page));
                    self.doing.set(Doing::Nothing);
                    self.show();
                }
                Err(failure) => {
                    if failure.may_pass() {
                        set_timeout(move || self.retry_failed(), AGAIN);
                    }
                    self.doing.set(Doing::Failed(failure));
                }
            }
        });
    }

    fn next_turn(self) {
        self.turn.update_value(|turn| *turn += 1);
    }

    /// What is shown stays until the answer is there.
    pub fn read_first(self) {
        self.next_turn();
        self.doing.set(Doing::First);
        self.is_begun.set_value(false);
        self.read(None, move |list, page| {
            *list = List::default();
            list.append(page);
            self.is_begun.set_value(true);
        });
    }

    /// The next page, if there is one.
    pub fn read_more(self) {
        if self.doing.try_get_untracked() != Some(Doing::Nothing) {
            return;
        }
        let Some(cursor) = self.list.with_value(List::next) else {
            return;
        };
        self.doing.set(Doing::More);
        self.read(Some(cursor), List::append);
    }

    pub fn retry(self) {
        if self.is_begun.get_value() {
            self.doing.set(Doing::Nothing);
            self.read_more();
        } else {
            self.read_first();
        }
    }

    /// Unless it went on meanwhile.
    fn retry_failed(self) {
        if let Some(Doing::Failed(_)) = self.doing.try_get_untracked() {
            self.retry();
        }
    }

    fn hear(self, news: News) {
        match news {
            News::Run(run) => self.news.update_value(|news| news.push(run)),
            News::Unknown => self.must_look.set_value(true),
        }
        if self.is_gathering.get_value() {
            return;
        }
        self.is_gathering.set_value(true);
        set_timeout(
            move || {
                if self.is_gathering.try_update_value(|g| *g = false).is_some() {
                    self.take_news();
                }
            },
            GATHER,
        );
    }

    fn take_news(self) {
        let (filter, now, at_top) = (self.filter.get_untracked(), clock::now(), is_at_top());
        let news = self.news.try_update_value(std::mem::take).unwrap_or_default();
        // Without its first page, the list is about to be another's.
        if self.is_begun.get_value() && !news.is_empty() {
            self.list.update_value(|list| {
                for run in news {
                    let is_shown = filter.shows(&run, now);
                    list.put(run, is_shown, at_top);
                }
            });
            self.show();
        }
        let must_look = self.must_look.try_update_value(std::mem::take);
        match (must_look, self.doing.get_untracked()) {
            (Some(true), Doing::Nothing) => self.read(None, |list, page| list.renew(page, is_at_top())),
            (Some(true), _) => self.retry_failed(),
            _ => {}
        }
    }

    pub fn show_waiting(self) {
        self.list.update_value(List::show_waiting);
        self.show();
        browser::window().scroll_to_with_x_and_y(0.0, 0.0);
    }

    fn show(self) {
        if is_at_top() {
            self.list.update_value(List::show_waiting);
        }
        let told = self.list.try_update_value(|list| {
            let rows = list.rows();
            (rows, list.waiting(), list.next().is_some(), list.is_full())
        });
        if let Some((rows, waiting, has_more, is_full)) = told {
            self.waiting.set(waiting);
            self.has_more.set(has_more);
            self.is_full.set(is_full);
            self.rows.set(Arc::new(rows));
        }
    }
}

fn is_at_top() -> bool {
    browser::window().scroll_y().unwrap_or(0.0) < TOP
}
