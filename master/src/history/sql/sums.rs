//! Statistics. A batch notes what it adds in one row of `tallies`, which nobody else
//! touches; housekeeping folds those into the sums of each job's hours and days. So many
//! masters can record runs of one job without waiting for each other, and every run counts
//! once however often it is reported, and after retention has deleted it.

use std::collections::BTreeMap;

use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, Value,
    sea_query::{Cond, Expr, ExprTrait, LockType, OnConflict, Order, Query, SelectStatement},
};
use shared::{
    history::{Outcomes, Statistic, StatisticsQuery, Step},
    id::{JobId, JobPath},
    time::Time,
};

use super::{
    Failure, SqlHistory,
    rows::{self, Row},
};
use crate::history::{
    Sum,
    statistics::Wanted,
    tally::{Histogram, Sums, Tally},
};

const STATISTICS: &str = "statistics";
const TALLIES: &str = "tallies";
#[rustfmt::skip]
const COLUMNS: [&str; 19] = [
    "job_id", "step", "at", "namespace", "name", "succeeded", "failed", "timed_out", "killed",
    "skipped", "missed", "rejected", "lost", "duration", "late", "duration_p50_ms",
    "duration_p95_ms", "late_p50_ms", "late_p95_ms",
];
/// What is read back; the percentiles are in the histograms.
const COLUMNS_READ: usize = 15;
/// The outcomes among the columns.
const OUTCOMES: std::ops::Range<usize> = 5..13;
const KEY: [&str; 3] = ["job_id", "step", "at"];

/// How many notes one `fold` takes, and the number of sums after which it takes no more.
const NOTES_MAX: u64 = 64;
const SUMS_MAX: usize = 4000;
const ROWS_MAX: usize = 256;
/// The most rows that one question is answered from: 10,000 jobs by days of ten days.
const STATISTICS_MAX: u64 = 100_000;

/// Notes what a batch adds.
pub async fn note(db: &DatabaseTransaction, sums: &Sums) -> Result<(), Failure> {
    let text = json(&sums.values().collect::<Vec<_>>())?;
    rows::insert(db, TALLIES, &["sums"], None, &[text], 1, |text| {
        [Value::from(text.clone())]
    })
    .await
}

/// Folds notes in; whether there may be more.
pub async fn fold(history: &SqlHistory) -> Result<bool, Failure> {
    let transaction = history.begin().await?;
    let mut select = Query::select();
    select
        .columns(["id", "sums"])
        .from(TALLIES)
        .order_by("id", Order::Asc)
        .limit(NOTES_MAX)
        .lock(LockType::Update);
    let notes = transaction.query_all(&select).await?;
    let mut sums = Sums::default();
    let mut folded: Vec<i64> = Vec::new();
    for row in &notes {
        let mut row = Row { row, column: 0 };
        folded.push(row.get()?);
        match read_json::<Vec<Sum>>(&row.get::<String>()?) {
            Ok(added) => added.iter().for_each(|sum| sums.add(sum)),
            // It would stand in the way of all others for ever.
            Err(error) => tracing::error!(?error, "a batch does not count in the statistics"),
        }
        if sums.len() > SUMS_MAX {
            break;
        }
    }
    let more = folded.len() < notes.len() || notes.len() as u64 == NOTES_MAX;
    if folded.is_empty() {
        return Ok(false);
    }
    let sums = sums.with_days();
    let added: Vec<&Sum> = sums.values().collect();
    for some in added.chunks(ROWS_MAX) {
        let mut together = locked(&transaction, some).await?;
        some.iter().for_each(|sum| together.add(sum));
        let together: Vec<Sum> = together.into_values().collect();
        replace(&transaction, &together).await?;
    }
    let mut delete = Query::delete();
    delete
        .from_table(TALLIES)
        .and_where(Expr::col("id").is_in(folded));
    transaction.execute(&delete).await?;
    transaction.commit().await?;
    Ok(more)
}

