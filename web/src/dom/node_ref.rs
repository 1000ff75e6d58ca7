//! An element that a component has to do with itself: to focus it, to measure it.

use std::marker::PhantomData;

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::Element;

use super::value::Value;

/// Nothing until the element that was given it (`node_ref=`) is there. Copies are the same.
pub struct NodeRef<E> {
    element: RwSignal<Option<Element>, LocalStorage>,
    of: PhantomData<fn() -> E>,
}

/// The kinds of elements.
pub mod html {
    pub use web_sys::{
        HtmlButtonElement as Button, HtmlDialogElement as Dialog, HtmlElement as Span, HtmlElement as Div,
        HtmlInputElement as Input, HtmlSelectElement as Select, HtmlTextAreaElement as Textarea,
    };
}

impl<E> Clone for NodeRef<E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for NodeRef<E> {}

impl<E: JsCast> NodeRef<E> {
    pub fn new() -> NodeRef<E> {
        NodeRef {
            element: RwSignal::new_local(None),
            of: PhantomData,
        }
    }

    pub fn get(&self) -> Option<E> {
        self.element.get().map(JsCast::unchecked_into)
    }

    pub fn get_untracked(&self) -> Option<E> {
        self.element.get_untracked().map(JsCast::unchecked_into)
    }

    /// The same; nothing as well when the component is gone.
    pub fn try_get_untracked(&self) -> Option<E> {
        self.element
            .try_get_untracked()
            .flatten()
            .map(JsCast::unchecked_into)
    }

    pub fn track(&self) {
        self.element.track();
    }
}

impl<E: JsCast> Default for NodeRef<E> {
    fn default() -> Self {
        NodeRef::new()
    }
}

impl<E> From<NodeRef<E>> for Value {
    fn from(reference: NodeRef<E>) -> Value {
        let element = reference.element;
        Value::Reference(Box::new(move |found| {
            element.try_set(Some(found.clone()));
        }))
    }
}
