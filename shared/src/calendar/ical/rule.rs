//! Recurrence rules (RFC 5545, section 3.3.10), by days: those that say other hours than the
//! event's own, or which weeks or days of a year, are refused.

use std::collections::BTreeSet;

use super::{
    IcalError,
    lines::Property,
    value::{ROUND_DAYS, ROUND_YEARS, Stamp},
    wrong,
};
use crate::{
    calendar::Weekdays,
    schedule::{
        Zone,
        civil::{DAY_END, YEAR_MAX, date_of, day_of, days_in_month, weekday_of},
    },
    time::Time,
};

/// A rule that is understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    frequency: Frequency,
    interval: u32,
    count: Option<u32>,
    pub until: Option<Until>,
    /// By number, and 0 for Sunday; without a number all of them.
    by_day: Vec<(i32, u32)>,
    by_month_day: Vec<i32>,
    by_month: Vec<u8>,
    by_position: Vec<i32>,
    week_start: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Frequency {
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

/// The last moment at which an occurrence may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    Day(i32),
    Instant(Time),
}

const DAYS: [&str; 7] = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"];

/// The day after the last one, in the next round.
const ROUND_END: u32 = DAY_END + ROUND_DAYS;
/// The last year, in the next round.
const ROUND_YEAR_MAX: u16 = YEAR_MAX + ROUND_YEARS;

impl Rule {
    /// Reads the rule of an event that begins at `start`.
    pub fn read(property: &Property, start: Stamp, floating: Zone) -> Result<Rule, IcalError> {
        let line = property.line;
        let mut rule = Rule {
            frequency: Frequency::Daily,
            interval: 1,
            count: None,
            until: None,
            by_day: Vec::new(),
            by_month_day: Vec::new(),
            by_month: Vec::new(),
            by_position: Vec::new(),
            week_start: 1,
        };
        let second = start.local().1 as i32;
        let (mut frequency, mut seen) = (None, Vec::new());
        for part in property.value.split(';').filter(|part| !part.is_empty()) {
            let Some((name, value)) = part.split_once('=') else {
                return wrong(line, format!("RRULE: `{part}` is not NAME=VALUE"));
            };
            let (name, value) = (
                name.trim().to_ascii_uppercase(),
                value.trim().to_ascii_uppercase(),
            );
            let not = || IcalError {
                line,
                message: format!("RRULE: {name}={value} is not understood"),
            };
            if seen.contains(&name) {
                return wrong(line, format!("RRULE: {name} is given twice"));
            }
            match name.as_str() {
                "FREQ" => {
                    frequency = Some(match value.as_str() {
                        "DAILY" => Frequency::Daily,
                        "WEEKLY" => Frequency::Weekly,
                        "MONTHLY" => Frequency::Monthly,
                        "YEARLY" => Frequency::Yearly,
                        _ => return Err(not()),
                    })
                }
                "INTERVAL" => rule.interval = number(&value, 1, 10_000).ok_or_else(not)? as u32,
                "COUNT" => rule.count = Some(number(&value, 1, 1_000_000).ok_or_else(not)? as u32),
                "UNTIL" => rule.until = Some(until(property, &value, floating)?),
                "BYDAY" => rule.by_day = list(&value, by_day).ok_or_else(not)?,
                "BYMONTHDAY" => {
                    rule.by_month_day =
                        list(&value, |v| number(v, -31, 31).filter(|n| *n != 0)).ok_or_else(not)?
                }
                "BYMONTH" => {
                    rule.by_month = list(&value, |v| number(v, 1, 12).map(|n| n as u8)).ok_or_else(not)?
                }
                "BYSETPOS" => {
                    rule.by_position =
                        list(&value, |v| number(v, -366, 366).filter(|n| *n != 0)).ok_or_else(not)?
                }
                "WKST" => rule.week_start = by_day(&value).filter(|d| d.0 == 0).ok_or_else(not)?.1,
                "BYHOUR" => own(&value, second / 3600).ok_or_else(not)?,
                "BYMINUTE" => own(&value, second / 60 % 60).ok_or_else(not)?,
                "BYSECOND" => own(&value, second % 60).ok_or_else(not)?,
                _ => return Err(not()),
            }
            seen.push(name);
        }
        rule.frequency = match frequency {
            Some(frequency) => frequency,
            None => return wrong(line, "RRULE: it has no FREQ"),
        };
        rule.check(line)?;
        Ok(rule)
    }

