//! The few things that only a browser has.

use wasm_bindgen::JsCast;
use web_sys::{Document, FocusOptions, HtmlElement, Storage, Window};

pub fn window() -> Window {
    web_sys::window().expect("the console runs in a window")
}

pub fn document() -> Document {
    window().document().expect("a window has a document")
}

/// What was kept under a name in this browser. None if it keeps nothing (private mode).
pub fn recall(name: &str) -> Option<String> {
    storage()?.get_item(&format!("gnomon.{name}")).ok()?
}

/// Keeps a value in this browser, if it keeps any.
pub fn remember(name: &str, value: &str) {
    if let Some(storage) = storage() {
        let _ = storage.set_item(&format!("gnomon.{name}"), value);
    }
}

fn storage() -> Option<Storage> {
    window().local_storage().ok()?
}

/// What the page itself says under a name.
pub fn told_by_page(name: &str) -> Option<String> {
    let told = document().query_selector(&format!("meta[name={name}]")).ok()??;
    told.get_attribute("content")
}

/// Moves the keyboard's focus to the first element that matches.
pub fn focus(selector: &str) {
    let found = document().query_selector(selector).ok().flatten();
    if let Some(element) = found.and_then(|e| e.dyn_into::<HtmlElement>().ok()) {
        let _ = element.focus();
    }
}

/// The same if what had the focus is gone. Nothing is scrolled.
pub fn focus_if_lost(selector: &str) {
    let document = document();
    let is_lost = document.active_element().is_none_or(|e| e.tag_name() == "BODY");
    let found = document.query_selector(selector).ok().flatten();
    if is_lost && let Some(element) = found.and_then(|e| e.dyn_into::<HtmlElement>().ok()) {
        let options = FocusOptions::new();
        options.set_prevent_scroll(true);
        let _ = element.focus_with_options(&options);
    }
}

/// Whether a dialog is open: keys are then its own.
pub fn shows_dialog() -> bool {
    matches!(document().query_selector("dialog[open]"), Ok(Some(_)))
}

/// Whether the window is at least so wide.
pub fn is_wider_than(pixels: u32) -> bool {
    let query = format!("(min-width: {pixels}px)");
    matches!(window().match_media(&query), Ok(Some(list)) if list.matches())
}

/// The name of the viewer's time zone, as the browser tells it.
pub fn time_zone() -> Option<String> {
    let format = js_sys::Intl::DateTimeFormat::new(&js_sys::Array::new(), &js_sys::Object::new());
    js_sys::Reflect::get(&format.resolved_options(), &"timeZone".into())
        .ok()?
        .as_string()
}

/// Puts a text on the clipboard. Browsers allow it on loopback and over TLS only.
pub fn copy(text: &str) {
    let _ = window().navigator().clipboard().write_text(text);
}

/// The text in small letters, by the browser's own knowledge of them: Rust's would be twelve
/// kilobytes of the console.
pub fn lowered(text: &str) -> String {
    #[cfg(target_arch = "wasm32")]
    return js_sys::JsString::from(text).to_lower_case().into();
    #[cfg(not(target_arch = "wasm32"))]
    text.to_lowercase()
}