/// The sums as they stand under the same keys, locked.
async fn locked(db: &DatabaseTransaction, sums: &[&Sum]) -> Result<Sums, Failure> {
    // By job and time; what else that finds is not changed.
    let mut times: BTreeMap<(Step, JobId), (Time, Time)> = BTreeMap::new();
    for sum in sums {
        let range = times.entry((sum.step, sum.job_id)).or_insert((sum.at, sum.at));
        *range = (range.0.min(sum.at), range.1.max(sum.at));
    }
    let keys = times.iter().map(|((step, job), (from, until))| {
        Cond::all()
            .add(Expr::col("job_id").eq(job.to_string()))
            .add(Expr::col("step").eq(step.as_str()))
            .add(Expr::col("at").between(from.as_millis(), until.as_millis()))
    });
    let mut select = select_sums();
    select.cond_where(keys.fold(Cond::any(), Cond::add));
    for key in KEY {
        select.order_by(key, Order::Asc);
    }
    select.lock(LockType::Update);
    let mut found = Sums::default();
    for row in db.query_all(&select).await? {
        let sum = sum(&row)?;
        if sums.iter().any(|wanted| wanted.key() == sum.key()) {
            found.replace(&sum);
        }
    }
    Ok(found)
}

/// Writes sums over what is there.
pub async fn replace(db: &DatabaseTransaction, sums: &[Sum]) -> Result<(), Failure> {
    let texts: Vec<(&Sum, String, String)> = sums
        .iter()
        .map(|sum| Ok((sum, json(&sum.tally.duration)?, json(&sum.tally.late)?)))
        .collect::<Result<_, Failure>>()?;
    let replace = OnConflict::columns(KEY)
        .update_columns(COLUMNS[KEY.len()..].iter().copied())
        .to_owned();
    rows::insert(
        db,
        STATISTICS,
        &COLUMNS,
        Some(replace),
        &texts,
        ROWS_MAX,
        |(sum, duration, late)| {
            let Sum { tally, .. } = sum;
            let Outcomes {
                succeeded,
                failed,
                timed_out,
                killed,
                skipped,
                missed,
                rejected,
                lost,
            } = tally.outcomes;
            let (durations, delays) = (tally.duration.spread(), tally.late.spread());
            let values: [Value; COLUMNS.len()] = [
                sum.job_id.to_string().into(),
                sum.step.as_str().into(),
                sum.at.as_millis().into(),
                sum.job.namespace.to_string().into(),
                sum.job.name.to_string().into(),
                succeeded.into(),
                failed.into(),
                timed_out.into(),
                killed.into(),
                skipped.into(),
                missed.into(),
                rejected.into(),
                lost.into(),
                duration.clone().into(),
                late.clone().into(),
                durations.p50_ms.into(),
                durations.p95_ms.into(),
                delays.p50_ms.into(),
                delays.p95_ms.into(),
            ];
            values
        },
    )
    .await
}

pub async fn statistics(history: &SqlHistory, query: &StatisticsQuery) -> Result<Vec<Statistic>, Failure> {
    let mut wanted = Wanted::check(query)?;
    if wanted.is_plain {
        return plain(history, &wanted).await;
    }
    let mut select = select_sums();
    matching(&mut select, &wanted);
    // Oldest first, so that a renamed job's last name stands.
    select.order_by("at", Order::Asc).limit(STATISTICS_MAX + 1);
    let found = history.reads.query_all(&select).await?;
    if found.len() as u64 > STATISTICS_MAX {
        let why = format!(
            "the answer would be made of more than {STATISTICS_MAX} sums; ask for days, for fewer jobs or for a shorter time"
        );
        return Err(Failure::Invalid(why));
    }
    for row in &found {
        wanted.add(&sum(row)?);
    }
    Ok(wanted.finish())
}