    fn check(&self, line: usize) -> Result<(), IcalError> {
        let has_numbers = self.by_day.iter().any(|(n, _)| *n != 0);
        let is_long = matches!(self.frequency, Frequency::Monthly | Frequency::Yearly);
        let has_any = !(self.by_day.is_empty() && self.by_month_day.is_empty() && self.by_month.is_empty());
        let reason = match () {
            () if self.count.is_some() && self.until.is_some() => "COUNT and UNTIL exclude each other",
            () if has_numbers && !is_long => "numbered days go with FREQ=MONTHLY and YEARLY only",
            () if self.frequency == Frequency::Weekly && !self.by_month_day.is_empty() => {
                "BYMONTHDAY does not go with FREQ=WEEKLY"
            }
            () if !self.by_position.is_empty() && !has_any => "BYSETPOS needs another BY… to choose from",
            () => return Ok(()),
        };
        wrong(line, format!("RRULE: {reason}"))
    }

    /// The days of the week that it gives, if it gives them in each week and for ever.
    pub fn weekdays(&self, first: i32) -> Option<Weekdays> {
        let is_bounded = self.count.is_some() || self.until.is_some();
        let has_others =
            !(self.by_month.is_empty() && self.by_month_day.is_empty() && self.by_position.is_empty());
        if is_bounded || has_others || self.interval != 1 {
            return None;
        }
        let by_day = self.by_day.iter().map(|(_, day)| *day);
        match self.frequency {
            Frequency::Daily | Frequency::Weekly if !self.by_day.is_empty() => Some(by_day.collect()),
            Frequency::Daily => Some(Weekdays::ALL),
            Frequency::Weekly => Some(
                [weekday_of((first + ROUND_DAYS as i32) as u32)]
                    .into_iter()
                    .collect(),
            ),
            Frequency::Monthly | Frequency::Yearly => None,
        }
    }

