//! What can be done to a node, wherever it is shown.

use std::sync::Arc;

use shared::{
    api::{IntentPatch, NodeState, NodeView},
    id::NodeId,
};

use super::{NodesWords, list::name};
use crate::{
    api::nodes::{forget, intend},
    parts::{
        confirm::{self, Act, Asker, Question},
        icon::{Glyph, Icon},
        toast::{Toaster, toaster},
    },
    prelude::*,
    router::router,
    words::say,
};

/// Taken while the view is made, for use in its events.
#[derive(Clone, Copy)]
pub struct NodeDeeds {
    toaster: Toaster,
    asker: Asker,
}

pub fn node_deeds() -> NodeDeeds {
    NodeDeeds {
        toaster: toaster(),
        asker: confirm::asker(),
    }
}

impl NodeDeeds {
    /// Asks first; can be taken back.
    pub fn cordon(self, id: NodeId, name: String) {
        let w = say::<NodesWords>();
        let said = fill!(w.cordoned_done, node = name);
        let wanted = IntentPatch {
            cordoned: Some(true),
            ..IntentPatch::default()
        };
        let act = Arc::new(move || {
            wish(
                self.toaster,
                id.clone(),
                wanted.clone(),
                said.clone(),
                Some(back_wish()),
            );
        });
        self.ask(
            fill!(w.cordon_title, node = name),
            w.cordon_about,
            w.cordon,
            false,
            act,
        );
    }

    /// The same.
    pub fn drain(self, id: NodeId, name: String) {
        let w = say::<NodesWords>();
        let said = fill!(w.draining_done, node = name);
        let wanted = IntentPatch {
            draining: Some(true),
            ..IntentPatch::default()
        };
        let act = Arc::new(move || {
            wish(
                self.toaster,
                id.clone(),
                wanted.clone(),
                said.clone(),
                Some(back_wish()),
            );
        });
        self.ask(
            fill!(w.drain_title, node = name),
            w.drain_about,
            w.drain,
            true,
            act,
        );
    }

    /// At once: the node takes work again.
    pub fn uncordon(self, id: NodeId, name: String) {
        let said = fill!(say::<NodesWords>().uncordoned, node = name);
        wish(self.toaster, id, back_wish(), said, None);
    }

    /// Asks first, then forgets a node that is down and calls `after`.
    pub fn forget(self, id: NodeId, name: String, after: Act) {
        let w = say::<NodesWords>();
        let said = fill!(w.forgotten, node = name);
        let act = Arc::new(move || {
            let (id, said, after) = (id.clone(), said.clone(), after.clone());
            spawn_local(async move {
                match forget(&id).await {
                    Ok(()) => {
                        self.toaster.done(said);
                        after();
                    }
                    Err(failure) => self.toaster.failed(&failure),
                }
            });
        });
        self.ask(
            fill!(w.forget_title, node = name),
            w.forget_about,
            w.forget,
            true,
            act,
        );
    }

    fn ask(self, title: String, text: &str, verb: &str, is_dangerous: bool, act: Act) {
        let (text, verb) = (text.to_owned(), verb.to_owned());
        confirm::ask(
            self.asker,
            Question {
                title,
                text,
                what: vec![],
                verb,
                is_dangerous,
                act,
            },
        );
    }
}

/// The buttons that fit the node's state.
#[component]
pub fn NodeActions(node: NodeView) -> impl IntoView {
    let w = say::<NodesWords>();
    let deeds = node_deeds();
    let navigate = router();
    let gone: Act = Arc::new(move || navigate.go("/nodes"));
    let is_held = node.intent.cordoned || node.intent.draining;
    let is_draining = node.intent.draining;
    let is_down = node.state == NodeState::Down;
    let this = StoredValue::new((node.id.clone(), name(&node).to_owned()));
    let with = move |deed: fn(NodeDeeds, NodeId, String)| {
        let (id, name) = this.get_value();
        deed(deeds, id, name);
    };
    let remove = move |_| {
        let (id, name) = this.get_value();
        deeds.forget(id, name, gone.clone());
    };
    view! {
        {is_held.then(|| view! {
            <button type="button" on:click=move |_| with(NodeDeeds::uncordon)>
                <Icon glyph=Glyph::Check />{w.uncordon}
            </button>
        })}
        {(!is_held).then(|| view! {
            <button type="button" on:click=move |_| with(NodeDeeds::cordon)>
                <Icon glyph=Glyph::Forbidden />{w.cordon}
            </button>
        })}
        {(!is_draining).then(|| view! {
            <button type="button" on:click=move |_| with(NodeDeeds::drain)>
                <Icon glyph=Glyph::Drain />{w.drain}
            </button>
        })}
        {is_down.then(|| view! {
            <button type="button" class="is-dangerous" on:click=remove>
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
                    let undo = Arc::new(move || {
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
