//! A calendar's file, checked as it is typed.

use shared::{
    api::calendars::CalendarView,
    calendar::{Named, parse_yaml, to_yaml},
    id::CalendarName,
};

use super::CalendarsWords;
use crate::{
    api::{
        Failure,
        calendars::{calendars, put_calendar},
    },
    locale::sentences::said,
    parts::{dialog::Cancel, field::Field, kept::Edited, toast::toaster},
    prelude::*,
    words::say,
};

/// What a new calendar begins with.
const SAMPLE: &str = "name: holidays
description: Days on which nobody is there
timezone: UTC
dates: [12-25, 01-01]
";

/// The one calendar that is meant.
fn read(text: &str, kept: Option<&CalendarName>) -> Result<Named, String> {
    let w = say::<CalendarsWords>();
    let mut all = parse_yaml(text).map_err(|e| said(&e.to_string()))?;
    let (Some(named), true) = (all.pop(), all.is_empty()) else {
        return Err(w.one.into());
    };
    match kept {
        Some(name) if *name != named.name => Err(fill!(w.renamed, name = name)),
        _ => Ok(named),
    }
}

fn file_of(view: CalendarView) -> String {
    to_yaml(&Named {
        name: view.name,
        calendar: view.calendar,
    })
}

#[component]
pub fn CalendarForm(calendar: Option<CalendarView>, saved: Callback<()>) -> impl IntoView {
    let w = say::<CalendarsWords>();
    let toaster = toaster();
    let edited = Edited::new(calendar.as_ref().map(|c| c.revision));
    let kept = StoredValue::new(calendar.as_ref().map(|c| c.name.clone()));
    let text = RwSignal::new(match calendar {
        Some(view) => file_of(view),
        None => SAMPLE.to_owned(),
    });
    let refused = RwSignal::new(None::<String>);
    let read = Memo::new(move |_| kept.with_value(|kept| read(&text.get(), kept.as_ref())));
    let wrong = Signal::derive(move || read.with(|r| r.as_ref().err().cloned()).or_else(|| refused.get()));
    let refuse = move |failure: &Failure| {
        let hint = failure.hint().map(|h| format!(" ({h})")).unwrap_or_default();
        refused.set(Some(format!("{}{hint}", failure.message())));
    };
    let save = Callback::new(move |()| {
        let Ok(named) = read.get_untracked() else { return };
        spawn_local(async move {
            match put_calendar(&named.name, &named.calendar, edited.revision()).await {
                Ok(_) => {
                    toaster.done(fill!(w.saved, name = named.name));
                    saved.run(());
                }
                Err(failure) if edited.is_overtaken(&failure) => match calendars().await {
                    Ok(all) => {
                        let theirs = all.into_iter().find(|c| c.name == named.name);
                        edited.overtaken(theirs.map(|c| (c.revision, file_of(c))));
                    }
                    Err(failure) => refuse(&failure),
                },
                Err(failure) => refuse(&failure),
            }
        });
    });
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        save.run(());
    };
    view! {
        <form class="stack" on:submit=submit>
            {edited.meanwhile(|file| view! { <pre>{file}</pre> }.into_any(), save)}
            <Field id="calendar" label=w.file hint=w.file_hint error=wrong>
                <textarea id="calendar" rows="14" spellcheck="false" aria-describedby="calendar-error"
                    prop:value=move || text.get_untracked()
                    on:input=move |event| { refused.set(None); text.set(event_target_value(&event)); }></textarea>
            </Field>
            <footer>
                <Cancel />
                <button type="submit" class="primary" disabled=move || read.with(Result::is_err)>{w.save}</button>
            </footer>
        </form>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_is_right_and_a_name_stays() {
        let named = read(SAMPLE, None).unwrap();
        assert_eq!(named.name.to_string(), "holidays");
        assert!(read(SAMPLE, Some(&"other".parse().unwrap())).is_err());
        assert!(read("name: a\ndates: [12-25]\n---\nname: b\ndates: [12-25]\n", None).is_err());
        assert!(
            read("name: a\ndats: [12-25]\n", None)
                .unwrap_err()
                .contains("dats")
        );
    }
}
