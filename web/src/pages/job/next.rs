//! When the job is due next: in its zone and in the viewer's, with what moves or suppresses it.

use std::sync::Arc;

use shared::{
    api::{NextFire, NextFires},
    schedule::{Change, Row, Zone},
    time::Time,
};

use super::{ledger, words::JobWords};
use crate::{
    locale::{self, clock_time, date_time, duration, exact, zone_name},
    parts::{
        icon::{Glyph, Icon},
        reason::reason_words,
        when::Ago,
    },
    prelude::*,
    words::say,
};

#[component]
pub fn NextRuns(
    next: Signal<Arc<NextFires>>,
    /// The zones that its schedules are read in.
    zones: Memo<Vec<Zone>>,
    /// The first of them; the viewer's if there is none.
    zone: Memo<Zone>,
    at: RwSignal<Option<Time>>,
) -> impl IntoView {
    let w = say::<JobWords>();
    move || {
        next.with(|next| {
            let zone = zone.get();
            let is_other = zone != locale::zone();
            let triggers = next.triggers.iter().map(|said| view! { <li>{said.clone()}</li> });
            let nothing = match (next.triggers.is_empty(), next.fires.is_empty()) {
                (true, _) => Some(w.manual),
                (false, true) => Some(w.over),
                _ => None,
            };
            let zone_said = next.fires.first().map(|fire| {
                let (zone, here) = (zone_name(fire.at, zone), zone_name(fire.at, locale::zone()));
                let said = match is_other {
                    true => fill!(w.in_zones, zone = zone, here = here),
                    false => fill!(w.in_zone, zone = zone),
                };
                view! { <p class="muted job-zone">{said}</p> }
            });
            let own = zones.get();
            let instants: Vec<Time> = next.fires.iter().map(|fire| fire.at).collect();
            let mut rows = Vec::new();
            for (i, (fire, row)) in next.fires.iter().zip(&next.listing.rows).enumerate() {
                let before = next
                    .listing
                    .changes
                    .iter()
                    .filter(|change| change.row as usize == i)
                    .filter(|change| own.contains(&change.zone) || is_near(change.at, &instants));
                rows.extend(before.map(changed));
                rows.push(due(fire, row, zone, is_other, at));
            }
            view! {
                <ul class="job-triggers">{triggers.collect_view()}</ul>
                {next.paused.then(|| view! { <p class="stale">{w.paused_next}</p> })}
                {nothing.map(|said| view! { <p class="muted">{said}</p> })}
                {zone_said}
                <ol class="job-next" class:is-paused=next.paused>{rows}</ol>
            }
        })
    }
}

/// One instant. A click asks the ledger about it.
fn due(fire: &NextFire, row: &Row, zone: Zone, is_other: bool, at: RwSignal<Option<Time>>) -> AnyView {
    let w = say::<JobWords>();
    let instant = fire.at;
    let jitter = fire.start_at.since(fire.at);
    let here = is_other.then(|| {
        let here = locale::zone();
        view! { <span class="muted" title=exact(instant, here)>{fill!(w.here, time = clock_time(instant, here))}</span> }
    });
    let suppressed = fire.suppressed.as_ref().map(|reason| {
        view! { <p class="job-mark"><Icon glyph=Glyph::Calendar />{fill!(w.blackout, why = reason_words(reason))}</p> }
    });
    view! {
        <li class:is-suppressed=fire.suppressed.is_some()>
            <button type="button" class="plain" title=exact(instant, zone) on:click=move |_| ledger::open(at, instant)>
                <time datetime=instant.to_string()>{date_time(instant, zone)}</time>
            </button>
            <span class="job-in"><Ago at=instant /></span>
            {here}
            {(!jitter.is_zero()).then(|| view! {
                <span class="muted" title=exact(fire.start_at, zone)>{fill!(w.jitter, length = duration(jitter))}</span>
            })}
            {row.mark.as_ref().map(|mark| view! { <p class="job-mark"><Icon glyph=Glyph::Clock />{mark.words.clone()}</p> })}
            {suppressed}
        </li>
    }
    .into_any()
}

/// Whether an instant is within a day of one of these. The viewer's clocks matter only then:
/// of a job that is due once a year they would fill the list.
fn is_near(at: Time, instants: &[Time]) -> bool {
    const DAY_MS: u64 = 86_400_000;
    let apart = |instant: &Time| instant.as_millis().abs_diff(at.as_millis());
    instants.iter().any(|instant| apart(instant) <= DAY_MS)
}

fn changed(change: &Change) -> AnyView {
    view! { <li class="job-change"><Icon glyph=Glyph::Clock />{format!("{} · {}", change.zone, change.words)}</li> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_far_change_of_the_clock_is_not_near() {
        let at = |text: &str| text.parse::<Time>().unwrap();
        let yearly = [at("2027-01-01T00:00:00Z"), at("2028-01-01T00:00:00Z")];
        assert!(!is_near(at("2027-03-28T01:00:00Z"), &yearly));
        assert!(is_near(at("2027-12-31T01:00:00Z"), &yearly));
        assert!(is_near(at("2027-01-01T20:00:00Z"), &yearly));
    }
}
