//! The labels that count: the host's own, and the operator's over them.

use std::collections::BTreeMap;

use shared::{
    api::{IntentPatch, NodeView},
    target::{label_key, label_value},
};

use super::NodeWords;
use crate::{
    locale::sentences::said,
    pages::nodes::actions::wish,
    parts::{
        icon::{Glyph, Icon},
        toast::toaster,
    },
    prelude::*,
    words::say,
};

#[component]
pub fn LabelsCard(node: Memo<NodeView>) -> impl IntoView {
    let w = say::<NodeWords>();
    view! {
        <section class="card" aria-label=w.labels>
            <header><h2>{w.labels}</h2></header>
            <div class="body stack">
                <p class="muted">{w.labels_about}</p>
                {move || view! { <LabelList node=node.get() /> }}
                <LabelForm node />
            </div>
        </section>
    }
}

#[component]
fn LabelList(node: NodeView) -> impl IntoView {
    let w = say::<NodeWords>();
    let toaster = toaster();
    let yours = node.intent.labels.clone();
    let rows = node.labels.into_iter().map(|(key, value)| {
        let label = format!("{key}={value}");
        let is_yours = yours.contains_key(&key);
        let id = node.id.clone();
        let said = fill!(w.label_gone, label = label);
        let title = fill!(w.remove_label, label = label);
        let remove = move |_| {
            let labels = BTreeMap::from([(key.clone(), None)]);
            let wanted = IntentPatch {
                labels: Some(labels),
                ..IntentPatch::default()
            };
            wish(toaster, id.clone(), wanted, said.clone(), None);
        };
        view! {
            <li class="label-row">
                <code>{label}</code>
                <small class="muted">{if is_yours { w.yours } else { w.own }}</small>
                {is_yours.then(|| view! {
                    <button type="button" class="plain" aria-label=title.clone() title=title on:click=remove>
                        <Icon glyph=Glyph::Close />
                    </button>
                })}
            </li>
        }
    });
    view! { <ul class="label-list">{rows.collect_view()}</ul> }
}

#[component]
fn LabelForm(node: Memo<NodeView>) -> impl IntoView {
    let w = say::<NodeWords>();
    let toaster = toaster();
    let input = NodeRef::<html::Input>::new();
    let wrong = RwSignal::new(None::<String>);
    let add = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let Some(input) = input.get() else { return };
        match parse(&input.value()) {
            Err(why) => wrong.set(Some(why.map_or_else(|| w.label_wrong.into(), |why| said(&why)))),
            Ok((key, value)) => {
                wrong.set(None);
                input.set_value("");
                let said = fill!(w.label_set, label = format!("{key}={value}"));
                let labels = BTreeMap::from([(key, Some(value))]);
                let wanted = IntentPatch {
                    labels: Some(labels),
                    ..IntentPatch::default()
                };
                wish(toaster, node.get_untracked().id, wanted, said, None);
            }
        }
    };
    view! {
        <form on:submit=add class="field" class:is-wrong=move || wrong.with(Option::is_some)>
            <label for="label">{w.label_new}</label>
            <div class="row inline-form">
                <input id="label" node_ref=input placeholder=w.label_form autocomplete="off" spellcheck="false"
                    aria-describedby="label-error" />
                <button type="submit">{w.add}</button>
            </div>
            <p class="error" id="label-error" role="alert">{move || wrong.get()}</p>
        </form>
    }
}

/// `key=value`, checked as the server does; an error of `None` is one of form.
fn parse(text: &str) -> Result<(String, String), Option<String>> {
    let (key, value) = text.trim().split_once('=').ok_or(None)?;
    label_key(key).map_err(|e| Some(e.to_string()))?;
    label_value(value).map_err(|e| Some(e.to_string()))?;
    Ok((key.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn labels_are_checked_before_they_are_sent() {
        assert_eq!(parse(" rack=b7 "), Ok(("rack".into(), "b7".into())));
        assert_eq!(parse("rack"), Err(None));
        assert!(matches!(parse("bad key=1"), Err(Some(_))));
    }
}
