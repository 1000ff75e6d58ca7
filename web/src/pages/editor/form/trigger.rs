//! One rule that makes the job due.

use shared::{file::value::Value, value};

use super::{
    super::{
        fields::{Choice, Items, Means, Names, Text},
        model::{Path, tree, upcoming},
        seats::known_nodes,
        state::{editing, lang},
        words::EditorWords,
    },
    zone::ZonePicker,
};
use crate::{
    parts::icon::{Glyph, Icon},
    prelude::*,
    words::say,
};

const KINDS: [&str; 3] = ["cron", "every", "at"];

/// The kind of a trigger by its key.
fn kind_of(trigger: &Value) -> &'static str {
    KINDS
        .into_iter()
        .find(|key| trigger.get(key).is_some())
        .unwrap_or("cron")
}

#[component]
pub fn TriggerCard(i: usize, is_alone: bool) -> impl IntoView {
    let w = say::<EditorWords>();
    let editing = editing();
    let at = Path::of("triggers").index(i);
    let trigger = Memo::new(move |_| {
        editing
            .tree
            .with(|tree| tree::triggers(tree).get(i).cloned().unwrap_or_default())
    });
    let kind = Memo::new(move |_| trigger.with(kind_of));
    let wrong = editing.error(at.clone());
    let place = StoredValue::new(at.clone());
    let choose = move |new: &'static str| {
        let old = trigger.get_untracked();
        let mut fresh = match new {
            "every" => value!({"every": "1h"}),
            "at" => value!({"at": [""]}),
            _ => value!({"cron": "0 2 * * *"}),
        };
        for key in ["jitter", "target"] {
            if let Some(kept) = old.get(key) {
                fresh.insert(key, kept.clone());
            }
        }
        place.with_value(|at| editing.set(at.clone(), fresh));
    };
    let has_options = trigger.with_untracked(|t| {
        ["jitter", "dialect", "dst", "target"]
            .iter()
            .any(|key| t.get(key).is_some())
    });
    let words = move || trigger.with(|t| upcoming::words(t, editing.seed(), lang()));
    let name = move |kind: &'static str| match kind {
        "every" => w.every,
        "at" => w.at,
        _ => w.cron,
    };
    let fields = {
        let at = at.clone();
        move || {
            match kind.get() {
            "every" => view! {
                <div class="fields two">
                    <Text at=at.key("every") label=w.interval placeholder="10m" mono=true means=Means::Key />
                    <Text at=at.key("anchor") label=w.anchor hint=w.anchor_hint placeholder="1970-01-01T00:00:00Z" mono=true />
                </div>
            }
            .into_any(),
            "at" => view! { <Items at=at.key("at") label=w.instants hint=w.instants_hint add=w.add_instant /> }.into_any(),
            _ => view! { <CronFields at=at.clone() /> }.into_any(),
        }
        }
    };
    view! {
        <div class="trigger" role="group" aria-label=fill!(w.trigger, n = i + 1)>
            <header>
                <div class="segments small" role="radiogroup" aria-label=w.kind_of_trigger>
                    {KINDS.map(|each| view! {
                        <label>
                            <input type="radio" name=format!("trigger-{i}") prop:checked=move || kind.get() == each
                                on:change=move |_| choose(each) />
                            <span>{name(each)}</span>
                        </label>
                    }).collect_view()}
                </div>
                <button type="button" class="plain" aria-label=format!("{} {}", w.remove, fill!(w.trigger, n = i + 1))
                    on:click=move |_| place.with_value(|at| editing.remove(at.clone()))>
                    <Icon glyph=Glyph::Close />
                </button>
            </header>
            {fields}
            <p class="in-words">{move || words().map(|words| view! { <Icon glyph=Glyph::Clock /><span>{words}</span> })}</p>
            <p class="error" role="alert">{move || wrong.get()}</p>
            <details class="more" open=has_options>
                <summary>{if is_alone { w.trigger_options.to_owned() } else { format!("{} · {}", w.trigger_options, i + 1) }}</summary>
                <div class="body">
                    <div class="fields three">
                        <Text at=at.key("jitter") label=w.jitter hint=w.jitter_hint placeholder="0s" mono=true />
                        <Show when=move || kind.get() == "cron">
                            <Choice at=place.get_value().key("dialect") label=w.dialect default="cron"
                                options=vec![("cron", w.dialect_cron), ("quartz", w.dialect_quartz)] />
                            <Choice at=place.get_value().key("dst") label=w.dst default="tick"
                                options=vec![("tick", w.dst_tick), ("skip", w.dst_skip)] />
                        </Show>
                    </div>
                    <OnlyOn at=at.key("target") />
                </div>
            </details>
        </div>
    }
}

#[component]
fn CronFields(at: Path) -> impl IntoView {
    let w = say::<EditorWords>();
    let editing = editing();
    let expression = at.key("cron");
    let dialect = editing.field(at.key("dialect"));
    let examples = move || match dialect.with(|d| d == "quartz") {
        true => [
            (w.hourly, "0 0 * * * ?"),
            (w.nightly, "0 30 2 * * ?"),
            (w.weekdays, "0 0 9 ? * MON-FRI"),
            (w.monthly, "0 0 6 1 * ?"),
            (w.last_day, "0 0 18 L * ?"),
        ],
        false => [
            (w.hourly, "0 * * * *"),
            (w.nightly, "30 2 * * *"),
            (w.weekdays, "0 9 * * MON-FRI"),
            (w.monthly, "0 6 1 * *"),
            (w.last_day, "0 18 L * *"),
        ],
    };
    let place = StoredValue::new(expression.clone());
    view! {
        <div class="fields cron">
            <Text at=expression label=w.expression placeholder="30 2 * * *" mono=true means=Means::Key />
            <ZonePicker at=at.key("timezone") />
        </div>
        <div class="examples" role="group" aria-label=w.examples>
            {move || examples().map(|(name, cron)| view! {
                <button type="button" class="chip" title=cron on:click=move |_| place.with_value(|at| editing.set(at.clone(), cron))>
                    {name}
                </button>
            }).collect_view()}
        </div>
    }
}

/// In a job that runs on every node, a rule may be for some of them.
#[component]
fn OnlyOn(at: Path) -> impl IntoView {
    let w = say::<EditorWords>();
    let editing = editing();
    let is_every = editing.field(Path::of("target.place"));
    let place = StoredValue::new(at.clone());
    let has = Memo::new(move |_| {
        editing
            .tree
            .with(|tree| place.with_value(|at| tree::get(tree, at).is_some()))
    });
    let is_shown = move || is_every.with(|place| place == "every") || has.get();
    let (nodes, groups) = known_nodes();
    view! {
        <Show when=is_shown>
            <p class="label">{w.only_on}</p>
            <div class="fields three">
                <Names at=place.get_value().key("nodes") label=w.nodes known=nodes />
                <Names at=place.get_value().key("groups") label=w.groups known=groups />
                <Text at=place.get_value().key("labels") label=w.selector mono=true />
            </div>
        </Show>
    }
}
