//! The instants to come, as one types: in the job's zone and the viewer's, with what changes of
//! the clock and calendars do to them.

use std::{collections::BTreeMap, sync::Arc};

use shared::{
    api::calendars::CalendarView,
    calendar::{Blackouts, Calendars, Inlined, InlinedCalendar},
    run::Reason,
    schedule::{Change, Listing, MarkKind, Row, Zone},
    time::Time,
};

use super::{
    model::{Path, tree, upcoming},
    state::{editing, lang},
    words::EditorWords,
};
use crate::{
    clock,
    locale::{self, date_time, exact},
    parts::{
        icon::{Glyph, Icon},
        state::{Badge, Tone},
        when::Ago,
    },
    prelude::*,
    remote::Remote,
    words::say,
};

const SHOWN: usize = 10;
/// How often the list moves on, in seconds.
const STEP: i64 = 10;

/// What is shown: the instants, and those that calendars suppress.
#[derive(Clone, PartialEq)]
struct Shown {
    listing: Listing,
    /// In which the instants are told: the expressions' own.
    zones: Vec<Zone>,
    skipped: Vec<Option<String>>,
}

#[component]
pub fn Next(calendars: Remote<Vec<CalendarView>>) -> impl IntoView {
    let w = say::<EditorWords>();
    let editing = editing();
    let ticking = clock::ticking();
    let from = Memo::new(move |_| Time::from_secs(ticking.get().as_secs() / STEP * STEP));
    let triggers = Memo::new(move |_| editing.tree.with(tree::triggers));
    let named = Memo::new(move |_| {
        let named = editing
            .tree
            .with(|tree| tree::get(tree, &Path::of("calendars")).cloned());
        named
            .and_then(|value| shared::file::value::to::<Calendars>(value).ok())
            .unwrap_or_default()
    });
    let blackouts = Memo::always(move |_| named.with(|named| blackouts(named, calendars.data())));
    let shown = Memo::new(move |_| {
        let listing = triggers.with(|triggers| {
            upcoming::upcoming(
                triggers,
                editing.seed(),
                from.get().max(Time::EPOCH),
                SHOWN,
                Some(locale::zone()),
                lang(),
            )
        });
        let skipped = blackouts.with(|blackouts| {
            listing
                .rows
                .iter()
                .map(|row| blackouts.suppressed(row.at).map(|why| calendar_of(&why)))
                .collect()
        });
        let mut zones = triggers.with(|triggers| upcoming::zones(triggers));
        if zones.is_empty() {
            zones.push(listing.zone);
        }
        Shown {
            listing,
            zones,
            skipped,
        }
    });
    let is_hashed = Memo::new(move |_| {
        editing.base.with(Option::is_none) && triggers.with(|all| all.iter().any(upcoming::is_hashed))
    });
    let jitter = Memo::new(move |_| {
        let texts = triggers.with(|all| {
            all.iter()
                .filter_map(|t| Some(t.get("jitter")?.text()?.to_owned()))
                .collect::<Vec<_>>()
        });
        let spans = texts
            .iter()
            .filter_map(|text| text.parse::<shared::units::Span>().ok());
        spans
            .filter(|span| !span.is_zero())
            .max()
            .map(|span| span.to_string())
    });
    let paused = editing.field(Path::of("paused"));
    let is_right =
        Memo::new(move |_| triggers.with(|all| all.iter().all(|t| upcoming::words(t, 0, lang()).is_some())));
    view! {
        <section class="next" aria-label=w.next_ten>
            <h3>{w.next_ten}</h3>
            <Show when=move || paused.with(|p| p == "true")><p class="muted">{w.while_paused}</p></Show>
            {move || {
                let shown = shown.get();
                match (triggers.with(Vec::is_empty), shown.listing.rows.is_empty()) {
                    (true, _) => view! { <p class="muted">{w.no_triggers}</p> }.into_any(),
                    (false, true) if !is_right.get() => view! { <p class="muted">{w.nothing_to_show}</p> }.into_any(),
                    (false, true) => view! { <p class="muted">{w.never_again}</p> }.into_any(),
                    (false, false) => table(shown).into_any(),
                }
            }}
            {move || jitter.get().map(|span| view! { <p class="muted small">{fill!(w.jittered, span = span)}</p> })}
            <Show when=move || is_hashed.get()><p class="muted small">{w.hashed}</p></Show>
        </section>
    }
}

