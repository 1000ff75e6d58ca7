//! Tokens: made, shown once, revoked.

use std::sync::Arc;

use shared::api::{Changed, TokenView};

use super::SettingsWords;
use crate::{
    api, browser,
    locale::sentences::said,
    parts::{
        confirm::{self, Question},
        dialog::Dialog,
        feedback::shown,
        field::Field,
        icon::{Glyph, Icon},
        toast::toaster,
        when::At,
    },
    prelude::*,
    remote::{Remote, remote},
    words::say,
};

#[component]
pub fn TokensCard() -> impl IntoView {
    let w = say::<SettingsWords>();
    let tokens = remote(&[Changed::Tokens], || (), |()| api::tokens::tokens());
    view! {
        <section class="card" aria-label=w.tokens>
            <header><h2>{w.tokens}</h2></header>
            <div class="body stack">
                <p class="muted">{w.tokens_about}</p>
                <TokenForm tokens />
            </div>
            {shown(tokens, move |list| view! { <TokenList list tokens /> })}
        </section>
    }
}

#[component]
fn TokenForm(tokens: Remote<Vec<TokenView>>) -> impl IntoView {
    let w = say::<SettingsWords>();
    let input = NodeRef::<html::Input>::new();
    let wrong = RwSignal::new(None::<String>);
    let made = RwSignal::new(None::<TokenView>);
    let open = RwSignal::new(false);
    let make = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let Some(input) = input.get() else { return };
        spawn_local(async move {
            match api::tokens::make_token(input.value().trim().to_owned()).await {
                Ok(token) => {
                    wrong.set(None);
                    input.set_value("");
                    made.set(Some(token));
                    open.set(true);
                    tokens.refresh();
                }
                Err(failure) => wrong.set(Some(failure.message())),
            }
        });
    };
    // Nothing of the secret stays once the dialog is closed.
    Effect::new(move |_| {
        if !open.get() {
            made.set(None);
        }
    });
    let title = Signal::derive(move || {
        fill!(
            w.secret_title,
            name = made.get().map(|t| t.name).unwrap_or_default()
        )
    });
    view! {
        <form on:submit=make>
            <Field id="token" label=w.token_name hint=w.token_name_hint error=wrong>
                <div class="row inline-form">
                    <input id="token" node_ref=input required autocomplete="off" spellcheck="false"
                        aria-describedby="token-error" />
                    <button type="submit">{w.make}</button>
                </div>
            </Field>
        </form>
        <Dialog open title>
            {move || made.get().and_then(|t| t.secret).map(|secret| view! { <Secret secret /> })}
        </Dialog>
    }
}

#[component]
fn Secret(secret: String) -> impl IntoView {
    let w = say::<SettingsWords>();
    let toaster = toaster();
    let copied = secret.clone();
    view! {
        <p>{w.secret_about}</p>
        <pre class="secret">{secret}</pre>
        <footer>
            <button type="button" on:click=move |_| { browser::copy(&copied); toaster.done(w.copied); }>
                <Icon glyph=Glyph::Copy />{w.copy}
            </button>
        </footer>
    }
}

#[component]
fn TokenList(list: Signal<Arc<Vec<TokenView>>>, tokens: Remote<Vec<TokenView>>) -> impl IntoView {
    let w = say::<SettingsWords>();
    let (toaster, asker) = (toaster(), confirm::asker());
    let revoke = move |name: String| {
        let question = Question {
            title: fill!(w.revoke_title, name = name),
            text: w.revoke_about.into(),
            what: vec![],
            verb: w.revoke.into(),
            is_dangerous: true,
            act: Arc::new(move || {
                let name = name.clone();
                spawn_local(async move {
                    match api::tokens::revoke_token(&name).await {
                        Ok(()) => toaster.done(fill!(w.revoked, name = name)),
                        Err(failure) => toaster.failed(&failure),
                    }
                    tokens.refresh();
                });
            }),
        };
        confirm::ask(asker, question);
    };
    move || {
        let list = list.get();
        if list.is_empty() {
            return view! { <p class="body muted">{w.tokens_none}</p> }.into_any();
        }
        let rows = list.iter().cloned().map(|token| {
            let name = token.name.clone();
            let label = format!("{}: {name}", w.revoke);
            view! {
                <tr>
                    <td>{token.name}</td>
                    <td><At at=token.created.at /></td>
                    <td>{said(&token.created.by)}</td>
                    <td class="number">
                        <button type="button" class="plain" aria-label=label on:click=move |_| revoke(name.clone())>
                            {w.revoke}
                        </button>
                    </td>
                </tr>
            }
        });
        view! {
            <table>
                <thead><tr><th>{w.token_name}</th><th>{w.made}</th><th>{w.by}</th><th></th></tr></thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        }
        .into_any()
    }
}
