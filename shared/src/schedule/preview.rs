//! Instants as people read them: in local times, with what changes of the clock do to them.
//!
//! Pure, so that the console shows in the browser what the API and the CLI answer.

use serde::{Deserialize, Serialize};

use super::{
    ClockChange, Lang, Rule, Schedule, Zone,
    civil::{DAY, date_of},
    walk::{self, Odd},
};
use crate::{calendar::Blackouts, file::value::Read, run::Reason, time::Time};

/// What a schedule means, and its next instants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Preview {
    /// The schedule in words.
    pub description: String,
    pub instants: Vec<Time>,
    #[serde(flatten)]
    pub listing: Listing,
}

/// Instants in the local times of one zone or two, with the changes of their clocks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Listing {
    /// The schedule's own zone: that of its first cron expression, UTC if it has none.
    pub zone: Zone,
    /// The other zone that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub also: Option<Zone>,
    /// One for each instant, in order.
    pub rows: Vec<Row>,
    /// When the clocks of these zones, and of the schedule's further ones, are set: from the
    /// instant asked from to the last row.
    pub changes: Vec<Change>,
}

/// One instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Row {
    pub at: Time,
    /// In the schedule's zone: RFC 3339 with the offset.
    pub local: String,
    /// In the other zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub also: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mark: Option<Mark>,
    /// Why its fire will be skipped, if a calendar suppresses it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suppressed: Option<Reason>,
}

/// What a change of the clock did to an instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Mark {
    pub kind: MarkKind,
    /// `stands for 02:30, which the clocks jump over`.
    pub words: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum MarkKind {
    /// Its local time does not exist: it fires at the first instant after the gap.
    Moved,
    /// Its local time comes twice: it fires the first time.
    First,
}

/// A zone's clocks are set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Change {
    /// The first instant with the new offset.
    pub at: Time,
    pub zone: Zone,
    /// The offset before, such as `+01:00`.
    pub from: String,
    /// The offset from `at` on.
    pub to: String,
    /// It stands before this row: so many instants are earlier.
    pub row: u32,
    /// `clocks go forward 1 h at 2027-03-28 02:00`, by the clock that is about to be set.
    pub words: String,
}

/// The next `count` instants after `from`, in the schedule's zone and perhaps another.
pub fn preview(schedule: &Schedule, from: Time, count: usize, also: Option<Zone>, lang: Lang) -> Preview {
    let instants: Vec<Time> = schedule.between(from, Time::MAX).take(count).collect();
    Preview {
        description: schedule.describe(lang),
        listing: Listing::of(&[schedule], from, &instants, also, lang),
        instants,
    }
}

impl Listing {
    /// The same with what a job's calendars suppress.
    pub fn under(mut self, blackouts: &Blackouts) -> Listing {
        for row in &mut self.rows {
            row.suppressed = blackouts.suppressed(row.at);
        }
        self
    }

    /// Lays out instants (sorted, all after `from`) that these schedules are due at.
    pub fn of(
        schedules: &[&Schedule],
        from: Time,
        instants: &[Time],
        also: Option<Zone>,
        lang: Lang,
    ) -> Listing {
        let zone = schedules.iter().find_map(|s| s.zone()).unwrap_or_default();
        let row = |at: Time| Row {
            at,
            local: zone.local(at),
            also: also.map(|zone| zone.local(at)),
            mark: schedules.iter().find_map(|s| s.mark(at, zone, lang)),
            suppressed: None,
        };
        let until = instants.last().copied().unwrap_or(from);
        let mut zones = vec![zone];
        for other in schedules.iter().filter_map(|s| s.zone()).chain(also) {
            if !zones.contains(&other) {
                zones.push(other);
            }
        }
        let of_zone = |zone: Zone| {
            let changes = zone.changes(from, until);
            changes.map(move |change| Change::of(zone, change, instants, lang))
        };
        let mut changes: Vec<Change> = zones.into_iter().flat_map(of_zone).collect();
        changes.sort_by_key(|change| change.at);
        Listing {
            zone,
            also,
            rows: instants.iter().copied().map(row).collect(),
            changes,
        }
    }
}

impl Change {
    fn of(zone: Zone, change: ClockChange, instants: &[Time], lang: Lang) -> Change {
        let clock = change.at.as_secs() + change.before;
        let by = change.after - change.before;
        let words = match (lang, by > 0) {
            (Lang::En, true) => format!("clocks go forward {} at {}", length(by, lang), minute(clock)),
            (Lang::En, false) => format!("clocks go back {} at {}", length(-by, lang), minute(clock)),
            (Lang::Zh, true) => format!("时钟在 {} 拨快 {}", minute(clock), length(by, lang)),
            (Lang::Zh, false) => format!("时钟在 {} 拨慢 {}", minute(clock), length(-by, lang)),
        };
        Change {
            at: change.at,
            zone,
            from: offset(change.before),
            to: offset(change.after),
            row: instants.partition_point(|at| *at < change.at) as u32,
            words,
        }
    }
}

