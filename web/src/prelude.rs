//! What nearly every view needs.

pub use leptos::{
    callback::*,
    component, ev,
    leptos_dom::helpers::*,
    reactive::{
        graph::untrack,
        owner::{expect_context, on_cleanup, provide_context, use_context},
    },
    task::spawn_local,
};
pub use view::view;

pub use crate::dom::{
    AnyView, Children, ChildrenFn, CollectView, For, ForEnumerate, IntoView, NodeRef, Show, View, ViewFn,
    html, on_window,
};
pub use crate::reactive::{Effect, Memo, RwSignal, Signal, StoredValue};
