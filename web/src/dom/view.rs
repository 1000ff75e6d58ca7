//! What should stand on the page.

use std::borrow::Cow;

use crate::reactive::{Memo, RwSignal, Signal};

use super::{list::List, template::Template, value::Value};

/// What should stand at one place: nothing, a text, elements, or whatever a closure says at
/// the moment. It is nothing more than a value until it is mounted.
#[derive(Default)]
pub struct View(pub(super) Option<Box<Kind>>);

/// Leptos' name for a view of which the kind no longer matters: here, all are so.
pub type AnyView = View;

pub(super) enum Kind {
    Text(Cow<'static, str>),
    Element {
        template: &'static Template,
        values: Box<[Value]>,
    },
    Many(Vec<View>),
    Dynamic(Box<dyn Show>),
    List(Box<dyn List>),
}

impl View {
    pub fn nothing() -> View {
        View(None)
    }

    pub fn element(template: &'static Template, values: Box<[Value]>) -> View {
        View::of(Kind::Element { template, values })
    }

    pub fn many(views: Vec<View>) -> View {
        View::of(Kind::Many(views))
    }

    fn dynamic(view: Box<dyn Show>) -> View {
        View::of(Kind::Dynamic(view))
    }

    pub fn text(text: Cow<'static, str>) -> View {
        View::of(Kind::Text(text))
    }

    pub(super) fn of(kind: Kind) -> View {
        View(Some(Box::new(kind)))
    }
}

/// What says a view, anew whenever a signal that it reads changes. Not `dyn FnMut`: that
/// brings a function that calls it once along for each closure, which nobody calls.
pub(super) trait Show {
    fn show(&mut self) -> View;
}

impl<F: FnMut() -> V, V: IntoView> Show for F {
    fn show(&mut self) -> View {
        self().into_view()
    }
}

/// What can stand between an element's tags.
pub trait IntoView: Sized {
    fn into_view(self) -> View;

    fn into_any(self) -> View {
        self.into_view()
    }
}

impl IntoView for View {
    fn into_view(self) -> View {
        self
    }
}

impl IntoView for () {
    fn into_view(self) -> View {
        View::nothing()
    }
}

impl IntoView for &'static str {
    fn into_view(self) -> View {
        View::text(self.into())
    }
}

impl IntoView for String {
    fn into_view(self) -> View {
        View::text(self.into())
    }
}

impl IntoView for Cow<'static, str> {
    fn into_view(self) -> View {
        View::text(self)
    }
}

macro_rules! numbers {
    ($($type:ty),*) => {$(
        impl IntoView for $type {
            fn into_view(self) -> View {
                self.to_string().into_view()
            }
        }
    )*};
}

numbers!(i8, u8, u16, u32, u64, usize, i32, i64);

impl<V: IntoView> IntoView for Option<V> {
    fn into_view(self) -> View {
        self.map(V::into_view).unwrap_or_default()
    }
}

impl<V: IntoView> IntoView for Vec<V> {
    fn into_view(self) -> View {
        View::many(self.into_iter().map(V::into_view).collect())
    }
}

impl<V: IntoView, const N: usize> IntoView for [V; N] {
    fn into_view(self) -> View {
        View::many(self.into_iter().map(V::into_view).collect())
    }
}

impl<A: IntoView, B: IntoView> IntoView for (A, B) {
    fn into_view(self) -> View {
        View::many(vec![self.0.into_view(), self.1.into_view()])
    }
}

impl<F, V> IntoView for F
where
    F: FnMut() -> V + 'static,
    V: IntoView,
{
    fn into_view(self) -> View {
        View::dynamic(Box::new(self))
    }
}

macro_rules! signals {
    ($($signal:ident),*) => {$(
        impl<T: IntoView + Clone + Send + Sync + 'static> IntoView for $signal<T> {
            fn into_view(self) -> View {
                View::dynamic(Box::new(self))
            }
        }

        impl<T: IntoView + Clone + Send + Sync + 'static> Show for $signal<T> {
            fn show(&mut self) -> View {
                self.get().into_view()
            }
        }
    )*};
}

signals!(Memo, RwSignal, Signal);

/// An iterator's views, side by side.
pub trait CollectView {
    fn collect_view(self) -> View;
}

impl<I, V> CollectView for I
where
    I: IntoIterator<Item = V>,
    V: IntoView,
{
    fn collect_view(self) -> View {
        View::many(self.into_iter().map(V::into_view).collect())
    }
}
