//! A calendar as a person writes it. One that exists is valid.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::text::{Clock, Weekdays};
use crate::{
    file::value::{self, Read},
    schedule::{Zone, civil::DAY},
    time::Time,
};

/// How many days, ranges and windows a calendar holds.
pub const ENTRIES_MAX: usize = 1500;
/// The largest calendar, as JSON. Assignments hold the calendars that their job names: with
/// the largest job and all of them, an assignment must still fit a transaction.
pub const CALENDAR_BYTES_MAX: usize = 24 << 10;
const WEEKLY_MAX: usize = 100;
const DESCRIPTION_CHARS_MAX: usize = 1024;

/// What do we store? Named stretches of time, under `calendars/<name>`. It covers whatever
/// any of its parts covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(try_from = "CalendarFile", into = "CalendarFile")]
pub struct Calendar {
    pub description: String,
    /// Whose local days and times these are.
    pub timezone: Zone,
    /// Nobody has said what it covers after this moment (a day is one whole): its file was only
    /// carried out that far. It is for people, who are warned in time; what a calendar covers
    /// does not hang on it.
    pub known_until: Option<Moment>,
    /// Whole days.
    pub dates: BTreeSet<Day>,
    pub ranges: Vec<Range>,
    pub weekly: Vec<Weekly>,
}

/// A whole local day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Day {
    /// The same day of each year; 29 February only where there is one.
    Yearly { month: u8, day: u8 },
    /// Counted from 1970-01-01.
    Date(u32),
}

/// From one moment to another: `to` is not covered itself, but a day is, to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Read)]
#[serde(try_from = "RangeFile")]
pub struct Range {
    pub from: Moment,
    pub to: Moment,
}

/// An end of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Moment {
    /// A whole local day, counted from 1970-01-01.
    Date(u32),
    /// What the local clock shows, in seconds from 1970-01-01T00:00.
    Local(i64),
    Instant(Time),
}

/// A window of each week, or of each day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Read)]
#[serde(try_from = "WeeklyFile", into = "WeeklyFile")]
pub struct Weekly {
    /// The days on which it begins.
    pub days: Weekdays,
    /// Seconds of the day. A window that ends before it begins ends on the next day.
    pub from: u32,
    pub to: u32,
}

impl Range {
    /// As local seconds, if its ends are local.
    pub(super) fn local(&self) -> Option<(i64, i64)> {
        let from = match self.from {
            Moment::Date(day) => i64::from(day) * DAY,
            Moment::Local(second) => second,
            Moment::Instant(_) => return None,
        };
        match self.to {
            Moment::Date(day) => Some((from, (i64::from(day) + 1) * DAY)),
            Moment::Local(second) => Some((from, second)),
            Moment::Instant(_) => None,
        }
    }

    /// As instants, if its ends are.
    pub(super) fn instants(&self) -> Option<(Time, Time)> {
        match (self.from, self.to) {
            (Moment::Instant(from), Moment::Instant(to)) => Some((from, to)),
            _ => None,
        }
    }

    fn check(&self) -> Result<(), String> {
        let is_empty = match (self.local(), self.instants()) {
            (Some((from, to)), _) => from >= to,
            (_, Some((from, to))) => from >= to,
            (None, None) => {
                return Err(format!(
                    "range {} to {}: give both ends with an offset, or both without",
                    self.from, self.to
                ));
            }
        };
        match is_empty {
            true => Err(format!(
                "range {} to {}: it ends before it begins",
                self.from, self.to
            )),
            false => Ok(()),
        }
    }
}

impl Calendar {
    /// How many days, ranges and windows it has.
    pub fn entries(&self) -> usize {
        self.dates.len() + self.ranges.len() + self.weekly.len()
    }

