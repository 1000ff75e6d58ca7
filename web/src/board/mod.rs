//! The board: every job at a glance, kept in the browser. It is read whole once; from then
//! on only what changed comes, and a job that did not change keeps its very row.

mod table;
#[cfg(test)]
pub(crate) use table::tests as test_rows;

use std::{cell::RefCell, sync::Arc};

use shared::api::Changed;

pub use table::{Row, Table};

use crate::{
    api::{Answer, jobs},
    remote::{Asking, Remote, remote},
};

thread_local! {
    /// The last board, so that a page that is opened again asks for what is new only.
    static LAST: RefCell<Option<Arc<Table>>> = const { RefCell::new(None) };
}

/// The board as it changes.
pub fn board() -> Remote<Arc<Table>> {
    remote(
        &[Changed::Jobs, Changed::Runs, Changed::Slots],
        || (),
        |()| Asking::of(newest()),
    )
}

async fn newest() -> Answer<Arc<Table>> {
    let before = LAST.with_borrow(Clone::clone);
    let since = before.as_ref().map(|table| table.version.clone());
    let news = jobs::board(since).await?;
    let table = Arc::new(Table::after(before.as_deref(), news));
    LAST.set(Some(table.clone()));
    Ok(table)
}
