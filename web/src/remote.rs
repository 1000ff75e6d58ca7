//! A fact of the server's as a page shows it: asked for when the page opens and when what it
//! depends on changes, shown as it was while it is asked for again, and marked when the
//! server no longer answers.

use std::{any::Any, future::Future, marker::PhantomData, pin::Pin, sync::Arc, time::Duration};

use leptos::{prelude::*, task::spawn_local};
use shared::{api::Changed, time::Time};

use crate::{
    api::{Answer, Failure},
    clock,
    live::live,
};

/// See the module. Copies are the same.
pub struct Remote<T> {
    fact: Fact,
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for Remote<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Remote<T> {}

/// A remote fact of whatever kind: the code that asks for one stands in the binary once, not
/// once for each kind of answer.
#[derive(Clone, Copy)]
pub struct Fact {
    known: RwSignal<Known>,
    asked: RwSignal<u64>,
}

type Data = Arc<dyn Any + Send + Sync>;
type Asking = Pin<Box<dyn Future<Output = Answer<Data>>>>;

/// What is known of it.
#[derive(Clone, Default)]
struct Known {
    /// The last answer.
    data: Option<Data>,
    /// Why there is no newer one.
    failure: Option<Failure>,
    /// When the last answer came.
    at: Option<Time>,
}

/// Live changes of one kind within so long are asked after once: a fleet that runs a
/// hundred jobs a second must not make its viewers ask a hundred times.
const GATHER: Duration = Duration::from_millis(400);
/// How long what failed waits until it is asked for again.
pub const AGAIN: Duration = Duration::from_secs(3);

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
    let key = Memo::new(move |_| key());
    let ask = move || -> Asking {
        let answer = ask(key.get());
        Box::pin(async move { answer.await.map(|data| Arc::new(data) as Data) })
    };
    Remote {
        fact: fact(kinds, Arc::new(ask)),
        of: PhantomData,
    }
}

/// `ask` tracks what it depends on.
fn fact(kinds: &'static [Changed], ask: Arc<dyn Fn() -> Asking + Send + Sync>) -> Fact {
    let known = RwSignal::new(Known::default());
    let asked = RwSignal::new(0_u64);
    let turn = StoredValue::new(0_u64);
    let is_asking = StoredValue::new(false);
    let ask_again = StoredValue::new(false);

    // A new key, or a wish of the page's: at once.
    Effect::new(move |_| {
        asked.track();
        let my_turn = turn.get_value() + 1;
        turn.set_value(my_turn);
        is_asking.set_value(true);
        let answer = ask();
        spawn_local(async move {
            let answer = answer.await;
            if turn.try_get_value() != Some(my_turn) {
                return;
            }
            is_asking.set_value(false);
            let mut later = match &answer {
                Err(failure) if failure.may_pass() => Some(AGAIN),
                _ => None,
            };
            known.try_update(|known| match answer {
                Ok(data) => {
                    *known = Known {
                        data: Some(data),
                        failure: None,
                        at: Some(clock::now()),
                    };
                }
                Err(failure) => known.failure = Some(failure),
            });
            if ask_again.try_get_value() == Some(true) {
                ask_again.set_value(false);
                later = Some(GATHER);
            }
            if let Some(later) = later {
                let ask = move || {
                    asked.try_update(|n| *n += 1);
                };
                set_timeout(ask, later);
            }
        });
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
    Fact { known, asked }
}

impl Fact {
    /// Whether it was ever answered.
    pub fn is_known(self) -> bool {
        self.known.with(|known| known.data.is_some())
    }

    /// Why there is no newer answer.
    pub fn failure(self) -> Option<Failure> {
        self.known.with(|known| known.failure.clone())
    }

    /// When the last answer came.
    pub fn at(self) -> Option<Time> {
        self.known.with(|known| known.at)
    }

    /// Asks again now.
    pub fn refresh(self) {
        self.asked.try_update(|n| *n += 1);
    }
}

impl<T: Send + Sync + 'static> Remote<T> {
    pub fn fact(&self) -> Fact {
        self.fact
    }

    /// The last answer, if there is one.
    pub fn data(&self) -> Option<Arc<T>> {
        self.fact.known.with(|known| typed(known.data.as_ref()))
    }

    pub fn data_untracked(&self) -> Option<Arc<T>> {
        self.fact.known.with_untracked(|known| typed(known.data.as_ref()))
    }

    /// Asks again now.
    pub fn refresh(&self) {
        self.fact.refresh();
    }
}

fn typed<T: Send + Sync + 'static>(data: Option<&Data>) -> Option<Arc<T>> {
    data.cloned()?.downcast().ok()
}
