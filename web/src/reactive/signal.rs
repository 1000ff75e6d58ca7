//! A value to read, whatever it comes from.

use std::{marker::PhantomData, sync::Arc};

use leptos::prelude::{self as graph, GetValue, untrack};

use super::{
    Memo, Of, RwSignal,
    cell::{self, Cell, Look},
    copies,
    held::{Held, Slot, typed},
    memo::{self, Made},
    reads,
};

/// See the module.
pub struct Signal<T> {
    source: Source,
    of: Of<T>,
}

copies!(Signal);
reads!(Signal by source);

#[derive(Clone, Copy)]
enum Source {
    Memo(Made),
    Cell(Cell),
    Derived(graph::StoredValue<Arc<dyn Derive>>),
    Fixed(graph::StoredValue<Held>),
}

/// What makes it. Not `dyn Fn`, as with memos.
trait Derive: Send + Sync {
    fn derive(&self) -> Held;
}

impl<F, T> Derive for F
where
    F: Fn() -> T + Send + Sync,
    T: Send + Sync + 'static,
{
    fn derive(&self) -> Held {
        Held::new(self())
    }
}

impl<T: Send + Sync + 'static> Signal<T> {
    /// What `derive` says, made anew each time somebody asks.
    pub fn derive(derive: impl Fn() -> T + Send + Sync + 'static) -> Signal<T> {
        Signal::of(derived(Arc::new(derive)))
    }

    fn of(source: Source) -> Signal<T> {
        Signal {
            source,
            of: PhantomData,
        }
    }

    pub fn track(&self) {
        now(self.source);
    }
}

/// What is being read.
enum Reading {
    Held(Held),
    Cell(Look),
}

impl Reading {
    fn slot(&self) -> &dyn Slot {
        match self {
            Reading::Held(held) => held.slot(),
            Reading::Cell(look) => look.slot(),
        }
    }
}

#[inline(never)]
fn now(source: Source) -> Reading {
    match source {
        Source::Memo(made) => Reading::Held(memo::now(made)),
        Source::Cell(cell) => Reading::Cell(cell::now(cell)),
        Source::Derived(derive) => Reading::Held(derive.get_value().derive()),
        Source::Fixed(held) => Reading::Held(held.get_value()),
    }
}

#[inline(never)]
fn now_untracked(source: Source) -> Reading {
    untrack(|| now(source))
}

#[inline(never)]
fn derived(derive: Arc<dyn Derive>) -> Source {
    Source::Derived(graph::StoredValue::new(derive))
}

#[inline(never)]
fn fixed(held: Held) -> Source {
    Source::Fixed(graph::StoredValue::new(held))
}

impl<T: Send + Sync + 'static> From<Memo<T>> for Signal<T> {
    fn from(memo: Memo<T>) -> Signal<T> {
        Signal::of(Source::Memo(memo.memo))
    }
}

impl<T: Send + Sync + 'static> From<RwSignal<T>> for Signal<T> {
    fn from(signal: RwSignal<T>) -> Signal<T> {
        Signal::of(Source::Cell(signal.cell))
    }
}

impl<T: Send + Sync + 'static> From<T> for Signal<T> {
    fn from(value: T) -> Signal<T> {
        Signal::of(fixed(Held::new(value)))
    }
}

impl From<&str> for Signal<String> {
    fn from(text: &str) -> Signal<String> {
        text.to_owned().into()
    }
}

impl<T: Default + Send + Sync + 'static> Default for Signal<T> {
    fn default() -> Signal<T> {
        T::default().into()
    }
}
