//! The viewer's own settings, the account's, and what this instance is.

mod account;
mod about;
mod look;
mod tokens;
mod words;

use crate::{parts::page::Page, words::say};
use about::AboutCard;
use account::AccountCard;
use look::LookCard;
use tokens::TokensCard;
use words::SettingsWords;

use crate::prelude::*;

#[component]
pub fn Settings() -> impl IntoView {
    let w = say::<SettingsWords>();
    view! {
        <Page title=w.title>
            <div class="columns">
                <div class="stack"><LookCard /><AccountCard /></div>
                <div class="stack"><TokensCard /><AboutCard /></div>
            </div>
        </Page>
    }
}