/// Sums by time over all jobs: the database adds up.
async fn plain(history: &SqlHistory, wanted: &Wanted) -> Result<Vec<Statistic>, Failure> {
    // Elsewhere a sum is a number of another type.
    let number = match history.backend() {
        DbBackend::MySql => "signed",
        _ => "bigint",
    };
    let mut select = Query::select();
    select.column("at").from(STATISTICS);
    for column in &COLUMNS[OUTCOMES] {
        select.expr(Expr::col(*column).sum().cast_as(number));
    }
    matching(&mut select, wanted);
    select
        .group_by_columns(["at"])
        .order_by("at", Order::Asc)
        .limit(STATISTICS_MAX);
    let mut statistics = Vec::new();
    for row in history.reads.query_all(&select).await? {
        let mut row = Row { row: &row, column: 0 };
        let at = Some(row.time()?);
        statistics.push(Statistic {
            at,
            outcomes: outcomes(&mut row)?,
            ..Statistic::default()
        });
    }
    Ok(statistics)
}

fn matching(select: &mut SelectStatement, wanted: &Wanted) {
    if let Some(job) = wanted.job_id {
        select.and_where(Expr::col("job_id").eq(job.to_string()));
    }
    if let Some(job) = &wanted.job {
        select.and_where(Expr::col("namespace").eq(job.namespace.as_str()));
        select.and_where(Expr::col("name").eq(job.name.as_str()));
    }
    if let Some(namespace) = &wanted.namespace {
        select.and_where(Expr::col("namespace").eq(namespace.as_str()));
    }
    select.and_where(Expr::col("step").eq(wanted.step.as_str()));
    if let Some(since) = wanted.since {
        select.and_where(Expr::col("at").gte(since.as_millis()));
    }
    if let Some(until) = wanted.until {
        select.and_where(Expr::col("at").lt(until.as_millis()));
    }
}

fn outcomes(row: &mut Row<'_>) -> Result<Outcomes, Failure> {
    Ok(Outcomes {
        succeeded: row.get()?,
        failed: row.get()?,
        timed_out: row.get()?,
        killed: row.get()?,
        skipped: row.get()?,
        missed: row.get()?,
        rejected: row.get()?,
        lost: row.get()?,
    })
}

pub async fn after(history: &SqlHistory, after: Option<&Sum>, limit: u32) -> Result<Vec<Sum>, Failure> {
    let mut select = select_sums();
    if let Some(after) = after {
        let (job, step, at) = (
            after.job_id.to_string(),
            after.step.as_str(),
            after.at.as_millis(),
        );
        select.and_where(Expr::col("job_id").gte(job.clone()));
        let same_job = Expr::col("job_id").eq(job.clone());
        let same_step = same_job.clone().and(Expr::col("step").eq(step));
        select.cond_where(
            Cond::any()
                .add(Expr::col("job_id").gt(job))
                .add(same_job.and(Expr::col("step").gt(step)))
                .add(same_step.and(Expr::col("at").gt(at))),
        );
    }
    // As words, `day` comes before `hour`; a dump needs some order, not this one.
    for key in KEY {
        select.order_by(key, Order::Asc);
    }
    select.limit(u64::from(limit));
    history.reads.query_all(&select).await?.iter().map(sum).collect()
}

fn select_sums() -> SelectStatement {
    Query::select()
        .columns(COLUMNS[..COLUMNS_READ].iter().copied())
        .from(STATISTICS)
        .take()
}

fn sum(row: &sea_orm::QueryResult) -> Result<Sum, Failure> {
    let mut row = Row { row, column: 0 };
    let job_id = row.parse()?;
    let step = match row.get::<String>()?.as_str() {
        "hour" => Step::Hour,
        "day" => Step::Day,
        "minutes" => Step::Minutes,
        other => return Err(Failure::Broken(format!("`{other}` is not a step of time"))),
    };
    let at = row.time()?;
    let job = JobPath {
        namespace: row.parse()?,
        name: row.parse()?,
    };
    let outcomes = outcomes(&mut row)?;
    let duration: Histogram = read_json(&row.get::<String>()?)?;
    let late: Histogram = read_json(&row.get::<String>()?)?;
    Ok(Sum {
        job_id,
        job,
        step,
        at,
        tally: Tally {
            outcomes,
            duration,
            late,
        },
    })
}

fn json(value: &impl serde::Serialize) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|e| Failure::Broken(e.to_string()))
}

fn read_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Failure> {
    serde_json::from_str(text).map_err(|e| Failure::Broken(format!("statistics cannot be read: {e}")))
}
