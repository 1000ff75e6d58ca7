//! Recording a batch: read what is there and lock it, decide, write; one transaction.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{
    ConnectionTrait, DatabaseTransaction,
    sea_query::{Expr, ExprTrait, LockType, Order, Query},
};
use shared::{
    id::RunId,
    report::{Chunk, Gap, Run},
};

use super::{Failure, HistoryError, SqlHistory, news, rows, sums};
use crate::history::{
    Glimpse, Sum,
    batch::{self, Piece},
    tally::Sums,
};

/// A batch, ready to be written, more than once if need be.
pub struct Write<'a> {
    /// In order of id: transactions that lock in one order do not lock each other out.
    runs: BTreeMap<RunId, &'a Run>,
    pieces: Vec<Piece>,
    sums: &'a [Sum],
    /// Whether the runs count in the statistics.
    count: bool,
}

impl<'a> Write<'a> {
    pub fn prepare(
        runs: &'a [Run],
        chunks: &[Chunk],
        sums: &'a [Sum],
        count: bool,
    ) -> Result<Write<'a>, HistoryError> {
        Ok(Write {
            runs: batch::latest_of_each(runs),
            pieces: Piece::decode_all(chunks)?,
            sums,
            count,
        })
    }
}

/// Rows that a batch changes.
#[derive(Default)]
struct Changes<'a> {
    new: Vec<&'a Run>,
    replaced: Vec<&'a Run>,
    sums: Sums,
}

pub async fn write(history: &SqlHistory, batch: &Write<'_>) -> Result<Vec<RunId>, Failure> {
    if batch.runs.is_empty() && batch.pieces.is_empty() && batch.sums.is_empty() {
        return Ok(Vec::new());
    }
    let transaction = history.begin().await?;
    let recorded = recorded(&transaction, &batch.runs).await?;
    let changes = decide(batch, &recorded);
    rows::insert_runs(&transaction, &changes.new).await?;
    rows::replace_runs(&transaction, &changes.replaced).await?;

    let changed = || changes.new.iter().chain(&changes.replaced);
    for run in changed() {
        if let Some(gap) = run.output.gap {
            delete_gap(&transaction, run.id, gap).await?;
        }
    }
    let gaps = gaps(&transaction, batch, &recorded).await?;
    let in_gap = |p: &Piece| {
        gaps.get(&p.run)
            .is_some_and(|gap| (gap.from..gap.until).contains(&p.seq))
    };
    let pieces: Vec<&Piece> = batch.pieces.iter().filter(|piece| !in_gap(piece)).collect();
    rows::insert_pieces(&transaction, &pieces).await?;

    if batch.count && !changes.sums.is_empty() {
        sums::note(&transaction, &changes.sums).await?;
    }
    sums::replace(&transaction, batch.sums).await?;
    let told: Vec<Glimpse> = changed().map(|run| Glimpse::from(*run)).collect();
    match batch.count {
        true if told.is_empty() => {}
        true => news::note(history, &transaction, Some(told)).await?,
        false => news::note(history, &transaction, None).await?,
    }
    let changed = changed().map(|run| run.id).collect();
    transaction.commit().await?;
    Ok(changed)
}

/// What is recorded of the batch's runs, locked until the end of the transaction.
async fn recorded(
    db: &DatabaseTransaction,
    runs: &BTreeMap<RunId, &Run>,
) -> Result<BTreeMap<RunId, Run>, Failure> {
    if runs.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut select = rows::select_runs();
    select.and_where(Expr::col("id").is_in(rows::padded(runs.keys())));
    select.order_by("id", Order::Asc).lock(LockType::Update);
    let found = db.query_all(&select).await?;
    found
        .iter()
        .map(|row| rows::run(row).map(|run| (run.id, run)))
        .collect()
}

fn decide<'a>(batch: &Write<'a>, recorded: &BTreeMap<RunId, Run>) -> Changes<'a> {
    let mut changes = Changes::default();
    for (id, run) in &batch.runs {
        let old = recorded.get(id);
        if !batch::is_news(old, run) {
            continue;
        }
        match old {
            None => changes.new.push(run),
            Some(_) => changes.replaced.push(run),
        }
        if batch.count {
            changes.sums.count(old, run);
        }
    }
    changes
}

async fn delete_gap(db: &DatabaseTransaction, run: RunId, gap: Gap) -> Result<(), Failure> {
    let mut delete = Query::delete();
    delete
        .from_table(rows::OUTPUTS)
        .and_where(Expr::col("run").eq(run.to_string()));
    delete.and_where(Expr::col("seq").gte(rows::count(gap.from)));
    delete.and_where(Expr::col("seq").lt(rows::count(gap.until)));
    db.execute(&delete).await?;
    Ok(())
}

/// The gaps of the runs that the batch has pieces of: a piece may come after the report
/// that says that it is not kept.
async fn gaps(
    db: &DatabaseTransaction,
    batch: &Write<'_>,
    recorded: &BTreeMap<RunId, Run>,
) -> Result<BTreeMap<RunId, Gap>, Failure> {
    let here = recorded.values().chain(batch.runs.values().copied());
    let mut gaps: BTreeMap<RunId, Gap> = here.filter_map(|run| Some((run.id, run.output.gap?))).collect();
    let runs: BTreeSet<RunId> = batch.pieces.iter().map(|piece| piece.run).collect();
    let unread = runs
        .into_iter()
        .filter(|run| !recorded.contains_key(run) && !batch.runs.contains_key(run));
    let unread: Vec<RunId> = unread.collect();
    if unread.is_empty() {
        return Ok(gaps);
    }
    let mut select = Query::select();
    select.columns(["id", "gap_from", "gap_until"]).from(rows::RUNS);
    select.and_where(Expr::col("id").is_in(rows::padded(unread.iter())));
    select.and_where(Expr::col("gap_from").is_not_null());
    for row in db.query_all(&select).await? {
        let mut row = rows::Row { row: &row, column: 0 };
        gaps.insert(
            row.parse()?,
            Gap {
                from: row.count()?,
                until: row.count()?,
            },
        );
    }
    Ok(gaps)
}
