//! A value that lives as long as what made it, and tells nobody when it changes.

use std::marker::PhantomData;

use leptos::{
    prelude::{self as graph, LocalStorage, ReadValue, WriteValue},
    reactive::signal::guards::{Plain, ReadGuard, UntrackedWriteGuard},
};

use super::{
    Of, copies,
    held::{Slot, typed, typed_mut},
    there,
};

/// See the module.
pub struct StoredValue<T> {
    stored: Stored,
    of: Of<T>,
}

copies!(StoredValue);

/// The same, of whatever type.
type Stored = graph::StoredValue<Erased, LocalStorage>;

type Erased = Box<dyn Slot>;

impl<T: 'static> StoredValue<T> {
    pub fn new(value: T) -> StoredValue<T> {
        StoredValue {
            stored: stored(Box::new(value)),
            of: PhantomData,
        }
    }

    pub fn get_value(&self) -> T
    where
        T: Clone,
    {
        self.with_value(T::clone)
    }

    pub fn try_get_value(&self) -> Option<T>
    where
        T: Clone,
    {
        self.try_with_value(T::clone)
    }

    pub fn with_value<R>(&self, read: impl FnOnce(&T) -> R) -> R {
        there(self.try_with_value(read))
    }

    /// Nothing if its owner is gone.
    pub fn try_with_value<R>(&self, read: impl FnOnce(&T) -> R) -> Option<R> {
        let value = try_read(self.stored)?;
        // SAFETY: it was made with a `T`.
        Some(read(unsafe { typed(&**value) }))
    }

    pub fn set_value(&self, value: T) {
        self.update_value(|old| *old = value);
    }

    /// The value again if it could not be set.
    pub fn try_set_value(&self, value: T) -> Option<T> {
        let mut value = Some(value);
        self.try_update_value(|old| {
            if let Some(value) = value.take() {
                *old = value;
            }
        });
        value
    }

    pub fn update_value(&self, change: impl FnOnce(&mut T)) {
        self.try_update_value(change);
    }

    /// Nothing if its owner is gone.
    pub fn try_update_value<R>(&self, change: impl FnOnce(&mut T) -> R) -> Option<R> {
        let mut value = try_write(self.stored)?;
        // SAFETY: it was made with a `T`.
        Some(change(unsafe { typed_mut(&mut **value) }))
    }
}

// Each stands in the program once.
#[inline(never)]
fn stored(value: Erased) -> Stored {
    graph::StoredValue::new_local(value)
}

#[inline(never)]
fn try_read(stored: Stored) -> Option<ReadGuard<Erased, Plain<Erased>>> {
    stored.try_read_value()
}

#[inline(never)]
fn try_write(stored: Stored) -> Option<UntrackedWriteGuard<Erased>> {
    stored.try_write_value()
}
