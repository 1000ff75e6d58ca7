//! Keeps what is not saved: leaving asks, and what was left is there again.

use std::sync::Arc;

use serde::Serialize;
use shared::{
    api::JobView,
    file::value::{self, Read},
};
use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::{Element, MouseEvent, Storage};

use super::{state::Editing, words::EditorWords};
use crate::{
    browser::window,
    parts::confirm::{self, Question},
    prelude::*,
    router::router,
    words::say,
};

/// What is kept of an editor that was left, in this tab of the browser.
#[derive(Clone, Serialize, Read)]
pub struct Kept {
    /// What it began from: a job that has changed since is still noticed.
    pub base: Option<JobView>,
    pub text: String,
}

fn storage() -> Option<Storage> {
    window().session_storage().ok()?
}

fn name(place: &str) -> String {
    format!("gnomon.edit.{place}")
}

pub fn recall(place: &str) -> Option<Kept> {
    value::of_json(&storage()?.get_item(&name(place)).ok()??).ok()
}

pub fn forget(place: &str) {
    if let Some(storage) = storage() {
        let _ = storage.remove_item(&name(place));
    }
}

fn keep(place: &str, kept: &Kept) {
    if let (Some(storage), Ok(kept)) = (storage(), value::of(kept)) {
        let _ = storage.set_item(&name(place), &kept.to_json());
    }
}

/// Watches over the editor of this place until its page is left.
pub fn watch(editing: Editing, place: String) {
    let w = say::<EditorWords>();
    let is_dirty = move || editing.is_dirty.try_get_untracked().unwrap_or(false);
    // Kept as one types, so that not even a crash of the tab's process loses it.
    Effect::new(move |_| {
        let text = editing.text.get();
        match editing.is_dirty.get() {
            true => {
                let base = editing.base.get().map(|job| (*job).clone());
                keep(&place, &Kept { base, text });
            }
            false => forget(&place),
        }
    });
    on_window(ev::beforeunload, move |event| {
        if is_dirty() {
            event.prevent_default();
        }
    });

    let (asker, navigate) = (confirm::asker(), router());
    let ask = move |event: MouseEvent| {
        let is_plain = event.button() == 0
            && !(event.ctrl_key() || event.meta_key() || event.shift_key() || event.alt_key());
        let target = event
            .target()
            .and_then(|target| target.dyn_into::<Element>().ok());
        let link = target.and_then(|element| element.closest("a[href]").ok().flatten());
        let Some(link) = link.filter(|_| is_plain && is_dirty()) else {
            return;
        };
        let href = link.get_attribute("href").unwrap_or_default();
        if href.starts_with('#') || link.has_attribute("target") || link.has_attribute("download") {
            return;
        }
        event.prevent_default();
        event.stop_propagation();
        let go = move || navigate.go(&href);
        confirm::ask(
            asker,
            Question {
                title: w.leave.into(),
                text: w.leave_text.into(),
                what: Vec::new(),
                verb: w.leave_verb.into(),
                is_dangerous: false,
                act: Arc::new(go),
            },
        );
    };
    // On the way down, before the router sees the click.
    let ask = Closure::<dyn FnMut(MouseEvent)>::new(ask);
    let _ = window().add_event_listener_with_callback_and_bool("click", ask.as_ref().unchecked_ref(), true);
    let ask = StoredValue::new(ask);
    on_cleanup(move || {
        ask.try_with_value(|ask| {
            let _ = window().remove_event_listener_with_callback_and_bool(
                "click",
                ask.as_ref().unchecked_ref(),
                true,
            );
        });
    });
}
