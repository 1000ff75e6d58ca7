//! Durations and outcomes over time: a point a run. A point leads to its run, the ground
//! between them to the ledger.

use std::sync::Arc;

use shared::{
    api::timeline::{JobHistory, Point},
    run::State,
    time::Time,
};

use super::{
    ledger,
    plot::{Plot, is_filled, length, plot, shape},
    words::JobWords,
};
use crate::{
    address, clock,
    locale::{self, count, exact, millis, zone_name},
    parts::{axis, feedback::Empty, state},
    prelude::*,
    router::router,
    words::say,
};

const HEIGHT: f64 = 190.0;

#[component]
pub fn Chart(history: Signal<Arc<JobHistory>>, at: RwSignal<Option<Time>>) -> impl IntoView {
    let w = say::<JobWords>();
    let is_empty = Memo::new(move |_| history.with(|h| h.points.is_empty()));
    move || match is_empty.get() {
        true => view! { <Empty title=w.no_history><p>{w.no_history_about}</p></Empty> }.into_any(),
        false => view! { <Sums history /><Picture history at /> }.into_any(),
    }
}

/// The figures above the picture.
#[component]
fn Sums(history: Signal<Arc<JobHistory>>) -> impl IntoView {
    let w = say::<JobWords>();
    let sum = |value: String, name: &'static str| view! { <div><dd>{value}</dd><dt>{name}</dt></div> };
    move || {
        history.with(|h| {
            let running = h.points.iter().filter(|p| p.state == State::Running).count();
            view! {
                <dl class="job-sums">
                    {h.success_percent.map(|n| sum(format!("{n} %"), w.stat_success))}
                    {h.usual_ms.map(|ms| sum(millis(ms), w.stat_usual))}
                    {h.p95_ms.map(|ms| sum(millis(ms), w.stat_p95))}
                    {(running > 0).then(|| sum(count(running as u64), w.stat_running))}
                    {sum(format!("{}{}", count(h.points.len() as u64), if h.more { "+" } else { "" }), w.stat_runs)}
                </dl>
            }
        })
    }
}

/// What the pointer or the keys are at.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Pointed {
    Run(usize),
    Instant(Time, f64),
}

#[component]
fn Picture(history: Signal<Arc<JobHistory>>, at: RwSignal<Option<Time>>) -> impl IntoView {
    let w = say::<JobWords>();
    let drawn = Memo::new(move |_| history.with(|h| plot(&h.points, h.usual_ms, clock::now())));
    let pointed = RwSignal::new(None::<Pointed>);
    let element = NodeRef::<html::Div>::new();
    let look = move |event: &ev::PointerEvent| -> Option<Pointed> {
        let bounds = element.get_untracked()?.get_bounding_client_rect();
        let (x, y) = (
            f64::from(event.client_x()) - bounds.left(),
            f64::from(event.client_y()) - bounds.top(),
        );
        drawn.with_untracked(|plot| match plot.near(x, y, bounds.width(), bounds.height()) {
            Some(i) => Some(Pointed::Run(i)),
            None => {
                let share = x / bounds.width().max(1.0);
                (0.0..=1.0)
                    .contains(&share)
                    .then(|| Pointed::Instant(plot.at(share), share))
            }
        })
    };
    let navigate = router();
    let take = move || match pointed.get_untracked() {
        Some(Pointed::Run(i)) => {
            if let Some(point) = history.with_untracked(|h| h.points.get(i).cloned()) {
                navigate.go(&address::of_run(point.run));
            }
        }
        Some(Pointed::Instant(instant, _)) => ledger::open(at, instant),
        None => {}
    };
    let by_key = take;
    let step = move |event: ev::KeyboardEvent| {
        let n = history.with_untracked(|h| h.points.len());
        let now_at = match pointed.get_untracked() {
            Some(Pointed::Run(i)) => Some(i),
            _ => None,
        };
        let wanted = match event.key().as_str() {
            "ArrowLeft" => now_at.map_or(n.checked_sub(1), |i| i.checked_sub(1)),
            "ArrowRight" => now_at.map_or(n.checked_sub(1), |i| (i + 1 < n).then_some(i + 1)),
            "Home" => Some(0),
            "End" => n.checked_sub(1),
            "Enter" => return by_key(),
            "Escape" => return pointed.set(None),
            _ => return,
        };
        event.prevent_default();
        if let Some(i) = wanted {
            pointed.set(Some(Pointed::Run(i)));
        }
    };
    let summary = move || {
        let n = history.with(|h| h.points.len());
        format!(
            "{} {}",
            fill!(w.history_about, n = count(n as u64)),
            w.history_keys
        )
    };
    view! {
        <div class="job-chart" role="group" tabindex="0" aria-label=summary on:keydown=step
            on:blur=move |_| pointed.set(None)>
            <div class="job-plot" node_ref=element class:is-at-run=move || matches!(pointed.get(), Some(Pointed::Run(_)))
                on:pointermove=move |event| pointed.set(look(&event))
                on:pointerleave=move |_| pointed.set(None)
                on:click=move |_| take()>
                {move || drawn.with(drawing)}
                {move || pointed.get().map(|pointed| drawn.with(|plot| cross(plot, pointed)))}
            </div>
            <div class="job-tip" role="status" aria-live="polite">
                {move || match pointed.get() {
                    Some(pointed) => history.with(|h| tip(h, pointed)),
                    // The axis says no zone.
                    None => view! { <span class="muted">{fill!(w.in_zone, zone = zone_name(clock::now(), locale::zone()))}</span> }.into_any(),
                }}
            </div>
        </div>
    }
}

