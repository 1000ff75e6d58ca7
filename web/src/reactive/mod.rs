//! Values that tell when they change, and what follows them. The graph below is Leptos'; each
//! kind of handle stands in it once, for values of whatever type. Leptos' own handles would
//! bring their code along once for each type, which was a seventh of the console's weight.
//!
//! A handle is a number: copies are the same. Asking one whose owner is gone is a mistake of
//! the program, but for the `try_` functions.

mod cell;
mod effect;
mod held;
mod memo;
mod signal;
mod stored;

pub use cell::RwSignal;
pub use effect::Effect;
pub use memo::Memo;
pub use signal::Signal;
pub use stored::StoredValue;

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

use copies;

/// What a handle stands for, which is there while its owner is.
fn there<V>(value: Option<V>) -> V {
    value.expect("asked after its owner is gone")
}

#[cfg(test)]
mod tests;
