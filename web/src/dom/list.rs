//! Lists of which each item has a key: it keeps its nodes, and what it made, while others come
//! and go around it.

use std::{
    cell::RefCell,
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    rc::Rc,
};

use leptos::{
    prelude::{component, untrack},
    reactive::{effect::RenderEffect, owner::Owner},
};
use web_sys::Node;

use super::{
    mount::{Before, End, Mounted, mount},
    view::{IntoView, Kind, View},
};
use crate::reactive::{RwSignal, Signal};

/// The items as they are, told apart by their keys.
pub trait List {
    /// The key of each item there is now.
    fn read(&mut self) -> Vec<Key>;

    /// The view of one that is new.
    fn make(&mut self, item: usize, index: Signal<usize>) -> View;
}

/// A hash of what tells an item from the others, so that all lists are compared by one code.
/// In a list of ten thousand two are alike once in a trillion lists.
type Key = u64;

struct Keyed<E, T, KF, VF> {
    each: E,
    key: KF,
    view: VF,
    items: Vec<Option<T>>,
}

impl<E, I, T, K, KF, VF, V> List for Keyed<E, T, KF, VF>
where
    E: Fn() -> I,
    I: IntoIterator<Item = T>,
    K: Hash,
    KF: Fn(&T) -> K,
    VF: Fn(Signal<usize>, T) -> V,
    V: IntoView,
{
    fn read(&mut self) -> Vec<Key> {
        let mut keys = Vec::new();
        self.items.clear();
        for item in (self.each)() {
            let mut hasher = DefaultHasher::new();
            (self.key)(&item).hash(&mut hasher);
            keys.push(hasher.finish());
            self.items.push(Some(item));
        }
        keys
    }

    fn make(&mut self, item: usize, index: Signal<usize>) -> View {
        let item = self.items.get_mut(item).and_then(Option::take);
        item.map(|item| (self.view)(index, item).into_view())
            .unwrap_or_default()
    }
}

/// An item for each of `each`; its view is made once, by its key.
#[component]
pub fn For<E, I, T, K, KF, VF, V>(each: E, key: KF, children: VF) -> View
where
    E: Fn() -> I + 'static,
    I: IntoIterator<Item = T> + 'static,
    T: 'static,
    K: Hash + 'static,
    KF: Fn(&T) -> K + 'static,
    VF: Fn(T) -> V + 'static,
    V: IntoView + 'static,
{
    let view = move |_, item| children(item);
    let items = Vec::new();
    list(Keyed {
        each,
        key,
        view,
        items,
    })
}

/// The same for views that show which item they are: the first is 0.
#[component]
pub fn ForEnumerate<E, I, T, K, KF, VF, V>(each: E, key: KF, children: VF) -> View
where
    E: Fn() -> I + 'static,
    I: IntoIterator<Item = T> + 'static,
    T: 'static,
    K: Hash + 'static,
    KF: Fn(&T) -> K + 'static,
    VF: Fn(Signal<usize>, T) -> V + 'static,
    V: IntoView + 'static,
{
    let (view, items) = (children, Vec::new());
    list(Keyed {
        each,
        key,
        view,
        items,
    })
}

fn list(items: impl List + 'static) -> View {
    View::of(Kind::List(Box::new(items)))
}

/// A list on the page.
pub struct Rows {
    shown: Rc<RefCell<Shown>>,
    #[expect(dead_code, reason = "it ends with this")]
    effect: RenderEffect<()>,
}

struct Shown {
    rows: Vec<Row>,
    end: End,
}

struct Row {
    key: Key,
    mounted: Mounted,
    index: RwSignal<usize>,
    /// What the row's view made.
    owner: Owner,
}

impl Drop for Rows {
    fn drop(&mut self) {
        if let Ok(mut shown) = self.shown.try_borrow_mut() {
            shown.rows.clear();
        }
    }
}

impl Rows {
    pub fn follow(mut list: Box<dyn List>, end: End) -> Rows {
        let shown = Rc::new(RefCell::new(Shown {
            rows: Vec::new(),
            end,
        }));
        // Not the effect's, which forgets all that it made each time it runs.
        let owner = Owner::current().unwrap_or_default();
        let changed = shown.clone();
        let effect = RenderEffect::new(move |_| {
            let keys = list.read();
            untrack(|| changed.borrow_mut().change(keys, &mut *list, &owner));
        });
        Rows { shown, effect }
    }

    pub fn with(&self, each: impl FnOnce(Vec<&Mounted>, &End)) {
        let shown = self.shown.borrow();
        each(shown.rows.iter().map(|row| &row.mounted).collect(), &shown.end);
    }
}

impl Shown {
    fn change(&mut self, keys: Vec<Key>, list: &mut dyn List, owner: &Owner) {
        let mut old = HashMap::new();
        for row in self.rows.drain(..) {
            let twin: Option<Row> = old.insert(row.key, row);
            if let Some(twin) = twin {
                twin.mounted.remove();
            }
        }
        let kept: Vec<_> = keys.into_iter().map(|key| (key, old.remove(&key))).collect();
        for Row { mounted, owner, .. } in old.into_values() {
            mounted.remove();
            // What it holds may hold it.
            owner.cleanup();
        }
        // From the last to the first, so that what stands after each is known.
        let mut before = self.end.node.clone();
        for (i, (key, kept)) in kept.into_iter().enumerate().rev() {
            let row = match kept {
                Some(row) => {
                    if row.index.get_untracked() != i {
                        row.index.set(i);
                    }
                    row.mounted.move_before(&before);
                    row
                }
                None => {
                    let owner = owner.child();
                    let (index, mounted) = owner.with(|| {
                        let index = RwSignal::new(i);
                        let view = list.make(i, index.into());
                        (index, mount(view, &Before::for_now(&before)))
                    });
                    Row {
                        key,
                        mounted,
                        index,
                        owner,
                    }
                }
            };
            let mut nodes = Vec::new();
            row.mounted.nodes(&mut nodes);
            if let Some(first) = nodes.into_iter().next() {
                before = first;
            }
            self.rows.push(row);
        }
        self.rows.reverse();
    }
}

impl Mounted {
    /// Moves its nodes before this one, if they are elsewhere.
    fn move_before(&self, before: &Node) {
        let mut nodes = Vec::new();
        self.nodes(&mut nodes);
        let is_there = nodes
            .last()
            .is_none_or(|last| last.next_sibling().as_ref() == Some(before));
        let Some(parent) = before.parent_node().filter(|_| !is_there) else {
            return;
        };
        for node in nodes {
            let _ = parent.insert_before(&node, Some(before));
        }
    }
}
