//! Who is logged in, and what a browser needs for writes.

use std::cell::{Cell, RefCell};

use shared::api::WhoAmI;

use crate::prelude::*;

/// What is known of the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Session {
    /// The server has not answered yet.
    Unknown,
    /// Nobody is, or the session has ended.
    Nobody,
    User(WhoAmI),
}

thread_local! {
    static SESSION: Cell<Option<RwSignal<Session>>> = const { Cell::new(None) };
    /// Goes with every write: a page of somebody else's cannot know it.
    static CSRF: RefCell<String> = const { RefCell::new(String::new()) };
}

pub fn provide() -> RwSignal<Session> {
    let session = RwSignal::new(Session::Unknown);
    SESSION.set(Some(session));
    session
}

/// There is one, also for what runs outside any view: an answer that comes late.
pub fn session() -> RwSignal<Session> {
    SESSION.get().expect("the app provides it before anything else")
}

/// Takes a login's answer for the session.
pub fn begin(session: RwSignal<Session>, who: WhoAmI) {
    CSRF.replace(who.csrf.clone().unwrap_or_default());
    session.set(Session::User(who));
}

pub fn end(session: RwSignal<Session>) {
    CSRF.take();
    session.set(Session::Nobody);
}

pub fn csrf() -> String {
    CSRF.with_borrow(Clone::clone)
}
