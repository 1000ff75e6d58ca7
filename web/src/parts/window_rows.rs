//! A long list in the page's own flow, of which only the rows in sight exist. It scrolls with
//! the window, so that a phone has one way to scroll and a head can stick to the top.
//!
//! Unlike [`super::rows::Rows`], a row is known by its key alone: it stays while rows before
//! it come and go.

use std::{hash::Hash, sync::Arc};

use super::rows::in_sight;
use crate::prelude::*;

/// All rows have the same height in pixels, which the style sheet must give them too.
#[component]
pub fn WindowRows<T, K, KF, V, VF>(
    rows: Signal<Arc<Vec<T>>>,
    #[prop(into)] row_height: Signal<u32>,
    key: KF,
    /// Makes a row of itself and of its place, counted from 0, which may change.
    row: VF,
) -> impl IntoView
where
    T: Clone + Send + Sync + 'static,
    K: Hash + Send + Sync + 'static,
    KF: Fn(&T) -> K + Clone + Send + Sync + 'static,
    V: IntoView + 'static,
    VF: Fn(T, Signal<usize>) -> V + Clone + Send + Sync + 'static,
{
    let element = NodeRef::<html::Div>::new();
    // Before the element is there: enough for any screen.
    let sight = RwSignal::new((0.0, 1200.0));
    let look = move || {
        if let Some(element) = element.try_get_untracked() {
            let window = crate::browser::window();
            let height = window
                .inner_height()
                .ok()
                .and_then(|h| h.as_f64())
                .unwrap_or(1200.0);
            let top = element.get_bounding_client_rect().top();
            // What stands above the list leaves less of it in sight: each row that is made
            // for nothing is made at each key in a filter.
            sight.try_set(((-top).max(0.0), (height - top.max(0.0)).max(0.0)));
        }
    };
    Effect::new(move |_| {
        element.track();
        look();
    });
    on_window(ev::scroll, move |_| look());
    on_window(ev::resize, move |_| look());

    let window = Memo::new(move |_| {
        let (top, height) = sight.get();
        in_sight(
            top,
            height,
            f64::from(row_height.get()),
            rows.with(|rows| rows.len()),
        )
    });
    let visible = move || {
        let (first, count) = window.get();
        rows.with(|rows| {
            let until = (first + count).min(rows.len());
            rows[first.min(until)..until].to_vec()
        })
    };
    let total = move || {
        format!(
            "{}px",
            rows.with(|rows| rows.len()) as u64 * u64::from(row_height.get())
        )
    };
    let offset = move || {
        format!(
            "translateY({}px)",
            window.get().0 as u64 * u64::from(row_height.get())
        )
    };
    view! {
        <div class="rows-all" node_ref=element style:height=total>
            <div class="rows-seen" style:transform=offset>
                <ForEnumerate each=visible key=move |each| key(each)
                    children=move |index, each| row(each, Signal::derive(move || window.get().0 + index.get())) />
            </div>
        </div>
    }
}
