//! When, where and why a run was, and what it cost.

use std::sync::Arc;

use shared::{history::RunView, time::Time};

use super::words::RunWords;
use crate::{
    browser,
    locale::{self, count, date_time, duration, exact, millis, sentences::said, size, zone_name},
    parts::{
        icon::{Glyph, Icon},
        reason::{cause_name, signal_name},
        toast::toaster,
        when::Ago,
    },
    prelude::*,
    words::say,
};

#[component]
pub fn Facts(run: Signal<Arc<RunView>>) -> impl IntoView {
    let w = say::<RunWords>();
    // Redrawn as a whole when a report changes anything: that is seldom.
    move || {
        let run = run.get();
        let has_run = run.started_at.is_some();
        let cause = match &run.asked {
            Some(asked) => fill!(w.asked_by, cause = cause_name(run.cause), by = said(&asked.by)),
            None => cause_name(run.cause).to_owned(),
        };
        let env = run
            .asked
            .as_ref()
            .map(|asked| asked.env.clone())
            .unwrap_or_default();
        view! {
            <dl class="run-facts">
                {fact(w.scheduled, moment(run.scheduled_at))}
                {run.started_at.map(|at| fact(w.started, started(at, run.scheduled_at)))}
                {run.finished_at.map(|at| fact(w.ended, moment(at)))}
                {fact(w.node, place(&run))}
                {fact(w.cause, cause.into_any())}
                {fact(w.attempt, run.attempt.into_any())}
                {run.exit_code.map(|code| fact(w.exit_code, number(code.to_string())))}
                {run.signal.map(|signal| {
                    let name = signal_name(signal).map(|name| format!(" {name}")).unwrap_or_default();
                    fact(w.signal, number(format!("{signal}{name}")))
                })}
                {(has_run && run.usage.cpu_ms > 0).then(|| fact(w.cpu, number(millis(run.usage.cpu_ms))))}
                {(has_run && run.usage.memory_max_bytes > 0)
                    .then(|| fact(w.memory, number(size(run.usage.memory_max_bytes))))}
                {has_run.then(|| fact(w.written, number(size(run.output.bytes))))}
                {run.retry_at.map(|at| fact(w.retry_at, moment(at)))}
                {run.range.map(|range| fact(w.stands_for, view! {
                    {fill!(w.instants, n = count(range.count))} " " {moment(range.until)}
                }.into_any()))}
                {(!env.is_empty()).then(|| view! {
                    <div class="run-env">
                        <dt>{w.environment}</dt>
                        <dd>
                            {env.into_iter().map(|(name, value)| view! {
                                <code>{name}"="{value}</code>
                            }).collect_view()}
                        </dd>
                    </div>
                })}
            </dl>
        }
    }
}

fn fact(name: &'static str, value: AnyView) -> impl IntoView {
    view! { <div><dt>{name}</dt><dd>{value}</dd></div> }
}

fn number(text: String) -> AnyView {
    view! { <span class="number">{text}</span> }.into_any()
}

/// The day, the time and the zone; how long ago beside it.
fn moment(at: Time) -> AnyView {
    let zone = locale::zone();
    let name = zone_name(at, zone);
    let name = name.rsplit(", ").next().unwrap_or(&name).to_owned();
    view! {
        <time datetime=at.to_string() title=exact(at, zone)>{date_time(at, zone)} " " <small>{name}</small></time>
        " " <small class="muted"><Ago at /></small>
    }
    .into_any()
}

fn started(at: Time, scheduled: Time) -> AnyView {
    let w = say::<RunWords>();
    let late = at.since(scheduled);
    view! {
        {moment(at)}
        <small class="muted run-late">{fill!(w.late, n = duration(late))}</small>
    }
    .into_any()
}

fn place(run: &RunView) -> AnyView {
    let w = say::<RunWords>();
    let (href, node) = (format!("/nodes/{}", run.node), run.node.to_string());
    let slot = run.slot.map(|slot| fill!(w.slot, n = slot));
    view! {
        <a href=href>{node}</a>
        {slot.map(|slot| view! { " · " {slot} })}
    }
    .into_any()
}

/// The run's id, and a button that copies it.
#[component]
pub fn RunIdShown(id: String) -> impl IntoView {
    let w = say::<RunWords>();
    let toaster = toaster();
    let text = id.clone();
    view! {
        <code>{id}</code>
        <button type="button" class="plain copy" aria-label=w.copy_id title=w.copy_id
            on:click=move |_| { browser::copy(&text); toaster.done(w.copied); }>
            <Icon glyph=Glyph::Copy />
        </button>
    }
}
