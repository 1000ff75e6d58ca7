//! All of IANA's time zones, to search in.

use leptos::ev::KeyboardEvent;
use shared::schedule::Zone;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use super::super::{
    model::Path,
    state::{editing, id_of},
    words::EditorWords,
};
use crate::{
    browser::lowered,
    clock,
    locale::zone_name,
    parts::{
        field::Field,
        icon::{Glyph, Icon},
    },
    prelude::*,
    words::say,
};

/// How many are shown; the rest is found by typing.
const SHOWN_MAX: usize = 60;

/// Those that fit what is typed, the nearest first: by the city's beginning, then by any
/// part.
fn found(typed: &str) -> Vec<&'static str> {
    let typed = lowered(typed.trim()).replace(' ', "_");
    let rank = |name: &&'static str| {
        let lower = lowered(name);
        let city = lower.rsplit('/').next().unwrap_or_default().to_owned();
        match () {
            () if lower == typed => Some(0),
            () if city.starts_with(&typed) => Some(1),
            () if lower.contains(&typed) => Some(2),
            () => None,
        }
    };
    let mut all: Vec<(u8, &'static str)> = Zone::names()
        .filter_map(|name| Some((rank(&name)?, name)))
        .collect();
    all.sort();
    all.into_iter().map(|(_, name)| name).collect()
}

#[component]
pub fn ZonePicker(at: Path) -> impl IntoView {
    let w = say::<EditorWords>();
    let editing = editing();
    let id = id_of(&at);
    let list_id = format!("{id}-list");
    let error = editing.error(at.clone());
    let value = editing.field(at.clone());
    let shown = move || value.with(|v| if v.is_empty() { "UTC".to_owned() } else { v.clone() });
    let typed = RwSignal::new(None::<String>);
    let chosen = RwSignal::new(0_usize);
    let input = NodeRef::<html::Input>::new();
    let matches = Memo::new(move |_| typed.with(|typed| typed.as_deref().map(found).unwrap_or_default()));
    let is_open = move || typed.with(Option::is_some);
    let write = move |name: &str| {
        match name {
            "" | "UTC" => editing.remove(at.clone()),
            name => editing.set(at.clone(), name),
        }
        typed.set(None);
    };
    let write = StoredValue::new(write);
    let take = move |name: &str| write.with_value(|write| write(name));
    let key = move |event: KeyboardEvent| {
        let count = matches.with(Vec::len).min(SHOWN_MAX);
        match event.key().as_str() {
            "ArrowDown" if !is_open() => typed.set(Some(String::new())),
            "ArrowDown" => chosen.update(|n| *n = (*n + 1).min(count.saturating_sub(1))),
            "ArrowUp" => chosen.update(|n| *n = n.saturating_sub(1)),
            "Enter" if is_open() => {
                if let Some(name) = matches.with(|all| all.get(chosen.get()).copied()) {
                    take(name);
                }
            }
            "Escape" if is_open() => typed.set(None),
            _ => return,
        }
        event.prevent_default();
    };
    let option_id = {
        let list_id = list_id.clone();
        move |i: usize| format!("{list_id}-{i}")
    };
    let active = {
        let option_id = option_id.clone();
        move || (is_open() && !matches.with(Vec::is_empty)).then(|| option_id(chosen.get()))
    };
    let list = {
        let list_id = list_id.clone();
        move || {
            is_open().then(|| {
                let all = matches.get();
                let now = clock::now();
                let option_id = option_id.clone();
                let options = all.iter().take(SHOWN_MAX).copied().enumerate().map(|(i, name)| {
            let offset = name.parse::<Zone>().map(|zone| zone_name(now, zone)).unwrap_or_default();
            let offset = offset.rsplit(", ").next().unwrap_or_default().to_owned();
            view! {
                <li role="option" id=option_id(i) aria-selected=move || (chosen.get() == i).to_string()
                    // Before the field loses the focus.
                    on:mousedown=move |event| { event.prevent_default(); take(name) }>
                    <span>{name}</span><span class="muted number">{offset}</span>
                </li>
            }
        }).collect_view();
                view! {
                    <ul class="zones" role="listbox" id=list_id.clone() aria-label=w.timezone>
                        {options}
                        {all.is_empty().then(|| view! { <li class="muted">{w.no_zone}</li> })}
                    </ul>
                }
            })
        }
    };
    // The one that the keys have chosen is in sight.
    Effect::new(move |_| {
        chosen.track();
        if is_open()
            && let Some(id) = active()
        {
            let found = crate::browser::document().get_element_by_id(&id);
            if let Some(option) = found.and_then(|option| option.dyn_into::<HtmlElement>().ok())
                && let Some(list) = option.parent_element()
            {
                let (top, bottom) = (option.offset_top(), option.offset_top() + option.offset_height());
                let seen = list.scroll_top();
                list.set_scroll_top(seen.min(top).max(bottom - list.client_height()));
            }
        }
    });
    let active_for_input = move || is_open().then(|| format!("{}-{}", list_id, chosen.get()));
    let names = Zone::names().count();
    view! {
        <Field id=id.clone() label=w.timezone error>
            <div class="zone">
                <input type="text" role="combobox" id=id.clone() node_ref=input autocomplete="off" spellcheck="false"
                    placeholder=fill!(w.zone_search, n = names)
                    aria-expanded=move || is_open().to_string() aria-autocomplete="list"
                    aria-controls=format!("{id}-list") aria-describedby=format!("{id}-error") aria-activedescendant=active_for_input
                    prop:value=move || typed.get().unwrap_or_else(shown)
                    on:focus=move |_| if let Some(input) = input.get_untracked() { input.select() }
                    on:click=move |_| if !is_open() { typed.set(Some(String::new())); chosen.set(0) }
                    on:input=move |event| { typed.set(Some(event_target_value(&event))); chosen.set(0) }
                    on:blur=move |_| {
                        // What was typed whole is meant, also if nothing was chosen.
                        let whole = typed.get_untracked().and_then(|t| t.trim().parse::<Zone>().ok());
                        match whole {
                            Some(zone) => take(zone.name()),
                            None => typed.set(None),
                        }
                    }
                    on:keydown=key />
                <Icon glyph=Glyph::Down />
                {list}
            </div>
        </Field>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_found_by_city_and_by_part() {
        assert_eq!(found("shang")[0], "Asia/Shanghai");
        assert_eq!(found("new york")[0], "America/New_York");
        assert_eq!(found("utc")[0], "UTC");
        assert!(found("europe").len() > 40);
        assert!(found("").len() > 400);
        assert!(found("atlantis").is_empty());
    }
}
