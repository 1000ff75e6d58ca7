//! What is read: by primary key or along one index, never more than a bounded number of
//! rows.

use sea_orm::{
    ConnectionTrait,
    sea_query::{Cond, Expr, ExprTrait, Order, Query, SelectStatement},
};
use shared::{
    api::Page,
    history::RunView,
    id::{JobId, NodeId, RunId},
    report::{Chunk, Run},
    run::{Cause, State},
    time::Time,
};

use super::{Failure, SqlHistory, rows};
use crate::history::{
    History,
    page::{Cursor, Walk, Wanted},
    statistics::instants,
};

/// The most runs of a node that can be unfinished, far above what an agent takes on.
const UNFINISHED_MAX: u64 = 100_000;
/// The most instants that one question about a slot is answered with.
const KNOWN_MAX: u64 = 100_000;

pub async fn run(history: &SqlHistory, id: RunId) -> Result<Option<RunView>, Failure> {
    let mut select = rows::select_runs();
    select.and_where(Expr::col("id").eq(id.to_string()));
    let Some(row) = history.reads.query_one(&select).await? else {
        return Ok(None);
    };
    let mut run = RunView::from(rows::run(&row)?);
    if run.cause != Cause::Schedule {
        run.asked = super::asked::read(history, id).await?;
    }
    Ok(Some(run))
}

pub async fn page(history: &SqlHistory, wanted: &Wanted) -> Result<Page<RunView>, Failure> {
    let mut runs = Vec::new();
    let walks = wanted.walks();
    for one in &walks {
        runs.extend(walk(history, wanted, one).await?);
    }
    if walks.len() > 1 {
        runs.sort_by_key(|run| std::cmp::Reverse(Cursor::of(run)));
    }
    let next = wanted.cut(&mut runs);
    Ok(Page {
        items: runs.into_iter().map(RunView::from).collect(),
        next,
    })
}

async fn walk(history: &SqlHistory, wanted: &Wanted, walk: &Walk) -> Result<Vec<Run>, Failure> {
    let mut select = rows::select_runs();
    matching(&mut select, wanted, walk);
    select
        .order_by("scheduled_at", Order::Desc)
        .order_by("id", Order::Desc)
        .limit(wanted.limit as u64 + 1);
    runs(history, &select).await
}

/// Only what is wanted, of what the walk finds.
pub fn matching(select: &mut SelectStatement, wanted: &Wanted, walk: &Walk) {
    if let Some(job) = walk.job {
        select.and_where(Expr::col("job_id").eq(job.to_string()));
    }
    if let Some(job) = &wanted.job {
        select.and_where(Expr::col("namespace").eq(job.namespace.as_str()));
        select.and_where(Expr::col("name").eq(job.name.as_str()));
    }
    if let Some(namespace) = &wanted.namespace {
        select.and_where(Expr::col("namespace").eq(namespace.as_str()));
    }
    if let Some(node) = &wanted.node {
        select.and_where(Expr::col("node").eq(node.as_str()));
    }
    match &*walk.causes {
        [] => {}
        [cause] => drop(select.and_where(Expr::col("cause").eq(cause.as_str()))),
        several => drop(select.and_where(Expr::col("cause").is_in(several.iter().map(|c| c.as_str())))),
    }
    match &*walk.states {
        [] => {}
        [state] => drop(select.and_where(Expr::col("state").eq(state.as_str()))),
        several => drop(select.and_where(Expr::col("state").is_in(several.iter().map(|s| s.as_str())))),
    }
    if let Some(since) = wanted.since {
        select.and_where(Expr::col("scheduled_at").gte(since.as_millis()));
    }
    if let Some(until) = wanted.until {
        select.and_where(Expr::col("scheduled_at").lt(until.as_millis()));
    }
    if let Some(first) = wanted.first {
        select.and_where(Expr::col("first").eq(first.to_string()));
    }
    if let Some(before) = &wanted.before {
        older_than(select, before);
    }
}

/// Rows after a place in the order of pages. The first condition is what indexes see.
pub fn older_than(select: &mut SelectStatement, cursor: &Cursor) {
    let at = cursor.scheduled_at.as_millis();
    let same = Expr::col("scheduled_at")
        .eq(at)
        .and(Expr::col("id").lt(cursor.id.to_string()));
    select.and_where(Expr::col("scheduled_at").lte(at));
    select.cond_where(Cond::any().add(Expr::col("scheduled_at").lt(at)).add(same));
}

pub async fn unfinished(history: &SqlHistory, node: &NodeId) -> Result<Vec<Run>, Failure> {
    let mut select = rows::select_runs();
    select.and_where(Expr::col("open_node").eq(node.as_str()));
    select.order_by("scheduled_at", Order::Asc).limit(UNFINISHED_MAX);
    runs(history, &select).await
}

pub async fn unfinished_nodes(history: &SqlHistory) -> Result<Vec<NodeId>, Failure> {
    let mut select = Query::select();
    select.distinct().column("open_node").from(rows::RUNS);
    select.and_where(Expr::col("open_node").is_not_null());
    let mut nodes = Vec::new();
    for row in history.reads.query_all(&select).await? {
        let mut row = rows::Row { row: &row, column: 0 };
        nodes.push(row.parse()?);
    }
    Ok(nodes)
}

