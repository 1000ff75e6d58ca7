//! Dates, times and durations (RFC 5545, section 3.3).

use std::time::Duration;

use jiff::civil::DateTime;

use super::{IcalError, lines::Property, wrong};
use crate::{
    calendar::{Day, Moment},
    schedule::{
        Zone,
        civil::{DAY, DAY_END, Date, date_of},
    },
    time::Time,
};

/// A date or time as it stands in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamp {
    /// A whole day, counted from 1970-01-01.
    Date(u32),
    /// A day, a second of it, and whose local time that is.
    Local {
        day: u32,
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
            Some(name) => Some(zone(line, name)?),
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
                        "{}: `{}` is not a date (20261225) or time (20261225T180000, with Z for UTC) of the years 1970 to 2199",
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
    let shown = format!("{}-{}-{}", &date[..4], &date[4..6], &date[6..]);
    let Ok(Day::Date(day)) = shown.parse::<Day>() else {
        return None;
    };
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

/// Zones are known by their names; some programs put something before them.
fn zone(line: usize, name: &str) -> Result<Zone, IcalError> {
    let name = name.trim();
    let parts: Vec<&str> = name.split('/').collect();
    let mut ends = (0..parts.len()).map(|from| parts[from..].join("/"));
    let known = ends.find(|end| Zone::names().any(|zone| zone == end));
    match known.as_deref().unwrap_or(name).parse() {
        Ok(zone) => Ok(zone),
        Err(e) => wrong(
            line,
            format!("TZID: {e}; the file's own definition of a zone is not looked at"),
        ),
    }
}

/// The instant of a local time.
pub fn at_local(day: u32, second: u32, zone: Zone) -> Time {
    let day = day.min(DAY_END - 1);
    let Date { year, month, day } = date_of(day);
    let (h, m, s) = (
        (second / 3600) as i8,
        (second / 60 % 60) as i8,
        (second % 60) as i8,
    );
    let civil = DateTime::new(year as i16, month as i8, day as i8, h, m, s, 0);
    let zoned = civil.and_then(|civil| civil.to_zoned(zone.time_zone().clone()));
    zoned.map_or(Time::EPOCH, |zoned| Time::from(zoned.timestamp()))
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
            Moment::Instant(at_local(day as u32, second.rem_euclid(DAY) as u32, zone))
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
