//! The dialog that runs a job now: where, with what environment, and what came of it.

use std::collections::BTreeMap;

use shared::{
    api::{Ordered, OrderedRun, RunNow},
    id::JobPath,
};

use super::ActionWords;
use crate::{
    address,
    api::{Failure, jobs},
    parts::{
        dialog::{Cancel, Dialog, opened_by},
        feedback::{self, shown},
        field::Field,
        icon::{Glyph, Icon},
        prose::prose,
    },
    prelude::*,
    remote::remote,
    words::say,
};

/// Opens the dialog. Taken while the view is made, for use in its events.
#[derive(Clone, Copy)]
pub struct RunAsker(RwSignal<Option<JobPath>>);

pub fn provide() {
    provide_context(RunAsker(RwSignal::new(None)));
}

pub fn asker() -> RunAsker {
    expect_context()
}

impl RunAsker {
    pub fn ask(self, job: JobPath) {
        self.0.set(Some(job));
    }
}

/// The one dialog for all of them; the shell has it.
#[component]
pub fn RunDialog() -> impl IntoView {
    let RunAsker(asked) = asker();
    let w = say::<ActionWords>();
    let open = opened_by(asked);
    let title = Signal::derive(move || {
        asked.with(|job| {
            job.as_ref()
                .map(|job| fill!(w.run_title_one, job = job))
                .unwrap_or_default()
        })
    });
    view! {
        <Dialog open title>
            {move || asked.get().map(|job| view! { <Asking job open /> })}
        </Dialog>
    }
}

#[component]
fn Asking(job: JobPath, open: RwSignal<bool>) -> impl IntoView {
    let w = say::<ActionWords>();
    let ordered = RwSignal::new(None::<Ordered>);
    let asked_for = StoredValue::new(job);
    move || {
        match ordered.get() {
        Some(Ordered { runs }) => view! {
            <p>{w.ordered}</p>
            <ul class="ordered">{runs.into_iter().map(|run| ordered_run(run, open)).collect_view()}</ul>
            <footer>
                <button type="button" on:click=move |_| ordered.set(None)>{w.again}</button>
                <button type="button" class="primary" autofocus on:click=move |_| open.set(false)>{w.close}</button>
            </footer>
        }
        .into_any(),
        None => view! { <RunForm job=asked_for.get_value() ordered /> }.into_any(),
    }
    }
}

fn ordered_run(run: OrderedRun, open: RwSignal<bool>) -> impl IntoView {
    let w = say::<ActionWords>();
    let said = match run.slot {
        Some(slot) => fill!(w.ordered_slot, run = run.id, node = run.node, slot = slot),
        None => fill!(w.ordered_one, run = run.id, node = run.node),
    };
    view! {
        <li><a href=address::of_run(run.id) on:click=move |_| open.set(false)>
            <Icon glyph=Glyph::Play /><span>{said}</span>
        </a></li>
    }
}

#[component]
fn RunForm(job: JobPath, ordered: RwSignal<Option<Ordered>>) -> impl IntoView {
    let w = say::<ActionWords>();
    let job = StoredValue::new(job);
    let (env, node, slot) = (
        NodeRef::<html::Textarea>::new(),
        NodeRef::<html::Select>::new(),
        NodeRef::<html::Select>::new(),
    );
    let wrong = RwSignal::new(None::<String>);
    let failure = RwSignal::new(None::<Failure>);
    let is_busy = RwSignal::new(false);
    let places = remote(&[], move || job.get_value(), jobs::whereabouts);
    let run = move || {
        let text = env.get_untracked().map(|e| e.value()).unwrap_or_default();
        let chosen =
            |select: NodeRef<html::Select>| select.get_untracked().map(|e| e.value()).unwrap_or_default();
        let env = match environment(&text) {
            Ok(env) => env,
            Err(line) => return wrong.set(Some(fill!(w.env_no_name, line = line))),
        };
        let how = RunNow {
            env,
            node: chosen(node).parse().ok(),
            slot: chosen(slot).parse().ok(),
        };
        wrong.set(None);
        failure.set(None);
        is_busy.set(true);
        spawn_local(async move {
            let answer = jobs::run(&job.get_value(), &how).await;
            is_busy.try_set(false);
            match answer {
                Ok(done) => drop(ordered.try_set(Some(done))),
                Err(refused) => drop(failure.try_set(Some(refused))),
            }
        });
    };
    view! {
        <form class="stack" on:submit=move |event| { event.prevent_default(); run(); }>
            {shown(places, move |places| {
                let places = places.get_untracked();
                let can: Vec<String> = places.nodes.iter().filter(|n| n.matches).map(|n| n.node.to_string()).collect();
                let is_nowhere = can.is_empty();
                let slots = places.slots.len();
                view! {
                    <Field id="run-node" label=w.node
                        hint=if is_nowhere { w.no_node_matches } else { "" }>
                        <select id="run-node" node_ref=node>
                            <option value="">{w.where_it_belongs}</option>
                            {can.into_iter().map(|id| view! { <option value=id.clone()>{id.clone()}</option> }).collect_view()}
                        </select>
                    </Field>
                    {(slots > 1).then(|| view! {
                        <Field id="run-slot" label=w.slot>
                            <select id="run-slot" node_ref=slot>
                                <option value="">{w.every_slot}</option>
                                {(0..slots).map(|n| view! {
                                    <option value=n.to_string()>{fill!(w.slot_n, n = n)}</option>
                                }).collect_view()}
                            </select>
                        </Field>
                    })}
                }
            })}
            <Field id="run-env" label=w.environment hint=w.environment_hint error=wrong>
                <textarea id="run-env" rows="3" node_ref=env spellcheck="false" placeholder="NAME=value"
                    aria-describedby="run-env-error"></textarea>
            </Field>
            {move || failure.get().map(|failure| view! {
                <div class="failed" role="alert">
                    <Icon glyph=Glyph::Warning />
                    <div>
                        <p><strong>{feedback::title(&failure)}</strong></p>
                        <p>{prose(&failure.message())}</p>
                        {failure.hint().map(|hint| view! { <p class="muted">{prose(&hint)}</p> })}
                    </div>
                </div>
            })}
            <footer>
                <Cancel />
                <button type="submit" class="primary" disabled=is_busy><Icon glyph=Glyph::Play />{w.run_now}</button>
            </footer>
        </form>
    }
}

/// Reads `NAME=value` lines; empty ones and those that begin with `#` say nothing. The error
/// is the line that cannot be read, counted from 1.
fn environment(text: &str) -> Result<BTreeMap<String, String>, usize> {
    let mut env = BTreeMap::new();
    for (i, line) in text.lines().enumerate() {
        let line = line.trim_start();
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        match line.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() => {
                env.insert(name.trim().to_owned(), value.to_owned());
            }
            _ => return Err(i + 1),
        }
    }
    Ok(env)
}

#[cfg(test)]
mod tests {
    use super::environment;

    #[test]
    fn environments_are_lines() {
        let env = environment("A=1\n\n# not this\n  B = x = y \nEMPTY=").unwrap();
        let pairs: Vec<_> = env.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(pairs, [("A", "1"), ("B", " x = y "), ("EMPTY", "")]);
        assert_eq!(environment("A=1\nnothing"), Err(2));
        assert_eq!(environment("=x"), Err(1));
    }
}
