//! The sheet that tells the keys.

use super::{PageLink, keys::GO, words::PaletteWords};
use crate::{parts::dialog::Dialog, words::say};

use crate::prelude::*;

#[component]
pub fn HelpSheet(open: RwSignal<bool>, pages: Vec<PageLink>) -> impl IntoView {
    let w = say::<PaletteWords>();
    let rows = move || {
        let general = [
            (vec!["Ctrl", "K"], w.help_palette),
            (vec!["/"], w.help_search),
            (vec!["c"], w.help_new),
            (vec!["↑", "↓"], w.help_move),
            (vec!["Esc"], w.help_escape),
            (vec!["?"], w.help_this),
        ];
        general.map(|(keys, what)| view! {
            <tr><td>{keys.into_iter().map(|key| view! { <kbd>{key}</kbd> " " }).collect_view()}</td><td>{what}</td></tr>
        })
    };
    let ways = move || {
        let named = |href: &str| {
            pages
                .iter()
                .find(|(at, ..)| *at == href)
                .map(|(_, _, name)| *name)
        };
        GO.map(|(letter, href)| {
            let letter = letter.to_string();
            view! {
                <tr>
                    <td><kbd>"g"</kbd> " " {w.then} " " <kbd>{letter}</kbd></td>
                    <td>{named(href)}</td>
                </tr>
            }
        })
    };
    view! {
        <Dialog open title=w.help>
            <table class="keys"><tbody>{rows().collect_view()}{ways().collect_view()}</tbody></table>
        </Dialog>
    }
}
