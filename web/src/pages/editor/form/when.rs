//! When the job is due: its triggers, its calendars, and the instants to come.

use shared::{schedule::Zone, value};

use super::{
    super::{
        fields::Names,
        model::{Path, tree},
        next::Next,
        state::editing,
        words::EditorWords,
    },
    Section,
    trigger::TriggerCard,
};
use crate::{
    api, locale,
    parts::icon::{Glyph, Icon},
    prelude::*,
    remote::{Asking, remote},
    words::say,
};

#[component]
pub fn When() -> impl IntoView {
    let w = say::<EditorWords>();
    let editing = editing();
    let count = Memo::new(move |_| editing.tree.with(|tree| tree::triggers(tree).len()));
    let add = move |_| {
        let mut trigger = value!({"cron": "0 2 * * *"});
        if locale::zone() != Zone::utc() {
            trigger.insert("timezone", locale::zone().name());
        }
        editing.set(Path::of("triggers").index(count.get_untracked()), trigger);
    };
    let calendars = remote(
        &[shared::api::Changed::Calendars],
        || (),
        |()| Asking::of(api::calendars::calendars()),
    );
    let known = Signal::derive(move || {
        let all = calendars.data();
        all.map(|all| all.iter().map(|c| c.name.to_string()).collect())
            .unwrap_or_default()
    });
    let has_calendars = editing
        .tree
        .with_untracked(|tree| tree.get("calendars").is_some());
    let wrong = editing.error(Path::of("triggers"));
    let wrong_calendars = editing.error(Path::of("calendars"));
    view! {
        <Section title=w.when>
            <p class="error" role="alert">{move || wrong.get()}</p>
            {move || match count.get() {
                0 => view! { <p class="muted">{w.no_triggers}</p> }.into_any(),
                n => (0..n).map(|i| view! { <TriggerCard i is_alone={n == 1} /> }).collect_view().into_any(),
            }}
            <button type="button" class="add" on:click=add><Icon glyph=Glyph::Plus />{w.add_trigger}</button>
            <Next calendars />
            <details class="more" open=has_calendars>
                <summary>{w.calendars}</summary>
                <div class="body">
                    <p class="error" role="alert">{move || wrong_calendars.get()}</p>
                    <div class="fields two">
                        <Names at="calendars.exclude" label=w.exclude_calendars hint=w.exclude_calendars_hint known />
                        <Names at="calendars.only" label=w.only_calendars hint=w.only_calendars_hint known />
                    </div>
                </div>
            </details>
        </Section>
    }
}
