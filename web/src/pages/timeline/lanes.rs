//! The picture: lanes of bars under one axis.

use std::sync::Arc;

use shared::{
    api::timeline::{Bar, Lane, Planned, Timeline as Picture},
    time::Time,
};

use super::{look, view::View, words::TimelineWords};
use crate::{
    address, clock,
    locale::{count, duration, exact, fixed, short_time, zone, zone_name},
    parts::{
        PartWords,
        axis::marks,
        feedback::Empty,
        state::{Tone, name, tone},
    },
    prelude::*,
    words::say,
};

/// Rows of a lane beyond this overlay the last: a lane must not fill the screen.
const ROWS_MAX: u32 = 8;
const ROW_PX: u32 = 16;
/// A bar is at least so wide, in percent of the window: it must be seen and hit.
const WIDTH_MIN: f64 = 0.25;

/// Where things stand: percent of the window.
#[derive(Clone, Copy)]
struct Scale {
    from: i64,
    span: f64,
}

impl Scale {
    fn of(from: Time, to: Time) -> Scale {
        Scale {
            from: from.as_millis(),
            span: (to.as_millis() - from.as_millis()).max(1) as f64,
        }
    }

    fn x(self, at: Time) -> f64 {
        (at.as_millis() - self.from) as f64 / self.span * 100.0
    }

    /// Where a stretch begins and how wide it is, cut at the window's edges.
    fn stretch(self, from: Time, to: Time) -> (f64, f64) {
        let (left, right) = (self.x(from).clamp(-1.0, 101.0), self.x(to).clamp(-1.0, 101.0));
        (left, (right - left).max(WIDTH_MIN))
    }
}

#[component]
pub fn Lanes(timeline: Signal<Arc<Picture>>, view: RwSignal<View>) -> impl IntoView {
    let w = say::<TimelineWords>();
    let element = NodeRef::<html::Div>::new();
    let dragged = StoredValue::new(None::<i32>);
    let width = move || {
        element
            .get_untracked()
            .map_or(1.0, |e| f64::from(e.client_width()).max(1.0))
    };
    view! {
        <div class="card timeline" node_ref=element
            on:wheel=move |event| {
                if event.ctrl_key() {
                    event.prevent_default();
                    let factor = if event.delta_y() > 0.0 { 1.25 } else { 0.8 };
                    look(view, |window| window.zoomed(factor, 0.5));
                }
            }
            on:pointerdown=move |event| dragged.set_value(Some(event.client_x()))
            on:pointermove=move |event| {
                let Some(start) = dragged.get_value() else { return };
                let moved = f64::from(event.client_x() - start) / width();
                // Less is a click with a trembling hand.
                if moved.abs() > 0.01 && event.buttons() == 1 {
                    dragged.set_value(Some(event.client_x()));
                    look(view, |window| window.moved(-moved, clock::now()));
                }
            }
            on:pointerup=move |_| dragged.set_value(None)>
            {move || {
                let picture = timeline.get();
                if picture.lanes.is_empty() {
                    return view! { <Empty title=w.none><p>{w.none_about}</p></Empty> }.into_any();
                }
                view! { <Drawn picture /> }.into_any()
            }}
        </div>
    }
}

#[component]
fn Drawn(picture: Arc<Picture>) -> impl IntoView {
    let w = say::<TimelineWords>();
    let zone = zone();
    let scale = Scale::of(picture.from, picture.to);
    let max = if crate::browser::is_wider_than(820) { 13 } else { 5 };
    let axis = marks(picture.from, picture.to, zone, max)
        .into_iter()
        .map(|mark| {
            let left = fixed(scale.x(mark.at), 3) + "%";
            view! { <span class:is-midnight=mark.is_midnight style:left=left>{mark.label}</span> }
        });
    let now = clock::ticking();
    let now_left = move || fixed(scale.x(now.get()), 3) + "%";
    let is_now_in = move || (0.0..=100.0).contains(&scale.x(now.get()));
    let notes = [
        picture
            .runs_since
            .map(|at| fill!(w.runs_since, at = short_time(at, picture.now, zone))),
        picture.more_planned.then(|| w.more_planned.to_owned()),
        picture.more_lanes.then(|| w.more_lanes.to_owned()),
    ];
    let lanes = picture.lanes.iter().enumerate().map(|(i, lane)| {
        let bars: Vec<Bar> = picture
            .bars
            .iter()
            .filter(|b| b.lane as usize == i)
            .cloned()
            .collect();
        let planned: Vec<Planned> = picture
            .planned
            .iter()
            .filter(|p| p.lane as usize == i)
            .cloned()
            .collect();
        view! { <OneLane lane=lane.clone() bars planned scale now=picture.now /> }
    });
    view! {
        {notes.into_iter().flatten().map(|note| view! { <p class="stale">{note}</p> }).collect_view()}
        <Legend />
        <div class="timeline-grid">
            <div class="lane timeline-axis" aria-hidden="true" title=zone_name(picture.now, zone)>
                <span></span>
                <div class="axis">{axis.collect_view()}</div>
            </div>
            {lanes.collect_view()}
            <div class="lane timeline-now" aria-hidden="true">
                <span></span>
                <div><Show when=is_now_in><span class="now-line" style:left=now_left></span></Show></div>
            </div>
        </div>
    }
}

