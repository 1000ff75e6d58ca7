//! The door. It stands in the place of the page one wanted, which is there once one is in.

mod words;

use leptos::ev::SubmitEvent;
use shared::api::overview::{LoginHint, ShownBy};

use crate::{
    api::{self, Failure},
    parts::{
        field::Field,
        icon::{Glyph, Icon},
        language::LanguageButtons,
    },
    prelude::*,
    session,
    words::say,
};
use words::LoginWords;

#[component]
pub fn Login() -> impl IntoView {
    let w = say::<LoginWords>();
    let session = session::session();
    let (user, password) = (NodeRef::<html::Input>::new(), NodeRef::<html::Input>::new());
    let failure = RwSignal::new(None::<Failure>);
    let is_busy = RwSignal::new(false);
    let log_in = move |event: SubmitEvent| {
        event.prevent_default();
        let (Some(user), Some(password)) = (user.get(), password.get()) else {
            return;
        };
        is_busy.set(true);
        failure.set(None);
        spawn_local(async move {
            match api::log_in(user.value(), password.value()).await {
                Ok(who) => session::begin(session, who),
                Err(refused) => {
                    is_busy.set(false);
                    failure.set(Some(refused));
                    password.set_value("");
                    let _ = password.focus();
                }
            }
        });
    };
    let wrong = Signal::derive(move || {
        failure.with(|f| {
            f.as_ref().map(|f| match f {
                Failure::Refused(_) if f.is_logged_out() => w.wrong.to_owned(),
                Failure::Refused(_) => f.message(),
                Failure::Unreachable(_) => format!("{}: {}", w.unreachable, f.message()),
            })
        })
    });
    Effect::new(move |_| {
        crate::browser::document().set_title(&format!("{} · Gnomon", w.log_in));
        if let Some(password) = password.get() {
            let _ = password.focus();
        }
    });
    view! {
        <main class="login" id="page">
            <form on:submit=log_in>
                <p class="brand"><Icon glyph=Glyph::Gnomon /><span>"Gnomon"</span></p>
                <h1>{w.log_in}</h1>
                <Field id="user" label=w.user>
                    <input id="user" name="user" node_ref=user value="admin" required autocomplete="username"
                        autocapitalize="none" spellcheck="false" />
                </Field>
                <Field id="password" label=w.password error=wrong>
                    <input id="password" name="password" type="password" node_ref=password required
                        autocomplete="current-password" aria-describedby="password-error" />
                </Field>
                <button type="submit" class="primary" disabled=is_busy>{w.log_in}</button>
                <Hint />
            </form>
            <p class="languages"><LanguageButtons class="plain" /></p>
        </main>
    }
}

/// Where the first password is, as long as nobody has changed it.
#[component]
fn Hint() -> impl IntoView {
    let w = say::<LoginWords>();
    let hint = RwSignal::new(None::<LoginHint>);
    spawn_local(async move {
        // Without an answer there is no hint: the login itself says what is wrong.
        hint.try_set(api::about::login_hint().await.ok());
    });
    move || {
        let LoginHint { first_user, shown_by } = hint.get()?;
        let user = first_user?;
        let text = match shown_by {
            ShownBy::Standalone => fill!(w.first_standalone, user = user),
            ShownBy::Master => fill!(w.first_master, user = user),
        };
        Some(view! { <p class="hint">{text}</p> })
    }
}
