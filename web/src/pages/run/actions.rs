//! What one can do with a run: end it, or ask for the same again.

use std::sync::Arc;

use leptos::ev::SubmitEvent;
use shared::{api::RunNow, history::RunView};

use super::words::RunWords;
use crate::{
    address, api,
    parts::{
        confirm::{Question, ask, asker},
        dialog::Dialog,
        field::Field,
        icon::{Glyph, Icon},
        toast::toaster,
    },
    prelude::*,
    remote::Remote,
    router::router,
    words::say,
};

#[component]
pub fn RunActions(run: Remote<RunView>) -> impl IntoView {
    let is_known = Memo::new(move |_| run.data().is_some());
    let can_end = Memo::new(move |_| run.data().is_some_and(|run| !run.state.is_end()));
    move || {
        is_known.get().then(|| {
            view! {
                <Again run />
                {move || can_end.get().then(|| view! { <Kill run /> })}
            }
        })
    }
}

/// Asks why; who reads the history later wants to know.
#[component]
fn Kill(run: Remote<RunView>) -> impl IntoView {
    let w = say::<RunWords>();
    let open = RwSignal::new(false);
    let is_asked = RwSignal::new(false);
    let toaster = toaster();
    let reason = NodeRef::<html::Input>::new();
    let kill = move |event: SubmitEvent| {
        event.prevent_default();
        let Some(id) = run.data_untracked().map(|run| run.id) else {
            return;
        };
        let why = reason
            .get_untracked()
            .map(|input| input.value())
            .unwrap_or_default();
        open.set(false);
        is_asked.set(true);
        spawn_local(async move {
            match api::runs::kill(id, why.trim().to_owned()).await {
                Ok(()) => toaster.done(w.kill_asked),
                Err(failure) => {
                    is_asked.try_set(false);
                    toaster.failed(&failure);
                    run.refresh();
                }
            }
        });
    };
    let title = Signal::derive(move || {
        let job = run.data().map(|run| run.job.to_string()).unwrap_or_default();
        fill!(w.kill_title, job = job)
    });
    let about = move || {
        let node = run.data().map(|run| run.node.to_string()).unwrap_or_default();
        fill!(w.kill_about, node = node)
    };
    view! {
        <button type="button" id="kill" class="danger" disabled=is_asked on:click=move |_| open.set(true)>
            <Icon glyph=Glyph::Stop />
            {move || if is_asked.get() { w.killing } else { w.kill }}
        </button>
        <Dialog open title>
            <form class="stack" on:submit=kill>
                <p>{about}</p>
                <Field id="kill-reason" label=w.kill_reason hint=w.kill_reason_hint>
                    <input id="kill-reason" node_ref=reason maxlength="1000" autocomplete="off" autofocus />
                </Field>
                <footer>
                    <button type="button" on:click=move |_| open.set(false)>{w.cancel}</button>
                    <button type="submit" class="danger">{w.kill}</button>
                </footer>
            </form>
        </Dialog>
    }
}

#[component]
fn Again(run: Remote<RunView>) -> impl IntoView {
    let w = say::<RunWords>();
    let (asker, toaster, navigate) = (asker(), toaster(), router());
    let again = move |_| {
        let Some(run) = run.data_untracked() else { return };
        let (with, job) = (same_again(&run), run.job.clone());
        let env = with
            .env
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect::<Vec<_>>();
        let mut text = match (&with.node, with.slot) {
            (None, Some(slot)) => fill!(w.again_about_slot, n = slot),
            (node, _) => fill!(w.again_about, node = node.as_ref().unwrap_or(&run.node)),
        };
        if !env.is_empty() {
            text = format!("{text} {}", w.again_env);
        }
        let act = Arc::new(move || {
            let (with, job) = (with.clone(), job.clone());
            spawn_local(async move {
                match api::runs::run_now(&job, &with).await {
                    Ok(ordered) => {
                        if let Some(run) = ordered.runs.first() {
                            navigate.go(&address::of_run(run.id));
                        }
                    }
                    Err(failure) => toaster.failed(&failure),
                }
            });
        });
        ask(
            asker,
            Question {
                title: fill!(w.again_title, job = run.job),
                text,
                what: env,
                verb: w.again_verb.into(),
                is_dangerous: false,
                act,
            },
        );
    };
    view! {
        <button type="button" on:click=again><Icon glyph=Glyph::Refresh />{w.again}</button>
    }
}

/// The same slot or, where every node runs it, the same node, with what was given.
fn same_again(run: &RunView) -> RunNow {
    let asked = run.asked.as_ref();
    RunNow {
        env: asked.map(|asked| asked.env.clone()).unwrap_or_default(),
        node: match run.slot {
            None => Some(run.node.clone()),
            Some(_) => asked.and_then(|asked| asked.node.clone()),
        },
        slot: run.slot,
    }
}
