//! Groups: named sets of nodes, with the nodes that each matches now.

mod form;
mod words;

use std::sync::Arc;

use shared::{
    api::{Changed, GroupView},
    target::NodeSet,
};

use crate::{
    api,
    locale::count,
    parts::{
        dialog::{Dialog, opened_by},
        feedback::{Empty, shown},
        icon::{Glyph, Icon},
        kept::{Deletion, KeptCard},
        page::Page,
    },
    prelude::*,
    remote::{Asking, remote},
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
        |()| Asking::of(api::groups::groups()),
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
            <button type="button" id="add" class="primary" on:click=move |_| edit.run(None)>
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
    let edited = group.clone();
    let (name, revision) = (group.name.clone(), group.revision);
    let deletion = Deletion {
        title: fill!(w.delete_title, name = name),
        text: w.delete_about.into(),
        what: group.members.iter().map(ToString::to_string).collect(),
        done: fill!(w.deleted, name = name),
        call: Arc::new(move || Box::pin(api::groups::delete_group(name.clone(), revision))),
    };
    let edit = Callback::new(move |()| edit.run(Some(edited.clone())));
    let is_none = group.members.is_empty();
    view! {
        <KeptCard name=group.name.to_string() edit edit_verb=w.edit deletion delete_verb=w.delete>
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
        </KeptCard>
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
