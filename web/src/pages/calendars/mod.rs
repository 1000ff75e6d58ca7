//! Calendars: what they cover now and in the coming weeks, and which jobs use them.

mod days;
mod form;
mod words;

use std::sync::Arc;

use shared::{
    api::{Changed, calendars::CalendarView},
    calendar::{Calendar, Distance, Horizon},
};

use crate::{
    api, clock,
    locale::{count, short_time, zone},
    parts::{
        dialog::{Dialog, opened_by},
        feedback::{Empty, shown},
        icon::{Glyph, Icon},
        kept::{Deletion, KeptCard},
        page::Page,
        state::{Badge, Tone},
    },
    prelude::*,
    remote::{Asking, remote},
    words::say,
};
use days::{Covered, Day, weeks};
use form::CalendarForm;
use words::CalendarsWords;

/// How many weeks the picture shows.
const WEEKS: usize = 8;

#[component]
pub fn Calendars() -> impl IntoView {
    let w = say::<CalendarsWords>();
    let kinds = &[Changed::Calendars, Changed::Jobs];
    let calendars = remote(kinds, || (), |()| Asking::of(api::calendars::calendars()));
    // The calendar in the dialog; a new one has no view.
    let edited = RwSignal::new(None::<Option<CalendarView>>);
    let open = opened_by(edited);
    let edit = Callback::new(move |calendar| edited.set(Some(calendar)));
    let title = Signal::derive(move || match edited.get() {
        Some(Some(calendar)) => fill!(w.edit_title, name = calendar.name),
        _ => w.new.to_owned(),
    });
    let saved = Callback::new(move |()| {
        open.set(false);
        calendars.refresh();
    });
    let new = move || {
        view! {
            <button type="button" id="add" class="primary" on:click=move |_| edit.run(None)>
                <Icon glyph=Glyph::Plus />{w.new}
            </button>
        }
    };
    view! {
        <Page title=w.title actions=new>
            {shown(calendars, move |calendars| view! { <CalendarList calendars edit /> })}
            <Dialog open title>
                {move || edited.get().map(|calendar| view! { <CalendarForm calendar saved /> })}
            </Dialog>
        </Page>
    }
}

#[component]
fn CalendarList(
    calendars: Signal<Arc<Vec<CalendarView>>>,
    edit: Callback<Option<CalendarView>>,
) -> impl IntoView {
    let w = say::<CalendarsWords>();
    move || {
        let calendars = calendars.get();
        if calendars.is_empty() {
            return view! {
                <Empty title=w.none>
                    <p>{w.none_about}</p>
                    <p><code>"gnomon calendar import holidays FILE.ics"</code></p>
                </Empty>
            }
            .into_any();
        }
        let cards = calendars
            .iter()
            .cloned()
            .map(|calendar| view! { <CalendarCard view=calendar edit /> });
        view! { <div class="groups">{cards.collect_view()}</div> }.into_any()
    }
}

#[component]
fn CalendarCard(view: CalendarView, edit: Callback<Option<CalendarView>>) -> impl IntoView {
    let w = say::<CalendarsWords>();
    let (name, revision, edited) = (view.name.clone(), view.revision, view.clone());
    let deletion = Deletion {
        title: fill!(w.delete_title, name = name),
        text: String::new(),
        what: view.used_by.iter().map(ToString::to_string).collect(),
        done: fill!(w.deleted, name = name),
        call: Arc::new(move || Box::pin(api::calendars::delete_calendar(name.clone(), revision))),
    };
    let edit = Callback::new(move |()| edit.run(Some(edited.clone())));
    let used_by = if view.jobs == 0 {
        w.used_by_none.to_owned()
    } else {
        fill!(w.used_by, n = count(view.jobs.into()))
    };
    let description = (!view.calendar.description.is_empty()).then(|| view.calendar.description.clone());
    view! {
        <KeptCard name=view.name.to_string() edit edit_verb=w.edit deletion delete_verb=w.delete>
            {description.map(|text| view! { <p>{text}</p> })}
            <p class="row"><Standing view=view.clone() /></p>
            <Known calendar=view.calendar.clone() />
            <Weeks calendar=view.calendar.clone() />
            <p class="muted">{fill!(w.zone, zone = view.calendar.timezone.name())} " · " {used_by}</p>
            <p class="row">
                {view
                    .used_by
                    .into_iter()
                    .map(|job| {
                        let href = format!("/jobs/{}/{}", job.namespace, job.name);
                        view! { <a class="chip" href=href>{job.to_string()}</a> }
                    })
                    .collect_view()}
            </p>
        </KeptCard>
    }
}

/// Whether it covers the present, and until when that is so.
#[component]
fn Standing(view: CalendarView) -> impl IntoView {
    let w = say::<CalendarsWords>();
    let at = view.changes_at.map(|at| short_time(at, clock::now(), zone()));
    let (tone, glyph, text) = match view.covers {
        true => (Tone::Busy, Glyph::Check, w.covers),
        false => (Tone::Quiet, Glyph::Clock, w.covers_not),
    };
    let until = match (at, view.covers) {
        (Some(at), true) => fill!(w.until, at = at),
        (Some(at), false) => fill!(w.from, at = at),
        (None, _) => w.for_ever.to_owned(),
    };
    view! { <Badge tone glyph text=text /> <span class="muted">{until}</span> }
}

/// Until when it is known what it covers, if not for ever: a warning once that is near.
#[component]
fn Known(calendar: Calendar) -> impl IntoView {
    let w = say::<CalendarsWords>();
    let now = clock::now();
    let Horizon { at, distance } = calendar.horizon(now)?;
    let at = short_time(at, now, zone());
    let (tone, role, text) = match distance {
        Distance::Far => {
            return Some(view! { <p class="muted">{fill!(w.known_until, at = at)}</p> }.into_any());
        }
        Distance::Near => (Tone::Warning, "status", fill!(w.known_near, at = at)),
        Distance::Past => (Tone::Bad, "alert", fill!(w.known_past, at = at)),
    };
    Some(view! { <div class="notice" data-tone=tone.as_str() role=role><p>{text}</p></div> }.into_any())
}

/// The coming weeks, a row each.
#[component]
fn Weeks(calendar: Calendar) -> impl IntoView {
    let w = say::<CalendarsWords>();
    let names = [
        w.monday,
        w.tuesday,
        w.wednesday,
        w.thursday,
        w.friday,
        w.saturday,
        w.sunday,
    ];
    let weeks = weeks(&calendar, clock::now(), WEEKS);
    view! {
        <div class="weeks" role="img" aria-label=w.days title=w.days>
            {names.map(|name| view! { <span class="muted">{name}</span> }).collect_view()}
            {weeks.into_iter().flatten().map(|day| view! { <OneDay day /> }).collect_view()}
        </div>
    }
}

#[component]
fn OneDay(day: Day) -> impl IntoView {
    let w = say::<CalendarsWords>();
    let date = day.date.to_string();
    let (class, title) = match day.covered {
        Covered::Whole => ("is-whole", fill!(w.day_whole, day = date)),
        Covered::Part => ("is-part", fill!(w.day_part, day = date)),
        Covered::Not => ("", fill!(w.day_none, day = date)),
    };
    view! { <span class=format!("day-cell {class}") title=title>{day.date.day()}</span> }
}
