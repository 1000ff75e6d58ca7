//! Retention, a few hundred rows a transaction: nobody waits long for a lock.

use sea_orm::{
    ConnectionTrait, DatabaseTransaction,
    sea_query::{Cond, Expr, ExprTrait, Order, Query, SelectStatement},
};
use shared::{id::RunId, time::Time};

use super::{Failure, SqlHistory, rows};
use crate::history::{EXPIRE_ROWS, Expire, Expired, page::Cursor};

pub async fn expire(history: &SqlHistory, what: &Expire) -> Result<Expired, Failure> {
    match what {
        Expire::Job {
            job,
            before,
            keep,
            spared,
        } => {
            let of_job = Cond::all().add(Expr::col("job_id").eq(job.to_string()));
            let rule = Rule {
                before: *before,
                keep: *keep,
                spared: *spared,
                unended_too: false,
            };
            runs(history, of_job, rule).await
        }
        Expire::All { before, keep, spared } => {
            let rule = Rule {
                before: *before,
                keep: *keep,
                spared: *spared,
                unended_too: true,
            };
            runs(history, Cond::all(), rule).await
        }
        Expire::Orphans { before } => orphans(history, *before).await,
        Expire::Statistics {
            hours_before,
            days_before,
        } => {
            let hours = statistics(history, "hour", *hours_before).await?;
            let days = statistics(history, "day", *days_before).await?;
            let minutes = statistics(history, "minutes", *hours_before).await?;
            Ok(Expired {
                rows: hours.rows + days.rows + minutes.rows,
                more: hours.more || days.more || minutes.more,
            })
        }
        Expire::Nodes { before, keep } => super::seen::expire(history, *before, *keep).await,
    }
}

/// See [`Expire::Job`].
struct Rule {
    before: Time,
    keep: u64,
    spared: Time,
    unended_too: bool,
}

/// Deletes the oldest of `which`: those before an instant, and all but the newest so many.
async fn runs(history: &SqlHistory, which: Cond, rule: Rule) -> Result<Expired, Failure> {
    // First what is past its time, then what is too many.
    let mut old = oldest(&which);
    old.and_where(Expr::col("scheduled_at").lt(rule.before.as_millis()));
    if !rule.unended_too {
        done_with(&mut old, rule.spared);
    }
    let mut ids = ids(history, &old).await?;
    if (ids.len() as u64) < EXPIRE_ROWS
        && let Some(newest_to_go) = nth_newest(history, &which, rule.keep).await?
    {
        let mut many = oldest(&which);
        done_with(&mut many, rule.spared);
        many.and_where(Expr::col("scheduled_at").lt(rule.spared.as_millis()));
        let at = newest_to_go.scheduled_at.as_millis();
        let same = Expr::col("scheduled_at")
            .eq(at)
            .and(Expr::col("id").lte(newest_to_go.id.to_string()));
        many.and_where(Expr::col("scheduled_at").lte(at));
        many.cond_where(Cond::any().add(Expr::col("scheduled_at").lt(at)).add(same));
        ids.extend(self::ids(history, &many).await?);
        ids.sort_unstable();
        ids.dedup();
        ids.truncate(EXPIRE_ROWS as usize);
    }
    if ids.is_empty() {
        return Ok(Expired::default());
    }
    let transaction = history.begin().await?;
    delete_in(&transaction, rows::OUTPUTS, "run", &ids).await?;
    delete_in(&transaction, super::asked::ASKED, "run", &ids).await?;
    delete_in(&transaction, rows::RUNS, "id", &ids).await?;
    transaction.commit().await?;
    Ok(Expired {
        rows: ids.len() as u64,
        more: ids.len() as u64 >= EXPIRE_ROWS,
    })
}

/// Runs that have ended and have no attempt to come, of which nothing else knows.
fn done_with(select: &mut SelectStatement, spared: Time) {
    select.and_where(rows::has_ended());
    let retry_at = || Expr::col("retry_at");
    select.cond_where(
        Cond::any()
            .add(retry_at().is_null())
            .add(retry_at().lt(spared.as_millis())),
    );
}

fn oldest(which: &Cond) -> SelectStatement {
    let mut select = Query::select();
    select.column("id").from(rows::RUNS).cond_where(which.clone());
    select
        .order_by("scheduled_at", Order::Asc)
        .order_by("id", Order::Asc)
        .limit(EXPIRE_ROWS);
    select
}

/// The run before which there are `n` newer ones.
async fn nth_newest(history: &SqlHistory, which: &Cond, n: u64) -> Result<Option<Cursor>, Failure> {
    let mut select = Query::select();
    select
        .columns(["scheduled_at", "id"])
        .from(rows::RUNS)
        .cond_where(which.clone());
    select
        .order_by("scheduled_at", Order::Desc)
        .order_by("id", Order::Desc)
        .limit(1)
        .offset(rows::count(n) as u64);
    let Some(row) = history.reads.query_one(&select).await? else {
        return Ok(None);
    };
    let mut row = rows::Row { row: &row, column: 0 };
    Ok(Some(Cursor {
        scheduled_at: row.time()?,
        id: row.parse()?,
    }))
}

/// Pieces of runs that are not there: their report never came, or came before them and was
/// deleted meanwhile.
async fn orphans(history: &SqlHistory, before: Time) -> Result<Expired, Failure> {
    let mut select = Query::select();
    select.distinct().column("run").from(rows::OUTPUTS);
    select.and_where(Expr::col("run").lt(RunId::new(before, 0).to_string()));
    let runs = Query::select().column("id").from(rows::RUNS).take();
    select
        .and_where(Expr::col("run").not_in_subquery(runs))
        .limit(EXPIRE_ROWS);
    let ids = ids(history, &select).await?;
    if ids.is_empty() {
        return Ok(Expired::default());
    }
    let transaction = history.begin().await?;
    delete_in(&transaction, rows::OUTPUTS, "run", &ids).await?;
    transaction.commit().await?;
    Ok(Expired {
        rows: ids.len() as u64,
        more: ids.len() as u64 >= EXPIRE_ROWS,
    })
}

async fn statistics(history: &SqlHistory, step: &str, before: Time) -> Result<Expired, Failure> {
    let mut select = Query::select();
    select.columns(["job_id", "at"]).from("statistics");
    select
        .and_where(Expr::col("step").eq(step))
        .and_where(Expr::col("at").lt(before.as_millis()));
    select.order_by("at", Order::Asc).limit(EXPIRE_ROWS);
    let found = history.reads.query_all(&select).await?;
    if found.is_empty() {
        return Ok(Expired::default());
    }
    let mut keys = Cond::any();
    for row in &found {
        let (job, at): (String, i64) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        keys = keys.add(Expr::col("job_id").eq(job).and(Expr::col("at").eq(at)));
    }
    let mut delete = Query::delete();
    delete
        .from_table("statistics")
        .and_where(Expr::col("step").eq(step))
        .cond_where(keys);
    history.writes.execute(&delete).await?;
    Ok(Expired {
        rows: found.len() as u64,
        more: found.len() as u64 >= EXPIRE_ROWS,
    })
}

async fn ids(history: &SqlHistory, select: &SelectStatement) -> Result<Vec<String>, Failure> {
    let found = history.reads.query_all(select).await?;
    found.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
}

async fn delete_in(
    db: &DatabaseTransaction,
    table: &'static str,
    column: &'static str,
    ids: &[String],
) -> Result<(), Failure> {
    let mut delete = Query::delete();
    delete
        .from_table(table)
        .and_where(Expr::col(column).is_in(rows::padded(ids.iter())));
    db.execute(&delete).await?;
    Ok(())
}
