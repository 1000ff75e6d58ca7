//! A long list of which only the rows in sight exist.

use std::{hash::Hash, sync::Arc};

use crate::prelude::*;

/// Rows above and below the sight, so that a quick scroll shows no gap.
const BEYOND: usize = 6;

/// Which rows exist: from where, and how many.
pub(super) fn in_sight(top: f64, height: f64, row_height: f64, all: usize) -> (usize, usize) {
    let first = ((top / row_height).floor().max(0.0) as usize)
        .saturating_sub(BEYOND)
        .min(all);
    let until = ((top + height) / row_height).ceil() as usize + BEYOND;
    (first, until.min(all).saturating_sub(first))
}

/// All rows have the same height in pixels, which the style sheet must give them too. A row
/// is made anew when its key changes, so the key holds what can change.
#[component]
pub fn Rows<T, K, KF, V, VF>(
    rows: Signal<Arc<Vec<T>>>,
    row_height: u32,
    key: KF,
    /// Makes a row of its place in the list and of itself.
    row: VF,
    /// The class of the element that scrolls.
    #[prop(default = "rows")]
    class: &'static str,
    /// What it is to a screen reader: `rowgroup` within a table.
    #[prop(optional)]
    role: Option<&'static str>,
    /// Where the list is scrolled to; set it to scroll.
    #[prop(optional)]
    element: NodeRef<html::Div>,
) -> impl IntoView
where
    T: Clone + Send + Sync + 'static,
    K: Hash + Send + Sync + 'static,
    KF: Fn(&T) -> K + Clone + Send + Sync + 'static,
    V: IntoView + 'static,
    VF: Fn(usize, T) -> V + Clone + Send + Sync + 'static,
{
    let row_height = f64::from(row_height);
    // Before the element is there: enough for any screen.
    let sight = RwSignal::new((0.0, 1200.0));
    let look = move || {
        if let Some(element) = element.get_untracked() {
            sight.try_set((
                f64::from(element.scroll_top()),
                f64::from(element.client_height()),
            ));
        }
    };
    Effect::new(move |_| {
        element.track();
        look();
    });
    on_window(ev::resize, move |_| look());

    let window = Memo::new(move |_| {
        let (top, height) = sight.get();
        in_sight(top, height, row_height, rows.with(|rows| rows.len()))
    });
    let visible = move || {
        let (first, count) = window.get();
        rows.with(|rows| {
            let until = (first + count).min(rows.len());
            (first.min(until)..until)
                .map(|i| (i, rows[i].clone()))
                .collect::<Vec<_>>()
        })
    };
    let total = move || format!("{}px", (rows.with(|rows| rows.len()) as f64 * row_height) as u64);
    let offset = move || format!("translateY({}px)", (window.get().0 as f64 * row_height) as u64);
    view! {
        <div class=class role=role node_ref=element on:scroll=move |_| look() tabindex="0">
            <div class="rows-all" style:height=total>
                <div class="rows-seen" style:transform=offset>
                    <For each=visible key=move |(i, each)| (*i, key(each)) children=move |(i, each)| row(i, each) />
                </div>
            </div>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_in_sight_exists() {
        assert_eq!(in_sight(0.0, 400.0, 40.0, 10_000), (0, 10 + BEYOND));
        assert_eq!(
            in_sight(4_000.0, 400.0, 40.0, 10_000),
            (100 - BEYOND, 10 + 2 * BEYOND)
        );
        assert_eq!(in_sight(20.0, 400.0, 40.0, 10_000), (0, 11 + BEYOND));
        assert_eq!(in_sight(0.0, 400.0, 40.0, 3), (0, 3));
        assert_eq!(in_sight(4_000.0, 400.0, 40.0, 3), (3, 0), "the list has shrunk");
        assert_eq!(in_sight(-20.0, 400.0, 40.0, 0), (0, 0));
    }
}
