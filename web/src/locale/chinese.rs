//! The Chinese texts. Only who reads Chinese loads them: in the compiled program they stand in
//! a section of their own, which the bundler takes out of it and makes a file of.

use std::{cell::Cell, sync::OnceLock};

use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::Response;

use crate::{api::Failure, browser};

/// The Chinese of one module, a text a line. Made by [`chinese!`](crate::chinese).
pub struct Texts {
    /// Its path.
    pub module: &'static str,
    /// The texts where there is no file of them, which is in tests.
    pub here: &'static str,
    /// What was asked for before.
    pub lines: OnceLock<Vec<&'static str>>,
}

/// Declares the module's [`Texts`], for a static. In the section they follow a separator and
/// the module's path.
#[macro_export]
macro_rules! chinese {
    ($($text:literal),* $(,)?) => {{
        #[cfg(target_family = "wasm")]
        const _: () = {
            const PART: &[u8] = concat!("\u{1e}", module_path!(), "\n", $($text, "\n"),*).as_bytes();
            #[allow(unsafe_code, dead_code, reason = "it is text, which the program itself never sees")]
            #[unsafe(link_section = "chinese")]
            static SECTION: [u8; PART.len()] = *PART.first_chunk().unwrap();
        };
        $crate::locale::chinese::Texts {
            module: module_path!(),
            here: if cfg!(target_family = "wasm") { "" } else { concat!($($text, "\n"),*) },
            lines: ::std::sync::OnceLock::new(),
        }
    }};
}

impl Texts {
    /// In the order in which they are declared. Nobody may ask before they are loaded.
    pub fn lines(&self) -> &[&'static str] {
        let lines = || self.part().unwrap_or(self.here).lines().collect();
        self.lines.get_or_init(lines)
    }

    /// What follows the module's path in the file.
    fn part(&self) -> Option<&'static str> {
        let parts = LOADED.get()?.split('\u{1e}');
        let mut parts = parts.filter_map(|part| part.split_once('\n'));
        parts.find_map(|(module, lines)| (module == self.module).then_some(lines))
    }
}

thread_local! {
    /// The file, once it is there.
    static LOADED: Cell<Option<&'static str>> = const { Cell::new(None) };
}

/// Loads them, if they are not there yet. `boot.js` has asked for the file by then if the
/// console starts in Chinese.
///
/// # Errors
/// They cannot be had.
pub async fn load() -> Result<(), Failure> {
    if LOADED.get().is_some() {
        return Ok(());
    }
    let file = browser::told_by_page("chinese").unwrap_or_default();
    let response = JsFuture::from(browser::window().fetch_with_str(&file)).await?;
    let response: Response = response.unchecked_into();
    let texts = JsFuture::from(response.text()?).await?.as_string();
    match texts.filter(|_| response.ok()) {
        Some(texts) => LOADED.set(Some(texts.leak())),
        // Each version has a file of its own.
        None => {
            return Err(Failure::Unreachable(
                "it has another version by now: load the page again".to_owned(),
            ));
        }
    }
    Ok(())
}
