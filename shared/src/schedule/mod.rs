//! Schedules: when a job is due.
//!
//! A `Schedule` is made from a cron expression in a zone, an interval or a list of instants,
//! and answers with the instants at which it fires. It knows no clock.
//!
//! ```text
//! Schedule::cron(text, dialect, zone, dst, seed) -> Result<Schedule, ScheduleError>
//! Schedule::every(interval, anchor)              -> Result<Schedule, ScheduleError>
//! Schedule::at(instants)                         -> Result<Schedule, ScheduleError>
//! schedule.next(after)            the first instant strictly later
//! schedule.prev(before)           the last instant strictly earlier; prev(next(t)) <= t
//! schedule.between(after, until)  all in (after, until], lazily, from either end
//! schedule.check_ahead(now)       refuses one that is over: what saving a job asks
//! schedule.describe(lang)         in words
//! schedule.to_string().parse()    the same schedule again
//! Cron::parse(text, dialect, seed)  the syntax alone: it may never fire
//! zone.changes(after, until)      when its clocks are set
//! preview(schedule, from, count, also, lang)  all of this for people, as rows with marks
//! jitter(seed, at, max, next)     how much later than `at` to start
//! ```
//!
//! A schedule that can never fire is refused (`Fault::Never`), one that cannot be read too
//! (`Fault::Malformed`). One whose years are over is a schedule without a next instant, until
//! `check_ahead` refuses it (`Fault::Over`). `seed` decides `H`: it comes from the job's id.
//!
//! In reading order: `parse` makes masks of text, `cron` searches local times that match them,
//! `walk` turns those into instants across changes of the clock.

pub(crate) mod civil;
mod cron;
mod error;
mod hash;
mod parse;
mod preview;
mod text;
mod tzdb;
mod walk;
mod words;
mod zone;

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{file::value::Read, time::Time};
use hash::Source;

pub use cron::Cron;
pub use error::{Fault, Field, ScheduleError};
pub use hash::jitter;
pub use preview::{Change, Listing, Mark, MarkKind, Preview, Row, preview};
pub use tzdb::tzdb_version;
pub use words::Lang;
pub use zone::{ClockChange, Zone, ZoneError};

/// Whose rules a cron expression follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// 5 to 7 fields; day of week 0 to 7 from Sunday. OCPS 1.4 and `H`.
    #[default]
    Cron,
    /// 6 or 7 fields; day of week 1 to 7 from Sunday; `?` in one of the day fields.
    Quartz,
}

/// What becomes of a fixed local time that a change of the clock jumps over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Dst {
    /// It fires once, at the first instant after the gap, as in Debian's cron.
    #[default]
    Tick,
    /// It does not fire that day.
    Skip,
}

impl Cron {
    /// Reads an expression of 5, 6 or 7 fields or a nickname.
    ///
    /// `seed` decides what `H` stands for. The result may be an expression that never fires:
    /// `Schedule::cron` refuses those too.
    pub fn parse(expr: &str, dialect: Dialect, seed: u64) -> Result<Cron, ScheduleError> {
        parse::parse(expr, dialect, Source::Seed(seed)).map(|read| read.cron)
    }
}

/// When a job is due: what a trigger compiles to. At most 64 bytes, and a box for a list of
/// years or instants.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Schedule(Rule);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Rule {
    Cron { cron: Cron, zone: Zone, dst: Dst },
    Every { interval_ms: i64, anchor: Time },
    At(Box<[Time]>),
}

/// The most instants that one `at` may list.
pub const AT_MAX: usize = 10_000;
/// The shortest interval of `every`.
pub const EVERY_MIN: Duration = Duration::from_secs(1);
/// The longest interval of `every`: 200 years of 366 days.
pub const EVERY_MAX: Duration = Duration::from_secs(200 * 366 * 86_400);

