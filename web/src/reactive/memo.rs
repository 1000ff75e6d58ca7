//! A value that is made of others, and tells only when it became another one.

use std::{marker::PhantomData, sync::Arc};

use leptos::prelude::{self as graph, Get, GetUntracked, Track};

use super::{
    Of, copies,
    held::{Held, typed},
    reads,
};

/// See the module.
pub struct Memo<T> {
    pub(super) memo: Made,
    of: Of<T>,
}

copies!(Memo);
reads!(Memo by memo);

/// The same, of whatever type.
pub type Made = graph::Memo<Found>;

/// What was found, and how it is compared with what is found the next time.
#[derive(Clone)]
pub struct Found {
    value: Held,
    differs: fn(&Held, &Held) -> bool,
}

impl<T: Send + Sync + 'static> Memo<T> {
    /// `find` is given what it found the last time.
    pub fn new(find: impl Fn(Option<&T>) -> T + Send + Sync + 'static) -> Memo<T>
    where
        T: PartialEq,
    {
        // SAFETY: what is found and what was found are each a `T`.
        Memo::told(find, |a, b| unsafe { a.get::<T>() != b.get::<T>() })
    }

    /// It tells each time something is found, the same or not.
    pub fn always(find: impl Fn(Option<&T>) -> T + Send + Sync + 'static) -> Memo<T> {
        Memo::told(find, |_, _| true)
    }

    fn told(
        find: impl Fn(Option<&T>) -> T + Send + Sync + 'static,
        differs: fn(&Held, &Held) -> bool,
    ) -> Memo<T> {
        let of: Of<T> = PhantomData;
        Memo {
            memo: made(Box::new(Finder { find, of }), differs),
            of: PhantomData,
        }
    }

    pub fn try_get_untracked(&self) -> Option<T>
    where
        T: Clone,
    {
        let found = self.memo.try_get_untracked()?;
        // SAFETY: the memo finds a `T`.
        Some(unsafe { found.value.get::<T>() }.clone())
    }

    pub fn track(&self) {
        self.memo.track();
    }
}

impl<T: Send + Sync + 'static> Memo<Arc<T>> {
    /// It tells when it is another `Arc`: quicker than comparing what is in them.
    pub fn of_arc(find: impl Fn(Option<&Arc<T>>) -> Arc<T> + Send + Sync + 'static) -> Memo<Arc<T>> {
        // SAFETY: what is found and what was found are each an `Arc<T>`.
        Memo::told(find, |a, b| unsafe {
            !Arc::ptr_eq(a.get::<Arc<T>>(), b.get::<Arc<T>>())
        })
    }
}

/// What finds it. Not `dyn Fn`: that brings two more functions along for each closure, which
/// nobody calls.
trait Find: Send + Sync {
    fn find(&self, before: Option<&Held>) -> Held;
}

struct Finder<F, T> {
    find: F,
    of: Of<T>,
}

impl<F, T> Find for Finder<F, T>
where
    F: Fn(Option<&T>) -> T + Send + Sync,
    T: Send + Sync + 'static,
{
    fn find(&self, before: Option<&Held>) -> Held {
        // SAFETY: what was found before was found here.
        let before = before.map(|held| unsafe { held.get() });
        Held::new((self.find)(before))
    }
}

// Each stands in the program once.
#[inline(never)]
fn made(find: Box<dyn Find>, differs: fn(&Held, &Held) -> bool) -> Made {
    let find = move |before: Option<&Found>| Found {
        value: find.find(before.map(|found| &found.value)),
        differs,
    };
    graph::Memo::new_with_compare(find, |a, b| match (a, b) {
        (Some(a), Some(b)) => (a.differs)(&a.value, &b.value),
        _ => true,
    })
}

#[inline(never)]
pub(super) fn now(memo: Made) -> Held {
    memo.get().value
}

#[inline(never)]
pub(super) fn now_untracked(memo: Made) -> Held {
    memo.get_untracked().value
}
