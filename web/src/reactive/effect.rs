//! What is done when something changes.

use leptos::prelude as graph;

/// Done soon after it is made, and again whenever a value that it read has changed, for as
/// long as what made it lives. It is given what it returned the last time.
pub struct Effect;

impl Effect {
    pub fn new<T: 'static>(mut act: impl FnMut(Option<T>) -> T + 'static) -> Effect {
        let mut before = None;
        follow(Box::new(move || before = Some(act(before.take()))));
        Effect
    }
}

// It stands in the program once.
#[inline(never)]
fn follow(mut act: Box<dyn FnMut()>) {
    graph::Effect::new(move |_: Option<()>| act());
}
