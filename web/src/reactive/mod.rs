//! Values that tell when they change, and what follows them. The graph below is Leptos'; each
//! kind of handle stands in it once, for values of whatever type. Leptos' own handles would
//! bring their code along once for each type, which was a seventh of the console's weight.
//!
//! A handle is a number: copies are the same. Asking one whose owner is gone is a mistake of
//! the program, but for the `try_` functions.

// A handle's type is written at its making and nowhere else, so what it stands for is of
// that type: `held` says what is spared by not asking.
#![expect(unsafe_code, reason = "see above")]

mod cell;
mod effect;
mod held;
mod memo;
mod signal;
mod stored;

use std::marker::PhantomData;

pub use cell::RwSignal;
pub use effect::Effect;
pub use memo::Memo;
pub use signal::Signal;
pub use stored::StoredValue;

/// A handle's type. Invariant: a handle of a type must not become one of another, not even of
/// one that differs in lifetimes alone, as what one of them sets the other reads.
type Of<T> = PhantomData<fn(T) -> T>;

/// A handle of whatever type of value can be copied.
macro_rules! copies {
    ($handle:ident) => {
        impl<T> Clone for $handle<T> {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<T> Copy for $handle<T> {}
    };
}

/// How a handle is read: by what its module's `now` gives for its source.
macro_rules! reads {
    ($handle:ident by $source:ident) => {
        impl<T: Send + Sync + 'static> $handle<T> {
            pub fn get(&self) -> T
            where
                T: Clone,
            {
                self.with(T::clone)
            }

            /// The same, and it is nothing to whoever asks when it changes.
            pub fn get_untracked(&self) -> T
            where
                T: Clone,
            {
                self.with_untracked(T::clone)
            }

            pub fn with<R>(&self, read: impl FnOnce(&T) -> R) -> R {
                let value = now(self.$source);
                // SAFETY: the handle was made with a `T`.
                read(unsafe { typed(value.slot()) })
            }

            pub fn with_untracked<R>(&self, read: impl FnOnce(&T) -> R) -> R {
                let value = now_untracked(self.$source);
                // SAFETY: the handle was made with a `T`.
                read(unsafe { typed(value.slot()) })
            }
        }
    };
}

use copies;
use reads;

/// What a handle stands for, which is there while its owner is.
fn there<V>(value: Option<V>) -> V {
    value.expect("asked after its owner is gone")
}

#[cfg(test)]
mod tests;
