//! Who asked for a run and with what, kept for as long as the run is.

use sea_orm::{
    ConnectionTrait, Value,
    sea_query::{Expr, ExprTrait, OnConflict, Query},
};
use shared::{history::Asked, id::RunId};

use super::{Failure, SqlHistory, rows};

pub const ASKED: &str = "asked";
const ROWS_MAX: usize = 256;

pub async fn note(history: &SqlHistory, runs: &[RunId], asked: &Asked) -> Result<(), Failure> {
    let text = serde_json::to_string(asked).map_err(|e| Failure::Broken(format!("what was asked: {e}")))?;
    let keep = OnConflict::column("run").do_nothing_on(["run"]).to_owned();
    let columns = ["run", "asked"];
    rows::insert(
        &history.writes,
        ASKED,
        &columns,
        Some(keep),
        runs,
        ROWS_MAX,
        |run| [Value::from(run.to_string()), Value::from(text.clone())],
    )
    .await
}

pub async fn read(history: &SqlHistory, run: RunId) -> Result<Option<Asked>, Failure> {
    let mut select = Query::select();
    select
        .column("asked")
        .from(ASKED)
        .and_where(Expr::col("run").eq(run.to_string()));
    let row = history.reads.query_one(&select).await?;
    let text = row.map(|row| row.try_get_by_index::<String>(0)).transpose()?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}
