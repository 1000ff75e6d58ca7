//! Runs at a glance: narrow rows, many at once.

use sea_orm::{
    ConnectionTrait, DbBackend, QueryResult,
    sea_query::{Alias, Expr, ExprTrait, Order, Query, SelectStatement, UnionType},
};
use shared::{
    id::{JobId, JobPath, RunId},
    report::Chunk,
    run::{Reason, State},
};

use super::{Failure, SqlHistory, read, rows};
use crate::history::{
    Glimpse,
    page::{Cursor, Wanted},
};

#[rustfmt::skip]
const COLUMNS: [&str; 15] = [
    "id", "job_id", "namespace", "name", "scheduled_at", "slot", "node", "attempt", "cause",
    "state", "reason", "started_at", "finished_at", "retry_at", "range_until",
];
/// Jobs that one statement asks about: SQLite takes 500 parts of a union.
const JOBS_MAX: usize = 64;

fn select() -> SelectStatement {
    Query::select().columns(COLUMNS).from(rows::RUNS).take()
}

fn newest_first(select: &mut SelectStatement) -> &mut SelectStatement {
    select
        .order_by("scheduled_at", Order::Desc)
        .order_by("id", Order::Desc)
}

/// As [`select`] gives it.
fn glimpse(row: &QueryResult) -> Result<Glimpse, Failure> {
    let mut row = rows::Row { row, column: 0 };
    let (id, job) = (row.parse()?, row.parse()?);
    let path = JobPath {
        namespace: row.parse()?,
        name: row.parse()?,
    };
    let scheduled_at = row.time()?;
    let slot = row.optional::<i64>()?.map(|slot| slot as u32);
    let (node, attempt) = (row.parse()?, row.get::<i64>()? as u32);
    let cause = rows::cause(&row.get::<String>()?)?;
    let state: State = row.parse()?;
    let reason = row.optional::<String>()?;
    Ok(Glimpse {
        id,
        job,
        path,
        scheduled_at,
        slot,
        node,
        attempt,
        cause,
        state,
        reason: reason.and_then(|text| serde_json::from_str::<Reason>(&text).ok()),
        started_at: row.optional_time()?,
        finished_at: row.optional_time()?,
        is_retried: row.optional_time()?.is_some(),
        until: row.optional_time()?,
    })
}

async fn glimpses(history: &SqlHistory, select: &SelectStatement) -> Result<Vec<Glimpse>, Failure> {
    let found = history.reads.query_all(select).await?;
    found.iter().map(glimpse).collect()
}

pub async fn recent(history: &SqlHistory, jobs: &[JobId], count: u32) -> Result<Vec<Glimpse>, Failure> {
    let mut all = Vec::new();
    let newest_of = |job: &JobId| {
        let mut newest = select();
        newest.and_where(Expr::col("job_id").eq(job.to_string()));
        newest_first(&mut newest).limit(u64::from(count));
        newest
    };
    // MySQL writes each part of a union into a table of its own first.
    if history.backend() == DbBackend::MySql {
        for job in jobs {
            all.extend(glimpses(history, &newest_of(job)).await?);
        }
        return Ok(all);
    }
    for some in jobs.chunks(JOBS_MAX) {
        let mut parts = some.iter().map(|job| {
            let newest = newest_of(job);
            // In brackets of its own: SQLite takes no order inside of a union.
            let mut part = Query::select();
            part.columns(COLUMNS).from_subquery(newest, Alias::new("newest"));
            part
        });
        let Some(mut union) = parts.next() else { break };
        for part in parts {
            union.union(UnionType::All, part);
        }
        all.extend(glimpses(history, &union).await?);
    }
    Ok(all)
}

pub async fn open(history: &SqlHistory, limit: u32) -> Result<Vec<Glimpse>, Failure> {
    let mut open = select();
    open.and_where(Expr::col("open_node").is_not_null());
    open.limit(u64::from(limit));
    glimpses(history, &open).await
}

/// Newest first. Of many states or causes, each is a walk of its own (see `read::page`).
pub async fn walk(history: &SqlHistory, wanted: &Wanted, limit: u32) -> Result<Vec<Glimpse>, Failure> {
    let mut all = Vec::new();
    for walk in wanted.walks() {
        let mut select = select();
        read::matching(&mut select, wanted, &walk);
        newest_first(&mut select).limit(u64::from(limit));
        all.extend(glimpses(history, &select).await?);
    }
    all.sort_by_key(|run| {
        std::cmp::Reverse(Cursor {
            scheduled_at: run.scheduled_at,
            id: run.id,
        })
    });
    all.truncate(limit as usize);
    Ok(all)
}

/// Pieces before one, in order: the last of them.
pub async fn output_before(
    history: &SqlHistory,
    run: RunId,
    before: u64,
    limit: u32,
) -> Result<Vec<Chunk>, Failure> {
    let mut select = rows::select_pieces();
    select.and_where(Expr::col("run").eq(run.to_string()));
    select.and_where(Expr::col("seq").lt(rows::count(before)));
    select.order_by("seq", Order::Desc).limit(u64::from(limit));
    let found = history.reads.query_all(&select).await?;
    let pieces = found.iter().rev();
    pieces
        .map(|row| rows::piece(row).map(|piece| piece.into_chunk()))
        .collect()
}
