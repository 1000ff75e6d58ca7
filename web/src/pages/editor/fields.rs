//! The form's fields: each shows what stands at a place in the file, and writes there.

use shared::file::value::{Value, typed};

use super::{
    model::{Op, Path, tree},
    state::{editing, id_of},
    words::EditorWords,
};
use crate::{
    locale::sentences,
    parts::{
        field::Field,
        icon::{Glyph, Icon},
        prose::prose,
    },
    prelude::*,
    words::say,
};

/// How a field's text becomes a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Means {
    /// Nothing if it is empty.
    #[default]
    Text,
    /// Text also if it is empty: the key tells which kind it is.
    Key,
    Number,
    /// Numbers with commas between them.
    Numbers,
}

impl Means {
    fn op(self, at: Path, text: String) -> Op {
        match self {
            Means::Text | Means::Number | Means::Numbers if text.trim().is_empty() => Op::remove(at),
            Means::Text | Means::Key => Op::set(at, text),
            Means::Number => Op::set(at, typed(&text)),
            Means::Numbers => {
                let items = text
                    .split([',', ' ', '，'])
                    .map(str::trim)
                    .filter(|item| !item.is_empty());
                Op::set(at, items.map(typed).collect::<Vec<_>>())
            }
        }
    }
}

/// One line of text, or `lines` of them.
#[component]
pub fn Text(
    #[prop(into)] at: Path,
    #[prop(into)] label: String,
    #[prop(optional, into)] hint: Option<String>,
    #[prop(optional, into)] placeholder: String,
    #[prop(optional)] means: Means,
    #[prop(optional)] lines: u32,
    #[prop(optional)] mono: bool,
) -> impl IntoView {
    let editing = editing();
    let id = id_of(&at);
    let error = editing.error(at.clone());
    // A list that is being typed (`1, `) is not what the file says yet.
    let typed = RwSignal::new(None::<String>);
    let value = match means {
        Means::Numbers => {
            let at = at.clone();
            Memo::new(move |_| {
                let said = editing.tree.with(|tree| tree::list(tree, &at)).join(", ");
                match typed.get() {
                    Some(typed)
                        if Means::Numbers.op(at.clone(), typed.clone())
                            == Means::Numbers.op(at.clone(), said.clone()) =>
                    {
                        typed
                    }
                    _ => said,
                }
            })
        }
        _ => editing.field(at.clone()),
    };
    let write = move |text: String| {
        typed.set(Some(text.clone()));
        editing.edit(vec![means.op(at.clone(), text)]);
    };
    let described = format!("{id}-error");
    let wrong = move || error.with(|e| e.is_some().then_some("true"));
    let control = if lines > 0 {
        view! {
            <textarea id=id.clone() rows=lines.to_string() placeholder=placeholder spellcheck="false" class:mono=mono
                aria-describedby=described aria-invalid=wrong prop:value=move || value.get()
                on:input=move |event| write(event_target_value(&event))></textarea>
        }
        .into_any()
    } else {
        view! {
            <input type="text" id=id.clone() placeholder=placeholder autocomplete="off" spellcheck="false"
                class:mono=mono aria-describedby=described aria-invalid=wrong prop:value=move || value.get()
                on:input=move |event| write(event_target_value(&event)) />
        }
        .into_any()
    };
    match hint {
        Some(hint) => view! { <Field id label hint error>{control}</Field> }.into_any(),
        None => view! { <Field id label error>{control}</Field> }.into_any(),
    }
}

/// One of a few words. The default is what the file says by saying nothing.
#[component]
pub fn Choice(
    #[prop(into)] at: Path,
    #[prop(into)] label: String,
    default: &'static str,
    options: Vec<(&'static str, &'static str)>,
) -> impl IntoView {
    let editing = editing();
    let id = id_of(&at);
    let error = editing.error(at.clone());
    let value = editing.field(at.clone());
    let shown = move || {
        let value = value.get();
        if value.is_empty() {
            default.to_owned()
        } else {
            value
        }
    };
    let known: Vec<&'static str> = options.iter().map(|(value, _)| *value).collect();
    // A word that the file has and nobody knows stays to be seen.
    let strange = move || Some(shown()).filter(|value| !known.contains(&value.as_str()));
    let write = move |value: String| match value == default {
        true => editing.remove(at.clone()),
        false => editing.set(at.clone(), value),
    };
    view! {
        <Field id=id.clone() label error>
            <select id=id.clone() aria-describedby=format!("{id}-error") prop:value=shown
                on:change=move |event| write(event_target_value(&event))>
                {options.into_iter().map(|(value, name)| {

                    view! { <option value=value selected=move || shown() == value>{name}</option> }
                }).collect_view()}
                {move || strange().map(|value| view! { <option value=value.clone() selected>{value.clone()}</option> })}
            </select>
        </Field>
    }
}

