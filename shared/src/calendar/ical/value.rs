//! Dates, times and durations (RFC 5545, section 3.3).

use std::time::Duration;

use jiff::civil::DateTime;

use super::{IcalError, lines::Property, windows, wrong};
use crate::{
    calendar::Moment,
    schedule::{
        Zone, ZoneError,
        civil::{DAY, DAY_END, Date, YEAR_MAX, date_of, day_of, days_in_month},
    },
    time::Time,
};

/// Events may have begun before the first day that a calendar can cover, as birthdays have. The
/// Gregorian calendar repeats after so many days, which are whole weeks: earlier dates are
/// worked out as those of the next round.
pub const ROUND_DAYS: u32 = 146_097;
/// The same in years.
pub const ROUND_YEARS: u16 = 400;
/// The first year that is read: programs write it where they know of no other.
const YEAR_FIRST: u16 = 1601;

/// A date or time as it stands in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamp {
    /// A whole day, counted from 1970-01-01; earlier ones are below zero.
    Date(i32),
    /// A day, a second of it, and whose local time that is.
    Local {
        day: i32,
        second: u32,
        zone: Zone,
    },
    Utc(Time),
}

impl Stamp {
    /// The dates or times of a property, of which it may list several.
    pub fn read_all(property: &Property, floating: Zone) -> Result<Vec<Stamp>, IcalError> {
        let line = property.line;
        let zone = match property.parameter("TZID") {
            Some(name) => Some(zone(name).map_err(|e| IcalError {
                line,
                message: format!("TZID: {e}; the file's own definition of a zone is not looked at"),
            })?),
            None => None,
        };
        let is_date = match property.parameter("VALUE") {
            None => None,
            Some(kind) if kind.eq_ignore_ascii_case("DATE") => Some(true),
            Some(kind) if kind.eq_ignore_ascii_case("DATE-TIME") => Some(false),
            Some(kind) => return wrong(line, format!("{}: VALUE={kind} is not understood", property.name)),
        };
        let values = property.value.split(',');
        values
            .map(|text| {
                let stamp = read(text.trim(), zone.unwrap_or(floating)).ok_or_else(|| IcalError {
                    line,
                    message: format!(
                        "{}: `{}` is not a date (20261225) or time (20261225T180000, with Z for UTC) of the years 1601 to 2199",
                        property.name,
                        text.chars().take(40).collect::<String>()
                    ),
                })?;
                let has_fit = is_date.is_none_or(|is_date| is_date == matches!(stamp, Stamp::Date(_)));
                match has_fit {
                    true => Ok(stamp),
                    false => wrong(line, format!("{}: `{text}` is not what its VALUE says", property.name)),
                }
            })
            .collect()
    }

    /// The one date or time of a property.
    pub fn read(property: &Property, floating: Zone) -> Result<Stamp, IcalError> {
        match Stamp::read_all(property, floating)?.as_slice() {
            [one] => Ok(*one),
            _ => wrong(property.line, format!("{}: it lists several", property.name)),
        }
    }

    pub fn is_date(self) -> bool {
        matches!(self, Stamp::Date(_))
    }

    /// Day and second as they are written.
    pub fn local(self) -> (i32, u32) {
        match self {
            Stamp::Date(day) => (day, 0),
            Stamp::Local { day, second, .. } => (day, second),
            Stamp::Utc(at) => split(at.as_secs()),
        }
    }

    /// The instant, a day's being its local beginning. A local time that is jumped over is
    /// read with the offset before the jump, one that comes twice is the first (RFC 5545,
    /// section 3.3.5).
    pub fn instant(self, floating: Zone) -> Time {
        match self {
            Stamp::Date(day) => at_local(day, 0, floating),
            Stamp::Local { day, second, zone } => at_local(day, second, zone),
            Stamp::Utc(at) => at,
        }
    }
}

/// `20261225`, `20261225T180000` or `20261225T180000Z`.
fn read(text: &str, zone: Zone) -> Option<Stamp> {
    let is_ascii = text.is_ascii() && text.len() >= 8;
    let (date, time) = is_ascii.then(|| text.split_at(8))?;
    let day = day_number(date)?;
    if time.is_empty() {
        return Some(Stamp::Date(day));
    }
    let time = time.strip_prefix(['T', 't'])?;
    let (time, is_utc) = match time.strip_suffix(['Z', 'z']) {
        Some(time) => (time, true),
        None => (time, false),
    };
    if time.len() != 6 {
        return None;
    }
    let shown = format!("{}:{}:{}", &time[..2], &time[2..4], &time[4..]);
    // A leap second is the last one before it, as RFC 5545 lets.
    let shown = shown
        .strip_suffix(":60")
        .map_or(shown.clone(), |s| format!("{s}:59"));
    let second = crate::calendar::text::time_of_day(&shown).ok()?;
    if i64::from(second) == DAY {
        return None;
    }
    Some(match is_utc {
        true => Stamp::Utc(Time::from_secs(i64::from(day) * DAY + i64::from(second))),
        false => Stamp::Local { day, second, zone },
    })
}

