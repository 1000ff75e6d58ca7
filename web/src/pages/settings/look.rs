//! Language and theme. They are kept in this browser.

use super::SettingsWords;
use crate::{
    clock,
    locale::{zone, zone_name},
    parts::language::LanguageButtons,
    prelude::*,
    theme::{Theme, theme},
    words::say,
};

#[component]
pub fn LookCard() -> impl IntoView {
    let w = say::<SettingsWords>();
    let theme = theme();
    let theme_name = move |each| match each {
        Theme::System => w.system,
        Theme::Light => w.light,
        Theme::Dark => w.dark,
    };
    view! {
        <section class="card" aria-label=w.look>
            <header><h2>{w.look}</h2></header>
            <div class="body stack">
                <fieldset class="choice">
                    <legend>{w.language}</legend>
                    <LanguageButtons />
                </fieldset>
                <fieldset class="choice">
                    <legend>{w.theme}</legend>
                    {Theme::ALL
                        .map(|each| view! {
                            <button type="button" aria-pressed=move || (theme.get() == each).to_string()
                                on:click=move |_| theme.set(each)>
                                {theme_name(each)}
                            </button>
                        })
                        .collect_view()}
                </fieldset>
                <p class="muted">{fill!(w.zone, zone = zone_name(clock::now(), zone()))}</p>
            </div>
        </section>
    }
}
