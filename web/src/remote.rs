//! A fact of the server's as a page shows it: asked for when the page opens and when what it
//! depends on changes, shown as it was while it is asked for again, and marked when the
//! server no longer answers.

use std::{any::Any, future::Future, marker::PhantomData, pin::Pin, sync::Arc, time::Duration};

use shared::{api::Changed, file::value::Read, time::Time};

use crate::{
    api::{Answer, Call, Failure},
    clock,
    live::live,
    prelude::*,
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
    pace: StoredValue<Pace>,
}

/// When it is asked for.
#[derive(Clone, Copy, Default)]
struct Pace {
    /// Counts the questions: an answer to an older one is dropped.
    turn: u64,
    is_asking: bool,
    /// A change was told of, and others are gathered.
    is_gathering: bool,
    /// Something changed while a question was on its way.
    is_behind: bool,
}

type Data = Arc<dyn Any + Send + Sync>;

/// The answer to a question that is on its way, of whatever kind.
type Coming = Pin<Box<dyn Future<Output = Answer<Data>>>>;

/// What is asked: one call, or what several of them make.
pub struct Asking<T> {
    answer: Coming,
    of: PhantomData<fn() -> T>,
}

impl<T: Send + Sync + 'static> Asking<T> {
    pub fn of(answer: impl Future<Output = Answer<T>> + 'static) -> Asking<T> {
        Asking {
            answer: Box::pin(async move { answer.await.map(|data| Arc::new(data) as Data) }),
            of: PhantomData,
        }
    }
}

impl<T: Read + Send + Sync + 'static> From<Call<T>> for Asking<T> {
    fn from(call: Call<T>) -> Asking<T> {
        Asking {
            answer: Box::pin(call.read_by(|found| T::read(found).map(|data| Arc::new(data) as Data))),
            of: PhantomData,
        }
    }
}

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
pub fn remote<K, T, A>(
    kinds: &'static [Changed],
    key: impl Fn() -> K + Send + Sync + 'static,
    ask: impl Fn(K) -> A + Send + Sync + 'static,
) -> Remote<T>
where
    K: PartialEq + Clone + Send + Sync + 'static,
    A: Into<Asking<T>>,
{
    let key = Memo::new(move |_| key());
    let ask = move || ask(key.get()).into().answer;
    Remote {
        fact: fact(kinds, Arc::new(ask)),
        of: PhantomData,
    }
}

/// `ask` tracks what it depends on.
fn fact(kinds: &'static [Changed], ask: Arc<dyn Fn() -> Coming + Send + Sync>) -> Fact {
    let known = RwSignal::new(Known::default());
    let asked = RwSignal::new(0_u64);
    let pace = StoredValue::new(Pace::default());
    let fact = Fact { known, asked, pace };

    // A new key, or a wish of the page's: at once.
    Effect::new(move |_| {
        asked.track();
        pace.update_value(|pace| {
            pace.turn += 1;
            pace.is_asking = true;
        });
        let my_turn = pace.with_value(|pace| pace.turn);
        let answer = ask();
        spawn_local(async move {
            let answer = answer.await;
            if pace.try_with_value(|pace| pace.turn) == Some(my_turn) {
                fact.take(answer);
            }
        });
    });
    if !kinds.is_empty() {
        Effect::new(move |before: Option<()>| {
            for kind in kinds {
                live().track(*kind);
            }
            if before.is_some() {
                fact.refresh_soon();
            }
        });
    }
    fact
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

    /// Asks again for a change elsewhere: gathered, and never while a question is on its way.
    pub fn refresh_soon(self) {
        let was_gathering = self
            .pace
            .try_update_value(|pace| std::mem::replace(&mut pace.is_gathering, true));
        if was_gathering == Some(false) {
            set_timeout(move || self.gathered(), GATHER);
        }
    }

    fn gathered(self) {
        let is_asking = self.pace.try_update_value(|pace| {
            pace.is_gathering = false;
            pace.is_behind |= pace.is_asking;
            pace.is_asking
        });
        if is_asking == Some(false) {
            self.refresh();
        }
    }

    /// Takes the answer to the newest question.
    fn take(self, answer: Answer<Data>) {
        let was_behind = self.pace.try_update_value(|pace| {
            pace.is_asking = false;
            std::mem::take(&mut pace.is_behind)
        });
        let again = match &answer {
            _ if was_behind == Some(true) => Some(GATHER),
            Err(failure) if failure.may_pass() => Some(AGAIN),
            _ => None,
        };
        self.known.try_update(|known| match answer {
            Ok(data) => {
                *known = Known {
                    data: Some(data),
                    failure: None,
                    at: Some(clock::now()),
                };
            }
            Err(failure) => known.failure = Some(failure),
        });
        if let Some(again) = again {
            set_timeout(move || self.refresh(), again);
        }
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