fn share(x: f64) -> String {
    locale::fixed(x * 100.0, 3) + "%"
}

fn drawing(plot: &Plot) -> impl IntoView + use<> {
    let w = say::<JobWords>();
    let zone = locale::zone();
    let span = plot.to.since(plot.from).as_millis().max(1) as f64;
    let hours = axis::marks(plot.from, plot.to, zone, 6);
    let hours = hours.into_iter().map(|mark| {
        let x = share(mark.at.since(plot.from).as_millis() as f64 / span);
        view! {
            <line class="is-hour" x1=x.clone() x2=x.clone() y1="0" y2="100%" />
            <text class="is-hour" x=x y="100%" dy="18" text-anchor="middle">{mark.label}</text>
        }
    });
    let lines = plot.lines.iter().map(|(y, ms)| {
        view! {
            <line class="is-length" x1="0" x2="100%" y1=share(*y) y2=share(*y) />
            <text class="is-length" x="-8" y=share(*y) dy="4" text-anchor="end">{locale::brief(std::time::Duration::from_millis(*ms))}</text>
        }
    });
    let usual = plot
        .usual
        .map(|y| view! { <line class="is-usual" x1="0" x2="100%" y1=share(y) y2=share(y) /> });
    let dots = plot.dots.iter().map(|dot| view! {
        <svg x=share(dot.x) y=share(dot.y) overflow="visible">
            <path d=shape(dot.state) data-tone=state::tone(dot.state).as_str() class:is-line=!is_filled(dot.state) />
        </svg>
    });
    view! {
        <svg width="100%" height=locale::fixed(HEIGHT, 0) overflow="visible" aria-hidden="true">
            <title>{w.history}</title>
            {hours.collect_view()}
            {lines.collect_view()}
            {usual}
            <line class="is-ground" x1="0" x2="100%" y1="100%" y2="100%" />
            {dots.collect_view()}
        </svg>
    }
}

/// A line where the pointer is, and a ring around its run.
fn cross(plot: &Plot, pointed: Pointed) -> impl IntoView + use<> {
    let (x, ring) = match pointed {
        Pointed::Run(i) => match plot.dots.get(i) {
            Some(dot) => (dot.x, Some(dot.y)),
            None => return ().into_any(),
        },
        Pointed::Instant(_, x) => (x, None),
    };
    view! {
        <svg class="job-cross" width="100%" height=locale::fixed(HEIGHT, 0) overflow="visible" aria-hidden="true">
            <line x1=share(x) x2=share(x) y1="0" y2="100%" />
            {ring.map(|y| view! { <circle cx=share(x) cy=share(y) r="8" /> })}
        </svg>
    }
    .into_any()
}

fn tip(history: &JobHistory, pointed: Pointed) -> AnyView {
    let w = say::<JobWords>();
    match pointed {
        Pointed::Instant(instant, _) => view! {
            <span>{exact(instant, locale::zone())}</span>
            <span class="muted">{w.instant_ask}</span>
        }
        .into_any(),
        Pointed::Run(i) => match history.points.get(i) {
            Some(point) => told(point),
            None => ().into_any(),
        },
    }
}

fn told(point: &Point) -> AnyView {
    let w = say::<JobWords>();
    let mut more = Vec::new();
    if let Some(ms) = length(point, clock::now()) {
        more.push(fill!(w.point_took, length = millis(ms)));
    }
    if let Some(late) = point.late_ms.filter(|ms| *ms >= 1_000) {
        more.push(fill!(w.point_late, length = millis(late as u64)));
    }
    more.push(fill!(w.point_on, node = point.node));
    view! {
        <state::StateBadge state=point.state />
        <span>{exact(point.at, locale::zone())}</span>
        <span>{more.join(" · ")}</span>
        <span class="muted">{w.point_open}</span>
    }
    .into_any()
}
