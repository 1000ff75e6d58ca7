//! A value that is set.

use std::marker::PhantomData;

use leptos::{
    prelude::{self as graph, Notify, ReadUntracked, Track, Write},
    reactive::signal::guards::{Plain, ReadGuard, UntrackedWriteGuard},
};

use super::{
    Of, copies,
    held::{Slot, typed, typed_mut},
    reads, there,
};

type Erased = Box<dyn Slot + Send + Sync>;

/// See the module.
pub struct RwSignal<T> {
    pub(super) cell: Cell,
    of: Of<T>,
}

copies!(RwSignal);
reads!(RwSignal by cell);

/// What is in a cell, which does not change as long as somebody looks.
pub(super) struct Look(ReadGuard<Erased, Plain<Erased>>);

impl Look {
    pub fn slot(&self) -> &dyn Slot {
        &**self.0
    }
}

/// The same, of whatever type.
pub type Cell = graph::RwSignal<Erased>;

impl<T: Send + Sync + 'static> RwSignal<T> {
    pub fn new(value: T) -> RwSignal<T> {
        RwSignal {
            cell: new_cell(Box::new(value)),
            of: PhantomData,
        }
    }

    pub fn try_get(&self) -> Option<T>
    where
        T: Clone,
    {
        self.track();
        self.try_get_untracked()
    }

    pub fn try_get_untracked(&self) -> Option<T>
    where
        T: Clone,
    {
        let look = try_read(self.cell)?;
        // SAFETY: the cell was made with a `T`.
        Some(unsafe { typed::<T>(look.slot()) }.clone())
    }

    pub fn set(&self, value: T) {
        self.update(|old| *old = value);
    }

    /// Changes it, and tells so.
    pub fn update(&self, change: impl FnOnce(&mut T)) {
        self.try_update(change);
    }

    /// The value again if it could not be set.
    pub fn try_set(&self, value: T) -> Option<T> {
        let mut value = Some(value);
        self.try_update(|old| {
            if let Some(value) = value.take() {
                *old = value;
            }
        });
        value
    }

    /// Nothing if its owner is gone.
    pub fn try_update<R>(&self, change: impl FnOnce(&mut T) -> R) -> Option<R> {
        let value = self.try_update_untracked(change);
        if value.is_some() {
            self.cell.notify();
        }
        value
    }

    /// Changes it and tells nobody.
    pub fn try_update_untracked<R>(&self, change: impl FnOnce(&mut T) -> R) -> Option<R> {
        let mut value = try_write(self.cell)?;
        // SAFETY: the cell was made with a `T`.
        Some(change(unsafe { typed_mut(&mut **value) }))
    }

    pub fn track(&self) {
        self.cell.track();
    }
}

// Each stands in the program once.
#[inline(never)]
fn new_cell(value: Erased) -> Cell {
    graph::RwSignal::new(value)
}

#[inline(never)]
pub(super) fn now(cell: Cell) -> Look {
    cell.track();
    now_untracked(cell)
}

#[inline(never)]
pub(super) fn now_untracked(cell: Cell) -> Look {
    there(try_read(cell))
}

#[inline(never)]
fn try_read(cell: Cell) -> Option<Look> {
    cell.try_read_untracked().map(Look)
}

#[inline(never)]
fn try_write(cell: Cell) -> Option<UntrackedWriteGuard<Erased>> {
    cell.try_write_untracked()
}