impl Schedule {
    /// A cron expression in a zone. Refused where it cannot be read or can never fire, whatever
    /// the seed: one with `H` must fire for all that `H` may stand for, so that the same file
    /// is good for every job.
    pub fn cron(
        expr: &str,
        dialect: Dialect,
        zone: Zone,
        dst: Dst,
        seed: u64,
    ) -> Result<Schedule, ScheduleError> {
        let read = |source| {
            let read = parse::parse(expr, dialect, source)?;
            let cron = read.cron;
            Ok((Schedule(Rule::Cron { cron, zone, dst }), read.counts))
        };
        let fires = |schedule: &Schedule| schedule.next(Time::from_millis(i64::MIN)).is_some();
        let (schedule, counts) = read(Source::Seed(seed))?;
        for source in counts.sources() {
            if !fires(&read(source)?.0) {
                return Err(ScheduleError::never(
                    "the expression never fires for some of the values that `H` may stand for; \
                     narrow them, as in `H(1-8)`",
                ));
            }
        }
        if !fires(&schedule) {
            return Err(ScheduleError::never(
                "the expression never fires: no day of the years 1970 to 2199 matches all of its fields",
            ));
        }
        Ok(schedule)
    }

    /// Every `interval`, to the millisecond, from `anchor` on and before it: the anchor tells
    /// the phase, not a beginning.
    pub fn every(interval: Duration, anchor: Time) -> Result<Schedule, ScheduleError> {
        if interval < EVERY_MIN || interval > EVERY_MAX {
            return Err(ScheduleError::malformed(
                "an interval is at least 1s and at most 200 years",
            ));
        }
        let interval_ms = interval.as_millis() as i64;
        Ok(Schedule(Rule::Every { interval_ms, anchor }))
    }

    /// These instants, in any order; one given twice counts once.
    pub fn at(mut instants: Vec<Time>) -> Result<Schedule, ScheduleError> {
        if instants.is_empty() {
            return Err(ScheduleError::never("a list of instants needs at least one"));
        }
        if instants.len() > AT_MAX {
            return Err(ScheduleError::malformed(format!(
                "a list of {} instants is too long; {AT_MAX} are the most",
                instants.len()
            )));
        }
        instants.sort_unstable();
        instants.dedup();
        Ok(Schedule(Rule::At(instants.into())))
    }

    /// The first instant strictly later than `after`.
    pub fn next(&self, after: Time) -> Option<Time> {
        match &self.0 {
            Rule::Cron { cron, zone, dst } => {
                walk::next(cron, *zone, *dst, after.as_secs().saturating_add(1)).map(Time::from_secs)
            }
            Rule::Every { interval_ms, anchor } => {
                let since = i128::from(after.as_millis()) - i128::from(anchor.as_millis());
                let passed = since.div_euclid(i128::from(*interval_ms)) + 1;
                instant(i128::from(anchor.as_millis()) + passed * i128::from(*interval_ms))
            }
            Rule::At(instants) => instants.get(instants.partition_point(|t| *t <= after)).copied(),
        }
    }

    /// The last instant strictly earlier than `before`.
    ///
    /// So `prev(next(t)) <= t`: from the next fire back is the one at or before now.
    pub fn prev(&self, before: Time) -> Option<Time> {
        match &self.0 {
            Rule::Cron { cron, zone, dst } => {
                let second = before.as_millis().saturating_sub(1).div_euclid(1000);
                walk::prev(cron, *zone, *dst, second).map(Time::from_secs)
            }
            Rule::Every { interval_ms, anchor } => {
                let since = i128::from(before.as_millis()) - i128::from(anchor.as_millis()) - 1;
                let passed = since.div_euclid(i128::from(*interval_ms));
                instant(i128::from(anchor.as_millis()) + passed * i128::from(*interval_ms))
            }
            Rule::At(instants) => {
                let later = instants.partition_point(|t| *t < before);
                later.checked_sub(1).map(|at| instants[at])
            }
        }
    }

    /// The instants in `(after, until]`, found one by one as they are asked for, from either end.
    pub fn between(&self, after: Time, until: Time) -> Between<'_> {
        Between {
            schedule: self,
            after,
            until,
        }
    }

    /// Refuses a schedule that has no instant after `now`: it cannot be saved.
    pub fn check_ahead(&self, now: Time) -> Result<(), ScheduleError> {
        match (self.next(now), self.prev(Time::MAX)) {
            (Some(_), _) => Ok(()),
            (None, Some(last)) => Err(ScheduleError::over(format!(
                "the schedule is over: it fired for the last time at {last}"
            ))),
            (None, None) => Err(ScheduleError::never("the schedule never fires")),
        }
    }

    /// The zone in which a cron expression is read; none for intervals and instants.
    pub fn zone(&self) -> Option<Zone> {
        match &self.0 {
            Rule::Cron { zone, .. } => Some(*zone),
            _ => None,
        }
    }

    /// The schedule in words, as a person would say it.
    pub fn describe(&self, lang: Lang) -> String {
        words::describe(self, lang)
    }
}

