//! Views on the page: what they became, and how a newer view changes it.

use std::{borrow::Cow, cell::RefCell, mem, rc::Rc};

use any_spawner::Executor;
use leptos::reactive::{effect::RenderEffect, owner::Owner};
use wasm_bindgen::JsCast;
use web_sys::{Element, Node};

use super::{
    list::Rows,
    place::{At, Placed},
    template::Template,
    value::Value,
    view::{IntoView, Kind, Show, View},
};
use crate::browser::document;

/// Shows the console for as long as its page is open.
pub fn mount_to_body<V: IntoView>(app: fn() -> V) {
    // It fails if there is one already, which is as good.
    let _ = Executor::init_wasm_bindgen();
    let body = document().body().expect("the page has a body");
    let end = comment();
    let _ = body.append_child(&end);
    let owner = Owner::new();
    let mounted = owner.with(|| mount(app().into_view(), &Before::stays(&end)));
    mem::forget((owner, mounted));
}

/// A view's nodes, and what keeps them as they should be. When it is dropped, they stay as
/// they are.
#[derive(Default)]
pub enum Mounted {
    #[default]
    Nothing,
    Text {
        node: Node,
        text: Cow<'static, str>,
    },
    Element {
        template: &'static Template,
        root: Element,
        places: Vec<(At, Placed)>,
    },
    Many {
        views: Vec<Mounted>,
        end: End,
    },
    Dynamic(Dynamic),
    List(Rows),
}

/// The node before which something stands.
pub struct Before {
    node: Node,
    /// Whether it stays there for as long as what stands before it.
    stays: bool,
}

impl Before {
    pub fn stays(node: &Node) -> Before {
        Before {
            node: node.clone(),
            stays: true,
        }
    }

    /// It may be replaced.
    pub fn for_now(node: &Node) -> Before {
        Before {
            node: node.clone(),
            stays: false,
        }
    }

    fn insert(&self, node: &Node) {
        if let Some(parent) = self.node.parent_node() {
            let _ = parent.insert_before(node, Some(&self.node));
        }
    }
}

/// The node before which all stands that comes and goes at one place.
pub struct End {
    pub node: Node,
    /// Whether it was made for this.
    is_own: bool,
}

impl End {
    pub fn before(before: &Before) -> End {
        if before.stays {
            return End {
                node: before.node.clone(),
                is_own: false,
            };
        }
        let node = comment();
        before.insert(&node);
        End { node, is_own: true }
    }
}

pub struct Dynamic {
    slot: Rc<RefCell<Slot>>,
    #[expect(dead_code, reason = "it ends with this")]
    effect: RenderEffect<()>,
}

struct Slot {
    mounted: Mounted,
    end: End,
}

impl Drop for Dynamic {
    /// The effect's own end comes later; until then nothing below may run.
    fn drop(&mut self) {
        if let Ok(mut slot) = self.slot.try_borrow_mut() {
            drop(mem::take(&mut slot.mounted));
        }
    }
}

/// Makes the view's nodes.
pub fn mount(view: View, before: &Before) -> Mounted {
    let Some(kind) = view.0 else {
        return Mounted::Nothing;
    };
    match *kind {
        Kind::Text(text) => {
            let node: Node = document().create_text_node(&text).unchecked_into();
            before.insert(&node);
            Mounted::Text { node, text }
        }
        Kind::Element { template, values } => {
            let (root, places) = template.copied();
            let put = |((place, name, node), value): (_, Value)| {
                let at = At { place, name, node };
                let placed = at.put(value);
                (at, placed)
            };
            let places = places.into_iter().zip(values).map(put).collect();
            before.insert(&root);
            Mounted::Element {
                template,
                root,
                places,
            }
        }
        Kind::Many(views) => {
            let end = End::before(before);
            let here = Before::for_now(&end.node);
            let views = views.into_iter().map(|view| mount(view, &here)).collect();
            Mounted::Many { views, end }
        }
        Kind::Dynamic(view) => {
            let slot = Slot {
                mounted: Mounted::Nothing,
                end: End::before(before),
            };
            Mounted::Dynamic(follow(view, Rc::new(RefCell::new(slot))))
        }
        Kind::List(items) => Mounted::List(Rows::follow(items, End::before(before))),
    }
}

