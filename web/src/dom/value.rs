//! What stands in the places of a template.

use std::borrow::Cow;

use crate::reactive::{Memo, RwSignal, Signal};
use web_sys::{Element, Event};

use super::view::View;

/// What stands in one place of a template.
pub enum Value {
    Fixed(Said),
    Dynamic(Box<dyn Say>),
    View(View),
    Handler(Box<dyn Handle>),
    Reference(Box<dyn Fn(&Element)>),
}

/// What an attribute, a property, a class or a style says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Said {
    /// It is not there.
    #[default]
    Nothing,
    /// It is there, or not.
    Is(bool),
    Text(Cow<'static, str>),
}

/// What says it, anew whenever a signal that it reads changes.
pub trait Say {
    fn say(&mut self) -> Said;
}

impl<F: FnMut() -> S, S: IntoSaid> Say for F {
    fn say(&mut self) -> Said {
        self().into_said()
    }
}

/// What is done at an event.
pub trait Handle {
    fn handle(&mut self, event: Event);
}

impl From<View> for Value {
    fn from(view: View) -> Value {
        Value::View(view)
    }
}

/// What can stand after an attribute's `=`: something, or a closure or signal of it.
pub trait IntoValue {
    fn into_value(self) -> Value;
}

/// What can stand there and does not change.
pub trait IntoSaid {
    fn into_said(self) -> Said;
}

impl IntoSaid for &'static str {
    fn into_said(self) -> Said {
        Said::Text(self.into())
    }
}

impl IntoSaid for String {
    fn into_said(self) -> Said {
        Said::Text(self.into())
    }
}

impl IntoSaid for Cow<'static, str> {
    fn into_said(self) -> Said {
        Said::Text(self)
    }
}

impl IntoSaid for bool {
    fn into_said(self) -> Said {
        Said::Is(self)
    }
}

macro_rules! numbers {
    ($($type:ty),*) => {$(
        impl IntoSaid for $type {
            fn into_said(self) -> Said {
                self.to_string().into_said()
            }
        }

        impl IntoValue for $type {
            fn into_value(self) -> Value {
                Value::Fixed(self.into_said())
            }
        }
    )*};
}

numbers!(u32, u64, usize, i32, i64);

impl<S: IntoSaid> IntoSaid for Option<S> {
    fn into_said(self) -> Said {
        self.map(S::into_said).unwrap_or_default()
    }
}

macro_rules! fixed {
    ($($type:ty),*) => {$(
        impl IntoValue for $type {
            fn into_value(self) -> Value {
                Value::Fixed(self.into_said())
            }
        }
    )*};
}

fixed!(&'static str, String, Cow<'static, str>, bool);

impl<S: IntoSaid> IntoValue for Option<S> {
    fn into_value(self) -> Value {
        Value::Fixed(self.into_said())
    }
}

impl<F, S> IntoValue for F
where
    F: FnMut() -> S + 'static,
    S: IntoSaid,
{
    fn into_value(self) -> Value {
        Value::Dynamic(Box::new(self))
    }
}

macro_rules! signals {
    ($($signal:ident),*) => {$(
        impl<T: IntoSaid + Clone + Send + Sync + 'static> IntoValue for $signal<T> {
            fn into_value(self) -> Value {
                Value::Dynamic(Box::new(self))
            }
        }

        impl<T: IntoSaid + Clone + Send + Sync + 'static> Say for $signal<T> {
            fn say(&mut self) -> Said {
                self.get().into_said()
            }
        }
    )*};
}

signals!(Memo, RwSignal, Signal);
