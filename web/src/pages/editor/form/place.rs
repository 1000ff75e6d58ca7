//! Which nodes run the job, and how many of them.

use shared::{
    file::value::{Value, typed},
    target::SLOTS_MAX,
    value,
};

use super::{
    super::{
        fields::{Choice, Names, Text},
        model::{Path, tree},
        seats::{Seats, known_nodes},
        state::{editing, id_of},
        words::EditorWords,
    },
    Section,
};
use crate::{parts::field::Field, words::say};

use crate::prelude::*;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    One,
    Every,
    Count,
    Shards,
}

impl Kind {
    const ALL: [Kind; 4] = [Kind::One, Kind::Every, Kind::Count, Kind::Shards];

    fn of(tree: &Value) -> Kind {
        match tree::get(tree, &Path::of("target.place")) {
            None => Kind::One,
            Some(Value::Map(_)) => Kind::Shards,
            Some(Value::Text(word)) if word == "one" => Kind::One,
            Some(Value::Text(word)) if word == "every" => Kind::Every,
            Some(_) => Kind::Count,
        }
    }
}

#[component]
pub fn Where() -> impl IntoView {
    let w = say::<EditorWords>();
    let editing = editing();
    let kind = Memo::new(move |_| editing.tree.with(Kind::of));
    let place = Path::of("target.place");
    let choose = {
        let place = place.clone();
        move |new: Kind| match new {
            Kind::One => editing.remove(place.clone()),
            Kind::Every => editing.set(place.clone(), "every"),
            Kind::Count => editing.set(place.clone(), 2),
            Kind::Shards => editing.set(place.clone(), value!({"shards": 4})),
        }
    };
    let name = move |kind: Kind| match kind {
        Kind::One => (w.place_one, w.place_one_about),
        Kind::Every => (w.place_every, w.place_every_about),
        Kind::Count => (w.place_count, w.place_count_about),
        Kind::Shards => (w.place_shards, w.place_shards_about),
    };
    let (nodes, groups) = known_nodes();
    let has_exclusions = editing.tree.with_untracked(|tree| {
        tree.get("target")
            .is_some_and(|target| target.get("exclude").is_some())
    });
    view! {
        <Section title=w.where_>
            <div class="choices" role="radiogroup" aria-label=w.place>
                {Kind::ALL.map(|each| {
                    let (name, about) = name(each);
                    let choose = choose.clone();
                    view! {
                        <label>
                            <input type="radio" name="place" prop:checked=move || kind.get() == each on:change=move |_| choose(each) />
                            <span><strong>{name}</strong><small class="muted">{about}</small></span>
                        </label>
                    }
                }).collect_view()}
            </div>
            <Show when=move || matches!(kind.get(), Kind::Count | Kind::Shards)>
                <HowMany is_shards={kind.get_untracked() == Kind::Shards} />
            </Show>
            <div class="fields two">
                <Text at="target.labels" label=w.selector hint=w.selector_hint mono=true />
                <Names at="target.groups" label=w.groups known=groups />
                <Names at="target.nodes" label=w.nodes hint=w.nodes_hint known=nodes />
                <Show when=move || kind.get() != Kind::Every>
                    <Text at="target.prefer" label=w.prefer placeholder="zone=a" mono=true />
                </Show>
            </div>
            <details class="more" open=has_exclusions>
                <summary>{w.exclude}</summary>
                <div class="body fields three">
                    <Names at="target.exclude.nodes" label=w.exclude_nodes known=nodes />
                    <Names at="target.exclude.groups" label=w.exclude_groups known=groups />
                    <Text at="target.exclude.labels" label=w.exclude_labels mono=true />
                </div>
            </details>
            <Show when=move || kind.get() != Kind::Every>
                <Choice at="target.balance" label=w.balance default="spread"
                    options=vec![("spread", w.balance_spread), ("least_loaded", w.balance_least), ("rotate", w.balance_rotate)] />
            </Show>
            <Seats />
        </Section>
    }
}

/// The number of nodes, or of shards, which stands in another place.
#[component]
fn HowMany(is_shards: bool) -> impl IntoView {
    let w = say::<EditorWords>();
    let editing = editing();
    let place = Path::of("target.place");
    let at = if is_shards {
        place.key("shards")
    } else {
        place.clone()
    };
    let id = id_of(&at);
    let value = editing.field(at.clone());
    let error = editing.error(place);
    view! {
        <Field id=id.clone() label=w.count_label error>
            <input type="number" class="short" min="1" max=SLOTS_MAX id=id.clone() aria-describedby=format!("{id}-error")
                prop:value=move || value.get()
                on:input=move |event| editing.set(at.clone(), typed(&event_target_value(&event))) />
        </Field>
    }
}
