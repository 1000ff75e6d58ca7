//! Runs and pieces of output as rows.

use sea_orm::{
    ConnectionTrait, QueryResult, TryGetable, Value,
    sea_query::{Expr, ExprTrait, Func, InsertStatement, OnConflict, Query, SelectStatement},
};
use shared::{
    id::JobPath,
    report::{Gap, OutputSize, Range, Run, Stream, Usage},
    run::{Cause, Reason, State},
    time::Time,
};

use super::Failure;
use crate::history::batch::Piece;

pub const RUNS: &str = "runs";
pub const OUTPUTS: &str = "outputs";

/// In the order in which rows are written and read.
#[rustfmt::skip]
const RUN_COLUMNS: [&str; 27] = [
    "id", "first", "job_id", "namespace", "name", "revision", "scheduled_at", "slot", "node",
    "attempt", "cause", "state", "open_node", "reason", "started_at", "finished_at",
    "exit_code", "signal", "retry_at", "cpu_ms", "memory_max_bytes", "output_bytes",
    "output_dropped", "gap_from", "gap_until", "range_until", "range_count",
];
const OUTPUT_COLUMNS: [&str; 5] = ["run", "seq", "stream", "at", "data"];

/// Rows are written so many at a time, by powers of two: a handful of prepared statements
/// serves every size of batch.
const ROWS_MAX: usize = 256;
/// Pieces are up to 64 KiB, and MySQL's packets 16 MiB unless it is told otherwise.
const PIECES_MAX: usize = 16;

pub fn select_runs() -> SelectStatement {
    Query::select().columns(RUN_COLUMNS).from(RUNS).take()
}

pub fn select_pieces() -> SelectStatement {
    Query::select().columns(OUTPUT_COLUMNS).from(OUTPUTS).take()
}

/// Writes new rows. One that is there already, which another master has just written, is
/// an error that undoes the transaction.
pub async fn insert_runs(db: &impl ConnectionTrait, runs: &[&Run]) -> Result<(), Failure> {
    insert(db, RUNS, &RUN_COLUMNS, None, runs, ROWS_MAX, |run| {
        run_values(run)
    })
    .await
}

/// Replaces rows that are there, and locked.
pub async fn replace_runs(db: &impl ConnectionTrait, runs: &[&Run]) -> Result<(), Failure> {
    let replace = OnConflict::column("id")
        .update_columns(RUN_COLUMNS[1..].iter().copied())
        .to_owned();
    insert(db, RUNS, &RUN_COLUMNS, Some(replace), runs, ROWS_MAX, |run| {
        run_values(run)
    })
    .await
}

/// Writes pieces; those that are there stay as they are.
pub async fn insert_pieces(db: &impl ConnectionTrait, pieces: &[&Piece]) -> Result<(), Failure> {
    let keep = OnConflict::columns(["run", "seq"])
        .do_nothing_on(["run", "seq"])
        .to_owned();
    insert(
        db,
        OUTPUTS,
        &OUTPUT_COLUMNS,
        Some(keep),
        pieces,
        PIECES_MAX,
        |piece| piece_values(piece),
    )
    .await
}

/// Runs that have ended. Said so that no index is used for it: nearly all have.
pub fn has_ended() -> Expr {
    Expr::expr(Func::coalesce([Expr::col("open_node"), Expr::val("")])).eq("")
}

