//! A group's form.

use std::{collections::BTreeSet, fmt::Display, str::FromStr};

use shared::{
    api::GroupView,
    id::GroupName,
    target::{Exclude, NodeSet},
};

use super::{GroupsWords, SetInWords};
use crate::{
    api::{
        Failure,
        groups::{groups, put_group},
    },
    locale::sentences::said,
    parts::{dialog::Cancel, field::Field, kept::Edited, toast::toaster},
    prelude::*,
    words::say,
};

/// What is typed.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
struct Typed {
    name: String,
    nodes: String,
    groups: String,
    labels: String,
    exclude_nodes: String,
    exclude_labels: String,
}

/// A field, and what is wrong with it.
type Wrong = (&'static str, String);

impl Typed {
    fn of(group: &GroupView) -> Typed {
        Typed {
            name: group.name.to_string(),
            nodes: list(&group.set.nodes),
            groups: list(&group.set.groups),
            labels: group.set.labels.to_string(),
            exclude_nodes: list(&group.set.exclude.nodes),
            exclude_labels: group.set.exclude.labels.to_string(),
        }
    }

    /// The group that is meant. `kept` is what the form does not show.
    fn parse(&self, kept: &Exclude) -> Result<(GroupName, NodeSet), Wrong> {
        let set = NodeSet {
            nodes: items(&self.nodes).map_err(|e| ("nodes", e))?,
            groups: items(&self.groups).map_err(|e| ("groups", e))?,
            labels: self.labels.parse().map_err(|e| ("labels", e))?,
            exclude: Exclude {
                nodes: items(&self.exclude_nodes).map_err(|e| ("exclude_nodes", e))?,
                labels: self.exclude_labels.parse().map_err(|e| ("exclude_labels", e))?,
                groups: kept.groups.clone(),
            },
        };
        let name = self
            .name
            .trim()
            .parse::<GroupName>()
            .map_err(|e| ("name", e.to_string()))?;
        Ok((name, set))
    }
}

/// `a, b`
pub fn list<T: Display>(items: &BTreeSet<T>) -> String {
    items
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

fn items<T: FromStr<Err: Display> + Ord>(text: &str) -> Result<BTreeSet<T>, String> {
    let parts = text
        .split([',', ' ', '\n'])
        .map(str::trim)
        .filter(|part| !part.is_empty());
    parts
        .map(|part| part.parse().map_err(|e: T::Err| e.to_string()))
        .collect()
}

#[component]
pub fn GroupForm(group: Option<GroupView>, saved: Callback<()>) -> impl IntoView {
    let w = say::<GroupsWords>();
    let toaster = toaster();
    let typed = RwSignal::new(group.as_ref().map(Typed::of).unwrap_or_default());
    let wrong = RwSignal::new(None::<Wrong>);
    let is_new = group.is_none();
    let edited = Edited::new(group.as_ref().map(|g| g.revision));
    let kept = StoredValue::new(group.map(|g| g.set.exclude).unwrap_or_default());
    let error = move |field: &'static str| {
        Signal::derive(move || {
            wrong.with(|w| {
                w.as_ref()
                    .filter(|(f, _)| *f == field)
                    .map(|(_, why)| why.clone())
            })
        })
    };
    let save =
        Callback::new(
            move |()| match kept.with_value(|kept| typed.with_untracked(|t| t.parse(kept))) {
                Err((field, why)) => wrong.set(Some((field, said(&why)))),
                Ok((name, set)) => {
                    wrong.set(None);
                    spawn_local(async move {
                        match put_group(&name, &set, edited.revision()).await {
                            Ok(_) => {
                                toaster.done(fill!(w.saved, name = name));
                                saved.run(());
                            }
                            Err(failure) if edited.is_overtaken(&failure) => match groups().await {
                                Ok(all) => {
                                    let theirs = all.into_iter().find(|g| g.name == name);
                                    edited.overtaken(theirs.map(|g| (g.revision, g.set)));
                                }
                                Err(failure) => wrong.set(Some(at_field(&failure))),
                            },
                            Err(failure) => wrong.set(Some(at_field(&failure))),
                        }
                    });
                }
            },
        );
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        save.run(());
    };
    let field = move |id: &'static str,
                      label: &'static str,
                      hint: &'static str,
                      part: fn(&mut Typed) -> &mut String| {
        view! {
            <Field id=id label=label hint=hint error=error(id)>
                <input id=id autocomplete="off" spellcheck="false" disabled={id == "name" && !is_new}
                    prop:value=move || typed.try_update_untracked(|t| part(t).clone()).unwrap_or_default()
                    on:input=move |event| { typed.update(|t| *part(t) = event_target_value(&event)); } />
            </Field>
        }
    };
    view! {
        <form class="stack" on:submit=submit>
            {edited.meanwhile(|set| view! { <SetInWords set /> }.into_any(), save)}
            {field("name", w.name, w.name_hint, |t| &mut t.name)}
            {field("nodes", w.nodes, w.nodes_hint, |t| &mut t.nodes)}
            {field("groups", w.groups, w.groups_hint, |t| &mut t.groups)}
            {field("labels", w.labels, w.labels_hint, |t| &mut t.labels)}
            {field("exclude_nodes", w.exclude_nodes, w.nodes_hint, |t| &mut t.exclude_nodes)}
            {field("exclude_labels", w.exclude_labels, w.labels_hint, |t| &mut t.exclude_labels)}
            <footer><Cancel /><button type="submit" class="primary">{w.save}</button></footer>
        </form>
    }
}

/// The server's refusal at the field that it names, else at the first.
fn at_field(failure: &Failure) -> Wrong {
    let named = match failure {
        Failure::Refused(e) => e.field.as_deref(),
        Failure::Unreachable(_) => None,
    };
    let field = ["nodes", "groups", "labels"]
        .into_iter()
        .find(|f| named == Some(f))
        .unwrap_or("name");
    let hint = failure.hint().map(|h| format!(" ({h})")).unwrap_or_default();
    (field, format!("{}{hint}", failure.message()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_what_is_saved() {
        let typed = Typed {
            name: " dbs ".into(),
            nodes: "a1, a2".into(),
            labels: "role=db,!canary".into(),
            exclude_nodes: "a9".into(),
            ..Typed::default()
        };
        let (name, set) = typed.parse(&Exclude::default()).unwrap();
        assert_eq!(
            (name.to_string(), list(&set.nodes)),
            ("dbs".into(), "a1, a2".into())
        );
        let view = GroupView {
            name,
            revision: 3,
            set,
            members: vec![],
        };
        assert_eq!(
            Typed::of(&view),
            Typed {
                name: "dbs".into(),
                ..typed
            }
        );
    }

    #[test]
    fn what_is_wrong_is_told_at_its_field() {
        let field = |typed: Typed| typed.parse(&Exclude::default()).map_err(|(field, _)| field);
        assert_eq!(
            field(Typed {
                labels: "((".into(),
                ..Typed::default()
            })
            .unwrap_err(),
            "labels"
        );
        assert_eq!(field(Typed::default()).unwrap_err(), "name");
    }
}
