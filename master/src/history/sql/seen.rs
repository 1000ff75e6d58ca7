//! What nodes last said: a row each.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{
    ConnectionTrait, DbBackend, Value,
    sea_query::{CaseStatement, Expr, ExprTrait, OnConflict, Order, Query},
};
use shared::{id::NodeId, report::Health, time::Time};

use super::{Failure, SqlHistory, rows};
use crate::history::{EXPIRE_ROWS, Expired, Seen};

const NODES: &str = "nodes";
/// In the order in which rows are written and read. `at` is the last: MySQL changes a row's
/// columns one after another, and the others are decided by what it was.
const COLUMNS: [&str; 5] = ["node", "boot", "health", "clock_offset_ms", "at"];
const ROWS_MAX: usize = 256;

pub async fn note(history: &SqlHistory, seen: &BTreeMap<NodeId, Seen>) -> Result<(), Failure> {
    // In order of the nodes: masters that write at the same time do not lock each other out.
    let seen: Vec<_> = seen.iter().collect();
    let later = unless_earlier(history.backend());
    let transaction = history.begin().await?;
    rows::insert(
        &transaction,
        NODES,
        &COLUMNS,
        Some(later),
        &seen,
        ROWS_MAX,
        |(node, seen)| values(node, seen),
    )
    .await?;
    Ok(transaction.commit().await?)
}

/// Replaces a row, but not by what was said earlier.
fn unless_earlier(backend: DbBackend) -> OnConflict {
    let new = |column: &'static str| match backend {
        DbBackend::MySql => Expr::cust(format!("VALUES(`{column}`)")),
        _ => Expr::col(("excluded", column)),
    };
    let old = |column: &'static str| Expr::col((NODES, column));
    let mut replace = OnConflict::column("node");
    for column in &COLUMNS[1..] {
        let is_earlier = new("at").lt(old("at"));
        let kept = CaseStatement::new().case(is_earlier, old(column));
        replace.value(*column, kept.finally(new(column)));
    }
    replace
}

fn values(node: &NodeId, seen: &Seen) -> [Value; COLUMNS.len()] {
    let health = seen
        .health
        .as_ref()
        .and_then(|health| serde_json::to_string(health).ok());
    [
        node.to_string().into(),
        seen.boot.clone().into(),
        health.into(),
        seen.clock_offset_ms.into(),
        seen.at.as_millis().into(),
    ]
}

/// The newest.
pub async fn read(history: &SqlHistory, limit: u32) -> Result<BTreeMap<NodeId, Seen>, Failure> {
    let mut select = Query::select();
    select.columns(COLUMNS).from(NODES);
    select.order_by("at", Order::Desc).limit(u64::from(limit));
    let found = history.reads.query_all(&select).await?;
    let seen = found.iter().map(|row| {
        let mut row = rows::Row { row, column: 0 };
        let (node, boot) = (row.parse()?, row.get()?);
        // A newer version's words, during an upgrade, do not hide the rest.
        let health = row
            .optional::<String>()?
            .and_then(|text| serde_json::from_str::<Health>(&text).ok());
        let seen = Seen {
            boot,
            health,
            clock_offset_ms: row.get()?,
            at: row.time()?,
        };
        Ok((node, seen))
    });
    seen.collect()
}

pub async fn forget(history: &SqlHistory, nodes: &BTreeSet<NodeId>) -> Result<(), Failure> {
    delete(history, &nodes.iter().map(NodeId::to_string).collect::<Vec<_>>()).await
}

/// Those that were last heard before an instant, and all but the newest so many.
pub async fn expire(history: &SqlHistory, before: Time, keep: u64) -> Result<Expired, Failure> {
    let mut old = Query::select();
    old.column("node").from(NODES).limit(EXPIRE_ROWS);
    let mut many = old.clone();
    old.and_where(Expr::col("at").lt(before.as_millis()));
    many.order_by("at", Order::Desc).offset(rows::count(keep) as u64);
    let mut nodes = Vec::new();
    for row in history.reads.query_all(&old).await? {
        nodes.push(row.try_get_by_index::<String>(0)?);
    }
    if nodes.is_empty() {
        for row in history.reads.query_all(&many).await? {
            nodes.push(row.try_get_by_index::<String>(0)?);
        }
    }
    delete(history, &nodes).await?;
    Ok(Expired {
        rows: nodes.len() as u64,
        // Of both kinds: whether there are too many is looked at once none is too old.
        more: !nodes.is_empty(),
    })
}

async fn delete(history: &SqlHistory, nodes: &[String]) -> Result<(), Failure> {
    for some in nodes.chunks(ROWS_MAX) {
        let mut delete = Query::delete();
        delete.from_table(NODES);
        delete.and_where(Expr::col("node").is_in(rows::padded(some.iter())));
        history.writes.execute(&delete).await?;
    }
    Ok(())
}
