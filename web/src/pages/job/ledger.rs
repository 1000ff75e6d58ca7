//! The ledger: any instant, and why the job did or did not run then.

use std::{sync::Arc, time::Duration};

use jiff::civil;
use shared::{
    api::{JobView, NextFires, Why},
    fire,
    id::JobPath,
    schedule::Zone,
    time::Time,
};

use super::{
    runs::{has_slots, line},
    standing::compiled,
    words::JobWords,
};
use crate::{
    api::jobs,
    browser, clock,
    locale::{self, ago, count, date_time, exact, sentences, zone_name},
    parts::{
        feedback::shown,
        icon::{Glyph, Icon},
        reason::reason_words,
    },
    prelude::*,
    remote::remote,
    words::say,
};

/// What became of an instant, in one sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    Recorded(usize),
    ManualOnly,
    NotDue,
    /// It does not count: the job is younger, was changed or resumed later.
    Before,
    Paused,
    ToCome,
    Unrecorded,
}

fn verdict(why: &Why, view: &JobView, now: Time) -> Verdict {
    let triggers = compiled(view);
    let just_before = Time::from_millis(why.at.as_millis() - 1);
    match () {
        () if !why.runs.is_empty() => Verdict::Recorded(why.runs.len()),
        () if triggers.is_empty() => Verdict::ManualOnly,
        () if fire::next(&triggers, just_before) != Some(why.at) => Verdict::NotDue,
        () if why.at <= view.since => Verdict::Before,
        () if view.spec.paused => Verdict::Paused,
        () if why.at > now => Verdict::ToCome,
        () => Verdict::Unrecorded,
    }
}

/// Opens the ledger at an instant that was picked elsewhere on the page, and brings it in sight.
pub fn open(at: RwSignal<Option<Time>>, instant: Time) {
    at.set(Some(instant));
    if let Some(ledger) = browser::document().get_element_by_id("ledger") {
        ledger.scroll_into_view();
    }
}

/// The value of a `datetime-local` box in a zone. A time that the clocks jump over is the one
/// after the gap.
fn read(value: &str, zone: Zone) -> Option<Time> {
    let clock: civil::DateTime = value.parse().ok()?;
    Some(zone.instant(clock))
}

fn written(at: Time, zone: Zone) -> String {
    format!("{:.0}", zone.clock(at))
}

#[component]
pub fn Ledger(
    job: JobPath,
    view: Signal<Arc<JobView>>,
    zone: Memo<Zone>,
    next: Signal<Option<Arc<NextFires>>>,
    at: RwSignal<Option<Time>>,
) -> impl IntoView {
    let w = say::<JobWords>();
    let field = NodeRef::<html::Input>::new();
    let is_wrong = RwSignal::new(false);
    let step = move |forward: bool| {
        let triggers = view.with_untracked(|view| compiled(view));
        let from = at.get_untracked().unwrap_or_else(clock::now);
        let found = if forward {
            fire::next(&triggers, from)
        } else {
            fire::prev(&triggers, from)
        };
        if let Some(found) = found {
            at.set(Some(found));
        }
    };
    let ask = move || {
        let value = field
            .get_untracked()
            .map(|field| field.value())
            .unwrap_or_default();
        match read(&value, zone.get_untracked()) {
            Some(instant) => {
                is_wrong.set(false);
                at.set(Some(instant));
            }
            None => is_wrong.set(true),
        }
    };
    let has_triggers = Memo::new(move |_| view.with(|view| !view.spec.triggers.is_empty()));
    let is_asked = Memo::new(move |_| at.with(Option::is_some));
    let text = move || at.get().map(|at| written(at, zone.get())).unwrap_or_default();
    let name = move || zone_name(clock::now(), zone.get());
    let job = StoredValue::new(job);
    let earlier = move || if is_asked.get() { w.earlier } else { w.last_instant };
    let later = move || if is_asked.get() { w.later } else { w.next_instant };
    view! {
        <p class="muted">{w.ledger_about}</p>
        <form class="job-ask" on:submit=move |event| { event.prevent_default(); ask(); }>
            <div class="field" class:is-wrong=is_wrong>
                <label for="ledger-at">{move || fill!(w.instant, zone = name())}</label>
                <div class="row">
                    {move || has_triggers.get().then(|| view! {
                        <button type="button" title=earlier aria-label=earlier on:click=move |_| step(false)><Icon glyph=Glyph::Left /></button>
                    })}
                    <input id="ledger-at" type="datetime-local" step="1" node_ref=field prop:value=text
                        aria-describedby="ledger-at-error" aria-invalid=move || is_wrong.get().to_string() />
                    {move || has_triggers.get().then(|| view! {
                        <button type="button" title=later aria-label=later on:click=move |_| step(true)><Icon glyph=Glyph::Right /></button>
                    })}
                    <button type="submit">{w.ask_why}</button>
                </div>
                <p class="error" id="ledger-at-error" role="alert">{move || is_wrong.get().then_some(w.bad_instant)}</p>
            </div>
        </form>
        {move || is_asked.get().then(|| {
            let why = remote(
                &[shared::api::Changed::Runs, shared::api::Changed::Jobs],
                move || at.get().unwrap_or_default(),
                move |at| jobs::why(job.get_value(), at),
            );
            shown(why, move |why| view! { <Answer why view zone next at /> })
        })}
    }
}

