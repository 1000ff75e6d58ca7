//! What stands between a component's tags, and views that are given to it as properties.

use std::sync::Arc;

use super::view::{IntoView, View};

/// Made once.
pub type Children = Box<dyn FnOnce() -> View>;

/// Made as often as the component likes.
pub type ChildrenFn = Arc<dyn Fn() -> View + Send + Sync>;

/// What a component asks for, of what `view!` has.
pub trait ToChildren<F> {
    fn to_children(children: F) -> Self;
}

impl<F: FnOnce() -> View + 'static> ToChildren<F> for Children {
    fn to_children(children: F) -> Self {
        Box::new(children)
    }
}

impl<F: Fn() -> View + Send + Sync + 'static> ToChildren<F> for ChildrenFn {
    fn to_children(children: F) -> Self {
        Arc::new(children)
    }
}

/// A view that a component makes when it needs it.
#[derive(Clone)]
pub struct ViewFn(ChildrenFn);

impl ViewFn {
    pub fn run(&self) -> View {
        (self.0)()
    }
}

impl<F, V> From<F> for ViewFn
where
    F: Fn() -> V + Send + Sync + 'static,
    V: IntoView,
{
    fn from(view: F) -> ViewFn {
        ViewFn(Arc::new(move || view().into_view()))
    }
}
