//! Groups: named sets of nodes, with the nodes that each matches now.

mod form;
mod words;

use std::sync::Arc;

use leptos::{prelude::*, task::spawn_local};
use shared::{
    api::{Changed, GroupView},
    target::NodeSet,
};

use crate::{
    api,
    locale::count,
    parts::{
        confirm::{self, Question},
        dialog::{Dialog, opened_by},
        feedback::{Empty, shown},
        icon::{Glyph, Icon},
        page::Page,
        toast::toaster,
    },
    remote::remote,
    words::say,
};
use form::GroupForm;
use words::GroupsWords;

#[component]
pub fn Groups() -> impl IntoView {
    let w = say::<GroupsWords>();
    let groups = remote(
        &[Changed::Groups, Changed::Nodes],
        || (),
        |()| api::groups::groups(),
    );
    // The group in the dialog; a new one has no view.
    let edited = RwSignal::new(None::<Option<GroupView>>);
    let open = opened_by(edited);
    let edit = Callback::new(move |group| edited.set(Some(group)));
    let title = Signal::derive(move || match edited.get() {
        Some(Some(group)) => fill!(w.edit_title, name = group.name),
        _ => w.new.to_owned(),
    });
    let saved = Callback::new(move |()| {
        open.set(false);
        groups.refresh();
    });
    let new = move || {
        view! {
            <button type="button" class="primary" on:click=move |_| edit.run(None)>
                <Icon glyph=Glyph::Plus />{w.new}
            </button>
        }
    };
    view! {
        <Page title=w.title actions=new>
            {shown(groups, move |groups| view! { <GroupList groups edit /> })}
            <Dialog open title>
                {move || edited.get().map(|group| view! { <GroupForm group saved /> })}
            </Dialog>
        </Page>
    }
}

#[component]
fn GroupList(groups: Signal<Arc<Vec<GroupView>>>, edit: Callback<Option<GroupView>>) -> impl IntoView {
    let w = say::<GroupsWords>();
    move || {
        let groups = groups.get();
        if groups.is_empty() {
            return view! { <Empty title=w.none><p>{w.none_about}</p></Empty> }.into_any();
        }
        let cards = groups
            .iter()
            .cloned()
            .map(|group| view! { <GroupCard group edit /> });
        view! { <div class="groups">{cards.collect_view()}</div> }.into_any()
    }
}

#[component]
fn GroupCard(group: GroupView, edit: Callback<Option<GroupView>>) -> impl IntoView {
    let w = say::<GroupsWords>();
    let (toaster, asker) = (toaster(), confirm::asker());
    let edited = group.clone();
    let (name, revision) = (group.name.clone(), group.revision);
    let members = group.members.clone();
    let delete = move |_| {
        let name = name.clone();
        let question = Question {
            title: fill!(w.delete_title, name = name),
            text: w.delete_about.into(),
            what: members.iter().map(ToString::to_string).collect(),
            verb: w.delete.into(),
            is_dangerous: true,
            act: Arc::new(move || {
                let name = name.clone();
                spawn_local(async move {
                    match api::groups::delete_group(&name, revision).await {
                        Ok(()) => toaster.done(fill!(w.deleted, name = name)),
                        Err(failure) => toaster.failed(&failure),
                    }
                });
            }),
        };
        confirm::ask(asker, question);
    };
    let edit_label = format!("{}: {}", w.edit, group.name);
    let delete_label = format!("{}: {}", w.delete, group.name);
    let is_none = group.members.is_empty();
    view! {
        <section class="card" aria-label=group.name.to_string()>
            <header>
                <h2>{group.name.to_string()}</h2>
                <div class="actions">
                    <button type="button" class="plain" aria-label=edit_label.clone() title=edit_label
                        on:click=move |_| edit.run(Some(edited.clone()))>
                        <Icon glyph=Glyph::Edit />
                    </button>
                    <button type="button" class="plain" aria-label=delete_label.clone() title=delete_label on:click=delete>
                        <Icon glyph=Glyph::Trash />
                    </button>
                </div>
            </header>
            <div class="body stack">
                <SetInWords set=group.set />
                <h3>{fill!(w.matches, n = count(group.members.len() as u64))}</h3>
                {is_none.then(|| view! { <p class="muted">{w.matches_none}</p> })}
                <p class="row">
                    {group
                        .members
                        .into_iter()
                        .map(|node| view! { <a class="chip" href=format!("/nodes/{node}")>{node.to_string()}</a> })
                        .collect_view()}
                </p>
            </div>
        </section>
    }
}

/// What the set says, part by part.
#[component]
fn SetInWords(set: NodeSet) -> impl IntoView {
    let w = say::<GroupsWords>();
    if set.is_all() {
        return view! { <p class="muted">{w.everything}</p> }.into_any();
    }
    let facts = [
        (w.nodes, form::list(&set.nodes)),
        (w.groups, form::list(&set.groups)),
        (w.labels, set.labels.to_string()),
        (w.exclude_nodes, form::list(&set.exclude.nodes)),
        (w.exclude_labels, set.exclude.labels.to_string()),
    ];
    let given = facts.into_iter().filter(|(_, value)| !value.is_empty());
    view! {
        <dl class="facts">
            {given.map(|(name, value)| view! { <dt>{name}</dt><dd class="mono">{value}</dd> }).collect_view()}
        </dl>
    }
    .into_any()
}