#[component]
fn Answer(
    why: Signal<Arc<Why>>,
    view: Signal<Arc<JobView>>,
    zone: Memo<Zone>,
    next: Signal<Option<Arc<NextFires>>>,
    at: RwSignal<Option<Time>>,
) -> impl IntoView {
    let w = say::<JobWords>();
    move || {
        let (why, view, zone) = (why.get(), view.get(), zone.get());
        let now = clock::now();
        let said = match verdict(&why, &view, now) {
            Verdict::Recorded(1) => w.v_ran.to_owned(),
            Verdict::Recorded(n) => fill!(w.v_ran_many, n = count(n as u64)),
            Verdict::ManualOnly => w.v_manual_only.to_owned(),
            Verdict::NotDue => w.v_not_due.to_owned(),
            Verdict::Before => w.v_before.to_owned(),
            Verdict::Paused => w.v_paused.to_owned(),
            Verdict::ToCome => fill!(w.v_to_come, ago = ago(why.at, now)),
            Verdict::Unrecorded => w.v_unrecorded.to_owned(),
        };
        // Another instant than the one asked for: a fire is moved by its jitter.
        let asked = at
            .get()
            .filter(|asked| asked.since(why.at).max(why.at.since(*asked)) >= Duration::from_secs(1));
        let nearest = asked.map(|_| view! { <p>{fill!(w.v_nearest, at = exact(why.at, zone))}</p> });
        let suppressed = next.get().and_then(|next| {
            let fire = next.fires.iter().find(|fire| fire.at == why.at)?;
            fire.suppressed
                .as_ref()
                .map(|reason| fill!(w.blackout, why = reason_words(reason)))
        });
        let here = locale::zone();
        let is_other = here != zone;
        view! {
            <div class="job-answer" aria-live="polite">
                <h3>{date_time(why.at, zone)}" "<span class="muted">{zone_name(why.at, zone)}</span></h3>
                {is_other.then(|| view! { <p class="muted">{fill!(w.here, time = exact(why.at, here))}</p> })}
                <p class="job-verdict">{said}</p>
                {suppressed.map(|said| view! { <p class="job-mark"><Icon glyph=Glyph::Calendar />{said}</p> })}
                {nearest}
                {(!why.runs.is_empty()).then(|| view! {
                    <div class="job-scroll"><table class="job-runs"><tbody>{why.runs.iter().map(|run| line(run, has_slots(&view))).collect_view()}</tbody></table></div>
                })}
                <details open>
                    <summary>{w.said_by_server}</summary>
                    <ul>{why.answer.iter().map(|sentence| view! { <li>{sentences::said(sentence)}</li> }).collect_view()}</ul>
                </details>
            </div>
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::schedule::Zone;

    use super::*;
    use crate::pages::job::standing::tests::view;

    fn at(text: &str) -> Time {
        text.parse().unwrap()
    }

    #[test]
    fn instants_are_those_of_the_jobs_zone() {
        let berlin: Zone = "Europe/Berlin".parse().unwrap();
        assert_eq!(read("2026-07-01T08:00", berlin), Some(at("2026-07-01T06:00:00Z")));
        assert_eq!(
            read("2026-07-01T08:00:05", berlin),
            Some(at("2026-07-01T06:00:05Z"))
        );
        assert_eq!(written(at("2026-07-01T06:00:05Z"), berlin), "2026-07-01T08:00:05");
        assert_eq!(
            read("2026-03-29T02:30", berlin),
            Some(at("2026-03-29T01:30:00Z")),
            "jumped over"
        );
        assert_eq!(read("", berlin), None);
    }

    fn judged(spec: serde_json::Value, instant: &str) -> Verdict {
        let why = Why {
            job: "default/a".parse().unwrap(),
            at: at(instant),
            answer: vec![],
            runs: vec![],
        };
        verdict(&why, &view(spec), at("2026-02-01T00:00:00Z"))
    }

    #[test]
    fn verdicts() {
        let hourly = || serde_json::json!({"schedule": "0 * * * *"});
        assert_eq!(
            judged(serde_json::json!({}), "2026-01-05T00:00:00Z"),
            Verdict::ManualOnly
        );
        assert_eq!(judged(hourly(), "2026-01-05T00:30:00Z"), Verdict::NotDue);
        assert_eq!(judged(hourly(), "2025-01-05T00:00:00Z"), Verdict::Before);
        assert_eq!(judged(hourly(), "2026-01-05T01:00:00Z"), Verdict::Unrecorded);
        assert_eq!(judged(hourly(), "2026-03-05T01:00:00Z"), Verdict::ToCome);
        let paused = serde_json::json!({"schedule": "0 * * * *", "paused": true});
        assert_eq!(judged(paused, "2026-01-05T01:00:00Z"), Verdict::Paused);
    }
}
