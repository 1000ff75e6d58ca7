//! What this instance is, and whether its parts answer.

use std::sync::Arc;

use shared::api::{BASE, Changed, Part, overview::About, paths};

use super::SettingsWords;
use crate::{
    api,
    locale::sentences::said,
    parts::{
        feedback::shown,
        icon::Glyph,
        state::{Badge, Tone},
        when::At,
    },
    prelude::*,
    remote::remote,
    words::say,
};

#[component]
pub fn AboutCard() -> impl IntoView {
    let w = say::<SettingsWords>();
    let about = remote(&[Changed::Masters], || (), |()| api::about::about());
    view! {
        <section class="card" aria-label=w.about>
            <header><h2>{w.about}</h2></header>
            {shown(about, |about| move || view! { <Facts about=about.get() /> })}
        </section>
    }
}

#[component]
fn Facts(about: Arc<About>) -> impl IntoView {
    let w = say::<SettingsWords>();
    let here = about.master.clone();
    let masters = about.masters.iter().cloned().map(|master| {
        let is_here = master.id == here;
        view! {
            <li>
                <span class="mono">{master.url}</span> " " {master.version} " "
                {master.leads.then(|| view! { <Badge tone=Tone::Good glyph=Glyph::Check text=w.leads /> })}
                {is_here.then(|| view! { <small class="muted">" " {w.answers}</small> })}
            </li>
        }
    });
    view! {
        <dl class="facts body">
            <dt>{w.version}</dt><dd>{about.version.clone()}</dd>
            <dt>{w.since}</dt><dd><At at=about.started_at /></dd>
            <dt>{w.tzdb}</dt><dd>{about.tzdb.clone()}</dd>
            <dt>{w.store}</dt><dd><PartState part=about.store.clone() /></dd>
            <dt>{w.database}</dt><dd><PartState part=about.database.clone() /></dd>
            <dt>{w.masters}</dt><dd><ul>{masters.collect_view()}</ul></dd>
            <dt>"API"</dt>
            <dd><a href=format!("{BASE}{}", paths::OPENAPI) rel="external" target="_blank">{w.api}</a></dd>
        </dl>
    }
}

#[component]
fn PartState(part: Part) -> impl IntoView {
    let w = say::<SettingsWords>();
    let (tone, glyph, text) = match part.error {
        None if part.ok => (Tone::Good, Glyph::Check, w.fine.to_owned()),
        why => (
            Tone::Bad,
            Glyph::Cross,
            why.as_deref().map(said).unwrap_or_default(),
        ),
    };
    view! { {part.kind} " " <Badge tone glyph text /> }
}