pub async fn unretried(history: &SqlHistory, since: Time, limit: u32) -> Result<Vec<Run>, Failure> {
    let column = |table: &'static str, name: &'static str| Expr::col((table, name));
    let mut next = Query::select();
    next.expr(Expr::val(1)).from_as(rows::RUNS, "next");
    next.and_where(column("next", "first").eq(column(rows::RUNS, "first")));
    next.and_where(column("next", "attempt").eq(column(rows::RUNS, "attempt").add(1)));
    let mut select = rows::select_runs();
    select.and_where(Expr::col("retry_at").gte(since.as_millis()));
    select.and_where(rows::has_ended());
    select.and_where(Expr::exists(next).not());
    select.order_by("retry_at", Order::Asc).limit(limit.into());
    runs(history, &select).await
}

pub async fn known(
    history: &SqlHistory,
    job: JobId,
    slot: u32,
    from: Time,
    until: Time,
) -> Result<Vec<Time>, Failure> {
    let mut select = Query::select();
    select.columns(["scheduled_at", "range_until"]).from(rows::RUNS);
    select.and_where(Expr::col("job_id").eq(job.to_string()));
    select.and_where(Expr::col("slot").eq(i64::from(slot)));
    // A range that began earlier may end in here.
    let reaches = Cond::any()
        .add(Expr::col("scheduled_at").gte(from.as_millis()))
        .add(Expr::col("range_until").gte(from.as_millis()));
    select
        .cond_where(reaches)
        .and_where(Expr::col("scheduled_at").lte(until.as_millis()));
    select.order_by("scheduled_at", Order::Desc).limit(KNOWN_MAX);
    let mut found = Vec::new();
    for row in history.reads.query_all(&select).await? {
        let mut row = rows::Row { row: &row, column: 0 };
        found.push((row.time()?, row.optional()?.map(Time::from_millis)));
    }
    Ok(instants(found.into_iter(), from, until))
}

pub async fn covering(
    history: &SqlHistory,
    job: JobId,
    at: Time,
    limit: u32,
) -> Result<Vec<RunView>, Failure> {
    let mut select = rows::select_runs();
    select.and_where(Expr::col("job_id").eq(job.to_string()));
    select.and_where(Expr::col("scheduled_at").lt(at.as_millis()));
    select.and_where(Expr::col("range_until").gte(at.as_millis()));
    select
        .order_by("scheduled_at", Order::Desc)
        .order_by("id", Order::Desc)
        .limit(u64::from(limit));
    let found = runs(history, &select).await?;
    Ok(found.into_iter().map(RunView::from).collect())
}

pub async fn output(history: &SqlHistory, run: RunId, from: u64, limit: u32) -> Result<Vec<Chunk>, Failure> {
    let mut select = rows::select_pieces();
    select.and_where(Expr::col("run").eq(run.to_string()));
    select.and_where(Expr::col("seq").gte(rows::count(from)));
    select.order_by("seq", Order::Asc).limit(u64::from(limit));
    let found = history.reads.query_all(&select).await?;
    found
        .iter()
        .map(|row| rows::piece(row).map(|piece| piece.into_chunk()))
        .collect()
}

pub async fn ping(history: &SqlHistory) -> Result<(), Failure> {
    // The table itself: a database whose schema is gone does not answer either.
    let mut select = Query::select();
    select.expr(Expr::val(1)).from(rows::RUNS).limit(1);
    history.reads.query_one(&select).await?;
    Ok(())
}

pub async fn newest(history: &SqlHistory, job: JobId, slot: u32) -> Result<Option<Time>, Failure> {
    let mut select = Query::select();
    select.columns(["scheduled_at", "range_until"]).from(rows::RUNS);
    select.and_where(Expr::col("job_id").eq(job.to_string()));
    select.and_where(Expr::col("slot").eq(i64::from(slot)));
    select.order_by("scheduled_at", Order::Desc).limit(1);
    let Some(row) = history.reads.query_one(&select).await? else {
        return Ok(None);
    };
    let mut row = rows::Row { row: &row, column: 0 };
    let at = row.time()?;
    Ok(Some(row.optional()?.map(Time::from_millis).unwrap_or(at)))
}

pub async fn tidy(history: &SqlHistory) -> Result<(), Failure> {
    if history.is_local() {
        // Counts rows where that would change how it looks for them; a bounded number.
        history
            .writes
            .execute_unprepared("PRAGMA analysis_limit = 1000; PRAGMA optimize")
            .await?;
    }
    Ok(())
}

pub async fn going_on(history: &SqlHistory, limit: u32) -> Result<Vec<RunView>, Failure> {
    let mut select = rows::select_runs();
    select.and_where(Expr::col("state").eq(State::Running.as_str()));
    select
        .order_by("scheduled_at", Order::Asc)
        .order_by("id", Order::Asc)
        .limit(u64::from(limit));
    Ok(runs(history, &select)
        .await?
        .into_iter()
        .map(RunView::from)
        .collect())
}

pub async fn runs_after(history: &SqlHistory, after: Option<RunId>, limit: u32) -> Result<Vec<Run>, Failure> {
    let mut select = rows::select_runs();
    if let Some(after) = after {
        select.and_where(Expr::col("id").gt(after.to_string()));
    }
    select.order_by("id", Order::Asc).limit(u64::from(limit));
    runs(history, &select).await
}

async fn runs(history: &SqlHistory, select: &SelectStatement) -> Result<Vec<Run>, Failure> {
    history
        .reads
        .query_all(select)
        .await?
        .iter()
        .map(rows::run)
        .collect()
}
