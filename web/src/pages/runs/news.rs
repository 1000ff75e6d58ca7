//! What happens to runs, as the server tells it.

use std::sync::Arc;

use shared::{api::Changed, history::RunView};

use crate::{live::live, prelude::*};

/// What there is to know.
pub enum News {
    /// A run was recorded.
    Run(Arc<RunView>),
    /// Something was, perhaps by another master: look again.
    Unknown,
}

/// Tells each of the news for as long as the page is there.
pub fn on_news(tell: impl Fn(News) + 'static) {
    let live = live();
    let last = StoredValue::new(live.run.get_untracked());
    Effect::new(move |before: Option<()>| {
        live.track(Changed::Runs);
        let run = live.run.get_untracked();
        if before.is_none() {
            return;
        }
        let is_new = match (&run, last.get_value()) {
            (Some(run), Some(last)) => !Arc::ptr_eq(run, &last),
            (run, _) => run.is_some(),
        };
        last.set_value(run.clone());
        match run.filter(|_| is_new) {
            Some(run) => tell(News::Run(run)),
            None => tell(News::Unknown),
        }
    });
}