/// Inserts rows by powers of two.
pub async fn insert<T, V: IntoIterator<Item = Value>>(
    db: &impl ConnectionTrait,
    table: &'static str,
    columns: &[&'static str],
    conflict: Option<OnConflict>,
    rows: &[T],
    rows_max: usize,
    values: impl Fn(&T) -> V,
) -> Result<(), Failure> {
    let mut rest = rows;
    while !rest.is_empty() {
        let count = usize::min(1 << rest.len().ilog2(), rows_max);
        let (now, later) = rest.split_at(count);
        let mut statement = InsertStatement::new();
        statement.into_table(table).columns(columns.iter().copied());
        for row in now {
            statement.values_panic(values(row).into_iter().map(Expr::from));
        }
        if let Some(conflict) = &conflict {
            statement.on_conflict(conflict.clone());
        }
        db.execute(&statement).await?;
        rest = later;
    }
    Ok(())
}

/// Ids for an `IN`, filled up to a power of two with the last: few prepared statements.
pub fn padded<T: ToString>(ids: impl ExactSizeIterator<Item = T>) -> Vec<String> {
    let mut texts: Vec<String> = ids.map(|id| id.to_string()).collect();
    if let Some(last) = texts.last().cloned() {
        texts.resize(texts.len().next_power_of_two(), last);
    }
    texts
}

fn run_values(run: &Run) -> [Value; RUN_COLUMNS.len()] {
    let open_node = (!run.state.is_end()).then(|| run.node.to_string());
    [
        run.id.to_string().into(),
        run.first.to_string().into(),
        run.job.to_string().into(),
        run.path.namespace.to_string().into(),
        run.path.name.to_string().into(),
        run.revision.into(),
        run.scheduled_at.as_millis().into(),
        run.slot.map(i64::from).into(),
        run.node.to_string().into(),
        i64::from(run.attempt).into(),
        run.cause.as_str().into(),
        run.state.as_str().into(),
        open_node.into(),
        // JSON escapes NUL, which PostgreSQL's text cannot hold.
        run.reason
            .as_ref()
            .and_then(|reason| serde_json::to_string(reason).ok())
            .into(),
        run.started_at.map(Time::as_millis).into(),
        run.finished_at.map(Time::as_millis).into(),
        run.exit_code.map(i64::from).into(),
        run.signal.map(i64::from).into(),
        run.retry_at.map(Time::as_millis).into(),
        count(run.usage.cpu_ms).into(),
        count(run.usage.memory_max_bytes).into(),
        count(run.output.bytes).into(),
        count(run.output.dropped).into(),
        run.output.gap.map(|gap| count(gap.from)).into(),
        run.output.gap.map(|gap| count(gap.until)).into(),
        run.range.map(|range| range.until.as_millis()).into(),
        run.range.map(|range| count(range.count)).into(),
    ]
}

/// As [`select_runs`] gives it.
pub fn run(row: &QueryResult) -> Result<Run, Failure> {
    let mut row = Row { row, column: 0 };
    let (id, first, job) = (row.parse()?, row.parse()?, row.parse()?);
    let path = JobPath {
        namespace: row.parse()?,
        name: row.parse()?,
    };
    let revision = row.get()?;
    let scheduled_at = row.time()?;
    let slot = row.optional::<i64>()?.map(|slot| slot as u32);
    let node = row.parse()?;
    let attempt = row.get::<i64>()? as u32;
    let cause = cause(&row.get::<String>()?)?;
    let state: State = row.parse()?;
    row.optional::<String>()?;
    // A newer version's reason, during an upgrade, does not hide the run.
    let reason = row
        .optional::<String>()?
        .and_then(|text| serde_json::from_str::<Reason>(&text).ok());
    Ok(Run {
        id,
        first,
        job,
        path,
        revision,
        scheduled_at,
        slot,
        node,
        attempt,
        cause,
        state,
        reason,
        started_at: row.optional_time()?,
        finished_at: row.optional_time()?,
        exit_code: row.optional::<i64>()?.map(|code| code as i32),
        signal: row.optional::<i64>()?.map(|signal| signal as i32),
        retry_at: row.optional_time()?,
        usage: Usage {
            cpu_ms: row.count()?,
            memory_max_bytes: row.count()?,
        },
        output: OutputSize {
            bytes: row.count()?,
            dropped: row.count()?,
            gap: match (row.optional::<i64>()?, row.optional::<i64>()?) {
                (Some(from), Some(until)) => Some(Gap {
                    from: from as u64,
                    until: until as u64,
                }),
                _ => None,
            },
        },
        range: match (row.optional::<i64>()?, row.optional::<i64>()?) {
            (Some(until), Some(count)) => Some(Range {
                until: Time::from_millis(until),
                count: count as u64,
            }),
            _ => None,
        },
    })
}

fn piece_values(piece: &Piece) -> [Value; OUTPUT_COLUMNS.len()] {
    let stream = match piece.stream {
        Stream::Stdout => "stdout",
        Stream::Stderr => "stderr",
        Stream::Note => "note",
    };
    [
        piece.run.to_string().into(),
        count(piece.seq).into(),
        stream.into(),
        piece.at.as_millis().into(),
        piece.data.clone().into(),
    ]
}

/// As [`select_pieces`] gives it.
pub fn piece(row: &QueryResult) -> Result<Piece, Failure> {
    let mut row = Row { row, column: 0 };
    Ok(Piece {
        run: row.parse()?,
        seq: row.count()?,
        stream: match row.get::<String>()?.as_str() {
            "stdout" => Stream::Stdout,
            "stderr" => Stream::Stderr,
            "note" => Stream::Note,
            other => return Err(Failure::Broken(format!("`{other}` is not a stream"))),
        },
        at: row.time()?,
        data: row.get()?,
    })
}

pub fn cause(text: &str) -> Result<Cause, Failure> {
    [
        Cause::Schedule,
        Cause::CatchUp,
        Cause::Manual,
        Cause::Retry,
        Cause::Lost,
    ]
    .into_iter()
    .find(|cause| cause.as_str() == text)
    .ok_or_else(|| Failure::Broken(format!("`{text}` is not a cause")))
}

/// Databases count to 2^63.
pub fn count(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// A row, read from left to right.
pub struct Row<'a> {
    pub row: &'a QueryResult,
    pub column: usize,
}

impl Row<'_> {
    pub fn get<T: TryGetable>(&mut self) -> Result<T, Failure> {
        let value = self.row.try_get_by_index(self.column)?;
        self.column += 1;
        Ok(value)
    }

    pub fn optional<T: TryGetable>(&mut self) -> Result<Option<T>, Failure> {
        self.get()
    }

    pub fn parse<T: std::str::FromStr<Err = String>>(&mut self) -> Result<T, Failure> {
        self.get::<String>()?.parse().map_err(Failure::Broken)
    }

    pub fn count(&mut self) -> Result<u64, Failure> {
        Ok(u64::try_from(self.get::<i64>()?).unwrap_or_default())
    }

    pub fn time(&mut self) -> Result<Time, Failure> {
        self.get().map(Time::from_millis)
    }

    pub fn optional_time(&mut self) -> Result<Option<Time>, Failure> {
        Ok(self.optional()?.map(Time::from_millis))
    }
}
