//! What is done when something changes.

use leptos::prelude as graph;

/// Done soon after it is made, and again whenever a value that it read has changed, for as
/// long as what made it lives. It is given what it returned the last time.
pub struct Effect;

impl Effect {
    pub fn new<T: 'static>(act: impl FnMut(Option<T>) -> T + 'static) -> Effect {
        follow(Box::new(Action { act, before: None }));
        Effect
    }
}

/// What is done. Not `dyn FnMut`, as with memos.
trait Act {
    fn act(&mut self);
}

struct Action<F, T> {
    act: F,
    before: Option<T>,
}

impl<F: FnMut(Option<T>) -> T, T> Act for Action<F, T> {
    fn act(&mut self) {
        let before = self.before.take();
        self.before = Some((self.act)(before));
    }
}

// It stands in the program once.
#[inline(never)]
fn follow(mut act: Box<dyn Act>) {
    graph::Effect::new(move |_: Option<()>| act.act());
}
