//! Keys that work on every page.

use leptos::ev::KeyboardEvent;
use wasm_bindgen::JsCast;

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    Palette,
    Search,
    New,
    Help,
    Go(&'static str),
}

/// Where `g` and then a letter lead.
pub const GO: [(char, &str); 8] = [
    ('o', "/"),
    ('j', "/jobs"),
    ('r', "/runs"),
    ('t', "/timeline"),
    ('n', "/nodes"),
    ('g', "/groups"),
    ('c', "/calendars"),
    ('s', "/settings"),
];

/// What is pressed, as far as it matters.
#[derive(Clone, Copy, Debug, Default)]
pub struct Press<'a> {
    pub key: &'a str,
    pub with_control: bool,
    /// The focus is in a field, whose key it is.
    pub is_typing: bool,
    /// `g` was pressed just before.
    pub after_g: bool,
}

pub fn wish(press: Press) -> Option<Wish> {
    let Press {
        key,
        with_control,
        is_typing,
        after_g,
    } = press;
    match key {
        "k" | "K" if with_control => Some(Wish::Palette),
        _ if with_control || is_typing => None,
        _ if after_g => {
            let letter = key.chars().next().filter(|_| key.len() == 1)?;
            GO.into_iter()
                .find(|(c, _)| *c == letter)
                .map(|(_, href)| Wish::Go(href))
        }
        "/" => Some(Wish::Search),
        "?" => Some(Wish::Help),
        "c" => Some(Wish::New),
        _ => None,
    }
}

/// Whether the event's target takes letters itself.
pub fn is_typing(event: &KeyboardEvent) -> bool {
    let element = event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    element.is_some_and(|element| {
        matches!(element.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT")
            || element.has_attribute("contenteditable")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_in_fields_are_the_fields() {
        let press = |key| Press {
            key,
            ..Press::default()
        };
        assert_eq!(wish(press("/")), Some(Wish::Search));
        assert_eq!(
            wish(Press {
                is_typing: true,
                ..press("/")
            }),
            None
        );
        assert_eq!(
            wish(Press {
                is_typing: true,
                with_control: true,
                ..press("k")
            }),
            Some(Wish::Palette)
        );
        assert_eq!(
            wish(Press {
                with_control: true,
                ..press("c")
            }),
            None,
            "copying is not a new job"
        );
        assert_eq!(
            wish(Press {
                after_g: true,
                ..press("j")
            }),
            Some(Wish::Go("/jobs"))
        );
        assert_eq!(
            wish(Press {
                after_g: true,
                ..press("c")
            }),
            Some(Wish::Go("/calendars"))
        );
        assert_eq!(wish(press("j")), None);
    }
}