impl Schedule {
    /// What a change of the clock did to an instant that it fires at, told beside times of
    /// zone `beside`.
    fn mark(&self, at: Time, beside: Zone, lang: Lang) -> Option<Mark> {
        let Rule::Cron { cron, zone, dst } = &self.0 else {
            return None;
        };
        let odd = walk::odd(cron, *zone, *dst, at.as_secs()).filter(|_| self.fires_at(at))?;
        let (kind, time) = match odd {
            Odd::Moved { wanted, local } => (MarkKind::Moved, told(wanted, local)),
            Odd::First { local } => (MarkKind::First, told(local, local)),
        };
        // A time of a zone that is not the one beside it.
        let time = match lang {
            _ if *zone == beside => time,
            Lang::En => format!("{time} in {zone}"),
            Lang::Zh => format!("{zone} 的 {time}"),
        };
        let words = match (kind, lang) {
            (MarkKind::Moved, Lang::En) => format!("stands for {time}, which the clocks jump over"),
            (MarkKind::Moved, Lang::Zh) => format!("代替被时钟跳过的 {time}"),
            (MarkKind::First, Lang::En) => format!("{time} comes twice, this is the first"),
            (MarkKind::First, Lang::Zh) => format!("{time} 出现两次，这是第一次"),
        };
        Some(Mark { kind, words })
    }

    fn fires_at(&self, at: Time) -> bool {
        self.next(Time::from_millis(at.as_millis() - 1)) == Some(at)
    }
}

impl Zone {
    /// An instant in this zone's local time: RFC 3339 with the offset, with milliseconds
    /// only if it has any.
    ///
    /// RFC 3339 knows offsets of whole minutes. Those of 1970 with seconds (Monrovia's
    /// -00:44:30) are shown as the next one nearer to UTC, so that the instant stays right.
    pub fn local(self, at: Time) -> String {
        let east = self.offset(at) / 60 * 60;
        let local = Time::from_millis(at.as_millis().saturating_add(east * 1000));
        let local = jiff::tz::Offset::UTC.to_datetime(local.timestamp());
        let east = offset(east);
        match at.as_millis().rem_euclid(1000) {
            0 => format!("{local}{east}"),
            _ => format!("{local:.3}{east}"),
        }
    }

    /// How far its clocks are from UTC at an instant: `+01:00`.
    pub fn from_utc(self, at: Time) -> String {
        offset(self.offset(at))
    }
}

/// `+01:00`; with seconds where there are any.
fn offset(east: i64) -> String {
    let sign = if east < 0 { '-' } else { '+' };
    let east = east.abs();
    let seconds = match east % 60 {
        0 => String::new(),
        seconds => format!(":{seconds:02}"),
    };
    format!("{sign}{:02}:{:02}{seconds}", east / 3600, east / 60 % 60)
}

/// A local time as seen from another of the same day: without the date.
fn told(local: i64, seen_from: i64) -> String {
    match local.div_euclid(DAY) == seen_from.div_euclid(DAY) {
        true => clock(local),
        false => minute(local),
    }
}

/// `2027-03-28 02:00`; with seconds where there are any.
fn minute(local: i64) -> String {
    let date = date_of(u32::try_from(local.div_euclid(DAY)).unwrap_or(0));
    let (year, month, day) = (date.year, date.month, date.day);
    format!("{year}-{month:02}-{day:02} {}", clock(local))
}

fn clock(local: i64) -> String {
    let second = local.rem_euclid(DAY);
    let (h, m, s) = (second / 3600, second / 60 % 60, second % 60);
    match s {
        0 => format!("{h:02}:{m:02}"),
        s => format!("{h:02}:{m:02}:{s:02}"),
    }
}

/// How far clocks are set: `1 h`, `30 min`, `44 min 30 s`.
fn length(seconds: i64, lang: Lang) -> String {
    let units = match lang {
        Lang::En => ["h", "min", "s"],
        Lang::Zh => ["小时", "分钟", "秒"],
    };
    let parts = [seconds / 3600, seconds / 60 % 60, seconds % 60];
    let parts = parts.iter().zip(units).filter(|(n, _)| **n != 0);
    parts
        .map(|(n, unit)| format!("{n} {unit}"))
        .collect::<Vec<_>>()
        .join(" ")
}
