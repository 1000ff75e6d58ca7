//! What nearly every view needs.

pub use leptos::{
    callback::*,
    component, ev,
    leptos_dom::helpers::*,
    reactive::{
        computed::*, effect::Effect, graph::untrack, owner::*, prelude::*, signal::*, wrappers::read::*,
    },
    task::spawn_local,
};
pub use view::view;

pub use crate::dom::{
    AnyView, Children, ChildrenFn, CollectView, For, ForEnumerate, IntoView, NodeRef, Show, View, ViewFn,
    html,
};
