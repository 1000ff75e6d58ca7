//! The command palette: goes anywhere and does anything that a page can. Also the keys that
//! work everywhere, and the sheet that tells them.

mod commands;
mod deeds;
mod find;
mod help;
mod here;
pub mod keys;
mod words;

use std::time::Duration;

use shared::{
    history::RunQuery,
    id::{JobPath, RunId},
};

use crate::{
    api,
    board::board,
    browser,
    pages::nodes::list::name,
    parts::{
        dialog::Dialog,
        icon::{Glyph, Icon},
    },
    prelude::*,
    remote::{Asking, remote},
    router::router,
    words::say,
};
use commands::{Command, best, general, of_job, of_kept, of_node, of_page, of_run, to_run};
use deeds::deeds;
use help::HelpSheet;
use keys::{Press, Wish, wish};
use words::PaletteWords;

/// How many lines are shown.
const SHOWN: usize = 12;
/// How many of the runs that have not ended can be found.
const RUNS: u32 = 1000;
/// How long `g` waits for its letter.
const AFTER_G: Duration = Duration::from_millis(1200);

/// Opens the palette.
#[derive(Clone, Copy)]
pub struct Palette {
    open: RwSignal<bool>,
    help: RwSignal<bool>,
}

/// Makes the palette a context; the shell has its button and its dialog.
pub fn provide() {
    provide_context(Palette {
        open: RwSignal::new(false),
        help: RwSignal::new(false),
    });
}

/// A page of the navigation: address, picture, name.
pub type PageLink = (&'static str, Glyph, &'static str);

#[component]
pub fn PaletteButton() -> impl IntoView {
    let w = say::<PaletteWords>();
    let palette = expect_context::<Palette>();
    view! {
        <button type="button" class="palette-button" title=w.open on:click=move |_| palette.open.set(true)>
            <Icon glyph=Glyph::Search /><span>{w.search}</span><kbd>"Ctrl K"</kbd>
        </button>
    }
}

#[component]
pub fn PaletteDialog(pages: Vec<PageLink>) -> impl IntoView {
    let w = say::<PaletteWords>();
    let Palette { open, help } = expect_context();
    let navigate = router();
    let after_g = StoredValue::new(false);
    on_window(ev::keydown, move |event| {
        let press = Press {
            key: &event.key(),
            with_control: event.ctrl_key() || event.meta_key(),
            is_typing: keys::is_typing(&event),
            after_g: after_g.get_value(),
        };
        let is_g = press.key == "g" && !press.after_g && !press.is_typing && !press.with_control;
        after_g.set_value(is_g);
        if is_g {
            set_timeout(
                move || {
                    after_g.try_update_value(|g| *g = false);
                },
                AFTER_G,
            );
        }
        let is_busy = event.alt_key() || browser::shows_dialog();
        // The palette is closed by the key that opens it.
        let may = |wish: &Wish| !is_busy || (*wish == Wish::Palette && open.get_untracked());
        let Some(wish) = wish(press).filter(may) else {
            return;
        };
        event.prevent_default();
        match wish {
            Wish::Palette => open.update(|o| *o = !*o),
            Wish::Help => help.set(true),
            Wish::Search => browser::focus(".search input"),
            Wish::New => navigate.go("/new"),
            Wish::Go(href) => navigate.go(href),
        }
    });
    let sheet = pages.clone();
    view! {
        <Dialog open title=w.open>
            <Lines open pages=pages.clone() />
        </Dialog>
        <HelpSheet open=help pages=sheet />
    }
}

