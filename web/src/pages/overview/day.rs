//! The past and the coming hours on one axis: what ran, and the load to come.

use std::time::Duration;

use shared::{api::overview::Day, history::Outcomes, time::Time};

use super::{
    strip::{Column, HEIGHT, Strip, WIDTH, layout},
    words::OverviewWords,
};
use crate::{
    locale::{brief, count, fixed, in_a_row, short_time, zone, zone_name},
    parts::{PartWords, axis::marks},
    prelude::*,
    words::say,
};

#[component]
pub fn DayCard(day: Day, now: Time) -> impl IntoView {
    let w = say::<OverviewWords>();
    let step = brief(Duration::from_millis(day.step_ms.max(0) as u64));
    let about = fill!(w.day_about, step = step, zone = zone_name(now, zone()));
    let notes = [
        day.past_error.is_some().then_some(w.day_failed),
        day.estimated.then_some(w.estimated),
    ];
    let picture = match layout(&day, now) {
        Some(strip) => view! { <Picture strip now /> }.into_any(),
        None => view! { <p class="muted">{w.day_none}</p> }.into_any(),
    };
    view! {
        <section class="card day" aria-label=w.day>
            <header>
                <h2>{w.day}</h2>
                <ul class="legend">
                    <li data-tone="good">{w.succeeded}</li>
                    <li data-tone="bad">{w.troubled}</li>
                    <li data-tone="warning">{w.unrun}</li>
                    <li data-tone="plan">{w.planned}</li>
                </ul>
            </header>
            <div class="body">
                {picture}
                <p class="muted day-note">
                    {in_a_row([about.as_str()].into_iter().chain(notes.into_iter().flatten()))}
                </p>
            </div>
        </section>
    }
}

#[component]
fn Picture(strip: Strip, now: Time) -> impl IntoView {
    let w = say::<OverviewWords>();
    let zone = zone();
    let span = (strip.to.as_millis() - strip.from.as_millis()).max(1) as f64;
    let percent = |at: Time| (at.as_millis() - strip.from.as_millis()) as f64 / span * 100.0;
    let axis = marks(strip.from, strip.to, zone, 13).into_iter().map(|mark| {
        let left = fixed(percent(mark.at), 2) + "%";
        view! { <span class:is-midnight=mark.is_midnight style:left=left>{mark.label}</span> }
    });
    let now_left = fixed(strip.now_x / WIDTH * 100.0, 2) + "%";
    let most = count(strip.most);
    // Half as high is a quarter as many: heights are square roots.
    let quarter = (strip.most >= 8).then(|| count(strip.most / 4));
    let columns = strip
        .columns
        .into_iter()
        .map(|column| view! { <Bar column now /> });
    view! {
        <div class="strip">
            <svg viewBox=format!("0 0 {} {}", WIDTH as u32, HEIGHT as u32) preserveAspectRatio="none" role="img" aria-label=w.day>
                {columns.collect_view()}
            </svg>
            <span class="strip-most" aria-hidden="true">{most}</span>
            {quarter.map(|n| view! { <span class="strip-most is-half" aria-hidden="true">{n}</span> })}
            <span class="strip-now" style:left=now_left>{w.now}</span>
        </div>
        <div class="axis" aria-hidden="true" title=zone_name(now, zone)>{axis.collect_view()}</div>
    }
}

#[component]
fn Bar(column: Column, now: Time) -> impl IntoView {
    let Column {
        at,
        x,
        width,
        good,
        unrun,
        bad,
        planned,
        ran,
        coming,
        outcomes,
    } = column;
    let title = title(at, now, (ran, coming), outcomes.as_ref());
    let gap = (width * 0.14).min(2.0);
    let mut top = HEIGHT;
    let parts = [
        (good, "good"),
        (unrun, "warning"),
        (bad, "bad"),
        (planned, "plan"),
    ];
    let rects = parts
        .into_iter()
        .filter(|(height, _)| *height > 0.0)
        .map(|(height, tone)| {
            top -= height;
            let (x, y) = (fixed(x + gap / 2.0, 2), fixed(top.max(0.0), 2));
            let (width, height) = (fixed(width - gap, 2), fixed(height, 2));
            view! { <rect x=x y=y width=width height=height data-tone=tone /> }
        });
    let rects = rects.collect_view();
    view! {
        <g>
            <title>{title}</title>
            // All of the column tells, not only the bar.
            <rect class="column" x=fixed(x, 2) y="0" width=fixed(width, 2) height=fixed(HEIGHT, 0) />
            {rects}
        </g>
    }
}

/// `(ran, coming)` are how many ran, and how many are planned.
fn title(at: Time, now: Time, (ran, coming): (u64, u64), outcomes: Option<&Outcomes>) -> String {
    let w = say::<OverviewWords>();
    let zone = zone();
    let at = format!("{} ({})", short_time(at, now, zone), zone_name(at, zone));
    let Some(o) = outcomes else {
        return fill!(w.bucket_coming, at = at, n = count(coming));
    };
    let p = say::<PartWords>();
    let told = [
        (o.succeeded, p.succeeded),
        (o.failed, p.failed),
        (o.timed_out, p.timed_out),
        (o.killed, p.killed),
        (o.skipped, p.skipped),
        (o.missed, p.missed),
        (o.rejected, p.rejected),
        (o.lost, p.lost),
    ];
    let told = told
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, name)| format!("\n{} {name}", count(n as u64)));
    let coming = (coming > 0).then(|| format!("\n{} {}", count(coming), w.planned));
    format!(
        "{}{}{}",
        fill!(w.bucket_past, at = at, n = count(ran)),
        told.collect::<String>(),
        coming.unwrap_or_default()
    )
}
