//! Addresses: which page stands at which, and how one goes from one to another without the
//! console being loaded again.

use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, MouseEvent, ScrollToOptions, Url, UrlSearchParams};

use crate::{browser::window, dom::View};

use crate::prelude::*;

/// Where one is, and the way elsewhere. Copies are the same.
#[derive(Clone, Copy)]
pub struct Router {
    /// As the browser has it: `/jobs/default/a`.
    pub path: Memo<String>,
    pub query: Memo<Query>,
    /// With its `#`; empty if there is none.
    pub hash: Memo<String>,
    at: RwSignal<At>,
}

#[derive(Clone, Default, PartialEq)]
struct At {
    path: String,
    query: Query,
    hash: String,
}

/// What stands after an address's `?`.
#[derive(Clone, Default, PartialEq)]
pub struct Query(String);

impl Query {
    pub fn get(&self, name: &str) -> Option<String> {
        UrlSearchParams::new_with_str(&self.0).ok()?.get(name)
    }
}

/// Follows the browser's address for as long as the console is open.
pub fn provide() {
    let at = RwSignal::new(here());
    let router = Router {
        path: Memo::new(move |_| at.with(|at| at.path.clone())),
        query: Memo::new(move |_| at.with(|at| at.query.clone())),
        hash: Memo::new(move |_| at.with(|at| at.hash.clone())),
        at,
    };
    provide_context(router);
    on_window(ev::popstate, move |_| at.set(here()));
    on_window(ev::click, move |event| {
        if let Some(href) = followed(&event) {
            event.prevent_default();
            router.go(&href);
        }
    });
}

pub fn router() -> Router {
    expect_context()
}

impl Router {
    /// Goes there, and to the top of the page.
    pub fn go(self, href: &str) {
        let history = window().history();
        let pushed = history.map(|h| h.push_state_with_url(&JsValue::NULL, "", Some(href)));
        if matches!(pushed, Ok(Ok(()))) {
            self.at.set(here());
            let top = ScrollToOptions::new();
            top.set_top(0.0);
            window().scroll_to_with_scroll_to_options(&top);
        }
    }

    /// Puts another address in the place of the present one, and stays where one is.
    pub fn replace(self, href: &str) {
        let history = window().history();
        let replaced = history.map(|h| h.replace_state_with_url(&JsValue::NULL, "", Some(href)));
        if matches!(replaced, Ok(Ok(()))) {
            self.at.set(here());
        }
    }
}

fn here() -> At {
    let location = window().location();
    At {
        path: location.pathname().unwrap_or_default(),
        query: Query(location.search().unwrap_or_default()),
        hash: location.hash().unwrap_or_default(),
    }
}

/// The address to which a click on a link of the console leads: nothing for one that is the
/// browser's to follow.
fn followed(event: &MouseEvent) -> Option<String> {
    let is_plain = event.button() == 0
        && !(event.ctrl_key() || event.meta_key() || event.shift_key() || event.alt_key());
    if !is_plain || event.default_prevented() {
        return None;
    }
    let target = event.target()?.dyn_into::<Element>().ok()?;
    let link = target.closest("a[href]").ok().flatten()?;
    if link.has_attribute("target") || link.has_attribute("download") {
        return None;
    }
    let location = window().location();
    let href = link.get_attribute("href")?;
    let url = Url::new_with_base(&href, &location.href().ok()?).ok()?;
    let is_ours = location.origin().is_ok_and(|origin| origin == url.origin());
    (is_ours && !href.starts_with('#')).then(|| url.href())
}

/// A page, and the addresses at which it stands: `/runs/:id`.
pub type Route = (&'static str, fn() -> View);

/// The page of the present address: the same one while only the values of its address
/// change.
pub fn pages(routes: &'static [Route], not_found: fn() -> View) -> impl Fn() -> View {
    let path = router().path;
    let found = Memo::new(move |_| {
        path.with(|path| {
            let mut all = routes.iter().enumerate();
            all.find_map(|(i, (pattern, _))| Some((i, values(pattern, path)?)))
        })
    });
    let page = Memo::new(move |_| found.with(|found| found.as_ref().map(|(i, _)| *i)));
    move || {
        let page = page.get();
        // A page that is about to go keeps the values that it came with.
        provide_context(Values(Memo::new(move |before: Option<&Vec<_>>| {
            let found = found.get();
            let mine = found.filter(|(i, _)| Some(*i) == page).map(|(_, values)| values);
            mine.or_else(|| before.cloned()).unwrap_or_default()
        })));
        match page.and_then(|page| routes.get(page)) {
            Some((_, page)) => page(),
            None => not_found(),
        }
    }
}

/// The values in the present page's address, by their names in its pattern.
#[derive(Clone, Copy)]
pub struct Values(Memo<Vec<(&'static str, String)>>);

impl Values {
    pub fn get(self, name: &str) -> Option<String> {
        self.0.with(|values| {
            let value = values.iter().find(|(each, _)| *each == name);
            value.map(|(_, value)| value.clone())
        })
    }
}

/// Those of the page that asks.
pub fn page_values() -> Values {
    expect_context()
}

/// What the path has where the pattern has names, if it fits.
fn values(pattern: &'static str, path: &str) -> Option<Vec<(&'static str, String)>> {
    let wanted: Vec<&'static str> = pattern.split('/').filter(|part| !part.is_empty()).collect();
    let said: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    if wanted.len() != said.len() {
        return None;
    }
    let mut values = Vec::new();
    for (wanted, said) in wanted.into_iter().zip(said) {
        match wanted.strip_prefix(':') {
            Some(name) => values.push((name, unescaped(said))),
            None if wanted == said => {}
            None => return None,
        }
    }
    Some(values)
}

fn unescaped(text: &str) -> String {
    let plain = js_sys::decode_uri_component(text).map(String::from);
    plain.unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::values;

    #[test]
    fn a_pattern_fits_its_paths_alone() {
        assert_eq!(values("/", "/"), Some(Vec::new()));
        assert_eq!(values("/jobs", "/jobs/"), Some(Vec::new()));
        for (pattern, path) in [
            ("/", "/jobs"),
            ("/jobs", "/"),
            ("/jobs", "/runs"),
            ("/runs/:id", "/runs"),
            ("/jobs/:namespace/:name/edit", "/jobs/a/b"),
        ] {
            assert_eq!(values(pattern, path), None, "{pattern} {path}");
        }
    }
}