/// Shows what `view` says, anew whenever a signal that it reads changes.
fn follow(mut view: Box<dyn Show>, slot: Rc<RefCell<Slot>>) -> Dynamic {
    let shown = slot.clone();
    let effect = RenderEffect::new(move |_| {
        let view = view.show();
        let mut slot = shown.borrow_mut();
        let old = mem::take(&mut slot.mounted);
        slot.mounted = update(old, view, &Before::stays(&slot.end.node));
    });
    Dynamic { slot, effect }
}

/// Makes what is there what the newer view says, and keeps the nodes that can be kept.
pub fn update(old: Mounted, new: View, before: &Before) -> Mounted {
    let Some(kind) = new.0 else {
        old.remove();
        return Mounted::Nothing;
    };
    match (old, *kind) {
        (Mounted::Text { node, text: old }, Kind::Text(text)) => {
            if old != text {
                node.set_node_value(Some(&text));
            }
            Mounted::Text { node, text }
        }
        (
            Mounted::Element {
                template,
                root,
                places,
            },
            Kind::Element {
                template: same,
                values,
            },
        ) if std::ptr::eq(template, same) => {
            let change = |((at, old), new): ((At, Placed), Value)| {
                let placed = at.change(old, new);
                (at, placed)
            };
            let places = places.into_iter().zip(values).map(change).collect();
            Mounted::Element {
                template,
                root,
                places,
            }
        }
        (Mounted::Many { views, end }, Kind::Many(new)) => Mounted::Many {
            views: update_many(views, new, &end.node),
            end,
        },
        (Mounted::Dynamic(old), Kind::Dynamic(view)) => {
            let slot = old.slot.clone();
            let mounted = mem::take(&mut slot.borrow_mut().mounted);
            drop(old);
            slot.borrow_mut().mounted = mounted;
            Mounted::Dynamic(follow(view, slot))
        }
        (old, kind) => {
            let new = mount(View::of(kind), before);
            old.remove();
            new
        }
    }
}

/// From the last to the first, so that what stands after each is known.
fn update_many(mut old: Vec<Mounted>, new: Vec<View>, end: &Node) -> Vec<Mounted> {
    for gone in old.drain(new.len().min(old.len())..) {
        gone.remove();
    }
    old.resize_with(new.len(), Mounted::default);
    let mut before = Before::for_now(end);
    let mut views: Vec<Mounted> = Vec::with_capacity(new.len());
    for (old, new) in old.into_iter().zip(new).rev() {
        let mounted = update(old, new, &before);
        if let Some(first) = mounted.first() {
            before = Before::for_now(&first);
        }
        views.push(mounted);
    }
    views.reverse();
    views
}

impl Mounted {
    /// Its own nodes, in their order.
    pub fn nodes(&self, nodes: &mut Vec<Node>) {
        let end = |end: &End, nodes: &mut Vec<Node>| {
            if end.is_own {
                nodes.push(end.node.clone());
            }
        };
        match self {
            Mounted::Nothing => {}
            Mounted::Text { node, .. } => nodes.push(node.clone()),
            Mounted::Element { root, .. } => nodes.push(root.clone().unchecked_into()),
            Mounted::Many { views, end: own } => {
                for view in views {
                    view.nodes(nodes);
                }
                end(own, nodes);
            }
            Mounted::Dynamic(Dynamic { slot, .. }) => {
                let slot = slot.borrow();
                slot.mounted.nodes(nodes);
                end(&slot.end, nodes);
            }
            Mounted::List(rows) => rows.with(|mounted, own| {
                for row in mounted {
                    row.nodes(nodes);
                }
                end(own, nodes);
            }),
        }
    }

    fn first(&self) -> Option<Node> {
        let mut nodes = Vec::new();
        self.nodes(&mut nodes);
        nodes.into_iter().next()
    }

    /// Takes its nodes away. What a browser tells of it (that a field lost the focus) is no
    /// longer heard: the signals of what listened may be gone.
    pub fn remove(self) {
        let mut nodes = Vec::new();
        self.nodes(&mut nodes);
        drop(self);
        for node in nodes {
            if let Some(parent) = node.parent_node() {
                let _ = parent.remove_child(&node);
            }
        }
    }
}

fn comment() -> Node {
    document().create_comment("").unchecked_into()
}
