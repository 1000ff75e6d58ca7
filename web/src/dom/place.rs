//! What stands in one place of a template that is on the page.

use std::{cell::RefCell, rc::Rc};

use leptos::reactive::effect::RenderEffect;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, HtmlElement, Node, SvgElement};

use super::{
    listener::Listener,
    mount::{Before, Mounted, mount, update},
    template::Place,
    value::{Said, Say, Value},
};

/// See the module. What it was is kept, to change only what differs.
pub enum Placed {
    Fixed(Said),
    Dynamic {
        last: Rc<RefCell<Said>>,
        #[expect(dead_code, reason = "it ends with this")]
        effect: RenderEffect<()>,
    },
    Handler(Listener),
    Reference,
    View(Mounted),
}

/// A place's own node, and what it holds there.
#[derive(Clone)]
pub struct At {
    pub place: Place,
    pub name: &'static str,
    pub node: Node,
}

impl At {
    pub fn put(&self, value: Value) -> Placed {
        match value {
            Value::Fixed(said) => {
                if said != Said::Nothing {
                    self.say(&said);
                }
                Placed::Fixed(said)
            }
            Value::Dynamic(say) => self.follow(say, Rc::default()),
            Value::View(view) => Placed::View(mount(view, &Before::stays(&self.node))),
            Value::Handler(handler) => Placed::Handler(Listener::new(&self.node, self.name.into(), handler)),
            Value::Reference(refer) => {
                refer(self.node.unchecked_ref());
                Placed::Reference
            }
        }
    }

    /// Puts a newer value there.
    pub fn change(&self, old: Placed, new: Value) -> Placed {
        match (old, new) {
            (Placed::Fixed(old), Value::Fixed(new)) => {
                if old != new {
                    self.say(&new);
                }
                Placed::Fixed(new)
            }
            (Placed::Dynamic { last, .. }, Value::Dynamic(say)) => self.follow(say, last),
            (Placed::View(old), Value::View(new)) => {
                Placed::View(update(old, new, &Before::stays(&self.node)))
            }
            (Placed::Handler(mut listener), Value::Handler(new)) => {
                listener.replace(new);
                Placed::Handler(listener)
            }
            // Only one and the same template is changed, so a place keeps its kind of value
            // but for a value that is fixed now and followed the next time.
            (_, new) => self.put(new),
        }
    }

    /// Says what `say` says, anew whenever a signal that it reads changes.
    fn follow(&self, mut say: Box<dyn Say>, last: Rc<RefCell<Said>>) -> Placed {
        let (at, known) = (self.clone(), last.clone());
        let effect = RenderEffect::new(move |_| {
            let said = say.say();
            if *known.borrow() != said {
                at.say(&said);
                known.replace(said);
            }
        });
        Placed::Dynamic { last, effect }
    }

    fn say(&self, said: &Said) {
        let element: &Element = self.node.unchecked_ref();
        let name = self.name;
        // None of these fails for a name that `view!` was written with.
        match (self.place, said) {
            (Place::Attribute, Said::Nothing | Said::Is(false)) => drop(element.remove_attribute(name)),
            (Place::Attribute, Said::Is(true)) => drop(element.set_attribute(name, "")),
            (Place::Attribute, Said::Text(text)) => drop(element.set_attribute(name, text)),
            (Place::Class, said) => {
                drop(
                    element
                        .class_list()
                        .toggle_with_force(name, *said == Said::Is(true)),
                );
            }
            (Place::Style, said) => {
                let style = match element.dyn_ref::<HtmlElement>() {
                    Some(html) => html.style(),
                    None => element.unchecked_ref::<SvgElement>().style(),
                };
                match said {
                    Said::Text(text) => drop(style.set_property(name, text)),
                    Said::Nothing | Said::Is(_) => drop(style.remove_property(name)),
                }
            }
            (_, said) => {
                let value = match said {
                    Said::Nothing => JsValue::UNDEFINED,
                    Said::Is(is) => JsValue::from_bool(*is),
                    Said::Text(text) => JsValue::from_str(text),
                };
                drop(js_sys::Reflect::set(element, &JsValue::from_str(name), &value));
            }
        }
    }
}
