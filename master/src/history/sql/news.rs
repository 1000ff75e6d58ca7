//! What a master records is told to the others: a row of `news` for each batch, in the same
//! transaction. Not on a database that only one master uses.

use sea_orm::{
    ConnectionTrait, DatabaseTransaction, Value,
    sea_query::{CaseStatement, Expr, ExprTrait, Order, Query},
};

use super::{Failure, SqlHistory, rows};
use crate::history::{Glimpse, History, News, Told};

const NEWS: &str = "news";
/// Batches that are kept: who is further behind looks at everything again.
pub const KEPT: i64 = 500;

/// Notes runs; `None` says to look at everything again.
pub async fn note(
    history: &SqlHistory,
    db: &DatabaseTransaction,
    runs: Option<Vec<Glimpse>>,
) -> Result<(), Failure> {
    if history.is_local() {
        return Ok(());
    }
    let text = match runs {
        Some(runs) => {
            Some(serde_json::to_string(&runs).map_err(|e| Failure::Broken(format!("runs as news: {e}")))?)
        }
        None => None,
    };
    rows::insert(db, NEWS, &["source", "runs"], None, &[text], 1, |text| {
        [Value::from(history.source.to_string()), Value::from(text.clone())]
    })
    .await
}

pub async fn read(history: &SqlHistory, after: i64, limit: u32) -> Result<Vec<News>, Failure> {
    if history.is_local() {
        return Ok(Vec::new());
    }
    let own = || Expr::col("source").eq(history.source.to_string());
    let mut select = Query::select();
    select.column("id").from(NEWS);
    select.expr(CaseStatement::new().case(own(), 1).finally(0));
    // What it has recorded itself is not read again.
    select.expr(
        CaseStatement::new()
            .case(own(), Expr::value(Value::String(None)))
            .finally(Expr::col("runs")),
    );
    select.and_where(Expr::col("id").gt(after));
    select.order_by("id", Order::Asc).limit(u64::from(limit));
    let found = history.reads.query_all(&select).await?;
    let news = found.iter().map(|row| {
        let mut row = rows::Row { row, column: 0 };
        let id = row.get()?;
        // PostgreSQL counts small numbers in 32 bits.
        let is_own = row.get::<i32>().map(|own| own == 1)?;
        let runs = row.optional::<String>()?;
        let what = match runs {
            _ if is_own => Told::Own,
            None => Told::All,
            // A newer version's words, during an upgrade.
            Some(runs) => serde_json::from_str(&runs).map_or(Told::All, Told::Runs),
        };
        Ok(News { id, what })
    });
    news.collect()
}

/// The newest there is; zero if there is none.
pub async fn newest(history: &SqlHistory) -> Result<i64, Failure> {
    if history.is_local() {
        return Ok(0);
    }
    let mut select = Query::select();
    select
        .column("id")
        .from(NEWS)
        .order_by("id", Order::Desc)
        .limit(1);
    match history.reads.query_one(&select).await? {
        Some(row) => Ok(row.try_get_by_index(0)?),
        None => Ok(0),
    }
}

/// Deletes what is older than the newest [`KEPT`].
pub async fn forget(history: &SqlHistory) -> Result<(), Failure> {
    let newest = newest(history).await?;
    if newest > KEPT {
        let mut delete = Query::delete();
        delete
            .from_table(NEWS)
            .and_where(Expr::col("id").lte(newest - KEPT));
        history.writes.execute(&delete).await?;
    }
    Ok(())
}
