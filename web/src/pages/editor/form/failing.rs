//! What happens when things do not go as they should, and how much is remembered.

use shared::file::value::Value;

use super::{
    super::{
        fields::{Choice, Means, Text, Toggle},
        model::{Path, tree},
        state::editing,
        words::EditorWords,
    },
    Section,
};
use crate::{prelude::*, words::say};

#[component]
pub fn Failing() -> impl IntoView {
    let w = say::<EditorWords>();
    let editing = editing();
    let policy = editing.field(Path::of("overlap.policy"));
    let limit = move || if policy.with(|p| p == "allow") { "100" } else { "1" };
    view! {
        <Section title=w.failing summary=said(&["overlap", "misfire", "retry", "on_lost", "isolation"])
            is_closed=is_untouched(&["overlap", "misfire", "retry", "on_lost", "isolation"])>
            <div class="fields three">
                <Choice at="overlap.policy" label=w.overlap default="skip" options=vec![
                    ("skip", w.overlap_skip), ("queue", w.overlap_queue), ("replace", w.overlap_replace), ("allow", w.overlap_allow),
                ] />
                {move || view! { <Text at="overlap.limit" label=w.limit placeholder=limit() mono=true means=Means::Number /> }}
                <Show when=move || policy.with(|p| p == "queue")>
                    <Text at="overlap.queue" label=w.queue placeholder="10" mono=true means=Means::Number />
                </Show>
            </div>
            <div class="fields two">
                <Choice at="misfire.run" label=w.misfire default="once" options=vec![
                    ("once", w.misfire_once), ("all", w.misfire_all), ("none", w.misfire_none),
                ] />
                <Text at="misfire.within" label=w.within placeholder="1h" mono=true />
            </div>
            <div class="fields four">
                <Text at="retry.attempts" label=w.attempts placeholder="1" mono=true means=Means::Number />
                <Text at="retry.backoff" label=w.backoff placeholder="10s" mono=true />
                <Text at="retry.factor" label=w.factor placeholder="2" mono=true means=Means::Number />
                <Text at="retry.max" label=w.max placeholder="5m" mono=true />
            </div>
            <Toggle at="retry.elsewhere" label=w.elsewhere />
            <div class="fields two">
                <Choice at="on_lost" label=w.on_lost default="fail"
                    options=vec![("fail", w.on_lost_fail), ("retry", w.on_lost_retry)] />
                <Choice at="isolation" label=w.isolation default="finish"
                    options=vec![("finish", w.isolation_finish), ("kill", w.isolation_kill)] />
            </div>
        </Section>
    }
}

#[component]
pub fn Keeping() -> impl IntoView {
    let w = say::<EditorWords>();
    view! {
        <Section title=w.keeping summary=said(&["keep"]) is_closed=is_untouched(&["keep"])>
            <div class="fields two">
                <Text at="keep.runs" label=w.keep_runs placeholder="1000" mono=true means=Means::Number />
                <Text at="keep.for" label=w.keep_for placeholder="30d" mono=true />
            </div>
        </Section>
    }
}

/// Whether the file says nothing of any of these.
fn is_untouched(keys: &[&str]) -> bool {
    editing()
        .tree
        .with_untracked(|tree| keys.iter().all(|key| tree.get(key).is_none()))
}

/// What the file says of these, in short.
fn said(keys: &'static [&'static str]) -> Signal<String> {
    let w = say::<EditorWords>();
    let editing = editing();
    Signal::derive(move || {
        editing.tree.with(|tree| {
            let told = keys.iter().filter_map(|key| match tree.get(key)? {
                map @ Value::Map(_) => {
                    let pairs = map.entries().map(|(k, v)| format!("{k} {}", tree::scalar(v)));
                    Some(format!("{key}: {}", pairs.collect::<Vec<_>>().join(", ")))
                }
                value => Some(format!("{key}: {}", tree::scalar(value))),
            });
            let told: Vec<String> = told.collect();
            if told.is_empty() {
                w.defaults.to_owned()
            } else {
                told.join(" · ")
            }
        })
    })
}
