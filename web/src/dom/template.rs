//! What never changes of a view, and where in it the places are for what does.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlTemplateElement, Node};

use crate::browser::document;

/// An element as `view!` writes it.
pub struct Template {
    pub html: &'static str,
    /// The walk to the places, as `web/view/src/plan.rs` writes it.
    pub plan: &'static str,
}

/// One step of the walk.
pub enum Step {
    Down,
    Next,
    Up,
    Place(Place, &'static str),
}

/// What kind of thing a place holds; the name says which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Attribute,
    Property,
    Class,
    Style,
    Handler,
    Reference,
    /// A comment, before which a view stands.
    View,
}

/// A template that was used before.
struct Ready {
    root: Node,
    steps: Rc<[Step]>,
}

thread_local! {
    static READY: RefCell<HashMap<*const Template, Ready>> = RefCell::default();
}

impl Template {
    /// A new copy of it, and the nodes at which its places are, in their order.
    pub fn copied(&'static self) -> (Element, Vec<(Place, &'static str, Node)>) {
        let (root, steps) = READY.with_borrow_mut(|ready| {
            let ready = ready.entry(self).or_insert_with(|| self.made_ready());
            (ready.root.clone_node_with_deep(true), ready.steps.clone())
        });
        let root: Element = root.expect("an element can be copied").unchecked_into();
        let mut at: Node = root.clone().unchecked_into();
        let mut places = Vec::new();
        for step in steps.iter() {
            let next = match step {
                Step::Down => at.first_child(),
                Step::Next => at.next_sibling(),
                Step::Up => at.parent_node(),
                Step::Place(place, name) => {
                    places.push((*place, *name, at.clone()));
                    continue;
                }
            };
            at = next.expect("the walk was written from the same markup");
        }
        (root, places)
    }

    fn made_ready(&self) -> Ready {
        let (plan, html) = match self.plan.strip_prefix('$') {
            // Elements of SVG are so only within one.
            Some(plan) => (plan, format!("<svg>{}</svg>", self.html)),
            None => (self.plan, self.html.to_owned()),
        };
        let template = document().create_element("template").expect("a name of HTML");
        template.set_inner_html(&html);
        let mut root = template
            .unchecked_into::<HtmlTemplateElement>()
            .content()
            .first_child();
        if plan.len() < self.plan.len() {
            root = root.and_then(|svg| svg.first_child());
        }
        Ready {
            root: root.expect("a template has an element"),
            steps: steps(plan).into(),
        }
    }
}

fn steps(mut plan: &'static str) -> Vec<Step> {
    let mut steps = Vec::new();
    while let Some(first) = plan.chars().next() {
        plan = &plan[1..];
        let place = match first {
            '>' => {
                steps.push(Step::Down);
                continue;
            }
            '+' => {
                steps.push(Step::Next);
                continue;
            }
            '<' => {
                steps.push(Step::Up);
                continue;
            }
            'a' => Place::Attribute,
            'p' => Place::Property,
            'c' => Place::Class,
            's' => Place::Style,
            'o' => Place::Handler,
            'r' => Place::Reference,
            _ => Place::View,
        };
        let (name, rest) = plan.split_once(';').unwrap_or((plan, ""));
        steps.push(Step::Place(place, name));
        plan = rest;
    }
    steps
}
