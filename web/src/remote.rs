//! A fact of the server's as a page shows it: asked for when the page opens and when what it
//! depends on changes, shown as it was while it is asked for again, and marked when the
//! server no longer answers.

use std::{future::Future, sync::Arc, time::Duration};

use leptos::{prelude::*, task::spawn_local};
use shared::{api::Changed, time::Time};

use crate::{
    api::{Answer, Failure},
    clock,
    live::live,
    session,
};

/// What is known of it.
#[derive(Debug)]
pub struct Known<T> {
    /// The last answer.
    pub data: Option<Arc<T>>,
    /// Why there is no newer one.
    pub failure: Option<Failure>,
    pub is_loading: bool,
    /// When the last answer came.
    pub at: Option<Time>,
}

impl<T> Clone for Known<T> {
    fn clone(&self) -> Self {
        Known {
            data: self.data.clone(),
            failure: self.failure.clone(),
            is_loading: self.is_loading,
            at: self.at,
        }
    }
}

/// See the module. Copies are the same.
pub struct Remote<T: Send + Sync + 'static> {
    known: RwSignal<Known<T>>,
    asked: RwSignal<u64>,
}

impl<T: Send + Sync + 'static> Clone for Remote<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Send + Sync + 'static> Copy for Remote<T> {}

/// Live changes of one kind within so long are asked after once: a fleet that runs a
/// hundred jobs a second must not make its viewers ask a hundred times.
const GATHER: Duration = Duration::from_millis(400);

/// Asks for what `ask` makes of `key`, anew when the key or one of `kinds` changes. Answers
/// that a later question overtook are dropped.
pub fn remote<K, T, F>(
    kinds: &'static [Changed],
    key: impl Fn() -> K + Send + Sync + 'static,
    ask: impl Fn(K) -> F + Send + Sync + 'static,
) -> Remote<T>
where
    K: PartialEq + Clone + Send + Sync + 'static,
    T: Send + Sync + 'static,
    F: Future<Output = Answer<T>> + 'static,
{
    let known = RwSignal::new(Known {
        data: None,
        failure: None,
        is_loading: true,
        at: None,
    });
    let asked = RwSignal::new(0_u64);
    let remote = Remote { known, asked };
    let key = Memo::new(move |_| key());
    let session = session::session();
    let turn = StoredValue::new(0_u64);
    let is_asking = StoredValue::new(false);
    let ask_again = StoredValue::new(false);
    let ask = StoredValue::new(ask);

    let fetch = Callback::new(move |key: K| {
        let my_turn = turn
            .try_update_value(|n| {
                *n += 1;
                *n
            })
            .unwrap_or_default();
        is_asking.set_value(true);
        known.update(|k| k.is_loading = true);
        let Some(answer) = ask.try_with_value(|ask| ask(key)) else {
            return;
        };
        spawn_local(async move {
            let answer = answer.await;
            if turn.try_get_value() != Some(my_turn) {
                return;
            }
            is_asking.set_value(false);
            if let Err(failure) = &answer
                && failure.is_logged_out()
            {
                session::end(session);
            }
            known.try_update(|known| {
                known.is_loading = false;
                match answer {
                    Ok(data) => {
                        known.data = Some(Arc::new(data));
                        known.failure = None;
                        known.at = Some(clock::now());
                    }
                    Err(failure) => known.failure = Some(failure),
                }
            });
            if ask_again.try_get_value() == Some(true) {
                ask_again.set_value(false);
                set_timeout(
                    move || {
                        asked.try_update(|n| *n += 1);
                    },
                    GATHER,
                );
            }
        });
    });

    // A new key, or a wish of the page's: at once.
    Effect::new(move |_| {
        asked.track();
        fetch.run(key.get());
    });
    // A change elsewhere: gathered, and never while a question is on its way.
    if !kinds.is_empty() {
        let is_waiting = StoredValue::new(false);
        Effect::new(move |before: Option<()>| {
            for kind in kinds {
                live().track(*kind);
            }
            if before.is_none() || is_waiting.get_value() {
                return;
            }
            is_waiting.set_value(true);
            set_timeout(
                move || {
                    is_waiting.try_update_value(|w| *w = false);
                    if is_asking.try_get_value() == Some(true) {
                        ask_again.set_value(true);
                    } else {
                        asked.try_update(|n| *n += 1);
                    }
                },
                GATHER,
            );
        });
    }
    remote
}

impl<T: Send + Sync + 'static> Remote<T> {
    pub fn get(&self) -> Known<T> {
        self.known.get()
    }

    /// The last answer, if there is one.
    pub fn data(&self) -> Option<Arc<T>> {
        self.known.with(|known| known.data.clone())
    }

    pub fn data_untracked(&self) -> Option<Arc<T>> {
        self.known.with_untracked(|known| known.data.clone())
    }

    /// Asks again now.
    pub fn refresh(&self) {
        self.asked.try_update(|n| *n += 1);
    }
}