/// An instant that can be written, from 1970 to 9999.
fn instant(ms: i128) -> Option<Time> {
    let time = Time::from_millis(i64::try_from(ms).ok()?);
    (Time::EPOCH..=Time::MAX).contains(&time).then_some(time)
}

/// The instants of a schedule between two others. See `Schedule::between`.
#[derive(Clone, Debug)]
pub struct Between<'a> {
    schedule: &'a Schedule,
    after: Time,
    until: Time,
}

impl Iterator for Between<'_> {
    type Item = Time;
    fn next(&mut self) -> Option<Time> {
        let next = self.schedule.next(self.after).filter(|t| *t <= self.until);
        self.after = next.unwrap_or(self.until);
        next
    }
}

impl DoubleEndedIterator for Between<'_> {
    fn next_back(&mut self) -> Option<Time> {
        let past = Time::from_millis(self.until.as_millis().saturating_add(1));
        let prev = self.schedule.prev(past).filter(|t| *t > self.after);
        self.until = match prev {
            Some(t) => Time::from_millis(t.as_millis() - 1),
            None => self.after,
        };
        prev
    }
}

impl std::iter::FusedIterator for Between<'_> {}

/// The canonical text: `30 2 * * *`, `CRON_TZ=Asia/Shanghai DST=skip 30 2 * * *`,
/// `@every 600s from 1970-01-01T00:00:00.000Z` or `@at 2026-01-01T00:00:00.000Z,...`.
impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Rule::Cron { cron, zone, dst } => {
                if *zone != Zone::utc() {
                    write!(f, "CRON_TZ={zone} ")?;
                }
                if *dst == Dst::Skip {
                    f.write_str("DST=skip ")?;
                }
                cron.fmt(f)
            }
            Rule::Every { interval_ms, anchor } => {
                match interval_ms % 1000 {
                    0 => write!(f, "@every {}s", interval_ms / 1000)?,
                    _ => write!(f, "@every {interval_ms}ms")?,
                }
                write!(f, " from {anchor}")
            }
            Rule::At(instants) => {
                f.write_str("@at ")?;
                for (i, instant) in instants.iter().enumerate() {
                    let comma = if i == 0 { "" } else { "," };
                    write!(f, "{comma}{instant}")?;
                }
                Ok(())
            }
        }
    }
}

/// Reads what `Display` writes.
impl FromStr for Schedule {
    type Err = ScheduleError;
    fn from_str(text: &str) -> Result<Schedule, ScheduleError> {
        let bad = |message: String| ScheduleError::malformed(message);
        if let Some(list) = text.strip_prefix("@at ") {
            let instants = list.split(',').map(|t| t.trim().parse::<Time>());
            return Schedule::at(instants.collect::<Result<_, _>>().map_err(bad)?);
        }
        if let Some(rest) = text.strip_prefix("@every ") {
            let (interval, anchor) = rest
                .split_once(" from ")
                .unwrap_or((rest, "1970-01-01T00:00:00Z"));
            let (number, unit_ms) = match (interval.strip_suffix("ms"), interval.strip_suffix('s')) {
                (Some(number), _) => (number, 1),
                (None, Some(number)) => (number, 1000),
                (None, None) => return Err(bad("after @every stands a number of s or ms".to_owned())),
            };
            let number: u64 = number
                .parse()
                .map_err(|_| bad("after @every stands a number".to_owned()))?;
            let interval = Duration::from_millis(number.saturating_mul(unit_ms));
            return Schedule::every(interval, anchor.trim().parse().map_err(bad)?);
        }
        let (mut zone, mut dst, mut rest) = (Zone::utc(), Dst::Tick, text);
        if let Some((name, after)) = rest.strip_prefix("CRON_TZ=").and_then(|r| r.split_once(' ')) {
            zone = name.parse().map_err(|e: ZoneError| bad(e.to_string()))?;
            rest = after;
        }
        if let Some(after) = rest.strip_prefix("DST=skip ") {
            (dst, rest) = (Dst::Skip, after);
        }
        Schedule::cron(rest, Dialect::Cron, zone, dst, 0)
    }
}
