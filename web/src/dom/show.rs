//! What is there while something holds.

use leptos::prelude::component;

use super::{
    children::ChildrenFn,
    view::{IntoView, View},
};
use crate::reactive::Memo;

/// Its children are made when `when` becomes true.
#[component]
pub fn Show(when: impl Fn() -> bool + Send + Sync + 'static, children: ChildrenFn) -> View {
    let when = Memo::new(move |_| when());
    (move || when.get().then(|| children())).into_view()
}
