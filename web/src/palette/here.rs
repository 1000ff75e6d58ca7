//! What the page that is open can do: its buttons, by their names.

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use crate::browser::document;

/// Buttons, and links that look like some.
const BUTTONS: &str = "#page button:not([disabled]), #page a.button";
/// Those of rows are many, and the palette has what stands there itself.
const IN_A_ROW: &str = "li, tr, [role=row], [role=tablist]";

/// Those that can be seen, each with its name. Of several with the same name nobody could
/// tell which is meant.
pub fn buttons() -> Vec<(String, HtmlElement)> {
    let mut found: Vec<(String, HtmlElement)> = Vec::new();
    let Ok(all) = document().query_selector_all(BUTTONS) else {
        return found;
    };
    for i in 0..all.length() {
        let button = all.get(i).and_then(|node| node.dyn_into::<HtmlElement>().ok());
        if let Some(button) = button.filter(is_alone)
            && let Some(name) = name(&button)
        {
            found.push((name, button));
        }
    }
    let names: Vec<String> = found.iter().map(|(name, _)| name.clone()).collect();
    found.retain(|(name, _)| names.iter().filter(|other| *other == name).count() == 1);
    found
}

fn is_alone(button: &HtmlElement) -> bool {
    button.offset_parent().is_some() && matches!(button.closest(IN_A_ROW), Ok(None))
}

/// Presses the button of a name, if there is one: it may be another one by now, as a page
/// makes some anew at news.
pub fn press(name: &str) {
    let found = buttons().into_iter().find(|(known, _)| known == name);
    if let Some((_, button)) = found {
        button.click();
    }
}

/// As a screen reader says it.
fn name(button: &Element) -> Option<String> {
    let name = button
        .get_attribute("aria-label")
        .or_else(|| button.text_content())?;
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    (!name.is_empty()).then_some(name)
}
