//! Carries the palette's commands out.

use std::time::Duration;

use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use super::{Palette, commands::Deed, here, words::PaletteWords};
use crate::{
    actions::jobs::job_actions, api, browser, locale, pages::nodes::actions::node_deeds,
    parts::toast::toaster, prelude::*, router::router, session, theme::theme, words::say,
};

/// What carries one out. Made with the view, as it takes the view's contexts.
pub fn deeds() -> Callback<Deed> {
    let jobs = job_actions();
    let nodes = node_deeds();
    let (toaster, theme, languages, session) = (toaster(), theme(), locale::languages(), session::session());
    let help = expect_context::<Palette>().help;
    let navigate = router();
    Callback::new(move |deed| match deed {
        Deed::Go(href) => navigate.go(&href),
        Deed::At { href, id } => {
            navigate.go(&href);
            let path = navigate.path.get_untracked();
            let say_none = move || toaster.wrong(say::<PaletteWords>().gone);
            set_timeout(move || press(path, id, TRIES, say_none), LOOK);
        }
        Deed::Press(name) => here::press(&name),
        Deed::Run(job) => jobs.run(job),
        Deed::Pause(job) => jobs.pause(job),
        Deed::Resume(job) => jobs.resume(job),
        Deed::Delete(job) => jobs.delete(job, None),
        Deed::Cordon { id, name } => nodes.cordon(id, name),
        Deed::Drain { id, name } => nodes.drain(id, name),
        Deed::Uncordon { id, name } => nodes.uncordon(id, name),
        Deed::Theme(wanted) => theme.set(wanted),
        Deed::Language(wanted) => spawn_local(async move {
            if let Err(failure) = locale::choose(wanted, languages).await {
                toaster.failed(&failure);
            }
        }),
        Deed::Help => help.set(true),
        Deed::LogOut => spawn_local(async move {
            match api::log_out().await {
                Ok(()) => session::end(session),
                Err(failure) => toaster.failed(&failure),
            }
        }),
    })
}

/// How long a page that loads is left alone until it is looked at again for what is wanted.
const LOOK: Duration = Duration::from_millis(50);
/// How often it is looked at.
const TRIES: u32 = 100;

/// Presses the button or goes into the field of an id, once the page of that path has it and
/// as long as one is there.
fn press(path: String, id: String, tries: u32, say_none: impl Fn() + 'static) {
    if browser::window().location().pathname().as_ref() != Ok(&path) {
        return;
    }
    let found = browser::document().get_element_by_id(&id);
    match found.and_then(|found| found.dyn_into::<HtmlElement>().ok()) {
        Some(button) if button.tag_name() == "BUTTON" => button.click(),
        Some(field) => drop(field.focus()),
        None if tries > 0 => set_timeout(move || press(path, id, tries - 1, say_none), LOOK),
        None => say_none(),
    }
}