/// Of `20261225`.
fn day_number(text: &str) -> Option<i32> {
    let number: u32 = match text.bytes().all(|b| b.is_ascii_digit()) {
        true => text.parse().ok()?,
        false => return None,
    };
    let (year, month, day) = (
        (number / 10_000) as u16,
        (number / 100 % 100) as u8,
        (number % 100) as u8,
    );
    let is_day = (YEAR_FIRST..=YEAR_MAX).contains(&year)
        && (1..=12).contains(&month)
        && day >= 1
        && u32::from(day) <= days_in_month(year, month);
    is_day.then(|| day_of(year + ROUND_YEARS, month, day) as i32 - ROUND_DAYS as i32)
}

/// Zones are known by their names, IANA's or those of Windows; some programs put something
/// before them.
///
/// # Errors
/// That it is no zone.
pub fn zone(name: &str) -> Result<Zone, ZoneError> {
    let name = name.trim();
    let parts: Vec<&str> = name.split('/').collect();
    let mut ends = (0..parts.len()).map(|from| parts[from..].join("/"));
    let known = ends.find(|end| Zone::names().any(|zone| zone == end));
    match (known, windows::zone(name)) {
        (None, Some(zone)) => Ok(zone),
        (known, _) => known.as_deref().unwrap_or(name).parse(),
    }
}

/// The instant of a local time.
pub fn at_local(day: i32, second: u32, zone: Zone) -> Time {
    let day = day.clamp(-(ROUND_DAYS as i32), DAY_END as i32 - 1);
    let Date { year, month, day } = date_of((day + ROUND_DAYS as i32) as u32);
    let year = year - ROUND_YEARS;
    let (h, m, s) = (
        (second / 3600) as i8,
        (second / 60 % 60) as i8,
        (second % 60) as i8,
    );
    let civil = DateTime::new(year as i16, month as i8, day as i8, h, m, s, 0);
    civil.map_or(Time::EPOCH, |civil| zone.instant(civil))
}

/// The day of a second, and the second of that day.
pub fn split(second: i64) -> (i32, u32) {
    (second.div_euclid(DAY) as i32, second.rem_euclid(DAY) as u32)
}

/// An instant as people write it: in local time, unless that comes twice.
pub fn moment(at: Time, zone: Zone) -> Moment {
    let second = at.as_secs() + zone.offset(at);
    let moment = Moment::Local(second);
    match instant(moment, zone) == Moment::Instant(at) && at.as_millis() % 1000 == 0 && !is_twice(at, zone) {
        true => moment,
        false => Moment::Instant(at),
    }
}

fn is_twice(at: Time, zone: Zone) -> bool {
    let hours = Duration::from_secs(86_400);
    let local = at.as_secs() + zone.offset(at);
    let mut changes = zone.changes(at - hours, at + hours);
    changes.any(|change| {
        let (from, until) = (
            change.at.as_secs() + change.after,
            change.at.as_secs() + change.before,
        );
        from <= local && local < until
    })
}

/// A local moment as the instant that it is.
pub fn instant(moment: Moment, zone: Zone) -> Moment {
    match moment {
        Moment::Local(second) => {
            let day = second.div_euclid(DAY).clamp(0, i64::from(DAY_END) - 1);
            Moment::Instant(at_local(day as i32, second.rem_euclid(DAY) as u32, zone))
        }
        other => other,
    }
}

/// A duration: days, which are local ones, and a time beside them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length {
    pub days: u32,
    pub seconds: u32,
}

impl Length {
    /// `P1D`, `PT8H30M`, `P2W`.
    pub fn read(property: &Property) -> Result<Length, IcalError> {
        match length(property.value.trim()) {
            Some(length) => Ok(length),
            None => wrong(
                property.line,
                format!(
                    "DURATION: `{}` is not a duration such as P1D or PT8H30M",
                    property.value
                ),
            ),
        }
    }
}

fn length(text: &str) -> Option<Length> {
    let text = text.strip_prefix('+').unwrap_or(text).strip_prefix('P')?;
    let (days, times) = match text.split_once('T') {
        Some((days, times)) if !times.is_empty() => (days, times),
        Some(_) => return None,
        None => (text, ""),
    };
    if days.is_empty() && times.is_empty() {
        return None;
    }
    let sum = |mut text: &str, units: &[(char, u32)]| {
        let mut sum = 0u32;
        for (unit, factor) in units {
            if let Some((number, rest)) = text.split_once(*unit) {
                let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
                let number: u32 = is_number.then(|| number.parse().ok()).flatten()?;
                sum = sum.checked_add(number.checked_mul(*factor)?)?;
                text = rest;
            }
        }
        text.is_empty().then_some(sum)
    };
    let length = Length {
        days: sum(days, &[('W', 7), ('D', 1)])?,
        seconds: sum(times, &[('H', 3600), ('M', 60), ('S', 1)])?,
    };
    (length.days <= 3660 && length.seconds <= 3660 * DAY as u32 / 10).then_some(length)
}