#[component]
fn Lines(open: RwSignal<bool>, pages: Vec<PageLink>) -> impl IntoView {
    let w = say::<PaletteWords>();
    let (typed, chosen) = (RwSignal::new(String::new()), RwSignal::new(0_usize));
    let board = board();
    let buttons: Vec<String> = here::buttons().into_iter().map(|(name, _)| name).collect();
    let nodes = remote(&[], || (), |()| Asking::of(api::nodes::nodes()));
    let groups = remote(&[], || (), |()| Asking::of(api::groups::groups()));
    let calendars = remote(&[], || (), |()| Asking::of(api::calendars::calendars()));
    let runs = remote(&[], || (), |()| api::runs::list(&not_ended()));
    // Of ten thousand jobs these are many: they are made anew when a job is, not when one runs.
    let known = Memo::new(move |_| {
        let table = board.data();
        let rows = table.iter().flat_map(|table| &table.rows);
        rows.map(|row| (row.path(), row.job.paused)).collect::<Vec<_>>()
    });
    let of_jobs = Memo::always(move |_| {
        let commands = |(path, paused): &(JobPath, bool)| of_job(path, *paused);
        known.with(|known| known.iter().flat_map(commands).collect::<Vec<_>>())
    });
    let all = Memo::always(move |_| {
        let mut all = general(pages.iter().copied());
        all.extend(buttons.iter().cloned().map(of_page));
        if let Some(nodes) = nodes.data() {
            let held = nodes.iter().map(|n| (n, n.intent.cordoned || n.intent.draining));
            all.extend(held.flat_map(|(n, is_held)| of_node(&n.id, name(n), is_held)));
        }
        if let Some(runs) = runs.data() {
            all.extend(runs.items.iter().flat_map(of_run));
        }
        let kept = |page, glyph, title| move |name: &str| of_kept(page, glyph, title, name);
        if let Some(groups) = groups.data() {
            let group = kept("/groups", Glyph::Groups, w.group);
            all.extend(groups.iter().map(|view| group(view.name.as_str())));
        }
        if let Some(calendars) = calendars.data() {
            let calendar = kept("/calendars", Glyph::Calendar, w.calendar);
            all.extend(calendars.iter().map(|view| calendar(view.name.as_str())));
        }
        all
    });
    let found = Memo::new(move |_| {
        typed.with(|typed| match typed.trim().parse::<RunId>() {
            Ok(id) => vec![to_run(id)],
            Err(_) => all.with(|all| of_jobs.with(|of_jobs| best(all.iter().chain(of_jobs), typed, SHOWN))),
        })
    });
    let perform = deeds();
    let act = move |command: Command| {
        open.set(false);
        perform.run(command.deed);
    };
    let input = NodeRef::<html::Input>::new();
    Effect::new(move |_| {
        if let Some(input) = input.get() {
            let _ = input.focus();
        }
    });
    let on_key = move |event: ev::KeyboardEvent| {
        let last = found.with_untracked(|f| f.len().saturating_sub(1));
        match event.key().as_str() {
            "ArrowDown" => chosen.update(|c| *c = (*c + 1).min(last)),
            "ArrowUp" => chosen.update(|c| *c = c.saturating_sub(1)),
            "Enter" => {
                let command = found.with_untracked(|f| f.get(chosen.get_untracked()).cloned());
                if let Some(command) = command {
                    act(command);
                }
            }
            _ => return,
        }
        event.prevent_default();
    };
    view! {
        <div class="palette">
            <input node_ref=input type="text" role="combobox" aria-expanded="true" aria-controls="palette-lines"
                aria-activedescendant=move || (!found.with(Vec::is_empty)).then(|| format!("palette-{}", chosen.get()))
                aria-label=w.placeholder placeholder=w.placeholder autocomplete="off" spellcheck="false"
                on:input=move |event| { typed.set(event_target_value(&event)); chosen.set(0); }
                on:keydown=on_key />
            <ul id="palette-lines" role="listbox" aria-label=w.results>
                {move || {
                    let lines = found.get().into_iter().enumerate().map(|(i, command)| {
                        let deed = command.clone();
                        view! {
                            <li id=format!("palette-{i}") role="option"
                                aria-selected=move || (chosen.get() == i).to_string()
                                on:mousemove=move |_| if chosen.get_untracked() != i { chosen.set(i) }
                                on:click=move |_| act(deed.clone())>
                                <Icon glyph=command.glyph />
                                <span>{command.title}</span>
                                <small class="muted">{command.kind}</small>
                            </li>
                        }
                    });
                    lines.collect_view()
                }}
            </ul>
            <Show when=move || found.with(Vec::is_empty)><p class="muted">{w.none}</p></Show>
        </div>
    }
}

/// The runs that can be killed.
fn not_ended() -> RunQuery {
    RunQuery {
        state: Some("running,queued".to_owned()),
        limit: Some(RUNS),
        ..RunQuery::default()
    }
}
