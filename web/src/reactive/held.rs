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

/// The value, as what its handle says it is. Developers' builds, and all tests, check it.
///
/// # Safety
/// It is a `T`.
#[inline]
pub unsafe fn typed<'a, T: 'static>(slot: &'a (dyn Slot + 'static)) -> &'a T {
    #[cfg(debug_assertions)]
    assert_eq!(slot.kind(), std::any::TypeId::of::<T>());
    // SAFETY: the caller's.
    unsafe { &*std::ptr::from_ref(slot).cast::<T>() }
}

/// The same, to be changed.
///
/// # Safety
/// As of [`typed`].
#[inline]
pub unsafe fn typed_mut<'a, T: 'static>(slot: &'a mut (dyn Slot + 'static)) -> &'a mut T {
    // SAFETY: the caller's.
    unsafe {
        #[cfg(debug_assertions)]
        typed::<T>(slot);
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

    /// # Safety
    /// It is a `T`.
    pub unsafe fn get<T: 'static>(&self) -> &T {
        // SAFETY: the caller's.
        unsafe { typed(self.slot()) }
    }

    pub fn slot(&self) -> &dyn Slot {
        &*self.0
    }
}
