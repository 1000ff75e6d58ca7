//! What the job does: a script, a program or a request, and within which limits.

use shared::{file::value::Value, value};

use super::{
    super::{
        fields::{Items, Means, Pairs, Text},
        model::{Op, Path, tree},
        state::editing,
        words::EditorWords,
    },
    Section,
};
use crate::{prelude::*, words::say};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Shell,
    Exec,
    Http,
}

impl Kind {
    const ALL: [Kind; 3] = [Kind::Shell, Kind::Exec, Kind::Http];

    fn key(self) -> &'static str {
        match self {
            Kind::Shell => "shell",
            Kind::Exec => "exec",
            Kind::Http => "http",
        }
    }

    fn of(tree: &Value) -> Kind {
        let run = tree.get("run").unwrap_or(&Value::Null);
        let is_there = |kind: &Kind| run.get(kind.key()).is_some();
        Kind::ALL.into_iter().find(is_there).unwrap_or(Kind::Shell)
    }

    fn at(self) -> Path {
        Path::of("run").key(self.key())
    }

    /// What it begins as.
    fn fresh(self) -> Value {
        match self {
            Kind::Shell => value!(""),
            Kind::Exec => value!([""]),
            Kind::Http => value!({"url": ""}),
        }
    }
}

#[component]
pub fn Work() -> impl IntoView {
    let w = say::<EditorWords>();
    let editing = editing();
    let kind = Memo::new(move |_| editing.tree.with(Kind::of));
    // What was written as another kind comes back with it.
    let kept = StoredValue::new(Vec::<(Kind, Value)>::new());
    let choose = move |new: Kind| {
        let old = kind.get_untracked();
        if old == new {
            return;
        }
        let had = editing
            .tree
            .with_untracked(|tree| tree::get(tree, &old.at()).cloned());
        kept.update_value(|kept| {
            kept.retain(|(kind, _)| *kind != old);
            kept.extend(had.map(|value| (old, value)));
        });
        let value =
            kept.with_value(|kept| kept.iter().find(|(kind, _)| *kind == new).map(|(_, v)| v.clone()));
        editing.edit(vec![
            Op::set(new.at(), value.unwrap_or_else(|| new.fresh())),
            Op::remove(old.at()),
        ]);
    };
    let name = move |kind: Kind| match kind {
        Kind::Shell => w.shell,
        Kind::Exec => w.exec,
        Kind::Http => w.http,
    };
    let wrong = editing.error(Path::of("run"));
    let has_more = editing.tree.with_untracked(|tree| {
        let mut entries = tree.get("run").into_iter().flat_map(Value::entries);
        entries.any(|(key, _)| Kind::ALL.iter().all(|kind| kind.key() != key))
    });
    view! {
        <Section title=w.what>
            <div class="segments" role="radiogroup" aria-label=w.kind>
                {Kind::ALL.map(|each| view! {
                    <label>
                        <input type="radio" name="kind" prop:checked=move || kind.get() == each on:change=move |_| choose(each) />
                        <span>{name(each)}</span>
                    </label>
                }).collect_view()}
            </div>
            <p class="error" role="alert">{move || wrong.get()}</p>
            {move || match kind.get() {
                Kind::Shell => view! {
                    <Text at="run.shell" label=w.script lines=6 mono=true means=Means::Key />
                }.into_any(),
                Kind::Exec => view! {
                    <Items at="run.exec" label=w.program hint=w.program_hint add=w.add_argument />
                }.into_any(),
                Kind::Http => view! { <Request /> }.into_any(),
            }}
            <details class="more" open=has_more>
                <summary>{w.more_of_run}</summary>
                <div class="body">
                    <div class="fields three">
                        <Text at="run.timeout" label=w.timeout hint=w.timeout_hint placeholder="30m" mono=true />
                        <Text at="run.grace" label=w.grace hint=w.grace_hint placeholder="10s" mono=true />
                        <Text at="run.output" label=w.output placeholder="10MiB" mono=true />
                    </div>
                    <div class="fields three">
                        <Text at="run.success" label=w.success hint=w.success_hint placeholder="0" mono=true means=Means::Numbers />
                        <Show when=move || kind.get() != Kind::Http>
                            <Text at="run.user" label=w.user hint=w.user_hint mono=true />
                            <Text at="run.group" label=w.group mono=true />
                        </Show>
                    </div>
                    <Show when=move || kind.get() != Kind::Http>
                        <Text at="run.dir" label=w.dir hint=w.dir_hint placeholder="/var/lib/app" mono=true />
                        <Pairs at="run.env" label=w.env add=w.add_env />
                        <Text at="run.stdin" label=w.stdin lines=2 mono=true />
                    </Show>
                </div>
            </details>
        </Section>
    }
}

#[component]
fn Request() -> impl IntoView {
    let w = say::<EditorWords>();
    view! {
        <div class="fields request">
            <Text at="run.http.method" label=w.method placeholder="GET" mono=true />
            <Text at="run.http.url" label=w.url placeholder="https://" mono=true means=Means::Key />
        </div>
        <Pairs at="run.http.headers" label=w.headers add=w.add_header />
        <Text at="run.http.body" label=w.body lines=3 mono=true />
    }
}
