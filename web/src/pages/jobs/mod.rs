//! Every job in one table that stays quick with ten thousand of them: which are shown is
//! decided over texts made once, only the rows in sight exist, and a row whose job did not
//! change is left alone.

mod words;
mod filter;
mod order;
mod wish;
mod select;
mod bar;
mod list;
mod row;

use std::sync::Arc;

use shared::{
    api::{Changed, board::Known},
    target::Groups,
};

use crate::{
    address::in_url,
    api,
    board::{Row, Table, board},
    parts::{
        feedback::{Empty, shown},
        icon::{Glyph, Icon},
        page::Page,
    },
    prelude::*,
    remote::{Asking, Remote, remote},
    words::say,
};
use bar::{Filters, Selected, States};
use filter::{Fleet, Shown};
use list::JobList;
use select::Selection;
use wish::Wish;
use words::JobsWords;

/// What the page's parts share.
#[derive(Clone, Copy)]
struct Looking {
    wish: RwSignal<Wish>,
    selection: Selection,
    table: Signal<Arc<Table>>,
    shown: Signal<Arc<Shown>>,
    fleet: Remote<Fleet>,
}

#[component]
pub fn Jobs() -> impl IntoView {
    let w = say::<JobsWords>();
    let jobs = board();
    let fleet = remote(
        &[Changed::Nodes, Changed::Groups],
        || (),
        |()| Asking::of(read_fleet()),
    );
    let wish = in_url::<Wish>();
    let selection = Selection::default();
    let beside = move || {
        view! {
            <a class="button primary" href="/new"><Icon glyph=Glyph::Plus />{w.new}</a>
        }
    };
    view! {
        <Page title=w.title actions=beside>
            {shown(jobs, move |data| {
                let table = Signal::derive(move || (*data.get()).clone());
                let ordered = Memo::of_arc(move |_| {
                    let sort = wish.with(|wish| wish.sort);
                    order::ordered(&table.get().rows, sort)
                });
                let all_shown = Memo::always(move |_| {
                    let known = fleet.data();
                    wish.with(|wish| Arc::new(filter::shown(&ordered.get(), &wish.filter, known.as_deref())))
                });
                let looking = Looking { wish, selection, table, shown: all_shown.into(), fleet };
                view! { <Board looking /> }
            })}
        </Page>
    }
}

/// The nodes and groups that the filter by node asks.
async fn read_fleet() -> api::Answer<Fleet> {
    let nodes = api::nodes::nodes().await?;
    let groups = api::groups::groups().await?;
    let groups: Groups = groups.into_iter().map(|group| (group.name, group.set)).collect();
    Ok(Fleet {
        nodes: nodes.into_iter().map(|node| (node.id, node.labels)).collect(),
        groups,
    })
}

#[component]
fn Board(looking: Looking) -> impl IntoView {
    let w = say::<JobsWords>();
    let Looking {
        table, shown, wish, ..
    } = looking;
    let is_empty = Memo::new(move |_| table.with(|table| table.rows.is_empty()));
    let is_label_wrong = Memo::new(move |_| wish.with(|wish| wish.filter.selector().is_err()));
    let finds_none = Memo::new(move |_| shown.with(|shown| shown.rows.is_empty()));
    let history = Memo::new(move |_| table.with(|table| table.history));
    move || {
        if is_empty.get() {
            return view! {
                <div class="card">
                    <Empty title=w.nothing_yet>
                        <p>{w.nothing_yet_about}</p>
                        <pre class="jobs-first">"gnomon job apply -f jobs.yaml\ngnomon import crontab"</pre>
                        <p><a class="button primary" href="/new"><Icon glyph=Glyph::Plus />{w.new}</a></p>
                    </Empty>
                </div>
            }
            .into_any();
        }
        view! {
            {move || match history.get() {
                Known::Current => None,
                Known::Reading => Some(view! { <p class="stale" role="status">{w.reading}</p> }),
                Known::Old => Some(view! { <p class="stale" role="status">{w.old}</p> }),
            }}
            <Filters looking />
            <States looking />
            <div class="card jobs-card">
                <JobList looking />
                {move || finds_none.get().then(|| view! {
                    <Empty title=w.nothing_found>
                        <p>{move || if is_label_wrong.get() { w.label_wrong } else { w.nothing_found_about }}</p>
                        <p><button type="button" on:click=move |_| wish.update(Wish::clear)>{w.clear_filters}</button></p>
                    </Empty>
                })}
            </div>
            <Selected looking />
        }
        .into_any()
    }
}

type Rows = Arc<Vec<Arc<Row>>>;