/// Yes or no; no is what the file says by saying nothing.
#[component]
pub fn Toggle(#[prop(into)] at: Path, #[prop(into)] label: String) -> impl IntoView {
    let editing = editing();
    let value = editing.field(at.clone());
    let id = id_of(&at);
    let write = move |on: bool| match on {
        true => editing.set(at.clone(), true),
        false => editing.remove(at.clone()),
    };
    view! {
        <label class="toggle" for=id.clone()>
            <input type="checkbox" id=id.clone() prop:checked=move || value.with(|v| v == "true")
                on:change=move |event| write(event_target_checked(&event)) />
            {label}
        </label>
    }
}

/// A few names, of which some are known: nodes, groups, calendars.
#[component]
pub fn Names(
    #[prop(into)] at: Path,
    #[prop(into)] label: String,
    #[prop(optional, into)] hint: Option<String>,
    known: Signal<Vec<String>>,
) -> impl IntoView {
    let editing = editing();
    let w = say::<EditorWords>();
    let id = id_of(&at);
    let list_id = format!("{id}-known");
    let error = editing.error(at.clone());
    let names = {
        let at = at.clone();
        Memo::new(move |_| editing.tree.with(|tree| tree::list(tree, &at)))
    };
    let at = StoredValue::new(at);
    let write = move |names: Vec<String>| at.with_value(|at| editing.set(at.clone(), names));
    let typed = RwSignal::new(String::new());
    let add = move || {
        let new = typed.get_untracked();
        let mut all = names.get_untracked();
        for name in new
            .split([',', ' ', '，'])
            .map(str::trim)
            .filter(|n| !n.is_empty())
        {
            if !all.iter().any(|have| have == name) {
                all.push(name.to_owned());
            }
        }
        typed.set(String::new());
        if all != names.get_untracked() {
            write(all);
        }
    };
    let drop_one = move |name: &str| write(names.get_untracked().into_iter().filter(|n| n != name).collect());
    let open = move || {
        let taken = names.get();
        known
            .get()
            .into_iter()
            .filter(|name| !taken.contains(name))
            .map(|name| view! { <option value=name></option> })
            .collect_view()
    };
    let control = view! {
        <div class="names">
            {move || names.get().into_iter().map(|name| {
                let gone = name.clone();
                view! {
                    <span class="chip">
                        {name.clone()}
                        <button type="button" class="plain" aria-label=format!("{} {name}", w.remove)
                            on:click=move |_| drop_one(&gone)>
                            <Icon glyph=Glyph::Close />
                        </button>
                    </span>
                }
            }).collect_view()}
            <input type="text" id=id.clone() list=list_id.clone() autocomplete="off" spellcheck="false" prop:value=typed
                aria-describedby=format!("{id}-error")
                on:input=move |event| {
                    typed.set(event_target_value(&event));
                    // One that was chosen from the list is meant.
                    if known.with_untracked(|known| typed.with_untracked(|t| known.contains(t))) { add() }
                }
                on:change=move |_| add()
                on:keydown=move |event| if matches!(event.key().as_str(), "Enter" | ",") { event.prevent_default(); add() } />
            <datalist id=list_id>{open}</datalist>
        </div>
    };
    match hint {
        Some(hint) => view! { <Field id label hint error>{control}</Field> }.into_any(),
        None => view! { <Field id label error>{control}</Field> }.into_any(),
    }
}

/// Texts in their order, one a field: arguments, instants.
#[component]
pub fn Items(
    #[prop(into)] at: Path,
    #[prop(into)] label: String,
    #[prop(into)] hint: String,
    #[prop(into)] add: String,
) -> impl IntoView {
    let editing = editing();
    let w = say::<EditorWords>();
    let id = id_of(&at);
    let error = editing.error(at.clone());
    let items = {
        let at = at.clone();
        Memo::new(move |_| editing.tree.with(|tree| tree::list(tree, &at)))
    };
    let count = Memo::new(move |_| items.with(Vec::len).max(1));
    let at = StoredValue::new(at);
    let write = move |items: Vec<String>| at.with_value(|at| editing.set(at.clone(), items));
    let put = move |i: usize, text: String| {
        let mut all = items.get_untracked();
        all.resize(all.len().max(i + 1), String::new());
        all[i] = text;
        write(all);
    };
    let field_id = {
        let id = id.clone();
        move |i: usize| if i == 0 { id.clone() } else { format!("{id}-{i}") }
    };
    let named = StoredValue::new(label.clone());
    view! {
        <Field id=id.clone() label hint error>
            <div class="items">
                {move || (0..count.get()).map(|i| {
                    let text = move || items.with(|items| items.get(i).cloned().unwrap_or_default());
                    view! {
                        <div class="item">
                            <textarea rows="1" id=field_id(i) class="mono" spellcheck="false" prop:value=text
                                aria-label=format!("{} {}", named.get_value(), i + 1)
                                on:input=move |event| put(i, event_target_value(&event))></textarea>
                            <button type="button" class="plain" aria-label=format!("{} {}", w.remove, i + 1)
                                on:click=move |_| {
                                    let mut all = items.get_untracked();
                                    if i < all.len() { all.remove(i); }
                                    if all.is_empty() { all.push(String::new()); }
                                    write(all);
                                }>
                                <Icon glyph=Glyph::Close />
                            </button>
                        </div>
                    }
                }).collect_view()}
                <button type="button" class="plain add" on:click=move |_| put(items.with_untracked(Vec::len).max(1), String::new())>
                    <Icon glyph=Glyph::Plus />{add}
                </button>
            </div>
        </Field>
    }
}

