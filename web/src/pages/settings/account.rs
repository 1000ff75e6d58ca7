//! Who is logged in, the way out, and the password.

use super::SettingsWords;
use crate::{
    api,
    parts::{field::Field, toast::toaster},
    prelude::*,
    session::{self, Session},
    words::say,
};

#[component]
pub fn AccountCard() -> impl IntoView {
    let w = say::<SettingsWords>();
    let session = session::session();
    let toaster = toaster();
    let user = move || match session.get() {
        Session::User(who) => who.user,
        _ => String::new(),
    };
    let log_out = move |_| {
        spawn_local(async move {
            match api::log_out().await {
                Ok(()) => session::end(session),
                Err(failure) => toaster.failed(&failure),
            }
        });
    };
    view! {
        <section class="card" aria-label=w.account>
            <header>
                <h2>{w.account}</h2>
                <button type="button" on:click=log_out>{w.log_out}</button>
            </header>
            <div class="body stack">
                <p>{move || fill!(w.logged_in_as, user = user())}</p>
                <PasswordForm />
            </div>
        </section>
    }
}

#[component]
fn PasswordForm() -> impl IntoView {
    let w = say::<SettingsWords>();
    let toaster = toaster();
    let (current, new) = (NodeRef::<html::Input>::new(), NodeRef::<html::Input>::new());
    let wrong = RwSignal::new(None::<String>);
    let change = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let (Some(current), Some(new)) = (current.get(), new.get()) else {
            return;
        };
        spawn_local(async move {
            match api::change_password(current.value(), new.value()).await {
                Ok(()) => {
                    wrong.set(None);
                    current.set_value("");
                    new.set_value("");
                    toaster.done(w.changed);
                }
                Err(failure) => wrong.set(Some(failure.message())),
            }
        });
    };
    view! {
        <form class="stack" on:submit=change>
            <h3>{w.password}</h3>
            <Field id="current" label=w.current>
                <input id="current" type="password" node_ref=current required autocomplete="current-password" />
            </Field>
            <Field id="new" label=w.new hint=w.new_hint error=wrong>
                <input id="new" type="password" node_ref=new required minlength="8" autocomplete="new-password"
                    aria-describedby="new-error" />
            </Field>
            <p><button type="submit">{w.change}</button></p>
        </form>
    }
}
