//! Which language the console speaks.

use super::feedback;
use crate::{
    api::Failure,
    locale::{self, Language, languages},
    prelude::*,
};

/// A button for each language, named in itself: who cannot read the page must find it.
#[component]
pub fn LanguageButtons(#[prop(optional)] class: &'static str) -> impl IntoView {
    let spoken = languages();
    let failure = RwSignal::new(None::<Failure>);
    let choose = move |language| {
        spawn_local(async move {
            let chosen = locale::choose(language, spoken).await;
            failure.try_set(chosen.err());
        });
    };
    view! {
        {Language::ALL
            .map(|each| view! {
                <button type="button" class=class lang=each.tag()
                    aria-pressed=move || (spoken.get() == each).to_string() on:click=move |_| choose(each)>
                    {each.name()}
                </button>
            })
            .collect_view()}
        {move || failure.get().map(|failure| view! {
            <span class="error" role="alert">{feedback::title(&failure)} ": " {failure.message()}</span>
        })}
    }
}
