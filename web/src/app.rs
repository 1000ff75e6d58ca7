//! The console as a whole: its contexts, and which page is at which address.

use std::time::Duration;

use crate::{
    actions, api, clock, live, locale,
    pages::{
        calendars::Calendars, editor::Editor, groups::Groups, job::JobPage, jobs::Jobs, login::Login,
        node::NodePage, nodes::Nodes, not_found::NotFound, overview::Overview, run::RunPage, runs::Runs,
        settings::Settings, timeline::Timeline,
    },
    palette,
    parts::{confirm, feedback::Failed, toast},
    prelude::*,
    router::{self, Route},
    scroll,
    session::{self, Session},
    shell::Shell,
    theme,
};

#[component]
pub fn App() -> impl IntoView {
    let language = locale::provide();
    theme::provide();
    clock::provide();
    session::provide();
    live::provide();
    router::provide();
    scroll::keep();
    toast::provide();
    confirm::provide();
    palette::provide();
    actions::run_now::provide();
    view! {
        // Words are no signals: another language makes every view anew.
        {move || {
            locale::apply(language.get());
            view! { <Gate /> }
        }}
    }
}

/// How long a page waits for a server that does not answer, before it asks again.
const AGAIN: Duration = Duration::from_secs(2);

/// Shows the login in the place of every page until somebody is logged in, so that one is
/// then where one wanted to be.
#[component]
fn Gate() -> impl IntoView {
    let session = session::session();
    let failure = RwSignal::new(None);
    let ask = move || {
        spawn_local(async move {
            match api::who_am_i().await {
                Ok(who) => session::begin(session, who),
                Err(refused) if refused.is_logged_out() => session::end(session),
                Err(other) => failure.set(Some(other)),
            }
        });
    };
    if session.get_untracked() == Session::Unknown {
        ask();
    }
    // A server that starts again is found by itself.
    Effect::new(move |_| {
        if failure.with(Option::is_some)
            && let Ok(waiting) = set_timeout_with_handle(ask, AGAIN)
        {
            on_cleanup(move || waiting.clear());
        }
    });
    let is_in = Memo::new(move |_| match session.get() {
        Session::Unknown => None,
        Session::Nobody => Some(false),
        Session::User(_) => Some(true),
    });
    let live = live::live();
    Effect::new(move |_| live.is_wanted.set(is_in.get() == Some(true)));
    move || match (is_in.get(), failure.get()) {
        (None, Some(failure)) => view! {
            <main class="alone"><Failed failure retry=ask /></main>
        }
        .into_any(),
        (None, None) => ().into_any(),
        (Some(false), _) => view! { <Login /> }.into_any(),
        (Some(true), _) => view! { <Shell><Pages /></Shell> }.into_any(),
    }
}

const ROUTES: &[Route] = &[
    ("/", || view! { <Overview /> }),
    ("/jobs", || view! { <Jobs /> }),
    ("/new", || view! { <Editor /> }),
    ("/jobs/:namespace/:name", || view! { <JobPage /> }),
    ("/jobs/:namespace/:name/edit", || view! { <Editor /> }),
    ("/runs", || view! { <Runs /> }),
    ("/runs/:id", || view! { <RunPage /> }),
    ("/timeline", || view! { <Timeline /> }),
    ("/nodes", || view! { <Nodes /> }),
    ("/nodes/:node", || view! { <NodePage /> }),
    ("/groups", || view! { <Groups /> }),
    ("/calendars", || view! { <Calendars /> }),
    ("/settings", || view! { <Settings /> }),
];

#[component]
fn Pages() -> impl IntoView {
    router::pages(ROUTES, || view! { <NotFound /> })
}
