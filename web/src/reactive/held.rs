//! A value of which the type is known to its handle alone.

use std::sync::Arc;

/// Whatever a handle stands for. It is `std::any::Any`, without what that brings along: the
/// name of each type is 16 bytes that do not compress, in three places.
pub trait Slot: 'static {
    #[cfg(debug_assertions)]
    fn kind(&self) -> std::any::TypeId {
        std::any::TypeId::of::<Self>()
    }
}

impl<T: 'static> Slot for T {}

/// The value, as what its handle says it is.
#[inline]
pub fn typed<'a, T: 'static>(slot: &'a (dyn Slot + 'static)) -> &'a T {
    #[cfg(debug_assertions)]
    assert_eq!(slot.kind(), std::any::TypeId::of::<T>());
    // SAFETY: handles are made here alone, each with its value and of its type, and neither is
    // ever exchanged. Where it is checked (all tests, and the console of developers), the
    // assertion above says so.
    #[expect(unsafe_code, reason = "see above")]
    unsafe {
        &*std::ptr::from_ref(slot).cast::<T>()
    }
}

/// The same, to be changed.
#[inline]
pub fn typed_mut<'a, T: 'static>(slot: &'a mut (dyn Slot + 'static)) -> &'a mut T {
    #[cfg(debug_assertions)]
    typed::<T>(slot);
    // SAFETY: as in `typed`.
    #[expect(unsafe_code, reason = "see above")]
    unsafe {
        &mut *std::ptr::from_mut(slot).cast::<T>()
    }
}

/// A value that is shared, so that a reader may keep it while another takes its place.
#[derive(Clone)]
pub struct Held(Arc<dyn Slot + Send + Sync>);

impl Held {
    pub fn new<T: Send + Sync + 'static>(value: T) -> Held {
        Held(Arc::new(value))
    }

    pub fn get<T: 'static>(&self) -> &T {
        typed(self.slot())
    }

    pub fn slot(&self) -> &dyn Slot {
        &*self.0
    }
}
