//! How days, times of day and weekdays are written.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Day, Moment};
use crate::{
    file::value::{Located, Read, Value, ValueError},
    schedule::civil::{DAY, DAY_END, Date, YEAR_MAX, YEAR_MIN, date_of, day_of, days_in_month},
    time::Time,
};

/// Days of the week.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Weekdays(u8);

/// From Monday, as weeks are written; the number is the schedule's, from Sunday.
const NAMES: [(&str, &str, u8); 7] = [
    ("mon", "monday", 1),
    ("tue", "tuesday", 2),
    ("wed", "wednesday", 3),
    ("thu", "thursday", 4),
    ("fri", "friday", 5),
    ("sat", "saturday", 6),
    ("sun", "sunday", 0),
];

impl Weekdays {
    pub const ALL: Weekdays = Weekdays(0x7f);

    /// All of these and those.
    #[must_use]
    pub fn and(self, others: Weekdays) -> Weekdays {
        Weekdays(self.0 | others.0)
    }

    /// The days that follow these after so many.
    #[must_use]
    pub fn later(self, days: u32) -> Weekdays {
        (0..7)
            .filter(|day| self.contains(*day))
            .map(|day| (day + days) % 7)
            .collect()
    }

    /// 0 for Sunday to 6 for Saturday.
    pub fn contains(self, weekday: u32) -> bool {
        weekday < 7 && self.0 & (1 << weekday) != 0
    }
}

/// Of 0 for Sunday to 6 for Saturday.
impl FromIterator<u32> for Weekdays {
    fn from_iter<I: IntoIterator<Item = u32>>(days: I) -> Weekdays {
        Weekdays(days.into_iter().fold(0, |all, day| all | 1 << (day % 7)))
    }
}

/// The place of a weekday in [`NAMES`].
fn weekday(name: &str) -> Result<usize, String> {
    let lower = name.trim().to_ascii_lowercase();
    NAMES
        .iter()
        .position(|(short, long, _)| lower == *short || lower == *long)
        .ok_or_else(|| {
            format!("`{name}` is not a day of the week; write mon, tue, wed, thu, fri, sat, sun, or a range such as mon-fri")
        })
}

impl FromStr for Weekdays {
    type Err = String;

    /// Names and ranges, with commas between them; a range may go over the week's end.
    fn from_str(text: &str) -> Result<Weekdays, String> {
        let mut days = 0;
        for part in text.split(',') {
            let (first, last) = match part.split_once('-') {
                Some((first, last)) => (weekday(first)?, weekday(last)?),
                None => (weekday(part)?, weekday(part)?),
            };
            let length = (last + 7 - first) % 7;
            for i in first..=first + length {
                days |= 1 << NAMES[i % 7].2;
            }
        }
        Ok(Weekdays(days))
    }
}

impl fmt::Display for Weekdays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut at, mut is_first) = (0, true);
        while at < 7 {
            let length = NAMES[at..]
                .iter()
                .take_while(|(_, _, day)| self.contains(u32::from(*day)))
                .count();
            if length == 0 {
                at += 1;
                continue;
            }
            let sep = if is_first { "" } else { "," };
            let (first, last) = (NAMES[at].0, NAMES[at + length - 1].0);
            match length {
                1 => write!(f, "{sep}{first}")?,
                2 => write!(f, "{sep}{first},{last}")?,
                _ => write!(f, "{sep}{first}-{last}")?,
            }
            (at, is_first) = (at + length, false);
        }
        Ok(())
    }
}

impl fmt::Debug for Weekdays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A day's number from its text, `2026-12-25`.
fn date(text: &str) -> Option<Result<u32, String>> {
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() != 4 || month.len() != 2 || day.len() != 2 {
        return None;
    }
    let (year, month, day) = (digits(year)?, digits(month)?, digits(day)?);
    if !(u32::from(YEAR_MIN)..=u32::from(YEAR_MAX)).contains(&year) {
        return Some(Err(format!("`{text}`: years are {YEAR_MIN} to {YEAR_MAX}")));
    }
    let (year, month, day) = (year as u16, month as u8, day as u8);
    Some(match is_day(year, month, day) {
        true => Ok(day_of(year, month, day)),
        false => Err(format!("`{text}`: there is no such day")),
    })
}

fn is_day(year: u16, month: u8, day: u8) -> bool {
    (1..=12).contains(&month) && day >= 1 && u32::from(day) <= days_in_month(year, month)
}

fn digits(text: &str) -> Option<u32> {
    let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

fn show_date(f: &mut fmt::Formatter<'_>, day: u32) -> fmt::Result {
    let Date { year, month, day } = date_of(day);
    write!(f, "{year:04}-{month:02}-{day:02}")
}

impl FromStr for Day {
    type Err = String;
    fn from_str(text: &str) -> Result<Day, String> {
        if let Some(date) = date(text.trim()) {
            return date.map(Day::Date);
        }
        let yearly = text.trim().split_once('-').and_then(|(month, day)| {
            (month.len() == 2 && day.len() == 2).then_some((digits(month)? as u8, digits(day)? as u8))
        });
        match yearly {
            // 2000 was a leap year: 29 February is a day of some years.
            Some((month, day)) if is_day(2000, month, day) => Ok(Day::Yearly { month, day }),
            Some(_) => Err(format!("`{text}`: there is no such day")),
            None => Err(format!(
                "`{text}` is not a date; write one such as 2026-12-25, or 12-25 for each year"
            )),
        }
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Day::Yearly { month, day } => write!(f, "{month:02}-{day:02}"),
            Day::Date(day) => show_date(f, *day),
        }
    }
}