    /// What no single part can tell on its own.
    ///
    /// # Errors
    /// What is wrong, beginning with the key.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.entries() == 0 {
            return Err("the calendar covers nothing: give it `dates`, `ranges` or `weekly`".into());
        }
        if self.entries() > ENTRIES_MAX {
            return Err(format!(
                "the calendar has {} dates, ranges and windows; at most {ENTRIES_MAX} are allowed",
                self.entries()
            ));
        }
        if self.weekly.len() > WEEKLY_MAX {
            return Err(format!(
                "weekly: {} windows given; at most {WEEKLY_MAX} are allowed",
                self.weekly.len()
            ));
        }
        if self.description.chars().count() > DESCRIPTION_CHARS_MAX {
            return Err(format!(
                "description: longer than {DESCRIPTION_CHARS_MAX} characters"
            ));
        }
        let bytes = value::of(self).map_err(|e| e.to_string())?.to_json().len();
        if bytes > CALENDAR_BYTES_MAX {
            return Err(format!(
                "the calendar takes {bytes} bytes; at most {CALENDAR_BYTES_MAX} are allowed: keep fewer years, or \
                 split it into several calendars"
            ));
        }
        Ok(())
    }
}

/// A calendar as it stands in the file, but for its name.
#[derive(Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, rename = "calendar")]
struct CalendarFile {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    description: String,
    #[serde(default)]
    timezone: Zone,
    /// Nobody has said what it covers after this; known for ever unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    known_until: Option<Moment>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    dates: BTreeSet<Day>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ranges: Vec<Range>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    weekly: Vec<Weekly>,
}

impl TryFrom<CalendarFile> for Calendar {
    type Error = String;

    fn try_from(f: CalendarFile) -> Result<Calendar, String> {
        let calendar = Calendar {
            description: f.description,
            timezone: f.timezone,
            known_until: f.known_until,
            dates: f.dates,
            ranges: f.ranges,
            weekly: f.weekly,
        };
        calendar.check()?;
        Ok(calendar)
    }
}

impl From<Calendar> for CalendarFile {
    fn from(c: Calendar) -> CalendarFile {
        CalendarFile {
            description: c.description,
            timezone: c.timezone,
            known_until: c.known_until,
            dates: c.dates,
            ranges: c.ranges,
            weekly: c.weekly,
        }
    }
}

#[derive(Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, rename = "range")]
struct RangeFile {
    from: Moment,
    to: Moment,
}

impl TryFrom<RangeFile> for Range {
    type Error = String;

    fn try_from(f: RangeFile) -> Result<Range, String> {
        let range = Range {
            from: f.from,
            to: f.to,
        };
        range.check()?;
        Ok(range)
    }
}

#[derive(Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, rename = "weekly")]
struct WeeklyFile {
    /// Every day unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<String>>))]
    days: Option<Weekdays>,
    /// 00:00 unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    from: Option<Clock>,
    /// 24:00 unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    to: Option<Clock>,
}

impl TryFrom<WeeklyFile> for Weekly {
    type Error = String;

    fn try_from(f: WeeklyFile) -> Result<Weekly, String> {
        let weekly = Weekly {
            days: f.days.unwrap_or(Weekdays::ALL),
            from: f.from.map_or(0, |clock| clock.0),
            to: f.to.map_or(DAY as u32, |clock| clock.0),
        };
        match weekly.from % DAY as u32 == weekly.to % DAY as u32 && weekly.to != DAY as u32 {
            true => Err(format!(
                "weekly: it begins and ends at {}, and so covers nothing; leave `from` and `to` out for whole days",
                Clock(weekly.to)
            )),
            false if weekly.from == DAY as u32 => {
                Err("weekly: a window cannot begin at 24:00; write 00:00 of the next day".into())
            }
            false => Ok(weekly),
        }
    }
}

impl From<Weekly> for WeeklyFile {
    fn from(w: Weekly) -> WeeklyFile {
        WeeklyFile {
            days: Some(w.days).filter(|days| *days != Weekdays::ALL),
            from: Some(Clock(w.from)).filter(|from| from.0 != 0),
            to: Some(Clock(w.to)).filter(|to| to.0 != DAY as u32),
        }
    }
}

#[cfg(feature = "openapi")]
crate::api::schema::written_as!(Calendar, CalendarFile);
#[cfg(feature = "openapi")]
crate::api::schema::written_as!(Range, RangeFile);
#[cfg(feature = "openapi")]
crate::api::schema::written_as!(Weekly, WeeklyFile);
