//! What somebody should look at, the most urgent first.

use shared::api::{
    Part,
    board::JobState,
    overview::{Attention, NodeTrouble, TroubledJob, TroubledNode},
};

use super::words::OverviewWords;
use crate::{
    locale::{count, millis, sentences::said},
    parts::{
        icon::{Glyph, Icon},
        job_state::{JobStateBadge, trouble_text},
        prose::prose,
        state::{Badge, Tone},
        when::Ago,
    },
    prelude::*,
    words::say,
};

#[component]
pub fn AttentionCard(attention: Attention) -> impl IntoView {
    let w = say::<OverviewWords>();
    if attention.is_empty() {
        return view! {
            <section class="card attention is-fine" aria-label=w.attention>
                <p><Icon glyph=Glyph::Check />{w.fine}</p>
            </section>
        }
        .into_any();
    }
    let troubled = JobState::ALL.into_iter().filter(|state| state.needs_attention());
    let states: Vec<&str> = troubled.map(JobState::as_str).collect();
    let all = format!("/jobs?state={}", states.join(","));
    let more = attention.jobs_count as usize - attention.jobs.len().min(attention.jobs_count as usize);
    view! {
        <section class="card attention" aria-label=w.attention>
            <header><h2>{w.attention}</h2></header>
            <ul>
                {attention.no_leader.then(|| view! {
                    <li><Badge tone=Tone::Bad glyph=Glyph::Warning text=w.no_leader /><span>{w.no_leader_about}</span></li>
                })}
                {attention.parts.into_iter().map(|part| view! { <PartLine part /> }).collect_view()}
                {attention.broken.into_iter().map(|why| view! {
                    <li><Badge tone=Tone::Bad glyph=Glyph::Warning text=w.broken /><span>{prose(&said(&why))}</span></li>
                }).collect_view()}
                {attention.nodes.into_iter().map(|node| view! { <NodeLine node /> }).collect_view()}
                {attention.jobs.into_iter().map(|job| view! { <JobLine job /> }).collect_view()}
                {(more > 0).then(|| view! {
                    <li class="muted">{fill!(w.and_more_jobs, n = count(more as u64))} " " <a href=all>{w.all_troubled}</a></li>
                })}
            </ul>
        </section>
    }
    .into_any()
}

#[component]
fn PartLine(part: Part) -> impl IntoView {
    let w = say::<OverviewWords>();
    view! {
        <li>
            <Badge tone=Tone::Bad glyph=Glyph::Cross text=fill!(w.part_down, part = part.kind) />
            <span>{part.error.as_deref().map(said)}</span>
        </li>
    }
}

#[component]
fn NodeLine(node: TroubledNode) -> impl IntoView {
    let w = say::<OverviewWords>();
    let (tone, glyph, text) = match node.why {
        NodeTrouble::Down if node.slots > 0 => {
            (Tone::Bad, Glyph::Cross, fill!(w.node_down_slots, n = node.slots))
        }
        NodeTrouble::Down => (Tone::Bad, Glyph::Cross, w.node_down.to_owned()),
        NodeTrouble::ClockOff { offset_ms } => (
            Tone::Warning,
            Glyph::Clock,
            fill!(w.node_clock, off = millis(offset_ms.unsigned_abs())),
        ),
        NodeTrouble::Draining => (Tone::Quiet, Glyph::Drain, w.node_draining.to_owned()),
        NodeTrouble::Cordoned => (Tone::Quiet, Glyph::Forbidden, w.node_cordoned.to_owned()),
    };
    view! {
        <li>
            <Badge tone glyph text=w.nodes />
            <span><a href=format!("/nodes/{}", node.node)>{node.node.to_string()}</a> " " {text}</span>
            {node.last_seen.map(|at| view! { <span class="muted nowrap"><Ago at /></span> })}
        </li>
    }
}

#[component]
fn JobLine(job: TroubledJob) -> impl IntoView {
    let href = format!("/jobs/{}/{}", job.job.namespace, job.job.name);
    view! {
        <li>
            <JobStateBadge state=job.state />
            <span>
                <a href=href>{job.job.to_string()}</a>
                {job.trouble.map(|trouble| view! { <small class="muted">{prose(&trouble_text(&trouble))}</small> })}
            </span>
        </li>
    }
}