/// What the colours stand for.
#[component]
fn Legend() -> impl IntoView {
    let (w, p) = (say::<TimelineWords>(), say::<PartWords>());
    let tones = [
        (Tone::Good, vec![p.succeeded]),
        (Tone::Bad, vec![p.failed, p.timed_out, p.rejected]),
        (Tone::Warning, vec![p.missed, p.lost, p.killed]),
        (Tone::Busy, vec![p.running]),
        (Tone::Quiet, vec![p.skipped, p.queued]),
    ];
    let tones = tones.map(|(tone, names)| view! { <li data-tone=tone.as_str()>{names.join(w.or)}</li> });
    view! {
        <ul class="legend timeline-legend">
            {tones.collect_view()}
            <li class="is-outline">{w.outline}</li>
        </ul>
    }
}

#[component]
fn OneLane(lane: Lane, bars: Vec<Bar>, planned: Vec<Planned>, scale: Scale, now: Time) -> impl IntoView {
    let rows = lane.rows.clamp(1, ROWS_MAX);
    let height = (rows * ROW_PX + 8).to_string();
    let href = match (&lane.node, &lane.job) {
        (Some(node), _) => format!("/nodes/{node}"),
        (None, Some(job)) => format!("/jobs/{}/{}", job.namespace, job.name),
        (None, None) => "/runs".to_owned(),
    };
    let bars = bars.into_iter().map(|bar| view! { <OneBar bar scale now /> });
    let planned = planned
        .into_iter()
        .map(|each| view! { <OnePlanned planned=each scale /> });
    view! {
        <div class="lane">
            <a class="lane-name" href=href title=lane.name.clone()>{lane.name.clone()}</a>
            <svg height=height width="100%" role="group" aria-label=lane.name>
                {planned.collect_view()}
                {bars.collect_view()}
            </svg>
        </div>
    }
}

#[component]
fn OneBar(bar: Bar, scale: Scale, now: Time) -> impl IntoView {
    let title = bar_title(&bar);
    let (x, width) = scale.stretch(bar.from, bar.to.unwrap_or(now));
    let tone = tone(bar.state);
    // What went wrong is higher than the rest, not only of another colour.
    let inset = if matches!(tone, Tone::Bad | Tone::Warning) {
        0
    } else {
        3
    };
    let y = 4 + bar.row.min(ROWS_MAX - 1) * ROW_PX + inset;
    let href = if bar.count > 1 {
        format!("/runs?job={}&until={}", bar.job, bar.to.unwrap_or(now))
    } else {
        address::of_run(bar.run)
    };
    view! {
        // Below a `g`, `a` and `title` are SVG's and not HTML's.
        <g><a href=href aria-label=title.clone() draggable="false">
            <rect class="bar" class:is-many={bar.count > 1} data-tone=tone.as_str() x=fixed(x, 3) + "%" y=y.to_string()
                width=fixed(width, 3) + "%" height=(ROW_PX - 2 - 2 * inset).to_string() rx="2">
                <title>{title.clone()}</title>
            </rect>
        </a></g>
    }
}

fn bar_title(bar: &Bar) -> String {
    let w = say::<TimelineWords>();
    let from = exact(bar.from, zone());
    let state = name(bar.state);
    if bar.count > 1 {
        return fill!(
            w.bars,
            n = count(bar.count.into()),
            job = bar.job,
            state = state,
            from = from
        );
    }
    let took = match bar.to {
        Some(to) => duration(to.since(bar.from)),
        None => w.going_on.to_owned(),
    };
    fill!(
        w.bar,
        job = bar.job,
        state = state,
        node = bar.node,
        from = from,
        took = took
    )
}

#[component]
fn OnePlanned(planned: Planned, scale: Scale) -> impl IntoView {
    let w = say::<TimelineWords>();
    let at = exact(planned.at, zone());
    let title = if planned.count > 1 {
        fill!(
            w.planned_n,
            n = count(planned.count.into()),
            at = at,
            job = planned.job
        )
    } else {
        fill!(w.planned, job = planned.job, at = at)
    };
    let usual = Time::from_millis(planned.at.as_millis() + planned.usual_ms.unwrap_or(0) as i64);
    let (x, width) = scale.stretch(planned.at, planned.until.unwrap_or(usual));
    let href = format!("/jobs/{}/{}", planned.job.namespace, planned.job.name);
    view! {
        <g><a href=href aria-label=title.clone() draggable="false">
            <rect class="planned" x=fixed(x, 3) + "%" y="7" width=fixed(width, 3) + "%" height="10" rx="2">
                <title>{title.clone()}</title>
            </rect>
        </a></g>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_are_cut_at_the_edges_and_stay_visible() {
        let at = Time::from_millis;
        let scale = Scale::of(at(1_000), at(2_000));
        assert_eq!(scale.stretch(at(1_250), at(1_500)), (25.0, 25.0));
        assert_eq!(scale.stretch(at(-9_000), at(1_500)), (-1.0, 51.0));
        assert_eq!(scale.stretch(at(1_500), at(1_500)), (50.0, WIDTH_MIN));
    }
}
