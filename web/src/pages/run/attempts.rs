//! The attempts at the same fire, and the way from one to another.

use std::sync::Arc;

use shared::history::RunView;

use super::words::RunWords;
use crate::{
    api,
    pages::runs::news::{News, on_news},
    parts::state::StateBadge,
    prelude::*,
    remote::remote,
    words::say,
};

/// Nothing where there is but one.
#[component]
pub fn Attempts(run: Signal<Arc<RunView>>) -> impl IntoView {
    let w = say::<RunWords>();
    let first = Memo::new(move |_| run.with(|run| run.first));
    let all = remote(&[], move || first.get(), api::runs::attempts);
    on_news(move |news| match news {
        News::Run(new) if new.first != first.get_untracked() => {}
        _ => all.refresh(),
    });
    let list = Memo::new(move |_| {
        let Some(page) = all.data() else { return Vec::new() };
        let mut list: Vec<_> = page.items.iter().map(|r| (r.attempt, r.id, r.state)).collect();
        list.sort();
        list
    });
    move || {
        let list = list.get();
        (list.len() > 1).then(|| {
            view! {
                <nav class="tabs run-attempts" aria-label=w.attempts>
                    {list.into_iter().map(|(attempt, id, state)| view! {
                        <a href=format!("/runs/{id}")>
                            {fill!(w.attempt_n, n = attempt)} " " <StateBadge state />
                        </a>
                    }).collect_view()}
                </nav>
            }
        })
    }
}