fn table(shown: Shown) -> impl IntoView {
    let w = say::<EditorWords>();
    let Shown {
        listing,
        mut zones,
        skipped,
    } = shown;
    let in_zone = |zone: &Zone| view! { <th>{fill!(w.in_zone, zone = zone)}</th> };
    let own = zones.iter().map(in_zone).collect_view();
    let yours = listing.also.filter(|yours| !zones.contains(yours));
    zones.extend(yours);
    let columns = zones.len() + 1;
    let mut lines = Vec::new();
    for (i, (row, skipped)) in listing.rows.into_iter().zip(skipped).enumerate() {
        let before = listing.changes.iter().filter(|change| change.row as usize == i);
        lines.extend(before.map(|change| clock_change(change, columns).into_any()));
        lines.push(instant(row, &zones, skipped).into_any());
    }
    view! {
        <table class="instants">
            <thead><tr>
                {own}
                {yours.map(|yours| view! { <th>{fill!(w.yours, zone = yours)}</th> })}
                <th class="number">{w.from_now}</th>
            </tr></thead>
            <tbody>{lines}</tbody>
        </table>
    }
}

/// In each of the zones; the first is where its mark stands.
fn instant(row: Row, zones: &[Zone], skipped: Option<String>) -> impl IntoView + use<> {
    let w = say::<EditorWords>();
    let told = |zone: &Zone| {
        view! { <time datetime=row.at.to_string() title=exact(row.at, *zone)>{date_time(row.at, *zone)}</time> }
    };
    let is_skipped = skipped.is_some();
    let first = zones.first().map(told);
    let others = zones
        .iter()
        .skip(1)
        .map(|zone| view! { <td class="number">{told(zone)}</td> })
        .collect_view();
    view! {
        <tr class:is-skipped=is_skipped>
            <td class="number">
                <span class="at">{first}</span>
                {row.mark.map(|mark| {
                    let kind = match mark.kind { MarkKind::Moved => "moved", MarkKind::First => "first" };
                    view! { <span class="clock-mark" data-mark=kind><Icon glyph=Glyph::Clock />{mark.words}</span> }
                })}
                {skipped.map(|calendar| view! {
                    <Badge tone=Tone::Quiet glyph=Glyph::Skip text=format!("{} · {calendar}", w.skipped) />
                })}
            </td>
            {others}
            <td class="number"><Ago at=row.at /></td>
        </tr>
    }
}

/// The clocks of a zone are set between two instants.
fn clock_change(change: &Change, columns: usize) -> impl IntoView + use<> {
    let (zone, words) = (change.zone.name(), change.words.clone());
    let offsets = format!("{} → {}", change.from, change.to);
    view! {
        <tr class="clock-change"><td colspan=columns.to_string()>
            <Icon glyph=Glyph::Refresh /><strong>{zone}</strong>" "{words}" "<span class="number">{offsets}</span>
        </td></tr>
    }
}

fn blackouts(named: &Calendars, all: Option<Arc<Vec<CalendarView>>>) -> Blackouts {
    let all = all.unwrap_or_default();
    let inlined: Inlined = all
        .iter()
        .map(|view| {
            let calendar = InlinedCalendar {
                revision: view.revision,
                calendar: Arc::new(view.calendar.clone()),
            };
            (view.name.clone(), calendar)
        })
        .collect::<BTreeMap<_, _>>();
    Blackouts::of(named, &inlined)
}

/// The calendars that a reason names.
fn calendar_of(reason: &Reason) -> String {
    match reason {
        Reason::Blackout { calendar } => calendar.clone(),
        Reason::OutsideCalendars { calendars } => calendars.join(", "),
        other => other.to_string(),
    }
}