    /// The days after the first one on which occurrences begin, oldest first; without an end
    /// unless the rule has one by `COUNT`, which counts the first one. What lies before `from`
    /// may be left out.
    pub fn days_after(&self, first: i32, from: i32) -> impl Iterator<Item = i32> + '_ {
        let round = |day: i32| (day + ROUND_DAYS as i32).max(0) as u32;
        let (first, from) = (round(first), round(from));
        let numbers = self.periods_before(first, from)..;
        let periods = numbers.map_while(move |n: u32| self.period(first, n.checked_mul(self.interval)?));
        periods
            .flat_map(move |period| self.chosen(first, period))
            .filter(move |day| *day > first)
            .take(self.count.map_or(usize::MAX, |n| n as usize - 1))
            .map(|day| day as i32 - ROUND_DAYS as i32)
    }

    /// How many of the rule's periods surely end by a day, and need not be looked at.
    fn periods_before(&self, first: u32, day: u32) -> u32 {
        let days_most = match self.frequency {
            Frequency::Daily => 1,
            Frequency::Weekly => 7,
            Frequency::Monthly => 31,
            Frequency::Yearly => 366,
        };
        match self.count {
            Some(_) => 0,
            None => day.saturating_sub(first) / days_most / self.interval,
        }
    }

    /// The `n`th period after the one of the first day, as days from one to before another.
    fn period(&self, first: u32, n: u32) -> Option<(u32, u32)> {
        let date = date_of(first);
        let (from, until) = match self.frequency {
            Frequency::Daily => (first.checked_add(n)?, first.checked_add(n)?.checked_add(1)?),
            Frequency::Weekly => {
                let back = (weekday_of(first) + 7 - self.week_start) % 7;
                let week = (first - back).checked_add(n.checked_mul(7)?)?;
                (week, week.checked_add(7)?)
            }
            Frequency::Monthly => {
                let month = (u32::from(date.year) * 12 + u32::from(date.month) - 1).checked_add(n)?;
                let (year, month) = (u16::try_from(month / 12).ok()?, (month % 12) as u8 + 1);
                if year > ROUND_YEAR_MAX {
                    return None;
                }
                let from = day_of(year, month, 1);
                (from, from + days_in_month(year, month))
            }
            Frequency::Yearly => {
                let year = u16::try_from(u32::from(date.year).checked_add(n)?)
                    .ok()
                    .filter(|y| *y <= ROUND_YEAR_MAX)?;
                (day_of(year, 1, 1), day_of(year + 1, 1, 1))
            }
        };
        (from < ROUND_END).then_some((from, until.min(ROUND_END)))
    }

    /// The days of a period that the rule chooses.
    fn chosen(&self, first: u32, (from, until): (u32, u32)) -> Vec<u32> {
        let days: Vec<u32> = (from..until).filter(|day| self.matches(first, *day)).collect();
        if self.by_position.is_empty() {
            return days;
        }
        let at = |position: &i32| match *position {
            n if n > 0 => days.get(n as usize - 1),
            n => days
                .len()
                .checked_sub(n.unsigned_abs() as usize)
                .and_then(|i| days.get(i)),
        };
        let mut chosen: Vec<u32> = self.by_position.iter().filter_map(at).copied().collect();
        chosen.sort_unstable();
        chosen.dedup();
        chosen
    }

    fn matches(&self, first: u32, day: u32) -> bool {
        let (date, begun) = (date_of(day), date_of(first));
        let of_month = days_in_month(date.year, date.month) as i32;
        let in_month = |n: &i32| *n == i32::from(date.day) || *n == i32::from(date.day) - of_month - 1;
        // Where the rule does not say, the first occurrence does.
        let has_days = !self.by_day.is_empty() || !self.by_month_day.is_empty();
        let by_first = match self.frequency {
            _ if has_days => true,
            Frequency::Daily => true,
            Frequency::Weekly => weekday_of(day) == weekday_of(first),
            Frequency::Monthly => date.day == begun.day,
            Frequency::Yearly => {
                date.day == begun.day && (!self.by_month.is_empty() || date.month == begun.month)
            }
        };
        by_first
            && (self.by_month.is_empty() || self.by_month.contains(&date.month))
            && (self.by_month_day.is_empty() || self.by_month_day.iter().any(in_month))
            && (self.by_day.is_empty() || self.by_day.iter().any(|by| self.is_day(*by, day)))
    }

    /// Whether a day is such a weekday, or the `n`th of its month or year.
    fn is_day(&self, (n, weekday): (i32, u32), day: u32) -> bool {
        if weekday_of(day) != weekday || n == 0 {
            return weekday_of(day) == weekday;
        }
        let date = date_of(day);
        let is_of_year = self.frequency == Frequency::Yearly && self.by_month.is_empty();
        let (start, end) = match is_of_year {
            true => (day_of(date.year, 1, 1), day_of(date.year + 1, 1, 1)),
            false => {
                let start = day_of(date.year, date.month, 1);
                (start, start + days_in_month(date.year, date.month))
            }
        };
        let from_start = ((day - start) / 7 + 1) as i32;
        let from_end = -(((end - 1 - day) / 7 + 1) as i32);
        n == from_start || n == from_end
    }
}

/// One number, which is the event's own.
fn own(text: &str, own: i32) -> Option<()> {
    number(text, own, own).map(|_| ())
}

fn number(text: &str, least: i32, most: i32) -> Option<i32> {
    let digits = text.trim_start_matches(['+', '-']);
    let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let number: i32 = is_number.then(|| text.parse().ok()).flatten()?;
    (least..=most).contains(&number).then_some(number)
}

/// Sorted, each once: a day is looked up in it.
fn list<T: Ord>(text: &str, read: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    let all: Option<BTreeSet<T>> = text.split(',').map(|one| read(one.trim())).collect();
    Some(all?.into_iter().collect())
}

/// `MO`, `2TU` or `-1FR`.
fn by_day(text: &str) -> Option<(i32, u32)> {
    let split = text
        .len()
        .checked_sub(2)
        .filter(|at| text.is_char_boundary(*at))?;
    let (n, name) = text.split_at(split);
    let weekday = DAYS.iter().position(|day| *day == name)? as u32;
    match n {
        "" => Some((0, weekday)),
        n => Some((number(n, -53, 53).filter(|n| *n != 0)?, weekday)),
    }
}

fn until(property: &Property, value: &str, floating: Zone) -> Result<Until, IcalError> {
    let property = Property {
        name: "RRULE: UNTIL".to_owned(),
        parameters: Vec::new(),
        value: value.to_owned(),
        ..property.clone()
    };
    Ok(match Stamp::read(&property, floating)? {
        Stamp::Date(day) => Until::Day(day),
        stamp => Until::Instant(stamp.instant(floating)),
    })
}
