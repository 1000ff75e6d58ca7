//! A value of which the type is known to its handle alone.

use std::{any::Any, sync::Arc};

/// Shared, so that a reader may keep it while it changes.
#[derive(Clone)]
pub struct Held(Arc<dyn Any + Send + Sync>);

impl Held {
    pub fn new<T: Send + Sync + 'static>(value: T) -> Held {
        Held(Arc::new(value))
    }

    pub fn get<T: 'static>(&self) -> &T {
        typed(self.value())
    }

    pub fn value(&self) -> &dyn Any {
        &*self.0
    }
}

/// The value, as what its handle says it is. Not inlined: a type's name takes 16 bytes, and a
/// program has many more places that ask than types.
#[inline(never)]
pub fn typed<T: 'static>(value: &dyn Any) -> &T {
    value.downcast_ref().expect("a handle knows its type")
}

/// The same, to be changed.
#[inline(never)]
pub fn typed_mut<T: 'static>(value: &mut dyn Any) -> &mut T {
    value.downcast_mut().expect("a handle knows its type")
}
