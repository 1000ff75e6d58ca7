//! The table itself: its head, and the rows in sight.

use super::{Looking, order::Column, row::JobRow, words::JobsWords};
use crate::{
    browser::is_wider_than,
    parts::{
        icon::{Glyph, Icon},
        window_rows::WindowRows,
    },
    prelude::*,
    words::say,
};

/// As in the style sheet: columns in one line; name and schedule one above the other; a card.
fn row_height() -> u32 {
    match () {
        () if is_wider_than(1500) => 44,
        () if is_wider_than(900) => 54,
        () => 96,
    }
}

#[component]
pub fn JobList(looking: Looking) -> impl IntoView {
    let w = say::<JobsWords>();
    let Looking { shown, .. } = looking;
    let height = RwSignal::new(row_height());
    on_window(ev::resize, move |_| {
        let wanted = row_height();
        if height.try_get_untracked().is_some_and(|h| h != wanted) {
            height.set(wanted);
        }
    });
    let rows = Signal::derive(move || shown.with(|shown| shown.rows.clone()));
    let all = move || (shown.with(|shown| shown.rows.len()) + 1).to_string();
    view! {
        <div class="jobs" role="table" aria-label=w.title aria-rowcount=all>
            <div class="jobs-head" role="rowgroup">
                <div class="jobs-row" role="row" aria-rowindex="1">
                    <SelectAll looking />
                    <Head looking column=Some(Column::State) text=w.state class="is-state" />
                    <Head looking column=Some(Column::Name) text=w.name class="is-name" />
                    <Head looking column=None text=w.schedule class="is-schedule" />
                    <Head looking column=Some(Column::Next) text=w.next class="is-next" />
                    <Head looking column=Some(Column::Last) text=w.last class="is-last" />
                    <Head looking column=None text=w.outcomes class="is-ticks" />
                    <Head looking column=Some(Column::Success) text=w.success about=w.success_about class="is-success number" />
                    <Head looking column=Some(Column::Usual) text=w.usual about=w.usual_about class="is-usual number" />
                    <Head looking column=Some(Column::Running) text=w.running about=w.running_about class="is-running number" />
                    <div role="columnheader" class="is-menu"><span class="visually-hidden">{w.actions}</span></div>
                </div>
            </div>
            <div role="rowgroup">
                <WindowRows rows row_height=height key=|row| row.job.id
                    row=move |row, place| view! { <JobRow first=row place looking /> } />
            </div>
        </div>
    }
}

#[component]
fn Head(
    looking: Looking,
    column: Option<Column>,
    text: &'static str,
    #[prop(optional)] about: Option<&'static str>,
    class: &'static str,
) -> impl IntoView {
    let wish = looking.wish;
    let sorted = Memo::new(move |_| {
        let sort = wish.with(|wish| wish.sort);
        (column == Some(sort.by)).then_some(sort.is_descending)
    });
    let order = move || match sorted.get() {
        None => "none",
        Some(false) => "ascending",
        Some(true) => "descending",
    };
    match column {
        None => view! { <div role="columnheader" class=class title=about>{text}</div> }.into_any(),
        Some(column) => view! {
            <div role="columnheader" class=class aria-sort=order title=about>
                <button type="button" on:click=move |_| wish.update(|wish| wish.sort = wish.sort.clicked(column))>
                    {text}
                    <span class="jobs-arrow" data-order=order><Icon glyph=Glyph::Down /></span>
                </button>
            </div>
        }
        .into_any(),
    }
}

/// Chooses all that are shown, and tells whether some or all are.
#[component]
fn SelectAll(looking: Looking) -> impl IntoView {
    let w = say::<JobsWords>();
    let Looking { selection, shown, .. } = looking;
    let chosen = Memo::new(move |_| shown.with(|shown| (selection.count_of(&shown.rows), shown.rows.len())));
    let element = NodeRef::<html::Input>::new();
    Effect::new(move |_| {
        let (some, all) = chosen.get();
        if let Some(element) = element.get() {
            element.set_indeterminate(some > 0 && some < all);
            element.set_checked(all > 0 && some == all);
        }
    });
    view! {
        <div role="columnheader" class="is-check">
            <label>
                <input type="checkbox" node_ref=element aria-label=w.select_all
                    on:change=move |event| {
                        let on = event_target_checked(&event);
                        shown.with_untracked(|shown| selection.set_all(on, &shown.rows));
                    } />
            </label>
        </div>
    }
}
