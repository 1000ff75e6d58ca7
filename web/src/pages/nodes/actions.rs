//! What can be done to a node, wherever it is shown.

use leptos::{prelude::*, task::spawn_local};
use leptos_router::hooks::use_navigate;
use shared::{
    api::{IntentPatch, NodeState, NodeView},
    id::NodeId,
};

use super::{NodesWords, list::name};
use crate::{
    api::nodes::{forget, intend},
    parts::{
        confirm::{self, Question},
        icon::{Glyph, Icon},
        toast::{Toaster, toaster},
    },
    words::say,
};

/// The buttons that fit the node's state.
#[component]
pub fn NodeActions(node: NodeView) -> impl IntoView {
    let w = say::<NodesWords>();
    let (toaster, asker) = (toaster(), confirm::asker());
    let navigate = StoredValue::new(use_navigate());
    let shown = name(&node).to_owned();
    let id = StoredValue::new(node.id.clone());
    let shown = StoredValue::new(shown);

    let question = move |title: &str, text: &str, verb: &str, is_dangerous, act: Callback<()>| {
        let name = shown.get_value();
        Question {
            title: fill!(title, node = name),
            text: text.into(),
            what: vec![],
            verb: verb.into(),
            is_dangerous,
            act,
        }
    };
    let back = move || {
        wish(
            toaster,
            id.get_value(),
            back_wish(),
            fill!(w.uncordoned, node = shown.get_value()),
            None,
        );
    };
    let cordon = move || {
        let act = Callback::new(move |()| {
            let wanted = IntentPatch {
                cordoned: Some(true),
                ..IntentPatch::default()
            };
            let said = fill!(w.cordoned_done, node = shown.get_value());
            wish(toaster, id.get_value(), wanted, said, Some(back_wish()));
        });
        confirm::ask(
            asker,
            question(w.cordon_title, w.cordon_about, w.cordon, false, act),
        );
    };
    let drain = move || {
        let act = Callback::new(move |()| {
            let wanted = IntentPatch {
                draining: Some(true),
                ..IntentPatch::default()
            };
            let said = fill!(w.draining_done, node = shown.get_value());
            wish(toaster, id.get_value(), wanted, said, Some(back_wish()));
        });
        confirm::ask(asker, question(w.drain_title, w.drain_about, w.drain, true, act));
    };
    let remove = move || {
        let act = Callback::new(move |()| {
            let said = fill!(w.forgotten, node = shown.get_value());
            spawn_local(async move {
                match forget(&id.get_value()).await {
                    Ok(()) => {
                        toaster.done(said);
                        navigate.with_value(|go| go("/nodes", Default::default()));
                    }
                    Err(failure) => toaster.failed(&failure),
                }
            });
        });
        confirm::ask(
            asker,
            question(w.forget_title, w.forget_about, w.forget, true, act),
        );
    };
    let is_held = node.intent.cordoned || node.intent.draining;
    let is_down = node.state == NodeState::Down;
    view! {
        {is_held.then(|| view! {
            <button type="button" on:click=move |_| back()><Icon glyph=Glyph::Check />{w.uncordon}</button>
        })}
        {(!is_held).then(|| view! {
            <button type="button" on:click=move |_| cordon()><Icon glyph=Glyph::Forbidden />{w.cordon}</button>
        })}
        {(!node.intent.draining).then(|| view! {
            <button type="button" on:click=move |_| drain()><Icon glyph=Glyph::Drain />{w.drain}</button>
        })}
        {is_down.then(|| view! {
            <button type="button" class="is-dangerous" on:click=move |_| remove()>
                <Icon glyph=Glyph::Trash />{w.forget}
            </button>
        })}
    }
}

fn back_wish() -> IntentPatch {
    IntentPatch {
        cordoned: Some(false),
        draining: Some(false),
        ..IntentPatch::default()
    }
}

/// Tells the server, then the viewer; with a way back where there is one.
pub fn wish(toaster: Toaster, id: NodeId, wanted: IntentPatch, said: String, back: Option<IntentPatch>) {
    spawn_local(async move {
        match intend(&id, &wanted).await {
            Err(failure) => toaster.failed(&failure),
            Ok(_) => match back {
                None => toaster.done(said),
                Some(back) => {
                    let undo = Callback::new(move |()| {
                        let (id, back) = (id.clone(), back.clone());
                        spawn_local(async move {
                            if let Err(failure) = intend(&id, &back).await {
                                toaster.failed(&failure);
                            }
                        });
                    });
                    toaster.done_undo(said, undo);
                }
            },
        }
    });
}
