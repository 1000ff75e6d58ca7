//! The viewer's language and time zone, and how numbers and times look in them.

mod format;
pub mod sentences;

use std::cell::{Cell, OnceCell};

use shared::schedule::Zone;

pub use format::{
    ago, brief, clock_time, count, date_and_time, date_time, day, duration, exact, fixed, in_a_row, millis,
    minute, percent, short_time, size, zone_name,
};

use crate::{browser, prelude::*};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Language {
    #[default]
    En,
    Zh,
}

impl Language {
    pub const ALL: [Language; 2] = [Language::En, Language::Zh];

    /// As in `<html lang>`.
    pub fn tag(self) -> &'static str {
        match self {
            Language::En => "en",
            Language::Zh => "zh-CN",
        }
    }

    /// Its name in itself.
    pub fn name(self) -> &'static str {
        match self {
            Language::En => "English",
            Language::Zh => "简体中文",
        }
    }

    fn recalled() -> Language {
        let wished = browser::recall("language").or_else(|| browser::window().navigator().language());
        if wished.is_some_and(|tag| tag.starts_with("zh")) {
            Language::Zh
        } else {
            Language::En
        }
    }
}

thread_local! {
    static LANGUAGE: Cell<Language> = const { Cell::new(Language::En) };
    static ZONE: OnceCell<Zone> = const { OnceCell::new() };
}

/// The language of the moment. Not a signal: a change of it makes every view anew.
pub fn language() -> Language {
    LANGUAGE.get()
}

/// For tests of what depends on it.
pub fn speak(language: Language) {
    LANGUAGE.set(language);
}

/// The viewer's own zone; UTC if the browser does not tell.
pub fn zone() -> Zone {
    ZONE.with(|zone| {
        let found = || browser::time_zone()?.parse().ok();
        *zone.get_or_init(|| found().unwrap_or_default())
    })
}

/// Makes the language a context. Setting the signal switches.
pub fn provide() -> RwSignal<Language> {
    let language = RwSignal::new(Language::recalled());
    provide_context(language);
    apply(language.get_untracked());
    language
}

pub fn languages() -> RwSignal<Language> {
    expect_context()
}

/// What must have happened before the first view in a language is made.
pub fn apply(language: Language) {
    LANGUAGE.set(language);
    browser::remember("language", language.tag());
    if let Some(root) = browser::document().document_element() {
        let _ = root.set_attribute("lang", language.tag());
    }
}
