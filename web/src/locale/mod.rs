//! The viewer's language and time zone, and how numbers and times look in them.

pub mod chinese;
mod format;
pub mod sentences;

use std::cell::{Cell, OnceCell};

use shared::schedule::Zone;

pub use format::{
    ago, brief, clock_time, count, date_and_time, date_time, day, duration, exact, fixed, in_a_row, millis,
    minute, percent, short_time, size, zone_name,
};

use crate::{api::Failure, browser, prelude::*};

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

    /// What `boot.js` found to be the viewer's.
    fn of_page() -> Language {
        let root = browser::document().document_element();
        let tag = root.and_then(|root| root.get_attribute("lang"));
        let has = |language: &Language| tag.as_deref() == Some(language.tag());
        Language::ALL.into_iter().find(has).unwrap_or_default()
    }

    /// Loads what it takes to speak it.
    async fn learned(self) -> Result<Language, Failure> {
        if self == Language::Zh {
            chinese::load().await?;
        }
        Ok(self)
    }
}

thread_local! {
    static LANGUAGE: Cell<Language> = const { Cell::new(Language::En) };
    /// Counts the choices.
    static TURN: Cell<u32> = const { Cell::new(0) };
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

/// What must have happened before there is a view: the language is the viewer's, or English
/// if its texts cannot be had.
pub async fn begin() {
    apply(Language::of_page().learned().await.unwrap_or_default());
}

/// Makes the language a context.
pub fn provide() -> RwSignal<Language> {
    let language = RwSignal::new(language());
    provide_context(language);
    language
}

pub fn languages() -> RwSignal<Language> {
    expect_context()
}

/// Switches to another language, for now and for later visits.
///
/// # Errors
/// Its texts cannot be had; nothing changes then.
pub async fn choose(language: Language, languages: RwSignal<Language>) -> Result<(), Failure> {
    let my_turn = TURN.get() + 1;
    TURN.set(my_turn);
    let language = language.learned().await?;
    // Somebody chose another one meanwhile.
    if TURN.get() != my_turn {
        return Ok(());
    }
    browser::remember("language", language.tag());
    languages.try_set(language);
    Ok(())
}

/// What must have happened before the first view in a language is made.
pub fn apply(language: Language) {
    LANGUAGE.set(language);
    if let Some(root) = browser::document().document_element() {
        let _ = root.set_attribute("lang", language.tag());
    }
}