/// A map of texts: labels, environment, headers. Rows may be unfinished, so they are the
/// form's own until they are.
#[component]
pub fn Pairs(
    #[prop(into)] at: Path,
    #[prop(into)] label: String,
    #[prop(into)] add: String,
) -> impl IntoView {
    let editing = editing();
    let w = say::<EditorWords>();
    let id = id_of(&at);
    let rows = RwSignal::new(Vec::<Row>::new());
    let next = StoredValue::new(0_u32);
    let fresh = move |key: String, value: String| {
        next.update_value(|n| *n += 1);
        Row {
            id: next.get_value(),
            key,
            value,
        }
    };
    let said = {
        let at = at.clone();
        Memo::new(move |_| editing.tree.with(|tree| tree::pairs(tree, &at)))
    };
    // What the file says, if it is not what the rows say.
    Effect::new(move |_| {
        let said = said.get();
        let mut told = rows.with_untracked(|rows| finished(rows));
        told.sort();
        if told != said {
            rows.set(said.into_iter().map(|(key, value)| fresh(key, value)).collect());
        }
    });
    let write = {
        let at = at.clone();
        move || {
            let mut new = Value::map();
            for (key, value) in rows.with_untracked(|rows| finished(rows)) {
                new.insert(key, value);
            }
            let old = editing.tree.with_untracked(|tree| tree::get(tree, &at).cloned());
            let ops = match (old, new.says_nothing()) {
                (None, true) => return,
                (Some(_), true) => vec![Op::remove(at.clone())],
                (Some(old @ Value::Map(_)), false) => tree::between(&old, &new)
                    .into_iter()
                    .map(|op| Op {
                        at: Path([at.0.clone(), op.at.0].concat()),
                        ..op
                    })
                    .collect(),
                (_, false) => vec![Op::set(at.clone(), new)],
            };
            editing.edit(ops);
        }
    };
    let write = StoredValue::new(write);
    let change = move |id: u32, f: &dyn Fn(&mut Row)| {
        rows.update(|rows| rows.iter_mut().filter(|row| row.id == id).for_each(f));
        write.with_value(|write| write());
    };
    // What is wrong with any of them.
    let error = Signal::derive(move || {
        let whole = editing.error(at.clone()).get();
        let problems = editing.problems.get();
        whole.or_else(|| {
            problems
                .iter()
                .find(|p| p.at != at && p.at.is_in(&at))
                .map(|p| sentences::said(&p.message))
        })
    });
    let name = StoredValue::new(label.clone());
    view! {
        <div class="field pairs" class:is-wrong=move || error.with(Option::is_some) role="group" aria-labelledby=format!("{id}-label")>
            <span class="label" id=format!("{id}-label")>{label}</span>
            <For each=move || rows.get() key=|row| row.id let:row>
                {
                    let id = row.id;
                    let of = move |pick: fn(&Row) -> &String| rows.with(|rows| rows.iter().find(|r| r.id == id).map(|r| pick(r).clone()).unwrap_or_default());
                    view! {
                        <div class="pair">
                            <input type="text" class="mono" placeholder=w.key aria-label=format!("{}: {}", name.get_value(), w.key)
                                autocomplete="off" spellcheck="false" prop:value=move || of(|r| &r.key)
                                on:input=move |event| { let key = event_target_value(&event); change(id, &|r| r.key = key.clone()) } />
                            <input type="text" class="mono" placeholder=w.value aria-label=format!("{}: {}", name.get_value(), w.value)
                                autocomplete="off" spellcheck="false" prop:value=move || of(|r| &r.value)
                                on:input=move |event| { let value = event_target_value(&event); change(id, &|r| r.value = value.clone()) } />
                            <button type="button" class="plain" aria-label=move || format!("{} {}", w.remove, of(|r| &r.key))
                                on:click=move |_| { rows.update(|rows| rows.retain(|r| r.id != id)); write.with_value(|write| write()) }>
                                <Icon glyph=Glyph::Close />
                            </button>
                        </div>
                    }
                }
            </For>
            <p class="error" role="alert">{move || error.get().map(|error| prose(&error))}</p>
            <button type="button" class="plain add" on:click=move |_| rows.update(|rows| rows.push(fresh(String::new(), String::new())))>
                <Icon glyph=Glyph::Plus />{add}
            </button>
        </div>
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    id: u32,
    key: String,
    value: String,
}

/// The rows that have a key; of two with the same the later one holds.
fn finished(rows: &[Row]) -> Vec<(String, String)> {
    let named = rows.iter().filter(|row| !row.key.trim().is_empty());
    let map: std::collections::BTreeMap<_, _> =
        named.map(|row| (row.key.clone(), row.value.clone())).collect();
    map.into_iter().collect()
}

impl From<&str> for Path {
    fn from(text: &str) -> Path {
        Path::of(text)
    }
}