/// Seconds of the day from `22:00` or `22:00:30`; `24:00` is its end.
pub(super) fn time_of_day(text: &str) -> Result<u32, String> {
    let wrong = || format!("`{text}` is not a time of day; write one such as 08:30 or 22:00:30, up to 24:00");
    let mut parts = text.trim().split(':');
    let two = |part: Option<&str>| part.filter(|p| p.len() == 2).and_then(digits).ok_or_else(wrong);
    let (hour, minute) = (two(parts.next())?, two(parts.next())?);
    let second = match parts.next() {
        Some(second) => two(Some(second))?,
        None => 0,
    };
    let is_end = (hour, minute, second) == (24, 0, 0);
    if parts.next().is_some() || minute > 59 || second > 59 || (hour > 23 && !is_end) {
        return Err(wrong());
    }
    Ok(hour * 3600 + minute * 60 + second)
}

pub(super) fn show_time(f: &mut fmt::Formatter<'_>, second: u32) -> fmt::Result {
    write!(f, "{:02}:{:02}", second / 3600, second / 60 % 60)?;
    match second % 60 {
        0 => Ok(()),
        s => write!(f, ":{s:02}"),
    }
}

impl FromStr for Moment {
    type Err = String;
    fn from_str(text: &str) -> Result<Moment, String> {
        let text = text.trim();
        if let Some(date) = date(text) {
            return date.map(Moment::Date);
        }
        let wrong = || {
            format!(
                "`{text}` is not a date or time; write 2026-12-24, 2026-12-24T18:00 (local), or \
                 2026-12-24T18:00:00Z"
            )
        };
        let (day, time) = text.split_once(['T', 't', ' ']).ok_or_else(wrong)?;
        let day = date(day).ok_or_else(wrong)??;
        if time.contains(['Z', 'z', '+', '-']) {
            return text.parse::<Time>().map(Moment::Instant);
        }
        let time = time_of_day(time).map_err(|_| wrong())?;
        Ok(Moment::Local(i64::from(day) * DAY + i64::from(time)))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Moment::Date(day) => show_date(f, *day),
            Moment::Local(second) => {
                let day = second.div_euclid(DAY).clamp(0, i64::from(DAY_END) - 1);
                show_date(f, day as u32)?;
                f.write_str("T")?;
                show_time(f, second.rem_euclid(DAY) as u32)
            }
            Moment::Instant(at) if at.as_millis() % 1000 == 0 => write!(f, "{}", at.timestamp()),
            Moment::Instant(at) => write!(f, "{at}"),
        }
    }
}

/// Written as text. TOML has dates and times of its own, which count as what they show.
macro_rules! written_as_text {
    ($($type:ty, $expecting:literal;)*) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl Read for $type {
            fn read(found: Located) -> Result<$type, ValueError> {
                let at = found.at;
                let text = found.into_text($expecting)?;
                text.parse().map_err(|why| ValueError::of(at, &why))
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<$type, D::Error> {
                struct Visitor;
                impl<'de> de::Visitor<'de> for Visitor {
                    type Value = $type;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expecting)
                    }

                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$type, E> {
                        text.parse().map_err(E::custom)
                    }

                    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<$type, A::Error> {
                        let map = de::value::MapAccessDeserializer::new(map);
                        let value = toml::value::Datetime::deserialize(map)?;
                        value.to_string().parse().map_err(de::Error::custom)
                    }
                }
                d.deserialize_str(Visitor)
            }
        }
    )*};
}

/// A time of day, in seconds from midnight to the day's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clock(pub u32);

impl FromStr for Clock {
    type Err = String;
    fn from_str(text: &str) -> Result<Clock, String> {
        time_of_day(text).map(Clock)
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show_time(f, self.0)
    }
}

written_as_text! {
    Day, "a date such as 2026-12-25, or 12-25 for each year";
    Moment, "a date such as 2026-12-24, a local time such as 2026-12-24T18:00, or an instant such as 2026-12-24T18:00:00Z";
    Clock, "a time of day such as 08:30";
}

impl Serialize for Weekdays {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(self.to_string().split(','))
    }
}

const WEEKDAYS: &str = "days of the week, such as mon-fri or [sat, sun]";

impl Weekdays {
    /// # Errors
    /// None are given.
    fn of_list(days: Vec<Weekdays>) -> Result<Weekdays, String> {
        match days.iter().fold(0, |all, days| all | days.0) {
            0 => Err("days: none given; leave `days` out for every day".to_owned()),
            days => Ok(Weekdays(days)),
        }
    }
}

impl Read for Weekdays {
    fn read(found: Located) -> Result<Weekdays, ValueError> {
        let at = found.at;
        if matches!(found.value, Value::List(_)) {
            return Weekdays::of_list(Read::read(found)?).map_err(|why| ValueError::of(at, &why));
        }
        let text = found.into_text(WEEKDAYS)?;
        text.parse().map_err(|why| ValueError::of(at, &why))
    }
}

impl<'de> Deserialize<'de> for Weekdays {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Weekdays, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Weekdays;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(WEEKDAYS)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Weekdays, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Weekdays, A::Error> {
                let mut days = Vec::new();
                while let Some(some) = seq.next_element()? {
                    days.push(some);
                }
                Weekdays::of_list(days).map_err(de::Error::custom)
            }
        }
        d.deserialize_any(Visitor)
    }
}
